"""The relay on a table: a client and an upstream that say what the test says."""

import base64
import json
from itertools import count
from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.deadlines import Deadline
from conversations.realtime.protocol.client_events import AudioAppend, parse_event
from conversations.realtime.protocol.errors import Failure, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.session_config import build_config
from conversations.realtime.relay.commands import Reconnect, RelayCommand, SendUpstream
from conversations.realtime.relay.machine import RelayMachine
from conversations.realtime.relay.upstream_events import UpstreamEvent, UpstreamLost, UpstreamReady
from conversations.realtime.relay.upstream_validation import check_event
from conversations.realtime.state import Limits
from tests.support.realtime import wire

LOST = Failure("engine_unavailable", "The upstream broke off.")
FOREIGN = ("output_audio_buffer.",)  # our additions, which the official types do not know


class RelayTable:
    """`sent`: all that the client was sent. `told`: what the upstream was, by the present connection."""

    def __init__(self, *, items: tuple[LiveItem, ...] = (), limits: Limits | None = None, is_up: bool = True) -> None:
        ids = count(1)
        config = build_config(
            session_id="sess_ours", model="assistant", instructions="Be brief.", voice="marin", stt_model="stt-1",
            language="", speed=1.0, expires_at=1_900_000_000,
        )  # fmt: skip
        self.machine = RelayMachine(
            config, "conv_1", lambda prefix: f"{prefix}_{next(ids)}", limits, items, transcription_model="stt-1"
        )
        self.now = 100.0
        self.actions: list[RelayCommand] = []
        self.sent: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        self.deadlines: dict[Deadline, float] = {}
        self._upstream_ids = count(1)
        self._take(self.machine.start(self.now))
        if is_up:
            self.connect()

    def _take(self, actions: list[RelayCommand]) -> list[dict[str, Any]]:
        self.actions += actions
        sent = [action.event for action in actions if isinstance(action, commands.Send)]
        for event in sent:
            if not event["type"].startswith(FOREIGN):
                wire.check_event(event, json.dumps(event))
        self.told += [action.event for action in actions if isinstance(action, SendUpstream)]
        for action in actions:
            if isinstance(action, commands.SetDeadline):
                self.deadlines.pop(action.deadline, None)
                if action.at is not None:
                    self.deadlines[action.deadline] = action.at
        self.sent += sent
        return sent

    # What happens.

    def connect(self) -> None:
        """Open an upstream connection that agrees to the settings."""
        self.told.clear()
        self._take(self.machine.receive(UpstreamReady(), self.now))
        self.agree()

    def agree(self) -> list[dict[str, Any]]:
        """Let the upstream agree to the settings."""
        return self.report("session.updated", session={"type": "realtime"})

    def lose(self) -> list[dict[str, Any]]:
        """Break the connection to the upstream."""
        return self._take(self.machine.receive(UpstreamLost(LOST), self.now))

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send a client event through the parser, and return what the client is sent about it."""
        try:
            event = parse_event(json.dumps({"type": kind, **fields}))
        except ProtocolError as error:
            return self._take(self.machine.refuse(error))
        return self._take(self.machine.receive(event, self.now))

    def send_audio(self, ms: int, sample: bytes = b"\x01\x00") -> list[dict[str, Any]]:
        """Send `ms` of the user's audio, made of one repeated sample."""
        return self._take(self.machine.receive(AudioAppend(sample * (ms * BYTES_PER_MS // 2)), self.now))

    def report(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Let the upstream send an event, and return what the client is sent about it."""
        event = check_event({"type": kind, "event_id": f"event_u{next(self._upstream_ids)}", **fields})
        assert event is not None, f"no such event: {kind}"
        return self._take(self.machine.receive(UpstreamEvent(event), self.now))

    def pass_time(self, seconds: float) -> None:
        """Advance the clock, and report each deadline that passes on the way."""
        end = self.now + seconds
        while due := [(at, deadline) for deadline, at in self.deadlines.items() if at <= end]:
            self.now, deadline = min(due)
            del self.deadlines[deadline]
            self._take(self.machine.receive(engine_events.DeadlinePassed(deadline), self.now))
        self.now = end

    def leave(self, *, vanished: bool = False) -> None:
        """Disconnect the client; `vanished` means that it did not say goodbye."""
        self._take(self.machine.receive(engine_events.ClientGone(vanished), self.now))

    def end_session(self) -> None:
        """End the machine, as the driver does when the session is over."""
        self._take(self.machine.end())

    # An upstream's turns.

    def report_utterance(self, item_id: str, start_ms: int, end_ms: int, words: str | None = "Hello.") -> None:
        """Let the upstream detect and commit an utterance, and transcribe it unless `words` is None."""
        self.report("input_audio_buffer.speech_started", audio_start_ms=start_ms, item_id=item_id)
        self.report("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=item_id)
        self.report_committed(item_id)
        if words is not None:
            self.report_transcript(item_id, words)

    def report_committed(self, item_id: str) -> None:
        """Let the upstream commit the user's audio as an item."""
        self.report("input_audio_buffer.committed", item_id=item_id, previous_item_id=None)
        part = {"type": "input_audio", "transcript": None}
        item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": [part]}
        for kind in ("added", "done"):
            self.report(f"conversation.item.{kind}", item=item, previous_item_id=None)

    def report_transcript(self, item_id: str, words: str) -> list[dict[str, Any]]:
        """Let the upstream transcribe an item of the user."""
        usage = {"type": "duration", "seconds": 1.5}
        kind = "conversation.item.input_audio_transcription.completed"
        return self.report(kind, item_id=item_id, content_index=0, transcript=words, usage=usage)

    def begin_response(self, name: str, words: str, audio_ms: int, **response: Any) -> None:
        """Let the upstream send a spoken response up to its last delta."""
        shown = {"id": f"resp_{name}", "object": "realtime.response", "status": "in_progress", "output": [],
                 "conversation_id": "conv_theirs", "output_modalities": ["audio"], **response}  # fmt: skip
        self.report("response.created", response=shown)
        item = self._make_item(name, "in_progress", [])
        self.report("response.output_item.added", response_id=shown["id"], output_index=0, item=item)
        if shown["conversation_id"]:
            self.report("conversation.item.added", item=item, previous_item_id=None)
        part = {"type": "audio", "transcript": ""}
        self.report("response.content_part.added", **self.get_place(name), part=part)
        self.report("response.output_audio_transcript.delta", **self.get_place(name), delta=words)
        sound = base64.b64encode(b"\x02\x00" * (audio_ms * BYTES_PER_MS // 2)).decode()
        self.report("response.output_audio.delta", **self.get_place(name), delta=sound)

    def end_response(self, name: str, words: str, status: str = "completed", **response: Any) -> list[dict[str, Any]]:
        """Let the upstream end a response, and return what the client is sent at its end."""
        item = self._make_item(name, "completed" if status == "completed" else "incomplete",
                          [{"type": "output_audio", "transcript": words}])  # fmt: skip
        self.report("response.content_part.done", **self.get_place(name), part={"type": "audio", "transcript": words})
        if response.get("conversation_id", "conv") is not None:
            self.report("conversation.item.done", item=item, previous_item_id=None)
        self.report("response.output_item.done", response_id=f"resp_{name}", output_index=0, item=item)
        usage = {"total_tokens": 30, "input_tokens": 10, "output_tokens": 20,
                 "input_token_details": {"audio_tokens": 4, "cached_tokens": 2},
                 "output_token_details": {"audio_tokens": 15}}  # fmt: skip
        shown = {"id": f"resp_{name}", "object": "realtime.response", "status": status, "usage": usage,
                 "output": [item], "conversation_id": "conv_theirs", "output_modalities": ["audio"]}  # fmt: skip
        return self.report("response.done", response=shown | response)

    def _make_item(self, name: str, status: str, content: list[Any]) -> dict[str, Any]:
        return {"id": f"item_{name}", "type": "message", "role": "assistant", "status": status, "content": content}

    def get_place(self, name: str) -> dict[str, Any]:
        """Return the fields by which an event names a content part of a response."""
        return {"response_id": f"resp_{name}", "item_id": f"item_{name}", "output_index": 0, "content_index": 0}

    # What came of it.

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.sent]

    @property
    def told_kinds(self) -> list[str]:
        return [event["type"] for event in self.told]

    def get_saved(self, item_id: str) -> LiveItem:
        """Return the item as it was stored last."""
        saves = [action for action in self.actions if isinstance(action, commands.Save) and action.item.id == item_id]
        return saves[-1].item

    def get_sound(self, item_id: str) -> bytes:
        """Return all PCM that was stored of an item."""
        saves = [action for action in self.actions if isinstance(action, commands.Save) and action.item.id == item_id]
        return b"".join(save.pcm for save in saves)

    @property
    def is_reconnecting(self) -> bool:
        """Return whether the relay asked for a new connection."""
        return any(isinstance(action, Reconnect) for action in self.actions)

    def assert_stored_before_told(self) -> None:
        """Check that no event names an item before the item was saved."""
        saved: set[str] = set()
        for action in self.actions:
            if isinstance(action, commands.Save):
                saved.add(action.item.id)
            elif isinstance(action, commands.Send) and action.event["type"].startswith("conversation.item."):
                named = action.event.get("item_id") or action.event["item"]["id"]
                assert named in saved, f"{action.event['type']} tells of {named}, which is not stored"


TYPED = {"id": "item_typed", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
