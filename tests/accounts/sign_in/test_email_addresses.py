"""One mailbox is one account, however its address is typed, wherever it is typed."""

import time
from importlib import import_module
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.keys import api_keys
from accounts.models import Invitation, User
from accounts.sign_in.email_addresses import canonicalise
from tests.support.factories import make_user

PASSWORD = "correct horse battery staple"
CANONICAL = "ada@xn--bcher-kva.example"
SPELLINGS = [
    "ada@bücher.example",
    "ada@bu\u0308cher.example",  # the umlaut in two parts
    "ada@xn--bcher-kva.example",
    "ADA@XN--BCHER-KVA.EXAMPLE",
    "Ada@BÜCHER.example",
    " ada@bücher.example ",
    "ada@bücher.example.",
    "ａｄａ@ｂücher.example",
    "ada＠bücher.example",
    "ada@bücher。example",
    '"ada"@bücher.example',
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_spelling(spelling: str) -> None:
    assert canonicalise(spelling) == CANONICAL
    assert canonicalise(canonicalise(spelling)) == CANONICAL


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@日本.example", "ada@xn--wgv71a.example"),
        ("ada@☃.example", "ada@xn--n3h.example"),
        ("ada@xn--n3h.example", "ada@xn--n3h.example"),
        ("ada@\u200dexample.com", "ada@example.com"),
        ("ada@localhost", "ada@localhost"),
        ("ada@[127.0.0.1]", "ada@[127.0.0.1]"),
        ("ada@I❤.example", "ada@xn--i-7iq.example"),  # IDNA 2008 knows no emoji, but there are such domains
        ("ada@xn--i-7iq.example", "ada@xn--i-7iq.example"),
        ("ada@❤.bücher.example", "ada@xn--qei.xn--bcher-kva.example"),
        ('"a.b"@example.com', "a.b@example.com"),
        ('"a b"@example.com', '"a b"@example.com'),
        ('"a..b"@example.com', '"a..b"@example.com'),
        ("no address", "no address"),
        ("", ""),
        ("@", "@"),
        ("ada@" + "ü" * 300 + ".example", "ada@" + "ü" * 300 + ".example"),
    ],
)
def test_others(typed: str, kept: str) -> None:
    assert canonicalise(typed) == kept


@pytest.mark.parametrize("worst", ["a", "@", "ü", ".", "\u0301", "ﷺ", "xn--"])
def test_it_takes_no_time(worst: str) -> None:
    for size in (300, 1_000_000):
        began_at = time.thread_time()
        canonicalise("ada@" + (worst * size)[:size])
        assert time.thread_time() - began_at < 0.05


def _post(name: str, **data: str) -> Any:
    client = Client()
    client.post(reverse(name), data)
    return client


def _is_signed_in(client: Client) -> bool:
    return client.get(reverse("settings")).status_code == 200


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_sign_up_and_sign_in(db: None, spelling: str) -> None:
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    assert _is_signed_in(_post("account_signup", email="ada@bücher.example", **passwords))
    assert not _is_signed_in(_post("account_signup", email=spelling, **passwords))
    assert User.objects.get().email == EmailAddress.objects.get().email == CANONICAL
    assert _is_signed_in(_post("account_login", login=spelling, password=PASSWORD))


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_by_mail(db: None, sends_mail: None, mailoutbox: list[EmailMessage], spelling: str) -> None:
    user = make_user(email="ada@bücher.example", password=PASSWORD)
    user.vouch_for_email()
    _post("account_reset_password", email=spelling)
    _post("account_request_login_code", email=spelling)
    assert [mail.to for mail in mailoutbox] == [[CANONICAL]] * 2
    assert "/password/reset/key/" in mailoutbox[0].body


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_in_the_admin_and_by_commands(db: None, spelling: str) -> None:
    root = Client()
    root.force_login(make_user(is_staff=True, is_superuser=True))
    invite, add = reverse("admin:accounts_invitation_add"), reverse("admin:accounts_user_add")
    for _ in range(2):
        root.post(invite, {"email": spelling})
    assert [one.email for one in Invitation.objects.all()] == [CANONICAL]
    call_command("invite", spelling)
    assert Invitation.objects.count() == 1
    data = {"usable_password": "false", "email": spelling}
    for _ in range(2):
        root.post(add, data)
    user = User.objects.get(email=spelling)
    assert user.email == CANONICAL
    call_command("create_api_key", spelling)
    assert user.api_keys.exists()


def test_a_second_address(db: None) -> None:
    user = make_user(password=PASSWORD)
    page = _post("account_login", login=user.email, password=PASSWORD)
    page.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    for spelling in SPELLINGS:
        page.post(reverse("account_email"), {"action_add": "", "email": spelling})
    assert EmailAddress.objects.filter(user=user).exclude(email=user.email).get().email == CANONICAL


def test_an_admin_gives_nobody_an_address_that_somebody_else_has(db: None) -> None:
    root, owner, other = Client(), make_user(), make_user()
    root.force_login(make_user(is_staff=True, is_superuser=True))
    EmailAddress.objects.create(user=owner, email="second@example.com", verified=True)
    answer = root.post(
        reverse("admin:accounts_user_change", args=[other.pk]), {"email": "second@example.com", "is_active": "on"}
    )
    assert answer.status_code == 200
    assert "This email address is already in use" in answer.content.decode()


def test_createsuperuser(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="Root@Bücher.example")
    user = User.objects.get(email="root@bücher.example")
    assert user.email == EmailAddress.objects.get(user=user).email == "root@xn--bcher-kva.example"


@pytest.fixture
def old_rows(db: None) -> tuple[User, User, User]:
    """Three accounts as they were stored before, two of them of one mailbox."""
    users = make_user(), make_user(), make_user()
    addresses = ("eve@bücher.example", "ada@bücher.example", "ada@xn--bcher-kva.example")
    with connection.cursor() as cursor:
        for user, address in zip(users, addresses, strict=True):
            user.vouch_for_email()
            cursor.execute("UPDATE accounts_user SET email = %s WHERE id = %s", [address, user.pk])
            cursor.execute("UPDATE account_emailaddress SET email = %s WHERE user_id = %s", [address, user.pk])
    return users


def test_rows_of_before(old_rows: tuple[User, ...], capsys: pytest.CaptureFixture[str]) -> None:
    import_module("accounts.migrations.0007_canonical_addresses").rewrite(apps, None)
    stored = list(User.objects.order_by("pk").values_list("email", flat=True))
    assert stored == ["eve@xn--bcher-kva.example", "ada@bücher.example", CANONICAL]
    assert EmailAddress.objects.get(user=old_rows[0]).email == "eve@xn--bcher-kva.example"
    told = capsys.readouterr().err
    assert f"User {old_rows[1].pk} has an address" in told
    assert "@" not in told
    assert api_keys.create(old_rows[1], "it stays usable")[1]
