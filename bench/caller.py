"""One caller: a microphone that streams in real time, a loudspeaker, and a record of what came when."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from bench.connections import Connection, Got
from bench.frames import PAGE
from bench.marks import Samples
from bench.player import Player
from bench.speech import RATE, Utterance, make_room_noise

AUDIBLE = 60  # of 32,767
LOOK_SEC = 0.02  # between two looks whether what is waited for has come
NOISE_SEC = 7


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of reply audio with something audible in it. `audible_at` is when that sounds if it is played at once."""

    at: float
    audible_at: float
    response_id: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """When the first and the last sample of an utterance sound, on the monotonic clock."""

    begins_at: float
    ends_at: float


@dataclass(slots=True)
class Caller:
    """A caller with a microphone and a loudspeaker.

    `mixed_in` adds to the microphone's frame what else it picks up. It is given the frame that the loudspeaker plays
    (24 kHz).
    """

    name: str
    connection: Connection
    player: Player
    frame_ms: int = PAGE.ms
    mixed_in: Callable[["Caller", Samples, Samples], None] | None = None
    chunks: list[Chunk] = field(default_factory=list)
    events: list[Got] = field(default_factory=list)
    lateness_sec: list[float] = field(default_factory=list)  # of the microphone's own frames
    _began_at: float = 0.0
    _sent: int = 0  # samples
    _speech: Samples = field(default_factory=lambda: np.empty(0, np.int16))
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def frame(self) -> int:
        return self.connection.rate * self.frame_ms // 1000

    def say(self, samples: Samples) -> Spoken:
        """Speak marked samples at the connection's rate, beginning with the next frame, and return when they sound."""
        assert not len(self._speech)
        self._speech = samples
        begins_at = self._began_at + self._sent / self.connection.rate
        return Spoken(begins_at, begins_at + len(samples) / self.connection.rate)

    def make_noise(self, sound: Samples) -> None:
        """Play a sound without words to the microphone, at the connection's rate, over the noise of the room."""
        self._speech = sound + make_room_noise(len(sound))

    def renew(self) -> "Caller":
        """Return the same caller for a new connection."""
        return Caller(self.name, self.connection, Player(self.player.can_pause), self.frame_ms)

    def compute_sent_at(self, position_ms: float) -> float:
        """Return when the sample at this position of the microphone's stream, in ms, had been sent."""
        return self._began_at + ceil(position_ms / self.frame_ms) * self.frame_ms / 1000

    async def stream(self) -> None:
        noise = make_room_noise(NOISE_SEC * self.connection.rate, seed=hash(self.name) % 2**32)
        self._began_at = time.monotonic()
        while True:
            due = self._began_at + (self._sent + self.frame) / self.connection.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.lateness_sec.append(time.monotonic() - due)
            played = self.player.advance(RATE * self.frame_ms // 1000)
            await self.connection.send_audio(self._build_frame(noise, played))
            for event in self.player.to_send:
                await self.connection.send(event)
            self.player.to_send.clear()

    def _build_frame(self, noise: Samples, played: Samples) -> Samples:
        start = self._sent % (len(noise) - self.frame)
        frame = noise[start : start + self.frame].copy()
        spoken, self._speech = self._speech[: self.frame], self._speech[self.frame :]
        frame[: len(spoken)] = spoken
        self._sent += self.frame
        if self.mixed_in:
            self.mixed_in(self, frame, played)
        return frame

    async def listen(self) -> None:
        async for got in self.connection.receive():
            self.player.take(got)
            if got.kind == "audio":
                self._note(got)
            else:
                self.events.append(got)

    def _note(self, got: Got) -> None:
        audible = np.flatnonzero(np.abs(np.frombuffer(got.pcm, np.int16)) > AUDIBLE)
        if len(audible):
            self.chunks.append(Chunk(got.at, got.at + audible[0] / RATE, got.response_id))

    async def wait_until(self, condition: Callable[[], bool], timeout_sec: float) -> bool:
        """Wait until the condition holds, and return whether it did in time.

        Raise ConnectionError if the connection is lost meanwhile.
        """
        deadline = time.monotonic() + timeout_sec
        while not (found := condition()) and time.monotonic() < deadline:
            if any(task.done() for task in self.tasks):
                raise ConnectionError(f"the server hung up on {self.name}")
            await asyncio.sleep(LOOK_SEC)
        return found

    def find_event_at(self, kind: str, after: float) -> float | None:
        """Return when the first event of this kind came after a time, or None if none did."""
        return next((got.at for got in self.events if got.kind == kind and got.at > after), None)

    def list_chunks_between(self, start: float, end: float) -> list[Chunk]:
        return [chunk for chunk in self.chunks if start <= chunk.at < end]

    async def wait_until_quiet(self, quiet_sec: float = 1.0, timeout_sec: float = 45.0) -> None:
        """Wait until the reply has been played and nothing more has come for `quiet_sec` seconds."""

        def is_over() -> bool:
            last = self.chunks[-1].at if self.chunks else 0.0
            return not self.player.is_busy and time.monotonic() > last + quiet_sec

        await self.wait_until(is_over, timeout_sec)


@asynccontextmanager
async def open_call(caller: Caller) -> AsyncIterator[Caller]:
    await caller.connection.open()
    caller.tasks += (tasks := [asyncio.create_task(work) for work in (caller.stream(), caller.listen())])
    try:
        await asyncio.sleep(0.3)
        yield caller
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await caller.connection.close()


def mark_utterance(utterance: Utterance, rate: int) -> Samples:
    """Return an utterance with its marks at this rate in Hz. Each is made once."""
    key = (utterance.number, rate)
    if key not in _marked:
        _marked[key] = utterance.build_marked(rate)
    return _marked[key]


_marked: dict[tuple[int, int], Samples] = {}
