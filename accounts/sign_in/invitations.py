"""Invitations to sign up: a signed link to one e-mail address, mailed where the site sends mail."""

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, User

SALT = "accounts.invitation"
SESSION_KEY = "invitation"


def make_link(invitation: Invitation, site_url: str) -> str:
    """Return a link that is valid for INVITATION_DAYS. `site_url` is https://host, without a slash at its end."""
    token = signing.dumps(invitation.pk, salt=SALT)
    return site_url + reverse("accept_invitation", args=[token])


def send(invitation: Invitation, site_url: str) -> None:
    """Mail the invitation. Raise OSError, as smtplib's errors are, if the mail server does not take it."""
    context = {"invitation": invitation, "link": make_link(invitation, site_url), "days": settings.INVITATION_DAYS}
    message = render_to_string("accounts/email/invitation.txt", context)
    send_mail("Your invitation to Voiceproject", message, None, [invitation.email])


def open_link(request: HttpRequest, token: str) -> Invitation | None:
    """Return the invitation of a link, and remember it for the sign-up that follows.

    Return None if the link expired, was used or forged, or if the invitation was withdrawn.
    """
    try:
        pk = signing.loads(token, salt=SALT, max_age=settings.INVITATION_DAYS * 86_400)
    except signing.BadSignature:
        return None
    request.session[SESSION_KEY] = pk
    return find_held(request)


def find_held(request: HttpRequest) -> Invitation | None:
    """Return the invitation that this browser came with, or None if it is no longer open."""
    pk = request.session.get(SESSION_KEY)
    return Invitation.objects.filter(pk=pk, accepted_at=None).first() if pk else None


def accept(request: HttpRequest, user: User) -> None:
    """Close all invitations of the user's address, whether or not the user came through the link."""
    request.session.pop(SESSION_KEY, None)
    Invitation.objects.filter(email=user.email, accepted_at=None).update(accepted_at=timezone.now())
