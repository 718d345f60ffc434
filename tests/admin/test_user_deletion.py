"""Deleting a person in the admin: their conversations go along, sound and all."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conversations.models import ClipData, Conversation
from tests.support.factories import make_conversation, make_user
from tests.support.people import Staff

LIST = reverse("admin:accounts_user_changelist")


def build_delete_url(user: User) -> str:
    return reverse("admin:accounts_user_delete", args=[user.pk])


@pytest.fixture
def keeper(staff: Staff) -> Client:
    return staff("view_user", "delete_user", "delete_conversation")


def test_it_works(keeper: Client) -> None:
    doomed, kept = make_user(), make_user()
    for user in (doomed, kept):
        make_conversation(user, "Hello", "Hi", sound=True)
    assert "Conversations: 1" in keeper.get(build_delete_url(doomed)).content.decode()
    assert keeper.post(build_delete_url(doomed), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=doomed.pk).exists()
    assert ClipData.objects.count() == 2


def test_several(keeper: Client) -> None:
    doomed = [make_user() for _ in range(2)]
    for user in doomed:
        make_conversation(user, "Hello", sound=True)
    action = {"action": "delete_selected", "_selected_action": [user.pk for user in doomed]}
    assert "Users: 2" in keeper.post(LIST, action).content.decode()
    keeper.post(LIST, {**action, "post": "yes"})
    assert not User.objects.filter(pk__in=[user.pk for user in doomed]).exists()
    assert not ClipData.objects.exists()


def test_the_question_takes_as_many_queries_whatever_they_have(keeper: Client, django_assert_num_queries: Any) -> None:
    user, taken = make_user(), []
    for wanted in (1, 20):
        while Conversation.objects.count() < wanted:
            make_conversation(user, "Hello", "Hi")
        with django_assert_num_queries(20, exact=False) as queries:
            keeper.get(build_delete_url(user))
        taken.append(len(queries))
    assert taken[0] == taken[1]


def test_who_may_not_delete_conversations_may_not_delete_whom_they_belong_to(staff: Staff) -> None:
    client, user = staff("view_user", "delete_user"), make_user()
    make_conversation(user, "Hello", sound=True)
    assert "your account doesn't have permission" in client.get(build_delete_url(user)).content.decode()
    assert client.post(build_delete_url(user), {"post": "yes"}).status_code == 403
    assert ClipData.objects.exists()


def test_a_superuser_is_beyond_staff(keeper: Client) -> None:
    root = make_user(is_superuser=True, is_staff=True)
    keeper.post(build_delete_url(root), {"post": "yes"})
    keeper.post(LIST, {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"})
    assert User.objects.filter(pk=root.pk).exists()
