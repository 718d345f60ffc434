"""The items of a conversation in the official shapes."""

from typing import Any

import pytest
from django.test import Client
from openai.types.conversations import Conversation as OfficialConversation
from openai.types.conversations import ConversationItem, ConversationItemList
from pydantic import TypeAdapter

from accounts.models import User
from conversations.api.shapes.inputs import MAX_TEXT_CHARS
from conversations.models import Conversation, Item
from tests.support.api_client import get_error
from tests.support.factories import add_clip, add_item, make_conversation

OFFICIAL: TypeAdapter[Any] = TypeAdapter(ConversationItem)
CALL = {"call_id": "call_1", "name": "look_up", "arguments": '{"word": "tea"}'}


@pytest.fixture
def conversation(owner: User) -> Conversation:
    return make_conversation(owner)


@pytest.fixture
def url(conversation: Conversation) -> str:
    return f"/v1/conversations/{conversation.public_id}/items"


def add(client: Client, url: str, *items: object) -> Any:
    return client.post(url, {"items": list(items)}, content_type="application/json")


def test_it_works(as_owner: Client, conversation: Conversation, url: str) -> None:
    said = add_item(conversation, "What time is it?")
    add_clip(said)
    add_item(conversation, "Half past nine.", role="assistant", is_audio=False)
    answer = as_owner.get(url, {"order": "asc", "include[]": "message.output_text.logprobs"})
    ConversationItemList.model_validate_json(answer.content, strict=True)
    asked, told = answer.json()["data"]
    assert asked == {
        "id": said.public_id, "type": "message", "status": "completed", "role": "user",
        "created_at": int(said.created_at.timestamp()),
        "content": [{"type": "input_text", "text": "What time is it?"}], "audio": {"duration_ms": 200},
    }  # fmt: skip
    assert told["content"] == [{"type": "output_text", "text": "Half past nine.", "annotations": []}]
    assert "audio" not in told
    assert as_owner.get(f"{url}/{said.public_id}").json() == asked


def test_of_a_reply_that_was_cut_what_was_heard(as_owner: Client, conversation: Conversation, url: str) -> None:
    cut = add_item(conversation, "One two three", role="assistant", heard_text="One", heard_ms=80, status="incomplete")
    add_clip(cut)
    shown = as_owner.get(f"{url}/{cut.public_id}").json()
    OFFICIAL.validate_python(shown, strict=True)
    assert shown["content"][0]["text"] == "One"
    assert (shown["generated_text"], shown["status"]) == ("One two three", "incomplete")
    assert shown["audio"] == {"duration_ms": 200, "heard_ms": 80}


def test_calls(as_owner: Client, conversation: Conversation, url: str) -> None:
    remote = {"server_label": "site", "name": "now", "arguments": "{}"}
    output = {"call_id": "call_1", "output": "a drink"}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("function_call", CALL),
        ("function_call_output", output),
        ("mcp_call", {**remote, "output": "noon", "error": ""}),
        ("mcp_call", {**remote, "output": "", "error": "It took too long."}),
        ("mcp_call", {**remote, "output": None, "error": None}),
    ]
    for kind, call in rows:
        add_item(conversation, "", type=kind, role="", call=call, is_audio=False)
    answer = as_owner.get(url, {"order": "asc"})
    listed = ConversationItemList.model_validate_json(answer.content, strict=True)
    assert [item.type for item in listed.data] == [kind for kind, _ in rows]
    shown = [{key: item[key] for key in item if key not in ("id", "type", "status", "created_at")}
             for item in answer.json()["data"]]  # fmt: skip
    failed = {"type": "mcp_tool_execution_error", "content": "It took too long."}
    assert shown == [
        CALL,
        output,
        {**remote, "output": "noon"},
        {**remote, "output": "", "error": failed},
        remote,
    ]


