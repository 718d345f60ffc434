"""Keys are made, changed and deleted after the password again; the owner gets a mail, and nothing typed is lost."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.keys import api_keys
from accounts.models import APIKey, ProviderKey, User
from accounts.provider_keys import keyring
from tests.support.factories import make_user
from tests.upstream.fixtures import Upstream

PASSWORD = "correct horse battery staple"
SECRET = "sk-a-secret-of-some-length-9876"
ASKS = reverse("account_reauthenticate")
API_KEYS, PROVIDER_KEYS = reverse("api_keys"), reverse("provider_keys")
SAVE, DELETE = reverse("provider_key_save", args=["openai"]), reverse("provider_key_delete", args=["openai"])
NEW_KEY = {"name": "Kitchen radio", "scopes": ["realtime", "conversations.read"]}


@pytest.fixture
def user(db: None, settings: Any) -> User:
    user = make_user(password=PASSWORD)
    user.vouch_for_email()
    return user


@pytest.fixture
def site(upstream: Upstream, settings: Any) -> Upstream:
    settings.OPENAI_BASE_URL = upstream.openai_url
    return upstream


def give_password(page: Client, answer: Any, password: str = PASSWORD) -> Any:
    """Give the password on the page to which the answer leads, with its field that says where to go on."""
    assert answer["Location"].startswith(ASKS)
    form = page.get(answer["Location"]).content.decode()
    found = re.search(r'name="next" value="([^"]+)"', form)
    assert found
    return page.post(ASKS, {"password": password, "next": found[1]})


def test_it_works(page: Client, user: User) -> None:
    answer = page.post(API_KEYS, NEW_KEY)
    assert not APIKey.objects.exists()
    shown = give_password(page, answer).content.decode()
    key = APIKey.objects.get(user=user)
    assert (key.name, key.scopes) == (NEW_KEY["name"], NEW_KEY["scopes"])
    found = re.search(r"vp_\w{46}", shown)
    assert found
    assert api_keys.authenticate(found[0]) == key
    assert "no-store" in page.post(API_KEYS, NEW_KEY)["Cache-Control"]  # for some minutes without asking again
    assert APIKey.objects.count() == 2


def test_a_wrong_password_does_nothing_and_may_be_mended(page: Client, user: User) -> None:
    answer = page.post(API_KEYS, NEW_KEY)
    assert "password" in give_password(page, answer, "wrong").content.decode()
    assert not APIKey.objects.exists()
    give_password(page, answer)
    assert APIKey.objects.exists()


def test_a_provider_key_waits_encrypted(page: Client, user: User, site: Upstream) -> None:
    answer = page.post(SAVE, {"openai-secret": SECRET, "openai-base_url": ""})
    assert not ProviderKey.objects.exists()
    kept = str([session.get_decoded() for session in Session.objects.all()])
    assert "accounts.sign_in.reauthentication.resume" in kept
    assert SECRET not in kept
    assert give_password(page, answer)["Location"] == PROVIDER_KEYS
    assert keyring.find_credential(user, "openai").secret == SECRET  # type: ignore[union-attr]


def test_deleting_one(page: Client, user: User, site: Upstream) -> None:
    keyring.save(user, "openai", SECRET)
    answer = page.post(DELETE)
    assert ProviderKey.objects.exists()
    give_password(page, answer)
    assert not ProviderKey.objects.exists()


def test_it_lapses(page: Client, user: User, settings: Any) -> None:
    give_password(page, page.post(API_KEYS, NEW_KEY))
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    assert page.post(API_KEYS, NEW_KEY)["Location"].startswith(ASKS)
    assert APIKey.objects.count() == 1


@pytest.mark.parametrize(
    ("url", "form"),
    [
        (API_KEYS, NEW_KEY),
        (SAVE, {"openai-secret": SECRET, "openai-base_url": ""}),
        (reverse("account_set_password"), {"password1": PASSWORD, "password2": PASSWORD}),
        (reverse("account_email"), {"action_add": "", "email": "stranger@example.com"}),
    ],
)
def test_who_has_no_password_signs_in_again_by_a_code(
    user: User,
    site: Upstream,
    sends_mail: None,
    mailoutbox: list[EmailMessage],
    settings: Any,
    url: str,
    form: dict[str, Any],
) -> None:
    user.set_unusable_password()
    user.save()
    page = Client()
    _sign_in_by_code(page, user, mailoutbox)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    asked = page.post(url, form)
    assert asked["Location"].startswith(reverse("account_request_login_code") + "?next=")
    assert not APIKey.objects.exists()
    assert not ProviderKey.objects.exists()
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert user.emailaddress_set.count() == 1  # type: ignore[attr-defined]
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    shown = _sign_in_by_code(page, user, mailoutbox, asked["Location"])
    assert shown.redirect_chain[0][0] == url
    assert shown.status_code == 200
    assert page.post(API_KEYS, NEW_KEY).status_code == 200
    assert APIKey.objects.get().user == user


def _sign_in_by_code(page: Client, user: User, mails: list[EmailMessage], url: str = "") -> Any:
    asked = page.post(url or reverse("account_request_login_code"), {"email": user.email})
    found = re.search(r"^([A-Z0-9]{3,}-?[A-Z0-9]{3,})$", str(mails[-1].body), re.MULTILINE)
    assert found, mails[-1].body
    return page.post(asked["Location"], {"code": found[1]}, follow=True)


def test_what_was_given_up_is_not_done_later(page: Client, user: User) -> None:
    page.post(API_KEYS, NEW_KEY)
    answer = page.post(ASKS, {"password": PASSWORD, "next": reverse("account_email")})
    assert answer["Location"] == reverse("account_email")
    assert not APIKey.objects.exists()


def test_a_form_without_end_is_not_kept(page: Client, user: User) -> None:
    answer = page.post(API_KEYS, {**NEW_KEY, "name": "x" * 100_000})
    assert len(str([session.get_decoded() for session in Session.objects.all()])) < 10_000
    assert give_password(page, answer)["Location"] == API_KEYS


def test_a_provider_key_without_end_is_not_kept(page: Client, user: User, site: Upstream) -> None:
    answer = page.post(SAVE, {"openai-secret": "x" * 100_000, "openai-base_url": ""})
    assert len(str([session.get_decoded() for session in Session.objects.all()])) < 10_000
    assert page.get(give_password(page, answer)["Location"], follow=True).status_code == 200


def test_to_revoke_is_always_possible(page: Client, user: User) -> None:
    key = api_keys.create(user, "radio")[0]
    page.post(reverse("api_key_revoke", args=[key.pk]))
    assert not APIKey.objects.filter(revoked_at=None).exists()


def test_an_admin_is_asked_too(user: User, django_capture_on_commit_callbacks: Any) -> None:
    page = Client()
    page.force_login(make_user(is_staff=True, is_superuser=True, password=PASSWORD))
    answer = page.post(reverse("admin:accounts_apikey_add"), {**NEW_KEY, "user": user.pk})
    assert not APIKey.objects.exists()
    assert "vp_" in give_password(page, answer).content.decode()
    assert APIKey.objects.get().user == user


def _make(page: Client, user: User) -> None:
    page.post(API_KEYS, NEW_KEY)


def _revoke(page: Client, user: User) -> None:
    page.post(reverse("api_key_revoke", args=[api_keys.create(user, "Kitchen radio")[0].pk]))


def _save(page: Client, user: User) -> None:
    page.post(SAVE, {"openai-secret": SECRET, "openai-base_url": ""})


def _delete(page: Client, user: User) -> None:
    keyring.save(user, "openai", SECRET)
    page.post(DELETE)


@pytest.mark.parametrize(
    ("act", "subject", "text"),
    [
        (_make, "New API key", "The API key “Kitchen radio” (vp_"),
        (_revoke, "API key revoked", "The API key “Kitchen radio” (vp_"),
        (_save, "New provider key", "A key for OpenAI or compatible was saved"),
        (_delete, "Provider key deleted", "Your key for OpenAI or compatible was deleted"),
    ],
)
def test_the_owner_gets_a_mail(
    page: Client,
    user: User,
    site: Upstream,
    sends_mail: None,
    mailoutbox: list[EmailMessage],
    act: Callable[[Client, User], None],
    subject: str,
    text: str,
) -> None:
    page.post(ASKS, {"password": PASSWORD})
    act(page, user)
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([user.email], f"[Voiceproject] {subject}")
    assert text in mail.body
    assert "http://testserver/settings/" in mail.body
    assert "127.0.0.1" in mail.body
    assert SECRET not in mail.body
    assert not re.search(r"vp_\w{12}", str(mail.body))


def test_who_got_a_key_from_an_admin_gets_a_mail(
    user: User, sends_mail: None, mailoutbox: list[EmailMessage], django_capture_on_commit_callbacks: Any
) -> None:
    page = Client()
    page.force_login(make_user(is_staff=True, is_superuser=True, password=PASSWORD))
    page.post(ASKS, {"password": PASSWORD})
    with django_capture_on_commit_callbacks(execute=True):
        page.post(reverse("admin:accounts_apikey_add"), {**NEW_KEY, "user": user.pk})
    assert [mail.to for mail in mailoutbox] == [[user.email]]
    assert not re.search(r"vp_\w{12}", str(mailoutbox[0].body))


@pytest.mark.parametrize("is_list", [False, True])
@pytest.mark.parametrize(("kind", "subject"), [("providerkey", "Provider key deleted"), ("apikey", "API key revoked")])
def test_whose_key_an_admin_deletes_gets_a_mail(
    user: User,
    site: Upstream,
    sends_mail: None,
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: Any,
    kind: str,
    subject: str,
    is_list: bool,
) -> None:
    page, name = Client(), f"admin:accounts_{kind}"
    page.force_login(make_user(is_staff=True, is_superuser=True))
    key = keyring.save(user, "openai", SECRET) if kind == "providerkey" else api_keys.create(user, "radio")[0]
    chosen = {"action": "delete_selected", "_selected_action": [key.pk], "post": "yes"}
    url = reverse(f"{name}_changelist") if is_list else reverse(f"{name}_delete", args=[key.pk])
    with django_capture_on_commit_callbacks(execute=True):
        page.post(url, chosen if is_list else {"post": "yes"})
    assert not type(key).objects.filter(pk=key.pk).exists()
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [([user.email], f"[Voiceproject] {subject}")]


def test_who_got_a_key_by_a_command_gets_a_mail(
    user: User, sends_mail: None, mailoutbox: list[EmailMessage], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_api_key", user.email, "--name", "Kitchen radio")
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([user.email], "[Voiceproject] New API key")
    assert "“Kitchen radio” (vp_" in mail.body
    assert not re.search(r"vp_\w{12}", str(mail.body))


def test_without_mail_none_is_sent(page: Client, user: User, mailoutbox: list[EmailMessage]) -> None:
    page.post(ASKS, {"password": PASSWORD})
    page.post(API_KEYS, NEW_KEY)
    assert APIKey.objects.exists()
    assert mailoutbox == []
