"""allauth as this site configures it: the flows, what a stranger learns, and a mail server that fails."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.support.factories import make_user

Mails = list[EmailMessage]
PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "staple battery horse correct"
BROKEN_MAIL = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def user(db: None) -> User:
    return make_user(password=PASSWORD)


def _sign_up(client: Client, email: str, **changes: str) -> Any:
    data = {"email": email, "password1": PASSWORD, "password2": PASSWORD} | changes
    return client.post(reverse("account_signup"), data, follow=True)


def _sign_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password}, follow=True)


def _is_signed_in(client: Client) -> bool:
    return client.get(reverse("settings")).status_code == 200


def _find_link(mail: EmailMessage) -> str:
    found = re.search(r"https?://testserver(/\S+)", str(mail.body))
    assert found
    return found[1]


def test_it_works(db: None, client: Client) -> None:
    _sign_up(client, "Ada@Example.com")
    assert _is_signed_in(client)
    assert User.objects.get().email == "ada@example.com"
    client.post(reverse("account_logout"))
    assert not _is_signed_in(client)
    _sign_in(client, "ADA@example.com")
    assert _is_signed_in(client)


def test_with_a_mail_server_the_address_is_verified_first(
    db: None, client: Client, sends_mail: None, mailoutbox: Mails
) -> None:
    _sign_up(client, "ada@example.com")
    assert not _is_signed_in(client)
    [mail] = mailoutbox
    assert mail.subject.startswith("[Voiceproject] ")
    link = _find_link(mail)
    client.get(link)
    assert not EmailAddress.objects.get().verified  # mail scanners follow links
    client.post(link)
    assert EmailAddress.objects.get().verified
    _sign_in(client, "ada@example.com")
    assert _is_signed_in(client)


def test_password_reset(user: User, client: Client, sends_mail: None, mailoutbox: Mails) -> None:
    user.vouch_for_email()
    client.post(reverse("account_reset_password"), {"email": user.email})
    link = _find_link(mailoutbox[0])
    form = client.get(link, follow=True)
    data = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    client.post(form.request["PATH_INFO"], data, follow=True)
    _sign_in(client, user.email)
    assert not _is_signed_in(client)
    _sign_in(client, user.email, NEW_PASSWORD)
    assert _is_signed_in(client)


def test_a_reset_link_works_once(user: User, client: Client, sends_mail: None, mailoutbox: Mails) -> None:
    user.vouch_for_email()
    client.post(reverse("account_reset_password"), {"email": user.email})
    user.set_password(NEW_PASSWORD)
    user.save()
    assert "Bad Token" in client.get(_find_link(mailoutbox[0]), follow=True).content.decode()


def test_without_a_mail_server_the_reset_page_says_whom_to_ask(db: None, client: Client) -> None:
    assert "Ask one of its admins" in client.get(reverse("account_reset_password")).content.decode()


def test_password_change(page: Client, user: User, sends_mail: None, mailoutbox: Mails) -> None:
    elsewhere = Client()
    elsewhere.force_login(user)
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    page.post(reverse("account_change_password"), data)
    assert _is_signed_in(page)
    assert not _is_signed_in(elsewhere)
    assert "assword" in mailoutbox[0].subject


def test_another_address_needs_the_password_again(page: Client, user: User, mailoutbox: Mails) -> None:
    add = {"action_add": "", "email": "second@example.com"}
    answer = page.post(reverse("account_email"), add)
    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not EmailAddress.objects.filter(email="second@example.com").exists()
    page.post(answer["Location"], {"password": PASSWORD})
    page.post(reverse("account_email"), add)
    assert EmailAddress.objects.filter(email="second@example.com", user=user).exists()


def test_a_stranger_learns_no_addresses(user: User, client: Client, sends_mail: None, mailoutbox: Mails) -> None:
    user.vouch_for_email()
    answers = [_sign_up(Client(), email) for email in (user.email, "new@example.com")]
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert "exists" in mailoutbox[0].body or "already" in mailoutbox[0].body
    resets = [
        client.post(reverse("account_reset_password"), {"email": email}, follow=True).redirect_chain
        for email in (user.email, "nobody@example.com")
    ]
    assert resets[0] == resets[1]
    wrong = [_sign_in(Client(), email, "wrong").context["form"].errors for email in (user.email, "no@example.com")]
    assert wrong[0] == wrong[1]


def test_passwords_cannot_be_tried_at_will(user: User, client: Client) -> None:
    for _ in range(10):
        _sign_in(client, user.email, "wrong")
    assert "Too many" in _sign_in(client, user.email).content.decode()
    assert not _is_signed_in(client)


def test_limits_count_by_the_address_that_the_trusted_proxy_saw(user: User, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    settings.ACCOUNT_RATE_LIMITS = {"signup": "1/m/ip"}
    codes = [
        Client()
        .post(reverse("account_signup"), {"email": f"p{n}@example.com"}, headers={"x-forwarded-for": forwarded})
        .status_code
        for n, forwarded in enumerate(["6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1", "6.6.6.6, 2.2.2.2"])
    ]
    assert codes == [200, 429, 200]


def test_a_deactivated_user_is_out(page: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not _is_signed_in(page)
    client = Client()
    _sign_in(client, user.email)
    assert not _is_signed_in(client)


def test_weak_passwords(db: None, client: Client) -> None:
    for password in ("short", "12345678901", "password123", "ada@example.com"):
        answer = _sign_up(client, "ada@example.com", password1=password, password2=password)
        assert answer.context["form"].errors
    assert not User.objects.exists()


def test_a_mail_server_that_does_not_answer(user: User, client: Client, sends_mail: None, settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = BROKEN_MAIL, "127.0.0.1", 1
    for email in (user.email, "nobody@example.com"):
        answer = client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        assert "could not be sent" in answer.content.decode()


def test_a_superuser_from_the_command_line_can_sign_in(db: None, client: Client, sends_mail: None) -> None:
    User.objects.create_superuser("root@example.com", PASSWORD)
    _sign_in(client, "root@example.com")
    assert _is_signed_in(client)


def test_the_admin_is_entered_by_the_sites_own_door(db: None, client: Client) -> None:
    answer = client.get(reverse("admin:index"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_login"))
    client.force_login(make_user())
    assert client.get(reverse("admin:index"), follow=True).status_code == 403


def test_next_leads_to_no_other_site(user: User, client: Client) -> None:
    data = {"login": user.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post(reverse("account_login"), data)["Location"] == "/"
