"""What was promised, beside what was measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.barge_in import EARLY_SEC, LATE_SEC
from bench.sites import FILE, LOCAL, PIPECAT, STREAMING

Facts = Mapping[tuple[str, str], float]  # by mode and name; times in ms
HEAD = ("what", "bar", "measured", "met")


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise: `measured` must be at most `limit`, or at least `limit` if it `is_floor`.

    `measured` raises KeyError if its parts were not measured.
    """

    what: str
    shown: str
    limit: float
    measured: Callable[[Facts], float]
    is_floor: bool = False


def _get_fact(name: str, mode: str = FILE.name) -> Callable[[Facts], float]:
    return lambda facts: facts[mode, name]


def _compare_to_pipecat(name: str, mode: str = FILE.name) -> Callable[[Facts], float]:
    return lambda facts: facts[mode, name] / facts[PIPECAT.name, name]


def _compare_to_nobody(newcomers: str) -> Callable[[Facts], float]:
    return lambda facts: facts[FILE.name, f"p95 with {newcomers}"] / facts[FILE.name, "p95 with nobody"]


BARS = (
    Bar(
        "voice-to-voice p50, one session, file STT", "0.85 of Pipecat's", 0.85, _compare_to_pipecat("latency p50 at 1")
    ),
    Bar("the same, streaming STT", "0.65 of it", 0.65, _compare_to_pipecat("latency p50 at 1", STREAMING.name)),
    Bar("voice-to-voice p95, natural pauses", "0.5 of Pipecat's", 0.5, _compare_to_pipecat("latency p95 at 10")),
    Bar("the same, streaming STT", "0.5 of it", 0.5, _compare_to_pipecat("latency p95 at 10", STREAMING.name)),
    Bar(
        "voice-to-voice p50, this machine hears and speaks", "1,300 ms", 1300, _get_fact("latency p50 at 1", LOCAL.name)
    ),
    Bar("the same, p95", "2,000 ms", 2000, _get_fact("latency p95 at 1", LOCAL.name)),
    Bar("first audio once endpoint and speech are there, begun ahead, p50", "30 ms", 30, _get_fact("held p50 at 10")),
    Bar("own overhead, 50 sessions, p50", "20 ms", 20, _get_fact("overhead p50 at 50")),
    Bar("own overhead, 50 sessions, p95", "50 ms", 50, _get_fact("overhead p95 at 50")),
    Bar("own overhead, 100 sessions, p95", "100 ms", 100, _get_fact("overhead p95 at 100")),
    Bar(
        "CPU a session, 100 sessions to 10",
        "1.2 times",
        1.2,
        lambda f: _get_fact("cpu at 100")(f) / _get_fact("cpu at 10")(f),
    ),
    Bar("listening to silence, CPU a session", "0.4 % of a core", 0.4, _get_fact("silence cpu")),
    Bar("memory a session", "1 MB", 1, _get_fact("silence mb")),
    Bar("memory grown over 200 turns", "5 MB", 5, _get_fact("mb over turns")),
    Bar("memory grown over 2,000 sessions", "5 MB", 5, _get_fact("mb over openings")),
    Bar("newcomers at a full server are told, at the most", "1,000 ms", 1000, _get_fact("as pages waited")),
    Bar("the same, who try every second", "1,000 ms", 1000, _get_fact("every second waited")),
    Bar("p95 of those who talk, with newcomers to without", "1.1 times", 1.1, _compare_to_nobody("as pages")),
    Bar("the same, who try every second", "1.2 times", 1.2, _compare_to_nobody("every second")),
    Bar("barge-in to silence on the wire, early in a reply, p95", "150 ms", 150, _get_fact(f"wire p95 {EARLY_SEC}")),
    Bar("the same, late in it", "150 ms", 150, _get_fact(f"wire p95 {LATE_SEC}")),
    Bar("upstream closed after confirmation, p95", "100 ms", 100, _get_fact("closed p95")),
    Bar("false interruptions that resume", "95 %", 95, _get_fact("went on"), is_floor=True),
    Bar("answered before the end, medium eagerness", "2 %", 2, _get_fact("cut off")),
)


def judge_bars(facts: Facts) -> list[Sequence[object]]:
    return [verdict for bar in BARS if (verdict := _judge_bar(bar, facts))]


def _judge_bar(bar: Bar, facts: Facts) -> Sequence[object] | None:
    try:
        measured = bar.measured(facts)
    except KeyError:
        return None
    is_met = measured >= bar.limit if bar.is_floor else measured <= bar.limit
    bound = "at least" if bar.is_floor else "at most"
    return bar.what, f"{bound} {bar.shown}", f"{measured:,.2f}", "yes" if is_met else "no"
