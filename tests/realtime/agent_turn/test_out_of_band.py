"""Responses beside the conversation, contexts of their own, and the bounds of both."""

from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, get_kinds, make_message

OUT_OF_BAND = {"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "mood"}}


def begin_out_of_band(table: Table, **fields: Any) -> tuple[str, list[dict[str, Any]]]:
    """Request an out-of-band response, and return its id and what was sent about it."""
    sent = table.send("response.create", response=OUT_OF_BAND | fields)
    return sent[0]["response"]["id"], sent


def answer(table: Table, response_id: str, words: str) -> list[dict[str, Any]]:
    return table.report(engine_events.TextDelta(response_id, words)) + table.report(
        engine_events.GenerationDone(response_id, "stop", 20, 5)
    )


def test_it_works() -> None:
    table = Table()
    table.send("conversation.item.create", item=make_message("Hello there."))
    response_id, sent = begin_out_of_band(table, instructions="Name the mood.")
    assert (sent[0]["response"]["conversation_id"], sent[0]["response"]["metadata"]) == (None, {"topic": "mood"})
    assert table.find_last(commands.Generate).messages == [
        ContextMessage("system", "Name the mood."),
        ContextMessage("user", "Hello there."),
    ]
    sent = answer(table, response_id, "Calm.")
    assert get_kinds(sent) == [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    assert sent[-1]["response"]["output"][0]["content"] == [{"type": "output_text", "text": "Calm."}]
    assert len(table.machine.state.log) == 1
    assert not [
        action for action in table.actions if isinstance(action, commands.Save) and action.item.role == "assistant"
    ]


def test_it_runs_beside_a_response_of_the_conversation_and_others() -> None:
    table = Table()
    table.send("response.create", response={"output_modalities": ["text"]})
    main = table.find_last(commands.Generate).response_id
    first, _ = begin_out_of_band(table)
    second, _ = begin_out_of_band(table)
    answer(table, second, "Two.")
    assert answer(table, main, "Main.")[-1]["response"]["conversation_id"] == "conv_1"
    assert answer(table, first, "One.")[-1]["response"]["status"] == "completed"


def test_it_speaks() -> None:
    table = Table()
    response_id, _ = begin_out_of_band(table, output_modalities=["audio"], input=[], instructions="Say: Hello.")
    answer(table, response_id, "Hello.")
    clause = table.find_last(commands.SpeakClause)
    sent = table.report(engine_events.SpeechAudio(response_id, clause.index, bytes(4800)))
    assert get_kinds(sent) == ["response.output_audio_transcript.delta", "response.output_audio.delta"]
    assert get_kinds(table.report(engine_events.SpeechDone(response_id, clause.index)))[-1] == "response.done"
    assert not [action for action in table.actions if isinstance(action, commands.KeepAudio)]


def test_speech_does_not_interrupt_it() -> None:
    table = Table()
    response_id, _ = begin_out_of_band(table)
    table.say()
    assert answer(table, response_id, "Calm.")[-1]["response"]["status"] == "completed"


def test_it_is_cancelled_by_its_id_only() -> None:
    table = Table()
    response_id, _ = begin_out_of_band(table)
    assert table.send("response.cancel")[0]["error"]["code"] == "response_cancel_not_active"
    done = table.send("response.cancel", response_id=response_id)[-1]["response"]
    assert (done["id"], done["status_details"]["reason"]) == (response_id, "client_cancelled")
    assert table.find_last(commands.Abort).id == response_id
    assert answer(table, response_id, "Too late.") == []


def test_it_fails_alone_and_by_a_deadline() -> None:
    table = Table()
    response_id, _ = begin_out_of_band(table)
    sent = table.report(engine_events.GenerationFailed(response_id, Failure("engine_timeout", "Too slow.")))
    assert sent[-1]["response"]["status_details"]["error"]["code"] == "engine_timeout"
    begin_out_of_band(table)
    assert table.pass_time(31)[-1]["response"]["status_details"]["error"]["code"] == "response_timeout"


def test_it_waits_for_the_words_it_may_be_about() -> None:
    table = Table()
    table.disable_turn_detection()
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    response_id, _ = begin_out_of_band(table)
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]
    table.report_transcript("I am glad.")
    assert table.find_last(commands.Generate).messages[-1] == ContextMessage("user", "I am glad.")
    assert answer(table, response_id, "Glad.")[-1]["response"]["status"] == "completed"


def test_there_are_only_so_many() -> None:
    table = Table(limits=Limits(max_out_of_band=1))
    begin_out_of_band(table)
    assert table.send("response.create", response=OUT_OF_BAND)[0]["error"]["code"] == "too_many_responses"


def test_the_client_leaves() -> None:
    table = Table()
    response_id, _ = begin_out_of_band(table)
    table.report(engine_events.ClientGone())
    assert table.find_last(commands.Abort).id == response_id


def test_a_context_in_place_of_the_conversation() -> None:
    table = Table()
    item_id = table.send("conversation.item.create", item=make_message("Hello there."))[0]["item"]["id"]
    table.send("conversation.item.create", item=make_message("Forget this."))
    inputs = [{"type": "item_reference", "id": item_id}, make_message("Name the mood.")]
    table.send("response.create", response={"input": inputs})
    assert [said.words for said in table.find_last(commands.Generate).messages] == [
        "Be brief.",
        "Hello there.",
        "Name the mood.",
    ]
    table.write("Calm.")
    table.end_text()
    table.speak()
    assert len(table.machine.state.log) == 3  # the answer is part of the conversation, its context is not


def test_an_empty_context() -> None:
    table = Table()
    table.send("conversation.item.create", item=make_message("Hello there."))
    table.send("response.create", response={"input": [], "instructions": "Sing."})
    assert table.find_last(commands.Generate).messages == [ContextMessage("system", "Sing.")]


def test_sound_without_words_is_referred_to() -> None:
    sound = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA" * 4}]}
    error = Table().send("response.create", response={"input": [sound]})[0]["error"]
    assert error["param"] == "response.input.0"


def test_how_many_more_responses_there_may_be_is_told_after_each() -> None:
    table = Table(limits=Limits(responses_per_min=2))
    for left in (1, 0):
        table.send("response.create", response={"output_modalities": ["text"]})
        table.write("Hi.")
        table.end_text()
        [told] = [event for event in table.events if event["type"] == "rate_limits.updated"][-1]["rate_limits"]
        assert (told["name"], told["limit"], told["remaining"]) == ("requests", 2, left)
    assert get_kinds(table.events)[-2:] == ["response.done", "rate_limits.updated"]
    sent = table.send("response.create")
    assert sent[-1]["response"]["status_details"]["error"]["code"] == "rate_limit_exceeded"
    _, sent = begin_out_of_band(table)
    assert sent[-1]["response"]["status_details"]["error"]["code"] == "rate_limit_exceeded"
    table.now += 60.0
    table.send("response.create")
    assert table.machine.agent_turn.response is not None
