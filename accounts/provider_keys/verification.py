"""Verify a provider key with one small real call through the provider's own client."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import grpc
import httpx2
import openai
from asgiref.sync import async_to_sync
from google.api_core import exceptions as google_errors
from google.api_core.client_options import ClientOptions
from google.auth import exceptions as google_auth_errors
from google.cloud import texttospeech
from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcTransport
from google.oauth2 import service_account

from accounts.models import ProviderKey
from accounts.outbound.bounded_responses import PLAIN, UnfitAnswerError, bound_answer, parse_json, read_body
from accounts.outbound.public_addresses import AsyncPublicOnlyTransport
from accounts.provider_keys.credentials import OPENAI_URL, Credential

TIMEOUT_SEC = 8.0
MAX_ANSWER_BYTES = 4_000_000
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a key works, and what to tell the user."""

    works: bool
    text: str  # a sentence or two for the user, never with the secret in it
    models: Mapping[str, str] = field(default_factory=dict)  # that an OpenAI-compatible server offers: see _read_models


def verify_key(provider: str, credential: Credential) -> Verdict:
    """Call the provider, and return the verdict. Takes at most TIMEOUT_SEC."""
    return _verify_openai(credential) if provider == ProviderKey.Provider.OPENAI else _verify_google(credential)


def _verify_openai(credential: Credential) -> Verdict:
    url = credential.base_url or OPENAI_URL
    name = "OpenAI" if url == OPENAI_URL else urlsplit(url).hostname or url
    try:
        models = _read_models(async_to_sync(_list_models)(credential, url))
    except (openai.OpenAIError, httpx2.HTTPError, TimeoutError) as error:
        return Verdict(False, _describe_openai_error(error, name))
    if models is None:
        return Verdict(
            False, f"{name} answers, but not like an OpenAI-compatible server. Check the base URL: most end in /v1."
        )
    count = len(models)
    return Verdict(True, f"Works: {name} offers {count} model{'' if count == 1 else 's'}.", models)


async def _list_models(credential: Credential, url: str) -> bytes:
    """Return the body of the answer to a list of models.

    One deadline covers all of it, since a hostile server may send it byte by byte.
    """
    # Unlike the SDK's own client this follows no redirects: they could lead into the private network.
    transport = AsyncPublicOnlyTransport() if credential.public_only else None
    guards = {"response": [_keep_bounds]}
    plain = httpx2.AsyncClient(transport=transport, headers=PLAIN, event_hooks=guards)
    async with asyncio.timeout(TIMEOUT_SEC), plain as http:
        client = openai.AsyncOpenAI(api_key=credential.secret or "none", base_url=url, max_retries=0, http_client=http)
        client.organization = client.project = None  # the SDK reads the site's from the environment
        async with client.models.with_streaming_response.list() as response:
            return await read_body(response.iter_bytes(), MAX_ANSWER_BYTES)


async def _keep_bounds(response: httpx2.Response) -> None:
    """Bound every answer, including errors, which the SDK reads whole."""
    await bound_answer(response, MAX_ANSWER_BYTES)


def _read_models(body: bytes) -> dict[str, str] | None:
    """Return the models that the answer lists, each with the day it ends, as 2027-01-06, or "".

    None if it is no list of models: a web page answers 200 too, and the SDK accepts it.
    """
    try:
        answer = parse_json(body, MAX_ANSWER_BYTES)
    except ValueError:
        return None
    models = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return None
    entries = [model if isinstance(model, dict) else {} for model in models]
    return {str(one.get("id", number)): str(one.get("shutdown_date") or "") for number, one in enumerate(entries)}


def _describe_openai_error(error: Exception, name: str) -> str:
    """Return what to tell the user about an error of an OpenAI-compatible server."""
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return f"{name} refused this key. Check that it is complete and still valid."
        case openai.RateLimitError():
            return f"{name} accepts this key, but its quota or credit is used up."
        case openai.NotFoundError():
            return f"Not found: {name} has no OpenAI-compatible API at this base URL. Most end in /v1."
        case openai.APITimeoutError() | TimeoutError():
            return f"{name} could not be reached: no answer within {TIMEOUT_SEC:.0f} seconds."
        case UnfitAnswerError() | openai.APIConnectionError(__cause__=UnfitAnswerError()):
            return f"{name} does not answer like an OpenAI-compatible server: its answer was too long, or compressed."
        case openai.APIConnectionError() | httpx2.HTTPError():
            return f"{name} could not be reached. Check the base URL, or try again later."
        case openai.APIStatusError(status_code=status):
            return f"{name} answered with an error ({status}). Try again later."
    return f"{name} does not answer like an OpenAI-compatible server."


def _verify_google(credential: Credential) -> Verdict:
    try:
        client, metadata = _build_google_client(credential.secret, credential.base_url)
        with client:
            voices = client.list_voices(retry=None, timeout=TIMEOUT_SEC, metadata=metadata).voices
    except (google_errors.GoogleAPIError, google_auth_errors.GoogleAuthError, ValueError) as error:
        return Verdict(False, _describe_google_error(error))
    return Verdict(True, f"Works: Google offers {len(voices)} voice{'' if len(voices) == 1 else 's'}.")


def _build_google_client(secret: str, endpoint: str) -> tuple[texttospeech.TextToSpeechClient, list[tuple[str, str]]]:
    """Return a client of Google's Text-to-Speech, and the metadata to send with each call."""
    if endpoint.startswith("http://"):  # plaintext, on which gRPC refuses to carry credentials of its own
        channel = grpc.insecure_channel(urlsplit(endpoint).netloc)
        client = texttospeech.TextToSpeechClient(transport=TextToSpeechGrpcTransport(channel=channel))
        return client, [] if secret.startswith("{") else [("x-goog-api-key", secret)]
    options = ClientOptions(api_endpoint=urlsplit(endpoint).netloc or endpoint or None)
    if not secret.startswith("{"):
        options.api_key = secret
        return texttospeech.TextToSpeechClient(client_options=options), []
    make = service_account.Credentials.from_service_account_info
    account = make(json.loads(secret), scopes=[GOOGLE_SCOPE])  # type: ignore[no-untyped-call]
    return texttospeech.TextToSpeechClient(credentials=account, client_options=options), []


def _describe_google_error(error: Exception) -> str:
    """Return what to tell the user about an error of Google."""
    match error:
        case google_errors.PermissionDenied() if "disabled" in str(error) or "not been used" in str(error):
            return "The Cloud Text-to-Speech API is not enabled in this key's Google Cloud project. Enable it there."
        case google_errors.Unauthenticated() | google_errors.PermissionDenied() | google_auth_errors.RefreshError():
            return "Google refused this key. Check that it is complete, still valid, and allowed to use Text-to-Speech."
        case google_errors.InvalidArgument():  # what Google answers to an unknown API key
            return "Google refused this key. Check that it is complete and still valid."
        case google_errors.ResourceExhausted():
            return "Google accepts this key, but its quota is used up."
        case google_errors.NotFound() | google_errors.MethodNotImplemented():
            return "Not found: there is no Text-to-Speech API at this site's Google endpoint."
        case google_errors.DeadlineExceeded():
            return f"Google could not be reached: no answer within {TIMEOUT_SEC:.0f} seconds."
        case google_errors.ServiceUnavailable() | google_auth_errors.TransportError():
            return "Google could not be reached. Try again later."
        case ValueError():
            return "Google's client cannot read this key. Paste the whole JSON file of the service account."
    return "Google answered with an error. Try again later."
