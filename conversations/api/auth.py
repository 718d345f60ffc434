"""Who asks: an API key as a bearer token, and nothing else. Cookies count for pages only."""

from django.http import HttpRequest

from accounts.keys import client_secrets
from accounts.models import Scope
from accounts.security import client_addresses
from conversations.api import rate_limit
from conversations.api.errors import APIError, from_refusal
from conversations.storage import store
from voiceproject.http.refusals import NO_KEY, TOO_MANY_AT_ONCE, WRONG_KEY, Refusal
from voiceproject.http.requests import has_place


class APIRequest(HttpRequest):
    """What a view below /v1/ gets, for the type checker; `caller` sets `allowance`, which the answer's headers tell."""

    allowance: rate_limit.Allowance


def caller(request: HttpRequest, scope: Scope | None) -> store.Caller:
    """The first line of every view. `scope` None: any key will do.

    Raises APIError: 401 without a valid key, 429 beyond the user's rate, 403 without the scope. Reads the database.
    """
    token = _token(request)
    if client_secrets.is_client_secret(token):
        raise _unauthorized("A client secret opens the socket at /v1/realtime and nothing else. Use an API key here.")
    found = store.caller_of(token, client_addresses.read_request_address(request))
    if found is None:
        raise from_refusal(WRONG_KEY)
    request.allowance = rate_limit.count(found.user_id)  # type: ignore[attr-defined]
    if refused := rate_limit.refusal(request.allowance):  # type: ignore[attr-defined]
        raise refused
    if not has_place(request, found.user_id):
        raise from_refusal(TOO_MANY_AT_ONCE)
    if scope is not None and scope not in found.scopes:
        raise from_refusal(lacking(scope))
    return found


acaller = store.in_request(caller)  # for async views


def lacking(scope: Scope) -> Refusal:
    message = f"The API key lacks the scope {scope.value}. Make a key that has it on the site's settings page."
    return Refusal(403, "missing_scope", message)


def _token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise from_refusal(NO_KEY)
    return token.strip()


def _unauthorized(message: str) -> APIError:
    return APIError(401, "invalid_api_key", message, headers={"WWW-Authenticate": "Bearer"})
