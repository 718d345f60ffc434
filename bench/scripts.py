"""What is said: (recording or voice, words, milliseconds of pause after them), piece by piece."""

Script = tuple[tuple[str, str, int], ...]


def _spell_digits(number: str, pause_after: int = 0) -> Script:
    """Return a number as digits spoken slowly, one by one, as people read it from a card."""
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    last = len(number) - 1
    return tuple(
        (f"digits/{digit}", names[int(digit)], pause_after if at == last else 120) for at, digit in enumerate(number)
    )


def _build_script(recording: str, words: str) -> Script:
    return ((recording, words, 0),)


# Recordings of a person. In one breath: as their speaker paused, which some do amid them.
PROMPTS: tuple[Script, ...] = (
    _build_script("followme/pls-hold-while-try", "Please hold while I try to locate the person you are calling."),
    _build_script("agent-newlocation", "Please enter a new extension, followed by pound."),
    _build_script("conf-onlyperson", "You are currently the only person in this conference."),
    _build_script("vm-nobodyavail", "Nobody is available to take your call at the moment."),
    _build_script("feature-not-avail-line", "That feature is not available on this line."),
    _build_script("privacy-prompt", "Please enter your phone number, starting with the area code."),
    _build_script("demo-nomatch", "I'm sorry there are no matches for those keywords."),
    _build_script("vm-mailboxfull", "Sorry, but the user's mailbox can't accept more messages."),
    _build_script("followme/sorry", "I'm sorry, but I was unable to locate the person you are calling."),
    _build_script("priv-callpending", "I have a caller waiting, who introduces themselves as:"),
    _build_script("number-not-answering", "That number is not answering."),
    _build_script("please-try-call-later", "Please try your call later."),
    _build_script(
        "ss-noservice", "The number you have dialed is not in service. Please check the number and try again."
    ),
    _build_script("pbx-invalidpark", "I am sorry, there is no call parked on that extension. Please try again."),
    # With the pauses of somebody who thinks while speaking.
    (("telephone-number", "Telephone number", 450), *_spell_digits("551", 700), *_spell_digits("4207")),
    (("vm-tocallnum", "To call this number", 600), ("vm-press", "press", 350), *_spell_digits("5")),
    (("hours", "Hours", 300), ("vm-and", "and", 900), ("minutes", "minutes.", 0)),
    (
        ("vm-enter-num-to-call", "Please enter the number you wish to call", 500),
        *_spell_digits("86", 400),
        *_spell_digits("31"),
    ),
    (("followme/call-from", "Call from", 800), ("vm-extension", "extension", 400), *_spell_digits("2046")),
    (("you-entered", "You entered", 700), *_spell_digits("19", 500), ("vm-and", "and", 600), *_spell_digits("73")),
    (("im-sorry", "I'm sorry,", 400), ("vm-isunavail", "is unavailable", 700), ("digits/today", "today.", 0)),
    (("is-set-to", "Is set to", 500), *_spell_digits("8", 600), ("minutes", "minutes.", 0)),
    (("vm-message", "Message", 350), ("vm-from", "from", 1100), ("vm-unknown-caller", "an unknown caller.", 0)),
    (
        ("transfer", "Transfer", 400),
        ("to-extension", "to extension", 1000),
        *_spell_digits("3", 300),
        *_spell_digits("07"),
    ),
)


def _parse_script(line: str) -> Script:
    """Return the script of “words |600| words”: a pause of 600 ms between them, spoken by a synthetic voice."""
    parts = [part.strip() for part in line.split("|")]
    return tuple(("", words, int(pause)) for words, pause in zip(parts[::2], [*parts[1::2], "0"], strict=True))


# At each pause the words so far ask for more.
SCRIPTS: tuple[Script, ...] = tuple(
    map(
        _parse_script,
        (
            "I would like to |600| book a table |450| for four people.",
            "Can you tell me when |700| the next train to Hamburg leaves?",
            "My number is five five one |650| four two |400| zero seven.",
            "I need a hotel in |800| Vienna for two nights.",
            "So the thing is that |500| I lost my ticket and |700| I need a new one.",
            "Please remind me to |900| call my mother at six.",
            "What is the weather going to be like in |600| Lisbon on Friday?",
            "I was wondering if |550| you could help me with |450| my tax return.",
            "The address is |700| twenty three |350| Baker Street.",
            "Well, um, |800| I think I would prefer the |500| blue one.",
            "Could you add milk, |400| eggs, |450| and some bread to my list?",
            "It was in March or |700| maybe in April when we moved.",
            "My date of birth is the |600| fourth of |400| June nineteen eighty.",
            "If it rains tomorrow then |650| please cancel the picnic.",
            "I want to fly from |500| Berlin to |750| Lisbon on Monday.",
            "Tell me a story about |850| a dragon and a |400| clever princess.",
            "The order number is |500| A seven |450| nine nine |400| two four.",
            "Because the |600| heating does not work I |500| would like a refund.",
            "How do I get to the |700| airport from here?",
            "I have a meeting with |900| Doctor Miller at ten.",
            "We need about |600| two hundred |500| chairs for the wedding.",
            "Please send it to |800| my sister in Dublin.",
            "Let me think, |700| the name was |600| Anderson with an o.",
            "When I press the button |500| nothing happens, and |800| the light stays red.",
            "Is there a |650| vegetarian dish on the menu?",
            "I cannot open the door because |750| the key is |350| stuck.",
            "First turn on the oven, then |800| mix the flour with |500| the butter.",
            "The price should be around |600| forty |350| five euros.",
            "Do you know whether |700| the shop is open on Sunday?",
            "I would rather have |550| tea than |450| coffee, please.",
            "There are three of us, so |800| we need a bigger car.",
            "Play something by |900| Mozart, but |500| not too loud.",
            "The problem started when |600| I updated my phone.",
            "Could you please |500| speak a bit |400| more slowly?",
            "I am looking for a book about |850| the history of Rome.",
            "Set a timer for |600| twenty |350| five minutes.",
            "My name is spelled |500| B R |400| A U |450| N.",
            "I think that we should |1000| leave before it gets dark.",
            "How much is |700| a ticket for |400| two adults and |600| one child?",
            "The car is parked behind |800| the old church.",
            "Please translate |600| good morning into |700| Portuguese.",
            "I want the one with |1200| the big windows.",
            "We could meet at |650| eight or |500| maybe at nine.",
            "Before I forget it, |700| what was the name of |600| that restaurant?",
        ),
    )
)
