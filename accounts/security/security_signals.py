"""What Django and allauth tell by signals, written into the security log."""

from typing import Any

from allauth.account import signals
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from accounts.models import User
from accounts.security.security_log import Event, record


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="security")
    user_logged_out.connect(_signed_out, dispatch_uid="security")
    signals.user_signed_up.connect(_signed_up, dispatch_uid="security")
    signals.authentication_step_completed.connect(_authenticated, dispatch_uid="security")
    signals.login_code_rejected.connect(_code_rejected, dispatch_uid="security")
    signals.password_changed.connect(_password_changed, dispatch_uid="security")
    signals.password_set.connect(_password_changed, dispatch_uid="security")
    signals.password_reset.connect(_password_reset, dispatch_uid="security")
    signals.email_added.connect(_email_added, dispatch_uid="security")
    signals.email_confirmed.connect(_email_verified, dispatch_uid="security")
    signals.email_changed.connect(_email_changed, dispatch_uid="security")
    signals.email_removed.connect(_email_removed, dispatch_uid="security")


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    records = get_authentication_records(request, user)
    record(Event.SIGNED_IN, user=user.pk, method=records[-1]["method"] if records else "other")


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        record(Event.SIGNED_OUT, user=user.pk)


def _signed_up(user: User, **_: Any) -> None:
    record(Event.SIGNED_UP, user=user.pk)


def _authenticated(user: User, method: str, **details: Any) -> None:
    if details.get("reauthenticated"):
        record(Event.REAUTHENTICATED, user=user.pk, method=method)


def _code_rejected(user: User, **_: Any) -> None:
    record(Event.SIGN_IN_REFUSED, user=user.pk, reason="wrong_code")


def _password_changed(user: User, **_: Any) -> None:
    record(Event.PASSWORD_CHANGED, user=user.pk)


def _password_reset(user: User, **_: Any) -> None:
    record(Event.PASSWORD_RESET, user=user.pk)


def _email_added(user: User, email_address: EmailAddress, **_: Any) -> None:
    record(Event.EMAIL_ADDED, user=user.pk, email=email_address.pk)


def _email_verified(email_address: EmailAddress, **_: Any) -> None:
    record(Event.EMAIL_VERIFIED, user=email_address.user_id, email=email_address.pk)


def _email_changed(user: User, to_email_address: EmailAddress, **_: Any) -> None:
    record(Event.EMAIL_CHANGED, user=user.pk, email=to_email_address.pk)


def _email_removed(user: User, **_: Any) -> None:
    record(Event.EMAIL_REMOVED, user=user.pk)
