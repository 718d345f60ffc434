import asyncio
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, Transcript
from conversations.engines.demo import build_not_installed_error, is_english, pocketsphinx_process
from conversations.engines.errors import EngineRejected, EngineTimeout, EngineUnavailable
from conversations.pcm import measure_seconds


class Pocketsphinx:
    """Speech to text for American English. It recognises simple sentences spoken close to the microphone."""

    def __init__(self, spec: EngineSpec) -> None:
        self._timeout_sec = spec.timeout_sec

    @staticmethod
    def warm() -> None:
        """Start the worker and wait for its model, about a second. Call it in a thread."""
        if _is_installed():
            pocketsphinx_process.get_worker_pool().submit(pocketsphinx_process.is_ready).result()

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        if not _is_installed():
            raise build_not_installed_error("stt", "pocketsphinx")
        if not is_english(hints.language):
            raise EngineRejected(
                "stt",
                "demo",
                "Speech to text (demo) understands only English. For others, save an OpenAI key under Settings.",
            )
        return Transcript(text=await self._decode(pcm), seconds=measure_seconds(pcm))

    async def _decode(self, pcm: bytes) -> str:
        pool = pocketsphinx_process.get_worker_pool()
        try:
            async with asyncio.timeout(self._timeout_sec):
                return await asyncio.get_running_loop().run_in_executor(pool, pocketsphinx_process.decode, pcm)
        except TimeoutError as error:
            message = "Speech to text (demo) is busy: it hears one person at a time. Please say it again."
            raise EngineTimeout("stt", "demo", message) from error
        except BrokenProcessPool as error:
            pocketsphinx_process.discard_pool(pool)
            message = "Speech to text (demo) stopped and is starting again. Please say it once more."
            raise EngineUnavailable("stt", "demo", message) from error


def _is_installed() -> bool:
    try:
        import_module("pocketsphinx")  # the module alone, without a model, is small
    except ModuleNotFoundError:
        return False
    return True
