"""A turn of speech to speech has the same budget as one of three engines."""

import base64

import pytest

from conversations.pcm import BYTES_PER_MS
from conversations.realtime.relay.commands import Reconnect
from tests.support.realtime.relay_table import RelayTable


def test_speech_to_speech_has_the_same_budget() -> None:
    table = RelayTable()
    table.report_utterance("item_said", 0, 1000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=1500, item_id="item_more")
    table.report("input_audio_buffer.speech_stopped", audio_end_ms=2000, item_id="item_more")
    table.report_committed("item_more")
    began_at = table.now
    table.report_transcript("item_more", "What time is it?")
    table.pass_time(12.1)
    assert table.sent[-1]["error"]["code"] == "engine_timeout"
    assert isinstance(table.actions[-1], Reconnect)
    assert table.now - began_at < 13


def test_speech_to_speech_that_has_all_been_said_may_take_its_time() -> None:
    """To call a tool, as a rule."""
    table = RelayTable()
    table.begin_response("one", "It is noon.", 1000)
    table.report("response.output_audio.done", **table.get_place("one"))
    table.pass_time(20)
    assert not [event for event in table.sent if event["type"] in ("response.done", "error")]


def test_speech_to_speech_that_falls_silent_amid_its_words_is_left() -> None:
    table = RelayTable()
    table.begin_response("one", "It is noon.", 1000)
    table.pass_time(5.9)
    assert not table.is_reconnecting
    table.pass_time(0.2)
    assert table.is_reconnecting
    assert [event["response"]["status"] for event in table.sent if event["type"] == "response.done"] == ["failed"]


@pytest.mark.parametrize(("ms", "every_sec", "is_left"), [(1, 0.3, True), (100, 0.3, True), (200, 0.1, False)])
def test_a_drip_of_speech_to_speech_is_no_progress(ms: int, every_sec: float, *, is_left: bool) -> None:
    table = RelayTable()
    table.begin_response("one", "It is noon.", 1000)
    delta = base64.b64encode(bytes(ms * BYTES_PER_MS)).decode()
    for _ in range(60):
        table.pass_time(every_sec)
        if not table.is_reconnecting:
            table.report("response.output_audio.delta", **table.get_place("one"), delta=delta)
    assert table.is_reconnecting == is_left
