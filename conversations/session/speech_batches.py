"""The windows of all sessions of this process that wait for the model of speech, which judges them together.

For one window the model takes four times as long as for one of many. A batch is run by the event loop itself: in a
thread it would be no cheaper, and would wait for the interpreter's lock twice.
"""

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass

from conversations.audio.speech_model import Look, Verdict, load_model

Detection = Generator[Look, Verdict, list[float]]
# How long windows are gathered where many come; a few are judged at once, in the next step of the event loop.
GATHER_SEC = 0.004
MAX_WINDOWS = 32  # judged together: more gain little, and would hold the loop up
# Of one stream, in one step of the loop: the windows of 100 ms. Of a second of audio they would take 3 ms.
MAX_ROUNDS = 4


@dataclass(slots=True)
class Waiting:
    """A detection that waits for the verdict on `look`. `take` is given its result, `fail` what goes wrong."""

    detection: Detection
    look: Look
    take: Callable[[list[float]], None]
    fail: Callable[[Exception], None]


class SpeechBatches:
    """Gathers windows, and runs the model."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[Waiting] = []
        self._is_due = False
        self._last_count = 0  # windows in the last batch

    def add(
        self, detection: Detection, look: Look, take: Callable[[list[float]], None], fail: Callable[[Exception], None]
    ) -> None:
        """Have the windows judged that `detection` yields, of which `look` is the first. `take` is called later."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # nobody waits on one that has ended
            self._loop = loop
            self._begin()
        self._waiting.append(Waiting(detection, look, take, fail))
        self._schedule(loop, GATHER_SEC if self._last_count > 1 else 0.0)

    def _schedule(self, loop: asyncio.AbstractEventLoop, wait_sec: float) -> None:
        if self._is_due:
            return
        self._is_due = True
        if wait_sec:
            loop.call_later(wait_sec, self._run, loop)
        else:
            loop.call_soon(self._run, loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        self._is_due = False
        batch, self._waiting = self._waiting[:MAX_WINDOWS], self._waiting[MAX_WINDOWS:]
        self._last_count = len(batch)
        for _ in range(MAX_ROUNDS):
            batch = _judge(batch)
            if not batch:
                break
        self._waiting += batch  # behind those that came meanwhile
        if self._waiting:
            self._schedule(loop, 0.0)


def _judge(batch: list[Waiting]) -> list[Waiting]:
    """Have the model judge a window of each, and return those that have further ones."""
    try:
        verdicts = load_model().judge([one.look for one in batch])
    except Exception as error:  # an error boundary: it ends these sessions
        for one in batch:
            one.fail(error)
        return []
    return [one for one, verdict in zip(batch, verdicts, strict=True) if _goes_on(one, verdict)]


def _goes_on(one: Waiting, verdict: Verdict) -> bool:
    """Give the verdict to the detection, and its result to who waits for it. Return whether it asks for another one."""
    try:
        found = _advance(one, verdict)
        if found is None:
            return True
        one.take(found)
    except Exception as error:  # an error boundary: it ends this session
        one.fail(error)
    return False


def _advance(one: Waiting, verdict: Verdict) -> list[float] | None:
    """Give the verdict to the detection, and return its result, or None if it has a further window."""
    try:
        one.look = one.detection.send(verdict)
    except StopIteration as ended:
        found: list[float] = ended.value
        return found
    return None


SPEECH_BATCHES = SpeechBatches()  # of this process
