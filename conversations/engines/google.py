"""Google Cloud Text-to-Speech over gRPC: streamed for Chirp 3 HD voices, whole for the others."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import grpc
import grpc.aio
from google.api_core import exceptions as errors
from google.auth import exceptions as auth_errors
from google.auth import jwt
from google.cloud import texttospeech as api
from google.cloud.texttospeech_v1.services.text_to_speech.transports import TextToSpeechGrpcAsyncIOTransport

from conversations.engines import speech_decoder
from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineError, EngineErrors
from conversations.engines.retries import stream_with_retries
from conversations.engines.voices import CHIRP_LANGUAGES
from conversations.pcm import SAMPLE_RATE

ENDPOINT = "https://texttospeech.googleapis.com"
AUDIENCE = "https://texttospeech.googleapis.com/"  # of a token that a service account signs itself
SPEAKER = "Chirp3-HD-Kore"  # the default voice; a language comes before it
STREAMING_FAMILY = "Chirp3-HD"

CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", 32_000_000),  # one piece may be minutes of audio
    ("grpc.keepalive_time_ms", 60_000),  # between two turns, through firewalls
    ("grpc.max_reconnect_backoff_ms", 2_000),  # by default a short outage means two minutes of failures
)

# gRPC logs a traceback when a server sends no valid message; that error is reported where the call was made.
logging.getLogger("grpc._common").setLevel(logging.CRITICAL)

_channels: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, grpc.aio.Channel]] = WeakKeyDictionary()


class CloudTextToSpeech:
    """Text to speech by Google. The credential travels with each call, so all sessions share the connections."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._errors = EngineErrors("tts", spec.provider, "Google", spec.api_key, spec.model)
        self._unary_voices: set[str] = set()

    async def connect(self) -> None:
        """Begin to connect, unless there is a connection. The channel keeps itself alive from then on."""
        get_shared_channel(self._spec.base_url or ENDPOINT).get_state(try_to_connect=True)

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        if not text.strip():
            return
        name = voice or self._spec.voice or f"{_choose_locale(language)}-{SPEAKER}"
        stream = stream_with_retries(lambda: self._synthesize(text, name, speed), self._spec.timeout_sec, self._errors)
        async with aclosing(stream):
            async for pcm in stream:
                yield pcm

    async def _synthesize(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes]:
        with self._translate_errors():
            if STREAMING_FAMILY in voice and voice not in self._unary_voices:
                try:
                    async with aclosing(self._synthesize_streamed(text, voice, speed)) as stream:
                        async for pcm in speech_decoder.convert_speech(stream, "audio/pcm", self._errors):
                            yield pcm
                    return
                except (errors.InvalidArgument, errors.MethodNotImplemented) as error:
                    if "stream" not in str(error).lower():
                        raise
                    self._unary_voices.add(voice)
            async with aclosing(self._synthesize_whole(text, voice, speed)) as whole:
                async for pcm in speech_decoder.convert_speech(whole, "audio/pcm", self._errors):
                    yield pcm

    async def _synthesize_streamed(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes]:
        config = api.StreamingSynthesizeConfig(
            voice=_build_voice_params(voice),
            streaming_audio_config=api.StreamingAudioConfig(
                audio_encoding=api.AudioEncoding.PCM,
                sample_rate_hertz=SAMPLE_RATE,
                speaking_rate=_choose_speaking_rate(speed),
            ),
        )

        async def yield_requests() -> AsyncIterator[api.StreamingSynthesizeRequest]:
            yield api.StreamingSynthesizeRequest(streaming_config=config)
            yield api.StreamingSynthesizeRequest(input=api.StreamingSynthesisInput(text=text))

        call: Any = await self._client.streaming_synthesize(requests=yield_requests(), metadata=self._build_metadata())
        try:
            async for response in call:
                yield self._read_audio(response)
        finally:
            call.cancel()  # resets the stream upstream; nothing once it has ended

    async def _synthesize_whole(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes]:
        """Yield the whole speech as a WAV file."""
        response = await self._client.synthesize_speech(
            input=api.SynthesisInput(text=text),
            voice=_build_voice_params(voice),
            audio_config=api.AudioConfig(
                audio_encoding=api.AudioEncoding.LINEAR16,
                sample_rate_hertz=SAMPLE_RATE,
                speaking_rate=_choose_speaking_rate(speed),
            ),
            metadata=self._build_metadata(),
        )
        yield self._read_audio(response)

    def _read_audio(self, response: Any) -> bytes:
        """Return the audio in a response, or raise EngineError: the client gives None for an invalid message."""
        if response is None:
            raise self._errors.build_unexpected_answer_error("speech")
        return bytes(response.audio_content)

    @cached_property
    def _client(self) -> api.TextToSpeechAsyncClient:
        channel = get_shared_channel(self._spec.base_url or ENDPOINT)
        return api.TextToSpeechAsyncClient(transport=TextToSpeechGrpcAsyncIOTransport(channel=channel))

    def _build_metadata(self) -> list[tuple[str, str]]:
        if not self._spec.api_key.lstrip().startswith("{"):
            self._errors.check_key()
            return [("x-goog-api-key", self._spec.api_key)] if self._spec.api_key else []
        headers: dict[str, str] = {}
        self._service_account.before_request(None, "POST", AUDIENCE, headers)
        return list(headers.items())

    @cached_property
    def _service_account(self) -> Any:
        """The service account. It signs its own tokens, so that no other server is asked: google.aip.dev/auth/4111."""
        info = json.loads(self._spec.api_key)
        return jwt.Credentials.from_service_account_info(info, audience=AUDIENCE)  # type: ignore[no-untyped-call]

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except (errors.GoogleAPIError, auth_errors.GoogleAuthError, grpc.RpcError, ValueError) as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> EngineError:
        explained = self._classify(error)
        code = getattr(error, "code", None)
        explained.status = int(code) if code is not None else None
        explained.retry_after_sec = _parse_retry_after_sec(error)
        return explained

    def _classify(self, error: Exception) -> EngineError:
        detail = str(getattr(error, "message", "") or "")
        match error:
            case errors.InvalidArgument() if "api key" in detail.lower():
                return self._errors.build_auth_error()
            case errors.PermissionDenied():  # also when the API is not enabled in the key's project, as it says
                return self._errors.build_auth_error(detail)
            case errors.Unauthenticated() | auth_errors.GoogleAuthError():
                return self._errors.build_auth_error()
            case errors.ResourceExhausted() if "larger than max" in detail:  # it is gRPC that says so, here
                return self._errors.build_unexpected_answer_error("speech")
            case errors.ResourceExhausted() if "quota exceeded" in detail.lower() and "per day" in detail.lower():
                return self._errors.build_quota_error()
            case errors.ResourceExhausted():
                return self._errors.build_busy_error(_parse_retry_after_sec(error))
            case errors.DeadlineExceeded():
                return self._errors.build_timeout_error(self._spec.timeout_sec)
            case errors.Cancelled():
                return self._errors.build_connection_lost_error()
            case errors.ClientError():
                return self._errors.build_rejected_error(detail)
            case errors.ServiceUnavailable():
                return self._errors.build_unreachable_error()
            case errors.GoogleAPICallError() if error.code is not None:
                return self._errors.build_server_error(f"error {int(error.code)}")
            case ValueError():
                return self._errors.build_auth_error(
                    "the credential is neither an API key nor the JSON of a service account"
                )
        return self._errors.build_connection_lost_error()


