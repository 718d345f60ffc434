"""Who is calling: an API key as a bearer token, and nothing else. Cookies count for pages only."""

from django.http import HttpRequest

from accounts.keys import client_secrets
from accounts.models import Scope
from accounts.security import client_addresses
from conversations.api import rate_limit
from conversations.api.errors import APIError, convert_refusal
from conversations.storage import callers, database_threads
from voiceproject.http.refusals import NO_KEY, TOO_MANY_AT_ONCE, WRONG_KEY, Refusal
from voiceproject.http.request_handling import take_user_slot


def authenticate(request: HttpRequest, scope: Scope | None) -> callers.Caller:
    """Return who is calling, and count the request. Every view begins with this.

    `scope` is what the key must have; with None any key will do. Sets `request.allowance`, which the headers tell.
    Raise APIError: 401 without a valid key, 429 beyond the user's rate, 403 without the scope. Reads the database.
    """
    token = _read_token(request)
    if client_secrets.is_client_secret(token):
        raise _build_unauthorized_error(
            "A client secret works only for the socket at /v1/realtime. Use an API key here."
        )
    found = callers.find_caller(token, client_addresses.read_request_address(request))
    if found is None:
        raise convert_refusal(WRONG_KEY)
    allowance = rate_limit.count(found.user_id)
    request.allowance = allowance  # type: ignore[attr-defined]  # Django's requests carry what middleware is to tell
    if refused := rate_limit.find_refusal(allowance):
        raise refused
    if not take_user_slot(request, found.user_id):
        raise convert_refusal(TOO_MANY_AT_ONCE)
    if scope is not None and scope not in found.scopes:
        raise convert_refusal(build_missing_scope_refusal(scope))
    return found


authenticate_async = database_threads.in_request(authenticate)  # for async views


def build_missing_scope_refusal(scope: Scope) -> Refusal:
    """Return the refusal of a key that lacks the scope."""
    message = f"The API key does not have the scope {scope.value}. Create one that has it on the site's settings page."
    return Refusal(403, "missing_scope", message)


def _read_token(request: HttpRequest) -> str:
    """Return the bearer token of the request. Raise APIError if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise convert_refusal(NO_KEY)
    return token.strip()


def _build_unauthorized_error(message: str) -> APIError:
    """Return the 401 of a token that is not valid here."""
    return APIError(401, "invalid_api_key", message, headers={"WWW-Authenticate": "Bearer"})
