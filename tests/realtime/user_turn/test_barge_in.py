from typing import Any

import pytest

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from tests.support.realtime.harness import BARGE_IN_MS, Table, kinds

REPLY = "One two three four. Five six seven eight. "


def talking(**turn_detection: Any) -> Table:
    """A reply of 2 s is on the wire since just now."""
    table = Table(**turn_detection)
    table.say()
    table.transcript("Count, please.")
    table.write(REPLY)
    table.end_text()
    clause = table.last(commands.SpeakClause)
    table.engine(engine_events.SpeechAudio(clause.response_id, 0, bytes(2000 * 48)))
    return table


def reply_of(table: Table) -> Any:
    return table.saved(table.machine.agent_turn.playback_queue.last.item.id)  # type: ignore[union-attr]


def test_it_works() -> None:
    table = talking()
    sent = table.audio(640, 0.9)
    assert kinds(sent) == [
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
    assert table.last(commands.Abort).id == response["id"]


def test_the_server_estimates_what_was_heard() -> None:
    table = talking()
    table.now += 1.4
    table.audio(BARGE_IN_MS, 0.9)
    item = reply_of(table)
    assert item.text == REPLY
    assert 1400 <= item.heard_ms <= 1500
    assert item.heard_text == "One two three"


def test_a_clause_cut_short_keeps_its_words_in_proportion() -> None:
    table = Table()
    table.say()
    table.transcript("Count, please.")
    table.write(REPLY)
    clause = table.last(commands.SpeakClause)
    table.engine(engine_events.SpeechAudio(clause.response_id, 0, bytes(100 * 48)))  # the first tenth of a second of it
    table.now += 1.0
    table.audio(BARGE_IN_MS, 0.9)
    assert (reply_of(table).heard_ms, reply_of(table).heard_text) == (100, "")


def test_the_client_knows_better() -> None:
    table = talking()
    table.audio(BARGE_IN_MS, 0.9)
    item_id = reply_of(table).id
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 700}
    sent = table.client("conversation.item.truncate", **cut)
    assert [{key: event[key] for key in cut} for event in sent] == [cut]
    assert reply_of(table).heard_text == "One two"
    shown = table.client("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert shown["content"] == [{"type": "output_audio", "transcript": "One two"}]


def test_a_truncate_amid_the_response_leaves_its_closing_words_alone() -> None:
    table = talking()
    item_id = table.machine.agent_turn.response.item.id  # type: ignore[union-attr]
    table.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=700)
    done = table.client("response.cancel")[-1]  # the table checks that all texts of a response agree
    assert done["response"]["output"][0]["content"][0]["transcript"].startswith("One two three")
    assert reply_of(table).heard_ms == 700


def test_the_model_sees_what_was_heard() -> None:
    table = talking()
    table.audio(BARGE_IN_MS, 0.9)
    item_id = reply_of(table).id
    table.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=700)
    table.audio(640, 0.9)
    table.audio(640, 0.0)
    table.transcript("Stop.")
    assert table.last(commands.Generate).messages[1:] == [
        ContextMessage("user", "Count, please."),
        ContextMessage("assistant", "One two"),
        ContextMessage("user", "Stop."),
    ]


def test_nothing_of_the_response_follows() -> None:
    table = talking()
    response_id = table.last(commands.SpeakClause).response_id
    table.audio(BARGE_IN_MS, 0.9)
    assert table.engine(engine_events.SpeechAudio(response_id, 0, bytes(480))) == []
    assert table.engine(engine_events.SpeechDone(response_id, 0)) == []


def test_a_reply_still_played_when_its_response_is_done_is_cut_too() -> None:
    table = Table()
    table.turn(reply="One two three four.")
    table.now += 0.35
    table.audio(BARGE_IN_MS, 0.9)
    assert reply_of(table).heard_text == "One two"


def test_a_reply_played_out_is_not_cut() -> None:
    table = Table()
    table.turn()
    table.now += 5.0
    table.audio(640, 0.9)
    assert reply_of(table).heard_text is None


def test_a_question_not_answered_yet_is_answered_with_the_next() -> None:
    table = Table()
    table.say()
    table.transcript("What is the weather?")
    cancelled = table.audio(640, 0.9)
    assert cancelled[-1]["response"]["status"] == "cancelled"
    table.audio(640, 0.0)
    sent = table.transcript("")  # it was a cough
    assert "response.created" in kinds(sent)


