from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conversations.models import Assistant, Conversation
from conversations.views.history import CONVERSATIONS_PER_PAGE, ITEMS_PER_PAGE
from tests.support.factories import add_item, make_conversation, make_user

HISTORY = reverse("history")


def test_the_newest_comes_first(owner: User, as_owner: Client) -> None:
    old, new = make_conversation(owner, "Old one"), make_conversation(owner, "New one")
    page = as_owner.get(HISTORY).content.decode()
    assert page.index("New one") < page.index("Old one")
    Conversation.objects.filter(pk=old.pk).update(updated_at=new.updated_at + timedelta(minutes=1))
    page = as_owner.get(HISTORY).content.decode()
    assert page.index("Old one") < page.index("New one")


def test_each_says_what_it_holds(owner: User, as_owner: Client) -> None:
    assistant = Assistant.objects.get(slug="tutor")
    conversation = make_conversation(owner, "Hola", "¡Hola!", sound=True, assistant=assistant, status="ended")
    add_item(conversation, "", error_code="engine_timeout")
    page = as_owner.get(HISTORY).content.decode()
    for fact in ("Hola", "Language tutor", "3 items", "0:01", "1 error", conversation.get_absolute_url()):
        assert fact in page


@pytest.mark.parametrize("status", ["broke_off", "live"])
def test_one_whose_server_was_killed_says_so(owner: User, as_owner: Client, status: str) -> None:
    """Also before its status says it: nobody has renewed its lease."""
    conversation = make_conversation(owner, status=status)
    lost = {"status": "incomplete", "error_code": "server_stopped", "error_message": "The server stopped."}
    add_item(conversation, "", role="user", **lost)
    for url in (HISTORY, conversation.get_absolute_url()):
        assert "Broke off" in as_owner.get(url).content.decode()
    page = as_owner.get(conversation.get_absolute_url()).content.decode()
    assert "The server stopped." in page
    assert "No words" not in page


def test_one_without_items_is_not_listed(owner: User, as_owner: Client) -> None:
    make_conversation(owner)
    page = as_owner.get(HISTORY).content.decode()
    assert "No conversations yet" in page
    assert "Conversation of" not in page


def test_others_are_not_listed(as_owner: Client) -> None:
    make_conversation(make_user(), "A secret")
    assert b"A secret" not in as_owner.get(HISTORY).content


def test_it_is_paged(owner: User, as_owner: Client) -> None:
    for number in range(CONVERSATIONS_PER_PAGE + 1):
        make_conversation(owner, f"Number {number}.")
    assert b"Number 0." not in as_owner.get(HISTORY).content
    last = as_owner.get(HISTORY, {"page": "2"}).content
    assert b"Number 0." in last
    assert b"Number 1." not in last
    for page in ("99", "-1", "nonsense"):
        assert as_owner.get(HISTORY, {"page": page}).status_code == 200


