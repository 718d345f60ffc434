"""The sound of a session's items on its way to Ogg Opus.

An utterance is encoded in its pauses as far as it goes, by a thread that yields to all others: once it has ended, its
item is stored with its sound, and the reply waits for that.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from conversations.opus import Encoding


def _yield_to_the_loop() -> None:
    """Nobody waits yet for what is encoded here; on a single core the conversations do."""
    if sys.platform == "linux":  # elsewhere priorities belong to processes only
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


_thread = ThreadPoolExecutor(1, thread_name_prefix="opus", initializer=_yield_to_the_loop)


class Clips:
    def __init__(self) -> None:
        self._item_id = ""
        self._encoding = Encoding()

    def prepare(self, item_id: str, pcm: bytes) -> None:
        """The sound so far of an utterance that may go on."""
        if item_id != self._item_id:
            self._item_id, self._encoding = item_id, Encoding()
        _thread.submit(self._encoding.feed, pcm)

    def maker(self, item_id: str, pcm: bytes) -> Callable[[], bytes]:
        """Makes the file of the whole sound. Slow, so call it in a thread; a second time gives the same file."""
        encoding = self._encoding if item_id == self._item_id else Encoding()
        self._item_id, self._encoding = "", Encoding()
        return partial(encoding.finish, pcm)
