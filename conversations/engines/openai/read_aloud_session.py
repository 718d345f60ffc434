"""A Realtime session that only reads aloud, by out-of-band responses, several at a time over one connection."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from openai.resources.realtime.realtime import AsyncRealtimeConnection
from websockets.exceptions import WebSocketException

from conversations.engines.errors import EngineError, EngineErrors
from conversations.engines.openai import provider_errors
from conversations.engines.openai.account import Account
from conversations.engines.openai.realtime_socket import close_socket, open_socket, receive_event
from conversations.pcm import SAMPLE_RATE

EXPECTED = "a Realtime session"
MAX_MESSAGE_BYTES = 4_000_000  # a minute of audio; the provider decides how much is in one message
MAX_HELD_CHARS = 16_000_000  # of events of one response that are not read yet: four minutes
SESSION_ID = "session"  # the id of the event that configures the session


class Reading:
    """One response that reads a text."""

    def __init__(self, reading_id: str, errors: EngineErrors) -> None:
        self.id = reading_id
        self._errors = errors
        self._held_chars = 0
        self.response_id = ""
        self.is_abandoned = False  # nobody wants its events any more
        self._events: asyncio.Queue[dict[str, Any] | EngineError] = asyncio.Queue()

    def put(self, event: dict[str, Any] | EngineError) -> None:
        """Add an event. If more than MAX_HELD_CHARS wait, the reading fails and the rest is not kept."""
        if self._held_chars > MAX_HELD_CHARS:
            return
        self._held_chars += _count_chars(event)
        is_too_much = self._held_chars > MAX_HELD_CHARS
        self._events.put_nowait(
            self._errors.build_server_error("it sends more than can be heard") if is_too_much else event
        )

    async def receive_events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the events in order, up to `response.done`, or raise EngineError."""
        while True:
            event = await self._events.get()
            self._held_chars -= _count_chars(event)
            if isinstance(event, EngineError):
                raise event
            yield event
            if event.get("type") == "response.done":
                return


def _count_chars(event: dict[str, Any] | EngineError) -> int:
    delta = event.get("delta") if isinstance(event, dict) else None
    return 1_000 + (len(delta) if isinstance(delta, str) else 0)


class ReadAloudSession:
    """A session with one voice. Its task lives until the connection is lost, or `close`."""

    def __init__(self, connection: AsyncRealtimeConnection, account: Account, voice: str) -> None:
        self.voice = voice
        self.is_open = True
        self._connection = connection
        self._account = account
        self._ids = itertools.count(1)
        self._speed = 1.0
        self._readings: dict[str, Reading] = {}  # by id, those that have not ended
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._configure({"voice": voice})
        self._task = asyncio.create_task(self._run())

    @classmethod
    async def open(cls, account: Account, model: str, voice: str, timeout_sec: float) -> "ReadAloudSession":
        """Open a session, or raise EngineError."""
        connection = await open_socket(account, {"model": model}, EXPECTED, timeout_sec, MAX_MESSAGE_BYTES)
        return cls(connection, account, voice)

    async def close(self) -> None:
        """Close the connection."""
        if self.is_open:  # otherwise it closes by itself
            self._task.cancel()
        await asyncio.wait({self._task})
        self._connection._connection.transport.abort()  # in case the task was cancelled before it began

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is being read."""
        return not self._readings

    def begin(self, instructions: str, speed: float) -> Reading:
        """Ask for a response with these instructions."""
        if speed != self._speed:
            self._speed = speed
            self._configure({"speed": speed})
        reading = Reading(f"reading_{next(self._ids)}", self._account.errors)
        self._readings[reading.id] = reading
        asked = {
            "conversation": "none",
            "input": [],
            "instructions": instructions,
            "output_modalities": ["audio"],
            "metadata": {"reading": reading.id},
        }
        self._outgoing.put_nowait({"type": "response.create", "event_id": reading.id, "response": asked})
        return reading

    def abandon(self, reading: Reading) -> None:
        """Cancel a reading at the provider: at once, or as soon as the id of its response is known."""
        reading.is_abandoned = True
        if reading.id in self._readings and reading.response_id:
            self._cancel(reading)

    def _cancel(self, reading: Reading) -> None:
        del self._readings[reading.id]
        self._outgoing.put_nowait({"type": "response.cancel", "response_id": reading.response_id})

    def _configure(self, output: dict[str, Any]) -> None:
        pcm = {"type": "audio/pcm", "rate": SAMPLE_RATE}
        audio = {"input": {"turn_detection": None}, "output": {"format": pcm} | output}
        session = {"type": "realtime", "output_modalities": ["audio"], "audio": audio}
        self._outgoing.put_nowait({"type": "session.update", "event_id": SESSION_ID, "session": session})

    async def _run(self) -> None:
        sender = asyncio.create_task(self._send_all())
        failure: EngineError = self._account.errors.build_connection_lost_error()
        try:
            while True:
                if event := await receive_event(self._connection, self._account, EXPECTED):
                    self._receive(event)
        except EngineError as error:
            failure = error
        except (WebSocketException, OSError):
            pass
        finally:
            self.is_open = False
            for reading in self._readings.values():
                reading.put(failure)
            self._readings.clear()
            sender.cancel()
            await asyncio.wait({sender})
            await close_socket(self._connection)

    async def _send_all(self) -> None:
        with suppress(WebSocketException, OSError):  # the other task notices too
            while True:
                await self._connection.send_raw(json.dumps(await self._outgoing.get()))

    def _receive(self, event: dict[str, Any]) -> None:
        """Take an event. Raise EngineError for a failure of the session, not of one reading."""
        kind = event.get("type")
        if kind == "error":
            self._handle_error(event.get("error"))
        elif kind == "response.created":
            self._bind_response(event.get("response"))
        elif isinstance(kind, str) and kind.startswith("response."):
            response = event.get("response")
            response_id = response.get("id") if isinstance(response, dict) else event.get("response_id")
            if reading := next((one for one in self._readings.values() if one.response_id == response_id), None):
                reading.put(event)
                if kind == "response.done":
                    del self._readings[reading.id]

    def _bind_response(self, response: Any) -> None:
        """Find the reading of a new response. Servers that do not echo our metadata create them in order."""
        shown = response if isinstance(response, dict) else {}
        metadata = shown.get("metadata")
        reading = self._readings.get(metadata.get("reading", "")) if isinstance(metadata, dict) else None
        reading = reading or next((one for one in self._readings.values() if not one.response_id), None)
        if reading:
            reading.response_id = str(shown.get("id"))
            if reading.is_abandoned:
                self._cancel(reading)

    def _handle_error(self, error: Any) -> None:
        said = error if isinstance(error, dict) else {}
        if reading := self._readings.pop(str(said.get("event_id")), None):
            reading.put(self._account.explain_event(said))
        elif said.get("code") == provider_errors.SESSION_EXPIRED:
            raise self._account.errors.build_connection_lost_error()  # worth another try, over another connection
        elif said.get("code") != provider_errors.CANCEL_NOT_ACTIVE:
            raise self._account.explain_event(said)
