from typing import Any

import pytest

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from tests.support.realtime.harness import BARGE_IN_MS, Table, get_kinds

REPLY = "One two three four. Five six seven eight. "


def begin_reply(**turn_detection: Any) -> Table:
    """Return a table on which a reply of 2 s has just been sent."""
    table = Table(**turn_detection)
    table.say()
    table.report_transcript("Count, please.")
    table.write(REPLY)
    table.end_text()
    clause = table.find_last(commands.SpeakClause)
    table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(2000 * 48)))
    return table


def get_saved_reply(table: Table) -> Any:
    return table.get_saved(table.machine.agent_turn.playback_queue.last.item.id)  # type: ignore[union-attr]


def test_it_works() -> None:
    table = begin_reply()
    sent = table.send_audio(640, 0.9)
    assert get_kinds(sent) == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    response = sent[-1]["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert table.find_last(commands.Abort).id == response["id"]


def test_the_server_estimates_what_was_heard() -> None:
    table = begin_reply()
    table.now += 1.4
    table.send_audio(BARGE_IN_MS, 0.9)
    item = get_saved_reply(table)
    assert item.text == REPLY
    assert 1400 <= item.heard_ms <= 1500
    assert item.heard_text == "One two three"


def test_a_clause_cut_short_keeps_its_words_in_proportion() -> None:
    table = Table()
    table.say()
    table.report_transcript("Count, please.")
    table.write(REPLY)
    clause = table.find_last(commands.SpeakClause)
    table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(100 * 48)))  # the first tenth of a second of it
    table.now += 1.0
    table.send_audio(BARGE_IN_MS, 0.9)
    assert (get_saved_reply(table).heard_ms, get_saved_reply(table).heard_text) == (100, "")


def test_the_client_knows_better() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    item_id = get_saved_reply(table).id
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 700}
    sent = table.send("conversation.item.truncate", **cut)
    assert [{key: event[key] for key in cut} for event in sent] == [cut]
    assert get_saved_reply(table).heard_text == "One two"
    shown = table.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert shown["content"] == [{"type": "output_audio", "transcript": "One two"}]


def test_a_truncate_amid_the_response_leaves_its_closing_words_alone() -> None:
    table = begin_reply()
    item_id = table.machine.agent_turn.response.item.id  # type: ignore[union-attr]
    table.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=700)
    done = table.send("response.cancel")[-1]  # the table checks that all texts of a response agree
    assert done["response"]["output"][0]["content"][0]["transcript"].startswith("One two three")
    assert get_saved_reply(table).heard_ms == 700


def test_the_model_sees_what_was_heard() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    item_id = get_saved_reply(table).id
    table.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=700)
    table.send_audio(640, 0.9)
    table.send_audio(640, 0.0)
    table.report_transcript("Stop.")
    assert table.find_last(commands.Generate).messages[1:] == [
        ContextMessage("user", "Count, please."),
        ContextMessage("assistant", "One two"),
        ContextMessage("user", "Stop."),
    ]


def test_nothing_of_the_response_follows() -> None:
    table = begin_reply()
    response_id = table.find_last(commands.SpeakClause).response_id
    table.send_audio(BARGE_IN_MS, 0.9)
    assert table.report(engine_events.SpeechAudio(response_id, 0, bytes(480))) == []
    assert table.report(engine_events.SpeechDone(response_id, 0)) == []


def test_a_reply_still_played_when_its_response_is_done_is_cut_too() -> None:
    table = Table()
    table.run_turn(reply="One two three four.")
    table.now += 0.35
    table.send_audio(BARGE_IN_MS, 0.9)
    assert get_saved_reply(table).heard_text == "One two"


def test_a_reply_played_out_is_not_cut() -> None:
    table = Table()
    table.run_turn()
    table.now += 5.0
    table.send_audio(640, 0.9)
    assert get_saved_reply(table).heard_text is None


def test_a_question_not_answered_yet_is_answered_with_the_next() -> None:
    table = Table()
    table.say()
    table.report_transcript("What is the weather?")
    cancelled = table.send_audio(640, 0.9)
    assert cancelled[-1]["response"]["status"] == "cancelled"
    table.send_audio(640, 0.0)
    sent = table.report_transcript("")  # it was a cough
    assert "response.created" in get_kinds(sent)


def test_a_response_runs_on_where_the_session_says_so() -> None:
    table = begin_reply(interrupt_response=False)
    assert get_kinds(table.send_audio(640, 0.9)) == ["input_audio_buffer.speech_started"]
    table.send_audio(640, 0.0)
    assert "response.created" not in get_kinds(table.report_transcript("And then?"))  # never two beside one another
    response_id = table.find_last(commands.SpeakClause).response_id
    sent = table.report(engine_events.SpeechDone(response_id, 0)) + table.report(
        engine_events.SpeechDone(response_id, 1)
    )
    assert get_kinds(sent)[-2:] == ["response.done", "response.created"]


