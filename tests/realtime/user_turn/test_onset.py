from conversations.realtime.user_turn.onset import (
    AFTER_PLAYBACK_START,
    IN_SILENCE,
    OVER_SPEECH,
    WINDOW_SAMPLES,
    Onset,
    OnsetDetector,
    SpeechEdge,
)


def find_edges(
    endpointer: OnsetDetector, probabilities: list[float], onset: Onset = IN_SILENCE
) -> list[tuple[int, SpeechEdge]]:
    found = [(n, endpointer.feed(p, (n + 1) * WINDOW_SAMPLES, onset)) for n, p in enumerate(probabilities)]
    return [(n, edge) for n, edge in found if edge]


def test_it_works() -> None:
    endpointer = OnsetDetector(0.5)
    assert find_edges(endpointer, [0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1]) == [(2, SpeechEdge.STARTED)]
    assert endpointer.onset == WINDOW_SAMPLES
    assert endpointer.quiet_samples == 3 * WINDOW_SAMPLES


def test_one_loud_window_is_no_speech() -> None:
    assert find_edges(OnsetDetector(0.5), [0.1, 0.9, 0.1, 0.9, 0.1]) == []


def test_speech_goes_on_after_a_pause() -> None:
    endpointer = OnsetDetector(0.5)
    assert find_edges(endpointer, [0.9, 0.9, 0.1, 0.1, 0.1, 0.9]) == [(1, SpeechEdge.STARTED), (5, SpeechEdge.RESUMED)]
    assert endpointer.quiet_samples == 0


def test_a_flutter_below_the_threshold_is_still_speech() -> None:
    endpointer = OnsetDetector(0.5)
    find_edges(endpointer, [0.9, 0.9, 0.4, 0.4, 0.4, 0.4])
    assert endpointer.quiet_samples == 0


def test_a_breath_in_a_pause_does_not_end_it() -> None:
    endpointer = OnsetDetector(0.5)
    find_edges(endpointer, [0.9, 0.9, 0.1, 0.1, 0.1, 0.4, 0.4])
    assert endpointer.quiet_samples == 5 * WINDOW_SAMPLES


def test_it_takes_more_to_begin_over_the_assistants_voice() -> None:
    assert find_edges(OnsetDetector(0.5), [0.6] * 9, OVER_SPEECH) == []
    endpointer = OnsetDetector(0.5)
    assert find_edges(endpointer, [0.1, 0.9, 0.9, 0.9], OVER_SPEECH) == [(3, SpeechEdge.STARTED)]
    assert endpointer.onset == WINDOW_SAMPLES
    assert find_edges(OnsetDetector(0.5), [0.9] * 5, AFTER_PLAYBACK_START) == [(4, SpeechEdge.STARTED)]
