"""Decode uploaded sound files, in any common container, to PCM. `decoder_process` does it, in a process of its own."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from conversations.audio import decoder_process
from conversations.audio.decoder_process import Outcome

MAX_SEC = 120  # as long as one utterance may be
ROUNDING_SEC = 0.5  # encoders pad what they are given
TIMEOUT_SEC = 20.0
# Two files are decoded at a time: each takes a core, and up to 0.4 GB.
_threads = ThreadPoolExecutor(2, thread_name_prefix="decoder")

SERVED = "Supported formats are wav, flac, mp3, ogg, webm, m4a, aac and aiff."
MESSAGES = {
    Outcome.NO_SOUND_FILE: f"The file is not a sound file that can be read. {SERVED}",
    Outcome.NO_AUDIO: f"There is no audio in the file. Record it again. {SERVED}",
    Outcome.TOO_LONG: f"The audio is longer than {MAX_SEC} seconds, the limit for one turn.",
}


class SoundFileError(Exception):
    """The file could not be decoded; the message is for the person who sent it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(MESSAGES[outcome])
        self.outcome = outcome


async def decode(data: bytes) -> bytes:
    """Return the audio of a file as PCM (24,000 Hz, mono, signed 16 bit little-endian), or raise SoundFileError."""
    pcm, status = await asyncio.get_running_loop().run_in_executor(_threads, _run_decoder, data)
    if status in MESSAGES:
        raise SoundFileError(Outcome(status))
    if status != Outcome.DONE or not pcm:  # it crashed, reached its bounds, or found no sample
        raise SoundFileError(Outcome.NO_SOUND_FILE)
    return pcm


def _run_decoder(data: bytes) -> tuple[bytes, int | None]:
    """Return the decoder's output and its exit status; None for the status if it took too long.

    It gets an empty environment, since the site's own holds keys.
    """
    command = [sys.executable, "-P", decoder_process.__file__, str(MAX_SEC + ROUNDING_SEC)]
    try:
        done = subprocess.run(  # noqa: S603  nothing of the command is a stranger's
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=TIMEOUT_SEC,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return b"", None
    return done.stdout, done.returncode
