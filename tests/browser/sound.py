"""Speech for the fake microphone, spoken by the demo engine."""

import asyncio
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conversations.engines.base import EngineSpec
from conversations.engines.demo.tts import EspeakNG

RATE = 24_000
BYTES_PER_SAMPLE = 2


def speech(text: str) -> bytes:
    """PCM16 mono at 24 kHz. Slowly and clearly: the demo's recogniser is hard of hearing."""

    async def collect() -> bytes:
        pieces = EspeakNG(EngineSpec("demo")).speak(text, voice="en-us", speed=0.85)
        return b"".join([piece async for piece in pieces])

    # In a thread of its own: Playwright's event loop runs in the tests'.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(collect())).result()


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * RATE) * BYTES_PER_SAMPLE)


def write_wav(path: Path, *pieces: bytes) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, BYTES_PER_SAMPLE, RATE, 0, "NONE", ""))
        file.writeframes(b"".join(pieces))
    return path
