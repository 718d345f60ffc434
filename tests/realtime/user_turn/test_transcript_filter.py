import time

import pytest

from conversations.realtime.user_turn.transcript_filter import extract_spoken_words

NO_WORDS = [
    "", " \n", "...", "。", "-", "♪♪", "♪", "🎵🎶", "♪ ♪ ♪", "[BLANK_AUDIO]", " [BLANK_AUDIO] ", "[[BLANK_AUDIO]]",
    "[BLANK_AUDIO] [BLANK_AUDIO]", "[MUSIC]", "[Music]", "[MUSIC PLAYING]", "(silence)", "[ Silence ]", "*coughs*",
    "* DING *", "(laughing)", "(Wind Whooshing)", "[Applause from the left]", "(upbeat music)", "(gentle piano music)",
    "(speaking in foreign language)", "(birds chirping in the background)", "[NO SPEECH]", "[inaudible]", "<noise>",
    "<|nospeech|>", "<|zh|><|NEUTRAL|><|BGM|>", "{music}", "- [Music]", "[Music] ♪", "(sighs) (coughs)", "*sigh*.",
    "[Musik]", "*Husten*", "(Gelächter)", "(lacht)", "*räuspert sich*", "[Musique]", "(Rires)", "(Applaudissements)",
    "[Música]", "(Risas)", "[Silencio]", "(Applausi)", "[Musica]", "(Risos)", "[Muziek]", "[Muzyka]", "[Hudba]",
    "(alkış)", "[Müzik]", "[музыка]", "(смех)", "*кашель*", "[Музика]", "[Μουσική]", "[موسيقى]", "(ضحك)", "[מוזיקה]",
    "(音楽)", "（拍手）", "[音楽]", "【音楽】", "（音楽が流れる）", "(拍手と歓声)", "[音乐]", "(掌声)", "（笑声）",
    "[음악]", "(박수)", "[संगीत]", "(หัวเราะ)", "[เสียงดนตรี]", "(nhạc)", "(musik)",
]  # fmt: skip
WORDS = [
    ("Hello there.", "Hello there."),
    ("  Hello there. ", "Hello there."),
    ("5", "5"),
    ("Ja.", "Ja."),
    ("你好", "你好"),
    ("(yes)", "(yes)"),
    ("(No.)", "(No.)"),
    ("(415)", "(415)"),
    ("(I don't know what to say)", "(I don't know what to say)"),
    ("（我不知道该说什么）", "（我不知道该说什么）"),
    ("Call (415) 555-1234.", "Call (415) 555-1234."),
    ("The head of it (Tim) said so.", "The head of it (Tim) said so."),
    ("f(x) is 2*x*y", "f(x) is 2*x*y"),
    ("[MUSIC] Hello there.", "Hello there."),
    ("Hello [BLANK_AUDIO] there.", "Hello there."),
    ("(laughs) Yes, please.", "Yes, please."),
    ("Yes, please. *coughs*", "Yes, please."),
    ("- (sighs) Well.", "Well."),
    ("♪ Happy birthday to you ♪", "Happy birthday to you"),
    ("<|en|><|NEUTRAL|><|Speech|>hello", "hello"),
    ("こんにちは（笑）", "こんにちは"),
    ("What does [1] mean?", "What does [1] mean?"),
    ("Silence is golden.", "Silence is golden."),
    ("Play some music", "Play some music"),
    ("3 < 4 and 5 > 4", "3 < 4 and 5 > 4"),
]
PARTIAL = [
    ("[BLANK", ""),
    ("[", ""),
    ("Hello [MU", "Hello"),
    ("*cou", ""),
    ("Hello (there", "Hello"),
    ("Hello.", "Hello."),
    ("Hello (there] [MU", "Hello (there]"),
    ("Hello there] (a (b", "Hello there]"),
    ("2 * 3 * (a) * so", "2 * 3 * (a)"),
]


@pytest.mark.parametrize("transcript", NO_WORDS)
def test_what_is_no_speech_has_no_words(transcript: str) -> None:
    assert extract_spoken_words(transcript) == ""


@pytest.mark.parametrize(("transcript", "words"), WORDS)
def test_words_stay(transcript: str, words: str) -> None:
    assert extract_spoken_words(transcript) == words


@pytest.mark.parametrize(("transcript", "words"), PARTIAL)
def test_a_remark_that_is_still_being_written_is_waited_for(transcript: str, words: str) -> None:
    assert extract_spoken_words(transcript, is_partial=True) == words


@pytest.mark.parametrize("worst", ["[", "(", "*", "[(", "<[({", "[a] ", "(a ", "♪", "a* ", "**a", "（", "- ", "\n "])
@pytest.mark.parametrize("is_partial", [False, True])
def test_a_flood_costs_no_more_than_its_length(worst: str, is_partial: bool) -> None:
    def measure_sec(size: int) -> float:
        text = (worst * size)[:size]
        began = time.process_time()
        extract_spoken_words(text, is_partial=is_partial)
        return time.process_time() - began

    measure_sec(1_000)
    small, large = min(measure_sec(20_000) for _ in range(3)), min(measure_sec(80_000) for _ in range(3))
    assert large < 8 * max(small, 0.001)
