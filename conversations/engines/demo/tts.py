import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import numpy as np
import soxr

from conversations.engines.base import EngineSpec
from conversations.engines.demo import build_not_installed_error, espeak
from conversations.engines.errors import EngineError, EngineRejected, EngineTimeout
from conversations.engines.voices import drop_openai_voice
from conversations.pcm import SAMPLE_RATE

DEFAULT_VOICE = "en-us"
NOT_INSTALLED = (ModuleNotFoundError, OSError)  # no wheel, or one whose library this machine cannot load


class EspeakNG:
    """Text to speech with a robotic voice, in a hundred languages, without delay."""

    def __init__(self, spec: EngineSpec) -> None:
        self._voice = spec.voice
        self._timeout_sec = spec.timeout_sec

    @staticmethod
    def warm() -> None:
        """Load the library. Call it in a thread."""
        with suppress(*NOT_INSTALLED):
            espeak.thread.submit(espeak.load_library).result()

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        rendering = Rendering(text, drop_openai_voice(voice or self._voice) or language or DEFAULT_VOICE, speed)
        espeak.thread.submit(rendering.run)
        try:
            while (chunk := await self._wait_for_next(rendering)) is not None:
                yield chunk
        finally:
            rendering.is_wanted = False

    async def _wait_for_next(self, rendering: "Rendering") -> bytes | None:
        try:
            async with asyncio.timeout(self._timeout_sec):
                chunk = await rendering.chunks.get()
        except TimeoutError as error:
            raise EngineTimeout("tts", "demo", "Text to speech (demo) is too busy. Please try again.") from error
        if isinstance(chunk, EngineError):
            raise chunk
        return chunk


class Rendering:
    """One text that espeak's thread renders. Its queue may hold all of it: a few seconds are rendered at once."""

    def __init__(self, text: str, voice: str, speed: float) -> None:
        self.chunks: asyncio.Queue[bytes | EngineError | None] = asyncio.Queue()  # None is the end
        self.is_wanted = True
        self._loop = asyncio.get_running_loop()
        self._text, self._voice, self._speed = text, voice, speed

    def run(self) -> None:
        """Render the text; it runs on espeak's thread."""
        if not self.is_wanted:
            return
        end: EngineError | None = None
        try:
            self._render()
        except espeak.UnknownVoiceError:
            end = EngineRejected("tts", "demo", f"Text to speech (demo) has no voice “{self._voice}”. Choose another.")
        except NOT_INSTALLED:
            end = build_not_installed_error("tts", "espeakng-loader")
        self._put(end)

    def _render(self) -> None:
        library = espeak.load_library()
        self._resampler = soxr.ResampleStream(library.rate, SAMPLE_RATE, 1, dtype="int16")
        library.render(self._text, self._voice, self._speed, self._take)
        self._take(b"", last=True)

    def _take(self, pcm: bytes, last: bool = False) -> bool:
        chunk = self._resampler.resample_chunk(np.frombuffer(pcm, np.int16), last=last).tobytes()
        if chunk:  # the resampler keeps a short one back
            self._put(chunk)
        return self.is_wanted

    def _put(self, chunk: bytes | EngineError | None) -> None:
        if self.is_wanted:
            self._loop.call_soon_threadsafe(self.chunks.put_nowait, chunk)
