"""SIGN_UP: open, invitation, closed."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import signing
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from accounts.models import Invitation, User
from accounts.sign_in import invitations

PASSWORD = "correct horse battery staple"
GUEST = "guest@example.com"


@pytest.fixture
def invitation(db: None, settings: Any) -> Invitation:
    settings.SIGN_UP = "invitation"
    return Invitation.objects.create(email=GUEST)


def _sign_up(client: Client, email: str) -> Any:
    data = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post(reverse("account_signup"), data, follow=True)


def test_by_invitation(invitation: Invitation, client: Client) -> None:
    answer = client.get(invitations.make_link(invitation, ""), follow=True)
    assert f'value="{GUEST}"' in answer.content.decode()
    _sign_up(client, GUEST)
    assert User.objects.get().email == GUEST
    invitation.refresh_from_db()
    assert invitation.accepted_at


def test_an_invited_address_needs_no_second_mail(
    invitation: Invitation, client: Client, sends_mail: None, mailoutbox: list[EmailMessage]
) -> None:
    invitations.send(invitation, "http://testserver")
    link = invitations.make_link(invitation, "http://testserver")
    assert link.rpartition("/")[0].rpartition(":")[0] in str(mailoutbox[0].body)
    client.get(link)
    _sign_up(client, GUEST)
    assert EmailAddress.objects.get().verified
    assert client.get(reverse("settings")).status_code == 200


def test_without_one_the_door_is_closed(invitation: Invitation, client: Client) -> None:
    assert "by invitation" in client.get(reverse("account_signup")).content.decode()
    _sign_up(client, GUEST)
    assert not User.objects.exists()
    assert "Sign up" not in client.get(reverse("account_login")).content.decode()


def test_it_holds_for_its_address_alone(invitation: Invitation, client: Client) -> None:
    client.get(invitations.make_link(invitation, ""))
    assert "Your invitation is for" in _sign_up(client, "another@example.com").content.decode()
    assert not User.objects.exists()


def test_a_link_that_is_no_longer_good(invitation: Invitation, client: Client, settings: Any) -> None:
    good = invitations.make_link(invitation, "")
    forged = reverse("accept_invitation", args=[signing.dumps(invitation.pk, salt="another")])
    for link in (forged, good[:-2] + "x/"):
        assert "Ask for a new one" in client.get(link, follow=True).content.decode()
    settings.INVITATION_DAYS = 0
    assert "Ask for a new one" in client.get(good, follow=True).content.decode()
    settings.INVITATION_DAYS = 14
    Invitation.objects.update(accepted_at=invitation.created_at + timedelta(hours=1))
    assert "Ask for a new one" in client.get(good, follow=True).content.decode()
    Invitation.objects.all().delete()
    assert "Ask for a new one" in client.get(good, follow=True).content.decode()
    _sign_up(client, GUEST)
    assert not User.objects.exists()


def test_closed_is_closed_to_the_invited_too(invitation: Invitation, client: Client, settings: Any) -> None:
    settings.SIGN_UP = "closed"
    client.get(invitations.make_link(invitation, ""))
    assert "closed" in _sign_up(client, GUEST).content.decode()
    assert not User.objects.exists()


def test_open_takes_anybody_and_settles_the_invitation(invitation: Invitation, client: Client, settings: Any) -> None:
    settings.SIGN_UP = "open"
    _sign_up(client, GUEST)
    invitation.refresh_from_db()
    assert invitation.accepted_at
