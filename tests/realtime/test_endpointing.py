from conversations.realtime.audio import samples_of
from conversations.realtime.endpointing import WINDOW_SAMPLES, Edge, Endpointer


def edges(endpointer: Endpointer, probabilities: list[float]) -> list[tuple[int, Edge]]:
    found = [(n, endpointer.feed(p, (n + 1) * WINDOW_SAMPLES)) for n, p in enumerate(probabilities)]
    return [(n, edge) for n, edge in found if edge]


def test_it_works() -> None:
    endpointer = Endpointer(0.5, samples_of(96))
    assert edges(endpointer, [0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1]) == [(2, Edge.STARTED), (6, Edge.STOPPED)]
    assert endpointer.onset == WINDOW_SAMPLES


def test_one_loud_window_is_no_speech() -> None:
    assert edges(Endpointer(0.5, samples_of(96)), [0.1, 0.9, 0.1, 0.9, 0.1]) == []


def test_a_short_pause_does_not_end_it() -> None:
    assert edges(Endpointer(0.5, samples_of(96)), [0.9, 0.9, 0.1, 0.1, 0.9, 0.1, 0.1]) == [(1, Edge.STARTED)]


def test_a_flutter_below_the_threshold_is_still_speech() -> None:
    assert edges(Endpointer(0.5, samples_of(64)), [0.9, 0.9, 0.4, 0.4, 0.4, 0.4]) == [(1, Edge.STARTED)]
