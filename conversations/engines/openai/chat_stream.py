"""What OpenAI and compatible servers stream as a chat completion, read so that any of their ways will do.

An answer ends with `[DONE]`, or with a `finish_reason`: one of them is enough. Documented, or reported of Ollama, vLLM,
llama.cpp, LM Studio, Mistral, and the compatible endpoints of Gemini and Azure: a `finish_reason` of "" throughout, or
before the last words; chunks without choices, a delta or content; content as a list of parts, some of them thoughts;
thoughts in fields of their own or between tags; errors as events, as data, as words; an answer that is not streamed.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from accounts.outbound.bounded_answers import parse_json
from conversations.engines.base import CallPiece, Completion, FinishReason, storable
from conversations.engines.openai import provider_errors
from conversations.engines.openai.event_stream import Event, EventStream
from conversations.engines.openai.markup import Markup
from conversations.engines.openai.tool_calls import Calls

MAX_STREAM_BYTES = 16_000_000
MAX_PLAIN_BYTES = 1_000_000  # of an answer that is not streamed
MOST_TOKENS = 2**31 - 1  # no server means more, and no integer of the database holds it
WORKING = Completion()
"""The model is at work, and has nothing to say yet."""
THINKING = Completion()
"""It is seen to think."""

FINISH_REASONS: dict[str, FinishReason] = {
    "length": "length", "max_tokens": "length", "model_length": "length",
    "content_filter": "content_filter", "content_filtered": "content_filter", "safety": "content_filter",
    "recitation": "content_filter", "prohibited_content": "content_filter", "sensitive": "content_filter",
}  # fmt: skip
UNFINISHED = ("", "null", "none")
FAILED = ("error", "abort", "cancelled", "insufficient_system_resource", "malformed_function_call")
THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thoughts", "reasoning_details", "thinking_blocks")
SURROGATE = re.compile("[\ud800-\udfff]")


class ReportedError(Exception):
    """The server tells of a failure in place of an answer, or amid it."""

    def __init__(self, error: object) -> None:
        super().__init__("the server reported an error")
        self.error = error


class ChatStream:
    """`feed` the bytes of the body, then `finish`. Both raise ReportedError, and ValueError for what is no answer."""

    def __init__(self, used_ids: Collection[str], *, begins_in_thought: bool = False) -> None:
        self.calls = Calls(used_ids)
        self.finish_reason: FinishReason | None = None
        self.is_done = False  # “[DONE]” came
        self.has_begun = False  # something of an answer came
        self._bytes = 0
        self._events = EventStream()
        self._plain: bytearray | None = None  # the body so far, where it is no stream of events
        self._is_first = True
        self._index: object = None  # of the choice that is read; others are not
        self._markup = Markup(begins_in_thought=begins_in_thought)
        self._half = ""  # of a character that JSON writes as two
        self._whole = ""  # what was said, where messages come in place of deltas
        self._usage: dict[str, Any] = {}

    @property
    def has_ended(self) -> bool:
        return self.is_done or self.finish_reason is not None

    @property
    def closes_alone(self) -> bool:
        """A thought came that nothing had opened."""
        return self._markup.closes_alone

    def feed(self, data: bytes) -> Iterator[Completion]:
        self._bytes += len(data)
        if self._bytes > MAX_STREAM_BYTES:
            raise ValueError(f"an answer of more than {MAX_STREAM_BYTES} bytes")
        if self._is_first:
            data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
            if not data:
                return
            self._is_first = False
            self._plain = bytearray() if data[:1] in (b"{", b"[") else None
        if self._plain is not None:
            self._plain += data
            if len(self._plain) > MAX_PLAIN_BYTES:
                raise ValueError(f"an answer of more than {MAX_PLAIN_BYTES} bytes")
            return
        for event in self._events.feed(data):
            yield from self._event(event)

    def finish(self) -> Iterator[Completion]:
        """After the last byte, or as soon as nothing more is awaited: the rest, and the ending if there is one."""
        if self._plain is not None:
            yield from self._read_plain(bytes(self._plain))
        elif not self.has_ended and (last := self._events.finish()):
            with suppress(ValueError):  # it was cut
                yield from self._event(last)
        is_cut = self.finish_reason == "length" or not self.has_ended
        if text := storable(self._markup.finish(is_cut=is_cut)):
            yield Completion(text=text)
        if self.has_ended and self.calls.are_whole:
            yield from _completions(self.calls.bare() if self.finish_reason in (None, "stop") else [])
            yield self._ending()

    def _read_plain(self, body: bytes) -> Iterator[Completion]:
        """One object, or one on each line. It came to its end, so that it needs no other sign of it."""
        try:
            chunks = [parse_json(body)]
        except ValueError:
            chunks = [parse_json(line) for line in body.splitlines() if line.strip()]
        for chunk in chunks:
            yield from self._chunk(chunk)
        if self.has_begun and self.finish_reason is None:
            self.finish_reason = "stop"

    def _event(self, event: Event) -> Iterator[Completion]:
        data = event.data.strip()
        if not data or self.is_done:
            return
        if data.strip("\"' ") == "[DONE]":
            self.is_done = True
            return
        for chunk in _parsed(data):
            if self.is_done:
                return
            if chunk == "[DONE]":
                self.is_done = True
            elif event.kind == "error" and not self.has_ended:
                raise ReportedError(chunk)
            else:
                yield from self._chunk(chunk)

    def _chunk(self, chunk: object) -> Iterator[Completion]:
        if provider_errors.is_error(chunk) and not self.has_ended:
            raise ReportedError(chunk)
        if not isinstance(chunk, dict):
            return
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = usage
        if (choice := self._choice(chunk.get("choices"))) is None:
            return
        self.has_begun = True
        yield from self._delta(choice) or [THINKING if self._is_thinking(choice) else WORKING]
        self._end(choice.get("finish_reason"))

    def _choice(self, choices: object) -> dict[str, Any] | None:
        """The first, and later that of the same index. One without an index is the only one."""
        found = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
        if self._index is None and found:
            self._index = found[0].get("index")
        return next((choice for choice in found if choice.get("index") in (None, self._index)), None)

    def _end(self, reason: object) -> None:
        word = reason.lower().rpartition(".")[2] if isinstance(reason, str) else ""
        if word in FAILED:
            raise ReportedError({"message": word, "type": word})
        if word not in UNFINISHED:
            self.finish_reason = FINISH_REASONS.get(word, "stop")

    def _delta(self, choice: dict[str, Any]) -> list[Completion]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            content = delta.get("content")
        else:
            delta = choice["message"] if isinstance(choice.get("message"), dict) else {"content": choice.get("text")}
            content = self._rest_of(_said_in(delta.get("content")))
        text = "" if _is_thought(delta) else self._joined(_said_in(content) or _said_in(delta.get("refusal")))
        said = storable(self._markup.feed(text)) if text else ""
        withdrawn = [Completion(withdraws=True)] if text and self._markup.withdraws else []
        return withdrawn + ([Completion(text=said)] if said else []) + _completions(self.calls.take(_calls_in(delta)))

    def _is_thinking(self, choice: dict[str, Any]) -> bool:
        """Of a chunk that says nothing: a thought in a field or a part of its own, or between tags."""
        delta = choice.get("delta", choice.get("message"))
        if not isinstance(delta, dict):
            return False
        content = delta.get("content")
        if any(delta.get(field) for field in THOUGHTS):
            return True
        return bool(content) and (_is_thought(delta) or _has_thoughts(content) or self._markup.is_thinking)

    def _rest_of(self, text: str) -> str:
        """Of messages each of which may hold all that was said before."""
        rest = text.removeprefix(self._whole) if self._whole else text
        self._whole += rest
        return rest

    def _joined(self, text: str) -> str:
        """A character beyond the first 65,536 may come as two halves, one in each delta."""
        text, self._half = self._half + text, ""
        if not SURROGATE.search(text):
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")

    def _ending(self) -> Completion:
        details = self._usage.get("prompt_tokens_details")
        return Completion(
            finish_reason=self.finish_reason or "stop",
            input_tokens=_count(self._usage.get("prompt_tokens")),
            output_tokens=_count(self._usage.get("completion_tokens")),
            cached_tokens=_count(details.get("cached_tokens") if isinstance(details, dict) else 0),
        )


def _parsed(data: str) -> list[Any]:
    """Servers have put one chunk right behind the other, with no blank line between them."""
    try:
        return [parse_json(data)]
    except ValueError:
        if "\n" not in data:
            raise
    lines = (line.strip() for line in data.split("\n"))
    return [line if line == "[DONE]" else parse_json(line) for line in lines if line]


def _said_in(content: object) -> str:
    """The words of a content: a text, or parts of which some are thoughts, pictures, references."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_said_in(part) for part in content if isinstance(part, str | dict))
    if isinstance(content, dict) and content.get("type", "text") in ("text", "output_text", "refusal"):
        text = content.get("text") or content.get("refusal")
        return text if isinstance(text, str) else ""
    return ""


def _is_thought(delta: dict[str, Any]) -> bool:
    """Gemini's thoughts are content, and marked."""
    extra = delta.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and google.get("thought") is True


def _has_thoughts(content: object) -> bool:
    """Mistral's are parts of the content."""
    return isinstance(content, list) and any(isinstance(part, dict) and part.get("thinking") for part in content)


def _calls_in(delta: dict[str, Any]) -> object:
    """In their present form, or in that of 2023."""
    if isinstance(calls := delta.get("tool_calls"), list):
        return calls
    function = delta.get("function_call")
    return [{"index": 0, "function": function}] if isinstance(function, dict) else []


def _completions(pieces: list[CallPiece]) -> list[Completion]:
    return [Completion(call=piece) for piece in pieces]


def _count(tokens: object) -> int:
    return tokens if type(tokens) is int and 0 <= tokens <= MOST_TOKENS else 0
