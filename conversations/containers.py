"""Sound files of strangers, in any common container, to PCM. The work is done by `decoder`, in a process of its own."""

import asyncio
import sys
from contextlib import suppress

from conversations import decoder
from conversations.decoder import Outcome

MAX_SEC = 120  # as long as one utterance may be
ROUNDING_SEC = 0.5  # encoders pad what they are given
TIMEOUT_SEC = 20.0
_places = asyncio.Semaphore(2)  # what is decoded at a time: each takes a core and up to 0.4 GB

SERVED = "Served are wav, flac, mp3, ogg, webm, m4a, aac and aiff."
MESSAGES = {
    Outcome.NO_SOUND_FILE: f"The file is no sound file that can be read. {SERVED}",
    Outcome.NO_AUDIO: f"There is no audio in the file. {SERVED}",
    Outcome.TOO_LONG: f"The audio is longer than {MAX_SEC} seconds, the most of one turn.",
}


class SoundFileError(Exception):
    """Why there is no PCM, in words for who sent the file."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(MESSAGES[outcome])
        self.outcome = outcome


async def decode(data: bytes) -> bytes:
    """The file's audio: signed 16 bit little-endian, mono, 24,000 Hz. Raises SoundFileError."""
    async with _places:
        pcm, status = await _run(data)
    if status in MESSAGES:
        raise SoundFileError(Outcome(status))
    if status or not pcm:  # it crashed, met its bounds, or found not one sample
        raise SoundFileError(Outcome.NO_SOUND_FILE)
    return pcm


async def _run(data: bytes) -> tuple[bytes, int | None]:
    """What it wrote, and its exit status. The site's keys are in the environment, so it gets none."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", decoder.__file__, str(MAX_SEC + ROUNDING_SEC)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(TIMEOUT_SEC):
            pcm, _ = await process.communicate(data)
    except TimeoutError:
        return b"", None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
    return pcm, process.returncode
