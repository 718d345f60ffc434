"""What the relay decides, on a table."""

import base64
import json

import pytest

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.relay.event_shapes import MalformedEventError, check_event
from conversations.realtime.state import Limits
from tests.support.realtime.relay_table import LOST, TYPED, RelayTable

MANUAL = {"audio": {"input": {"turn_detection": None}}}
CUT = {"item_id": "x", "content_index": 0, "audio_end_ms": 1}


def typed(table: RelayTable) -> None:
    table.client("conversation.item.create", item=TYPED)
    for kind in ("added", "done"):
        table.upstream(f"conversation.item.{kind}", item=TYPED, previous_item_id=None)


def test_a_spoken_turn() -> None:
    table = RelayTable()
    table.client("session.update", session={"extensions": ["playback"]})
    table.agree()
    table.hear(3000)
    table.utterance("item_said", 300, 2500)
    table.now += 0.2
    table.begin("one", "Good morning.", 800)
    table.now += 0.5
    done = table.end("one", "Good morning.")
    question, answer = table.stored("item_said"), table.stored("item_one")
    assert (question.text, question.audio_ms, question.usage.stt_seconds) == ("Hello.", 2200, 1.5)
    assert len(table.sound("item_said")) == 2200 * BYTES_PER_MS
    assert (answer.text, answer.audio_ms, answer.status, answer.is_audio) == ("Good morning.", 800, "completed", True)
    assert answer.waterfall == {"endpoint": 0, "transcript": 0, "first_token": 200, "first_audio": 200, "done": 700}
    assert (answer.usage.output_tokens, answer.usage.output_audio_tokens) == (20, 15)
    assert (answer.usage.input_tokens, answer.usage.input_audio_tokens, answer.usage.cached_tokens) == (10, 4, 2)
    response = next(event for event in done if event["type"] == "response.done")["response"]
    assert (response["conversation_id"], response["timing"]["done"]) == ("conv_1", 700)
    table.is_stored_before_told()


@pytest.mark.parametrize(("moment", "known_ms"), [("before", 100), ("amid", 300), ("after", 600)])
def test_the_words_come_when_they_come(moment: str, known_ms: int) -> None:
    table = RelayTable()
    table.hear(3000)
    table.utterance("item_said", 300, 2500, words=None)
    for step, act in (
        ("before", lambda: None),
        ("amid", lambda: table.begin("one", "Good morning.", 800)),
        ("after", lambda: table.end("one", "Good morning.")),
    ):
        table.now += 0.1
        act()
        table.now += {"before": 0.0, "amid": 0.1, "after": 0.2}[step]
        if step == moment:
            table.words("item_said", "Hello.")
    assert table.stored("item_one").waterfall["transcript"] == known_ms


def test_upstreams_own_facts_are_not_passed_on() -> None:
    table = RelayTable()
    theirs = {"type": "realtime", "id": "sess_theirs", "model": "gpt", "instructions": "Secret."}
    table.upstream("session.created", session=theirs)
    table.upstream("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 7, "remaining": 1}])
    assert "theirs" not in json.dumps(table.sent)
    assert "rate_limits.updated" not in table.kinds
    typed(table)
    table.begin("one", "Hello.", 100)
    table.end("one", "Hello.")
    [limits] = [event for event in table.sent if event["type"] == "rate_limits.updated"]
    assert limits["rate_limits"][0]["name"] == "requests"
    assert "theirs" not in json.dumps(table.sent)


def test_what_comes_before_the_connection_waits_for_it() -> None:
    table = RelayTable(is_up=False)
    table.client("session.update", session={"instructions": "Sing."})
    table.client("conversation.item.create", item=TYPED)
    table.client("response.create")
    assert table.told == []
    table.connect()
    kinds = ["session.update", "session.update", "conversation.item.create", "response.create"]
    assert table.told_kinds == kinds
    assert "session.updated" not in table.kinds
    table.agree()
    assert table.sent[-1]["session"]["instructions"] == "Sing."


def test_settings_hold_once_upstream_agrees() -> None:
    table = RelayTable()
    table.client("session.update", session={"audio": {"output": {"voice": "echo"}}}, event_id="mine")
    asked = table.told[-1]
    assert asked["session"]["audio"]["output"]["voice"] == "echo"
    assert "model" not in asked["session"]
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "No.", "event_id": asked["event_id"]}
    [refusal] = table.upstream("error", error=error)
    assert refusal["error"]["event_id"] == "mine"
    table.client("session.update", session={})
    [updated] = table.agree()
    assert updated["session"]["audio"]["output"]["voice"] == "marin"


