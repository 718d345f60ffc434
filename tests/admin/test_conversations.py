from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.admin import ConversationAdmin
from conversations.models import Assistant, AudioClip, ClipData, Conversation
from tests.support.factories import add_clip, add_item, make_conversation, make_user
from tests.support.people import Staff

LIST = reverse("admin:conversations_conversation_changelist")


def build_change_url(conversation: Conversation) -> str:
    return reverse("admin:conversations_conversation_change", args=[conversation.pk])


def build_delete_url(conversation: Conversation) -> str:
    return reverse("admin:conversations_conversation_delete", args=[conversation.pk])


def list_titles(client: Client, **query: Any) -> set[str]:
    """Return the titles on the list."""
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return {conversation.title for conversation in answer.context["cl"].result_list}


def test_the_list_says_what_each_holds(reviewer: Client) -> None:
    conversation = make_conversation(make_user(email="ann@example.com"), "How do tides work?", "The moon.", sound=True)
    add_item(conversation, "", error_code="engine_timeout")
    page = reviewer.get(LIST).content.decode()
    for fact in ("How do tides work?", "ann@example.com", "0:01", build_change_url(conversation)):
        assert fact in page


def test_one_whose_server_was_killed_says_so(reviewer: Client) -> None:
    make_conversation(make_user(), "How do tides work?", status="broke_off")
    assert "Broke off" in reviewer.get(LIST).content.decode()


@pytest.mark.parametrize("query", [{}, {"q": "Hello"}])
def test_a_list_takes_as_many_queries_however_long(
    reviewer: Client, query: dict[str, str], django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConversationAdmin, "list_per_page", 50)
    assistant = Assistant.objects.get(slug="tutor")
    taken = []
    for wanted in (5, 50):
        while Conversation.objects.count() < wanted:
            make_conversation(None, "Hello", "Hi", assistant=assistant, sound=Conversation.objects.count() == 0)
        with django_assert_num_queries(9, exact=False) as queries:
            assert len(reviewer.get(LIST, query).context["cl"].result_list) == wanted
        taken.append(len(queries))
        assert not any("clip" in q["sql"] or "COUNT(" in q["sql"] for q in queries.captured_queries)
    assert taken[0] == taken[1]


def test_filters(staff: Staff) -> None:
    reviewer = staff("view_conversation", "view_user")
    ann, tutor = make_user(email="ann@example.com"), Assistant.objects.get(slug="tutor")
    make_conversation(ann, "Hi", title="of Ann", status="ended")
    make_conversation(None, "Hi", title="with the tutor", assistant=tutor, status="ended")
    make_conversation(None, "Hi", title="live", status="live")
    add_item(make_conversation(None, title="failed", status="ended"), "", error_code="engine_timeout")
    assert list_titles(reviewer, user__id__exact=ann.pk) == {"of Ann"}
    assert list_titles(reviewer, assistant__id__exact=tutor.pk) == {"with the tutor"}
    assert list_titles(reviewer, status__exact="live") == {"live"}
    assert list_titles(reviewer, errors="yes") == {"failed"}
    assert list_titles(reviewer, errors="no", status__exact="ended") == {"of Ann", "with the tutor"}


def test_who_may_not_look_users_up_cannot_filter_by_them(reviewer: Client, staff: Staff) -> None:
    lookup = reverse("admin:autocomplete")
    query = {"app_label": "conversations", "model_name": "conversation", "field_name": "user", "term": ""}
    for client, status in ((reviewer, 403), (staff("view_conversation", "view_user"), 200)):
        assert ("user__id__exact" in client.get(LIST).content.decode()) == (status == 200)
        assert client.get(lookup, query).status_code == status


def test_a_range_of_days_holds_its_first_and_its_last(reviewer: Client) -> None:
    today = timezone.now().date()
    for days in (0, 1, 2):
        conversation = make_conversation(None, "Hi", title=f"{days} days ago")
        late = timezone.now().replace(hour=23, minute=59) - timedelta(days=days)
        Conversation.objects.filter(pk=conversation.pk).update(updated_at=late)
    first, last = today - timedelta(days=2), today - timedelta(days=1)
    assert list_titles(reviewer, updated_at_from=first, updated_at_to=last) == {"1 days ago", "2 days ago"}
    assert list_titles(reviewer, updated_at_from=today) == {"0 days ago"}
    assert len(list_titles(reviewer, updated_at_from="nonsense")) == 3
    assert len(list_titles(reviewer, updated_at_from="0001-01-01", updated_at_to="9999-12-31")) == 3


