"""Refusals of the protocol. Each becomes one `error` event; the session goes on."""

from dataclasses import dataclass
from typing import Any


class ProtocolError(Exception):
    """A client event that is refused.

    `param` is the path of the key at fault, such as `session.audio.output.voice`. `event_id` is the id that the
    client gave its event, which the `error` event repeats exactly.
    """

    def __init__(self, code: str, message: str, param: str | None = None, event_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id


def build_invalid_value_error(param: str, complaint: str) -> ProtocolError:
    """Return the refusal of the value at `param`; `complaint` goes on with the sentence that the path begins."""
    return ProtocolError("invalid_value", f"'{param}' {complaint}", param)


def build_no_response_error() -> ProtocolError:
    """Return the refusal to cancel a response where none is running."""
    return ProtocolError("response_cancel_not_active", "Cancellation failed: no active response found.")


def build_too_many_out_of_band_error(most: int) -> ProtocolError:
    """Return the refusal of one more out-of-band response while `most` are running."""
    message = f"{most} out-of-band responses are running, which is the limit. Wait for one."
    return ProtocolError("too_many_responses", message)


def build_too_many_transcripts_error(most: int) -> ProtocolError:
    """Return the refusal of one more utterance while the transcripts of `most` are awaited."""
    message = f"{most} utterances still wait for their transcripts, which is the limit. Try again in a moment."
    return ProtocolError("too_many_pending_transcripts", message)


def build_buffer_full_error(most_ms: int, event_id: str | None = None) -> ProtocolError:
    """Return the refusal of audio that does not fit into the input buffer, which holds `most_ms`."""
    message = f"The input audio buffer holds {most_ms // 1000} s and is full. Commit or clear it."
    return ProtocolError("input_audio_buffer_full", message, "audio", event_id)


class IllegalTransitionError(Exception):
    """An event that the turn machine cannot meet in its present state: a defect of the driver, never of a client."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an engine's work ended without a result, in words for the user."""

    code: str
    message: str

    def to_wire(self) -> dict[str, Any]:
        """Return the failure as the `error` of an event or a response."""
        return {"type": "server_error", "code": self.code, "message": self.message}


RATE_LIMIT_EXCEEDED = Failure("rate_limit_exceeded", "Too many responses within a minute. Wait a moment and try again.")
