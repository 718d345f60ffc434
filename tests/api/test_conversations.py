"""/v1/conversations: the official shapes, paging, and what another user must not see."""

from typing import Any

import pytest
from django.test import Client
from openai.types.conversations import Conversation as OfficialConversation
from openai.types.conversations import ConversationDeletedResource

from accounts.models import Scope, User
from conversations.models import AudioClip, ClipData, Conversation
from tests.support.api_client import build_client, get_error
from tests.support.factories import make_conversation, make_user

URL = "/v1/conversations"


def post(client: Client, path: str, body: object) -> Any:
    return client.post(path, body, content_type="application/json")


def test_it_works(as_owner: Client, owner: User) -> None:
    made = post(as_owner, URL, {"metadata": {"order": "4711"}, "items": [{"role": "user", "content": "Hello there"}]})
    assert made.status_code == 200
    shown = OfficialConversation.model_validate_json(made.content, strict=True)
    assert shown.metadata == {"order": "4711"}
    assert (made.json()["title"], made.json()["item_count"]) == ("Hello there", 1)
    assert "model" not in made.json()
    assert as_owner.get(f"{URL}/{shown.id}").json() == made.json()
    row = Conversation.objects.get(public_id=shown.id)
    assert (row.user, row.status) == (owner, Conversation.Status.ENDED)


@pytest.mark.parametrize("body", ["", "{}", '{"items": null, "metadata": null}', '{"unknown": 1}'])
def test_nothing_need_be_given(as_owner: Client, body: str) -> None:
    made = post(as_owner, URL, body)
    assert (made.status_code, made.json()["metadata"], made.json()["item_count"]) == (200, {}, 0)


def test_metadata_are_replaced(as_owner: Client, owner: User) -> None:
    url = f"{URL}/{make_conversation(owner, 'Hello').public_id}"
    before = as_owner.get(url).json()
    answer = post(as_owner, url, {"metadata": {"a": "1"}})
    assert OfficialConversation.model_validate_json(answer.content, strict=True).metadata == {"a": "1"}
    assert answer.json() == as_owner.get(url).json() == {**before, "metadata": {"a": "1"}}
    assert post(as_owner, url, {"metadata": None}).json()["metadata"] == {}


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ([], "metadata"),
        ({"a": 1}, "metadata.a"),
        ({"a": "x" * 513}, "metadata.a"),
        ({"k" * 65: "x"}, f"metadata.{'k' * 65}"),
        ({str(number): "x" for number in range(17)}, "metadata"),
    ],
)
def test_wrong_metadata(as_owner: Client, owner: User, metadata: object, param: str) -> None:
    for path in (URL, f"{URL}/{make_conversation(owner).public_id}"):
        answer = post(as_owner, path, {"metadata": metadata})
        assert (answer.status_code, get_error(answer)["param"]) == (400, param)


def test_an_update_needs_metadata(as_owner: Client, owner: User) -> None:
    error = get_error(post(as_owner, f"{URL}/{make_conversation(owner).public_id}", {}))
    assert (error["code"], error["param"]) == ("missing_required_parameter", "metadata")


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "nul", '{"metadata": {"a": NaN}}', b"\xff", '{"a": "\\u0000"}'])
def test_no_json(as_owner: Client, body: str | bytes) -> None:
    answer = post(as_owner, URL, body)
    assert (answer.status_code, get_error(answer)["code"]) == (400, "invalid_json")


def test_a_body_that_is_too_large(as_owner: Client) -> None:
    answer = post(as_owner, URL, {"metadata": {"a": "x" * 3_000_000}})
    assert answer.status_code == 413
    get_error(answer)


def test_deleting(as_owner: Client, owner: User) -> None:
    found = make_conversation(owner, "Hello", "Hi", sound=True)
    answer = as_owner.delete(f"{URL}/{found.public_id}")
    shown = ConversationDeletedResource.model_validate_json(answer.content, strict=True)
    assert (shown.id, shown.deleted) == (found.public_id, True)
    assert not AudioClip.objects.exists()
    assert not ClipData.objects.exists()
    assert as_owner.get(f"{URL}/{found.public_id}").status_code == 404