def test_search(reviewer: Client) -> None:
    make_conversation(make_user(email="ann@example.com"), "The moon pulls at the sea", title="one")
    make_conversation(None, "The sea is calm", "A full moon tonight", title="two")
    make_conversation(None, "Nothing of the kind", title="Moonshine")
    assert list_titles(reviewer, q="moon") == {"one", "two", "Moonshine"}
    assert list_titles(reviewer, q="moon sea") == {"one"}
    assert list_titles(reviewer, q='"full moon"') == {"two"}
    assert list_titles(reviewer, q="moon -tonight") == {"one"}
    assert list_titles(reviewer, q="ann@") == {"one"}
    for nothing in ("zebra", "'", '"', "%", "\\", "-moon -the -nothing", "&|!():*"):
        assert list_titles(reviewer, q=nothing) == set(), nothing
    assert len(list_titles(reviewer, q=" ")) == 3


def test_search_and_filter_together(reviewer: Client) -> None:
    make_conversation(None, "moon", title="live", status="live")
    make_conversation(None, "moon", title="ended", status="ended")
    assert list_titles(reviewer, q="moon", status__exact="ended") == {"ended"}


def test_it_is_paged_without_counting(reviewer: Client) -> None:
    for number in range(ConversationAdmin.list_per_page + 1):
        make_conversation(None, title=str(number))
    assert len(list_titles(reviewer)) == ConversationAdmin.list_per_page
    assert list_titles(reviewer, p="2") == {"0"}
    assert list_titles(reviewer, p="3") == set()


def test_one_conversation_is_a_dialogue_with_its_waterfalls(reviewer: Client) -> None:
    conversation = make_conversation(make_user(email="ann@example.com"), "How do tides work?", sound=True)
    reply = add_item(
        conversation,
        "The moon pulls. Twice a day.",
        heard_text="The moon pulls.",
        heard_ms=900,
        llm="openai:gpt-6-luna",
        input_tokens=1234,
        output_tokens=88,
        error_code="engine_timeout",
        error_message="The voice did not answer.",
    )
    add_clip(reply)
    page = reviewer.get(build_change_url(conversation)).content.decode()
    facts = ["How do tides work?", "ann@example.com", "Interrupted after 0:01", "openai:gpt-6-luna", "1,234 tokens in"]
    facts += ["The moon pulls. <s", "Twice a day.", "engine_timeout", "The voice did not answer.", "2,140 ms", "+205"]
    for fact in facts:
        assert fact in page
    for item in conversation.items.all():
        assert f'<audio controls preload="none" src="{reverse("clip", args=[item.pk])}"' in page
    assert page.count("<rect") == 6


def test_work_ahead_of_the_endpoint_is_told_apart(reviewer: Client) -> None:
    conversation = make_conversation()
    waste = {"discarded_input_tokens": 1200, "discarded_output_tokens": 30, "discarded_tts_characters": 44}
    add_item(conversation, "Where are you?", **waste)
    add_item(
        conversation,
        "Here.",
        waterfall={"endpoint": 0, "transcript": -180, "first_token": -60, "first_audio": 12, "done": 420},
        llm="openai:gpt-6-luna",
        input_tokens=1234,
        cached_input_tokens=1024,
        output_tokens=5,
    )
    page = reviewer.get(build_change_url(conversation)).content.decode()
    facts = [
        "The line marks the endpoint.",
        ">ahead<",
        "-60 ms",
        "+72",
        "12 ms",
        "1,234 tokens in (1,024 cached), 5 out",
    ]
    for fact in [*facts, "Started ahead, not used", "about 1,200 tokens in, 30 out · 44 characters"]:
        assert fact in page, fact
    assert page.count('class="transcript ahead"') == 1
    assert page.count('d="M30.00 0v10"') == 4


