"""Limit how many passwords may be tried: the part of the account adapter that counts them.

Tries are counted by account and address, so that a stranger's wrong passwords do not lock the owner out; by address;
and by account alone, which slows tries from many addresses. Browsers that knew the account before are counted apart.
Nothing here differs between an address that has an account and one that has none.
"""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import filter_users_by_email
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.security import client_addresses, known_browsers, throttles
from accounts.security.security_log import Event, record
from accounts.security.throttles import Hit, Limit


class GuardedSignIn(DefaultAccountAdapter):  # type: ignore[misc]
    """The part of the account adapter that counts wrong passwords."""

    _hits: tuple[Hit, ...] = ()

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a try, or raise ValidationError if there were too many. allauth's own limit counts by account alone."""
        account, user = _find_account(credentials)
        address = client_addresses.group_address(client_addresses.read_request_address(request))
        is_known = user is not None and known_browsers.is_known(request, user)
        hits = [throttles.hit(throttles.WRONG_HERE, account, "known browser" if is_known else address)]
        if not is_known:
            hits += [throttles.hit(throttles.WRONG_FROM_ADDRESS, address)]
        self._check(user, *hits)
        if not is_known:
            hits += [throttles.hit(throttles.WRONG_AT_ACCOUNT, account)]
            if not hits[-1].is_within:
                self._check(user, throttles.hit(throttles.SLOWED, account))
        self._hits = tuple(hits)

    def _check(self, user: User | None, *hits: Hit) -> None:
        """Raise ValidationError if one of the limits is exceeded."""
        if spent := next((one.limit for one in hits if not one.is_within), None):
            record(Event.SIGN_IN_LIMITED, user=user.pk if user else None, limit=spent.name)
            raise ValidationError(_explain(spent), code="too_many_login_attempts")

    def _rollback_login_failed_rl_usage(self) -> None:
        """Take the counted tries back. allauth calls this when the password was right."""
        throttles.take_back(self._hits)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        user = _find_account(credentials)[1]
        reason = "wrong_password" if user else "unknown_account"
        record(Event.SIGN_IN_REFUSED, user=user.pk if user else None, reason=reason)

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Forget the wrong tries. allauth calls this when a new password was chosen through a mailed link."""
        account = _find_account(credentials)[0]
        address = client_addresses.group_address(client_addresses.read_request_address(request))
        for who in (address, "known browser"):
            throttles.forget(throttles.WRONG_HERE, account, who)
        throttles.forget(throttles.WRONG_AT_ACCOUNT, account)

    def post_login(self, request: HttpRequest, user: User, **hooks: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **hooks)
        known_browsers.remember(request, response, user)
        return response


def _find_account(credentials: dict[str, Any]) -> tuple[str, User | None]:
    """Return the key that tries are counted by, the same for all addresses of one account; and the account, if any."""
    email = str(credentials.get("email", "")).lower()
    user: User | None = next(iter(filter_users_by_email(email, prefer_verified=True, for_login=True)), None)
    return (f"user {user.pk}" if user else email), user


def _explain(limit: Limit) -> str:
    """Return what to tell the user whose tries exceed this limit."""
    way = " Or use the link below to get a sign-in code by email." if settings.EMAIL_HOST else ""
    if limit is throttles.SLOWED:
        return f"There were many wrong passwords for this account. Wait {limit.window_sec} seconds and try again.{way}"
    return f"Too many wrong passwords. Wait {limit.window_sec // 60} minutes and try again.{way}"
