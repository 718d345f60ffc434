"""From what the model writes to what is spoken."""

import json
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.realtime.text.clauses import ClauseChunker, SpeechScript
from conversations.realtime.text.heard_text import estimate_heard_text
from conversations.realtime.text.speech_text import PLAIN, SPEAKABLE, SpeechText, strip_markup

# What the page speaks itself is held to the same table, by tests/js/webspeech/speaker.test.mjs.
CASES = json.loads((Path(__file__).parents[2] / "support" / "spoken_texts.json").read_text())
OPENING_MARKS = ["[", "(", "**", "*", "`", "“", "„", "«", "「", "【", "<", "$", "![", "{", "~~", "\\(x = [", "&"]
MARKS = ["$$", "\\(", "\\)", "```", "~~~", "\n", "word ", "[", "](", ")", "x^2 ", "\n\n", "|", "<b", "。", "\ue200"]
# A word in each script that joins letters to marks, or leaves the spaces between words out.
SCRIPTS = [
    "مرحبا",
    "می\u200cخواهم",
    "שָׁלוֹם",
    "हिन्दी",
    "বাংলা",
    "ਪੰਜਾਬੀ",
    "தமிழ்",
    "తెలుగు",
    "ಕನ್ನಡ",
    "മലയാളം\u200d",
    "සිංහල",
    "ไทยครับ",
    "ລາວ",
    "မြန်မာ",
    "ខ្មែរ",
    "བོད་སྐད།",
    "ქართული",
    "Հայերեն",
    "አማርኛ",
    "中文",
    "日本語",
    "한국어",
    "Tiếng",
    "Ελληνικά",
    "Русский",
    "ᠮᠣᠩᠭᠣᠯ\u180eᠠ",
    "été",
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "".join(case["written"])[:30])
def test_what_is_spoken(case: dict[str, list[str]]) -> None:
    text = SpeechText()
    assert [text.filter_clause(clause) for clause in case["written"]] == case["spoken"]


@pytest.mark.parametrize("word", SCRIPTS)
def test_every_script_is_whole(word: str) -> None:
    assert SpeechText().filter_clause(f"**{word}** 🎉 {word}.") == f"{word} {word}."


@pytest.mark.parametrize("mark", OPENING_MARKS)
def test_a_mark_that_never_closes_holds_nothing_back(mark: str) -> None:
    """The first sound comes after the first clause, and all that follows is said."""
    words = "if I may say so, this goes on and on. It is said, every word, and more so as it goes."
    script, clauses = SpeechScript("r", "", 1.0), []
    for piece in [f"Well {mark}", *words.split(" ")]:
        clauses += [clause.text for clause in script.feed(f"{piece} ")]
        if clauses:
            break
    assert len("".join(clauses)) < 60, clauses
    whole = SpeechScript("r", "", 1.0)
    said = " ".join(clause.text for clause in [*whole.feed(f"Well {mark}{words}"), *whole.flush()])
    assert said.endswith("as it goes.")


@given(st.text("ab1 \n.,!?'-’“()é我अ\u0301w", max_size=40))
@settings(deadline=None, database=None, derandomize=True)
def test_plain_text_that_is_not_parsed_would_be_spoken_alike(clause: str) -> None:
    if PLAIN.fullmatch(clause):
        assert strip_markup(clause) == SpeechText().filter_clause(clause) or not SPEAKABLE.search(clause)


@given(st.lists(st.sampled_from(MARKS), max_size=30))
@settings(deadline=None, database=None, derandomize=True)
def test_no_flood_of_marks_breaks_it(pieces: list[str]) -> None:
    text, chunker = SpeechText(), ClauseChunker()
    for clause in chunker.feed("".join(pieces)) + chunker.flush():
        text.filter_clause(clause)


MARKED = [
    "Well, **bold words** and [a link](https://x.example/a_b) here. See ```py\nx = 1\n```\nDone, 👩🏽‍🚀 said.",
    "- [**Foo**](https://x.example)\n  - sub `a_b`\n\n$$a^2$$ is big![1][2] Then 【4†source】 it &amp; all ends.",
    "今天**天气**很好，我们去[公园](https://a.example)吧！好的👍。1. 一\n2. 二\n",
    "مَرْحَبًا **يا** صديقي، كيف حالك؟ أنا بخير. [رابط](https://a.example)",
    "नमस्ते **दुनिया**। यह [लिंक](https://a.example) है। 🏳️‍🌈 ठीक।",
]


@pytest.mark.parametrize("written", MARKED)
def test_it_may_come_cut_anywhere(written: str) -> None:
    """The same is said and heard, and what is shown is the text as it was written."""
    whole = _list_spoken_clauses([written])
    assert "".join(shown for shown, _ in whole) == written
    for place in range(1, len(written)):
        assert _list_spoken_clauses([written[:place], written[place:]]) == whole
    assert _list_spoken_clauses(list(written)) == whole
    clauses = [(shown, 1000) for shown, _ in whole]
    heard = [estimate_heard_text(clauses, ms) for ms in range(0, 1000 * len(whole) + 1, 50)]
    assert all(written.startswith(one) for one in heard)
    assert [len(one) for one in heard] == sorted(map(len, heard))
    assert heard[-1] == written


def _list_spoken_clauses(pieces: list[str]) -> list[tuple[str, str]]:
    chunker, text = ClauseChunker(), SpeechText()
    clauses = [clause for piece in pieces for clause in chunker.feed(piece)] + chunker.flush()
    return [(clause, text.filter_clause(clause)) for clause in clauses]


def test_a_plain_clause_costs_next_to_nothing() -> None:
    """It stands between the model's words and their sound."""
    text, clause = SpeechText(), "It was in the year 1998 that the two of them met. "
    taken_ms = min(_measure_ms(text, clause) for _ in range(20))
    assert taken_ms < 0.2


def _measure_ms(text: SpeechText, clause: str) -> float:
    started = process_time()
    for _ in range(10):
        text.filter_clause(clause)
    return (process_time() - started) * 100
