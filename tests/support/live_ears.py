"""A stream of speech to text, as a session listens through it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from conversations.engines.base import NO_HINTS, EngineSpec, Transcript, TranscriptStream
from conversations.engines.registry import make_stt_stream
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

LIVE = "live_transcriptions"
SECRET = "sk-secret-of-the-test"
WORDS = "Is it raining in Kiel today?"
SOUND = make_speech("x" * 50)[: 3 * 48_000]  # three seconds, in which ten words are said
FRAME = 1_920  # 40 ms
BLINK = SOUND[:FRAME]  # less than upstream takes


class Ear:
    """A stream, and the partial transcripts that came over it."""

    def __init__(self, spec: EngineSpec) -> None:
        engine = make_stt_stream(spec)
        assert engine is not None
        self.partials: list[str] = []
        self._told = asyncio.Event()
        self.stream: TranscriptStream = engine.listen(self._tell)

    def _tell(self, words: str) -> None:
        self.partials.append(words)
        self._told.set()

    async def wait_for(self, words: str) -> None:
        async with asyncio.timeout(5):
            while words not in self.partials:
                self._told.clear()
                await self._told.wait()

    def say(self, pcm: bytes = SOUND) -> None:
        for start in range(0, len(pcm), FRAME):
            self.stream.send(pcm[start : start + FRAME])

    async def transcribe(self) -> Transcript:
        self.stream.begin(NO_HINTS)
        self.say()
        return await self.stream.commit()


def build_spec(upstream: Upstream, **changes: object) -> EngineSpec:
    spec = EngineSpec("openai", "gpt-transcribe", api_key=SECRET, base_url=upstream.openai_url, stream_model="gpt-live")
    return replace(spec, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def open_ear(spec: EngineSpec) -> AsyncIterator[Ear]:
    others = asyncio.all_tasks()
    ear = Ear(spec)
    try:
        yield ear
    finally:
        await ear.stream.close()
        assert not [task for task in asyncio.all_tasks() - others if not task.done()]
