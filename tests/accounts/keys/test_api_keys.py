from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.utils import timezone

from accounts import connection_grants
from accounts.keys import api_keys
from accounts.models import APIKey, User

pytestmark = pytest.mark.django_db


def test_it_works(user: User) -> None:
    key, token = api_keys.create(user, "radio")
    found = api_keys.authenticate(token)
    assert found == key
    assert found.user == user
    assert token.startswith(key.prefix)
    assert len(token) == 49
    assert token.replace("_", "").isalnum()


def test_the_key_itself_is_not_stored(user: User) -> None:
    key, token = api_keys.create(user, "radio")
    stored = APIKey.objects.filter(pk=key.pk).values().get()
    assert not any(token in str(value) for value in stored.values())
    assert token[11:40] not in str(stored)


def test_a_mistyped_key_does_not_reach_the_database(user: User, django_assert_num_queries: Any) -> None:
    token = api_keys.create(user, "radio")[1]
    swapped = token[:20] + token[21] + token[20] + token[22:]
    with django_assert_num_queries(0):
        for wrong in ("", "vp_", token[:-1], token + "x", "xx" + token[2:], swapped, "vp_" + "é" * 46, "\x00" * 49):
            assert wrong == token or api_keys.authenticate(wrong) is None


def test_a_well_formed_key_that_was_never_issued(user: User) -> None:
    key, token = api_keys.create(user, "radio")
    key.delete()
    assert api_keys.authenticate(token) is None


def test_a_revoked_key_opens_nothing(user: User) -> None:
    key, token = api_keys.create(user, "radio")
    api_keys.revoke(key)
    assert api_keys.authenticate(token) is None


def test_revoking_twice_keeps_the_first_date(user: User) -> None:
    key, _ = api_keys.create(user, "radio")
    api_keys.revoke(key)
    first = key.revoked_at
    api_keys.revoke(key)
    assert APIKey.objects.get(pk=key.pk).revoked_at == first


def test_a_deactivated_user_has_no_keys(user: User) -> None:
    token = api_keys.create(user, "radio")[1]
    user.is_active = False
    user.save()
    assert api_keys.authenticate(token) is None


def test_last_use_is_recorded_at_most_once_a_minute(user: User, django_assert_num_queries: Any) -> None:
    key, token = api_keys.create(user, "radio")
    api_keys.authenticate(token)
    with django_assert_num_queries(1):
        api_keys.authenticate(token)
    earlier = timezone.now() - timedelta(minutes=2)
    APIKey.objects.filter(pk=key.pk).update(last_used_at=earlier)
    api_keys.authenticate(token)
    last_used_at = APIKey.objects.get(pk=key.pk).last_used_at
    assert last_used_at is not None
    assert last_used_at > earlier


def test_sessions_hear_of_a_revocation(user: User, django_capture_on_commit_callbacks: Any) -> None:
    key, _ = api_keys.create(user, "radio")
    layer = get_channel_layer()
    assert layer is not None
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(connection_grants.get_group_name(user.pk), channel)
    with django_capture_on_commit_callbacks(execute=True):
        api_keys.revoke(key)
    assert async_to_sync(layer.receive)(channel) == {"type": "access.changed"}
