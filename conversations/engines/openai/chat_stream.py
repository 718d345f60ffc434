"""Read a streamed chat completion of OpenAI or a compatible server, in any of the shapes that servers give it.

An answer ends with `[DONE]` or with a `finish_reason`: one of them is enough. These shapes are documented or reported
for Ollama, vLLM, llama.cpp, LM Studio, Mistral, and the compatible endpoints of Gemini and Azure: a `finish_reason` of
"" in each chunk, or ahead of the last words; chunks without choices, delta or content; content as a list of parts, of
which some are thoughts; thoughts in fields of their own or between tags; errors as events, as data, or as plain text;
an answer that is not streamed.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from accounts.outbound.bounded_responses import parse_json
from conversations.engines.base import CallPiece, Completion, FinishReason
from conversations.engines.openai import provider_errors
from conversations.engines.openai.chat_content import extract_text, find_calls, has_thoughts, is_thought
from conversations.engines.openai.event_stream import Event, EventStream
from conversations.engines.openai.hidden_text import HiddenTextFilter
from conversations.engines.openai.tool_calls import ToolCallReader
from conversations.engines.untrusted_text import make_storable

MAX_STREAM_BYTES = 16_000_000
MAX_PLAIN_BYTES = 1_000_000  # of an answer that is not streamed
MOST_TOKENS = 2**31 - 1  # the most that an integer of the database holds
WORKING = Completion()
"""Stands for a chunk without words: the model is at work."""
THINKING = Completion()
"""Stands for a chunk in which the model thinks."""

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
    """The server reported a failure instead of an answer, or in the middle of it. `error` is what it sent."""

    def __init__(self, error: object) -> None:
        super().__init__("the server reported an error")
        self.error = error


class ChatStream:
    """Read one answer: `feed` takes the bytes of the body, and `finish` ends it.

    Both raise ReportedError for a failure that the server reports, and ValueError for what is not an answer.
    `used_ids` are the ids of earlier tool calls; `expects_thought` says that answers of this model are known to begin
    in a thought without an opening tag.
    """

    def __init__(self, used_ids: Collection[str], *, expects_thought: bool = False) -> None:
        self.calls = ToolCallReader(used_ids)
        self.finish_reason: FinishReason | None = None
        self.is_done = False  # “[DONE]” was received
        self.has_begun = False  # a part of an answer was received
        self._bytes = 0
        self._events = EventStream()
        self._plain: bytearray | None = None  # the body so far, if it is not a stream of events
        self._is_first = True
        self._index: object = None  # of the choice that is read; others are ignored
        self._hidden_text_filter = HiddenTextFilter(expects_thought=expects_thought)
        self._half = ""  # the first surrogate of a character that JSON writes as two
        self._whole = ""  # the text so far, where the server sends messages instead of deltas
        self._usage: dict[str, Any] = {}

    @property
    def has_ended(self) -> bool:
        """Return whether the answer is complete: only token counts may still follow."""
        return self.is_done or self.finish_reason is not None

    @property
    def has_unopened_thought(self) -> bool:
        """Return whether the answer began in a thought without an opening tag."""
        return self._hidden_text_filter.has_unopened_thought

    def feed(self, data: bytes) -> Iterator[Completion]:
        """Yield what these bytes say, with WORKING or THINKING for chunks that say nothing."""
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
            yield from self._read_event(event)

    def finish(self) -> Iterator[Completion]:
        """Yield the rest, and the ending if there is one, when no more bytes come or are waited for."""
        if self._plain is not None:
            yield from self._read_plain(bytes(self._plain))
        elif not self.has_ended and (last := self._events.finish()):
            with suppress(ValueError):  # the event was cut off
                yield from self._read_event(last)
        is_cut = self.finish_reason == "length" or not self.has_ended
        if text := make_storable(self._hidden_text_filter.finish(is_cut=is_cut)):
            yield Completion(text=text)
        if self.has_ended and self.calls.are_named:
            yield from _wrap_pieces(self.calls.fill_empty_arguments() if self.finish_reason in (None, "stop") else [])
            yield self._build_ending()

    def _read_plain(self, body: bytes) -> Iterator[Completion]:
        """Yield the content of a body that is one JSON object, or one on each line. It needs no sign of its end."""
        try:
            chunks = [parse_json(body)]
        except ValueError:
            chunks = [parse_json(line) for line in body.splitlines() if line.strip()]
        for chunk in chunks:
            yield from self._read_chunk(chunk)
        if self.has_begun and self.finish_reason is None:
            self.finish_reason = "stop"

    def _read_event(self, event: Event) -> Iterator[Completion]:
        data = event.data.strip()
        if not data or self.is_done:
            return
        if data.strip("\"' ") == "[DONE]":
            self.is_done = True
            return
        for chunk in _parse_chunks(data):
            if self.is_done:
                return
            if chunk == "[DONE]":
                self.is_done = True
            elif event.kind == "error" and not self.has_ended:
                raise ReportedError(chunk)
            else:
                yield from self._read_chunk(chunk)

    def _read_chunk(self, chunk: object) -> Iterator[Completion]:
        if provider_errors.is_error(chunk) and not self.has_ended:
            raise ReportedError(chunk)
        if not isinstance(chunk, dict):
            return
        if isinstance(usage := chunk.get("usage"), dict):
            self._usage = usage
        if (choice := self._find_choice(chunk.get("choices"))) is None:
            return
        self.has_begun = True
        yield from self._read_delta(choice) or [THINKING if self._is_thinking(choice) else WORKING]
        self._note_finish_reason(choice.get("finish_reason"))

    def _find_choice(self, choices: object) -> dict[str, Any] | None:
        """Return the first choice, and in later chunks the one of the same index; None if there is none."""
        found = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
        if self._index is None and found:
            self._index = found[0].get("index")
        return next((choice for choice in found if choice.get("index") in (None, self._index)), None)

    def _note_finish_reason(self, reason: object) -> None:
        word = reason.lower().rpartition(".")[2] if isinstance(reason, str) else ""
        if word in FAILED:
            raise ReportedError({"message": word, "type": word})
        if word not in UNFINISHED:
            self.finish_reason = FINISH_REASONS.get(word, "stop")

    def _read_delta(self, choice: dict[str, Any]) -> list[Completion]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            content = delta.get("content")
        else:
            delta = choice["message"] if isinstance(choice.get("message"), dict) else {"content": choice.get("text")}
            content = self._strip_repetition(extract_text(delta.get("content")))
        text = (
            ""
            if is_thought(delta)
            else self._join_surrogates(extract_text(content) or extract_text(delta.get("refusal")))
        )
        said = make_storable(self._hidden_text_filter.feed(text)) if text else ""
        withdrawn = [Completion(withdraws=True)] if text and self._hidden_text_filter.withdraws else []
        return withdrawn + ([Completion(text=said)] if said else []) + _wrap_pieces(self.calls.feed(find_calls(delta)))

    def _is_thinking(self, choice: dict[str, Any]) -> bool:
        """Return whether a chunk without words is a thought: in a field or part of its own, or between tags."""
        delta = choice.get("delta", choice.get("message"))
        if not isinstance(delta, dict):
            return False
        content = delta.get("content")
        if any(delta.get(field) for field in THOUGHTS):
            return True
        return bool(content) and (is_thought(delta) or has_thoughts(content) or self._hidden_text_filter.is_thinking)

    def _strip_repetition(self, text: str) -> str:
        """Return the new part of a message, which may repeat all that earlier messages said."""
        rest = text.removeprefix(self._whole) if self._whole else text
        self._whole += rest
        return rest

    def _join_surrogates(self, text: str) -> str:
        """Return the text with surrogates joined: the two halves of one character may come in two deltas."""
        text, self._half = self._half + text, ""
        if not SURROGATE.search(text):
            return text
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")

    def _build_ending(self) -> Completion:
        details = self._usage.get("prompt_tokens_details")
        return Completion(
            finish_reason=self.finish_reason or "stop",
            input_tokens=_parse_token_count(self._usage.get("prompt_tokens")),
            output_tokens=_parse_token_count(self._usage.get("completion_tokens")),
            cached_tokens=_parse_token_count(details.get("cached_tokens") if isinstance(details, dict) else 0),
        )


def _parse_chunks(data: str) -> list[Any]:
    """Return the chunks in the data of one event: some servers leave out the blank line between two events."""
    try:
        return [parse_json(data)]
    except ValueError:
        if "\n" not in data:
            raise
    lines = (line.strip() for line in data.split("\n"))
    return [line if line == "[DONE]" else parse_json(line) for line in lines if line]


def _wrap_pieces(pieces: list[CallPiece]) -> list[Completion]:
    return [Completion(call=piece) for piece in pieces]


def _parse_token_count(tokens: object) -> int:
    return tokens if type(tokens) is int and 0 <= tokens <= MOST_TOKENS else 0