def test_what_would_act_in_the_account_that_pays_stays_here() -> None:
    table = RelayTable()
    prompt = {"id": "pmpt_1"}
    table.client("session.update", session={"tracing": "auto", "prompt": prompt})
    assert not {"tracing", "prompt"} & table.told[-1]["session"].keys()
    [updated] = table.agree()
    assert (updated["session"]["tracing"], updated["session"]["prompt"]["id"]) == ("auto", "pmpt_1")
    server = {"type": "mcp", "server_label": "mine", "server_url": "https://example.com"}
    [refused] = table.client("response.create", response={"tools": [server]})
    assert refused["error"]["param"] == "response.tools.0.server_label"
    table.client("response.create", response={"prompt": prompt})
    assert "prompt" not in table.told[-1].get("response", {})


def test_the_history_has_words_where_the_client_wants_none() -> None:
    table = RelayTable()
    table.client("session.update", session={"audio": {"input": {"transcription": None}}})
    assert table.told[-1]["session"]["audio"]["input"]["transcription"] == {"model": "stt-1"}
    table.agree()
    table.hear(2000)
    table.utterance("item_said", 0, 1500)
    assert table.stored("item_said").text == "Hello."
    assert not [kind for kind in table.kinds if "transcription" in kind]


def test_commits_take_what_was_appended_before_them() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500, b"\x01\x00")
    table.client("input_audio_buffer.commit")
    table.hear(300, b"\x05\x00")
    table.client("input_audio_buffer.commit")
    table.committed("item_a")
    table.committed("item_b")
    assert table.sound("item_a") == b"\x01\x00" * (500 * 24)
    assert table.sound("item_b") == b"\x05\x00" * (300 * 24)


def test_what_is_appended_behind_a_clear_is_not_cleared() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500, b"\x01\x00")
    table.client("input_audio_buffer.clear")
    table.hear(300, b"\x05\x00")
    table.client("input_audio_buffer.commit")
    table.upstream("input_audio_buffer.cleared")
    table.committed("item_a")
    assert table.sound("item_a") == b"\x05\x00" * (300 * 24)


def test_a_clear_that_was_not_answered_is_asked_for_again() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500)
    table.client("input_audio_buffer.clear")
    table.hear(300)
    table.lose()
    table.connect()
    assert [kind.removeprefix("input_audio_buffer.") for kind in table.told_kinds[1:]] == ["append", "clear", "append"]
    assert len(base64.b64decode(table.told[-1]["audio"])) == 300 * BYTES_PER_MS
    assert table.upstream("input_audio_buffer.cleared") != []


def test_a_file_that_is_sent_at_once_loses_nothing() -> None:
    table = RelayTable()
    table.hear(60_000)
    table.utterance("item_said", 300, 59_000)
    assert table.stored("item_said").audio_ms == 58_700


def test_silence_is_not_kept() -> None:
    table = RelayTable()
    for _ in range(100):
        table.now += 1
        table.hear(1000)
    assert len(table.machine.user_turn.buffer) <= 12 * 24_000


def test_a_verdict_comes_with_the_onset_of_speech() -> None:
    table = RelayTable()
    table.client("session.update", session={"extensions": ["playback"]})
    table.agree()
    table.hear(5000)
    table.begin("one", "A long reply.", 4000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=100, item_id="item_said")
    assert table.sent[-1]["type"] == "output_audio_buffer.cleared"
    assert table.sent[-1]["response_id"] == "resp_one"
    plain = RelayTable()
    plain.begin("one", "A long reply.", 4000)
    plain.upstream("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_said")
    assert plain.kinds[-1] == "input_audio_buffer.speech_started"


