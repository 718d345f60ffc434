"""One response: its items, its clauses, how far it is, and how much of it a client has played."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Literal

from conversations.realtime import engine_events
from conversations.realtime.agent_turn.thinking_budget import ThinkingBudget
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.playback import Playback, SpeechLag
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import TYPICAL_MS_PER_CHAR, LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions, find_awaited
from conversations.realtime.text.clauses import SpeechScript

ResponseStatus = Literal["in_progress", "completed", "cancelled", "incomplete", "failed"]
LEAD_MS = 500  # by so much the client's playback may be ahead of our estimate
ECHO_MS = 5_000  # an echo may come so long after the words were played
SendEvent = Callable[..., None]
TimedEvents = list[tuple[float, engine_events.GenerationEvent]]  # each with the time at which it came


class Phase(Enum):
    """What a response is doing."""

    WAITING = "waiting"  # for the transcript of what the user said
    GENERATING = "generating"  # the model writes, and speech follows
    CALLING = "calling"  # the server's tools run, then the model writes on
    SPEAKING = "speaking"  # the model is done, and speech still comes


@dataclass(slots=True)
class Response:
    """The state of one response, in the conversation or out of band. Times are seconds of the session's clock."""

    id: str
    item: LiveItem
    options: ResponseOptions
    conversation_id: str | None  # None: it is out of band
    send: SendEvent
    phase: Phase = Phase.WAITING
    status: ResponseStatus = "in_progress"
    reason: Failure | str | None = None  # why it did not complete: what failed, or else the protocol's word
    outputs: list[LiveItem] = field(default_factory=list)  # the message and the calls, in the order they were announced
    writing: dict[int, LiveItem] = field(default_factory=dict)  # calls that the model is writing, by its own index
    running: dict[str, LiveItem] = field(default_factory=dict)  # running calls of the server's tools, by item id
    awaits: frozenset[str] = frozenset()  # utterances it answers that were not transcribed when it was asked for
    rounds: int = 1  # how often the model was asked
    is_new_round: bool = True  # the model has not written a word in this round
    has_brought: bool = False  # the server's tools returned something that the model has not seen
    to_hand_over: list[LiveItem] = field(default_factory=list)  # calls that the client gets when all is said
    has_filled: bool = False  # a filler was said
    filled: int = 0  # how many of the item's clauses are the sound of fillers, without words
    is_early: bool = False  # it began before it is known whether the user said any words
    has_sounded: bool = False  # its first sound, or in a text response its first word, was sent
    due_at: float = inf  # by when that must have happened
    thinking: ThinkingBudget = field(default_factory=lambda: ThinkingBudget(0.0))
    called_at: float | None = None  # since when the response waits for tools alone
    lag: SpeechLag = field(default_factory=SpeechLag)
    endpoint_at: float | None = None  # zero of the waterfall
    progress_at: float = 0.0
    saved_at: float = 0.0
    playback: Playback = field(default_factory=Playback)
    finished: int = 0  # how many clauses have all their sound
    clause_began_ms: int = 0  # where in the response's audio the present clause begins
    spoken_ahead: int = 0  # how many clauses text to speech was given before the endpoint
    shows_timing: bool = False
    held: TimedEvents | None = None  # what came since it must not be heard, as the user may be interrupting it
    script: SpeechScript = field(init=False)

    @classmethod
    def open(
        cls, state: CascadeState, options: ResponseOptions, response_id: str, conversation_id: str | None
    ) -> "Response":
        """Return a new response with an empty message, for which no engine has brought anything."""
        item = LiveItem(state.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
        item.response_id, item.sent_text = response_id, ""
        response = cls(response_id, item, options, conversation_id, state.send)
        response.thinking = ThinkingBudget(state.limits.thinking_sec)
        response.awaits = find_awaited(state, options)
        return response

    def __post_init__(self) -> None:
        self.script = SpeechScript(self.id, self.options.voice, self.options.speed)

    def stamp(self, step: str, at: float) -> None:
        """Note when a step of the waterfall was first reached, in ms since the endpoint (negative before it)."""
        self.progress_at = max(self.progress_at, at)
        if self.endpoint_at is None:
            self.endpoint_at = at
        self.item.waterfall.setdefault(step, round((at - self.endpoint_at) * 1000))

    def estimate_played_ms(self, now: float) -> int:
        """Return how many ms of its sound the client has played by now."""
        return self.playback.estimate_played_ms(now, self.item.audio_ms)

    def estimate_left_ms(self, now: float) -> float:
        """Return about how many ms it will still sound; infinity while the model writes."""
        if self.phase is not Phase.SPEAKING:
            return inf
        unsent = "".join(self.script.clauses[self.reached :])
        return self.item.audio_ms - self.estimate_played_ms(now) + len(unsent) * self._estimate_ms_per_char()

    def resume(self, now: float) -> None:
        """Let its playback go on from where it stopped."""
        if self.playback.resume(now):
            self.lag.owed_since = now if self.is_owed else None

    def collect_recent_text(self, now: float) -> str:
        """Return the clauses that were played in the last seconds: what a microphone may pick up as an echo."""
        played_ms, start_ms, said = self.estimate_played_ms(now), 0, ""
        for text, audio_ms in self.item.clauses:
            if start_ms <= played_ms + LEAD_MS and start_ms + audio_ms > played_ms - ECHO_MS:
                said += text
            start_ms += audio_ms
        return said

    @property
    def reached(self) -> int:
        """Return how many clauses were sent, at least their beginning."""
        return len(self.item.clauses) - self.filled

    @property
    def is_spoken(self) -> bool:
        """Return whether all that the model wrote was sent, with its sound."""
        return self.phase is Phase.SPEAKING and self.finished == len(self.script.clauses)

    @property
    def is_out_of_band(self) -> bool:
        """Return whether the response is not part of the conversation."""
        return self.conversation_id is None

    @property
    def is_open(self) -> bool:
        """Return whether the client was told of the message."""
        return self.item in self.outputs

    @property
    def is_owed(self) -> bool:
        """Return whether text to speech owes sound of a clause."""
        return self.finished < len(self.script.clauses)

    @property
    def plays_until(self) -> float:
        """Return when the client will have played what was sent, in seconds of the session's clock.

        It is infinite while the client plays nothing and cannot run dry.
        """
        is_playing = self.has_sounded and self.playback.paused_at is None
        return self.playback.compute_end_at(self.item.audio_ms) if is_playing else inf

    def record_sound(self, at: float, sound_sec: float = 0.0) -> None:
        """Count sound of so many seconds, or the end of a clause, in the speech lag."""
        self.lag.add_sound(at, self.plays_until, sound_sec, is_owed=self.is_owed)

    def hold_event(self, event: engine_events.GenerationEvent, at: float) -> bool:
        """Keep an event that came at `at` if the response is held back, and return whether it was kept.

        Thinking is reported at once. So is a text that turned out to be a thought: what came of it is dropped, but for
        the clauses that have begun to sound.
        """
        if self.held is None or isinstance(event, engine_events.Thinking):
            return False
        if isinstance(event, engine_events.TextWithdrawn):
            spoken = engine_events.SpeechAudio | engine_events.SpeechDone
            self.held = [one for one in self.held if isinstance(one[1], spoken) and one[1].index < self.reached]
            return False
        self.held.append((at, event))
        return True

    def release_held(self) -> TimedEvents:
        """Hold the response back no longer, and return the events that were kept."""
        held, self.held = self.held or [], None
        return held

    def settle_clauses(self) -> None:
        """Give a clause that was cut short the length its speech would have had, so that words map to time."""
        self.item.sent_text = self.item.sent_text or ""
        for index in range(self.finished + self.filled, len(self.item.clauses)):
            text, sounded_ms = self.item.clauses[index]
            self.item.clauses[index] = (text, max(sounded_ms, len(text) * self._estimate_ms_per_char()))

    def _estimate_ms_per_char(self) -> int:
        spoken = [clause for clause in self.item.clauses[: self.finished + self.filled] if clause[0] and clause[1]]
        chars, ms = sum(len(text) for text, _ in spoken), sum(ms for _, ms in spoken)
        return ms // chars if chars else TYPICAL_MS_PER_CHAR
