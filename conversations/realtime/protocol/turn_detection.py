"""Turn detection: as a session names it, and as the turn machine uses it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from conversations.realtime.user_turn.endpoint_silence import Eagerness


@dataclass(frozen=True, slots=True)
class ServerVad:
    """The end of a turn by the length of the silence. The defaults are the protocol's."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None
    create_response: bool = True
    interrupt_response: bool = True

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as a session's `turn_detection`."""
        return {"type": "server_vad", **asdict(self)}


@dataclass(frozen=True, slots=True)
class SemanticVad:
    """The end of a turn by the words too. The defaults are the protocol's."""

    eagerness: Eagerness | Literal["auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True

    def to_wire(self) -> dict[str, Any]:
        """Return the settings as a session's `turn_detection`."""
        return {"type": "semantic_vad", **asdict(self)}


AskedTurnDetection = ServerVad | SemanticVad
KINDS: dict[str, type[AskedTurnDetection]] = {"server_vad": ServerVad, "semantic_vad": SemanticVad}


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """Turn detection as the machine uses it, for both kinds. If `is_on` is False, the client commits by hand."""

    is_on: bool
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    eagerness: Eagerness | None = None  # the wait depends on the words; None: on the silence alone
    idle_timeout_ms: int | None = None
    create_response: bool = True
    interrupt_response: bool = True


def resolve_turn_detection(
    asked: AskedTurnDetection | None, *, has_assistant: bool = True, auto: Eagerness = "medium"
) -> TurnDetection:
    """Return what the machine uses for the settings that a session names.

    `auto` is what the eagerness "auto" means. Without an assistant, in a transcription session, a turn is never
    answered, nothing is interrupted, and nobody is asked whether they are still there.
    """
    match asked:
        case None:
            return TurnDetection(is_on=False)
        case SemanticVad():
            return TurnDetection(
                is_on=True,
                eagerness=auto if asked.eagerness == "auto" else asked.eagerness,
                create_response=has_assistant and asked.create_response,
                interrupt_response=has_assistant and asked.interrupt_response,
            )
        case ServerVad():
            return TurnDetection(
                is_on=True,
                threshold=asked.threshold,
                prefix_padding_ms=asked.prefix_padding_ms,
                silence_duration_ms=asked.silence_duration_ms,
                idle_timeout_ms=asked.idle_timeout_ms if has_assistant else None,
                create_response=has_assistant and asked.create_response,
                interrupt_response=has_assistant and asked.interrupt_response,
            )