def test_a_question_that_waited_for_the_end_is_answered_knowing_what_was_heard() -> None:
    table = begin_reply(interrupt_response=False)
    table.say(320)
    table.report_transcript("And then?")
    table.send("response.cancel")
    assert [said.words for said in table.find_last(commands.Generate).messages if said.role == "assistant"] == [
        "One two"
    ]


def test_a_client_cancels() -> None:
    table = begin_reply()
    response_id = table.find_last(commands.SpeakClause).response_id
    done = table.send("response.cancel", response_id=response_id)[-1]
    assert done["response"]["status_details"]["reason"] == "client_cancelled"
    error = table.send("response.cancel", event_id="late")[0]["error"]
    assert error["code"] == "response_cancel_not_active"
    assert error["message"].startswith("Cancellation failed")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"item_id": "nobody", "content_index": 0, "audio_end_ms": 0}, "item_truncate_invalid_item_id"),
        ({"item_id": "REPLY", "content_index": 0, "audio_end_ms": 2002}, "invalid_value"),
        ({"item_id": "REPLY", "content_index": 0, "audio_end_ms": -1}, "invalid_value"),
        ({"item_id": "REPLY", "content_index": 1, "audio_end_ms": 10}, "invalid_value"),
        ({"item_id": "USER", "content_index": 0, "audio_end_ms": 10}, "unsupported_content_type"),
    ],
)
def test_a_wrong_truncate_is_refused(fields: dict[str, Any], code: str) -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    names = {
        "REPLY": get_saved_reply(table).id,
        "USER": next(action for action in table.actions if isinstance(action, commands.Save)).item.id,
    }
    fields["item_id"] = names.get(fields["item_id"], fields["item_id"])
    assert table.send("conversation.item.truncate", **fields)[0]["error"]["code"] == code


def test_a_client_that_vanishes_heard_what_time_allowed() -> None:
    table = begin_reply()
    table.now += 0.7
    table.report(engine_events.ClientGone())
    assert get_saved_reply(table).heard_text == "One two"
    assert get_saved_reply(table).status == "incomplete"


@pytest.mark.parametrize(("vanished", "heard"), [(True, ""), (False, None)])
def test_only_a_client_that_says_goodbye_could_have_said_what_it_heard(vanished: bool, heard: str | None) -> None:
    table = Table()
    table.run_turn()
    table.report(engine_events.ClientGone(vanished))
    assert get_saved_reply(table).heard_text == heard


def test_the_last_words_before_a_hang_up_are_kept() -> None:
    table = Table()
    table.send_audio(640, 0.9)
    table.report(engine_events.ClientGone())
    item_id = table.find_last(commands.Transcribe).item_id
    table.report_transcript("Goodbye.")
    assert table.get_saved(item_id).text == "Goodbye."
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def finish_text_reply() -> tuple[Table, str]:
    """Return a table with a reply in text, which a client with the `playback` extension speaks by itself, and the
    reply's item id.
    """
    table = Table()
    table.send("session.update", session={"output_modalities": ["text"], "extensions": ["playback"]})
    table.say()
    table.report_transcript("Count, please.")
    table.write(REPLY)
    table.end_text()
    return table, table.machine.agent_turn.playback_queue.last.item.id  # type: ignore[union-attr]


def test_a_client_that_speaks_by_itself_tells_the_words() -> None:
    table, item_id = finish_text_reply()
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 0}
    [sent] = table.send("conversation.item.truncate", **cut, heard="One two")
    assert {key: sent[key] for key in cut} == cut
    assert (get_saved_reply(table).text, get_saved_reply(table).heard_text) == (REPLY, "One two")
    shown = table.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert shown["content"] == [{"type": "output_text", "text": "One two"}]


@pytest.mark.parametrize("heard", ["One three", 7, REPLY + "Nine."])
def test_a_client_cannot_report_words_that_the_reply_has_not(heard: Any) -> None:
    table, item_id = finish_text_reply()
    [sent] = table.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0, heard=heard)
    assert (sent["error"]["code"], sent["error"]["param"]) == ("invalid_value", "heard")
    assert get_saved_reply(table).heard_text is None


def test_words_truncate_neither_sound_nor_without_the_extension() -> None:
    for extensions in (["playback"], []):
        table = begin_reply()
        table.send("session.update", session={"extensions": extensions})
        table.send("response.cancel")
        cut = {"item_id": get_saved_reply(table).id, "content_index": 0, "audio_end_ms": 0}
        sent = table.send("conversation.item.truncate", **cut, heard="One")
        if table.machine.state.has_extension("playback"):
            assert sent[0]["error"]["code"] == "unsupported_content_type"
        else:
            assert get_saved_reply(table).heard_text == ""  # by `audio_end_ms`, as without the key


def test_a_reply_that_the_client_deleted_is_not_stored_anew() -> None:
    table = Table()
    item_id = next(event["item_id"] for event in table.run_turn() if event["type"] == "response.output_audio.delta")
    table.send("conversation.item.delete", item_id=item_id)
    before = len(table.actions)
    table.send_audio(BARGE_IN_MS, 0.9)
    assert not [action for action in table.actions[before:] if isinstance(action, commands.Save)]
