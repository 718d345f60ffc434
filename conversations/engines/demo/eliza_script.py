"""The script of the ELIZA: how to turn a phrase around, and its ranked rules.

A rule is (rank, pattern, answers). The highest rank that matches wins, then the order here. `{0}` in an answer is
the first group of the pattern, turned around. Patterns see lower-case words without contractions or punctuation.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    rank: int
    pattern: re.Pattern[str]
    answers: tuple[str, ...]


def _rule(rank: int, pattern: str, *answers: str) -> Rule:
    return Rule(rank, re.compile(rf"\b(?:{pattern})"), answers)


GREETING = "Hello, I am Eliza. How are you feeling today?"

CONTRACTIONS = {
    "i'm": "i am", "i've": "i have", "i'll": "i will", "i'd": "i would", "you're": "you are", "you've": "you have",
    "you'll": "you will", "you'd": "you would", "he's": "he is", "she's": "she is", "it's": "it is",
    "that's": "that is",
    "what's": "what is", "who's": "who is", "how's": "how is", "there's": "there is", "they're": "they are",
    "we're": "we are", "can't": "can not", "cannot": "can not", "won't": "will not", "don't": "do not",
    "doesn't": "does not", "didn't": "did not", "isn't": "is not", "aren't": "are not", "wasn't": "was not",
    "couldn't": "could not", "wouldn't": "would not", "shouldn't": "should not", "haven't": "have not",
}  # fmt: skip

# Longest first: "you are" turns into "I am" before "you" can turn into "me".
REFLECTIONS = {
    "i am": "you are", "you are": "I am", "i was": "you were", "you were": "I was", "i": "you", "me": "you",
    "my": "your", "mine": "yours", "myself": "yourself", "am": "are", "your": "my", "yours": "mine",
    "yourself": "myself", "you": "me",
}  # fmt: skip

# The thing itself, up to three words: what follows it is a verb, a preposition, or the end.
REMEMBERED = re.compile(
    r"\bmy ((?:\w+ ){0,2}?\w+)"
    r"(?= (?:is|are|was|were|has|had|do|does|did|can|will|would|always|never|"
    r"and|or|because|when|with|to|in|on|at|for)\b|$)"
)
RECOLLECTIONS = (
    "Earlier you spoke of your {0}. Tell me more about that.",
    "Does that have anything to do with your {0}?",
    "Let us go back to your {0}.",
)

FALLBACKS = (
    "Please go on.",
    "What does that suggest to you?",
    "I see. Can you tell me more about that?",
    "How does that make you feel?",
    "I am not sure I understand you fully. Could you say that in another way?",
    "That is interesting. Why do you say so?",
)

SILENCE = "I did not catch that. Could you say it again?"

RULES = (
    _rule(20, r"(?:good ?bye|bye|see you|good night)\b",
          "Goodbye. It was good to talk with you.", "Goodbye, and take care."),
    _rule(18, r"who are you|what are you\b(?! \w+ing)|what is your name|"
          r"are you (?:a |an )?(?:computer|machine|robot|human|real|eliza)\b",
          "I am Eliza, the demonstration voice of this site. I answer by simple rules. Do computers worry you?",
          "My name is Eliza. I only turn your own words around, but I am glad to listen."),
    _rule(17, r"can you hear me|do you hear me|are you there", "Yes, I hear you. What would you like to talk about?",
          "I am here, and I am listening."),
    _rule(16, r"my name is (\w+)", "Nice to meet you, {0}. What brings you here today?"),
    _rule(15, r"(?:computer|computers|machine|machines|robot|robots)\b", "Do computers worry you?",
          "Why do you mention computers?", "What do you think machines have to do with your problem?"),
    _rule(14, r"i (?:had|have had) a (?:\w+ )?dream|i dreamed|i dreamt", "What does that dream suggest to you?",
          "Do you dream often?", "Who appears in your dreams?", "How did you feel when you woke up?"),
    _rule(13, r"i remember (.+)", "Do you often think of {0}?", "What else do you remember?",
          "Why do you remember {0} just now?"),
    _rule(13, r"do you remember (.+)", "Did you think I would forget {0}?", "What about {0}?"),
    _rule(12, r"my (?:\w+ )?(mother|mom|father|dad|sister|brother|wife|husband|son|daughter|children|parents|family|"
          r"friend|girlfriend|boyfriend)\b",
          "Tell me more about your {0}.", "How do you get on with your {0}?",
          "What else comes to mind when you think of your {0}?"),
    _rule(11, r"i (?:want|need|would like|wish) (?!to\b|you\b)(.+)",
          "What would it mean to you if you got {0}?", "Why do you want {0}?", "Suppose you got {0} soon. What then?"),
    _rule(11, r"i (?:want|need|would like|wish) (.+)", "Why do you want {0}?", "What keeps you from it?",
          "How long have you wanted {0}?"),
    _rule(11, r"if (.+)", "Do you think it is likely that {0}?", "What would you do if {0}?"),
    _rule(10, r"i (?:am|feel|was|have been)(?: so| very| really| a bit| a little| always| quite| feeling)* "
          r"(sad|unhappy|depressed|lonely|afraid|scared|angry|tired|sick|anxious|worried|nervous|stressed|bored|lost|hurt)\b",
          "I am sorry to hear that you are {0}. Do you know what brought it on?",
          "How long have you been {0}?", "What would help you not to be {0}?"),
    _rule(10, r"i (?:am|feel|was|have been)(?: so| very| really| a bit| quite| feeling| doing)* "
          r"(happy|glad|better|good|great|fine|well|okay|ok|excited|proud|calm)\b",
          "I am glad that you are {0}. What makes you feel that way?", "What is it that makes you {0} just now?"),
    _rule(9, r"i (?:can not|could not) (.+)", "How do you know that you can not {0}?", "Have you tried?",
          "What would it take for you to {0}?"),
    _rule(9, r"i do not (?:know|understand)\b",
          "What would you say if you did know?", "Which part of it is the hardest?"),
    _rule(9, r"i do not (.+)", "Why do you not {0}?", "Do you wish to {0}?"),
    _rule(8, r"i feel (.+)",
          "Tell me more about such feelings.", "Do you often feel {0}?", "When do you usually feel {0}?"),
    _rule(8, r"i am (.+)", "How long have you been {0}?", "Do you think it is normal to be {0}?",
          "Do you like being {0}?"),
    _rule(8, r"am i (.+)", "Do you believe you are {0}?", "Would you want to be {0}?"),
    _rule(7, r"(?:i think|i believe|i guess|i suppose) (.+)",
          "Do you really think so?", "But you are not sure that {0}?"),
    _rule(7, r"are you (.+)", "Why does it matter to you whether I am {0}?", "Would you prefer it if I were not {0}?"),
    _rule(7, r"you are (.+)", "What makes you think that I am {0}?", "Does it please you to believe that I am {0}?"),
    _rule(6, r"(?:can|could|will|would) you (.+)",
          "You would like me to {0}?", "Perhaps you would like to {0} yourself?"),
    _rule(6, r"can i (.+)", "Perhaps you do not want to {0}.", "What keeps you from it?"),
    _rule(6, r"why do (?:you not|not you) (.+)",
          "Do you believe that I do not {0}?", "Perhaps I will {0} in good time."),
    _rule(6, r"why can (?:i not|not i) (.+)", "Do you think you should be able to {0}?", "What have you tried so far?"),
    _rule(5, r"because (.+)", "Is that the real reason?", "Do any other reasons come to mind?",
          "Does that reason explain anything else?"),
    _rule(5, r"(?:i am )?sorry\b", "There is no need to be sorry.", "What feelings do you have when you apologise?"),
    _rule(5, r"thank(?:s| you)\b", "You are welcome. What else is on your mind?", "I am glad if it helped."),
    _rule(4, r"everyone|everybody|nobody|no one", "Who in particular are you thinking of?", "Surely not everyone?"),
    _rule(4, r"always|all the time", "Can you think of a particular example?", "Really, always?"),
    _rule(4, r"(?:alike|same|similar)\b", "In what way?", "What other similarity do you see?"),
    _rule(3, r"my (.+)", "Your {0}?", "Why do you say your {0}?", "Is it important to you that your {0}?"),
    _rule(3, r"i (\w+) you\b", "Perhaps in your mind we {0} each other.", "Why do you {0} me?"),
    _rule(2, r"(?:hello|hi|hey|good morning|good afternoon|good evening)\b", "Hello. How are you feeling today?",
          "Hello again. What is on your mind?"),
    _rule(1, r"how are you", "I am well, thank you. And how are you?", "I am fine. Let us talk about you."),
    _rule(1, r"(?:yes|yeah|yep|sure|certainly|of course)\b",
          "You seem quite sure.", "I see. Please go on.", "I understand."),
    _rule(1, r"(?:no|nope|not really)\b", "Why not?", "Are you saying no just to be negative?", "I see. Tell me why."),
    _rule(1, r"(?:perhaps|maybe|probably)\b", "You do not seem quite certain.", "Why the uncertain tone?"),
    _rule(1, r"(?:what|when|where|who|how|why)\b", "Why do you ask?", "What is it you really want to know?",
          "What answer would please you most?", "Have you asked anyone else?"),
)  # fmt: skip
