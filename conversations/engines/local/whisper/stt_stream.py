"""Words while one speaks: the growing utterance is transcribed again and again, whenever a worker process is free.

`agreement` decides which of the words are shown. Speech beyond what fits into one window of Whisper is settled piece by
piece, so that the end of a long utterance takes no longer than that of a short one.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace

from conversations.engines import incidents
from conversations.engines.base import EngineSpec, Hints, Transcript
from conversations.engines.errors import EngineBusy, EngineError
from conversations.engines.local.whisper.agreement import LocalAgreement
from conversations.engines.local.whisper.mel import LONGEST_SEC, RATE, find_quiet, read_pcm
from conversations.engines.local.whisper.process import Utterance
from conversations.engines.local.whisper.stt import build_prompt, find_words, get_whisper_pool
from conversations.engines.local.workers.pool import WorkerPool
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

BYTES_PER_SEC = SAMPLE_RATE * SAMPLE_BYTES
STEP_SEC = 0.5  # of new sound before the next pass; a pass of tiny.en takes a third of that
SLOW_STEP_SEC = 0.7  # for larger models
AGAIN_SEC = 0.1  # of new sound before the next try where no process was free


class LocalTranscriptions:
    """Streaming speech to text."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec

    def listen(self, on_partial: Callable[[str], None]) -> "LocalTranscriptStream":
        """Return a stream, and load the model in the background."""
        return LocalTranscriptStream(self._spec, on_partial)


class LiveUtterance:
    """What is known of the utterance that is being spoken."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.sound = bytearray()  # what is not settled
        self.settled: list[str] = []  # the words of what was spoken before it
        self.settled_sec = 0.0
        self.agreement = LocalAgreement()

    @property
    def sound_sec(self) -> float:
        """How much is not settled."""
        return len(self.sound) / BYTES_PER_SEC

    def join(self, words: str) -> str:
        """Return the words of the whole utterance, given those of what is not settled."""
        return " ".join(part for part in (*self.settled, words) if part)

    def ask(self, *, is_final: bool) -> Utterance:
        """Return what is asked of a worker: the words of all that is not settled."""
        shown = self.agreement.shown if self.sound_sec <= LONGEST_SEC else ""  # it goes with one piece alone
        prompt = self.settled[-1] if self.settled else build_prompt(self.hints)
        return Utterance(bytes(self.sound), self.hints.language, prompt, shown, is_final)

    def settle(self, size_bytes: int, words: str) -> None:
        """Forget the sound whose words are known for good."""
        del self.sound[:size_bytes]
        self.settled.append(words)
        self.settled_sec += size_bytes / BYTES_PER_SEC
        self.agreement = LocalAgreement()


class LocalTranscriptStream:
    """The stream of one session. Its task lives until `close`."""

    def __init__(self, spec: EngineSpec, on_partial: Callable[[str], None]) -> None:
        self._spec = spec
        self._on_partial = on_partial
        self._step_bytes = round((STEP_SEC if "tiny" in spec.stream_model else SLOW_STEP_SEC) * BYTES_PER_SEC)
        self._is_due = asyncio.Event()
        self.begin(Hints())
        self._task = asyncio.create_task(self._run())

    def begin(self, hints: Hints) -> None:
        self._get_pool().warm()  # passes over the utterance would not: they run where there is a process to spare
        self._utterance = LiveUtterance(hints)
        self._shown = ""
        self._due_bytes = self._step_bytes  # how much sound is there at the next pass
        self._is_due.clear()

    def send(self, pcm: bytes) -> None:
        self._utterance.sound += pcm
        if len(self._utterance.sound) >= self._due_bytes:
            self._is_due.set()

    async def commit(self) -> Transcript:
        utterance = self._utterance
        seconds, settled_count = utterance.settled_sec + utterance.sound_sec, len(utterance.settled)
        words = await self._find_words(utterance.ask(is_final=True))
        parts = (*utterance.settled[:settled_count], words)  # more may have been settled meanwhile
        return Transcript(" ".join(part for part in parts if part), seconds)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()  # raises what it died of

    async def _run(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            utterance = self._utterance
            self._due_bytes = len(utterance.sound) + self._step_bytes
            try:
                await self._make_pass(utterance)
            except EngineBusy:
                again_bytes = len(utterance.sound) + round(AGAIN_SEC * BYTES_PER_SEC)
            except EngineError as error:
                incidents.report(error, "fell_back")  # the final words are asked for all the same
                again_bytes = sys.maxsize
            else:
                continue
            if utterance is self._utterance:
                self._due_bytes = again_bytes

    async def _make_pass(self, utterance: LiveUtterance) -> None:
        """Find the words so far, and show those that are sure. Raise EngineError."""
        if utterance.sound_sec > LONGEST_SEC:
            await self._settle(utterance)
        elif not utterance.agreement.add(await self._find_words(utterance.ask(is_final=False), is_background=True)):
            return
        shown = utterance.join(utterance.agreement.shown)
        if utterance is self._utterance and len(shown) > len(self._shown):
            self._shown = shown
            self._on_partial(shown)

    async def _settle(self, utterance: LiveUtterance) -> None:
        """Find the final words of what has to leave the window. Raise EngineError."""
        sound = bytes(utterance.sound)
        size_bytes = await asyncio.to_thread(find_cut, sound)
        asked = replace(utterance.ask(is_final=True), pcm=sound[:size_bytes])
        utterance.settle(size_bytes, await self._find_words(asked, is_background=True))
        if utterance is self._utterance:
            self._due_bytes = len(utterance.sound) + self._step_bytes

    async def _find_words(self, asked: Utterance, *, is_background: bool = False) -> str:
        return await find_words(self._get_pool(), asked, self._spec.timeout_sec, is_background=is_background)

    def _get_pool(self) -> WorkerPool:
        return get_whisper_pool(self._spec, self._spec.stream_model)


def find_cut(pcm: bytes) -> int:
    """Return where to cut sound that is longer than a window, in bytes of whole samples. It takes some 30 ms."""
    return round(find_quiet(read_pcm(pcm)) * SAMPLE_RATE / RATE) * SAMPLE_BYTES
