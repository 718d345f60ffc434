"""The sound of a session's items on its way to Ogg Opus.

It is encoded as it comes, by a thread that yields to all others: an utterance is stored with its sound once it has
ended, and the reply waits for that. What was said for a minute is never held as PCM a second time.
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
# Kept back with what came last, since an utterance ends where detection has got to.
UNSURE_BYTES = 50 * BYTES_PER_MS


def lower_thread_priority() -> None:
    """Nobody waits yet for what is encoded here; on a single core the conversations do."""
    if sys.platform == "linux":  # elsewhere priorities belong to processes only
        with suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


_thread = ThreadPoolExecutor(1, thread_name_prefix="opus", initializer=lower_thread_priority)


class _GrowingClip:
    def __init__(self) -> None:
        self.encoding = Encoding()
        self.given_bytes = 0
        self.rest = bytearray()

    def add(self, pcm: bytes) -> None:
        if len(self.rest) >= STEP_BYTES + UNSURE_BYTES:
            self.encoding.put(bytes(self.rest[:-UNSURE_BYTES]))
            self.given_bytes += len(self.rest) - UNSURE_BYTES
            del self.rest[:-UNSURE_BYTES]
            _thread.submit(self.encoding.encode)
        self.rest += pcm


class ClipEncoder:
    """Makers of files: slow, so call them in a thread; a second time they give the same file."""

    def __init__(self) -> None:
        self._heard_id = ""
        self._heard = _GrowingClip()
        self._replies: dict[str, _GrowingClip] = {}

    def add_user_audio(self, item_id: str, pcm: bytes) -> None:
        """More of an utterance."""
        if item_id != self._heard_id:
            self._heard_id, self._heard = item_id, _GrowingClip()
        self._heard.add(pcm)

    def finish_user_clip(self, item_id: str, pcm: bytes) -> Callable[[], bytes]:
        """`pcm`: the whole utterance, which may have ended before the last that was heard."""
        if item_id != self._heard_id:  # a client's own item, perhaps amid an utterance
            return partial(Encoding().finish, pcm)
        heard, self._heard, self._heard_id = self._heard, _GrowingClip(), ""
        if heard.given_bytes > len(pcm):
            return partial(Encoding().finish, pcm)
        return partial(heard.encoding.finish, pcm[heard.given_bytes :])

    def add_reply_audio(self, response_id: str, pcm: bytes) -> None:
        """More of a reply."""
        self._replies.setdefault(response_id, _GrowingClip()).add(pcm)

    def finish_reply_clip(self, response_id: str) -> Callable[[], bytes] | None:
        """None: it has no sound."""
        reply = self._replies.pop(response_id, None)
        return partial(reply.encoding.finish, bytes(reply.rest)) if reply else None
