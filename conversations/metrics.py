"""What an operator watches, for Prometheus. Labels come from short, fixed lists: nothing of a user is ever in one."""

from functools import lru_cache
from time import monotonic
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from conversations.engines import events
from conversations.engines.events import EngineEvent
from conversations.loop_lag import LAG
from conversations.realtime.figures import Discard, Figure, Played, Tally
from conversations.realtime.protocol.items import LiveItem
from conversations.site_engines import site_models

_steps = Histogram(
    "voiceproject_turn_step_seconds",
    "When a turn reached a step, since its endpoint. 0: ahead of it, so that the user did not wait.",
    ["step"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
_turns = Counter("voiceproject_turns", "Responses that ended, by their status.", ["outcome"])
_speculations = Counter("voiceproject_speculations", "Replies begun ahead of the endpoint: used or not.", ["outcome"])
_interruptions = Counter(
    "voiceproject_interruptions", "Pauses as the user spoke into a reply: meant or not.", ["outcome"]
)
_cache = Counter("voiceproject_speech_cache", "Look-ups of speech and of transcripts.", ["kind", "result"])
_discarded = Counter("voiceproject_discarded", "Spent ahead of the endpoint and not used, about.", ["unit"])
_storage_retries = Counter(
    "voiceproject_storage_retries", "Writes of sessions that are tried again, by what was away.", ["storage"]
)
_engines = Counter(
    "voiceproject_engine_events",
    "What engines failed at or refused, was tried again, or went on by another way.",
    ["engine", "provider", "model", "outcome", "code"],
)
_sessions = Gauge("voiceproject_live_sessions", "Live sessions of this process.")
_lag = Gauge("voiceproject_event_loop_lag_seconds", "How late the event loop is, on the average of a second.")
_lag.set_function(lambda: LAG.seconds(monotonic()))


def turn(item: LiveItem) -> None:
    """The steps of a response whose item is final."""
    for name, ms in item.waterfall.items():
        if name not in ("endpoint", "playback"):
            _step(name, ms)


def ended(status: str) -> None:
    """A response ended, with the status that `response.done` gives; not every one that is cancelled has an item."""
    _turns.labels(status).inc()


def cache(kind: Literal["stt", "tts"], hit: bool) -> None:
    _cache.labels(kind, "hit" if hit else "miss").inc()


def storage_retried(storage: Literal["database", "clips"]) -> None:
    _storage_retries.labels(storage).inc()


def sessions(count: int) -> None:
    _sessions.set(count)


def engine(event: EngineEvent) -> None:
    """Models that the site does not name itself are “other”: users may name any."""
    model = event.model if event.model in _site_models() else "other"
    _engines.labels(event.engine, event.provider, model, event.outcome, event.code).inc()


@lru_cache(maxsize=1)
def _site_models() -> frozenset[str]:
    return site_models() | {""}


def figure(told: Figure) -> None:
    match told:
        case Tally("speculation", outcome):
            _speculations.labels(outcome).inc()
        case Tally("interruption", outcome):
            _interruptions.labels(outcome).inc()
        case Played(ms):  # alone, since the page may tell of it when the item is final already
            _step("playback", ms)
        case Discard(input_tokens, output_tokens, tts_characters):
            _discarded.labels("input_tokens").inc(input_tokens)
            _discarded.labels("output_tokens").inc(output_tokens)
            _discarded.labels("tts_characters").inc(tts_characters)


def _step(name: str, ms: int) -> None:
    _steps.labels(name).observe(max(0, ms) / 1000)


events.listen(engine)