def test_a_list_takes_as_many_queries_however_long(
    owner: User, as_owner: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    """The queries are for the session, the user, the count, the page and what each holds; none is for sound."""
    for wanted in (1, CONVERSATIONS_PER_PAGE):
        while Conversation.objects.count() < wanted:
            make_conversation(owner, "Hello", "Hi", assistant=Assistant.objects.get(slug="tutor"))
        with django_assert_num_queries(5) as queries:
            as_owner.get(HISTORY)
        assert not any("clip" in query["sql"] for query in queries.captured_queries)


def test_a_conversation_is_a_dialogue(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "How do tides work?", "The moon pulls.", sound=True)
    page = as_owner.get(conversation.get_absolute_url()).content.decode()
    assert page.index("How do tides work?") < page.index("The moon pulls.")
    for item in conversation.items.all():
        assert f'<audio controls preload="none" src="{reverse("clip", args=[item.pk])}"' in page
    assert f"{reverse('talk')}?conversation={conversation.public_id}" in page


def test_what_was_not_heard_is_told_apart(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "Go on")
    add_item(conversation, "First this. Then that.", heard_text="First this.", heard_ms=900, status="incomplete")
    page = as_owner.get(conversation.get_absolute_url()).content.decode()
    assert "Interrupted" in page
    assert 'class="words">First this. <span class="unheard"' in page
    assert page.index('class="unheard"') < page.index("Then that.")


def test_an_error_is_shown(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "Hello")
    add_item(conversation, "", error_code="engine_timeout", error_message="The language model did not answer.")
    assert b"The language model did not answer." in as_owner.get(conversation.get_absolute_url()).content


def test_a_function_call_is_shown(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner)
    add_item(conversation, "", type="function_call", role="", call={"name": "tides", "arguments": '{"at": "Dover"}'})
    add_item(conversation, "", type="function_call_output", role="", call={"output": "07:31"})
    page = as_owner.get(conversation.get_absolute_url()).content.decode()
    assert "tides({&quot;at&quot;: &quot;Dover&quot;})" in page
    assert "07:31" in page


def test_words_are_never_markup(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "<script>alert(1)</script>")
    for url in (
        HISTORY,
        conversation.get_absolute_url(),
        reverse("conversation_delete", args=[conversation.public_id]),
    ):
        assert b"<script>alert" not in as_owner.get(url).content


def test_a_dialogue_takes_as_many_queries_however_long(
    owner: User, as_owner: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    conversation = make_conversation(owner, "Hello", sound=True)
    for wanted in (1, 30):
        while conversation.items.count() < wanted:
            add_item(conversation, "More")
        with django_assert_num_queries(6) as queries:
            as_owner.get(conversation.get_absolute_url())
        assert not any("clipdata" in query["sql"] for query in queries.captured_queries)


def test_a_long_dialogue_is_paged(owner: User, as_owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ITEMS_PER_PAGE >= 100
    monkeypatch.setattr("conversations.views.history.ITEMS_PER_PAGE", 2)
    conversation = make_conversation(owner, "One", "Two", "Three")
    assert b"Three" not in as_owner.get(conversation.get_absolute_url()).content
    assert b"Three" in as_owner.get(conversation.get_absolute_url(), {"page": "2"}).content


def test_rename(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "Hello")
    url = reverse("conversation_rename", args=[conversation.public_id])
    assert as_owner.post(url, {"title": " Tides "})["Location"] == conversation.get_absolute_url()
    conversation.refresh_from_db()
    assert conversation.title == "Tides"
    as_owner.post(url, {"title": ""})
    assert "<h1>Hello</h1>" in as_owner.get(conversation.get_absolute_url()).content.decode()


def test_a_title_too_long_is_refused_in_words(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "Hello")
    answer = as_owner.post(reverse("conversation_rename", args=[conversation.public_id]), {"title": "x" * 201})
    assert answer.status_code == 422
    assert b"at most 200 characters" in answer.content
    conversation.refresh_from_db()
    assert conversation.title == ""


def test_renaming_loses_nothing_that_a_live_session_counts(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "Hello")
    Conversation.objects.filter(pk=conversation.pk).update(item_count=7)
    as_owner.post(reverse("conversation_rename", args=[conversation.public_id]), {"title": "Tides"})
    conversation.refresh_from_db()
    assert conversation.item_count == 7


def test_delete_asks_first(owner: User, as_owner: Client) -> None:
    conversation = make_conversation(owner, "Hello", sound=True)
    url = reverse("conversation_delete", args=[conversation.public_id])
    assert b"cannot be undone" in as_owner.get(url).content
    assert Conversation.objects.exists()
    assert as_owner.post(url)["Location"] == HISTORY
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("name", ["conversation", "conversation_rename", "conversation_delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_else_reaches_it(name: str, method: str, owner: User, others: dict[str, Client]) -> None:
    conversation = make_conversation(owner, "A secret")
    url = reverse(name, args=[conversation.public_id])
    for who, client in others.items():
        status = getattr(client, method)(url, {"title": "Mine"}).status_code
        assert status == 404 or (status == 405 and method != "post") or (name == "conversation" and status == 405), who
    assert Conversation.objects.get().title == ""


def test_signed_out_one_is_asked_to_sign_in(owner: User, client: Client) -> None:
    conversation = make_conversation(owner, "A secret")
    for url in (
        HISTORY,
        conversation.get_absolute_url(),
        reverse("conversation_delete", args=[conversation.public_id]),
    ):
        assert client.get(url)["Location"] == f"{reverse('account_login')}?next={url}"


def test_reviewing_staff_read_but_do_no_more(owner: User, as_reviewer: Client) -> None:
    conversation = make_conversation(owner, "Hello")
    page = as_reviewer.get(conversation.get_absolute_url()).content.decode()
    assert "Hello" in page
    assert owner.email in page
    for action in ("Continue by voice", "Rename", "Delete"):
        assert action not in page
    assert as_reviewer.post(reverse("conversation_delete", args=[conversation.public_id])).status_code == 404
    assert as_reviewer.post(reverse("conversation_rename", args=[conversation.public_id])).status_code == 404


def test_what_does_not_exist(as_owner: Client) -> None:
    assert as_owner.get(reverse("conversation", args=["conv_nothing"])).status_code == 404


def test_changes_need_a_post_from_this_site(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    conversation = make_conversation(owner, "Hello")
    assert client.get(reverse("conversation_rename", args=[conversation.public_id])).status_code == 405
    assert client.post(reverse("conversation_delete", args=[conversation.public_id])).status_code == 403
    assert Conversation.objects.exists()
