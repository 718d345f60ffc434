"""The state of one session that all parts of a machine share: what enters the machine, and what is decided so far."""

from collections import deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from conversations.realtime.commands import Remove, Save, Send, SetDeadline, SharedCommand
from conversations.realtime.deadlines import Deadline, Kind
from conversations.realtime.protocol.errors import IllegalTransitionError, ProtocolError
from conversations.realtime.protocol.items import ItemLog, LiveItem
from conversations.realtime.protocol.session_config import SessionConfig
from conversations.realtime.protocol.turn_detection import TurnDetection, resolve_turn_detection
from conversations.realtime.user_turn.endpoint_silence import Eagerness

MINUTE_SEC = 60.0
OwnCommand = TypeVar("OwnCommand")
"""What only one kind of machine decides."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep every turn finite and every session small."""

    max_utterance_ms: int = 120_000  # speech that goes on longer is answered as it stands
    max_buffer_ms: int = 300_000  # audio appended and not committed
    max_text_chars: int = 100_000  # of one item
    max_items: int = 5_000
    max_pending: int = 16  # utterances whose words are still awaited: each costs a call of the provider
    stall_sec: float = 3.0  # without audio amid speech: the microphone is gone
    outage_sec: float = 30.0  # the same for a client that may lose its connection and come back
    half_sample_sec: float = 1.0
    transcript_timeout_sec: float = 30.0
    response_timeout_sec: float = 30.0  # without progress
    turn_budget_sec: float = 12.0  # from the endpoint to the first sound, or to the first word of a reply in text
    thinking_sec: float = 60.0  # in which the model thinks, and that budget stands still
    filler_sec: float | None = 3.0  # of silence behind the endpoint, until a word bridges it; None: nothing does
    speech_lag_sec: float = 5.0  # that a reply may fall behind while it is spoken
    tool_timeout_sec: float = 330.0  # should one not end by its own limit, which may be 300 s
    context_tokens: int = 28_000  # of the conversation that the model is shown, about
    responses_per_min: int = 120
    max_out_of_band: int = 8  # responses out of band at a time


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What the site, the assistant and the user have set for this session. The client cannot change it."""

    eagerness: Eagerness = "medium"  # what “auto” means, by the patience of the user or the assistant
    preemptive_generation: bool = True  # whether responses begin before the endpoint is confirmed
    stores_captions: bool = True  # whether a transcription session is stored, should this be or become one
    has_streaming_stt: bool = False  # whether speech to text sends partial transcripts while the user speaks


class ResponseRateLimit:
    """Count the responses that one session started in the last minute, and refuse more than `per_min`."""

    def __init__(self, per_min: int) -> None:
        self.per_min = per_min
        self._begun: deque[float] = deque()

    def try_begin(self, now: float) -> bool:
        """Count one more response and return True, or return False if the limit is reached."""
        self._forget(now)
        if len(self._begun) >= self.per_min:
            return False
        self._begun.append(now)
        return True

    def show(self, now: float) -> list[dict[str, Any]]:
        """Return the limits as `rate_limits.updated` has them; `reset_seconds`: until the whole limit is free again."""
        self._forget(now)
        left, reset_sec = self.per_min - len(self._begun), 0.0
        if self._begun:
            reset_sec = self._begun[-1] + MINUTE_SEC - now
        return [{"name": "requests", "limit": self.per_min, "remaining": left, "reset_seconds": round(reset_sec, 3)}]

    def _forget(self, now: float) -> None:
        while self._begun and self._begun[0] <= now - MINUTE_SEC:
            self._begun.popleft()


@dataclass(slots=True)
class SessionState(Generic[OwnCommand]):
    """The state that all parts of a machine share, and the commands decided so far."""

    config: SessionConfig
    conversation_id: str
    make_id: Callable[[str], str]
    limits: Limits
    log: ItemLog
    setup: SessionSetup = field(default_factory=SessionSetup)
    now: float = 0.0
    commands: list[SharedCommand | OwnCommand] = field(default_factory=list)
    is_user_speaking: bool = False
    has_sent_audio: bool = False
    rate_limit: ResponseRateLimit = field(init=False)
    turn_detection: TurnDetection = field(init=False)
    _extensions: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rate_limit = ResponseRateLimit(self.limits.responses_per_min)
        self.configure(self.config)

    def configure(self, config: SessionConfig) -> None:
        """Apply new settings of the client."""
        self.config = config
        has_assistant = not config.is_transcription
        self.turn_detection = resolve_turn_detection(
            config.input.turn_detection, has_assistant=has_assistant, auto=self.setup.eagerness
        )
        implied = {"captions"} if config.is_transcription else set()  # they are all that it is for
        self._extensions = implied.union(config.extensions or ())

    # What enters a machine of either kind.

    def start(self, now: float) -> list[SharedCommand | OwnCommand]:
        """Return the commands that tell the client of the session, its conversation and the items it holds already."""
        self.now = now
        self.send("session.created", session=self.config.show())
        if self.conversation_id:
            conversation = {"id": self.conversation_id, "object": "realtime.conversation"}
            self.send("conversation.created", conversation=conversation)
        for item in self.log:
            self.announce(item)
        return self.take_commands()

    def handle(self, event: object, handlers: Mapping[type, Callable[[Any], None]]) -> list[SharedCommand | OwnCommand]:
        """Return the commands that the handler of this type of event decides, or those that refuse a client's mistake.

        Raise IllegalTransitionError if there is no handler.
        """
        handler = handlers.get(type(event))
        if handler is None:
            raise IllegalTransitionError(f"no handler for {type(event).__name__}")
        try:
            handler(event)
        except ProtocolError as error:
            error.event_id = error.event_id or getattr(event, "event_id", None)
            self.send_error(error)
        return self.take_commands()

    def refuse(self, error: ProtocolError, kind: str) -> list[SharedCommand | OwnCommand]:
        """Return the commands that report an error which no event caused, such as a frame that cannot be read.

        `kind` is the error's type on the wire.
        """
        self.begin(self.now)
        self.send_error(error, kind)
        return self.take_commands()

    def begin(self, now: float) -> None:
        """Begin an event at the time `now`, and drop commands left over from an event that failed halfway."""
        self.now, self.commands = now, []

    def take_commands(self) -> list[SharedCommand | OwnCommand]:
        """Return the commands decided so far, in order, and forget them."""
        decided, self.commands = self.commands, []
        return decided

    # What the parts of a machine decide.

    def has_extension(self, extension: str) -> bool:
        """Return whether the client asked for this extension of the protocol (docs/protocol.md)."""
        return extension in self._extensions

    @property
    def stall_sec(self) -> float:
        """Return how long audio may stay away amid speech until it is clear that no more comes."""
        return self.limits.outage_sec if self.has_extension("resume") else self.limits.stall_sec

    def do(self, command: SharedCommand | OwnCommand) -> None:
        """Add a command to those decided so far."""
        self.commands.append(command)

    def send(self, kind: str, **fields: Any) -> None:
        """Decide to send a server event of the type `kind`."""
        self.do(Send({"type": kind, "event_id": self.make_id("event"), **fields}))

    def send_error(self, error: ProtocolError, kind: str = "invalid_request_error") -> None:
        """Decide to send an `error` event. `kind` is the type of the official error."""
        shown = {"type": kind, "code": error.code, "message": error.message, "param": error.param}
        self.send("error", error=shown | {"event_id": error.event_id})

    def send_rate_limits(self) -> None:
        """Decide to send `rate_limits.updated`."""
        self.send("rate_limits.updated", rate_limits=self.rate_limit.show(self.now))

    def save(self, item: LiveItem, *, after: str | None = None, pcm: bytes = b"", is_final: bool = False,
             in_background: bool = False) -> None:  # fmt: skip
        """Decide to store the item as it stands now. The command has a copy, which cannot change until it is written.

        The copy includes what was heard by now, in case nothing more of the item is ever stored.
        """
        copy = deepcopy(item)
        copy.heard_text = None if item.played_text.rstrip() == item.text.rstrip() else item.played_text
        self.do(Save(copy, after, pcm, is_final, in_background))

    def remove(self, item: LiveItem) -> None:
        """Decide to delete a stored item."""
        self.do(Remove(item.id))

    def set_deadline(self, kind: Kind, at: float | None, of: str = "") -> None:
        """Decide to be told at the time `at`, in seconds of the session's clock; None clears the deadline."""
        self.do(SetDeadline(Deadline(kind, of), at))

    def announce(self, item: LiveItem) -> None:
        """Send `conversation.item.added` and `conversation.item.done` for a complete item."""
        before = self.log.get_previous_id(item)
        self.send("conversation.item.added", item=item.to_wire(), previous_item_id=before)
        self.send("conversation.item.done", item=item.to_wire(), previous_item_id=before)
