"""The connection upstream is lost: what was under way ends visibly, and the next one is told what was said."""

import base64

from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import Limits
from tests.support.realtime.relay_steps import MANUAL, type_message
from tests.support.realtime.relay_table import LOST, RelayTable


def test_a_reply_ends_with_its_connection() -> None:
    table = RelayTable()
    type_message(table)
    table.begin_response("one", "One two", 400)
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
    item = table.get_saved("item_one")
    assert (item.status, item.error_code, item.text) == ("incomplete", LOST.code, "One two")
    table.assert_stored_before_told()


def test_the_next_connection_is_told_what_was_heard() -> None:
    table = RelayTable()
    type_message(table)
    table.begin_response("one", "One two three four five six.", 3000)
    table.end_response("one", "One two three four five six.")
    table.send("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=1500)
    table.lose()  # before it was confirmed
    assert table.sent[-1]["type"] == "conversation.item.truncated"
    before = len(table.sent)
    table.connect()
    assert table.told_kinds == ["session.update", "conversation.item.create", "conversation.item.create"]
    assert [event["item"]["content"][0]["text"] for event in table.told[1:]] == ["Hello.", "One two three"]
    for event in table.told[1:]:
        table.report("conversation.item.added", item=event["item"], previous_item_id=None)
        table.report("conversation.item.done", item=event["item"], previous_item_id=None)
    assert len(table.sent) == before  # the client knows them


def test_what_is_cut_after_a_reconnection_is_said_anew_upstream() -> None:
    table = RelayTable()
    table.begin_response("one", "One two three four five six.", 3000)
    table.end_response("one", "One two three four five six.")
    table.lose()
    table.connect()
    [cut] = table.send("conversation.item.truncate", item_id="item_one", content_index=0, audio_end_ms=1500)
    assert cut["type"] == "conversation.item.truncated"
    assert table.told_kinds[-2:] == ["conversation.item.delete", "conversation.item.create"]
    assert table.told[-1]["item"]["content"][0]["text"] == "One two three"
    assert table.report("conversation.item.deleted", item_id="item_one") == []
    assert table.machine.state.log.get("item_one") is not None


def test_speech_under_way_goes_on_over_the_next_connection() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.lose()
    table.send_audio(1000)
    table.connect()
    sound = b"".join(base64.b64decode(event["audio"]) for event in table.told if event["type"].endswith("append"))
    assert len(sound) == 2500 * BYTES_PER_MS  # from where it began
    table.report_utterance("item_b", 0, 2400)
    started = [event for event in table.sent if event["type"].endswith("speech_started")]
    assert [event["item_id"] for event in started] == ["item_a"]
    stopped = next(event for event in table.sent if event["type"].endswith("speech_stopped"))
    assert (stopped["item_id"], stopped["audio_end_ms"]) == ("item_a", 2900)
    assert table.get_saved("item_a").audio_ms == 2400
    assert table.get_saved("item_a").text == "Hello."


def test_an_utterance_that_ended_as_the_connection_did() -> None:
    table = RelayTable()
    table.send_audio(20_000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.report("input_audio_buffer.speech_stopped", audio_end_ms=19_500, item_id="item_a")
    table.send_audio(100)  # does not cost it its beginning
    table.lose()
    table.connect()
    table.report_utterance("item_b", 0, 19_000)
    started = [event for event in table.sent if event["type"].endswith("speech_started")]
    assert [event["item_id"] for event in started] == ["item_a"]
    assert table.get_saved("item_a").audio_ms == 19_000


def test_a_commit_that_was_not_answered_is_made_again() -> None:
    table = RelayTable()
    table.send("session.update", session=MANUAL)
    table.agree()
    table.send_audio(500)
    table.send("input_audio_buffer.commit")
    table.send("response.create")
    table.lose()
    table.send_audio(200)
    table.connect()
    assert [kind.removeprefix("input_audio_buffer.") for kind in table.told_kinds] == [
        "session.update",
        "append",
        "commit",
        "response.create",
        "append",
    ]
    table.report_committed("item_a")
    assert table.get_saved("item_a").audio_ms == 500


def test_words_that_were_awaited_do_not_come() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report_utterance("item_said", 0, 1500, words=None)
    failed = [event for event in table.lose() if event["type"].endswith("transcription.failed")]
    assert [event["item_id"] for event in failed] == ["item_said"]
    assert table.get_saved("item_said").error_code == LOST.code
    assert table.report_transcript("item_said", "Too late.") == []


def test_a_reply_that_speech_called_for_is_asked_of_the_next_connection() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report_utterance("item_said", 0, 1500)
    table.lose()
    table.connect()
    assert [kind for kind in table.told_kinds if kind.startswith(("conv", "resp"))] == [
        "conversation.item.create",
        "response.create",
    ]
    table.begin_response("one", "Yes?", 100)
    table.end_response("one", "Yes?")
    table.lose()
    table.connect()
    assert "response.create" not in table.told_kinds


def test_a_reply_to_what_was_not_understood_does_not_come() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report_utterance("item_said", 0, 1500, words=None)
    errors = [event["error"] for event in table.lose() if event["type"] == "error"]
    assert [error["message"] for error in errors] == [LOST.message]
    table.connect()
    assert "response.create" not in table.told_kinds
    assert table.deadlines == {}


def test_a_hanging_upstream_is_left() -> None:
    table = RelayTable(limits=Limits(turn_budget_sec=60))
    type_message(table)
    table.send("response.create")
    table.pass_time(29)
    assert not table.is_reconnecting
    table.pass_time(2)
    assert table.is_reconnecting
    assert table.sent[-1]["error"]["code"] == "engine_timeout"
    again = RelayTable()
    type_message(again)
    again.begin_response("one", "One two", 400)
    again.pass_time(31)
    assert again.is_reconnecting
    done = next(event for event in again.sent if event["type"] == "response.done")
    assert done["response"]["status"] == "failed"


def test_words_are_not_waited_for_for_ever() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report_utterance("item_said", 0, 1500, words=None)
    table.begin_response("one", "Yes?", 100)
    table.end_response("one", "Yes?")
    table.pass_time(31)
    assert table.get_saved("item_said").error_code == "engine_timeout"
    assert table.kinds[-1] == "conversation.item.input_audio_transcription.failed"


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
