"""Metrics for Prometheus. Labels come from short, fixed lists, so nothing of a user ever shows in one."""

from functools import lru_cache
from typing import Literal

from prometheus_client import Counter, Gauge, Histogram

from conversations.engines import incidents
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.incidents import EngineIncident
from conversations.realtime.measurements import DecisionOutcome, DiscardedUsage, Measurement, PlaybackLatency
from conversations.realtime.protocol.items import LiveItem
from conversations.site_engines import list_site_models
from voiceproject.metrics import slots

slots.share_if_wanted()  # before the first metric is made

CallOutcome = Literal["completed", "failed", "cancelled"]

_steps = Histogram(
    "voiceproject_turn_step_seconds",
    "Seconds from the endpoint of a turn to each of its steps. 0 if the step came before, so the user did not wait.",
    ["step"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
_turns = Counter("voiceproject_turns", "Responses that ended, by status.", ["outcome"])
_preemptive_generations = Counter(
    "voiceproject_preemptive_generations",
    "Replies started before the endpoint, by whether they were used.",
    ["outcome"],
)
_interruptions = Counter(
    "voiceproject_interruptions",
    "Pauses because the user spoke over a reply, by whether it was an interruption.",
    ["outcome"],
)
_cache = Counter("voiceproject_speech_cache", "Lookups in the cache of speech and transcripts.", ["kind", "result"])
_discarded = Counter(
    "voiceproject_discarded", "Estimated tokens and characters spent before the endpoint and not used.", ["unit"]
)
_storage_retries = Counter(
    "voiceproject_storage_retries",
    "Writes of sessions that were retried, by the storage that was unavailable.",
    ["storage"],
)
_engines = Counter(
    "voiceproject_engine_events",
    "Engine calls that failed, were refused or retried, or went on another way.",
    ["engine", "provider", "model", "outcome", "code"],
)
_calls = Counter(
    "voiceproject_engine_calls",
    "Calls to engines and tools, by how they ended. A turn has several; what a cache answered is none.",
    ["engine", "provider", "model", "outcome"],
)
_first_outputs = Histogram(
    "voiceproject_engine_first_output_seconds",
    "Seconds from a call to an engine to its first output; of speech to text and tools, to all of it.",
    ["engine", "provider"],
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
_sessions = Gauge("voiceproject_live_sessions", "Live sessions.", multiprocess_mode="livesum")
_capacity = Gauge("voiceproject_session_capacity", "The most live sessions, MAX_SESSIONS.", multiprocess_mode="livesum")
_ready = Gauge(
    "voiceproject_ready",
    "Whether what a process needs to serve is there, as /readyz says: 1, or 0.",
    ["check"],
    multiprocess_mode="livemostrecent",
)
_begun = Counter("voiceproject_sessions", "Sessions that began.")
_refused = Counter("voiceproject_sessions_refused", "Callers who got no session, by the code they were told.", ["code"])
_circuits = Gauge(
    "voiceproject_engine_circuits_open",
    "Engines with a credential of the site that are skipped where another can answer, since they failed lately.",
    ["engine", "provider"],
    multiprocess_mode="livesum",
)


def observe_turn(item: LiveItem) -> None:
    """Observe the steps of a turn, when the item of its response is final."""
    for name, ms in item.waterfall.items():
        if name not in ("endpoint", "playback"):
            _observe_step(name, ms)


def count_response(status: str) -> None:
    """Count a response that has ended with the status of its `response.done`; a cancelled one may have no item."""
    _turns.labels(status).inc()


def count_cache_lookup(kind: Literal["stt", "tts"], hit: bool) -> None:
    """Count a look-up in the cache of speech or of transcripts."""
    _cache.labels(kind, "hit" if hit else "miss").inc()


def count_storage_retry(storage: Literal["database", "clips"]) -> None:
    """Count a write of a session that is tried again, since this storage was away."""
    _storage_retries.labels(storage).inc()


def set_live_sessions(count: int) -> None:
    """Set how many sessions of this process are live."""
    _sessions.set(count)


def set_capacity(most: int) -> None:
    """Set how many sessions this process takes."""
    _capacity.set(most)


def set_ready(check: str, is_ok: bool) -> None:
    """Set the outcome of one of the checks of /readyz."""
    _ready.labels(check).set(is_ok)


def count_session() -> None:
    """Count a session that begins."""
    _begun.inc()


def count_refusal(code: str) -> None:
    """Count a caller who gets no session, by the code of the error that it is told, which is one of ours."""
    _refused.labels(code).inc()


def count_engine_call(engine: EngineKind | Literal["tool"], provider: str, model: str, outcome: CallOutcome) -> None:
    """Count a call to an engine, or to a tool, that has ended."""
    _calls.labels(engine, provider, _limit_model(model), outcome).inc()


def observe_first_output(engine: EngineKind | Literal["tool"], provider: str, seconds: float) -> None:
    """Observe how long an engine took to its first output."""
    _first_outputs.labels(engine, provider).observe(seconds)


def count_engine_incident(incident: EngineIncident) -> None:
    """Count a failure, retry or fallback of an engine.

    Models that are not in the settings are “other”, since users may name any.
    """
    model = _limit_model(incident.model)
    _engines.labels(incident.engine, incident.provider, model, incident.outcome, incident.code).inc()


def _limit_model(model: str) -> str:
    return model if model in _list_site_models() else "other"


def set_open_circuits(kind: EngineKind, provider: str, count: int) -> None:
    """Set how many engines of a kind and a provider are skipped in this process."""
    _circuits.labels(kind, provider).set(count)


@lru_cache(maxsize=1)
def _list_site_models() -> frozenset[str]:
    return list_site_models() | {""}


def record_measurement(measurement: Measurement) -> None:
    """Record a measurement that the turn machine reports."""
    match measurement:
        case DecisionOutcome("preemptive_generation", outcome):
            _preemptive_generations.labels(outcome).inc()
        case DecisionOutcome("interruption", outcome):
            _interruptions.labels(outcome).inc()
        case PlaybackLatency(ms):  # apart from the other steps, since the page may report it after the item is final
            _observe_step("playback", ms)
        case DiscardedUsage(input_tokens, output_tokens, tts_characters):
            _discarded.labels("input_tokens").inc(input_tokens)
            _discarded.labels("output_tokens").inc(output_tokens)
            _discarded.labels("tts_characters").inc(tts_characters)


def _observe_step(name: str, ms: int) -> None:
    _steps.labels(name).observe(max(0, ms) / 1000)


incidents.add_listener(count_engine_incident)
