"""The changes that a session makes to its conversation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conversations.realtime.protocol import items as live


@dataclass(frozen=True, slots=True)
class Put:
    """Save an item as it stands.

    `after` is where a new item is inserted: after the item of this id, first ("root"), or last (None). `make_clip`
    returns the item's audio as an Ogg Opus file; it is called before anything is locked.
    """

    item: live.LiveItem
    after: str | None = None
    make_clip: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete an item and its audio."""

    item_id: str


Change = Put | Drop


def merge_changes(changes: Sequence[Change]) -> list[Change]:
    """Return only the last of several states of an item, at the place of the first."""
    latest: list[Change] = []
    places: dict[str, int] = {}
    for change in changes:
        if isinstance(change, Drop):
            places.pop(change.item_id, None)
        elif (place := places.setdefault(change.item.id, len(latest))) < len(latest):
            first = latest[place]
            latest[place] = Put(change.item, first.after if isinstance(first, Put) else None)
            continue
        latest.append(change)
    return latest
