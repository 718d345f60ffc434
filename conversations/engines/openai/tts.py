from collections.abc import AsyncGenerator
from contextlib import aclosing

from openai import omit

from conversations.engines.base import SAMPLE_BYTES, EngineSpec
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.openai.http import tls_context
from conversations.engines.supervision import pieces

DEFAULT_VOICE = "alloy"  # the one that every model and most compatible servers know
PCM_TYPES = ("audio/pcm", "audio/l16", "audio/raw", "audio/basic", "audio/x-raw")


class Speech:
    """`/v1/audio/speech`, streamed as PCM."""

    warm = staticmethod(tls_context)

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
        stream = pieces(
            lambda: self._stream(text, voice or self._spec.voice or DEFAULT_VOICE, speed),
            self._spec.timeout_sec,
            self._account.failures,
        )
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    async def _stream(self, text: str, voice: str, speed: float) -> AsyncGenerator[bytes]:
        rest = b""
        empty = True
        try:
            async with self._account.client.audio.speech.with_streaming_response.create(
                input=text,
                model=self._spec.model,
                voice=voice,
                response_format="pcm",
                speed=omit if speed == 1.0 else speed,  # some models know no speed
            ) as response:
                self._check_type(response.headers.get("content-type", ""))
                async for received in response.iter_bytes():
                    whole, rest = whole_samples(rest + received)
                    if whole:
                        empty = False
                        yield whole
        except SDK_ERRORS as error:
            raise self._account.explain(error) from error
        if empty:
            raise self._account.failures.garbage("speech")

    def _check_type(self, content_type: str) -> None:
        """A server that ignores `response_format` would be heard as noise."""
        kind = content_type.partition(";")[0].strip().lower()
        if kind.startswith(("text/", "application/json")) or (kind.startswith("audio/") and kind not in PCM_TYPES):
            raise self._account.failures.garbage(f"PCM audio but {kind}")


def whole_samples(pcm: bytes) -> tuple[bytes, bytes]:
    """The whole samples, and the byte that waits for its other half."""
    end = len(pcm) - len(pcm) % SAMPLE_BYTES
    return pcm[:end], pcm[end:]
