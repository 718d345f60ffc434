"""The turn machine on a table: a clock that the test turns, engines that answer what the test says."""

import base64
import json
from itertools import count
from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.deadlines import Deadline
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.client_events import AudioAppend, parse_event
from conversations.realtime.protocol.errors import Failure, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.session_config import build_config
from conversations.realtime.state import Limits, SessionSetup
from tests.support.realtime import wire

WINDOW_MS = 32
BARGE_IN_MS = 192  # enough to count as speech also over a reply that has just begun


class Table:
    def __init__(
        self,
        *,
        limits: Limits | None = None,
        items: tuple[LiveItem, ...] = (),
        setup: SessionSetup | None = None,
        dialect: BetaDialect | None = None,
        kind: str = "realtime",
        **turn_detection: Any,
    ) -> None:
        numbers = count(1)
        self.dialect = dialect
        config = build_config(
            session_id="sess_1",
            model="assistant",
            instructions="Be brief.",
            voice="kore",
            stt_model="stt-1",
            language="",
            speed=1.0,
            expires_at=1_900_000_000,
            kind=kind,
        )
        self.machine = TurnMachine(config, "conv_1", lambda prefix: f"{prefix}_{next(numbers)}", limits, items, setup)
        self.now = 100.0
        self.actions: list[commands.Command] = []
        self._answered: list[commands.Transcribe] = []
        self.deadlines: dict[Deadline, float] = {}
        self._take(self.machine.start(self.now))
        if turn_detection:
            detection = {"type": "server_vad", **turn_detection}
            self.client("session.update", session={"audio": {"input": {"turn_detection": detection}}})

    # What happens.

    def client(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """A client event through the parser; returns what the server sends about it."""
        return self.frame(json.dumps({"type": kind, **fields}))

    def frame(self, text: str) -> list[dict[str, Any]]:
        try:
            event = parse_event(text, self.dialect.translate_client_event if self.dialect else None)
        except ProtocolError as error:
            return self._take(self.machine.refuse(error))
        return self._take(self.machine.receive(event, self.now))

    def engine(self, event: engine_events.EngineEvent) -> list[dict[str, Any]]:
        return self._take(self.machine.receive(event, self.now))

    def manual(self) -> None:
        self.client("session.update", session={"audio": {"input": {"turn_detection": None}}})

    def audio(self, ms: int, speech: float | None = None) -> list[dict[str, Any]]:
        """Audio in real time, all of it speech with the probability `speech`: 0, or 0.9 where the client commits."""
        if speech is None:
            speech = 0.0 if self.machine.state.turn_detection.is_on else 0.9
        sent = []
        for _ in range(ms // WINDOW_MS):
            self.now += WINDOW_MS / 1000
            append = AudioAppend(bytes(WINDOW_MS * BYTES_PER_MS))
            sent += self._take(self.machine.receive(append, self.now))
            if isinstance(self.actions[-1], commands.DetectSpeech):
                sent += self.engine(engine_events.SpeechWindow(speech))
        return sent

    def say(self, ms: int = 960) -> list[dict[str, Any]]:
        """An utterance and the silence that ends it."""
        return self.audio(ms, 0.9) + self.audio(640, 0.0)

    def transcript(self, text: str) -> list[dict[str, Any]]:
        asked = self.last(commands.Transcribe)
        self._answered.append(asked)
        return self.engine(engine_events.TranscriptReady(asked.item_id, asked.revision, text, 1.5))

    def hear(self, words: str) -> list[dict[str, Any]]:
        """The words so far, from an engine that hears while one speaks."""
        return self.engine(engine_events.PartialTranscript(self.last(commands.FeedTranscriber).item_id, words))

    def fail_transcript(self, asked: commands.Transcribe) -> list[dict[str, Any]]:
        failure = Failure("engine_timeout", "Speech to text was too slow.")
        return self.engine(engine_events.TranscriptFailed(asked.item_id, asked.revision, failure))

    @property
    def awaits_words(self) -> bool:
        """Speech to text was asked and has not answered."""
        return any(isinstance(action, commands.Transcribe) and action not in self._answered for action in self.actions)

    def write(self, text: str) -> list[dict[str, Any]]:
        return self.engine(engine_events.TextDelta(self.last(commands.Generate).response_id, text))

    def end_text(self, reason: Any = "stop") -> list[dict[str, Any]]:
        return self.engine(engine_events.GenerationDone(self.last(commands.Generate).response_id, reason, 20, 5))

    def speak(self, ms: int = 1000) -> list[dict[str, Any]]:
        """Sounds every clause that waits for its speech, `ms` of audio each."""
        sent = []
        for clause in [action for action in self.actions if isinstance(action, commands.SpeakClause)]:
            response = self.machine.agent_turn.response
            if response is not None and clause.response_id == response.id and clause.index >= response.finished:
                if clause.text:
                    pcm = bytes(ms * BYTES_PER_MS)
                    sent += self.engine(engine_events.SpeechAudio(clause.response_id, clause.index, pcm))
                sent += self.engine(engine_events.SpeechDone(clause.response_id, clause.index))
        return sent

    def pass_time(self, seconds: float) -> list[dict[str, Any]]:
        """Turns the clock, and tells the machine of each deadline on the way."""
        until, sent = self.now + seconds, []
        while due := [(at, deadline) for deadline, at in self.deadlines.items() if at <= until]:
            self.now, deadline = min(due)
            del self.deadlines[deadline]
            sent += self.engine(engine_events.DeadlinePassed(deadline))
        self.now = until
        return sent

    def turn(self, words: str = "Hello there.", reply: str = "Hi, what can I do for you?") -> list[dict[str, Any]]:
        """A whole spoken turn."""
        sent = self.say() + self.transcript(words) + self.write(reply) + self.end_text()
        return sent + self.speak()

    # What came of it.

    def last(self, kind: type[Any]) -> Any:
        return next(action for action in reversed(self.actions) if isinstance(action, kind))

    def saved(self, item_id: str) -> LiveItem:
        """The item as it was stored last."""
        saves = [action for action in self.actions if isinstance(action, commands.Save)]
        return next(save.item for save in reversed(saves) if save.item.id == item_id)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [action.event for action in self.actions if isinstance(action, commands.Send)]

    def _told(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """What the client hears of it, in its dialect."""
        if self.dialect is None:
            return [event]
        told = self.dialect.translate_server_event(event)
        if told is None:
            return []
        wire.check_beta(told)
        return [told]

    def _take(self, actions: list[commands.Command]) -> list[dict[str, Any]]:
        self.actions += actions
        sent = []
        for action in actions:
            if isinstance(action, commands.Send):
                raw = json.dumps(action.event)
                wire.check(action.event, raw)
                if action.event["type"] != "rate_limits.updated":  # it follows each `response.done`
                    sent += self._told(json.loads(raw))
            elif isinstance(action, commands.SetDeadline):
                self.deadlines.pop(action.deadline, None)
                if action.at is not None:
                    self.deadlines[action.deadline] = action.at
        wire.check_order(self.events)
        return sent


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def base64_silence(ms: int) -> str:
    return base64.b64encode(bytes(ms * BYTES_PER_MS)).decode()


def typed(text: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}


BETA_REPLY = [
    "response.created",
    "response.output_item.added",
    "conversation.item.created",
    "response.content_part.added",
    "response.audio_transcript.delta",
    "response.audio.delta",
    "response.audio.done",
    "response.audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]