def test_a_response_runs_on_where_the_session_says_so() -> None:
    table = talking(interrupt_response=False)
    assert kinds(table.audio(640, 0.9)) == ["input_audio_buffer.speech_started"]
    table.audio(640, 0.0)
    assert "response.created" not in kinds(table.transcript("And then?"))  # never two beside one another
    response_id = table.last(commands.SpeakClause).response_id
    sent = table.engine(engine_events.SpeechDone(response_id, 0)) + table.engine(
        engine_events.SpeechDone(response_id, 1)
    )
    assert kinds(sent)[-2:] == ["response.done", "response.created"]


def test_a_question_that_waited_for_the_end_is_answered_knowing_what_was_heard() -> None:
    table = talking(interrupt_response=False)
    table.say(320)
    table.transcript("And then?")
    table.client("response.cancel")
    assert [said.words for said in table.last(commands.Generate).messages if said.role == "assistant"] == ["One two"]


def test_a_client_cancels() -> None:
    table = talking()
    response_id = table.last(commands.SpeakClause).response_id
    done = table.client("response.cancel", response_id=response_id)[-1]
    assert done["response"]["status_details"]["reason"] == "client_cancelled"
    error = table.client("response.cancel", event_id="late")[0]["error"]
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
    table = talking()
    table.audio(BARGE_IN_MS, 0.9)
    names = {
        "REPLY": reply_of(table).id,
        "USER": next(action for action in table.actions if isinstance(action, commands.Save)).item.id,
    }
    fields["item_id"] = names.get(fields["item_id"], fields["item_id"])
    assert table.client("conversation.item.truncate", **fields)[0]["error"]["code"] == code


def test_a_client_that_vanishes_heard_what_time_allowed() -> None:
    table = talking()
    table.now += 0.7
    table.engine(engine_events.ClientGone())
    assert reply_of(table).heard_text == "One two"
    assert reply_of(table).status == "incomplete"


@pytest.mark.parametrize(("vanished", "heard"), [(True, ""), (False, None)])
def test_only_a_client_that_says_goodbye_could_have_said_what_it_heard(vanished: bool, heard: str | None) -> None:
    table = Table()
    table.turn()
    table.engine(engine_events.ClientGone(vanished))
    assert reply_of(table).heard_text == heard


def test_the_last_words_before_a_hang_up_are_kept() -> None:
    table = Table()
    table.audio(640, 0.9)
    table.engine(engine_events.ClientGone())
    item_id = table.last(commands.Transcribe).item_id
    table.transcript("Goodbye.")
    assert table.saved(item_id).text == "Goodbye."
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def spoken_by_the_client() -> tuple[Table, str]:
    """A reply in text, whose client asked for `playback` and speaks by itself; and the item's id."""
    table = Table()
    table.client("session.update", session={"output_modalities": ["text"], "extensions": ["playback"]})
    table.say()
    table.transcript("Count, please.")
    table.write(REPLY)
    table.end_text()
    return table, table.machine.agent_turn.playback_queue.last.item.id  # type: ignore[union-attr]


def test_a_client_that_speaks_by_itself_tells_the_words() -> None:
    table, item_id = spoken_by_the_client()
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 0}
    [sent] = table.client("conversation.item.truncate", **cut, heard="One two")
    assert {key: sent[key] for key in cut} == cut
    assert (reply_of(table).text, reply_of(table).heard_text) == (REPLY, "One two")
    shown = table.client("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert shown["content"] == [{"type": "output_text", "text": "One two"}]


@pytest.mark.parametrize("heard", ["One three", 7, REPLY + "Nine."])
def test_it_cannot_tell_other_words(heard: Any) -> None:
    table, item_id = spoken_by_the_client()
    [sent] = table.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0, heard=heard)
    assert (sent["error"]["code"], sent["error"]["param"]) == ("invalid_value", "heard")
    assert reply_of(table).heard_text is None


def test_words_truncate_neither_sound_nor_without_the_extension() -> None:
    for extensions in (["playback"], []):
        table = talking()
        table.client("session.update", session={"extensions": extensions})
        table.client("response.cancel")
        cut = {"item_id": reply_of(table).id, "content_index": 0, "audio_end_ms": 0}
        sent = table.client("conversation.item.truncate", **cut, heard="One")
        if table.machine.state.has_extension("playback"):
            assert sent[0]["error"]["code"] == "unsupported_content_type"
        else:
            assert reply_of(table).heard_text == ""  # by `audio_end_ms`, as without the key


def test_a_reply_that_the_client_deleted_is_not_stored_anew() -> None:
    table = Table()
    item_id = next(event["item_id"] for event in table.turn() if event["type"] == "response.output_audio.delta")
    table.client("conversation.item.delete", item_id=item_id)
    before = len(table.actions)
    table.audio(BARGE_IN_MS, 0.9)
    assert not [action for action in table.actions[before:] if isinstance(action, commands.Save)]
