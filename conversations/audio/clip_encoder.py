"""Encode the audio of a session's items to Ogg Opus while it still arrives.

A thread of low priority does the work. An utterance is stored with its audio as soon as it has ended, and the reply
waits for that, so little may be left to encode by then. Nor is a minute of speech held as PCM a second time.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from conversations.audio.opus import Encoding
from conversations.pcm import BYTES_PER_MS

STEP_BYTES = 250 * BYTES_PER_MS  # of sound that is encoded at a time
# The last audio is held back, since the utterance may turn out to have ended before it.
UNSURE_BYTES = 50 * BYTES_PER_MS


def lower_thread_priority() -> None:
    """Lower the priority of this thread: nobody waits for its work yet, and conversations may need the same core."""
    if sys.platform == "linux":  # elsewhere priorities belong to processes only
        with suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


_thread = ThreadPoolExecutor(1, thread_name_prefix="opus", initializer=lower_thread_priority)


class _GrowingClip:
    """A clip whose audio is still coming in."""

    def __init__(self) -> None:
        self.encoding = Encoding()
        self.given_bytes = 0  # of PCM, given to the encoder
        self.rest = bytearray()

    def add(self, pcm: bytes) -> None:
        if len(self.rest) >= STEP_BYTES + UNSURE_BYTES:
            self.encoding.put(bytes(self.rest[:-UNSURE_BYTES]))
            self.given_bytes += len(self.rest) - UNSURE_BYTES
            del self.rest[:-UNSURE_BYTES]
            _thread.submit(self.encoding.encode)
        self.rest += pcm


class ClipEncoder:
    """The clips of a session that are still growing.

    The `finish_*` methods return functions that make the file, Ogg Opus. These are slow, so call them in a thread;
    called again, they return the same file.
    """

    def __init__(self) -> None:
        self._user_item_id = ""
        self._user_clip = _GrowingClip()
        self._response_clips: dict[str, _GrowingClip] = {}

    def add_user_audio(self, item_id: str, pcm: bytes) -> None:
        """Add PCM to the utterance of the item `item_id`."""
        if item_id != self._user_item_id:
            self._user_item_id, self._user_clip = item_id, _GrowingClip()
        self._user_clip.add(pcm)

    def finish_user_clip(self, item_id: str, pcm: bytes) -> Callable[[], bytes]:
        """Return a function that makes the clip of an utterance.

        `pcm` is all of its audio, and may end before the audio that was added last.
        """
        if item_id != self._user_item_id:  # an item that a client created, perhaps during an utterance
            return partial(Encoding().finish, pcm)
        clip, self._user_clip, self._user_item_id = self._user_clip, _GrowingClip(), ""
        if clip.given_bytes > len(pcm):
            return partial(Encoding().finish, pcm)
        return partial(clip.encoding.finish, pcm[clip.given_bytes :])

    def add_response_audio(self, response_id: str, pcm: bytes) -> None:
        """Add PCM to the clip of the response `response_id`."""
        self._response_clips.setdefault(response_id, _GrowingClip()).add(pcm)

    def finish_response_clip(self, response_id: str) -> Callable[[], bytes] | None:
        """Return a function that makes the clip of a response, or None if it has no audio."""
        clip = self._response_clips.pop(response_id, None)
        return partial(clip.encoding.finish, bytes(clip.rest)) if clip else None
