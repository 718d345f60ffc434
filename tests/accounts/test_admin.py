import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import connection_grants
from accounts.keys import api_keys
from accounts.models import APIKey, Invitation, ProviderKey, User
from accounts.security import encryption
from tests.support.factories import make_user
from tests.upstream.fixtures import Upstream

PASSWORD = "correct horse battery staple"
USERS, KEYS = "admin:accounts_user", "admin:accounts_apikey"
PROVIDER_KEYS, INVITATIONS = "admin:accounts_providerkey", "admin:accounts_invitation"


@pytest.fixture
def admin_page(db: None) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def staff_page(db: None) -> Client:
    """A browser of somebody who may look after users and API keys, but is no superuser."""
    staff = make_user(is_staff=True)
    names = [f"{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in ("user", "apikey")]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(staff)
    return client


def _run_action(client: Client, admin: str, action: str, *chosen: Any) -> str:
    data = {"action": action, "_selected_action": [one.pk for one in chosen]}
    return client.post(reverse(f"{admin}_changelist"), data, follow=True).content.decode()


def test_every_page_opens(admin_page: Client, user: User) -> None:
    key = api_keys.create(user, "radio")[0]
    invitation = Invitation.objects.create(email="guest@example.com")
    provider_key = _create_provider_key(user)
    for admin, one in ((USERS, user), (KEYS, key), (INVITATIONS, invitation), (PROVIDER_KEYS, provider_key)):
        assert admin_page.get(reverse(f"{admin}_changelist")).status_code == 200
        assert admin_page.get(reverse(f"{admin}_changelist"), {"q": "radio"}).status_code == 200
        assert admin_page.get(reverse(f"{admin}_change", args=[one.pk])).status_code == 200
        assert admin_page.get(reverse(f"{admin}_delete", args=[one.pk])).status_code == 200


@pytest.mark.parametrize("admin", [USERS, KEYS, INVITATIONS, PROVIDER_KEYS])
def test_lists_ask_the_database_no_more_for_more_rows(
    admin_page: Client, admin: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        user = make_user()
        api_keys.create(user, "radio")
        _create_provider_key(user)
        Invitation.objects.create(email=f"guest{number}@example.com", invited_by=user)
    with django_assert_max_num_queries(10):
        answer = admin_page.get(reverse(f"{admin}_changelist"))
    assert len(answer.context["cl"].result_list) >= 12


def test_a_user_is_made_and_can_sign_in(admin_page: Client, sends_mail: None) -> None:
    data = {"email": "New@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    admin_page.post(reverse(f"{USERS}_add"), data, follow=True)
    client = Client()
    client.post(reverse("account_login"), {"login": "new@example.com", "password": PASSWORD})
    assert client.get(reverse("settings")).status_code == 200


def test_deactivate(admin_page: Client, user: User) -> None:
    token = api_keys.create(user, "radio")[1]
    me = User.objects.get(is_superuser=True)
    assert "Deactivated: 1" in _run_action(admin_page, USERS, "deactivate", user, me)
    assert api_keys.authenticate(token) is None
    me.refresh_from_db()
    assert me.is_active  # nobody locks themselves out


def test_a_link_to_a_new_password(admin_page: Client, user: User) -> None:
    text = _run_action(admin_page, USERS, "reset_password", user)
    found = re.search(r"http://testserver(/accounts/password/reset/key/\S+/)", text)
    assert found
    assert "Bad Token" not in Client().get(found[1], follow=True).content.decode()


def test_a_mailed_link_to_a_new_password(
    admin_page: Client, user: User, sends_mail: None, mailoutbox: list[EmailMessage]
) -> None:
    text = _run_action(admin_page, USERS, "reset_password", user)
    assert "/password/reset/key/" not in text
    assert "/password/reset/key/" in str(mailoutbox[0].body)


def test_an_api_key_is_shown_once(admin_page: Client, user: User) -> None:
    answer = admin_page.post(reverse(f"{KEYS}_add"), {"user": user.pk, "name": "radio", "scopes": ["realtime"]})
    found = re.search(r"vp_\w{46}", answer.content.decode())
    assert found
    assert "no-store" in answer["Cache-Control"]
    key = api_keys.authenticate(found[0])
    assert key
    assert (key.user, key.scopes) == (user, ["realtime"])
    for url in (reverse(f"{KEYS}_changelist"), reverse(f"{KEYS}_change", args=[key.pk])):
        assert found[0] not in admin_page.get(url).content.decode()


def test_revoke(admin_page: Client, user: User) -> None:
    keys = [api_keys.create(user, name) for name in ("radio", "lamp")]
    assert "Revoked: 2" in _run_action(admin_page, KEYS, "revoke", *(key for key, _ in keys))
    assert not any(api_keys.authenticate(token) for _, token in keys)


def test_deleting_a_key_or_its_user_closes_its_sessions(
    admin_page: Client, user: User, django_capture_on_commit_callbacks: Any
) -> None:
    radio, lamp = api_keys.create(user, "radio")[0], api_keys.create(user, "lamp")[0]
    layer = get_channel_layer()
    assert layer is not None
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(connection_grants.get_group_name(user.pk), channel)
    for admin, one in ((KEYS, radio), (USERS, user)):
        with django_capture_on_commit_callbacks(execute=True):
            admin_page.post(reverse(f"{admin}_delete", args=[one.pk]), {"post": "yes"})
        assert async_to_sync(layer.receive)(channel) == {"type": "access.changed"}
    assert not APIKey.objects.filter(pk__in=[radio.pk, lamp.pk]).exists()


def test_provider_keys_show_no_secret_and_are_only_tried(
    admin_page: Client, user: User, upstream: Upstream, settings: Any
) -> None:
    settings.OPENAI_BASE_URL = upstream.openai_url
    key = _create_provider_key(user)
    for url in (reverse(f"{PROVIDER_KEYS}_changelist"), reverse(f"{PROVIDER_KEYS}_change", args=[key.pk])):
        text = admin_page.get(url).content.decode()
        assert "9876" not in text
        assert bytes(key.secret_encrypted).decode() not in text
    assert "offers 5 models" in _run_action(admin_page, PROVIDER_KEYS, "try_again", key)
    assert admin_page.get(reverse(f"{PROVIDER_KEYS}_add")).status_code == 403


def test_invite_by_link(admin_page: Client) -> None:
    answer = admin_page.post(reverse(f"{INVITATIONS}_add"), {"email": "Guest@example.com"}, follow=True)
    assert "http://testserver/accounts/invitation/" in answer.content.decode()
    assert Invitation.objects.get().email == "guest@example.com"


def test_invite_by_mail(admin_page: Client, sends_mail: None, mailoutbox: list[EmailMessage]) -> None:
    answer = admin_page.post(reverse(f"{INVITATIONS}_add"), {"email": "guest@example.com"}, follow=True)
    assert "http://testserver/accounts/invitation/" not in answer.content.decode()
    assert "/accounts/invitation/" in str(mailoutbox[0].body)
    _run_action(admin_page, INVITATIONS, "send", Invitation.objects.get())
    assert len(mailoutbox) == 2


def test_an_invitation_that_the_mail_server_refuses(admin_page: Client, sends_mail: None, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answer = admin_page.post(reverse(f"{INVITATIONS}_add"), {"email": "guest@example.com"}, follow=True)
    assert "could not be emailed" in answer.content.decode()
    assert Invitation.objects.exists()


def test_nobody_is_invited_twice(admin_page: Client, user: User) -> None:
    Invitation.objects.create(email="guest@example.com")
    for email in ("GUEST@example.com", user.email):
        admin_page.post(reverse(f"{INVITATIONS}_add"), {"email": email})
    assert Invitation.objects.count() == 1


def test_staff_cannot_become_more_than_staff(staff_page: Client, user: User) -> None:
    root = make_user(is_superuser=True)
    data = {"email": user.email, "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    staff_page.post(reverse(f"{USERS}_change", args=[user.pk]), data)
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser) == (False, False)
    for name in ("change", "delete"):
        assert staff_page.post(reverse(f"{USERS}_{name}", args=[root.pk]), data | {"post": "yes"}).status_code == 403
    assert staff_page.get(reverse("admin:auth_user_password_change", args=[root.pk])).status_code == 403
    assert "/reset/key/" not in _run_action(staff_page, USERS, "reset_password", root)
    _run_action(staff_page, USERS, "deactivate", root)
    root.refresh_from_db()
    assert root.is_active


def test_staff_cannot_make_or_rename_keys_of_superusers(staff_page: Client) -> None:
    root = make_user(is_superuser=True)
    staff_page.post(reverse(f"{KEYS}_add"), {"user": root.pk, "name": "radio", "scopes": ["realtime"]})
    assert not APIKey.objects.filter(user=root).exists()
    key = api_keys.create(root, "radio")[0]
    staff_page.post(reverse(f"{KEYS}_change", args=[key.pk]), {"name": "lamp", "scopes": ["realtime"]})
    assert APIKey.objects.get(user=root).name == "radio"


def _create_provider_key(user: User) -> ProviderKey:
    secret = encryption.encrypt("sk-a-secret-of-some-length-9876")
    fields = {"secret_encrypted": secret, "hint": "9876", "tested_at": timezone.now()}
    return ProviderKey.objects.create(user=user, provider="openai", **fields)
