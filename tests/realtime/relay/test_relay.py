"""A relayed conversation: what the client sends goes upstream, and what comes back is told, stored and heard."""

import json

import pytest

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands
from tests.support.realtime.relay_steps import type_message
from tests.support.realtime.relay_table import TYPED, RelayTable


def test_a_spoken_turn() -> None:
    table = RelayTable()
    table.send("session.update", session={"extensions": ["playback"]})
    table.agree()
    table.send_audio(3000)
    table.report_utterance("item_said", 300, 2500)
    table.now += 0.2
    table.begin_response("one", "Good morning.", 800)
    table.now += 0.5
    done = table.end_response("one", "Good morning.")
    question, answer = table.get_saved("item_said"), table.get_saved("item_one")
    assert (question.text, question.audio_ms, question.usage.stt_seconds) == ("Hello.", 2200, 1.5)
    assert len(table.get_sound("item_said")) == 2200 * BYTES_PER_MS
    assert (answer.text, answer.audio_ms, answer.status, answer.is_audio) == ("Good morning.", 800, "completed", True)
    assert answer.waterfall == {"endpoint": 0, "transcript": 0, "first_token": 200, "first_audio": 200, "done": 700}
    assert (answer.usage.output_tokens, answer.usage.output_audio_tokens) == (20, 15)
    assert (answer.usage.input_tokens, answer.usage.input_audio_tokens, answer.usage.cached_tokens) == (10, 4, 2)
    response = next(event for event in done if event["type"] == "response.done")["response"]
    assert (response["conversation_id"], response["timing"]["done"]) == ("conv_1", 700)
    table.assert_stored_before_told()


@pytest.mark.parametrize(("moment", "known_ms"), [("before", 100), ("amid", 300), ("after", 600)])
def test_transcripts_may_come_late(moment: str, known_ms: int) -> None:
    table = RelayTable()
    table.send_audio(3000)
    table.report_utterance("item_said", 300, 2500, words=None)
    for step, act in (
        ("before", lambda: None),
        ("amid", lambda: table.begin_response("one", "Good morning.", 800)),
        ("after", lambda: table.end_response("one", "Good morning.")),
    ):
        table.now += 0.1
        act()
        table.now += {"before": 0.0, "amid": 0.1, "after": 0.2}[step]
        if step == moment:
            table.report_transcript("item_said", "Hello.")
    assert table.get_saved("item_one").waterfall["transcript"] == known_ms


def test_upstreams_own_facts_are_not_passed_on() -> None:
    table = RelayTable()
    theirs = {"type": "realtime", "id": "sess_theirs", "model": "gpt", "instructions": "Secret."}
    table.report("session.created", session=theirs)
    table.report("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 7, "remaining": 1}])
    assert "theirs" not in json.dumps(table.sent)
    assert "rate_limits.updated" not in table.kinds
    type_message(table)
    table.begin_response("one", "Hello.", 100)
    table.end_response("one", "Hello.")
    [limits] = [event for event in table.sent if event["type"] == "rate_limits.updated"]
    assert limits["rate_limits"][0]["name"] == "requests"
    assert "theirs" not in json.dumps(table.sent)


def test_what_comes_before_the_connection_waits_for_it() -> None:
    table = RelayTable(is_up=False)
    table.send("session.update", session={"instructions": "Sing."})
    table.send("conversation.item.create", item=TYPED)
    table.send("response.create")
    assert table.told == []
    table.connect()
    kinds = ["session.update", "session.update", "conversation.item.create", "response.create"]
    assert table.told_kinds == kinds
    assert "session.updated" not in table.kinds
    table.agree()
    assert table.sent[-1]["session"]["instructions"] == "Sing."


def test_settings_hold_once_upstream_agrees() -> None:
    table = RelayTable()
    table.send("session.update", session={"audio": {"output": {"voice": "echo"}}}, event_id="mine")
    asked = table.told[-1]
    assert asked["session"]["audio"]["output"]["voice"] == "echo"
    assert "model" not in asked["session"]
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "No.", "event_id": asked["event_id"]}
    [refusal] = table.report("error", error=error)
    assert refusal["error"]["event_id"] == "mine"
    table.send("session.update", session={})
    [updated] = table.agree()
    assert updated["session"]["audio"]["output"]["voice"] == "marin"


def test_what_would_act_in_the_account_that_pays_stays_here() -> None:
    table = RelayTable()
    prompt = {"id": "pmpt_1"}
    table.send("session.update", session={"tracing": "auto", "prompt": prompt})
    assert not {"tracing", "prompt"} & table.told[-1]["session"].keys()
    [updated] = table.agree()
    assert (updated["session"]["tracing"], updated["session"]["prompt"]["id"]) == ("auto", "pmpt_1")
    server = {"type": "mcp", "server_label": "mine", "server_url": "https://example.com"}
    [refused] = table.send("response.create", response={"tools": [server]})
    assert refused["error"]["param"] == "response.tools.0.server_label"
    table.send("response.create", response={"prompt": prompt})
    assert "prompt" not in table.told[-1].get("response", {})


