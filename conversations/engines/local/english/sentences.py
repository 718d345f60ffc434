"""Cut text into pieces that a voice synthesises at once: sentences, and parts of those that are long."""

import re

MAX_CHARS = 300
MAX_WORD_CHARS = 40  # what is longer is no word, and phonemes of one take more than linear time
SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+(?=\S)")
LONG_WORD = re.compile(rf"(\S{{{MAX_WORD_CHARS}}})(?=\S)")
PART_END = re.compile(r"[,;:—]\s|\s")
SPEAKABLE = re.compile(r"\w")
INITIALS = re.compile(r"(?:^|[\s.])\w\.$")  # “J. Smith”, “the U.S. is”: no end of a sentence


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, each of at most MAX_CHARS characters and with something to say."""
    text = LONG_WORD.sub(r"\1 ", text)
    sentences: list[str] = []
    start = 0
    for end in SENTENCE_END.finditer(text):
        if not INITIALS.search(text[max(start, end.start() - 3) : end.start()]):
            sentences += _split_long(text[start : end.end()].strip())
            start = end.end()
    sentences += _split_long(text[start:].strip())
    return [sentence for sentence in sentences if SPEAKABLE.search(sentence)]


def _split_long(sentence: str) -> list[str]:
    """Cut a long sentence behind a comma, or else between words."""
    parts = []
    while len(sentence) > MAX_CHARS:
        ends = list(PART_END.finditer(sentence, MAX_CHARS // 3, MAX_CHARS))
        commas = [found for found in ends if len(found[0]) > 1]
        cut = (commas or ends)[-1].end() if ends else MAX_CHARS
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*parts, sentence]
