"""Counts what is added, since the numbers are the process's own and other tests add to them too."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.samples import Sample

from conversations import metrics
from conversations.engines.incidents import EngineIncident
from conversations.realtime.measurements import DecisionOutcome, DiscardedUsage, PlaybackLatency
from conversations.realtime.protocol.items import LiveItem

CountAdded = Callable[..., float]


@pytest.fixture
def count_added() -> CountAdded:
    """Return a function that says by how much a metric has grown: `count_added("turns_total", outcome="completed")`."""
    before = {(sample.name, *sorted(sample.labels.items())): sample.value for sample in _list_samples()}

    def count(name: str, **labels: str) -> float:
        name = f"voiceproject_{name}"
        return (REGISTRY.get_sample_value(name, labels) or 0) - before.get((name, *sorted(labels.items())), 0)

    return count


def _list_samples() -> list[Sample]:
    return [sample for metric in REGISTRY.collect() for sample in metric.samples]


def make_reply(waterfall: dict[str, int]) -> LiveItem:
    return LiveItem("item_1", role="assistant", text="A secret.", waterfall=waterfall)


def test_it_works(count_added: CountAdded) -> None:
    metrics.observe_turn(make_reply({"endpoint": 0, "transcript": 310, "first_audio": 905, "done": 12_000}))
    metrics.count_response("completed")
    metrics.record_measurement(PlaybackLatency(990))
    assert count_added("turns_total", outcome="completed") == 1
    assert count_added("turn_step_seconds_sum", step="first_audio") == pytest.approx(0.905)
    assert count_added("turn_step_seconds_bucket", step="first_audio", le="1.0") == 1
    assert count_added("turn_step_seconds_bucket", step="first_audio", le="0.75") == 0
    assert count_added("turn_step_seconds_bucket", step="done", le="10.0") == 0
    assert (
        count_added("turn_step_seconds_count", step="done")
        == count_added("turn_step_seconds_count", step="playback")
        == 1
    )
    assert count_added("turn_step_seconds_count", step="endpoint") == 0


def test_discarded_usage_is_counted(count_added: CountAdded) -> None:
    metrics.record_measurement(DiscardedUsage(850, 30, 40))
    wasted = [count_added("discarded_total", unit=unit) for unit in ("input_tokens", "output_tokens", "tts_characters")]
    assert wasted == [850, 30, 40]


def test_what_came_ahead_of_the_endpoint_took_no_time(count_added: CountAdded) -> None:
    metrics.observe_turn(make_reply({"endpoint": 0, "first_token": -200}))
    assert count_added("turn_step_seconds_sum", step="first_token") == 0
    assert count_added("turn_step_seconds_bucket", step="first_token", le="0.01") == 1


def test_decisions_and_cache_lookups_are_counted(count_added: CountAdded) -> None:
    metrics.record_measurement(DecisionOutcome("preemptive_generation", "hit"))
    metrics.record_measurement(DecisionOutcome("interruption", "resumed"))
    metrics.count_cache_lookup("tts", hit=True)
    metrics.count_cache_lookup("stt", hit=False)
    metrics.set_live_sessions(3)
    assert (
        count_added("preemptive_generations_total", outcome="hit")
        == count_added("interruptions_total", outcome="resumed")
        == 1
    )
    assert count_added("speech_cache_total", kind="tts", result="hit") == 1
    assert count_added("speech_cache_total", kind="stt", result="miss") == 1
    assert REGISTRY.get_sample_value("voiceproject_live_sessions") == 3


def test_nothing_of_a_user_is_in_them() -> None:
    metrics.observe_turn(make_reply({"first_audio": 100}))
    told = generate_latest().decode()
    assert 'step="first_audio"' in told
    assert "secret" not in told
    assert "item_1" not in told


@pytest.mark.parametrize(
    ("model", "shown"), [("gpt-transcribe", "gpt-transcribe"), ("", ""), ("my/own-model", "other")]
)
def test_an_engines_failure_is_counted_by_the_models_that_the_site_names(
    count_added: CountAdded, model: str, shown: str
) -> None:
    metrics.count_engine_incident(EngineIncident("stt", "openai", model, "retried", "engine_unavailable", 503))
    labels = {"engine": "stt", "provider": "openai", "outcome": "retried", "code": "engine_unavailable"}
    assert count_added("engine_events_total", model=shown, **labels) == 1
