"""The session's configuration: what is in force, as typed values, and how events show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.tools import DeclaredTool, ToolChoice
from conversations.realtime.protocol.turn_detection import AskedTurnDetection, ServerVad

REALTIME: Literal["realtime"] = "realtime"
TRANSCRIPTION: Literal["transcription"] = "transcription"
# Of turn detection, what concerns the assistant only.
ASSISTANTS_KEYS = ("create_response", "interrupt_response", "idle_timeout_ms")


@dataclass(frozen=True, slots=True)
class Transcription:
    """What speech to text is told. None stands for what nobody has set."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as a session's `transcription`."""
        shown = {"model": self.model, "language": self.language, "prompt": self.prompt}
        return {key: value for key, value in shown.items() if value is not None}


@dataclass(frozen=True, slots=True)
class AudioInput:
    """What the user says: how it comes, and what is made of it."""

    format: AudioFormat = AudioFormat.PCM
    transcription: Transcription | None = field(default_factory=Transcription)  # None: the client wants no transcripts
    noise_reduction: Mapping[str, object] | None = None  # shown, and passed on to a speech-to-speech model
    turn_detection: AskedTurnDetection | None = field(default_factory=ServerVad)  # None: the client commits by hand

    @property
    def language(self) -> str:
        """The language that the user speaks, or "" if nobody has named it."""
        return (self.transcription and self.transcription.language) or ""

    def to_wire(self, *, has_assistant: bool = True) -> dict[str, Any]:
        """Return the settings as a session's `audio.input`; those of a transcription session have no assistant."""
        detection = self.turn_detection and self.turn_detection.to_wire()
        if detection and not has_assistant:
            detection = {key: value for key, value in detection.items() if key not in ASSISTANTS_KEYS}
        return {
            "format": self.format.to_wire(),
            "transcription": None if self.transcription is None else self.transcription.to_wire(),
            "noise_reduction": self.noise_reduction,
            "turn_detection": detection,
        }


@dataclass(frozen=True, slots=True)
class AudioOutput:
    """How replies sound. `speed` 1.0 is the voice's usual pace."""

    voice: str
    speed: float = 1.0
    format: AudioFormat = AudioFormat.PCM

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as a session's `audio.output`."""
        return {"format": self.format.to_wire(), "voice": self.voice, "speed": self.speed}


@dataclass(frozen=True, slots=True)
class Truncation:
    """What happens to a conversation that is longer than the model is shown.

    With a `retention_ratio` below 1 more than necessary is left out at once. `max_tokens` is the client's own limit.
    """

    shown: str | Mapping[str, object] = "auto"  # as the client wrote it
    is_allowed: bool = True
    retention_ratio: float = 1.0
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The configuration of a session: its beginning, with all updates of the client in force.

    `kind` is realtime or transcription; the latter only listens, and has no use for the assistant's settings.
    """

    id: str
    model: str  # as the client named it
    expires_at: int  # in epoch seconds
    output: AudioOutput
    kind: str = REALTIME
    instructions: str = ""
    has_audio_replies: bool = True  # False: the assistant answers in text
    tools: tuple[DeclaredTool, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    max_output_tokens: int | None = None  # None: the client sets no limit
    input: AudioInput = field(default_factory=AudioInput)
    tracing: str | Mapping[str, object] | None = None  # shown only
    truncation: Truncation = field(default_factory=Truncation)
    extensions: tuple[str, ...] | None = None  # of the protocol (docs/protocol.md); None: the client named none
    # prompt, include, reasoning and parallel_tool_calls as a client set them. They are shown, and a speech-to-speech
    # model gets some of them; a session of three engines has no use for them.
    pass_through: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_transcription(self) -> bool:
        """Return whether the session gives captions without an assistant."""
        return self.kind == TRANSCRIPTION

    def to_wire(self) -> dict[str, Any]:
        """Return the whole configuration in the wire's shape."""
        shown = {
            "type": self.kind,
            "object": f"realtime.{'transcription_' * self.is_transcription}session",
            "id": self.id,
            "model": self.model,
            "expires_at": self.expires_at,
            "output_modalities": ["audio" if self.has_audio_replies else "text"],
            "instructions": self.instructions,
            "tools": [tool.to_wire() for tool in self.tools],
            "tool_choice": self.tool_choice.to_wire(),
            "max_output_tokens": "inf" if self.max_output_tokens is None else self.max_output_tokens,
            "audio": {"input": self.input.to_wire(), "output": self.output.to_wire()},
            "tracing": self.tracing,
            "truncation": self.truncation.shown,
            **self.pass_through,
        }
        return shown if self.extensions is None else shown | {"extensions": list(self.extensions)}

    def show(self) -> dict[str, Any]:
        """Return the configuration as `session.created` and `session.updated` have it.

        A transcription session has no assistant's half.
        """
        whole = self.to_wire()
        if not self.is_transcription:
            return whole
        kept = ("type", "object", "id", "expires_at", "include", "extensions")
        audio = {"input": self.input.to_wire(has_assistant=False)}
        return {key: whole[key] for key in kept if key in whole} | {"audio": audio}


def build_config(*, session_id: str, model: str, instructions: str, voice: str, stt_model: str, language: str,
                 speed: float, expires_at: int, kind: str = REALTIME) -> SessionConfig:  # fmt: skip
    """Return the configuration that a session of this assistant begins with."""
    return SessionConfig(
        id=session_id,
        model=model,
        expires_at=expires_at,
        kind=kind,
        instructions=instructions,
        input=AudioInput(transcription=Transcription(stt_model, language or None)),
        output=AudioOutput(voice, speed),
    )
