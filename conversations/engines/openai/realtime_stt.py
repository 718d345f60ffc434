"""Speech to text by OpenAI's Realtime transcription sessions: it transcribes while the user speaks.

`realtime_stt_protocol` decides, this module connects. `listen` opens a connection, which is kept until `close`. If it
breaks, it is opened again, at once and then after growing pauses, and what was not settled is sent again. Whatever goes
wrong fails one utterance at most, for which file speech to text stands by.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import WebSocketException

from conversations.engines import incidents
from conversations.engines.base import EngineSpec, Hints, Transcript
from conversations.engines.errors import EngineAuthError, EngineError, EngineRejected
from conversations.engines.openai.account import Account
from conversations.engines.openai.realtime_socket import close_socket, open_socket, receive_event
from conversations.engines.openai.realtime_stt_protocol import RealtimeTranscriptionProtocol
from conversations.network.http import get_tls_context

SETTLE_SEC = 4.0  # a commit takes some 100 ms; after this, file speech to text is faster
MUTE_SEC = 60.0  # for so long after a commit without an answer, file speech to text is asked at once
LONGEST_PAUSE_SEC = 30.0
QUERY = {"intent": "transcription"}
EXPECTED = "a Realtime transcription session"


class RealtimeTranscriptions:
    """Streaming speech to text by `/v1/realtime?intent=transcription`."""

    warm = staticmethod(get_tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec

    def listen(self, on_partial: Callable[[str], None]) -> "RealtimeTranscriptionStream":
        """Return a stream, which connects in the background."""
        return RealtimeTranscriptionStream(self._spec, on_partial)


class RealtimeTranscriptionStream:
    """The stream of one session. Its task lives until `close`.

    A server that refuses the key or the model at the start is not called again: then all commits fail at once.
    """

    def __init__(self, spec: EngineSpec, on_partial: Callable[[str], None]) -> None:
        self._account = Account("stt", replace(spec, model=spec.stream_model))
        self._protocol = RealtimeTranscriptionProtocol(spec.stream_model, self._account, on_partial)
        self._settle_sec = min(SETTLE_SEC, spec.timeout_sec)
        self._failure: EngineError | None = None  # why the last try to connect failed, until one succeeds
        self._silence: EngineError | None = None  # why the last commit had no answer, until words come
        self._mute_until = 0.0  # by the loop's clock
        self._misses = 0  # connections in a row that brought no words
        self._has_news = asyncio.Event()
        self._begins = asyncio.Event()
        self._connection_timeout: asyncio.Timeout | None = None  # ends the present connection
        self._task = asyncio.create_task(self._run())

    def begin(self, hints: Hints) -> None:
        self._protocol.begin(hints)
        self._begins.set()
        self._has_news.set()

    def send(self, pcm: bytes) -> None:
        """Send the next audio. The utterance fails if the provider has not settled 130 seconds of it."""
        self._protocol.send(pcm)
        if self._protocol.has_audio_to_send:
            self._has_news.set()

    async def commit(self) -> Transcript:
        utterance = self._protocol.utterance
        if (known := self._failure or self._get_mute_reason()) and not utterance.failure:
            utterance.fail(known)
        words = self._protocol.commit()
        self._has_news.set()
        try:
            async with asyncio.timeout(self._settle_sec):
                return await words
        except TimeoutError as error:
            failure = self._account.errors.build_timeout_error(self._settle_sec)
            utterance.fail(failure)
            self._silence, self._mute_until = failure, asyncio.get_running_loop().time() + MUTE_SEC
            self._hang_up()
            raise failure from error

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        self._protocol.give_up(self._account.errors.build_connection_lost_error())
        if not self._task.cancelled():
            self._task.result()  # raises what it died of

    def _get_mute_reason(self) -> EngineError | None:
        return self._silence if asyncio.get_running_loop().time() < self._mute_until else None

    def _hang_up(self) -> None:
        """End a connection that hangs; `_run` opens another."""
        if self._connection_timeout and not self._connection_timeout.expired():
            self._connection_timeout.reschedule(asyncio.get_running_loop().time())

    async def _run(self) -> None:
        while True:
            self._protocol.restart()
            try:
                await self._serve_connection()
            except EngineError as error:
                self._protocol.fail_awaited(error)
                is_final = not self._protocol.is_ready and isinstance(error, EngineAuthError | EngineRejected)
                incidents.report(error, None if is_final else "retried")
                if not self._protocol.is_ready:
                    self._failure = error
                if is_final:
                    return self._protocol.give_up(error)
            self._misses = 0 if self._protocol.has_words else self._misses + 1
            asked_sec = (self._failure and self._failure.retry_after_sec) or 0.0
            await self._pause(max(choose_reconnect_pause_sec(self._misses), min(asked_sec, LONGEST_PAUSE_SEC)))

    async def _pause(self, wait_sec: float) -> None:
        """Wait, or until an utterance begins."""
        self._begins.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_sec):
                await self._begins.wait()

    async def _serve_connection(self) -> None:
        """Open a connection and serve it until it breaks. Raise EngineError if those who wait must be told."""
        connection = await open_socket(self._account, QUERY, EXPECTED, self._settle_sec)
        sender = asyncio.create_task(self._send_all(connection))
        try:
            async with asyncio.timeout(None) as self._connection_timeout:
                await self._receive_all(connection)
        except TimeoutError:  # `_hang_up`
            pass
        except (WebSocketException, OSError) as error:
            if self._misses and not self._protocol.is_ready:  # twice in a row
                raise self._account.errors.build_connection_lost_error() from error
        finally:
            self._connection_timeout = None
            sender.cancel()
            await asyncio.wait({sender})
            await close_socket(connection)

    async def _send_all(self, connection: AsyncRealtimeConnection) -> None:
        with suppress(WebSocketException, OSError):  # the other task notices too
            while True:
                self._has_news.clear()
                while (frame := self._protocol.take_frame()) is not None:
                    await connection.send_raw(frame)
                await self._has_news.wait()

    async def _receive_all(self, connection: AsyncRealtimeConnection) -> None:
        while True:
            if event := await receive_event(connection, self._account, EXPECTED):
                self._protocol.receive(event)
            if self._protocol.is_ready:
                self._failure = None
            if self._protocol.has_words:
                self._silence = None
            self._has_news.set()  # an update that was refused is sent again


def choose_reconnect_pause_sec(misses: int) -> float:
    """Return the pause before connecting again, in seconds, after so many connections in a row without words.

    There is none after the first. The exponent is bounded, or it would overflow when a server is away for a night.
    """
    return min(0.25 * 2 ** min(misses, 10), LONGEST_PAUSE_SEC) if misses > 1 else 0.0
