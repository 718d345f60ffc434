"""Speech for the fake microphone, spoken by the demo engine; and what of a reply was heard."""

import asyncio
import base64
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
from playwright.sync_api import Page

from conversations.engines.base import EngineSpec
from conversations.engines.demo.tts import EspeakNG

RATE = 24_000
BYTES_PER_SAMPLE = 2
AUDIBLE = 1e-4
Sound = npt.NDArray[np.float32]


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


def stretches_heard(recording: Sound, reply: Sound) -> list[tuple[int, int]]:
    """Which samples of the reply each stretch of sound in the recording holds, as (first, after the last).

    Both at 24 kHz, -1 to 1. A stretch ends where nothing sounds for a tenth of a second.
    """
    [loud] = np.nonzero(np.abs(recording) > AUDIBLE)
    breaks = np.nonzero(np.diff(loud) > RATE // 10)[0]
    starts, ends = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]] + 1
    return [_part(recording[start:end], reply) for start, end in zip(starts, ends, strict=True)]


def _part(stretch: Sound, reply: Sound) -> tuple[int, int]:
    size = min(RATE // 4, len(stretch))
    return _place(stretch[:size], reply), _place(stretch[-size:], reply) + size


def _place(piece: Sound, whole: Sound) -> int:
    """Where in the whole the piece fits best: the greatest normalised correlation."""
    products = np.correlate(whole, piece, "valid")
    energy = np.convolve(whole**2, np.ones(len(piece)), "valid")
    return int(np.argmax(products / np.sqrt(energy + 1e-3)))


def read_recording(page: Page) -> Sound:
    """Return what the loudspeaker got, at the wire's rate."""
    rate, samples = page.evaluate("[window.recording.rate, window.recording.samples]")
    return np.asarray(soxr.resample(np.array(samples, np.float32), rate, RATE), np.float32)


def read_reply(page: Page) -> Sound:
    """Return the audio of the first reply as the server sent it, over all connections."""
    pieces = page.evaluate("Object.values(window.replies)[0]")
    pcm = b"".join(map(base64.b64decode, pieces))
    return np.asarray(np.frombuffer(pcm, np.int16) / 32_768, np.float32)
