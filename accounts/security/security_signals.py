"""Write into the security log what Django and allauth report by signals."""

from typing import Any

from allauth.account import signals
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from accounts.models import User
from accounts.security.security_log import Event, record


def connect() -> None:
    """Connect the handlers of this file to the signals."""
    user_logged_in.connect(_record_sign_in, dispatch_uid="security")
    user_logged_out.connect(_record_sign_out, dispatch_uid="security")
    signals.user_signed_up.connect(_record_sign_up, dispatch_uid="security")
    signals.authentication_step_completed.connect(_record_reauthentication, dispatch_uid="security")
    signals.login_code_rejected.connect(_record_wrong_code, dispatch_uid="security")
    signals.password_changed.connect(_record_password_change, dispatch_uid="security")
    signals.password_set.connect(_record_password_change, dispatch_uid="security")
    signals.password_reset.connect(_record_password_reset, dispatch_uid="security")
    signals.email_added.connect(_record_email_added, dispatch_uid="security")
    signals.email_confirmed.connect(_record_email_verified, dispatch_uid="security")
    signals.email_changed.connect(_record_email_change, dispatch_uid="security")
    signals.email_removed.connect(_record_email_removal, dispatch_uid="security")


def _record_sign_in(request: HttpRequest, user: User, **_: Any) -> None:
    records = get_authentication_records(request, user)
    record(Event.SIGNED_IN, user=user.pk, method=records[-1]["method"] if records else "other")


def _record_sign_out(user: User | None, **_: Any) -> None:
    if user is not None:
        record(Event.SIGNED_OUT, user=user.pk)


def _record_sign_up(user: User, **_: Any) -> None:
    record(Event.SIGNED_UP, user=user.pk)


def _record_reauthentication(user: User, method: str, **details: Any) -> None:
    if details.get("reauthenticated"):
        record(Event.REAUTHENTICATED, user=user.pk, method=method)


def _record_wrong_code(user: User, **_: Any) -> None:
    record(Event.SIGN_IN_REFUSED, user=user.pk, reason="wrong_code")


def _record_password_change(user: User, **_: Any) -> None:
    record(Event.PASSWORD_CHANGED, user=user.pk)


def _record_password_reset(user: User, **_: Any) -> None:
    record(Event.PASSWORD_RESET, user=user.pk)


def _record_email_added(user: User, email_address: EmailAddress, **_: Any) -> None:
    record(Event.EMAIL_ADDED, user=user.pk, email=email_address.pk)


def _record_email_verified(email_address: EmailAddress, **_: Any) -> None:
    record(Event.EMAIL_VERIFIED, user=email_address.user_id, email=email_address.pk)


def _record_email_change(user: User, to_email_address: EmailAddress, **_: Any) -> None:
    record(Event.EMAIL_CHANGED, user=user.pk, email=to_email_address.pk)


def _record_email_removal(user: User, **_: Any) -> None:
    record(Event.EMAIL_REMOVED, user=user.pk)
