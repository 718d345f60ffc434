"""A session's connection to speech to speech: made, kept, and made anew when it is lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, NoReturn

from conversations.engines import events
from conversations.engines.base import (
    EngineError,
    EngineTimeout,
    S2SConnection,
    SpeechToSpeech,
)
from conversations.realtime.relay.actions import UpstreamEvent, UpstreamLost, UpstreamReady
from conversations.realtime.relay.event_shapes import MalformedEventError, check_event
from conversations.session.generation import as_failure

PAUSES_SEC = (0.0, 0.5, 2.0)  # before each further try to connect; then it is given up
LONGEST_PAUSE_SEC = 5.0  # that a provider may ask for
STEADY_SEC = 10.0  # a connection that lasted so long was a good one
MOST_HELD = 5_000  # events that the connection does not take: a minute of audio at the least
HANGS = "Speech to speech was too slow. Please try again."


class S2SUpstream:
    """`report` takes what happens, in order; `give_up` is called once no further connection will be tried."""

    def __init__(
        self,
        engine: SpeechToSpeech,
        report: Callable[[UpstreamEvent | UpstreamReady | UpstreamLost], None],
        give_up: Callable[[EngineError], None],
    ) -> None:
        self._engine = engine
        self._report = report
        self._give_up = give_up
        self._telling: asyncio.Queue[dict[str, Any]] = asyncio.Queue()  # to the present connection
        self._life: asyncio.Timeout | None = None  # of it
        self._has_news = asyncio.Event()

    def tell(self, event: dict[str, Any]) -> None:
        """Never waits. Without a connection it is not kept; one that takes nothing more is left."""
        if self._telling.qsize() < MOST_HELD:
            self._telling.put_nowait(event)
        else:
            self.leave()

    def leave(self) -> None:
        """Ends a connection that hangs; `run` makes another."""
        if self._life is not None and not self._life.expired():
            self._life.reschedule(asyncio.get_running_loop().time())

    async def news(self) -> None:
        """Waits until something more has been reported."""
        self._has_news.clear()
        await self._has_news.wait()

    async def run(self) -> None:
        """Until it is cancelled, or gives up."""
        misses = 0
        while True:
            began_at = monotonic()
            failure = await self._try()
            misses = 1 if monotonic() - began_at > STEADY_SEC else misses + 1
            is_over = is_final(failure) or misses > len(PAUSES_SEC)
            events.report(failure, None if is_over else "retried")
            if is_over:
                self._give_up(failure)
                return
            await asyncio.sleep(max(PAUSES_SEC[misses - 1], min(failure.retry_after_sec or 0.0, LONGEST_PAUSE_SEC)))

    async def _try(self) -> EngineError:
        """One connection, until it ends; why it did."""
        try:
            connection = await self._engine.connect()
        except EngineError as error:
            return error
        failure = await self._live(connection)
        self._report(UpstreamLost(as_failure(failure)))
        self._has_news.set()
        return failure

    async def _live(self, connection: S2SConnection) -> EngineError:
        self._telling = asyncio.Queue()
        sender = asyncio.create_task(self._tell_all(connection, self._telling))
        try:
            async with asyncio.timeout(None) as self._life:
                await self._receive_all(connection)
        except TimeoutError:  # `leave`
            return EngineTimeout("s2s", "openai", HANGS)
        except MalformedEventError:
            return self._engine.unexpected_answer_error()
        except EngineError as error:
            return error
        finally:
            self._life = None
            sender.cancel()
            await asyncio.wait({sender})
            await connection.close()

    async def _receive_all(self, connection: S2SConnection) -> NoReturn:
        """The first event says that it is one indeed."""
        event = check_event(await connection.receive())
        self._report(UpstreamReady())
        while True:
            if event is not None:
                self._report(UpstreamEvent(event))
            self._has_news.set()
            event = check_event(await connection.receive())

    async def _tell_all(self, connection: S2SConnection, telling: asyncio.Queue[dict[str, Any]]) -> None:
        with suppress(EngineError):  # who receives notices too
            while True:
                await connection.send(await telling.get())


def is_final(failure: EngineError) -> bool:
    """The next try would fail alike."""
    return events.is_refusal(failure)
