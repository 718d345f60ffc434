"""What the relay knows of one response of the upstream."""

from dataclasses import dataclass, field
from typing import Any

from conversations.pcm import SAMPLE_RATE
from conversations.realtime.measurements import PlaybackLatency
from conversations.realtime.playback import Playback, SpeechLag
from conversations.realtime.protocol.client_events import PlaybackStarted
from conversations.realtime.protocol.items import CALL_KEYS, LiveItem, Usage
from conversations.realtime.relay.state import RelayState

STORED = ("message", *CALL_KEYS)  # the item types that are stored; others, such as tool lists, are only passed on


@dataclass(slots=True)
class RelayResponse:
    """One response of the upstream, with the state of its items and of its playback."""

    id: str
    shown: dict[str, Any]  # as `response.created` had it
    is_out_of_band: bool
    endpoint_at: float  # zero of the waterfall
    answers: str = ""  # id of the utterance it answers
    waterfall: dict[str, int] = field(default_factory=dict)
    items: list[LiveItem] = field(default_factory=list)
    open_parts: dict[str, dict[str, Any]] = field(default_factory=dict)  # by item: the ids and indexes of its open part
    playback: Playback = field(default_factory=Playback)
    saved_at: float = 0.0
    lag: SpeechLag = field(default_factory=SpeechLag)

    def stamp(self, step: str, at: float) -> None:
        """Note when a step of the waterfall was first reached, in ms since the endpoint."""
        self.waterfall.setdefault(step, round((at - self.endpoint_at) * 1000))

    def record_sound(self, at: float, samples: int) -> None:
        """Count audio that came at `at`, and that its item does not hold yet, in the speech lag and in the playback."""
        self.lag.add_sound(at, self.plays_until, samples / SAMPLE_RATE, is_owed=True)
        self.playback.schedule(at, self.audio_ms)

    @property
    def plays_until(self) -> float:
        """Return when the client will have played what was sent."""
        return self.playback.compute_end_at(self.audio_ms)

    @property
    def audio_ms(self) -> int:
        """The length of all its audio in ms."""
        return sum(item.audio_ms for item in self.items)

    def estimate_played_ms(self, now: float) -> int:
        """Return how many ms of its sound the client has played by now."""
        return self.playback.estimate_played_ms(now, self.audio_ms)

    def is_sounding(self, now: float) -> bool:
        """Return whether the client is still playing it."""
        return self.playback.is_sounding(now, self.audio_ms)

    def find_item(self, item_id: str) -> LiveItem | None:
        """Return the item with this id, or None if the response has none."""
        return next((item for item in self.items if item.id == item_id), None)

    @property
    def main(self) -> LiveItem | None:
        """The item that usage and waterfall are stored with: its first message, or else its first item."""
        return next((item for item in self.items if item.type == "message"), next(iter(self.items), None))


def show_response(state: RelayState, response: RelayResponse, shown: dict[str, Any]) -> dict[str, Any]:
    """Return the response as the client sees it: in our conversation, and with the client's audio format."""
    output = (shown.get("audio") or {}).get("output") or {}
    sound = {"output": {**output, "format": state.config.output.format.to_wire()}}
    seen = {**shown, "audio": sound, "conversation_id": None if response.is_out_of_band else state.conversation_id}
    is_timed = shown["status"] != "in_progress" and state.has_extension("playback") and not response.is_out_of_band
    return seen | ({"timing": dict(response.waterfall)} if is_timed else {})


def close_item(state: RelayState, response: RelayResponse, item: LiveItem, *, is_kept: bool) -> None:
    """Send the closing events of an item that ends as it stands. `is_kept`: it is in the conversation."""
    place = response.open_parts.pop(item.id, None)
    if place and item.is_audio:
        state.send("response.output_audio.done", **place)
        state.send("response.output_audio_transcript.done", **place, transcript=item.text)
        state.send("response.content_part.done", **place, part={"type": "audio", "transcript": item.text})
    elif place:
        state.send("response.output_text.done", **place, text=item.text)
        state.send("response.content_part.done", **place, part={"type": "text", "text": item.text})
    if is_kept:
        state.send("conversation.item.done", item=item.to_wire(), previous_item_id=state.log.get_previous_id(item))
    index = response.items.index(item)
    state.send("response.output_item.done", response_id=response.id, output_index=index, item=item.to_wire())


def note_playback(state: RelayState, response: RelayResponse | None, event: PlaybackStarted) -> None:
    """Take the client's report of how much it has played, if it is about this response."""
    if response is None or response.id != event.response_id or response.main is None:
        return
    began_at = response.playback.report(event.played_ms, state.now)
    if "playback" in response.waterfall:  # told again after an outage, in which the sound ran dry
        return
    response.stamp("playback", began_at)
    if state.log.get(response.main.id) is response.main:  # not deleted meanwhile
        state.save(response.main, in_background=True)
    state.do(PlaybackLatency(response.waterfall["playback"]))


def read_usage(shown: dict[str, Any]) -> Usage:
    """Return the usage that a response of the upstream reports."""
    usage = shown.get("usage") or {}
    given, made = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
    return Usage(
        input_tokens=int(usage.get("input_tokens") or 0),
        output_tokens=int(usage.get("output_tokens") or 0),
        cached_tokens=int(given.get("cached_tokens") or 0),
        input_audio_tokens=int(given.get("audio_tokens") or 0),
        output_audio_tokens=int(made.get("audio_tokens") or 0),
    )


def read_item(shown: dict[str, Any]) -> LiveItem:
    """Return an item of the upstream as one of ours."""
    item = LiveItem(shown["id"], shown["type"], shown.get("role") or "")
    update_item(item, shown)
    return item


def update_item(item: LiveItem, shown: dict[str, Any]) -> None:
    """Take over what the upstream says of an item that is known."""
    status = shown.get("status")
    item.status = status if status in ("in_progress", "incomplete") else "completed"
    parts = shown.get("content") or []
    words = "".join(part.get("transcript") or part.get("text") or "" for part in parts)
    if words:
        item.text = words
    item.is_audio = item.is_audio or any("audio" in part["type"] for part in parts)
    keys = ("name", "call_id", "arguments", "output", "server_label")
    item.call |= {key: shown[key] for key in keys if isinstance(shown.get(key), str)}
