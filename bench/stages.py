"""Where the time of the event loop's thread goes, by stage of a frame's way.

A timer of used CPU time interrupts the thread; what it has used since the last time is counted for the stage that it
is in now. So nothing is slowed down, unlike under a profiler that is called at each function.
"""

import selectors
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

ROOT = f"{Path(__file__).resolve().parent.parent}/"
EVERY_SEC = 0.001  # of CPU; Linux rounds it up to a tick, of some ms
ELSEWHERE = "event loop and others"
# By the beginning of a file's path and of a function's name in it; the longest that fits counts.
STAGES = {
    selectors.__file__: "waiting for sockets and timers",
    "bench/": "bench itself",
    "bench/session_cost.py:main": ELSEWHERE,  # what runs the event loop
    "conversations/transport/": "socket to session",
    "conversations/session/dispatch/inbox.py": "inbox",
    "conversations/realtime/protocol/": "parsing",
    "conversations/session/": "dispatch and session",
    "conversations/realtime/": "turn machine",
    "conversations/audio/vad.py": "VAD: gate",
    "conversations/audio/speech_model.py": "VAD: model",
    "conversations/session/speech_batches.py": "VAD: batches",
    "conversations/audio/clip_encoder.py": "recording",
    "conversations/audio/opus.py": "recording",
    "conversations/storage/": "storage",
    "conversations/session/dispatch/outbox.py": "outbox",
    "conversations/audio/wire_formats.py": "wire formats",
    "conversations/session/engine_calls/": "engines",
    "conversations/engines/": "engines",
    "conversations/network/": "engines",
}


class Stages:
    """Seconds of CPU of the main thread by stage, once `measure` has ended."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.total_sec = 0.0  # of the main thread
        self.others_sec = 0.0  # of all other threads
        self._counted_sec = 0.0
        self._stage_of: dict[CodeType, str] = {}

    @contextmanager
    def measure(self) -> Iterator[None]:
        before = signal.signal(signal.SIGPROF, self._count)
        began_sec, all_sec = time.thread_time(), time.process_time()
        self._counted_sec = began_sec
        signal.setitimer(signal.ITIMER_PROF, EVERY_SEC, EVERY_SEC)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
            self.total_sec = time.thread_time() - began_sec
            self.others_sec = time.process_time() - all_sec - self.total_sec

    def _count(self, _: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self.seconds[self._find_stage(frame)] += now - self._counted_sec
        self._counted_sec = now

    def _find_stage(self, frame: FrameType | None) -> str:
        while frame is not None:
            code = frame.f_code
            if code not in self._stage_of:
                self._stage_of[code] = _name_stage(f"{code.co_filename}:{code.co_qualname}".removeprefix(ROOT))
            if stage := self._stage_of[code]:
                return stage
            frame = frame.f_back
        return ELSEWHERE


def _name_stage(place: str) -> str:
    """Return the stage of a function, or "" if it belongs to whoever called it, as those of libraries do."""
    return max(((len(start), stage) for start, stage in STAGES.items() if place.startswith(start)), default=(0, ""))[1]
