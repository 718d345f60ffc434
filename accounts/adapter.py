"""Where this site differs from allauth's defaults: who may sign up, and a mail server that fails."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import filter_users_by_email, user_pk_to_url_str
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest

from accounts import invitations
from accounts.models import User
from accounts.security_log import Event, record

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGN_UP == "invitation":
            return invitations.held_by(request) is not None
        return bool(settings.SIGN_UP == "open")

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user = super().save_user(request, user, form, commit)
        if commit:
            invitations.accept(request, user)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        users = filter_users_by_email(str(credentials.get("email", "")))
        reason = "wrong_password" if users else "unknown_account"
        record(Event.SIGN_IN_REFUSED, user=users[0].pk if users else None, reason=reason)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        record(Event.PASSWORD_RESET_ASKED, user=user.pk)
        super().send_password_reset_mail(user, email, context)

    def password_reset_url(self, user: User) -> str:
        """A link with which the user, or whoever holds it, chooses a new password once."""
        uid, key = user_pk_to_url_str(user), default_token_generator.make_token(user)
        return str(self.get_reset_password_from_key_url(f"{uid}-{key}"))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Unlike allauth's, survives a mail server that does not answer, and says so.

        A mail is tried whether or not the address has an account, so that the message tells a stranger nothing.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            logger.exception("The mail server did not take %s", template_prefix)
            text = "The mail could not be sent. Try again later, or tell the site's admin."
            messages.error(allauth_context.request, text)
