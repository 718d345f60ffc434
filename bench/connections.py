"""The wire to a server under test, one class a protocol. What arrives is stamped with the monotonic clock at once."""

import base64
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect

from bench.frames import BINARY
from bench.marks import Samples

APPEND = b'{"type": "input_audio_buffer.append", "audio": "%b"}'
PIPECAT_RATE = 16_000  # of the microphone: Pipecat's default, so that it need not resample


@dataclass(frozen=True, slots=True)
class Got:
    """One message of the server: audio if `pcm` is not empty, else `event` (for Pipecat only its kind)."""

    at: float
    kind: str
    pcm: bytes = b""
    response_id: str = ""
    event: dict[str, Any] | None = None


class Connection(Protocol):
    """A connection to a server under test, in whichever protocol it speaks."""

    rate: int  # of the microphone

    async def open(self) -> None: ...
    async def send_audio(self, samples: Samples) -> None: ...
    async def send(self, event: dict[str, Any]) -> None: ...
    def receive(self) -> AsyncIterator[Got]: ...
    async def close(self) -> None: ...


class RealtimeConnection:
    """A connection to this project's server: session.update first, then audio as the page or official SDKs send it."""

    rate = 24_000

    def __init__(self, url: str, key: str, assistant: str, session: dict[str, Any], encoding: str) -> None:
        self._url = f"{url}/v1/realtime?{urlencode({'assistant': assistant})}"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session = session
        self._encoding = encoding
        self._socket: ClientConnection

    async def open(self) -> None:
        self._socket = await connect(
            self._url, additional_headers=self._headers, compression=None, max_size=None, ping_interval=None
        )
        await self.send({"type": "session.update", "session": {"type": "realtime", **self._session}})
        while (kind := json.loads(await self._socket.recv())["type"]) != "session.updated":
            if kind == "error":
                raise ConnectionError("the session was refused")

    async def send_audio(self, samples: Samples) -> None:
        # Past the library's own `send`, with which 100 callers of 50 frames a second would take more than a core. It
        # waits for a server that reads slowly, too; here what is late shows in the answers.
        if self._encoding == BINARY:
            self._socket.protocol.send_binary(samples.tobytes())
        else:
            self._socket.protocol.send_text(APPEND % base64.b64encode(samples.tobytes()))
        self._socket.send_data()

    async def send(self, event: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(event))

    async def receive(self) -> AsyncIterator[Got]:
        async for message in self._socket:
            at = time.monotonic()
            event = json.loads(message)
            if event["type"] == "response.output_audio.delta":
                yield Got(at, "audio", base64.b64decode(event["delta"]), event["response_id"])
            else:
                yield Got(at, event["type"], event=event)

    async def close(self) -> None:
        await self._socket.close()


class PipecatConnection:
    """A connection that speaks Pipecat's protobuf (frames.proto): audio is field 2, an interruption field 5."""

    rate = PIPECAT_RATE

    def __init__(self, url: str, caller: str) -> None:
        self._url = f"{url}/?{urlencode({'caller': caller})}"
        self._socket: ClientConnection

    async def open(self) -> None:
        self._socket = await connect(self._url, compression=None, max_size=None, ping_interval=None)

    async def send_audio(self, samples: Samples) -> None:
        audio = _encode_field(3, samples.tobytes()) + _encode_number(4, self.rate) + _encode_number(5, 1)
        await self._socket.send(_encode_field(2, audio))

    async def send(self, event: dict[str, Any]) -> None:
        raise NotImplementedError("Pipecat has no such events")

    async def receive(self) -> AsyncIterator[Got]:
        async for message in self._socket:
            at = time.monotonic()
            assert isinstance(message, bytes)
            (kind, body), *_ = _decode_fields(message)
            if kind == 2:
                yield Got(at, "audio", next(bytes(value) for number, value in _decode_fields(body) if number == 3))
            elif kind == 5:
                yield Got(at, "interruption")

    async def close(self) -> None:
        await self._socket.close()


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _encode_field(number: int, body: bytes) -> bytes:
    return _encode_varint(number << 3 | 2) + _encode_varint(len(body)) + body


def _encode_number(number: int, value: int) -> bytes:
    return _encode_varint(number << 3) + _encode_varint(value)


def _decode_fields(data: bytes) -> list[tuple[int, bytes]]:
    """Return the fields that have a length, with their numbers; plain numbers are left out."""
    found, at = [], 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        size, at = _read_varint(data, at)
        if tag & 7 == 2:
            found.append((tag >> 3, data[at : at + size]))
            at += size
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
