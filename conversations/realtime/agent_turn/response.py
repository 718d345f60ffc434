"""One response: its items, its clauses, and the order of its events (protocol, section 6).

It says one message, whatever it calls meanwhile: that opens with the first words and closes with the response.
Everything that goes over the wire of a response goes through here, so that its texts agree and every `created` has one
`done`.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, Literal

from conversations.pcm import BYTES_PER_MS, ms_of, samples_in
from conversations.realtime.agent_turn.speech_lag import SpeechLag
from conversations.realtime.agent_turn.thinking import ThinkingBudget
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import USUAL_MS_PER_CHAR, LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions
from conversations.realtime.text.script import SpeechScript

ResponseStatus = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]
FRAME_BYTES = 200 * BYTES_PER_MS  # of audio in one event, at most
LEAD_MS = 500  # the client's playhead may be ahead of the estimate
ECHO_MS = 5_000  # an utterance may begin so late after the words that it echoes
SendEvent = Callable[..., None]


class Phase(Enum):
    WAITING = "waiting"  # for the words of what was said
    GENERATING = "generating"  # the model writes, speech follows
    CALLING = "calling"  # the server's tools run, then the model writes on
    SPEAKING = "speaking"  # the model is done, speech still comes


@dataclass(slots=True)
class Response:
    id: str
    item: LiveItem
    options: ResponseOptions
    conversation_id: str | None  # None: it is no part of the conversation
    send: SendEvent
    phase: Phase = Phase.WAITING
    status: ResponseStatus = "in_progress"
    status_details: dict[str, Any] | None = None
    outputs: list[LiveItem] = field(default_factory=list)  # as announced: the message and the calls
    writing: dict[int, LiveItem] = field(default_factory=dict)  # calls that the model writes, by its own index
    running: dict[str, LiveItem] = field(default_factory=dict)  # calls of the server's tools, by id
    awaits: frozenset[str] = frozenset()  # utterances whose words were not known when it was asked for
    rounds: int = 1  # of the model
    is_new_round: bool = True  # the model has not written a word in it
    has_brought: bool = False  # tools of the server told something that the model has not seen
    to_hand_over: list[LiveItem] = field(default_factory=list)  # the client's calls, when all is said
    has_filled: bool = False  # a word was said while a tool ran, or while nothing was to be heard
    filled: int = 0  # of the item's clauses: sound without words of the reply
    is_early: bool = False  # begun before it is known whether anything was said
    has_sounded: bool = False  # its own sound, or its words where it is read
    due_at: float = inf  # by when it must have
    thinking: ThinkingBudget = field(default_factory=lambda: ThinkingBudget(0.0))
    called_at: float | None = None  # since when only tools are waited for
    lag: SpeechLag = field(default_factory=SpeechLag)
    endpoint_at: float | None = None  # zero of the waterfall
    progress_at: float = 0.0
    saved_at: float = 0.0
    audio_started_at: float | None = None
    paused_at: float | None = None  # its playback stands
    finished: int = 0  # clauses whose speech is complete
    clause_began_ms: int = 0  # of the response's audio, where the clause that sounds begins
    spoken_ahead: int = 0  # clauses that were given to be synthesised ahead of the endpoint
    shows_timing: bool = False
    script: SpeechScript = field(init=False)

    def __post_init__(self) -> None:
        self.script = SpeechScript(self.id, self.options.voice, self.options.speed)

    def stamp(self, step: str, at: float) -> None:
        """Notes when a step of the waterfall was first reached, in ms since the endpoint; negative if ahead of it."""
        self.progress_at = max(self.progress_at, at)
        if self.endpoint_at is None:
            self.endpoint_at = at
        self.item.waterfall.setdefault(step, round((at - self.endpoint_at) * 1000))

    def played_ms(self, now: float) -> int:
        """How much a client that plays in real time has played by now: the server's own estimate."""
        if self.audio_started_at is None:
            return 0
        played_until = now if self.paused_at is None else self.paused_at
        return min(self.item.audio_ms, max(0, int((played_until - self.audio_started_at) * 1000)))

    def played(self, played_ms: int, now: float) -> None:
        """The client has played so much by now: from here on its clock holds."""
        self.audio_started_at = now - played_ms / 1000
        self.stamp("playback", self.audio_started_at)

    def left_ms(self, now: float) -> float:
        """About how long it will still sound; infinite while the model writes."""
        if self.phase is not Phase.SPEAKING:
            return inf
        unsent = "".join(self.script.clauses[self.reached :])
        return self.item.audio_ms - self.played_ms(now) + len(unsent) * self._ms_per_char()

    def pause(self, now: float) -> None:
        if self.paused_at is None:
            self.paused_at = now

    def resume(self, now: float) -> None:
        if self.paused_at is not None and self.audio_started_at is not None:
            self.audio_started_at += now - self.paused_at
            self.lag.owed_since = now if self.is_owed else None
        self.paused_at = None

    def spoken_around(self, now: float) -> str:
        """The clauses that sounded in the last seconds: of these words an echo is made."""
        played_ms, start_ms, said = self.played_ms(now), 0, ""
        for text, audio_ms in self.item.clauses:
            if start_ms <= played_ms + LEAD_MS and start_ms + audio_ms > played_ms - ECHO_MS:
                said += text
            start_ms += audio_ms
        return said

    @property
    def reached(self) -> int:
        """How many clauses were begun to be sent."""
        return len(self.item.clauses) - self.filled

    @property
    def is_spoken(self) -> bool:
        """All that the model wrote was sent, with its sound."""
        return self.phase is Phase.SPEAKING and self.finished == len(self.script.clauses)

    @property
    def is_out_of_band(self) -> bool:
        return self.conversation_id is None

    @property
    def is_open(self) -> bool:
        """The message was announced."""
        return self.item in self.outputs

    def create(self) -> None:
        self.send("response.created", response=self.wire())

    def open(self, previous_item_id: str | None) -> None:
        self.add_output(self.item, previous_item_id)
        self.send_part("response.content_part.added", part=self._wire_part(""))

    def add_output(self, item: LiveItem, previous_item_id: str | None) -> None:
        shown = item.wire()
        if item is self.item:
            shown["content"] = []
        self.outputs.append(item)
        place = len(self.outputs) - 1
        self.send("response.output_item.added", response_id=self.id, output_index=place, item=shown)
        if not self.is_out_of_band:
            self.send("conversation.item.added", item=shown, previous_item_id=previous_item_id)

    def close_output(self, item: LiveItem, previous_item_id: str | None) -> None:
        """Its status is set by then."""
        shown, place = item.wire(as_sent=True), self.outputs.index(item)
        if not self.is_out_of_band:
            self.send("conversation.item.done", item=shown, previous_item_id=previous_item_id)
        self.send("response.output_item.done", response_id=self.id, output_index=place, item=shown)

    def send_of(self, item: LiveItem, kind: str, **fields: Any) -> None:
        """An event that names one of the outputs."""
        self.send(kind, response_id=self.id, item_id=item.id, output_index=self.outputs.index(item), **fields)

    def send_text(self, text: str) -> None:
        self._sent(text)
        name = "output_audio_transcript" if self.options.is_audio else "output_text"
        self.send_part(f"response.{name}.delta", delta=text)

    def send_audio(self, index: int, pcm: bytes) -> None:
        """Speech of the clause `index`; its words go before its first sound, so that captions keep step."""
        self.reach_clause(index)
        self.item.audio_samples += samples_in(pcm)
        place = index + self.filled
        text, _ = self.item.clauses[place]
        self.item.clauses[place] = (text, self.item.audio_ms - self.clause_began_ms)
        self.send_part("response.output_audio.delta", delta=base64.b64encode(pcm).decode())

    def reach_clause(self, index: int) -> None:
        if self.reached == index:
            self.item.clauses.append((self.script.clauses[index], 0))
            self.clause_began_ms = self.item.audio_ms
            self.send_text(self.script.clauses[index])

    def send_filler(self, pcm: bytes, at: float) -> None:
        """Sound without words of the reply. Clients show an item with its first words, so these come, and are none."""
        self.send_part("response.output_audio_transcript.delta", delta="")
        self.audio_came(at)
        self.filled += 1
        self.item.audio_samples += samples_in(pcm)
        self.item.clauses.append(("", ms_of(samples_in(pcm))))
        for start in range(0, len(pcm), FRAME_BYTES):
            frame = pcm[start : start + FRAME_BYTES]
            self.send_part("response.output_audio.delta", delta=base64.b64encode(frame).decode())

    def audio_came(self, at: float) -> None:
        """A client that had played all before goes on with what comes now."""
        begins = self.audio_started_at
        self.audio_started_at = at if begins is None else max(begins, at - self.item.audio_ms / 1000)

    @property
    def is_owed(self) -> bool:
        """Speech was asked for, and is not all there."""
        return self.finished < len(self.script.clauses)

    @property
    def plays_until(self) -> float:
        """When a client will have played what came; before it plays at all, it has nothing that could fall behind."""
        return played_out_at(self, 0.0) if self.has_sounded and self.paused_at is None else inf

    def sound_came(self, at: float, sound_sec: float = 0.0) -> None:
        """Some of what was owed, or the end of a clause."""
        self.lag.came(at, self.plays_until, sound_sec, is_owed=self.is_owed)

    def settle_clauses(self) -> None:
        """Gives a clause that was cut short the length its speech would have had, so that words map to time."""
        self.item.sent_text = self.item.sent_text or ""
        for index in range(self.finished + self.filled, len(self.item.clauses)):
            text, sounded_ms = self.item.clauses[index]
            self.item.clauses[index] = (text, max(sounded_ms, len(text) * self._ms_per_char()))

    def _ms_per_char(self) -> int:
        spoken = [clause for clause in self.item.clauses[: self.finished + self.filled] if clause[0] and clause[1]]
        chars, ms = sum(len(text) for text, _ in spoken), sum(ms for _, ms in spoken)
        return ms // chars if chars else USUAL_MS_PER_CHAR

    def close_message(self, previous_item_id: str | None) -> None:
        """The closing events of the open message; its status is set by then."""
        text = self.item.sent_text or ""
        if self.options.is_audio:
            self.send_part("response.output_audio.done")
            self.send_part("response.output_audio_transcript.done", transcript=text)
        else:
            self.send_part("response.output_text.done", text=text)
        self.send_part("response.content_part.done", part=self._wire_part(text))
        self.close_output(self.item, previous_item_id)

    def finish(self) -> None:
        self.send("response.done", response=self.wire())

    def wire(self) -> dict[str, Any]:
        is_done = self.status != "in_progress"
        output = {"format": self.options.format, "voice": self.options.voice}
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": self.status,
            "status_details": self.status_details,
            "output": [item.wire(as_sent=True) for item in self.outputs] if is_done else [],
            "conversation_id": self.conversation_id,
            "output_modalities": ["audio"] if self.options.is_audio else ["text"],
            "max_output_tokens": self.options.max_tokens or "inf",
            "audio": {"output": output},
            "usage": self._usage() if is_done else None,
            **({} if self.options.metadata is None else {"metadata": self.options.metadata}),
            **({"timing": dict(self.item.waterfall)} if is_done and self.shows_timing else {}),
        }

    def _sent(self, text: str) -> None:
        self.item.sent_text = (self.item.sent_text or "") + text

    def send_part(self, name: str, **fields: Any) -> None:
        self.send_of(self.item, name, content_index=0, **fields)

    def _wire_part(self, text: str) -> dict[str, str]:
        # A part event says "audio" where the item's content says "output_audio": clients tell modality by it.
        return {"type": "audio", "transcript": text} if self.options.is_audio else {"type": "text", "text": text}

    def _usage(self) -> dict[str, Any]:
        used = self.item.usage
        return {
            "total_tokens": used.input_tokens + used.output_tokens,
            "input_tokens": used.input_tokens,
            "output_tokens": used.output_tokens,
            "input_token_details": {
                "text_tokens": used.input_tokens,
                "audio_tokens": 0,
                "image_tokens": 0,
                "cached_tokens": used.cached_tokens,
            },
            "output_token_details": {"text_tokens": used.output_tokens, "audio_tokens": 0},
        }


def failed(failure: Failure) -> dict[str, Any]:
    """The `status_details` of it."""
    error = {"type": "server_error", "code": failure.code, "message": failure.message}
    return {"type": "failed", "error": error}


def played_out_at(response: Response, fallback: float) -> float:
    """When a client that plays in real time has played all of the response."""
    if response.audio_started_at is None:
        return fallback
    return max(fallback, response.audio_started_at + ms_of(response.item.audio_samples) / 1000)
