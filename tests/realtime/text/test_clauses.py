"""Where a reply is cut, in many languages. `|` marks the cuts."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.realtime.text.clauses import MAX_CHARS, ClauseChunker


def cut_clauses(text: str, step: int = 1) -> list[str]:
    chunker = ClauseChunker()
    clauses = [clause for start in range(0, len(text), step) for clause in chunker.feed(text[start : start + step])]
    return clauses + chunker.flush()


def test_it_works() -> None:
    text = "Sure, I can tell you that. It was in the year 1998 that the two of them met. They never parted."
    assert cut_clauses(text) == [
        "Sure, ",
        "I can tell you that. ",
        "It was in the year 1998 that the two of them met. ",
        "They never parted.",
    ]


# The first piece is as short as sounds natural, the second is there before the first has been said.
FIRST = [
    "Yes. |That is what I have been told.",
    "Of course! |What would you like to know about it?",
    "Na ja, |das kommt ganz darauf an.",
    "¡Claro! |¿Qué quieres saber hoy?",
    "Oui, |bien sûr, je vais vous expliquer.",
    "Certo — |te lo spiego subito.",
    "Sure—|I can do that.",
    "Конечно, |я расскажу вам об этом.",
    "好的，|我来告诉你。|今天天气很好。",
    "はい、|もちろんです。|何を知りたいですか？",
    "네, |물론이죠. 말씀해 주세요.",
    "ได้ครับ |ผมจะเล่าให้ฟังนะครับ",
    "نعم، |بالتأكيد يمكنني ذلك. ",
    "हाँ, |मैं आपको बताता हूँ। |वह कल आएगा।",
    "I, for one, |would not go there at all.",
    "The weather in Berlin will stay rather mild |until the weekend begins to show its teeth",
    "Das Wetter in Berlin bleibt wohl recht mild |weil warme Luft aus dem Süden kommt",
]

# A full stop or a comma that ends nothing.
WHOLE = [
    "Dr. Smith and Mrs. Jones met Prof. Miller there",
    "J. R. R. Tolkien wrote that",
    "U.S. President",
    "It costs 3.14 dollars",
    "About 1,000 people",
    "At 10:30 o'clock",
    "Am 3. Mai kommt er",
    "On May 3, 1998 it rained",
    "See e.g. the first one",
    "Das gilt z. B. für ihn",
    "Er kam bzw. ging nach St. Pölten",
    "Write to me@example.com",
    "It is at https://example.com/a?b=c.d",
    "See No. 5 there",
    "In 10：30 分",
    "See [the guide, part two](https://example.com) there",
]

# Quotes and brackets keep their closing mark.
CLOSED = [
    '"Stop!" |he said, and then he went home at once.',
    "“Yes.” |That was all that she had to say.",
    "(Really.) |That was all that she had to say.",
    "« Bonjour ! » |dit-il en entrant dans la maison.",
    "Er rief. |»Hallo« war alles, |was er sagen konnte.",
    "他说：|“你好！”然后就走了。",
    "「はい。」|と彼は静かに言いました。",
    "**Yes.** |That was all that she had to say.",
]

LISTS = [
    "You need:\n|- Milk\n|- Eggs\n|- Bread and butter",
    "Do this:\n\n|1. Open the lid.\n|2. Pour it in.\n|3. Close the lid.\n\n|Then wait.",
    "Two things. |First this:\n|* one\n|* two\n|And that was all of it, I should think.",
]

# Later ones are whole sentences; a small fragment goes with the next.
LATER = [
    "Well, |I will tell you all. |It rained. It snowed. It was as cold as it has ever been. |"
    "Then it grew warm, and we all went out. The end.",
    "Yes, |there is one more thing. |Read, among many others, the book by Dr. Smith about art. |It is good.",
]

FLOODS = ["a. ", "One sentence, and more. ", ".", "word ", "x", "\n", " ", "3. ", "[", "我", "- a\n", "e\u0301", "» "]
LETTERS = ["a", "Z", "é", "我", "e\u0301", "ครับ", "\u200d", "👍🏽", "word ", "Dr. ", "3.5 ", "1. ", "- "]
MARKS = [" ", ".", ",", "!", "?", "\n", "。", "，", "」", "[", "](", "» ", "؟ ", "।"]


@pytest.mark.parametrize("marked", FIRST + CLOSED + LISTS + LATER)
def test_where_it_is_cut(marked: str) -> None:
    text = marked.replace("|", "")
    assert "|".join(cut_clauses(text)) == marked
    assert "|".join(cut_clauses(text, step=4)) == marked
    assert "|".join(cut_clauses(text, step=len(text))) == marked


@pytest.mark.parametrize("text", WHOLE)
def test_where_it_is_not_cut(text: str) -> None:
    assert cut_clauses(text) == [text]


def test_later_clauses_grow() -> None:
    lengths = [len(clause) for clause in cut_clauses("This is it. " * 60)]
    assert lengths[:-1] == sorted(lengths[:-1])
    assert lengths[0] < 20 < 70 < lengths[-2]


def test_a_flood_without_punctuation_is_cut_too() -> None:
    clauses = cut_clauses("word " * 200)
    assert max(map(len, clauses)) <= MAX_CHARS
    assert all(clause.endswith(" ") for clause in clauses)


def test_a_flood_without_spaces_is_cut_between_letters() -> None:
    """A Chinese character takes as long to say as three others, so that its clauses are a third as long."""
    assert max(map(len, cut_clauses("我" * 500))) <= MAX_CHARS // 3 + 1
    assert all(clause[0] != "\u0301" for clause in cut_clauses("e\u0301" * 500))


@pytest.mark.parametrize("written", FLOODS)
def test_a_long_reply_in_one_piece_is_cut_in_no_time(written: str) -> None:
    """Servers that do not stream send it so; a tenth of this once kept every other call waiting for a minute."""
    reply = (written * 100_000)[:100_000]
    started = process_time()
    clauses = cut_clauses(reply, step=len(reply))
    assert process_time() - started < 2.0
    assert "".join(clauses) == reply
    assert max(map(len, clauses)) <= MAX_CHARS


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(st.lists(st.sampled_from(LETTERS + MARKS), max_size=12).map("".join), max_size=60))
def test_nothing_is_lost_however_it_comes(pieces: list[str]) -> None:
    runs = []
    for _ in range(2):
        chunker = ClauseChunker()
        runs.append([clause for piece in pieces for clause in chunker.feed(piece)] + chunker.flush())
    assert runs[0] == runs[1]  # the turn machine's decisions can be replayed
    assert "".join(runs[0]) == "".join(pieces)
    assert all(runs[0])
