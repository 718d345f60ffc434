from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial

from openai import omit

from accounts.outbound.bounded_responses import parse_json
from conversations.engines import speech_decoder
from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineError
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.openai.provider_errors import is_error
from conversations.engines.retries import stream_with_retries
from conversations.network.http import get_tls_context

DEFAULT_VOICE = "alloy"  # the one that every model and most compatible servers know


class Speech:
    """Text to speech by `/v1/audio/speech`, streamed as PCM."""

    warm = staticmethod(get_tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("tts", spec)

    async def connect(self) -> None:
        await self._account.connect()

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        if not text.strip():
            return
        stream = stream_with_retries(
            lambda: self._stream(text, voice or self._spec.voice or DEFAULT_VOICE, speed),
            self._spec.timeout_sec,
            self._account.errors,
        )
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    async def _stream(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes]:
        try:
            async with self._account.client.audio.speech.with_streaming_response.create(
                input=text,
                model=self._spec.model,
                voice=voice,
                response_format="pcm",
                speed=omit if speed == 1.0 else speed,  # some models refuse the parameter
            ) as response:
                content_type = response.headers.get("content-type", "")
                explain = partial(self._explain_words, content_type)
                sound = speech_decoder.convert_speech(
                    response.iter_bytes(), content_type, self._account.errors, explain
                )
                async with aclosing(sound):
                    async for pcm in sound:
                        yield pcm
        except SDK_ERRORS as error:
            raise self._account.explain(error) from error

    def _explain_words(self, content_type: str, body: bytes) -> EngineError:
        """Return the error for a text in place of audio: a reported failure, or a web page."""
        with suppress(ValueError):
            if is_error(said := parse_json(body)):
                return self._account.explain_event(said)
        kind = content_type.partition(";")[0].strip().lower()
        is_named = kind.startswith(("text/", "application/json"))
        return self._account.errors.build_unexpected_answer_error(f"PCM audio but {kind if is_named else 'a text'}")
