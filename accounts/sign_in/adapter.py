"""Where this site differs from allauth's defaults: who may sign up, and how much may be tried and mailed."""

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.http import HttpRequest

from accounts.models import User
from accounts.security import client_addresses
from accounts.security.security_log import Event, record
from accounts.sign_in import invitations
from accounts.sign_in.mail_limits import GuardedMail
from accounts.sign_in.password_limits import GuardedSignIn


class AccountAdapter(GuardedSignIn, GuardedMail):
    """The site's adapter for allauth."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGN_UP == "invitation":
            return invitations.find_held(request) is not None
        return bool(settings.SIGN_UP == "open")

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user = super().save_user(request, user, form, commit)
        if commit:
            invitations.accept(request, user)
        return user

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        record(Event.PASSWORD_RESET_ASKED, user=user.pk)
        super().send_password_reset_mail(user, email, context)

    def build_password_reset_url(self, user: User) -> str:
        """Return a link with which whoever holds it may choose a new password once."""
        uid, key = user_pk_to_url_str(user), default_token_generator.make_token(user)
        return str(self.get_reset_password_from_key_url(f"{uid}-{key}"))

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address.

        allauth's own method fails for requests that did not come through the proxies.
        """
        return client_addresses.read_request_address(request)
