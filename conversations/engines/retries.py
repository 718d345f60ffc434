"""Timeouts and retries, the same for every provider. `incidents` reports each retry, and the final failure."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from conversations.engines import incidents
from conversations.engines.deadline import get_remaining_sec
from conversations.engines.errors import EngineBusy, EngineError, EngineErrors, EngineTimeout, EngineUnavailable

T = TypeVar("T")

PAUSES_SEC = (0.2, 0.8)  # least pauses before the second and the third try; short, since a person waits


async def call_with_retries(attempt: Callable[[], Awaitable[T]], timeout_sec: float, errors: EngineErrors) -> T:
    """Return the result of `attempt()`, or raise EngineError. Retries of what may pass fit into `timeout_sec`."""

    async def attempt_in_time(patience: Patience) -> T:
        async with asyncio.timeout_at(patience.ends_at):
            return await attempt()

    try:
        return await _retry(attempt_in_time, Patience(timeout_sec, errors))
    except EngineError as error:
        incidents.report(error)
        raise


async def stream_with_retries(
    open_stream: Callable[[], AsyncGenerator[T]],
    timeout_sec: float,
    errors: EngineErrors,
    is_told: Callable[[T], bool] = lambda _: True,
    is_thought: Callable[[T], bool] = lambda _: False,
) -> AsyncGenerator[T]:
    """Yield the pieces of `open_stream()`, which is opened again only while it has yielded none. Raise EngineError.

    `timeout_sec` is the longest wait for the first piece and between two; the time that the consumer takes does not
    count. Pieces for which `is_told` is false are not yielded: they only show that the engine is at work. From a
    piece for which `is_thought` is true, the model is thinking, and the deadline of the turn no longer applies.
    """

    async def begin(patience: Patience) -> tuple[AsyncGenerator[T], T | None]:
        stream = open_stream()
        return stream, await _read_output(stream, patience, is_told, is_thought)

    try:
        stream, piece = await _retry(begin, Patience(timeout_sec, errors))
        async with aclosing(stream):
            while piece is not None:
                yield piece
                patience = Patience(timeout_sec, errors, has_begun=True)
                try:
                    piece = await _read_output(stream, patience, is_told, is_thought)
                except TimeoutError as error:
                    raise patience.build_timeout_error() from error
    except EngineError as error:
        incidents.report(error)
        raise


class Patience:
    """How long to wait for an engine, by the loop's clock: its own timeout, or what is left of the turn's budget."""

    def __init__(self, timeout_sec: float, errors: EngineErrors, *, has_begun: bool = False) -> None:
        self._timeout_sec = timeout_sec
        self._errors = errors
        self._has_begun = has_begun
        self.renew()

    def renew(self, *, thinks: bool = False) -> None:
        """Start to wait anew, since the engine has shown that it is at work."""
        self._has_begun = self._has_begun or thinks
        left = self._timeout_sec if self._has_begun else get_remaining_sec()
        self._wait_sec = min(self._timeout_sec, left)
        self.ends_at = asyncio.get_running_loop().time() + self._wait_sec

    def build_timeout_error(self) -> EngineTimeout:
        """Return the error for a wait that has ended without output."""
        return (
            self._errors.build_timeout_error(self._wait_sec)
            if self._wait_sec
            else self._errors.build_out_of_time_error()
        )


async def _read_output(
    stream: AsyncGenerator[T], patience: Patience, is_told: Callable[[T], bool], is_thought: Callable[[T], bool]
) -> T | None:
    while True:
        async with asyncio.timeout_at(patience.ends_at):
            piece = await anext(stream, None)
        if piece is None or is_told(piece):
            return piece
        patience.renew(thinks=is_thought(piece))


async def _retry(attempt: Callable[[Patience], Awaitable[T]], patience: Patience) -> T:
    now = asyncio.get_running_loop().time
    for pause_sec in (*PAUSES_SEC, None):
        try:
            return await attempt(patience)
        except TimeoutError as error:
            raise patience.build_timeout_error() from error
        except (EngineUnavailable, EngineBusy) as error:
            wait_sec = max(pause_sec or 0.0, error.retry_after_sec or 0.0)
            if pause_sec is None or now() + wait_sec >= patience.ends_at:
                raise  # this error says more than a timeout would
            incidents.report(error, "retried")
        await asyncio.sleep(wait_sec)
    raise AssertionError("the last try returns or raises")
