"""Client secrets for browsers of other sites: made by a program with its key, good for the socket for some minutes.

Two shapes for one thing: POST /v1/realtime/client_secrets, and the beta dialect's POST /v1/realtime/sessions.
"""

from typing import Any, cast

from django.http import HttpRequest, JsonResponse

from accounts.keys import client_secrets
from accounts.models import Scope
from conversations.api import auth, requests
from conversations.api.errors import APIError, not_found
from conversations.api.shapes import inputs
from conversations.realtime.protocol.beta import Beta
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.ids import make_id
from conversations.realtime.protocol.session_checks import Config
from conversations.realtime.protocol.session_config import default_config, shown, updated
from conversations.storage import store


def created(request: HttpRequest) -> JsonResponse:
    caller = auth.caller(request, Scope.REALTIME)
    asked = requests.body(request, inputs.NewClientSecret)
    patch = asked.session or {}
    try:
        session = _session(caller, patch)
    except ProtocolError as error:
        raise APIError(400, error.code, error.message, param=error.param) from None
    return JsonResponse({**_minted(caller, patch, asked), "session": session})


def beta_created(request: HttpRequest) -> JsonResponse:
    """A flat session in, a flat session out, with the secret in it."""
    caller = auth.caller(request, Scope.REALTIME)
    asked = requests.body(request, inputs.NewBetaSession)
    dialect, flat = Beta(), asked.model_dump(exclude={"client_secret"})
    try:
        patch = dialect.client({"type": "session.update", "session": flat})["session"]
        session = _session(caller, patch)
    except ProtocolError as error:
        raise _in_beta(dialect, error) from None
    told = dialect.server({"type": "session.updated", "session": session}) or {}
    options = asked.client_secret or inputs.SecretOptions()
    return JsonResponse({**told["session"], "client_secret": _minted(caller, patch, options)})


def _session(caller: store.Caller, patch: Config) -> Config:
    """The session that one with the secret would have; it has no end yet. Raises ProtocolError."""
    model = patch.get("model")
    try:
        defaults, servers = store.session_defaults(caller, model if isinstance(model, str) else "")
    except store.NotFoundError as error:
        raise not_found(str(error)) from None
    start = default_config(session_id=make_id("sess"), expires_at=0, **defaults)
    config = updated(start, patch, audio_sent=False, servers=servers)
    return {key: value for key, value in shown(config).items() if key != "expires_at"}


def _minted(caller: store.Caller, patch: Config, options: inputs.SecretOptions) -> dict[str, Any]:
    expiry = options.expires_after or inputs.ExpiresAfter()
    secret, token = client_secrets.mint(cast(int, caller.key_id), patch, expiry.seconds)
    return {"value": token, "expires_at": int(secret.expires_at.timestamp())}


def _in_beta(dialect: Beta, error: ProtocolError) -> APIError:
    told = dialect.server({"type": "error", "error": {"message": error.message, "param": error.param}}) or {}
    return APIError(400, error.code, told["error"]["message"], param=told["error"]["param"])
