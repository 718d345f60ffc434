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
            self.send("session.update", session={"audio": {"input": {"turn_detection": detection}}})

    # What happens.

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send a client event through the parser, and return what the server sends about it."""
        return self.send_frame(json.dumps({"type": kind, **fields}))

    def send_frame(self, text: str) -> list[dict[str, Any]]:
        """Send a text frame as it is, and return what the server sends about it."""
        try:
            event = parse_event(text, self.dialect.translate_client_event if self.dialect else None)
        except ProtocolError as error:
            return self._take(self.machine.refuse(error))
        return self._take(self.machine.receive(event, self.now))

    def report(self, event: engine_events.EngineEvent) -> list[dict[str, Any]]:
        """Give the machine an event of an engine, and return what the server sends about it."""
        return self._take(self.machine.receive(event, self.now))

    def disable_turn_detection(self) -> None:
        """Leave it to the client to commit its audio."""
        self.send("session.update", session={"audio": {"input": {"turn_detection": None}}})

    def send_audio(self, ms: int, speech: float | None = None) -> list[dict[str, Any]]:
        """Send `ms` of audio in real time, whose windows are speech with the probability `speech`. Without one it
        is silence, or speech where the client commits.
        """
        if speech is None:
            speech = 0.0 if self.machine.state.turn_detection.is_on else 0.9
        sent = []
        for _ in range(ms // WINDOW_MS):
            self.now += WINDOW_MS / 1000
            append = AudioAppend(bytes(WINDOW_MS * BYTES_PER_MS))
            sent += self._take(self.machine.receive(append, self.now))
            if isinstance(self.actions[-1], commands.DetectSpeech):
                sent += self.report(engine_events.SpeechWindow(speech))
        return sent

    def say(self, ms: int = 960) -> list[dict[str, Any]]:
        """Send `ms` of speech and the silence that ends the utterance."""
        return self.send_audio(ms, 0.9) + self.send_audio(640, 0.0)

    def report_transcript(self, text: str) -> list[dict[str, Any]]:
        """Answer the latest request to transcribe."""
        asked = self.find_last(commands.Transcribe)
        self._answered.append(asked)
        return self.report(engine_events.TranscriptReady(asked.item_id, asked.revision, text, 1.5))

    def hear(self, words: str) -> list[dict[str, Any]]:
        """Report the words so far, as an engine does that transcribes while the user speaks."""
        return self.report(engine_events.PartialTranscript(self.find_last(commands.FeedTranscriber).item_id, words))

    def fail_transcript(self, asked: commands.Transcribe) -> list[dict[str, Any]]:
        """Answer a request to transcribe with a timeout."""
        failure = Failure("engine_timeout", "Speech to text was too slow.")
        return self.report(engine_events.TranscriptFailed(asked.item_id, asked.revision, failure))

    @property
    def is_awaiting_transcript(self) -> bool:
        """Return whether a request to transcribe has no answer yet."""
        return any(isinstance(action, commands.Transcribe) and action not in self._answered for action in self.actions)

    def write(self, text: str) -> list[dict[str, Any]]:
        """Report text of the model."""
        return self.report(engine_events.TextDelta(self.find_last(commands.Generate).response_id, text))

    def end_text(self, reason: Any = "stop") -> list[dict[str, Any]]:
        """Report that the model has finished."""
        return self.report(engine_events.GenerationDone(self.find_last(commands.Generate).response_id, reason, 20, 5))

    def speak(self, ms: int = 1000) -> list[dict[str, Any]]:
        """Finish each clause that waits for its speech, with `ms` of audio."""
        sent = []
        for clause in [action for action in self.actions if isinstance(action, commands.SpeakClause)]:
            response = self.machine.agent_turn.response
            if response is not None and clause.response_id == response.id and clause.index >= response.finished:
                if clause.text:
                    pcm = bytes(ms * BYTES_PER_MS)
                    sent += self.report(engine_events.SpeechAudio(clause.response_id, clause.index, pcm))
                sent += self.report(engine_events.SpeechDone(clause.response_id, clause.index))
        return sent

    def pass_time(self, seconds: float) -> list[dict[str, Any]]:
        """Advance the clock, and report each deadline that passes on the way."""
        until, sent = self.now + seconds, []
        while due := [(at, deadline) for deadline, at in self.deadlines.items() if at <= until]:
            self.now, deadline = min(due)
            del self.deadlines[deadline]
            sent += self.report(engine_events.DeadlinePassed(deadline))
        self.now = until
        return sent

    def run_turn(self, words: str = "Hello there.", reply: str = "Hi, what can I do for you?") -> list[dict[str, Any]]:
        """Run a whole spoken turn: an utterance, its transcript, and the spoken reply."""
        sent = self.say() + self.report_transcript(words) + self.write(reply) + self.end_text()
        return sent + self.speak()

    # What came of it.

    def find_last(self, kind: type[Any]) -> Any:
        """Return the latest command of a kind."""
        return next(action for action in reversed(self.actions) if isinstance(action, kind))

    def get_saved(self, item_id: str) -> LiveItem:
        """Return the item as it was stored last."""
        saves = [action for action in self.actions if isinstance(action, commands.Save)]
        return next(save.item for save in reversed(saves) if save.item.id == item_id)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [action.event for action in self.actions if isinstance(action, commands.Send)]

    def _translate(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Return an event as the client receives it in its dialect: as one event or none."""
        if self.dialect is None:
            return [event]
        told = self.dialect.translate_server_event(event)
        if told is None:
            return []
        wire.check_beta_event(told)
        return [told]

    def _take(self, actions: list[commands.Command]) -> list[dict[str, Any]]:
        """Carry out commands: check what is sent against the protocol, and keep the deadlines. Return what the
        client receives.
        """
        self.actions += actions
        sent = []
        for action in actions:
            if isinstance(action, commands.Send):
                raw = json.dumps(action.event)
                wire.check_event(action.event, raw)
                if action.event["type"] != "rate_limits.updated":  # it follows each `response.done`
                    sent += self._translate(json.loads(raw))
            elif isinstance(action, commands.SetDeadline):
                self.deadlines.pop(action.deadline, None)
                if action.at is not None:
                    self.deadlines[action.deadline] = action.at
        wire.check_order(self.events)
        return sent


def get_kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def encode_silence(ms: int) -> str:
    return base64.b64encode(bytes(ms * BYTES_PER_MS)).decode()


def make_message(text: str, **fields: Any) -> dict[str, Any]:
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
