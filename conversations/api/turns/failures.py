"""Why a turn was refused or failed, as an HTTP error."""

from collections.abc import Mapping

from accounts.time_zones import UnknownTimeZoneError
from conversations.api.errors import APIError, build_not_found_error
from conversations.api.turns.answers import TurnFailedError
from conversations.audio.decoder_process import Outcome
from conversations.audio.uploads import SoundFileError
from conversations.engines.errors import EngineError
from conversations.storage.store import ConversationHeldError, NotFoundError
from conversations.transport.admission import RefusedError

REASONS = (
    RefusedError,
    SoundFileError,
    NotFoundError,
    ConversationHeldError,
    UnknownTimeZoneError,
    EngineError,
    TurnFailedError,
)

FILES = {
    Outcome.NO_SOUND_FILE: (415, "unsupported_format"),
    Outcome.NO_AUDIO: (415, "no_audio"),
    Outcome.TOO_LONG: (400, "audio_too_long"),
}
STATUSES = {
    "no_speech": 400,
    "input_audio_buffer_commit_empty": 400,
    "invalid_api_key": 401,  # revoked meanwhile
    "conversation_deleted": 404,
    "conversation_in_use": 409,
    "conversation_taken_over": 409,
    "too_many_sessions": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "internal_error": 500,
    "server_busy": 503,
    "server_restarting": 503,
    "engine_unavailable": 503,
    "storage_failed": 503,
    "session_ended": 503,
    "engine_timeout": 504,
    "response_timeout": 504,
    "session_expired": 504,
}
OTHERS = 502  # an engine that refused, or gave what is no answer
OF_THE_FILE = {"no_speech", "input_audio_buffer_commit_empty"}


def convert_failure(reason: Exception, headers: Mapping[str, str]) -> APIError:
    """Return the HTTP error for one of REASONS. `headers` holds the ids that are known by then."""
    match reason:
        case NotFoundError():
            return build_not_found_error(str(reason))
        case ConversationHeldError():
            return _convert_code("conversation_in_use", str(reason), headers)
        case UnknownTimeZoneError():
            return APIError(400, "invalid_value", str(reason), param="time_zone")
        case SoundFileError(outcome=outcome):
            return APIError(*FILES[outcome], str(reason), param="file")
        case TurnFailedError(failure=failure):
            return _convert_code(failure.code, failure.message, headers)
        case RefusedError() | EngineError():
            return _convert_code(reason.code, reason.message, headers)
    raise reason


def _convert_code(code: str, message: str, headers: Mapping[str, str]) -> APIError:
    """Return the HTTP error for a code of the session or of an engine."""
    status = STATUSES.get(code, OTHERS)
    kind = "server_error" if status >= 500 else "invalid_request_error"
    param = "file" if code in OF_THE_FILE else None
    return APIError(status, code, message, param=param, kind=kind, headers=headers)
