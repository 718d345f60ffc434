"""The output of the upstream's responses: store their items, words and sound as they come."""

import base64
import binascii
from typing import Any

from conversations.pcm import count_samples
from conversations.realtime import commands
from conversations.realtime.relay.response import STORED, RelayResponse, read_item, update_item
from conversations.realtime.relay.response_storage import is_kept
from conversations.realtime.relay.state import RelayState

SAVE_SEC = 1.0  # how often a message is saved while its audio comes


def add_item(state: RelayState, response: RelayResponse, event: dict[str, Any]) -> None:
    """Add an item that the response begins to write. One out of band is kept apart from the conversation."""
    shown = event["item"]
    if shown["type"] not in STORED:
        return
    item = state.log.get(shown["id"]) or read_item(shown)
    item.status, item.waterfall, item.response_id = "in_progress", response.waterfall, response.id
    response.items.append(item)
    if not response.is_out_of_band:
        if state.log.get(item.id) is None:
            state.log.insert(item)
        state.save(item)


def finish_item(state: RelayState, response: RelayResponse, event: dict[str, Any]) -> None:
    """Store an item as the upstream has finished it."""
    if item := response.find_item(event["item"]["id"]):
        update_item(item, event["item"])
        if is_kept(state, item):
            state.save(item)


def open_part(state: RelayState, response: RelayResponse, event: dict[str, Any]) -> None:
    """Note where the item's open part stands, for its closing events, and whether it is sound."""
    place = {key: event[key] for key in ("response_id", "item_id", "output_index", "content_index")}
    response.open_parts[event["item_id"]] = place
    if item := response.find_item(event["item_id"]):
        item.is_audio = item.is_audio or event["part"].get("type") == "audio"


def add_text(state: RelayState, response: RelayResponse, event: dict[str, Any]) -> None:
    """Add words to a message."""
    response.stamp("first_token", state.now)
    item = response.find_item(event["item_id"])
    if item is not None and item.type == "message":
        item.text = (item.text + event["delta"])[: state.limits.max_text_chars]


def add_audio(state: RelayState, response: RelayResponse, event: dict[str, Any]) -> None:
    """Add sound (PCM16 mono at 24 kHz, as base64) to a message, and keep it for the clip of the response."""
    try:
        pcm = base64.b64decode(event["delta"])
    except binascii.Error:
        pcm = b""
    item = response.find_item(event["item_id"])
    if item is None:
        return
    response.stamp("first_audio", state.now)
    response.record_sound(state.now, count_samples(pcm))
    item.audio_samples += count_samples(pcm)
    if response.is_out_of_band:
        return
    if state.now - response.saved_at >= SAVE_SEC and is_kept(state, item):
        response.saved_at = state.now  # so that a later session knows it even if the server is killed
        state.save(item, in_background=True)
    state.has_sent_audio = True
    state.do(commands.KeepAudio(response.id, pcm))