def get_shared_channel(endpoint: str) -> grpc.aio.Channel:
    """Return the running event loop's connection to `endpoint`; http:// means plaintext."""
    channels = _channels.setdefault(asyncio.get_running_loop(), {})
    if endpoint not in channels:
        parts = urlsplit(endpoint if "//" in endpoint else f"https://{endpoint}")
        if parts.scheme == "http":
            channels[endpoint] = grpc.aio.insecure_channel(parts.netloc, CHANNEL_OPTIONS)
        else:
            channels[endpoint] = grpc.aio.secure_channel(parts.netloc, grpc.ssl_channel_credentials(), CHANNEL_OPTIONS)
    return channels[endpoint]


async def close_channels() -> None:
    """Close the connections of the running event loop, at the end of a process or a test."""
    for channel in _channels.pop(asyncio.get_running_loop(), {}).values():
        await channel.close()


def _parse_retry_after_sec(error: Exception) -> float | None:
    """Return the delay in seconds of `google.rpc.RetryInfo`; None if there is none."""
    details = getattr(error, "details", None) or ()
    delays = [detail.retry_delay.ToTimedelta() for detail in details if hasattr(detail, "retry_delay")]
    return max(0.0, delays[0].total_seconds()) if delays else None


def _choose_locale(language: str) -> str:
    """Return the locale of a language, such as “de-DE” for “de”; English if no voice speaks it."""
    known = [code for code in CHIRP_LANGUAGES if code.lower().startswith(language.lower())]
    return known[0] if known else "en-US"


def _choose_speaking_rate(speed: float) -> float:
    """Return the speaking rate. 0, for the normal speed, is not sent: some voices refuse any rate, even 1.

    (home-assistant/core#130843)
    """
    return 0.0 if speed == 1.0 else speed


def _build_voice_params(name: str) -> api.VoiceSelectionParams:
    """Return a voice with its language, such as en-US for `en-US-Chirp3-HD-Kore`."""
    return api.VoiceSelectionParams(name=name, language_code="-".join(name.split("-")[:2]))
