"""The errors of this machine's own engines, in words for the user."""

from typing import TypeVar

from conversations.engines.engine_kinds import KIND_NAMES, EngineKind
from conversations.engines.errors import (
    EngineBusy,
    EngineError,
    EngineErrors,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)

PROVIDER = "local"
NAME = "this machine"
E = TypeVar("E", bound=EngineError)


def build_failure_error(kind: EngineKind, error_class: type[Exception], message: str) -> EngineError:
    """Return the error for what a worker process has told, or for its death."""
    if issubclass(error_class, EngineError):
        return error_class(kind, PROVIDER, message)
    return build_memory_error(kind) if issubclass(error_class, MemoryError) else build_died_error(kind)


def build_busy_error(kind: EngineKind) -> EngineBusy:
    """Return the error for a request that would have to wait too long."""
    return _build(EngineBusy, kind, "is busy with others at the moment. Please try again.")


def build_died_error(kind: EngineKind) -> EngineUnavailable:
    """Return the error for a worker process that ended in the middle of its work."""
    return _build(EngineUnavailable, kind, "stopped in the middle of its work and is starting again. Please try again.")


def build_timeout_error(kind: EngineKind, seconds: float) -> EngineTimeout:
    """Return the error for a worker process that said nothing for so many seconds, 0 if the turn had none left."""
    errors = EngineErrors(kind, PROVIDER, NAME, secret="")
    return errors.build_timeout_error(seconds) if seconds else errors.build_out_of_time_error()


def build_memory_error(kind: EngineKind) -> EngineUnavailable:
    """Return the error for a machine that has too little memory left."""
    return _build(
        EngineUnavailable,
        kind,
        "has not enough memory. Try again later, or ask the administrator to choose a smaller model.",
    )


def build_not_installed_error(kind: EngineKind, package: str) -> EngineUnavailable:
    """Return the error for a Python package that is missing."""
    return _build(
        EngineUnavailable, kind, f"is not installed. Ask the administrator to install the Python package {package}."
    )


def build_model_error(kind: EngineKind, detail: str) -> EngineUnavailable:
    """Return the error for a model that is missing or damaged. `detail` is a sentence that says what to do."""
    return _build(EngineUnavailable, kind, f"cannot use its model. {detail}")


def build_rejected_error(kind: EngineKind, sentence: str) -> EngineRejected:
    """Return the error for what the model cannot do."""
    return _build(EngineRejected, kind, sentence)


def _build(error_class: type[E], kind: EngineKind, sentence: str) -> E:
    return error_class(kind, PROVIDER, f"{KIND_NAMES[kind]} ({NAME}) {sentence}")