@pytest.mark.parametrize("asked", [{"type": "audio/pcm", "rate": 24_000}, {"type": "audio/pcm"}])
def test_a_response_may_name_the_sessions_format(asked: dict[str, object]) -> None:
    """Its rate may be left out, as in a session's settings. The upstream has a format of its own."""
    table = RelayTable()
    assert table.send("response.create", response={"audio": {"output": {"format": asked, "voice": "cedar"}}}) == []
    assert table.told[-1]["response"] == {"audio": {"output": {"voice": "cedar"}}}


def test_the_history_has_words_where_the_client_wants_none() -> None:
    table = RelayTable()
    table.send("session.update", session={"audio": {"input": {"transcription": None}}})
    assert table.told[-1]["session"]["audio"]["input"]["transcription"] == {"model": "stt-1"}
    table.agree()
    table.send_audio(2000)
    table.report_utterance("item_said", 0, 1500)
    assert table.get_saved("item_said").text == "Hello."
    assert not [kind for kind in table.kinds if "transcription" in kind]


def test_playback_is_cleared_at_the_onset_of_speech() -> None:
    table = RelayTable()
    table.send("session.update", session={"extensions": ["playback"]})
    table.agree()
    table.send_audio(5000)
    table.begin_response("one", "A long reply.", 4000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=100, item_id="item_said")
    assert table.sent[-1]["type"] == "output_audio_buffer.cleared"
    assert table.sent[-1]["response_id"] == "resp_one"
    plain = RelayTable()
    plain.begin_response("one", "A long reply.", 4000)
    plain.report("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_said")
    assert plain.kinds[-1] == "input_audio_buffer.speech_started"


def test_a_reply_that_goes_on_under_speech() -> None:
    table = RelayTable()
    detection = {"type": "server_vad", "interrupt_response": False}
    session = {"extensions": ["playback"], "audio": {"input": {"turn_detection": detection}}}
    table.send("session.update", session=session)
    table.agree()
    table.begin_response("one", "A long reply.", 4000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_said")
    assert table.sent[-1]["type"] == "output_audio_buffer.started"


def test_a_truncated_reply_is_stored_as_far_as_it_was_heard() -> None:
    table = RelayTable()
    type_message(table)
    table.begin_response("one", "One two three four five six.", 3000)
    table.end_response("one", "One two three four five six.")
    table.send("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=1500)
    table.report("conversation.item.truncated", item_id="item_one", content_index=0, audio_end_ms=1500)
    item = table.get_saved("item_one")
    assert (item.heard_ms, item.text) == (1500, "One two three four five six.")
    assert item.heard_text == "One two three"


def test_words_run_ahead_of_the_sound_that_was_cut() -> None:
    table = RelayTable()
    words = "One two three four five six seven eight nine ten."
    table.begin_response("one", words, 500)
    table.end_response("one", words, "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    table.send("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=500)
    table.report("conversation.item.truncated", item_id="item_one", content_index=0, audio_end_ms=500)
    assert table.get_saved("item_one").heard_text in ("One", "One two")


def test_an_out_of_band_response_is_sent_and_not_stored() -> None:
    table = RelayTable()
    type_message(table)
    table.send("response.create", response={"conversation": "none", "metadata": {"topic": "x"}})
    table.begin_response("out_of_band", "By the way.", 100, conversation_id=None)
    done = table.end_response("out_of_band", "By the way.", conversation_id=None)
    assert next(event for event in done if event["type"] == "response.done")["response"]["conversation_id"] is None
    assert not [action for action in table.actions if isinstance(action, commands.KeepAudio)]
    assert not [kind for kind in table.kinds[-6:] if kind.startswith("conversation.item")]


def test_a_response_that_fails_before_its_first_word_is_in_the_history() -> None:
    table = RelayTable()
    type_message(table)
    shown = {"id": "resp_x", "object": "realtime.response", "status": "in_progress", "output": [],
             "conversation_id": "conv_theirs", "output_modalities": ["audio"]}  # fmt: skip
    table.report("response.created", response=shown)
    error = {"type": "server_error", "code": "engine_unavailable", "message": "It has trouble of its own."}
    details = {"type": "failed", "error": error}
    table.report("response.done", response=shown | {"status": "failed", "status_details": details})
    [item] = [action.item for action in table.actions if isinstance(action, commands.Save) and action.item.error_code]
    assert (item.role, item.error_message) == ("assistant", "It has trouble of its own.")
    assert item.id not in str(table.sent)
