"""What a session could not store by its end, as lines of JSON."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from conversations.realtime.protocol.items import LiveItem, Usage
from conversations.storage.changes import Change, Drop, Put
from conversations.storage.store import OpenedConversation


@dataclass(frozen=True, slots=True)
class Origin:
    """The session that leaves changes behind, and its conversation.

    `has_stored` tells whether anything of the session was stored before.
    """

    pk: int
    public_id: str
    holder: str
    user_id: int
    assistant: str
    has_stored: bool

    @classmethod
    def from_session(cls, opened: OpenedConversation, has_stored: bool) -> "Origin":
        """Return the origin of what a session leaves behind whose conversation is to be stored."""
        pk, user_id, has_stored = opened.pk or 0, opened.caller.user_id, has_stored or bool(opened.items)
        return cls(pk, opened.public_id, opened.holder, user_id, opened.assistant_slug, has_stored)


@dataclass(frozen=True, slots=True)
class UnstoredChanges:
    """The changes of a session that are not stored."""

    origin: Origin
    changes: Sequence[Change]

    @classmethod
    def from_session(cls, opened: OpenedConversation, changes: Sequence[Change], has_stored: bool) -> "UnstoredChanges":
        """Return what is left of a session whose conversation is to be stored."""
        return cls(Origin.from_session(opened, has_stored), changes)


def encode(unstored: UnstoredChanges) -> bytes:
    """Return the changes with their audio, encoded now: a line for the session, then one for each change."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in _to_lines(unstored))


def _to_lines(unstored: UnstoredChanges) -> Iterator[dict[str, Any]]:
    yield asdict(unstored.origin)
    for change in unstored.changes:
        if isinstance(change, Drop):
            yield {"drop": change.item_id}
        else:
            sound = base64.b64encode(change.make_clip()).decode() if change.make_clip else None
            yield {"item": asdict(change.item), "after": change.after, "sound": sound}


def parse(data: bytes) -> UnstoredChanges:
    """Return what `encode` was given, also if another version of the site has written it."""
    origin, *made = (json.loads(line) for line in data.splitlines())
    return UnstoredChanges(Origin(**origin), [_parse_change(one) for one in made])


def _parse_change(line: dict[str, Any]) -> Change:
    if "drop" in line:
        return Drop(line["drop"])
    known = {field.name for field in fields(LiveItem)}  # an older or newer version may have had others
    item = LiveItem(**{name: value for name, value in line["item"].items() if name in known})
    item.usage = Usage(**line["item"]["usage"])
    sound = line["sound"]
    return Put(item, line["after"], (lambda: base64.b64decode(sound)) if sound else None)
