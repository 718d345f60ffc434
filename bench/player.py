"""What the caller hears: a loudspeaker that plays in real time and, where the server knows the extension, pauses and
takes back as the page does."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.connections import Got
from bench.marks import Samples
from bench.speech import RATE


@dataclass
class Player:
    """The caller's loudspeaker. Times are those of `Got`.

    `advance` moves the playhead; events for the server wait in `to_send`.
    """

    can_pause: bool = False
    is_paused: bool = False
    response_id: str = ""
    played: int = 0  # samples of that response
    drops: int = 0  # how often something was taken back
    received: int = 0
    to_send: list[dict[str, Any]] = field(default_factory=list)
    item_ids: dict[str, str] = field(default_factory=dict)
    captions: list[tuple[int, int]] = field(default_factory=list)  # (samples received before, characters so far)
    text: str = ""
    _waiting: bytearray = field(default_factory=bytearray)
    _has_told_start: bool = False
    _dropped: set[str] = field(default_factory=set)

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting)

    def take(self, got: Got) -> None:
        match got.kind:
            case "audio":
                self._take_audio(got)
            case "response.output_item.added":
                assert got.event is not None
                self.item_ids[got.event["response_id"]] = got.event["item"]["id"]
            case "response.output_audio_transcript.delta":
                assert got.event is not None
                self._begin(got.event["response_id"])
                self.text += got.event["delta"]
                self.captions.append((self.received, len(self.text)))
            case "input_audio_buffer.speech_started" if self.can_pause:
                self.is_paused = self.is_paused or self.is_busy
            case "input_audio_buffer.speech_started" | "interruption":
                self._drop()
            case "output_audio_buffer.started":
                self.is_paused = False
            case "output_audio_buffer.cleared":
                self._drop()

    def advance(self, samples: int) -> Samples:
        """Return the next 24 kHz samples that sound, with silence where there are none."""
        if self.is_paused or not self._waiting:
            return np.zeros(samples, np.int16)
        sound = np.frombuffer(bytes(self._waiting[: samples * 2]), np.int16)
        del self._waiting[: samples * 2]
        self.played += len(sound)
        if self.can_pause and not self._has_told_start:
            self._has_told_start = True
            started = {"response_id": self.response_id, "played_ms": self.played * 1000 // RATE}
            self.to_send.append({"type": "output_audio_buffer.started", **started})
        return np.concatenate((sound, np.zeros(samples - len(sound), np.int16)))

    def count_chars_at(self, played: int) -> int:
        """Return how many characters of `text` have sounded by then. Each caption comes before its audio."""
        ends = [start for start, _ in self.captions[1:]] + [max(self.received, 1)]
        before = 0
        for (start, chars), end in zip(self.captions, ends, strict=True):
            if played < end:
                return before + round((chars - before) * max(0, played - start) / max(1, end - start))
            before = chars
        return before

    def _take_audio(self, got: Got) -> None:
        if got.response_id and got.response_id in self._dropped:
            return
        self._begin(got.response_id)
        self._waiting += got.pcm
        self.received += len(got.pcm) // 2

    def _begin(self, response_id: str) -> None:
        if response_id == self.response_id:
            return
        if self.is_paused:
            self._drop()
        self.response_id, self.played, self.received, self._has_told_start = response_id, 0, 0, False
        self.captions, self.text = [], ""

    def _drop(self) -> None:
        """Drop what has not sounded, because of an interruption, and have the server told what did."""
        if self.is_busy and (item_id := self.item_ids.get(self.response_id)):
            cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": self.played * 1000 // RATE}
            self.to_send.append({"type": "conversation.item.truncate", **cut})
        self._dropped.add(self.response_id)
        self.drops += 1
        self._waiting.clear()
        self.is_paused = False
