"""Convert audio between the format that a session asked for on the wire and the PCM at 24 kHz inside the site.

Each direction is a stream of its own, since the resampling filters need what came before.
"""

import base64
from dataclasses import replace
from typing import Any

from openai.types import realtime as sdk

from conversations.audio.g711 import A_LAW, MU_LAW, Decoder, Encoder, Law
from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.client_events import AudioAppend, ClientEvent, ItemCreation
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.ids import make_id
from conversations.realtime.protocol.session_config import SessionConfig

LAWS: dict[str, Law] = {AudioFormat.PCMU: MU_LAW, AudioFormat.PCMA: A_LAW}
G711_BYTES_PER_MS = 8
MAX_ITEM_SEC = 300  # of G.711 in one item: a frame can hold six times as much time of it as of PCM


def get_bytes_per_ms(kind: str) -> int:
    """Return how many bytes a millisecond takes in the format `kind`."""
    return G711_BYTES_PER_MS if kind in LAWS else BYTES_PER_MS


def is_pcm(config: SessionConfig) -> bool:
    """Return whether a session's input and output are PCM, so that nothing is to be converted."""
    return config.input.format == config.output.format == AudioFormat.PCM


class InputAudio:
    """Converts the audio that a client sends. While `kind` is PCM, PCM needs no conversion."""

    def __init__(self) -> None:
        self.kind: str = AudioFormat.PCM  # format of the audio that came last
        self._decoder: Decoder | None = None

    def read(self, event: ClientEvent, kind: str) -> list[ClientEvent]:
        """Return the event with its audio as PCM; before a commit, also an append with what the decoder held back.

        `kind` is the present input format of the session, such as audio/pcmu.
        """
        match event:
            case AudioAppend():
                pcm = self._decode(event.pcm, kind)
                return [event if pcm is event.pcm else AudioAppend(pcm, event.event_id)]
            case sdk.InputAudioBufferCommitEvent():
                return [*self.flush(), event]
            case sdk.InputAudioBufferClearEvent():
                self._flush_decoder()
        return [event]

    def flush(self) -> list[ClientEvent]:
        """Return an append with the last audio that the decoder held back; [] if there is none."""
        tail = self._flush_decoder()
        return [AudioAppend(tail)] if tail else []

    def _decode(self, data: bytes, kind: str) -> bytes:
        if kind == self.kind and self._decoder is None:
            return data
        tail = b""
        if kind != self.kind:
            tail = self._flush_decoder()
            self.kind, self._decoder = kind, Decoder(LAWS[kind]) if kind in LAWS else None
        return tail + (self._decoder.decode(data) if self._decoder else data)

    def _flush_decoder(self) -> bytes:
        if self._decoder is None:
            return b""
        tail, self._decoder = self._decoder.flush(), Decoder(LAWS[self.kind])
        return tail


class OutputAudio:
    """Converts the audio in server events. Each response keeps the format with which it began.

    While `kinds` is empty, only `response.created` matters here, and all other events stay as they are.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}  # formats by response id, of those that are not PCM
        self._encoders: dict[str, Encoder] = {}  # by item id

    def encode_event(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the events to send for this one: none if no audio is ready yet, or the last audio before it."""
        kind: str = event["type"]
        if kind == "response.created":
            self._begin_response(event["response"])
        elif not self.kinds:
            return [event]
        elif kind == "response.output_audio.delta":
            return self._encode_delta(event)
        elif kind == "response.output_audio.done":
            return [*self._flush_item(event), event]
        elif kind == "response.done":
            self.kinds.pop(event["response"]["id"], None)
        return [event]

    def _begin_response(self, response: dict[str, Any]) -> None:
        kind = response["audio"]["output"]["format"]["type"]
        if kind in LAWS:
            self.kinds[response["id"]] = kind

    def _encode_delta(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        kind = self.kinds.get(event["response_id"])
        if kind is None:
            return [event]
        encoder = self._encoders.setdefault(event["item_id"], Encoder(LAWS[kind]))
        sound = encoder.encode(base64.b64decode(event["delta"]))
        return [{**event, "delta": base64.b64encode(sound).decode()}] if sound else []

    def _flush_item(self, done: dict[str, Any]) -> list[dict[str, Any]]:
        encoder = self._encoders.pop(done["item_id"], None)
        tail = encoder.flush() if encoder else b""
        delta = {"type": "response.output_audio.delta", "event_id": make_id("event")}
        return [{**done, **delta, "delta": base64.b64encode(tail).decode()}] if tail else []


def decode_item_audio(event: ItemCreation, config: SessionConfig) -> tuple[ItemCreation, float]:
    """Return the event with the audio of its item as PCM, and how many seconds of G.711 that were.

    It is slow, so call it in a thread. The session's configuration names the formats. Raise ProtocolError if the audio
    is too long.
    """
    parts, seconds = [], 0.0
    for part in event.item.content:
        kind = config.output.format if part.type == "output_audio" else config.input.format
        if kind in LAWS and part.audio:
            seconds += len(part.audio) / G711_BYTES_PER_MS / 1000
            if seconds > MAX_ITEM_SEC:
                message = (
                    f"The audio of an item is limited to {MAX_ITEM_SEC} seconds. Append it to the input buffer instead."
                )
                raise ProtocolError("invalid_value", message, "item.content.audio", event.event_id)
            part = replace(part, audio=_decode_whole(part.audio, Decoder(LAWS[kind])))
        parts.append(part)
    return replace(event, item=replace(event.item, content=tuple(parts))), seconds


def _decode_whole(data: bytes, decoder: Decoder) -> bytes:
    step = 1000 * G711_BYTES_PER_MS
    pieces = [decoder.decode(data[start : start + step]) for start in range(0, len(data), step)]
    return b"".join(pieces) + decoder.flush()