def test_a_reply_that_goes_on_under_speech() -> None:
    table = RelayTable()
    detection = {"type": "server_vad", "interrupt_response": False}
    session = {"extensions": ["playback"], "audio": {"input": {"turn_detection": detection}}}
    table.client("session.update", session=session)
    table.agree()
    table.begin("one", "A long reply.", 4000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_said")
    assert table.sent[-1]["type"] == "output_audio_buffer.started"


def test_what_was_heard() -> None:
    table = RelayTable()
    typed(table)
    table.begin("one", "One two three four five six.", 3000)
    table.end("one", "One two three four five six.")
    table.client("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=1500)
    table.upstream("conversation.item.truncated", item_id="item_one", content_index=0, audio_end_ms=1500)
    item = table.stored("item_one")
    assert (item.heard_ms, item.text) == (1500, "One two three four five six.")
    assert item.heard_text == "One two three"


def test_words_run_ahead_of_the_sound_that_was_cut() -> None:
    table = RelayTable()
    words = "One two three four five six seven eight nine ten."
    table.begin("one", words, 500)
    table.end("one", words, "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    table.client("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=500)
    table.upstream("conversation.item.truncated", item_id="item_one", content_index=0, audio_end_ms=500)
    assert table.stored("item_one").heard_text in ("One", "One two")


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("conversation.item.truncate", CUT, "item_truncate_invalid_item_id"),
        ("conversation.item.delete", {"item_id": "x"}, "item_delete_invalid_item_id"),
        ("conversation.item.retrieve", {"item_id": "x"}, "item_retrieve_invalid_item_id"),
        ("conversation.item.create", {"item": TYPED}, "item_create_duplicate_item_id"),
        ("conversation.item.create", {"item": {**TYPED, "id": "new"}, "previous_item_id": "x"}, "invalid_value"),
        ("response.cancel", {}, "response_cancel_not_active"),
        ("response.create", {"response": {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}}, "invalid_value"),
    ],
)  # fmt: skip
def test_a_clients_mistake_does_not_reach_upstream(kind: str, fields: dict[str, object], code: str) -> None:
    table = RelayTable()
    typed(table)
    told = len(table.told)
    [refusal] = table.client(kind, **fields, event_id="mine")
    assert (refusal["error"]["code"], refusal["error"]["event_id"]) == (code, "mine")
    assert len(table.told) == told


def test_the_same_limits() -> None:
    table = RelayTable(limits=Limits(max_items=1, responses_per_min=1, max_buffer_ms=1000))
    table.client("session.update", session=MANUAL)
    table.agree()
    typed(table)
    [full] = table.client("conversation.item.create", item={**TYPED, "id": "item_two"})
    assert full["error"]["code"] == "conversation_full"
    table.client("response.create")
    table.begin("one", "Hello.", 100)
    table.end("one", "Hello.")
    [fast] = table.client("response.create")
    assert fast["error"]["code"] == "rate_limit_exceeded"
    [long] = table.hear(2000)
    assert long["error"]["code"] == "input_audio_buffer_full"


def test_the_same_limit_of_asides() -> None:
    table = RelayTable(limits=Limits(max_out_of_band=2))
    out_of_band = {"conversation": "none"}
    for _ in range(2):
        assert table.client("response.create", response=out_of_band) == []
    table.begin("one", "Hello.", 100, conversation_id=None)  # one runs, one is to begin
    [many] = table.client("response.create", response=out_of_band)
    assert many["error"]["code"] == "too_many_responses"
    table.end("one", "Hello.", conversation_id=None)
    assert table.client("response.create", response=out_of_band) == []


def test_a_response_that_speech_calls_for_beyond_the_limit_is_cancelled() -> None:
    table = RelayTable(limits=Limits(responses_per_min=1))
    table.begin("one", "Hello.", 100)
    table.end("one", "Hello.")
    table.begin("two", "Hello again.", 100)
    assert (table.told[-1]["type"], table.told[-1]["response_id"]) == ("response.cancel", "resp_two")


