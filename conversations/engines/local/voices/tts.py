"""Text to speech on this machine: hibari, Kokoro or a voice of Piper, in one process beside the site."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from conversations.engines.base import EngineSpec
from conversations.engines.local.voices import catalogue
from conversations.engines.local.voices.catalogue import LocalVoice
from conversations.engines.local.workers.pool import WorkerPool
from conversations.engines.local.workers.pools import get_pool
from conversations.engines.voices import drop_openai_voice

LOAD = "conversations.engines.local.voices.speaker.load_voices"
QUEUE = 8  # clauses; one takes some 50 ms with the default voice
WAIT_SEC = 12.0  # a long clause takes Kokoro 5 s, while the next two of the reply wait
CANCEL_SEC = 0.1  # longer than for others: no second process stands by


class LocalVoices:
    """Text to speech with the voices of this machine.

    `spec.model` is hibari, kokoro or the folder of a voice of Piper; with "" or auto the best voice speaks that the
    machine is fast enough for. `spec.folder` is where the models are.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec

    async def connect(self) -> None:
        """Start the process, which loads the voice."""
        get_voice_pool(self._spec).warm()

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        """Stream PCM, a sentence at a time, or raise EngineError."""
        named = drop_openai_voice(voice or self._spec.voice)
        chosen = await asyncio.to_thread(self._choose_voices, named, language)  # it reads files
        asked = catalogue.Asked(text, tuple(chosen), language, speed)
        async with aclosing(get_voice_pool(self._spec).stream(asked, timeout_sec=self._spec.timeout_sec)) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    catalogue.note_choice(self._spec.folder, piece)
                else:
                    yield piece

    def _choose_voices(self, voice: str, language: str) -> list[LocalVoice]:
        voices = catalogue.list_local_voices(Path(self._spec.folder))
        return catalogue.choose_voices(voices, self._spec.model, voice, language)


def get_voice_pool(spec: EngineSpec) -> WorkerPool:
    """Return the one process that speaks for such a spec."""
    options = {"processes": 1, "at_once": 1, "queue": QUEUE, "wait_sec": WAIT_SEC, "cancel_sec": CANCEL_SEC}
    return get_pool("tts", LOAD, (spec.folder, spec.model), **options)
