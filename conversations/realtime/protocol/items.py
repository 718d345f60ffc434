"""Hold the items of a live conversation, and show them as the wire has them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.pcm import samples_to_ms
from conversations.realtime.text.heard_text import estimate_heard_text

TYPICAL_MS_PER_CHAR = 65  # of English at a usual pace: 15 characters a second
Status = Literal["in_progress", "completed", "incomplete"]
# Of `Item.call`, what the wire shows.
CALL_KEYS = {
    "function_call": ("name", "call_id", "arguments"),
    "function_call_output": ("call_id", "output"),
    "mcp_call": ("name", "server_label", "arguments", "output"),
}


@dataclass(slots=True)
class Usage:
    """What one item cost at the providers."""

    stt_seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    input_audio_tokens: int = 0  # of the input tokens
    output_audio_tokens: int = 0
    tts_characters: int = 0
    # Of replies begun ahead of the endpoint and not used. Estimates: no provider tells for a stream that was closed.
    discarded_input_tokens: int = 0
    discarded_output_tokens: int = 0
    discarded_tts_characters: int = 0


@dataclass(slots=True, eq=False)  # looked up in long lists: by identity, which costs nothing
class LiveItem:
    """One entry of the conversation. It never holds audio bytes."""

    id: str
    type: str = "message"
    role: str = ""
    status: Status = "completed"
    is_audio: bool = False
    text: str = ""  # the user's words, or all that was generated
    is_transcribed: bool = True  # false while the words of spoken audio are not known yet
    sent_text: str | None = None  # of our own replies: what went over the wire by now
    heard_text: str | None = None  # what was played, once it is known; see `played_text`
    heard_ms: int | None = None
    audio_samples: int = 0
    clauses: list[tuple[str, int]] = field(default_factory=list)  # text and ms of audio, as spoken
    call: dict[str, str] = field(default_factory=dict)  # call_id, name, arguments, output; server_label, error
    response_id: str = ""
    engines: dict[str, str] = field(default_factory=dict)  # stt, llm, tts -> provider:model
    waterfall: dict[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    error_code: str = ""
    error_message: str = ""

    @property
    def audio_ms(self) -> int:
        """The length of the audio in ms."""
        return samples_to_ms(self.audio_samples)

    @property
    def played_text(self) -> str:
        """Return the words that were told and heard by now, however the reply ends or has ended.

        That is what is stored as heard, shown to clients and to a later session, and remembered. Of a reply that
        did not get to its end: the words whose sound was sent, as long as nobody says that less of it was played.
        """
        if self.heard_text is not None:
            return self.heard_text
        if self.role != "assistant" or self.status == "completed":
            return self.text
        if self.is_audio:
            return estimate_heard_text(self._timed_clauses, self.audio_ms)
        return self.text if self.sent_text is None else self.sent_text

    @property
    def context_text(self) -> str:
        """Return the words that the model is shown: `played_text`, or all of a reply that it is still writing."""
        return self.text if self.status == "in_progress" else self.played_text

    @property
    def _timed_clauses(self) -> list[tuple[str, int]]:
        """Return each clause with the length of its sound in ms.

        What a speech-to-speech model says is one clause, whose words run ahead of its sound.
        """
        if self.sent_text is not None:
            return self.clauses
        is_whole = self.status == "completed"
        return [(self.text, self.audio_ms if is_whole else max(self.audio_ms, len(self.text) * TYPICAL_MS_PER_CHAR))]

    def truncate(self, played_ms: int) -> None:
        """Record that the user heard the audio up to `played_ms`."""
        self.heard_ms = min(played_ms, self.audio_ms)
        self.heard_text = estimate_heard_text(self._timed_clauses, self.heard_ms) if self.heard_ms else ""

    def to_wire(self, *, as_sent: bool = False) -> dict[str, Any]:
        """Return the item as events show it.

        With `as_sent` it has the words that its response sent, whatever was heard of them.
        """
        shown: dict[str, Any] = {"id": self.id, "object": "realtime.item", "type": self.type, "status": self.status}
        if self.type == "message":
            return shown | {"role": self.role, "content": [] if self.is_empty else [self._content_to_wire(as_sent)]}
        return shown | self._call_to_wire()

    def _call_to_wire(self) -> dict[str, Any]:
        keys = CALL_KEYS[self.type]
        shown: dict[str, Any] = {key: self.call[key] for key in keys if key in self.call}
        if self.type == "mcp_call":
            shown.setdefault("output", None)  # the agents SDK throws without the key
            if self.call.get("error"):
                shown["error"] = {"type": "tool_execution_error", "message": self.call["error"]}
        return shown

    @property
    def is_empty(self) -> bool:
        """Return whether the item shows no content part: it is a reply that has not begun."""
        return self.role == "assistant" and self.status == "in_progress" and not self.text

    def _content_to_wire(self, as_sent: bool) -> dict[str, Any]:
        if self.role == "assistant":
            kind, key = ("output_audio", "transcript") if self.is_audio else ("output_text", "text")
            return {"type": kind, key: self.sent_text if as_sent and self.sent_text is not None else self.played_text}
        if self.is_audio:
            # The key must be there even while unknown: the agents SDK throws without it.
            return {"type": "input_audio", "transcript": self.text if self.is_transcribed else None}
        return {"type": "input_text", "text": self.text}


class ItemLog:
    """The conversation's items in order."""

    def __init__(self, items: list[LiveItem] | None = None) -> None:
        self._items = list(items or [])
        self._first: LiveItem | None = None  # that the model is shown; None: all are

    def __iter__(self) -> "Any":
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def get(self, item_id: str) -> LiveItem | None:
        """Return the item with this id, or None."""
        return next((item for item in self._items if item.id == item_id), None)

    def get_previous_id(self, item: LiveItem) -> str | None:
        """Return the id of the item before this one, or None for the first."""
        place = self._items.index(item)
        return self._items[place - 1].id if place else None

    @property
    def last_id(self) -> str | None:
        """The id of the last item, or None if there is none."""
        return self._items[-1].id if self._items else None

    def is_last_message(self, message: LiveItem) -> bool:
        """Return whether no message follows this one."""
        return next((item for item in reversed(self._items) if item.type == "message"), None) is message

    def has_place(self, after: str | None) -> bool:
        """Return whether an item can be inserted behind `after`, which `insert` explains."""
        return after in (None, "root") or self.get(after or "") is not None

    def insert(self, item: LiveItem, after: str | None = None) -> None:
        """Insert an item behind the item `after`, in front for "root", or at the end for None.

        Raise KeyError for an unknown id.
        """
        if after is None:
            self._items.append(item)
        elif after == "root":
            self._items.insert(0, item)
        elif (anchor := self.get(after)) is None:
            raise KeyError(after)
        else:
            self._items.insert(self._items.index(anchor) + 1, item)

    def remove(self, item: LiveItem) -> None:
        """Remove an item of the log, or raise ValueError if it is not there."""
        if item is self._first:
            self._first = next(iter(self.context_items[1:]), None)
        self._items.remove(item)

    @property
    def context_items(self) -> list[LiveItem]:
        """The items that the model is shown: all but the oldest that `forget_oldest` left out."""
        start = self._items.index(self._first) if self._first in self._items else 0
        return self._items[start:]

    def forget_oldest(self) -> None:
        """Stop showing the model the oldest of `context_items`, which stays in the conversation."""
        self._first = self.context_items[1]
