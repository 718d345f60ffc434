"""Every event of docs/security-log.md, brought about as people do."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.keys import api_keys, client_secrets
from accounts.keys.key_attempt_limits import KeyAttemptLimit
from accounts.models import APIKey, Scope, User
from accounts.security import security_log
from accounts.security.security_log import Event, Pace
from tests.support.factories import make_user
from tests.support.live import ROOT
from voiceproject import first_admin

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "staple battery horse correct"
LOGIN, EMAIL, RESET = reverse("account_login"), reverse("account_email"), reverse("account_reset_password")


class Scene:
    """A site with mail, a user, a browser in which nobody is signed in, and what the security log wrote."""

    def __init__(self, user: User, mails: list[EmailMessage], caplog: pytest.LogCaptureFixture) -> None:
        self.user, self.mails, self.caplog, self.client = user, mails, caplog, Client()

    def sign_in(self, password: str = PASSWORD) -> Client:
        self.client.post(LOGIN, {"login": self.user.email, "password": password})
        return self.client

    def find_link(self) -> str:
        found = re.search(r"https?://testserver(/\S+)", str(self.mails[-1].body))
        assert found
        return found[1]

    def sign_in_as_root(self) -> Client:
        self.client.force_login(make_user(is_staff=True, is_superuser=True))
        return self.client

    def list_events(self) -> list[dict[str, Any]]:
        return [vars(one)["security"] for one in self.caplog.records if one.name == "voiceproject.security"]


@pytest.fixture
def scene(
    db: None,
    sends_mail: None,
    mailoutbox: list[EmailMessage],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> Scene:
    monkeypatch.setattr(security_log, "_pace", Pace())
    caplog.set_level(logging.INFO, "voiceproject.security")
    user = make_user(password=PASSWORD)
    user.vouch_for_email()
    return Scene(user, mailoutbox, caplog)


def _sign_up(scene: Scene) -> None:
    data = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
    scene.client.post(reverse("account_signup"), data)


def _reset_password(scene: Scene) -> None:
    scene.client.post(RESET, {"email": scene.user.email})
    form = scene.client.get(scene.find_link(), follow=True)
    scene.client.post(form.request["PATH_INFO"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})


def _change_password(scene: Scene) -> None:
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    scene.sign_in().post(reverse("account_change_password"), data)


def _reauthenticate(scene: Scene) -> None:
    scene.sign_in().post(reverse("account_reauthenticate"), {"password": PASSWORD})


def _add_address(scene: Scene) -> None:
    _reauthenticate(scene)
    scene.client.post(EMAIL, {"action_add": "", "email": "second@example.com"})


def _verify_address(scene: Scene) -> None:
    _add_address(scene)
    scene.client.post(scene.find_link())


def _change_address(scene: Scene) -> None:
    _verify_address(scene)
    scene.client.post(EMAIL, {"action_primary": "", "email": "second@example.com"})


def _remove_address(scene: Scene) -> None:
    _add_address(scene)
    scene.client.post(EMAIL, {"action_remove": "", "email": "second@example.com"})


def _show_wrong_key(scene: Scene) -> None:
    scene.client.get("/v1/conversations", headers={"authorization": "Bearer vp_wrong"})


def _use_key(scene: Scene) -> None:
    token = api_keys.create(scene.user, "radio")[1]
    for _ in range(2):
        scene.client.get("/v1/conversations", headers={"authorization": f"Bearer {token}"})


def _make_secret(scene: Scene) -> None:
    client_secrets.mint(api_keys.create(scene.user, "radio")[0].pk, {}, 60)


def _revoke_key(scene: Scene) -> None:
    key = api_keys.create(scene.user, "radio")[0]
    scene.sign_in().post(reverse("api_key_revoke", args=[key.pk]))


def _save_provider_key(scene: Scene) -> None:
    _reauthenticate(scene)
    url = reverse("provider_key_save", args=["openai"])
    scene.client.post(url, {"openai-secret": "sk-of-some-length-1234567", "openai-base_url": "https://127.0.0.1:1/v1"})


def _delete_provider_key(scene: Scene) -> None:
    _save_provider_key(scene)
    scene.client.post(reverse("provider_key_delete", args=["openai"]))


def _make_first_admin(scene: Scene) -> None:
    data = {"email": "first@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    scene.client.post(first_admin.build_path_if_needed(), data)


def _invite(scene: Scene) -> None:
    scene.sign_in_as_root().post(reverse("admin:accounts_invitation_add"), {"email": "guest@example.com"})


def _rename_user(scene: Scene) -> None:
    data = {"email": scene.user.email, "name": "Ada", "is_active": "on"}
    scene.sign_in_as_root().post(reverse("admin:accounts_user_change", args=[scene.user.pk]), data)


def _delete_user(scene: Scene) -> None:
    scene.sign_in_as_root().post(reverse("admin:accounts_user_delete", args=[scene.user.pk]), {"post": "yes"})


def _deactivate(scene: Scene) -> None:
    data = {"action": "deactivate", "_selected_action": [scene.user.pk]}
    scene.sign_in_as_root().post(reverse("admin:accounts_user_changelist"), data)


def _try_wrong_passwords(scene: Scene) -> None:
    for _ in range(6):
        scene.sign_in("wrong")


def _ask_for_resets(scene: Scene) -> None:
    for _ in range(6):
        scene.client.post(RESET, {"email": scene.user.email})


def _show_wrong_keys(scene: Scene) -> None:
    """Show so many wrong keys that not every one of them is logged."""
    guard = KeyAttemptLimit()
    for _ in range(settings.WRONG_KEYS_PER_MIN):
        _show_wrong_key(scene)
        guard.count_wrong("127.0.0.1", "vp_wrong", 0.0)


TRIGGERS: dict[Event, Callable[[Scene], Any]] = {
    Event.SIGNED_UP: _sign_up,
    Event.SIGNED_IN: lambda scene: scene.sign_in(),
    Event.SIGNED_OUT: lambda scene: scene.sign_in().post(reverse("account_logout")),
    Event.SIGN_IN_REFUSED: lambda scene: scene.sign_in("wrong"),
    Event.SIGN_IN_LIMITED: _try_wrong_passwords,
    Event.REAUTHENTICATED: _reauthenticate,
    Event.FIRST_ADMIN_MADE: _make_first_admin,
    Event.PASSWORD_CHANGED: _change_password,
    Event.PASSWORD_RESET_ASKED: lambda scene: scene.client.post(RESET, {"email": scene.user.email}),
    Event.PASSWORD_RESET: _reset_password,
    Event.EMAIL_ADDED: _add_address,
    Event.EMAIL_VERIFIED: _verify_address,
    Event.EMAIL_CHANGED: _change_address,
    Event.EMAIL_REMOVED: _remove_address,
    Event.MAIL_LIMITED: _ask_for_resets,
    Event.API_KEY_MADE: lambda scene: api_keys.create(scene.user, "radio"),
    Event.API_KEY_NEW_ADDRESS: _use_key,
    Event.API_KEY_REVOKED: _revoke_key,
    Event.API_KEY_REFUSED: _show_wrong_key,
    Event.API_KEY_LIMITED: _show_wrong_keys,
    Event.CLIENT_SECRET_MADE: _make_secret,
    Event.PROVIDER_KEY_SAVED: _save_provider_key,
    Event.PROVIDER_KEY_DELETED: _delete_provider_key,
    Event.ADMIN_ADDED: _invite,
    Event.ADMIN_CHANGED: _rename_user,
    Event.ADMIN_DELETED: _delete_user,
    Event.ADMIN_ACTED: _deactivate,
}
# Of these `user` is somebody else: who did it, or who is not known yet.
OTHERS = {Event.SIGNED_UP, Event.FIRST_ADMIN_MADE, Event.API_KEY_REFUSED, Event.API_KEY_LIMITED, Event.MAIL_LIMITED, *(
    event for event in Event if event.startswith("admin_"))}  # fmt: skip


def test_the_page_lists_every_event_and_no_other() -> None:
    table = (ROOT / "docs/security-log.md").read_text().partition("| event |")[2]
    named = {
        name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert named == {event.value for event in Event}
    assert set(TRIGGERS) == set(Event)


@pytest.mark.parametrize("event", Event)
def test_it_is_told_once_of_whom_and_whence(scene: Scene, event: Event, settings: Any) -> None:
    settings.USER_BASE_URLS = "any"
    TRIGGERS[event](scene)
    told = [one for one in scene.list_events() if one["event"] == event]
    assert told
    assert len(told) == 1 or event in {Event.SIGNED_IN, Event.MAIL_LIMITED}
    if event not in OTHERS:
        assert told[-1]["user"] == scene.user.pk
    if event not in {Event.API_KEY_MADE, Event.CLIENT_SECRET_MADE}:  # made here by no request
        assert told[-1]["address"] == "127.0.0.1"
    text = "\n".join(one.getMessage() for one in scene.caplog.records if one.name == "voiceproject.security")
    for secret in (PASSWORD, NEW_PASSWORD, "sk-of", "vp_", "@", "/key/"):
        assert secret not in text


def test_a_key_is_used_from_a_new_address(user: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "voiceproject.security")
    key, token = api_keys.create(user, "radio", [Scope.REALTIME])
    for number in (*range(30), 29, 10):
        assert api_keys.authenticate(token, f"198.51.100.{number}")
    news = [one for one in caplog.records if vars(one)["security"]["event"] == "api_key_new_address"]
    assert len(news) == 30
    assert api_keys.authenticate(token, "198.51.100.0")  # long ago, so it counts as new
    stored = APIKey.objects.get(pk=key.pk).seen_addresses
    assert len(stored) == api_keys.SEEN_ADDRESSES
    assert "198.51" not in str(stored)
    assert len(caplog.records) == 32


def test_actions_of_the_admin_are_in_its_own_history_too(scene: Scene) -> None:
    _deactivate(scene)
    [entry] = LogEntry.objects.filter(object_id=str(scene.user.pk))
    assert entry.change_message == "Deactivated."
    assert EmailAddress.objects.filter(user=scene.user).exists()
