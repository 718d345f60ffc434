"""Speech to text on this machine: Whisper, in worker processes that all sessions share."""

from contextlib import aclosing

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, Transcript
from conversations.engines.local.whisper.process import LOAD, Utterance
from conversations.engines.local.workers.pool import WorkerPool
from conversations.engines.local.workers.pools import get_pool
from conversations.pcm import measure_seconds

SHORTEST_SEC = 0.1  # nobody says a word in less


class Whisper:
    """Speech to text for whole utterances. The first one waits about a second for the model."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec

    async def connect(self) -> None:
        get_whisper_pool(self._spec, self._spec.model).warm()

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        asked = Utterance(pcm, hints.language, build_prompt(hints))
        pool = get_whisper_pool(self._spec, self._spec.model)
        return Transcript(await find_words(pool, asked, self._spec.timeout_sec), measure_seconds(pcm))


def get_whisper_pool(spec: EngineSpec, model: str) -> WorkerPool:
    """Return the pool of a model. Two processes work at once, which is what two people need who talk."""
    return get_pool("stt", LOAD, (spec.folder, model), processes=2, at_once=2, queue=2)


async def find_words(pool: WorkerPool, asked: Utterance, timeout_sec: float, *, is_background: bool = False) -> str:
    """Return the words, or raise EngineError."""
    if measure_seconds(asked.pcm) < SHORTEST_SEC:
        return ""
    async with aclosing(pool.stream(asked, timeout_sec=timeout_sec, is_background=is_background)) as pieces:
        return " ".join([piece async for piece in pieces if piece])


def build_prompt(hints: Hints) -> str:
    """Return what is put before the transcript: Whisper adopts the spelling of the words in it."""
    return ". ".join(part for part in (hints.prompt, ", ".join(hints.keywords)) if part)
