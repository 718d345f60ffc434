"""Client secrets for browsers of other sites: a program makes one with its key, and it opens the socket for minutes.

There are two shapes for it: POST /v1/realtime/client_secrets, and the beta dialect's POST /v1/realtime/sessions.
"""

from typing import Any, cast

from django.http import HttpRequest, JsonResponse

from accounts.keys import client_secrets
from accounts.models import Scope
from conversations.api import auth, requests
from conversations.api.errors import APIError, build_not_found_error
from conversations.api.shapes import inputs
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_update import update_config
from conversations.storage import callers, store


def create_client_secret(request: HttpRequest) -> JsonResponse:
    """Make a secret, and answer with it and the session that it will open."""
    caller = auth.authenticate(request, Scope.REALTIME)
    asked = requests.parse_body(request, inputs.NewClientSecret)
    patch = asked.session or {}
    try:
        session = _build_session(caller, patch)
    except ProtocolError as error:
        raise APIError(400, error.code, error.message, param=error.param) from None
    return JsonResponse({**_mint(caller, patch, asked), "session": session})


def create_beta_session(request: HttpRequest) -> JsonResponse:
    """Take a flat session of the beta dialect, and answer with the whole flat session and the secret in it."""
    caller = auth.authenticate(request, Scope.REALTIME)
    asked = requests.parse_body(request, inputs.NewBetaSession)
    dialect, flat = BetaDialect(), asked.model_dump(exclude={"client_secret"})
    try:
        patch = dialect.translate_client_event({"type": "session.update", "session": flat})["session"]
        session = _build_session(caller, patch)
    except ProtocolError as error:
        raise _translate_error(dialect, error) from None
    told = dialect.translate_server_event({"type": "session.updated", "session": session}) or {}
    options = asked.client_secret or inputs.SecretOptions()
    return JsonResponse({**told["session"], "client_secret": _mint(caller, patch, options)})


def _build_session(caller: callers.Caller, patch: dict[str, Any]) -> dict[str, Any]:
    """Return the session that the secret will open, without an end. Raise ProtocolError, or APIError with 404."""
    model = patch.get("model")
    try:
        start, servers = store.find_default_config(caller, model if isinstance(model, str) else "")
    except store.NotFoundError as error:
        raise build_not_found_error(str(error)) from None
    config = update_config(start, patch, has_sent_audio=False, servers=servers)
    return {key: value for key, value in config.show().items() if key != "expires_at"}


def _mint(caller: callers.Caller, patch: dict[str, Any], options: inputs.SecretOptions) -> dict[str, Any]:
    """Store a new secret, and return its token and its end in epoch seconds."""
    expiry = options.expires_after or inputs.ExpiresAfter()
    secret, token = client_secrets.mint(cast(int, caller.key_id), patch, expiry.seconds)
    return {"value": token, "expires_at": int(secret.expires_at.timestamp())}


def _translate_error(dialect: BetaDialect, error: ProtocolError) -> APIError:
    """Return the error in the beta dialect, whose parameters have other names."""
    told = (
        dialect.translate_server_event({"type": "error", "error": {"message": error.message, "param": error.param}})
        or {}
    )
    return APIError(400, error.code, told["error"]["message"], param=told["error"]["param"])
