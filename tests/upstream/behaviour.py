"""How each endpoint behaves, and what it has seen. One event loop owns it."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")

ENDPOINTS = ("models", "transcriptions", "live_transcriptions", "live_conversations", "live_responses", "chat",
             "speech", "google_streaming", "google_unary", "google_voices")  # fmt: skip
# live_transcriptions: with `fault_after`, which counts 40 ms of audio there, statuses come as `error` events; “mute”
# never completes an item, “failed” says that it could not.
FAULTS = ("401", "403", "404", "404_path", "429_rate", "429_quota", "500", "503", "302", "hang", "cut", "garbage",
          "empty", "error_event", "cancelled", "mute", "failed", "session_expired", "wrong_type",
          "drip", "long")  # fmt: skip
DRIP_SEC = 0.1  # between two bytes of an answer that drips
Ending = Literal["", "done", "fault", "closed_by_peer"]
KEPT_REQUESTS = 20_000
Script = str | dict[str, Any]
"""A reply of chat: its words, or as `chat_replies.build_deltas` has it."""


@dataclass
class Behaviour:
    first_byte_ms: float = 0.0
    piece_ms: float = 0.0  # before each further piece
    realtime: float = 0.0  # speech comes this many times faster than it is spoken; 0 is at once
    piece_bytes: int = 4_800  # of speech
    fault: str = ""  # one of FAULTS
    fault_times: int = 0  # the fault hits this many requests; 0 is every one
    fault_after: int = 0  # pieces that come before the fault
    fault_model: str = ""  # the fault hits only requests for this model, or for this voice of Google
    refused_parameter: str = ""  # a request that has it is refused, as OpenAI does
    refusal: str = ""  # in these words, and not OpenAI's
    metered: Any = None  # stands in every number of the usage
    headers: dict[str, str] = field(default_factory=dict)  # of an answer that is a fault
    packed: bool = False  # models: answers with gzip
    raw: dict[str, Any] | None = None  # answered in place of all else, as raw_answers.Raw.build_script has it
    accepted_key: str = ""  # any other is refused; "" takes all
    partial_lag_ms: float = 100.0  # live_transcriptions: of the words behind their audio
    final_ms: float = 100.0  # live_transcriptions: from the commit to the whole text


@dataclass
class Seen:
    """One request that came. Times are those of the machine's monotonic clock, which all processes share."""

    id: int
    endpoint: str
    key: str
    asked: dict[str, Any]
    peer: str = ""  # the other end's address: the same for requests over one connection
    received_at: float = field(default_factory=time.monotonic)
    first_piece_at: float | None = None
    ended_at: float | None = None
    ending: Ending = ""
    pieces: int = 0
    piece_times: list[float] = field(default_factory=list)  # of chat


class FaultInjected(Exception):
    """Raised where the server is to misbehave as `fault` says."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class World:
    ears: Callable[[bytes, int], str] | None = None
    """What PCM (signed 16 bit, mono) at a rate says: in place of the scripted transcripts, a benchmark's own ears."""
    mind: Callable[[list[dict[str, Any]], str], str] | None = None
    """What the chat's messages, sent with a key, are answered with: in place of the scripted replies."""
    voice: Callable[[str], Future[bytes]] | None = None
    """PCM at sound.SAMPLE_RATE, rendered while the first byte is waited for: in place of `sound.make_speech`."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._ids = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        self.behaviours = {endpoint: Behaviour() for endpoint in ENDPOINTS}
        self.transcription: deque[str] = deque()
        self._heard: deque[tuple[bytes, str]] = deque(maxlen=8)
        self.replies: deque[Script] = deque()
        self.readings: deque[str] = deque()  # said in place of the text that was to be read aloud
        self.seen: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.ollama: dict[str, dict[str, Any]] | None = None  # its models, where it is to be an Ollama

    def behave(self, endpoint: str, changes: dict[str, Any]) -> None:
        """Change how an endpoint behaves. Raises KeyError, TypeError or ValueError for what does not exist."""
        if changes.get("fault", "") not in ("", *FAULTS):
            raise ValueError(f"no fault {changes['fault']!r}")
        self.behaviours[endpoint] = Behaviour(**{**asdict(self.behaviours[endpoint]), **changes})

    def hear(self, pcm: bytes, rate: int) -> str:
        """Return the words of an utterance. A scripted transcript is used once, and kept while that utterance grows."""
        if self.ears:
            return self.ears(pcm, rate)
        known = next((heard for heard in self._heard if len(heard[0]) < len(pcm) and pcm.startswith(heard[0])), None)
        text = known[1] if known else self.take_transcript()
        if known:
            self._heard.remove(known)
        self._heard.append((pcm, text))
        return text

    def take_transcript(self) -> str:
        return self.transcription.popleft() if self.transcription else "Hello there."

    async def receive(self, endpoint: str, key: str, asked: dict[str, Any], peer: str = "") -> Seen:
        request = Seen(next(self._ids), endpoint, key, asked, peer)
        self.seen.append(request)
        await self.announce()
        return request

    async def end(self, request: Seen, ending: Ending) -> None:
        request.ending, request.ended_at = ending, time.monotonic()
        await self.announce()

    async def announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(self, endpoint: str, state: str, count: int) -> list[Seen]:
        """Return the requests in `state` (received, streaming, ended or an ending) once there are `count`."""
        async with self._changed:
            while (
                len(found := [seen for seen in self.seen if seen.endpoint == endpoint and _is_in_state(seen, state)])
                < count
            ):
                await self._changed.wait()
            return found

    def take_fault(self, endpoint: str, model: str = "") -> str:
        """Return the fault that hits this request, and count it."""
        behaviour = self.behaviours[endpoint]
        if behaviour.fault_model not in ("", model):
            return ""
        fault = behaviour.fault
        if fault and behaviour.fault_times:
            behaviour.fault_times -= 1
            if not behaviour.fault_times:
                behaviour.fault = ""
        return fault

    async def pace(self, request: Seen, fault: str, parts: Iterable[T], part_sec: float = 0.0) -> AsyncIterator[T]:
        """Yield `parts` at the endpoint's pace. Raises FaultInjected where its fault strikes."""
        behaviour = self.behaviours[request.endpoint]
        pause_sec = behaviour.piece_ms / 1000 or (part_sec / behaviour.realtime if behaviour.realtime else 0.0)
        await asyncio.sleep(behaviour.first_byte_ms / 1000)
        for number, part in enumerate(parts):
            if fault and number == behaviour.fault_after:
                raise FaultInjected(fault)
            if number:
                await asyncio.sleep(pause_sec)
            yield part
            request.pieces += 1
            if request.endpoint == "chat":
                request.piece_times.append(time.monotonic())
            if request.first_piece_at is None:
                request.first_piece_at = time.monotonic()
                await self.announce()
        if fault:
            raise FaultInjected(fault)

    async def think(self, request: Seen, fault: str) -> None:
        """Wait as long as an answer in one piece takes. Raises FaultInjected where the fault strikes."""
        async for _ in self.pace(request, fault, [None]):
            pass


def _is_in_state(seen: Seen, state: str) -> bool:
    match state:
        case "received":
            return True
        case "streaming":
            return seen.first_piece_at is not None
        case "ended":
            return seen.ending != ""
    return seen.ending == state