def test_the_list_is_newest_first_and_paged(as_owner: Client, owner: User) -> None:
    make_conversation(make_user(), "Not mine")
    ids = [make_conversation(owner, str(number)).public_id for number in range(5)][::-1]
    first = as_owner.get(URL, {"limit": 2}).json()
    assert [one["id"] for one in first["data"]] == ids[:2]
    assert (first["object"], first["first_id"], first["last_id"], first["has_more"]) == ("list", ids[0], ids[1], True)
    rest = as_owner.get(URL, {"limit": 3, "after": first["last_id"]}).json()
    assert [one["id"] for one in rest["data"]] == ids[2:]
    assert rest["has_more"] is False
    assert [one["id"] for one in as_owner.get(URL, {"order": "asc"}).json()["data"]] == ids[::-1]


def test_an_empty_list(as_owner: Client) -> None:
    assert as_owner.get(URL).json() == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


def test_a_list_costs_the_same_however_long(as_owner: Client, owner: User, django_assert_num_queries: Any) -> None:
    as_owner.get(URL)
    for _ in range(3):
        make_conversation(owner, "Hello", "Hi")
    with django_assert_num_queries(2):  # the key, the page
        as_owner.get(URL)


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"order": "up"}, {"after": "a\0"}, {"limit": ""}]
)
def test_wrong_queries(as_owner: Client, owner: User, query: dict[str, str]) -> None:
    for path in (URL, f"{URL}/{make_conversation(owner).public_id}/items"):
        answer = as_owner.get(path, query)
        assert (answer.status_code, get_error(answer)["param"]) == (400, next(iter(query)))


def test_after_what_is_not_in_the_list(as_owner: Client) -> None:
    theirs = make_conversation(make_user(), "Not mine")
    for after in (theirs.public_id, "conv_nothing"):
        answer = as_owner.get(URL, {"after": after})
        assert (answer.status_code, get_error(answer)["param"]) == (404, "after")


def list_addresses(conversation: Conversation) -> list[tuple[str, str, Scope]]:
    """Return each method and address below a conversation, and the scope that it takes."""
    url = f"{URL}/{conversation.public_id}"
    item = f"{url}/items/{conversation.items.all()[0].public_id}"
    read, write = Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE
    return [
        ("GET", url, read), ("POST", url, write), ("DELETE", url, write), ("GET", f"{url}/audio", read),
        ("GET", f"{url}/items", read), ("POST", f"{url}/items", write), ("GET", item, read), ("DELETE", item, write),
        ("GET", f"{item}/audio", read),
    ]  # fmt: skip


@pytest.mark.usefixtures("committed_db")
def test_a_stranger_finds_nothing() -> None:
    stranger = build_client(make_user())
    theirs = make_conversation(make_user(), "Secret", sound=True)
    for method, path, _ in list_addresses(theirs):
        answer = stranger.generic(method, path, "{}", content_type="application/json")
        assert (answer.status_code, get_error(answer)["code"]) == (404, "not_found"), (method, path)
    assert Conversation.objects.filter(pk=theirs.pk).exists()
    assert theirs.items.count() == 1


@pytest.mark.usefixtures("committed_db")
def test_scopes() -> None:
    owner = make_user()
    conversation = make_conversation(owner, "Hello", sound=True)
    for method, path, scope in [*list_addresses(conversation), ("GET", URL, Scope.CONVERSATIONS_READ),
                                ("POST", URL, Scope.CONVERSATIONS_WRITE)]:  # fmt: skip
        others = [one for one in Scope.values if one != scope]
        answer = build_client(owner, *others).generic(method, path, "{}", content_type="application/json")
        assert (answer.status_code, get_error(answer)["code"]) == (403, "missing_scope"), (method, path)
    assert conversation.items.count() == 1


def test_ids_that_cannot_be(as_owner: Client, owner: User) -> None:
    conversation = make_conversation(owner, "Hello")
    for path in ("%00", "%ED%A0%80", "x" * 300, f"{conversation.public_id}/items/%00"):
        assert as_owner.get(f"{URL}/{path}").status_code == 404
