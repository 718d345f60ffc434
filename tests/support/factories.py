"""People, conversations and sound for tests: plain functions that write real rows."""

import itertools
import math
import struct
from functools import cache
from typing import Any

from django.core.files.base import ContentFile

from accounts.models import User
from conversations.audio import opus
from conversations.models import AudioClip, Conversation, Item
from conversations.pcm import SAMPLE_RATE
from conversations.realtime.protocol.ids import make_id

WATERFALL = {
    "endpoint": 0,
    "transcript": 310,
    "first_token": 620,
    "first_clause": 700,
    "first_audio": 905,
    "playback": 990,
    "done": 2140,
}
_numbers = itertools.count(1)


def make_user(**fields: Any) -> User:
    """Create a user, without a password unless one is given: hashing it is most of what a test would cost."""
    fields.setdefault("email", f"person{next(_numbers)}-{make_id('u').lower()}@example.com")
    return User.objects.create_user(**fields)


def make_conversation(user: User | None = None, *texts: str, sound: bool = False, **fields: Any) -> Conversation:
    """Create a conversation with `texts` as the user's and the assistant's items in turn.

    With `sound` each has a clip of 0.2 s.
    """
    conversation = Conversation.objects.create(user=user or make_user(), **fields)
    for text in texts:
        item = add_item(conversation, text)
        if sound:
            add_clip(item)
    return conversation


def add_item(conversation: Conversation, text: str, **fields: Any) -> Item:
    """Create the conversation's next item, and keep its counters as the store does."""
    position = conversation.items.count()
    role = fields.setdefault("role", "assistant" if position % 2 else "user")
    if role == "assistant":
        fields.setdefault("waterfall", WATERFALL)
    defaults = {"public_id": make_id("item"), "status": Item.Status.COMPLETED, "is_audio": True}
    item = Item.objects.create(conversation=conversation, position=position, text=text, **{**defaults, **fields})
    conversation.item_count += 1
    conversation.error_count += bool(item.error_code)
    conversation.updated_at = item.created_at
    conversation.save()
    return item


def add_clip(item: Item, duration_ms: int = 200) -> AudioClip:
    ogg = opus.encode(make_tone(duration_ms))
    item.audio_ms = duration_ms
    item.save(update_fields=["audio_ms"])
    clip = AudioClip(item=item, duration_ms=duration_ms, size_bytes=len(ogg))
    clip.file.save(f"{item.public_id}.ogg", ContentFile(ogg))
    return clip


@cache
def make_tone(duration_ms: int, hertz: int = 440) -> bytes:
    """Return PCM, signed 16 bit little-endian, mono, 24,000 Hz."""
    steps = (2 * math.pi * hertz * n / SAMPLE_RATE for n in range(duration_ms * SAMPLE_RATE // 1000))
    return b"".join(struct.pack("<h", round(8000 * math.sin(step))) for step in steps)
