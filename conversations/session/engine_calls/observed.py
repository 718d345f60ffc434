"""Engines as a session calls them: each call is counted and timed, and noted for the trace of its turn.

The wrappers stand right around an engine, below the cache and the engines that stand in for others, so that each of
them is a call of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

from conversations import metrics
from conversations.engines import registry
from conversations.engines.base import (
    NO_HINTS,
    ChatMessage,
    Completion,
    EngineSpec,
    Hints,
    LanguageModel,
    SpeechToText,
    TextToSpeech,
    Transcript,
)
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError
from conversations.tools.base import Outcome
from conversations.tools.toolbox import SITE, Toolbox
from voiceproject import log_context

CallKind = EngineKind | Literal["tool"]
_note: ContextVar["Callable[[EngineCall], None] | None"] = ContextVar("note_engine_call", default=None)


@dataclass(slots=True)
class EngineCall:
    """One call to an engine, or to a tool. Times are seconds of the monotonic clock."""

    kind: CallKind
    provider: str
    model: str  # of a tool its name
    began_at: float
    turn_id: str = ""  # of the response, or of the item that is transcribed
    first_at: float | None = None  # when its first output came
    ended_at: float = 0.0
    outcome: metrics.CallOutcome = "completed"
    error: str = ""  # the code of what went wrong
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    finish_reason: str = ""


def note_calls(note: Callable[[EngineCall], None]) -> None:
    """Have every call that this task, and what it starts from now on, has made noted when it ends."""
    _note.set(note)


@contextmanager
def observe_call(kind: CallKind, provider: str, model: str) -> Iterator[EngineCall]:
    """Observe the call that is made within this context."""
    call = EngineCall(kind, provider, model, monotonic(), log_context.get_turn())
    try:
        yield call
    except EngineError as error:
        call.outcome, call.error = "failed", error.code
        raise
    except (asyncio.CancelledError, GeneratorExit):
        call.outcome = "cancelled"
        raise
    except Exception as error:
        call.outcome, call.error = "failed", type(error).__name__
        raise
    finally:
        _end(call)


def _end(call: EngineCall) -> None:
    call.ended_at = monotonic()
    metrics.count_engine_call(call.kind, call.provider, "" if call.kind == "tool" else call.model, call.outcome)
    if call.first_at is None and call.outcome == "completed":
        call.first_at = call.ended_at
    if call.first_at is not None:
        metrics.observe_first_output(call.kind, call.provider, call.first_at - call.began_at)
    if note := _note.get():
        note(call)


@dataclass(frozen=True, slots=True)
class ObservedSpeechToText:
    """Speech to text by `engine`."""

    engine: SpeechToText
    spec: EngineSpec

    async def transcribe(self, pcm: bytes, hints: Hints = NO_HINTS) -> Transcript:
        with observe_call("stt", self.spec.provider, self.spec.model):
            return await self.engine.transcribe(pcm, hints)


@dataclass(frozen=True, slots=True)
class ObservedLanguageModel:
    """The language model `engine`."""

    engine: LanguageModel
    spec: EngineSpec

    async def complete(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncGenerator[Completion]:
        with observe_call("llm", self.spec.provider, self.spec.model) as call:
            async with aclosing(self.engine.complete(messages, **options)) as pieces:
                async for piece in pieces:
                    if call.first_at is None:
                        call.first_at = monotonic()
                    if piece.finish_reason:
                        call.finish_reason, call.cached_tokens = piece.finish_reason, piece.cached_tokens
                        call.input_tokens, call.output_tokens = piece.input_tokens, piece.output_tokens
                    yield piece


@dataclass(frozen=True, slots=True)
class ObservedTextToSpeech:
    """Text to speech by `engine`."""

    engine: TextToSpeech
    spec: EngineSpec

    async def speak(
        self, text: str, *, voice: str = "", language: str = "", speed: float = 1.0
    ) -> AsyncGenerator[bytes]:
        with observe_call("tts", self.spec.provider, self.spec.model) as call:
            speech = self.engine.speak(text, voice=voice, language=language, speed=speed)
            async with aclosing(speech) as pieces:
                async for piece in pieces:
                    if call.first_at is None:
                        call.first_at = monotonic()
                    yield piece


def make_stt(spec: EngineSpec) -> ObservedSpeechToText:
    """Return speech to text for whole utterances, or raise EngineRejected for an unknown provider."""
    return ObservedSpeechToText(registry.make_stt(spec), spec)


def make_llm(spec: EngineSpec) -> ObservedLanguageModel:
    """Return a language model, or raise EngineRejected for an unknown provider."""
    return ObservedLanguageModel(registry.make_llm(spec), spec)


def make_tts(spec: EngineSpec) -> ObservedTextToSpeech:
    """Return text to speech, or raise EngineRejected for an unknown provider."""
    return ObservedTextToSpeech(registry.make_tts(spec), spec)


async def run_tool(toolbox: Toolbox, name: str, arguments: str) -> Outcome:
    """Run a tool of the site, or of an MCP server."""
    label = toolbox.get_server_label(name)
    with observe_call("tool", SITE if label in ("", SITE) else "mcp", name if label else "unknown") as call:
        outcome = await toolbox.run(name, arguments)
        if outcome.error:
            call.outcome, call.error = "failed", "tool_error"
        return outcome
