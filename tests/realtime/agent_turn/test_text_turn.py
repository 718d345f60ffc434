from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, get_kinds, make_message


def test_it_works() -> None:
    table = Table()
    sent = table.send("conversation.item.create", item=make_message("Hello there."))
    assert get_kinds(sent) == ["conversation.item.added", "conversation.item.done"]
    assert sent[0]["previous_item_id"] is None
    table.send("response.create", response={"output_modalities": ["text"]})
    sent = table.write("Good ") + table.write("morning.") + table.end_text()
    assert get_kinds(sent) == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert sent[2]["part"] == {"type": "text", "text": ""}
    assert sent[-1]["response"]["output"][0]["content"] == [{"type": "output_text", "text": "Good morning."}]


def test_options_hold_for_one_response() -> None:
    table = Table()
    table.send("response.create", response={"instructions": "Rhyme.", "metadata": {"a": "b"}, "max_output_tokens": 7})
    asked = table.find_last(commands.Generate)
    assert (asked.messages[0], asked.max_tokens) == (ContextMessage("system", "Rhyme."), 7)
    done = (table.write("No.") + table.end_text("length") + table.speak())[-1]["response"]
    assert done["metadata"] == {"a": "b"}
    assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    table.send("response.create")
    assert (table.find_last(commands.Generate).messages[0], table.find_last(commands.Generate).max_tokens) == (
        ContextMessage("system", "Be brief."),
        None,
    )


def test_only_one_response_at_a_time() -> None:
    table = Table()
    table.send("response.create")
    sent = table.send("response.create", event_id="second")
    assert sent[0]["error"]["code"] == "conversation_already_has_active_response"
    assert sent[0]["error"]["event_id"] == "second"


def test_items_are_inserted_where_asked() -> None:
    table = Table()
    for name, after in (("one", None), ("two", None), ("zero", "root"), ("middle", "one")):
        table.send("conversation.item.create", item=make_message(name, id=name), previous_item_id=after)
    table.send("response.create")
    assert [said.words for said in table.find_last(commands.Generate).messages[1:]] == ["zero", "one", "middle", "two"]


def test_an_item_can_be_retrieved_and_deleted() -> None:
    table = Table()
    table.send("conversation.item.create", item=make_message("Hello there.", id="greeting"))
    assert table.send("conversation.item.retrieve", item_id="greeting")[0]["item"]["id"] == "greeting"
    assert get_kinds(table.send("conversation.item.delete", item_id="greeting")) == ["conversation.item.deleted"]
    assert table.find_last(commands.Remove).item_id == "greeting"
    gone = table.send("conversation.item.retrieve", item_id="greeting")[0]["error"]
    assert gone["code"] == "item_retrieve_invalid_item_id"


def test_other_spellings_of_parts_are_taken() -> None:
    table = Table()
    said = {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "Hi.", "audio": None}]}
    assert table.send("conversation.item.create", item=said)[0]["item"]["content"][0]["type"] == "output_text"


def test_a_failing_engine_ends_the_response_and_not_the_session() -> None:
    table = Table()
    table.send("response.create")
    response_id = table.find_last(commands.Generate).response_id
    done = table.report(
        engine_events.GenerationFailed(response_id, Failure("engine_timeout", "The language model is too slow."))
    )[-1]
    assert done["response"]["status"] == "failed"
    assert done["response"]["status_details"]["error"]["message"] == "The language model is too slow."
    assert table.find_last(commands.Save).item.error_code == "engine_timeout"
    assert get_kinds(table.send("response.create")) == ["response.created"]


def test_a_reply_without_words_is_a_failure() -> None:
    table = Table()
    table.send("response.create")
    assert table.end_text()[-1]["response"]["status"] == "failed"


def test_a_reply_without_end_is_cut_off() -> None:
    table = Table(limits=Limits(max_text_chars=1000))
    table.send("response.create")
    table.write("Well, that is a question. " * 30)
    done = table.write("Well, that is a question. " * 30)[-1]
    assert done["response"]["status"] == "failed"
    assert isinstance(table.find_last(commands.Abort), commands.Abort)
    assert len(table.find_last(commands.Save).item.text) < 1000


def test_a_reply_that_stands_still_is_given_up() -> None:
    table = Table(limits=Limits(response_timeout_sec=10, turn_budget_sec=100))
    table.send("response.create")
    table.pass_time(8)
    table.write("Well, that is a question. ")
    assert table.pass_time(8) == []  # it moved meanwhile
    assert table.pass_time(4)[-1]["response"]["status"] == "failed"


def test_a_stale_result_is_dropped() -> None:
    table = Table()
    table.send("response.create")
    old = table.find_last(commands.Generate).response_id
    table.send("response.cancel")
    table.send("response.create")
    assert table.report(engine_events.TextDelta(old, "Too late.")) == []
    assert table.report(engine_events.SpeechAudio(old, 0, b"\0\0")) == []


def test_code_and_markdown_are_shown_and_not_spoken() -> None:
    table = Table()
    table.send("response.create")
    table.write("**Use** this:\n```python\nprint('x. y')\n```\nThat is all.")
    table.end_text()
    spoken = " ".join(action.text for action in table.actions if isinstance(action, commands.SpeakClause)).split()
    assert " ".join(spoken) == "Use this: That is all."
    done = table.speak()[-1]
    assert "print('x. y')" in done["response"]["output"][0]["content"][0]["transcript"]
