from typing import get_args

import pytest

from conversations.realtime.text.languages.transcript_ending import Ending
from conversations.realtime.user_turn.endpoint_silence import (
    MAX_WAIT_MS,
    PATIENCE_EAGERNESS,
    WAIT_MS,
    Eagerness,
    PauseLengths,
    choose_short_silence_ms,
    choose_wait_ms,
)
from tests.support.realtime.spoken_pauses import SCRIPTS
from tests.support.realtime.transcripts import TRANSCRIPTS

EAGERNESSES: tuple[Eagerness, ...] = get_args(Eagerness)
BANDS_MS: dict[Eagerness, dict[str, tuple[int, int]]] = {
    "low": {"soon": (600, 900), "later": (1000, 2000), "long": (3000, 5000)},
    "medium": {"soon": (400, 500), "later": (600, 1000), "long": (1500, 2500)},
    "high": {"soon": (250, 350), "later": (400, 700), "long": (900, 1500)},
}
CASES = [(language, wait, text) for (language, wait), texts in TRANSCRIPTS.items() for text in texts]


def learn_pauses(*pauses_ms: int) -> PauseLengths:
    pauses = PauseLengths()
    for pause_ms in pauses_ms:
        pauses.learn(pause_ms)
    return pauses


def test_it_works() -> None:
    assert choose_wait_ms("What time is it?", "medium", PauseLengths()) < choose_wait_ms(
        "What time is it", "medium", PauseLengths()
    )
    assert choose_wait_ms("What time is", "medium", PauseLengths()) > 1500


@pytest.mark.parametrize("eagerness", EAGERNESSES)
@pytest.mark.parametrize(("language", "wait", "text"), CASES)
def test_the_words_decide(language: str, wait: str, text: str, eagerness: Eagerness) -> None:
    least, most = BANDS_MS[eagerness][wait]
    assert least <= choose_wait_ms(text, eagerness, PauseLengths()) <= most
    assert least <= choose_wait_ms(text, eagerness, PauseLengths(), language) <= most


@pytest.mark.parametrize("pauses_ms", [(), (250,) * 20, (800,) * 20, (60_000,) * 20])
def test_a_wait_stays_in_bounds_and_falls_with_eagerness(pauses_ms: tuple[int, ...]) -> None:
    for text in [text for _, _, text in CASES] + [None, "", "…", "?", "12", "🙂", "\n", "a" * 5000]:
        low, medium, high = (choose_wait_ms(text, eagerness, learn_pauses(*pauses_ms)) for eagerness in EAGERNESSES)
        assert 200 <= high <= medium <= low
        assert (low, medium, high) <= tuple(MAX_WAIT_MS[eagerness] for eagerness in EAGERNESSES)
        assert high <= MAX_WAIT_MS["high"]
        assert medium <= MAX_WAIT_MS["medium"]


def test_unknown_words_wait_with_care() -> None:
    assert choose_wait_ms(None, "medium", PauseLengths()) == 900


def test_another_language_goes_by_its_marks() -> None:
    assert choose_wait_ms("Która jest godzina?", "medium", PauseLengths(), "pl") == 450
    assert choose_wait_ms("Która jest godzina", "medium", PauseLengths(), "pl") == WAIT_MS["medium"][Ending.LIKELY]
    assert choose_wait_ms("Chciałbym zarezerwować stolik,", "medium", PauseLengths(), "pl") >= 1500
    assert choose_wait_ms("Τι ώρα είναι;", "medium", PauseLengths(), "el") == 450
    assert choose_wait_ms("كم الساعة؟", "medium", PauseLengths(), "ar") == 450


def test_a_hint_settles_what_a_word_is() -> None:
    assert choose_wait_ms("Die.", "medium", PauseLengths(), "en") == 450
    assert choose_wait_ms("Die.", "medium", PauseLengths(), "de-AT") >= 1500


def test_who_pauses_long_is_waited_for() -> None:
    assert choose_wait_ms("It is late.", "medium", learn_pauses(*[800] * 16)) >= 800
    assert choose_wait_ms("It is late.", "medium", learn_pauses(1500, *[300] * 9)) <= 450


def test_who_speaks_fast_is_answered_sooner() -> None:
    assert choose_wait_ms("It is late.", "medium", learn_pauses(*[200] * 16)) < 450
    assert choose_wait_ms("It is late and", "medium", learn_pauses(*[200] * 16)) == choose_wait_ms(
        "It is late and", "medium", PauseLengths()
    )


def test_few_pauses_count_little() -> None:
    waits = [choose_wait_ms("It is late.", "medium", learn_pauses(*[800] * count)) for count in range(17)]
    assert waits == sorted(waits)
    assert waits[1] - waits[0] < 100


def test_old_pauses_are_forgotten() -> None:
    assert choose_wait_ms("It is late.", "medium", learn_pauses(*[800] * 16, *[300] * 16)) <= 450


def test_attempts_to_answer_ahead_wait_longer_each_time() -> None:
    assert [choose_short_silence_ms(tries, PauseLengths()) for tries in range(4)] == [128, 192, 320, 320]
    slow = [choose_short_silence_ms(tries, learn_pauses(*[800] * 16)) for tries in range(3)]
    assert slow[0] == 128
    assert slow[1] > 192
    assert slow[2] > 320
    assert all(silence % 32 == 0 for silence in slow)


def test_patience_is_eagerness() -> None:
    assert set(PATIENCE_EAGERNESS.values()) == set(EAGERNESSES)


@pytest.mark.parametrize("hinted", [True, False])
def test_few_are_cut_off_and_the_others_do_not_wait(hinted: bool) -> None:
    """At medium at most 2 of 100 utterances with inner pauses end early, and the mean wait at the end is short."""
    cut, waits = [], []
    for language, fragments, final in SCRIPTS:
        hint, pauses = language if hinted else "", PauseLengths()
        if any(choose_wait_ms(words, "medium", pauses, hint) <= pause_ms for words, pause_ms in fragments):
            cut.append(final)
        waits.append(choose_wait_ms(final, "medium", pauses, hint))
    assert len(SCRIPTS) >= 40
    assert len(cut) <= 0.02 * len(SCRIPTS), cut
    assert sum(waits) / len(waits) <= 550


def test_every_language_has_its_cases() -> None:
    counts = {language: sum(case[0] == language for case in CASES) for language, _, _ in CASES}
    assert counts["en"] >= 40
    assert all(counts[language] >= 15 for language in ("de", "fr", "es"))
    assert {wait for language, wait, _ in CASES if language == "en"} == set(BANDS_MS["low"])
