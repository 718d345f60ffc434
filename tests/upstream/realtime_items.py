"""The items of an emulated Realtime conversation, its input audio, and what it refuses."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

BYTES_PER_MS = 48
WINDOW_MS = 20
WINDOW_BYTES = WINDOW_MS * BYTES_PER_MS
LOUD = 500  # a sample of speech
ONSET_WINDOWS = 2


class Refusal(Exception):
    """Raised for what is refused; it becomes an `error` event."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


@dataclass
class Item:
    id: str
    type: str = "message"
    role: str = ""
    status: str = "completed"
    text: str | None = ""  # None: not known yet
    is_audio: bool = False
    audio_ms: float = 0.0
    call: dict[str, str] = field(default_factory=dict)

    def serialize(self) -> dict[str, Any]:
        shown = {"id": self.id, "object": "realtime.item", "type": self.type, "status": self.status}
        if self.type != "message":
            return shown | self.call
        is_begun = self.role != "assistant" or self.status != "in_progress"
        return shown | {"role": self.role, "content": [self._serialize_part()] if is_begun else []}

    def _serialize_part(self) -> dict[str, Any]:
        if self.role == "assistant":
            kind, key = ("output_audio", "transcript") if self.is_audio else ("output_text", "text")
        else:
            kind, key = ("input_audio", "transcript") if self.is_audio else ("input_text", "text")
        return {"type": kind, key: self.text}

    def build_context_entry(self) -> tuple[str, str]:
        """Return the item as a model sees it: its role or type, and its words."""
        return self.role or self.type, self.text or self.call.get("output") or self.call.get("arguments") or ""


class Items:
    def __init__(self) -> None:
        self.all: list[Item] = []

    def find(self, item_id: str, verb: str) -> Item:
        for item in self.all:
            if item.id == item_id:
                return item
        raise Refusal(f"item_{verb}_invalid_item_id", f"There is no item {item_id}.", "item_id")

    def insert(self, item: Item, after: str | None) -> None:
        if any(known.id == item.id for known in self.all):
            raise Refusal("item_create_duplicate_item_id", f"There is an item {item.id} already.", "item.id")
        places = {known.id: place + 1 for place, known in enumerate(self.all)} | {"root": 0, None: len(self.all)}
        if after not in places:
            raise Refusal("invalid_value", f"There is no item {after}.", "previous_item_id")
        self.all.insert(places[after], item)

    def find_previous(self, item: Item) -> str | None:
        place = self.all.index(item)
        return self.all[place - 1].id if place else None


def parse_item(data: dict[str, Any], new_id: str) -> Item:
    item = Item(data.get("id") or new_id, data["type"], data.get("role", ""))
    if item.type != "message":
        item.call = {name: data[name] for name in ("name", "call_id", "arguments", "output") if name in data}
        return item
    parts = data["content"]
    item.text = "".join(part.get("text") or part.get("transcript") or "" for part in parts)
    item.is_audio = any(part["type"].endswith("audio") for part in parts)
    return item


class Input:
    """The input audio buffer. It takes loud sound for speech."""

    def __init__(self) -> None:
        self.pcm = bytearray()
        self.received_bytes = 0
        self.detection: dict[str, Any] | None = None
        self.is_speech = False
        self._judged = self._loud = self._quiet = 0  # bytes, windows, windows

    @property
    def length_ms(self) -> float:
        return len(self.pcm) / BYTES_PER_MS

    def append(self, pcm: bytes) -> Iterator[tuple[str, int, bytes]]:
        """Yield ("started", ms, b"") where speech begins, and ("stopped", ms, the utterance) where it ends."""
        self.pcm += pcm
        self.received_bytes += len(pcm)
        start = self.received_bytes - len(self.pcm)
        while self._judged + WINDOW_BYTES <= self.received_bytes:
            at = max(0, self._judged - start)
            self._judged += WINDOW_BYTES
            if self.detection is not None:
                yield from self._judge(bytes(self.pcm[at : at + WINDOW_BYTES]))
                start = self.received_bytes - len(self.pcm)

    def _judge(self, window: bytes) -> Iterator[tuple[str, int, bytes]]:
        assert self.detection is not None
        is_loud = np.abs(np.frombuffer(window, np.int16).astype(np.int32)).max(initial=0) > LOUD
        self._loud, self._quiet = (self._loud + 1, 0) if is_loud else (0, self._quiet + 1)
        now_ms = self._judged // BYTES_PER_MS
        if not self.is_speech and self._loud >= ONSET_WINDOWS:
            self.is_speech = True
            kept_ms = ONSET_WINDOWS * WINDOW_MS + self.detection.get("prefix_padding_ms", 300)
            start_ms = max(now_ms - kept_ms, (self.received_bytes - len(self.pcm)) // BYTES_PER_MS)
            del self.pcm[: max(0, start_ms * BYTES_PER_MS - (self.received_bytes - len(self.pcm)))]
            yield "started", start_ms, b""
        elif self.is_speech and self._quiet * WINDOW_MS >= self.detection.get("silence_duration_ms", 500):
            self.is_speech = False
            end = self._judged - (self.received_bytes - len(self.pcm))
            yield "stopped", now_ms, self.take(end)

    def take(self, end: int | None = None) -> bytes:
        pcm = bytes(self.pcm[:end])
        del self.pcm[:end]
        self.is_speech = False
        return pcm