def test_new_items(as_owner: Client, conversation: Conversation, url: str) -> None:
    add_item(conversation, "First")
    answer = add(
        as_owner, url,
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user",
         "content": [{"type": "input_text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": "c", "annotations": []}]},
        {"type": "function_call", **CALL},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "d"}]},
    )  # fmt: skip
    listed = ConversationItemList.model_validate_json(answer.content, strict=True)
    assert answer.json()["has_more"] is False
    assert [item.type for item in listed.data] == ["message"] * 3 + ["function_call", "function_call_output"]
    rows = list(conversation.items.order_by("position"))
    assert [row.public_id for row in rows[1:]] == [item.id for item in listed.data]
    assert [(row.role, row.text) for row in rows[:4]] == [
        ("user", "First"), ("system", "Be brief."), ("user", "a\nb"), ("assistant", "c"),
    ]  # fmt: skip
    assert (rows[4].call, rows[5].call) == (CALL, {"call_id": "call_1", "output": "d"})
    conversation.refresh_from_db()
    assert conversation.item_count == 6


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (7, "items[0]"),
        ({}, "items[0].role"),
        ({"role": "user"}, "items[0].content"),
        ({"role": "king", "content": "x"}, "items[0].role"),
        ({"role": "user", "content": []}, "items[0].content"),
        ({"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}, "items[0].content[0].type"),
        ({"role": "user", "content": [{"type": "input_text"}]}, "items[0].content[0].text"),
        ({"role": "user", "content": "x" * (MAX_TEXT_CHARS + 1)}, "items[0].content"),
        ({"role": "user", "content": [{"type": "text", "text": "x" * 99_999}] * 2}, "items[0].content"),
        ({"type": "image_generation_call"}, "items[0]"),
        ({"type": "function_call", "call_id": "c", "arguments": "{}"}, "items[0].name"),
        ({"type": "function_call", **CALL, "call_id": 7}, "items[0].call_id"),
        ({"type": "function_call_output", "call_id": "", "output": "x"}, "items[0].call_id"),
    ],
)
def test_wrong_items(as_owner: Client, conversation: Conversation, url: str, item: object, param: str) -> None:
    answer = add(as_owner, url, item)
    assert (answer.status_code, get_error(answer)["param"]) == (400, param)
    assert get_error(answer)["message"].startswith(f"'{param}'")
    assert not conversation.items.exists()


OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "a drink"}


def test_an_output_needs_its_call(as_owner: Client, conversation: Conversation, url: str) -> None:
    """The socket has the same rule."""
    for answer in (
        add(as_owner, url, {"role": "user", "content": "x"}, OUTPUT),
        as_owner.post("/v1/conversations", {"items": [OUTPUT]}, content_type="application/json"),
    ):
        assert (answer.status_code, get_error(answer)["code"]) == (400, "invalid_tool_call_id")
    assert get_error(add(as_owner, url, {"role": "user", "content": "x"}, OUTPUT))["param"] == "items[1].call_id"
    assert not Item.objects.exists()
    assert list(Conversation.objects.all()) == [conversation]


def test_its_call_may_be_there_or_come_along(as_owner: Client, conversation: Conversation, url: str) -> None:
    given = [{"type": "function_call", **CALL}, OUTPUT]
    assert as_owner.post("/v1/conversations", {"items": given}, content_type="application/json").status_code == 200
    add_item(conversation, "", type="function_call", role="", call=CALL, is_audio=False)
    assert add(as_owner, url, OUTPUT).status_code == 200


def test_a_call_of_another_conversation_does_not_count(as_owner: Client, owner: User, url: str) -> None:
    add_item(make_conversation(owner), "", type="function_call", role="", call=CALL, is_audio=False)
    assert get_error(add(as_owner, url, OUTPUT))["code"] == "invalid_tool_call_id"


def test_too_many_and_too_few(as_owner: Client, conversation: Conversation, url: str) -> None:
    assert get_error(add(as_owner, url, *[{"role": "user", "content": "x"}] * 21))["param"] == "items"
    assert get_error(add(as_owner, url))["param"] == "items"
    assert get_error(as_owner.post(url, {}, content_type="application/json"))["param"] == "items"
    assert not conversation.items.exists()


def test_paging(as_owner: Client, conversation: Conversation, url: str, django_assert_num_queries: Any) -> None:
    ids = [add_item(conversation, str(number)).public_id for number in range(5)]
    first = as_owner.get(url, {"limit": 2}).json()
    assert [item["id"] for item in first["data"]] == ids[:2:-1]
    assert (first["last_id"], first["has_more"]) == (ids[3], True)
    with django_assert_num_queries(4):  # the key, the conversation, the place, the page
        rest = as_owner.get(url, {"after": first["last_id"]}).json()
    assert [item["id"] for item in rest["data"]] == ids[2::-1]
    assert as_owner.get(url, {"after": "item_nothing"}).status_code == 404


def test_deleting(as_owner: Client, conversation: Conversation, url: str) -> None:
    gone, kept = add_item(conversation, "One"), add_item(conversation, "Two")
    answer = as_owner.delete(f"{url}/{gone.public_id}")
    assert OfficialConversation.model_validate_json(answer.content, strict=True).id == conversation.public_id
    assert answer.json()["item_count"] == 1
    assert list(Item.objects.filter(conversation=conversation)) == [kept]
    assert as_owner.delete(f"{url}/{gone.public_id}").status_code == 404
