"""What a client may ask of the conversation's items, of either machine."""

from typing import Any

import pytest

from conversations.pcm import ms_to_samples
from conversations.realtime import commands
from conversations.realtime.protocol.items import LiveItem
from tests.support.realtime.both_machines import AnyClient, CascadeClient, RelayClient, find_reply, get_saved
from tests.support.realtime.harness import get_kinds, make_message

WORDS = "One two three four five six."


def make_items() -> tuple[LiveItem, ...]:
    """Return what a conversation that goes on holds: words of the user, and three seconds of the assistant's speech."""
    question = LiveItem("item_question", role="user", text="Count.")
    return question, LiveItem(
        "item_answer", role="assistant", is_audio=True, text=WORDS, audio_samples=ms_to_samples(3000)
    )


@pytest.fixture(params=[CascadeClient, RelayClient])
def client(request: pytest.FixtureRequest) -> AnyClient:
    """Return a client of a conversation that goes on, in a session of either kind."""
    made: AnyClient = request.param(make_items())
    return made


@pytest.mark.parametrize("kind", [CascadeClient, RelayClient])
def test_a_session_starts_with_what_the_conversation_holds(kind: type[AnyClient]) -> None:
    sent = [one.event for one in kind(make_items()).commands if isinstance(one, commands.Send)]
    added_and_done = ["conversation.item.added", "conversation.item.done"]
    assert get_kinds(sent) == ["session.created", "conversation.created", *added_and_done * 2]
    assert sent[0]["session"]["instructions"] == "Be brief."
    assert sent[1]["conversation"] == {"id": "conv_1", "object": "realtime.conversation"}
    places = [(event["item"]["id"], event["previous_item_id"]) for event in sent[2:]]
    assert places == [("item_question", None)] * 2 + [("item_answer", "item_question")] * 2
    assert sent[-1]["item"]["content"] == [{"type": "output_audio", "transcript": WORDS}]


@pytest.mark.parametrize(
    ("after", "previous"),
    [(None, "item_answer"), ("root", None), ("item_question", "item_question"), ("item_answer", "item_answer")],
)
def test_an_item_takes_the_place_it_is_given(client: AnyClient, after: str | None, previous: str | None) -> None:
    place = {} if after is None else {"previous_item_id": after}
    sent = client.ask("conversation.item.create", item=make_message("Go on.", id="item_new"), **place)
    assert get_kinds(sent) == ["conversation.item.added", "conversation.item.done"]
    assert {event["previous_item_id"] for event in sent} == {previous}
    [save] = [one for one in client.commands if isinstance(one, commands.Save) and one.item.id == "item_new"]
    assert save.after == after


def test_an_item_behind_one_that_is_not_there(client: AnyClient) -> None:
    new = {"item": make_message("Go on.", id="item_new"), "previous_item_id": "item_gone"}
    [refusal] = client.ask("conversation.item.create", **new, event_id="mine")
    error = refusal["error"]
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "previous_item_id", "mine")
    [missing] = client.ask("conversation.item.retrieve", item_id="item_new")
    assert missing["error"]["code"] == "item_retrieve_invalid_item_id"


def test_an_item_is_retrieved(client: AnyClient) -> None:
    [sent] = client.ask("conversation.item.retrieve", item_id="item_answer")
    assert (sent["type"], sent["item"]["id"]) == ("conversation.item.retrieved", "item_answer")
    assert sent["item"]["content"] == [{"type": "output_audio", "transcript": WORDS}]


def test_an_item_is_deleted(client: AnyClient) -> None:
    [sent] = client.ask("conversation.item.delete", item_id="item_question")
    assert (sent["type"], sent["item_id"]) == ("conversation.item.deleted", "item_question")
    assert [one.item_id for one in client.commands if isinstance(one, commands.Remove)] == ["item_question"]
    [again] = client.ask("conversation.item.delete", item_id="item_question", event_id="mine")
    error = again["error"]
    assert (error["code"], error["param"], error["event_id"]) == ("item_delete_invalid_item_id", "item_id", "mine")
    assert error["message"] == "There is no item 'item_question' in this conversation."


@pytest.mark.parametrize("audio_end_ms", [0, 1500, 3000])
def test_an_item_is_truncated(client: AnyClient, audio_end_ms: int) -> None:
    cut = {"item_id": "item_answer", "content_index": 0, "audio_end_ms": audio_end_ms}
    [sent] = client.ask("conversation.item.truncate", **cut)
    assert sent["type"] == "conversation.item.truncated"
    assert cut.items() <= sent.items()
    assert get_saved(client, "item_answer").heard_ms == audio_end_ms


def test_a_client_may_round_the_length_of_the_sound_up(client: AnyClient) -> None:
    [sent] = client.ask("conversation.item.truncate", item_id="item_answer", content_index=0, audio_end_ms=3001)
    assert sent["type"] == "conversation.item.truncated"
    assert get_saved(client, "item_answer").heard_ms == 3000


def test_a_reply_of_this_session_is_truncated(client: AnyClient) -> None:
    client.hear_reply()
    item_id = find_reply(client).id
    [sent] = client.ask("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1000)
    assert (sent["type"], sent["item_id"], sent["audio_end_ms"]) == ("conversation.item.truncated", item_id, 1000)
    assert get_saved(client, item_id).heard_text == "One two three"


@pytest.mark.parametrize(
    ("fields", "code", "param", "message"),
    [
        ({"item_id": "item_gone"}, "item_truncate_invalid_item_id", "item_id",
         "There is no item 'item_gone' in this conversation."),
        ({"item_id": "item_question"}, "unsupported_content_type", "item_id",
         "Only an assistant's message with audio can be truncated."),
        ({"item_id": "item_text"}, "unsupported_content_type", "item_id",
         "Only an assistant's message with audio can be truncated."),
        ({"content_index": 1}, "invalid_value", "content_index", "'content_index' must be 0."),
        ({"audio_end_ms": -1}, "invalid_value", "audio_end_ms",
         "'audio_end_ms' is -1; the item has 3000 ms of audio."),
        ({"audio_end_ms": 3002}, "invalid_value", "audio_end_ms",
         "'audio_end_ms' is 3002; the item has 3000 ms of audio."),
    ],
)  # fmt: skip
def test_a_wrong_truncation_is_refused(
    client: AnyClient, fields: dict[str, Any], code: str, param: str, message: str
) -> None:
    said = [{"type": "output_text", "text": WORDS}]
    text = {"id": "item_text", "type": "message", "role": "assistant", "content": said}
    client.ask("conversation.item.create", item=text)
    before = len(client.commands)
    cut = {"item_id": "item_answer", "content_index": 0, "audio_end_ms": 100} | fields
    [refusal] = client.ask("conversation.item.truncate", **cut, event_id="mine")
    error = refusal["error"]
    assert (error["code"], error["param"], error["message"]) == (code, param, message)
    assert error["event_id"] == "mine"
    assert len(client.commands) == before + 1


def test_a_wrong_request_of_an_item_leaves_it_as_it_was(client: AnyClient) -> None:
    client.ask("conversation.item.truncate", item_id="item_answer", content_index=0, audio_end_ms=9000)
    [sent] = client.ask("conversation.item.retrieve", item_id="item_answer")
    assert sent["item"]["content"] == [{"type": "output_audio", "transcript": WORDS}]