def test_an_aside_is_told_and_not_stored() -> None:
    table = RelayTable()
    typed(table)
    table.client("response.create", response={"conversation": "none", "metadata": {"topic": "x"}})
    table.begin("out_of_band", "By the way.", 100, conversation_id=None)
    done = table.end("out_of_band", "By the way.", conversation_id=None)
    assert next(event for event in done if event["type"] == "response.done")["response"]["conversation_id"] is None
    assert not [action for action in table.actions if isinstance(action, commands.KeepAudio)]
    assert not [kind for kind in table.kinds[-6:] if kind.startswith("conversation.item")]


# The upstream is lost.


def test_a_reply_ends_with_its_connection() -> None:
    table = RelayTable()
    typed(table)
    table.begin("one", "One two", 400)
    ended = [event["type"] for event in table.lose()]
    assert ended == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    done = table.sent[-2]["response"]
    assert (done["status"], done["status_details"]["error"]["message"]) == ("failed", LOST.message)
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "One two"}]
    item = table.stored("item_one")
    assert (item.status, item.error_code, item.text) == ("incomplete", LOST.code, "One two")
    table.is_stored_before_told()


def test_the_next_connection_is_told_what_was_heard() -> None:
    table = RelayTable()
    typed(table)
    table.begin("one", "One two three four five six.", 3000)
    table.end("one", "One two three four five six.")
    table.client("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=1500)
    table.lose()  # before it was confirmed
    assert table.sent[-1]["type"] == "conversation.item.truncated"
    before = len(table.sent)
    table.connect()
    assert table.told_kinds == ["session.update", "conversation.item.create", "conversation.item.create"]
    assert [event["item"]["content"][0]["text"] for event in table.told[1:]] == ["Hello.", "One two three"]
    for event in table.told[1:]:
        table.upstream("conversation.item.added", item=event["item"], previous_item_id=None)
        table.upstream("conversation.item.done", item=event["item"], previous_item_id=None)
    assert len(table.sent) == before  # the client knows them


def test_what_is_cut_after_a_reconnection_is_said_anew_upstream() -> None:
    table = RelayTable()
    table.begin("one", "One two three four five six.", 3000)
    table.end("one", "One two three four five six.")
    table.lose()
    table.connect()
    [cut] = table.client("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=1500)
    assert cut["type"] == "conversation.item.truncated"
    assert table.told_kinds[-2:] == ["conversation.item.delete", "conversation.item.create"]
    assert table.told[-1]["item"]["content"][0]["text"] == "One two three"
    assert table.upstream("conversation.item.deleted", item_id="item_one") == []
    assert table.machine.state.log.get("item_one") is not None


def test_speech_under_way_goes_on_over_the_next_connection() -> None:
    table = RelayTable()
    table.hear(2000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.lose()
    table.hear(1000)
    table.connect()
    sound = b"".join(base64.b64decode(event["audio"]) for event in table.told if event["type"].endswith("append"))
    assert len(sound) == 2500 * BYTES_PER_MS  # from where it began
    table.utterance("item_b", 0, 2400)
    started = [event for event in table.sent if event["type"].endswith("speech_started")]
    assert [event["item_id"] for event in started] == ["item_a"]
    stopped = next(event for event in table.sent if event["type"].endswith("speech_stopped"))
    assert (stopped["item_id"], stopped["audio_end_ms"]) == ("item_a", 2900)
    assert table.stored("item_a").audio_ms == 2400
    assert table.stored("item_a").text == "Hello."


def test_an_utterance_that_ended_as_the_connection_did() -> None:
    table = RelayTable()
    table.hear(20_000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.upstream("input_audio_buffer.speech_stopped", audio_end_ms=19_500, item_id="item_a")
    table.hear(100)  # does not cost it its beginning
    table.lose()
    table.connect()
    table.utterance("item_b", 0, 19_000)
    started = [event for event in table.sent if event["type"].endswith("speech_started")]
    assert [event["item_id"] for event in started] == ["item_a"]
    assert table.stored("item_a").audio_ms == 19_000


def test_a_commit_that_was_not_answered_is_made_again() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500)
    table.client("input_audio_buffer.commit")
    table.client("response.create")
    table.lose()
    table.hear(200)
    table.connect()
    assert [kind.removeprefix("input_audio_buffer.") for kind in table.told_kinds] == [
        "session.update",
        "append",
        "commit",
        "response.create",
        "append",
    ]
    table.committed("item_a")
    assert table.stored("item_a").audio_ms == 500


def test_words_that_were_awaited_do_not_come() -> None:
    table = RelayTable()
    table.hear(2000)
    table.utterance("item_said", 0, 1500, words=None)
    failed = [event for event in table.lose() if event["type"].endswith("transcription.failed")]
    assert [event["item_id"] for event in failed] == ["item_said"]
    assert table.stored("item_said").error_code == LOST.code
    assert table.words("item_said", "Too late.") == []


def test_a_reply_that_speech_called_for_is_asked_of_the_next_connection() -> None:
    table = RelayTable()
    table.hear(2000)
    table.utterance("item_said", 0, 1500)
    table.lose()
    table.connect()
    assert [kind for kind in table.told_kinds if kind.startswith(("conv", "resp"))] == [
        "conversation.item.create",
        "response.create",
    ]
    table.begin("one", "Yes?", 100)
    table.end("one", "Yes?")
    table.lose()
    table.connect()
    assert "response.create" not in table.told_kinds


def test_a_reply_to_what_was_not_understood_does_not_come() -> None:
    table = RelayTable()
    table.hear(2000)
    table.utterance("item_said", 0, 1500, words=None)
    errors = [event["error"] for event in table.lose() if event["type"] == "error"]
    assert [error["message"] for error in errors] == [LOST.message]
    table.connect()
    assert "response.create" not in table.told_kinds
    assert table.deadlines == {}


def test_a_hanging_upstream_is_left() -> None:
    table = RelayTable(limits=Limits(turn_budget_sec=60))
    typed(table)
    table.client("response.create")
    table.wait(29)
    assert not table.wants_reconnection
    table.wait(2)
    assert table.wants_reconnection
    assert table.sent[-1]["error"]["code"] == "engine_timeout"
    again = RelayTable()
    typed(again)
    again.begin("one", "One two", 400)
    again.wait(31)
    assert again.wants_reconnection
    done = next(event for event in again.sent if event["type"] == "response.done")
    assert done["response"]["status"] == "failed"


def test_words_are_not_waited_for_for_ever() -> None:
    table = RelayTable()
    table.hear(2000)
    table.utterance("item_said", 0, 1500, words=None)
    table.begin("one", "Yes?", 100)
    table.end("one", "Yes?")
    table.wait(31)
    assert table.stored("item_said").error_code == "engine_timeout"
    assert table.kinds[-1] == "conversation.item.input_audio_transcription.failed"


# The client leaves.


def test_the_last_words_are_committed() -> None:
    table = RelayTable()
    table.hear(2000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.leave()
    assert table.told_kinds[-1] == "input_audio_buffer.commit"
    assert table.machine.is_awaiting_words
    table.committed("item_a")
    assert table.machine.is_awaiting_words
    table.words("item_a", "My last words.")
    assert not table.machine.is_awaiting_words
    assert (table.stored("item_a").text, table.stored("item_a").audio_ms) == ("My last words.", 1500)


@pytest.mark.parametrize("is_manual", [True, False])
def test_what_was_said_and_not_confirmed_is_waited_for(is_manual: bool) -> None:
    table = RelayTable()
    if is_manual:
        table.client("session.update", session=MANUAL)
        table.agree()
    table.hear(1500)
    if is_manual:
        table.client("input_audio_buffer.commit")
    else:
        table.upstream("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_a")
        table.upstream("input_audio_buffer.speech_stopped", audio_end_ms=1500, item_id="item_a")
    told = len(table.told)
    table.leave()
    assert len(table.told) == told  # it is asked for already
    assert table.machine.is_awaiting_words
    table.committed("item_a")
    table.words("item_a", "My last words.")
    assert not table.machine.is_awaiting_words
    assert (table.stored("item_a").text, table.stored("item_a").audio_ms) == ("My last words.", 1500)


@pytest.mark.parametrize("is_lost", [True, False])
def test_last_words_that_upstream_never_confirms_are_kept(is_lost: bool) -> None:
    table = RelayTable()
    table.hear(2000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.leave()
    if is_lost:
        table.lose()
        assert not table.machine.is_awaiting_words
    table.end_line()
    table.committed("item_a")  # too late
    assert len(table.sound("item_a")) == 1500 * BYTES_PER_MS


def test_a_commit_of_last_words_that_is_refused_is_not_waited_for() -> None:
    table = RelayTable()
    table.hear(2000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=1950, item_id="item_a")
    table.leave()
    error = {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty", "message": "Too short."}
    table.upstream("error", error=error | {"event_id": table.told[-1]["event_id"]})
    assert not table.machine.is_awaiting_words


def test_without_an_upstream_the_sound_of_the_last_words_is_kept() -> None:
    table = RelayTable()
    table.hear(2000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.lose()
    table.leave()
    table.end_line()
    assert len(table.sound("item_a")) == 1500 * BYTES_PER_MS
    assert not table.machine.is_awaiting_words


@pytest.mark.parametrize(("vanished", "heard_ms"), [(True, 1000), (False, None)])
def test_a_client_that_vanished_has_heard_what_its_clock_says(vanished: bool, heard_ms: int | None) -> None:
    table = RelayTable()
    table.begin("one", "One two three four five six.", 3000)
    table.end("one", "One two three four five six.")
    table.now += 1
    table.leave(vanished=vanished)
    assert table.stored("item_one").heard_ms == heard_ms


def test_a_reply_under_way_is_cancelled_and_kept() -> None:
    table = RelayTable()
    table.begin("one", "One two", 400)
    table.leave()
    assert (table.told[-1]["type"], table.told[-1]["response_id"]) == ("response.cancel", "resp_one")
    assert (table.stored("item_one").status, table.stored("item_one").text) == ("incomplete", "One two")


def test_a_continued_conversation_is_told_on_both_sides() -> None:
    items = (
        LiveItem("item_1", role="user", text="My cat is Tom."),
        LiveItem("item_2", role="assistant", text="I see. And then?", heard_text="I see.", is_audio=True),
        LiveItem("item_3", type="function_call", call={"call_id": "call_1", "name": "find", "arguments": "{}"}),
        LiveItem("item_4", type="function_call", call={"call_id": "call_2", "name": "find", "arguments": "{}"}),
        LiveItem("item_5", type="function_call_output", call={"call_id": "call_2", "output": "Here."}),
    )
    table = RelayTable(items=items)
    assert table.kinds.count("conversation.item.added") == 5
    told = [event["item"] for event in table.told[1:]]
    assert [item["id"] for item in told] == ["item_1", "item_2", "item_4", "item_5"]  # a call needs its answer
    assert told[1]["content"] == [{"type": "output_text", "text": "I see."}]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.done"},
        {"type": "response.created", "response": {"status": "in_progress"}},
        {
            "type": "conversation.item.added",
            "event_id": "e",
            "item": {"type": "message", "role": "user", "content": []},
        },
        {"type": "input_audio_buffer.speech_started", "event_id": "e", "item_id": "i", "audio_start_ms": "soon"},
    ],
)
def test_what_is_no_event_of_the_protocol(event: dict[str, object]) -> None:
    with pytest.raises(MalformedEventError):
        check_event(event)


def test_kinds_that_nobody_knows_are_passed_over() -> None:
    assert check_event({"type": "something.new"}) is None
    assert check_event({}) is None


def test_a_response_that_fails_before_its_first_word_is_in_the_history() -> None:
    table = RelayTable()
    typed(table)
    shown = {"id": "resp_x", "object": "realtime.response", "status": "in_progress", "output": [],
             "conversation_id": "conv_theirs", "output_modalities": ["audio"]}  # fmt: skip
    table.upstream("response.created", response=shown)
    error = {"type": "server_error", "code": "engine_unavailable", "message": "It has trouble of its own."}
    details = {"type": "failed", "error": error}
    table.upstream("response.done", response=shown | {"status": "failed", "status_details": details})
    [item] = [action.item for action in table.actions if isinstance(action, commands.Save) and action.item.error_code]
    assert (item.role, item.error_message) == ("assistant", "It has trouble of its own.")
    assert item.id not in str(table.sent)
