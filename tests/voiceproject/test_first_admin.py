"""The one-time link that makes the first admin."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts.models import User
from voiceproject import first_admin

PASSWORD = "correct horse battery"
FORM = {"email": "first@example.com", "password1": PASSWORD, "password2": PASSWORD}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_admin(db: None) -> None:
    """There is no superuser, even if live sites of other tests have made some."""
    User.objects.filter(is_superuser=True).update(is_superuser=False)


def test_it_works(client: Client) -> None:
    path = first_admin.build_path_if_needed()
    assert b"Create the admin account" in client.get(path).content
    assert client.post(path, FORM)["Location"] == "/"
    admin = User.objects.get(email="first@example.com")
    assert admin.is_superuser
    assert admin.is_staff
    assert admin.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=admin).verified  # or a site with a mail server would not let them in
    assert client.get("/admin/").status_code == 200


def test_it_is_dead_once_there_is_an_admin(client: Client) -> None:
    path = first_admin.build_path_if_needed()
    client.post(path, FORM)
    stranger = Client()
    assert stranger.get(path).status_code == 410
    assert stranger.post(path, {**FORM, "email": "second@example.com"}).status_code == 410
    assert not User.objects.filter(email="second@example.com").exists()
    assert not first_admin.build_path_if_needed()


def test_a_made_up_link(client: Client) -> None:
    for token in ("x", signing.dumps("first admin"), signing.dumps("first admin", salt="another")):
        assert client.post(f"/set-up/{token}/", FORM).status_code == 410
    assert not first_admin.has_admin()


def test_it_ages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = first_admin.build_path_if_needed()
    later = (timezone.now() + timedelta(days=1, seconds=5)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert client.get(path).status_code == 410


@pytest.mark.parametrize(
    "change", [{"password2": "another"}, {"password1": "1234", "password2": "1234"}, {"email": "no"}]
)
def test_a_bad_form_makes_nobody(client: Client, change: dict[str, str]) -> None:
    page = client.post(first_admin.build_path_if_needed(), {**FORM, **change})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not first_admin.has_admin()


def test_nobody_may_keep_the_page(client: Client) -> None:
    page = client.get(first_admin.build_path_if_needed())
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "same-origin"
