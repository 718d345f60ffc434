"""Sound files of strangers, in any common container, to PCM. The work is done by `decoder`, in a process of its own."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from conversations.audio import decoder
from conversations.audio.decoder import Outcome

MAX_SEC = 120  # as long as one utterance may be
ROUNDING_SEC = 0.5  # encoders pad what they are given
TIMEOUT_SEC = 20.0
# So many are decoded at a time: each takes a core, and up to 0.4 GB.
_threads = ThreadPoolExecutor(2, thread_name_prefix="decoder")

SERVED = "Served are wav, flac, mp3, ogg, webm, m4a, aac and aiff."
MESSAGES = {
    Outcome.NO_SOUND_FILE: f"The file is no sound file that can be read. {SERVED}",
    Outcome.NO_AUDIO: f"There is no audio in the file. Record it again. {SERVED}",
    Outcome.TOO_LONG: f"The audio is longer than {MAX_SEC} seconds, the most of one turn.",
}


class SoundFileError(Exception):
    """Why there is no PCM, in words for who sent the file."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(MESSAGES[outcome])
        self.outcome = outcome


async def decode(data: bytes) -> bytes:
    """The file's audio: signed 16 bit little-endian, mono, 24,000 Hz. Raises SoundFileError."""
    pcm, status = await asyncio.get_running_loop().run_in_executor(_threads, _run_decoder, data)
    if status in MESSAGES:
        raise SoundFileError(Outcome(status))
    if status != Outcome.DONE or not pcm:  # it crashed, met its bounds, or found not one sample
        raise SoundFileError(Outcome.NO_SOUND_FILE)
    return pcm


def _run_decoder(data: bytes) -> tuple[bytes, int | None]:
    """What the decoder wrote, and its exit status. The site's keys are in the environment, so it gets none."""
    command = [sys.executable, "-P", decoder.__file__, str(MAX_SEC + ROUNDING_SEC)]
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
