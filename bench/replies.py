"""What the emulated language model answers: the same words to the same question of the same caller, never twice alike
within a conversation, so that no cache of speech knows more than the openers that people hear again and again."""

from hashlib import sha256

OPENERS = ("Sure,", "Of course,", "Good question,", "Let me see,", "Right,", "Yes,", "Okay,", "", "", "")
PLACES = ("the library", "the museum", "the town hall", "the swimming pool", "the post office", "the garden centre",
          "the pharmacy", "the ticket office", "the bicycle shop", "the clinic")  # fmt: skip
DAYS = ("today", "tomorrow", "on Monday", "on Tuesday", "on Thursday", "on Friday", "this weekend")
ENDS = (
    "You can still call them until noon.",
    "The side entrance stays open a little longer.",
    "So you have plenty of time to get there.",
    "The next bus leaves from the main square.",
    "It is best to book a place before you go.",
    "I can remind you an hour before, if you like.",
)
# For callers who interrupt: half a minute of speech.
STORIES = (
    "Gladly, here is the story of the old lighthouse. Long ago a keeper named Martha lived on the rock with her two "
    "dogs and a piano that the sea had brought. Every evening she lit the lamp, counted the ships, and played until "
    "the fog came in. One winter the supply boat did not arrive for seven weeks, so she learned to bake with seaweed "
    "flour and to mend her boots with sailcloth. When the captain finally reached the landing he found her laughing, "
    "because the dogs had learned to howl in tune with the piano.",
    "Of course, let me tell you how the market came to the square. In the beginning there was only a well and a "
    "walnut tree, where farmers rested on their way to the river. One of them sold three baskets of pears before he "
    "had even unloaded his cart, and the next morning five others came with cheese, candles and woollen socks. The "
    "mayor wanted to chase them away, but his wife had already bought the cheese. Within a year there were forty "
    "stalls, a brass band on Saturdays, and a law that nobody may ever cut down the walnut tree.",
)
STORY_KEY = "story"  # in the key of a caller who is told one


def choose_reply(question: str, caller: str, turn: int) -> str:
    """Return a reply of 15 to 23 words, or a story if the caller is told stories."""
    seed = int.from_bytes(sha256(f"{question}/{caller}/{turn}".encode()).digest()[:8])
    if STORY_KEY in caller:
        return STORIES[seed % len(STORIES)]
    seed, opener = divmod(seed, len(OPENERS))
    seed, place = divmod(seed, len(PLACES))
    seed, day = divmod(seed, len(DAYS))
    seed, end = divmod(seed, len(ENDS))
    seed, stop = divmod(seed, 90)
    opening = f"{OPENERS[opener]} {PLACES[place]}".strip()
    return f"{opening[0].upper()}{opening[1:]} near stop {stop + 10} closes at {1 + seed % 11} {DAYS[day]}. {ENDS[end]}"