def test_a_turn_that_waited_has_no_such_line(reviewer: Client) -> None:
    conversation = make_conversation(None, "Where are you?", "Here.")
    page = reviewer.get(build_change_url(conversation)).content.decode()
    for fact in ("The line marks the endpoint.", ">ahead<", "Started ahead", "0v10"):
        assert fact not in page


def test_words_are_never_markup(reviewer: Client) -> None:
    conversation = make_conversation(None, "<script>alert(1)</script>")
    for url in (LIST, build_change_url(conversation)):
        assert b"<script>alert" not in reviewer.get(url).content


def test_a_dialogue_takes_as_many_queries_however_long(reviewer: Client, django_assert_num_queries: Any) -> None:
    conversation, taken = make_conversation(None, "Hello", sound=True), []
    reviewer.get(build_change_url(conversation))  # the first page of a process also reads the content types
    for wanted in (5, 50):
        while conversation.items.count() < wanted:
            add_item(conversation, "More")
        with django_assert_num_queries(12, exact=False) as queries:
            reviewer.get(build_change_url(conversation))
        taken.append(len(queries))
        assert not any("clipdata" in query["sql"] for query in queries.captured_queries)
    assert taken[0] == taken[1]


def test_nothing_can_be_changed(staff: Staff) -> None:
    """No permission lets anybody change what was said."""
    client = staff("view_conversation", "add_conversation", "change_conversation", "delete_conversation")
    conversation = make_conversation(None, "Hello", title="Mine")
    assert client.post(build_change_url(conversation), {"title": "Theirs"}).status_code == 403
    assert client.get(reverse("admin:conversations_conversation_add")).status_code == 403
    assert 'name="title"' not in client.get(build_change_url(conversation)).content.decode()
    conversation.refresh_from_db()
    assert conversation.title == "Mine"


def test_viewing_is_not_deleting(reviewer: Client) -> None:
    conversation = make_conversation(None, "Hello", sound=True)
    assert "Delete" not in reviewer.get(build_change_url(conversation)).content.decode()
    assert reviewer.post(build_delete_url(conversation), {"post": "yes"}).status_code == 403
    reviewer.post(LIST, {"action": "delete_selected", "_selected_action": [conversation.pk], "post": "yes"})
    assert Conversation.objects.exists()


def test_deleting_takes_the_sound_along(staff: Staff) -> None:
    client = staff("view_conversation", "delete_conversation")
    conversation = make_conversation(None, "Hello", "Hi", sound=True)
    page = client.get(build_delete_url(conversation)).content.decode()
    assert "Items: 2" in page
    assert "Clips: 2" in page
    assert client.post(build_delete_url(conversation), {"post": "yes"}).status_code == 302
    assert not Conversation.objects.exists()
    assert not ClipData.objects.exists()


def test_deleting_several(staff: Staff) -> None:
    client = staff("view_conversation", "delete_conversation")
    doomed = [make_conversation(None, "Hello", sound=True) for _ in range(2)]
    kept = make_conversation(None, "Hello", sound=True)
    action = {"action": "delete_selected", "_selected_action": [conversation.pk for conversation in doomed]}
    assert "Conversations: 2" in client.post(LIST, action).content.decode()
    client.post(LIST, {**action, "post": "yes"})
    assert list(Conversation.objects.all()) == [kept]
    assert AudioClip.objects.count() == ClipData.objects.count() == 1


def test_nobody_else_enters(client: Client, staff: Staff) -> None:
    conversation = make_conversation(None, "A secret")
    customer = Client()
    customer.force_login(make_user())
    for url in (LIST, build_change_url(conversation), build_delete_url(conversation)):
        assert client.get(url).status_code == 302
        assert customer.get(url).status_code == 302
        assert staff("view_assistant").get(url).status_code == 403


def test_what_does_not_exist(reviewer: Client) -> None:
    assert reviewer.get(reverse("admin:conversations_conversation_change", args=[0])).status_code == 302
    assert reviewer.get(reverse("admin:conversations_conversation_change", args=["nonsense"])).status_code == 302
