"""A session's connection to the speech-to-speech provider: open it, keep it, and open another when it is lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, NoReturn

from conversations.engines import incidents
from conversations.engines.base import S2SConnection, SpeechToSpeech
from conversations.engines.errors import EngineError, EngineTimeout
from conversations.realtime.relay.upstream_events import UpstreamEvent, UpstreamLost, UpstreamReady
from conversations.realtime.relay.upstream_validation import MalformedEventError, check_event
from conversations.session.engine_calls.engine_circuits import EngineCircuit
from conversations.session.engine_calls.generation import convert_failure

PAUSES_SEC = (0.0, 0.5, 2.0)  # before each retry; then the session gives up
LONGEST_PAUSE_SEC = 5.0  # the longest pause that a provider can ask for
STEADY_SEC = 10.0  # a connection that lasted so long was good, so that retries start over
MOST_HELD = 5_000  # events that wait to be sent: at least a minute of audio
HANGS = "Speech to speech was too slow. Please try again."


class S2SUpstream:
    """Keep one connection to the provider at a time.

    `report` takes what happens, in order; `give_up` is called when no further connection will be tried.
    """

    def __init__(
        self,
        engine: SpeechToSpeech,
        circuit: EngineCircuit,
        report: Callable[[UpstreamEvent | UpstreamReady | UpstreamLost], None],
        give_up: Callable[[EngineError], None],
    ) -> None:
        self._engine = engine
        self._circuit = circuit
        self._report = report
        self._give_up = give_up
        self._telling: asyncio.Queue[dict[str, Any]] = asyncio.Queue()  # events for the present connection
        self._life: asyncio.Timeout | None = None  # ends the present connection when it expires
        self._has_news = asyncio.Event()

    def send(self, event: dict[str, Any]) -> None:
        """Queue an event without waiting. A connection that takes no more events is replaced."""
        if self._telling.qsize() < MOST_HELD:
            self._telling.put_nowait(event)
        else:
            self.reconnect()

    def reconnect(self) -> None:
        """End a connection that hangs, so that `run` opens another."""
        if self._life is not None and not self._life.expired():
            self._life.reschedule(asyncio.get_running_loop().time())

    async def wait_for_news(self) -> None:
        """Wait until something more was reported."""
        self._has_news.clear()
        await self._has_news.wait()

    async def run(self) -> None:
        """Keep a connection open until cancelled, or until connecting has failed too often."""
        misses = 0
        while True:
            began_at = monotonic()
            failure = await self._connect_once()
            self._circuit.note_failure(failure)
            misses = 1 if monotonic() - began_at > STEADY_SEC else misses + 1
            is_over = is_final(failure) or misses > len(PAUSES_SEC)
            incidents.report(failure, None if is_over else "retried")
            if is_over:
                self._give_up(failure)
                return
            await asyncio.sleep(max(PAUSES_SEC[misses - 1], min(failure.retry_after_sec or 0.0, LONGEST_PAUSE_SEC)))

    async def _connect_once(self) -> EngineError:
        """Open a connection, run it until it ends, and return why it ended."""
        try:
            connection = await self._engine.connect()
        except EngineError as error:
            return error
        failure = await self._run_connection(connection)
        self._report(UpstreamLost(convert_failure(failure)))
        self._has_news.set()
        return failure

    async def _run_connection(self, connection: S2SConnection) -> EngineError:
        self._telling = asyncio.Queue()
        sender = asyncio.create_task(self._send_all(connection, self._telling))
        try:
            async with asyncio.timeout(None) as self._life:
                await self._receive_all(connection)
        except TimeoutError:  # `reconnect` was called
            return EngineTimeout("s2s", "openai", HANGS)
        except MalformedEventError:
            return self._engine.build_unexpected_answer_error()
        except EngineError as error:
            return error
        finally:
            self._life = None
            sender.cancel()
            await asyncio.wait({sender})
            await connection.close()

    async def _receive_all(self, connection: S2SConnection) -> NoReturn:
        """Report each event. The connection counts as ready with its first one."""
        event = check_event(await connection.receive())
        self._circuit.note_success()
        self._report(UpstreamReady())
        while True:
            if event is not None:
                self._report(UpstreamEvent(event))
            self._has_news.set()
            event = check_event(await connection.receive())

    async def _send_all(self, connection: S2SConnection, telling: asyncio.Queue[dict[str, Any]]) -> None:
        with suppress(EngineError):  # receiving fails too, and reports it
            while True:
                await connection.send(await telling.get())


def is_final(failure: EngineError) -> bool:
    """Return whether another try would fail in the same way."""
    return incidents.is_refusal(failure)
