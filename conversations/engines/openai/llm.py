import logging
import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Any, Literal

from openai import APIStatusError, AsyncStream
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import Choice
from openai.types.completion_usage import CompletionUsage

from conversations.engines.base import CallPiece, Completion, EngineSpec, Message, Tool, storable
from conversations.engines.failures import MAX_SCRUBBED
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.openai.http import tls_context
from conversations.engines.openai.tool_calls import Calls, as_message, tool_fields
from conversations.engines.supervision import pieces

log = logging.getLogger(__name__)

FinishReason = Literal["stop", "length", "content_filter"]
MOST_TOKENS = 2**31 - 1  # no server means more, and no integer of the database holds it
# Ollama: “… does not support tools”. vLLM: “"auto" tool choice requires --enable-auto-tool-choice and …”.
# llama.cpp, with a status of 500: “tools param requires --jinja flag”.
TOOLS_REFUSED = re.compile(
    r"not support (?:tool|function)|unsupported parameter: '?tool"
    r"|tools?\b(?: choice| param| use| calling)?(?: is| are)? (?:requires? --|not supported|unsupported)",
    re.IGNORECASE,
)
FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}


class ChatCompletions:
    """`/v1/chat/completions`, streamed."""

    warm = staticmethod(tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("llm", spec)
        # A thinking pause is silence in a talk. Compatible servers may not know the parameter.
        self._effort = spec.reasoning_effort or ("none" if self._account.is_own else "")
        self._calls_tools = True  # until it refuses them

    async def connect(self) -> None:
        await self._account.connect()

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
    ) -> AsyncGenerator[Completion]:
        body = self._body(messages, max_tokens) | self._tool_fields(tools, tool_choice)
        stream = pieces(lambda: self._stream(body), self._spec.timeout_sec, self._account.failures.timeout)
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    def _body(self, messages: Sequence[Message], max_tokens: int | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._spec.model,
            "messages": [as_message(message) for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._effort:
            body["reasoning_effort"] = self._effort
        if max_tokens:
            # OpenAI refuses the old name for its reasoning models; local servers expect it.
            body["max_completion_tokens" if self._account.is_own else "max_tokens"] = max_tokens
        return body

    def _tool_fields(self, tools: Sequence[Tool], tool_choice: str) -> dict[str, Any]:
        # OpenAI caches a prompt with its tools; other servers may not know `tool_choice`, and would call them.
        is_unused = tool_choice == "none" and not self._account.is_own
        if is_unused or (tool_choice in ("auto", "none") and not self._calls_tools):
            return {}
        return tool_fields(tools, tool_choice)

    async def _stream(self, body: dict[str, Any]) -> AsyncGenerator[Completion]:
        reply = Reply(used_ids={call["id"] for message in body["messages"] for call in message.get("tool_calls", ())})
        try:
            async with await self._open(body) as chunks:
                async for chunk in chunks:
                    for piece in reply.take(chunk):
                        yield piece
        except SDK_ERRORS as error:
            raise self._account.explain(error) from error
        if not reply.finish_reason:
            raise self._account.failures.broke_off() if reply.begun else self._account.failures.garbage("a reply")
        if not reply.calls.are_whole:
            raise self._account.failures.garbage("a call of a tool by its name")
        for piece in reply.last():
            yield piece

    async def _open(self, body: dict[str, Any]) -> AsyncStream[ChatCompletionChunk]:
        create = self._account.client.chat.completions.create
        try:
            stream: AsyncStream[ChatCompletionChunk] = await create(**body)
        except APIStatusError as error:
            if not self._do_without(error, body):
                raise
            return await self._open(body)
        return stream

    def _do_without(self, error: APIStatusError, body: dict[str, Any]) -> bool:
        """Takes what the server refuses out of `body`, now and from now on. False: it is not to be spared."""
        if "reasoning_effort" in body and error.status_code == 400 and error.param == "reasoning_effort":
            self._effort = ""  # a model that does not reason, or always does
            del body["reasoning_effort"]
            return True
        if "tools" not in body or not TOOLS_REFUSED.search(error.message, 0, MAX_SCRUBBED):
            return False
        if body.get("tool_choice", "none") != "none":  # a call was asked for, not just allowed
            raise self._account.failures.no_tools(error.message) from error
        log.warning("%s: %s refuses tools, and goes on without them", self._spec.label(), self._account.failures.name)
        self._calls_tools = False
        body.pop("tool_choice", None)
        del body["tools"]
        return True


class Reply:
    """What the chunks add up to. The SDK does not validate them, so any part may be missing or another type."""

    def __init__(self, used_ids: Collection[str]) -> None:
        self.begun = False
        self.calls = Calls(used_ids)
        self.finish_reason: FinishReason | None = None
        self._usage: CompletionUsage | None = None

    def take(self, chunk: object) -> list[Completion]:
        """The text and the calls in a chunk."""
        if not isinstance(chunk, ChatCompletionChunk) or not isinstance(chunk.choices, list):
            return []
        if isinstance(chunk.usage, CompletionUsage):
            self._usage = chunk.usage
        choice = chunk.choices[0] if chunk.choices else None
        if not isinstance(choice, Choice):
            return []
        self.begun = True
        if choice.finish_reason:
            self.finish_reason = FINISH_REASONS.get(choice.finish_reason, "stop")
        delta = getattr(choice, "delta", None)
        text = getattr(delta, "content", None) or getattr(delta, "refusal", None)
        said = [Completion(text=storable(text))] if text and isinstance(text, str) else []
        return said + _completions(self.calls.take(getattr(delta, "tool_calls", None)))

    def last(self) -> list[Completion]:
        # A call that was cut short is not one without arguments.
        bare = self.calls.bare() if self.finish_reason == "stop" else []
        return [*_completions(bare), self._ending()]

    def _ending(self) -> Completion:
        if self._usage is None:
            return Completion(finish_reason=self.finish_reason)
        return Completion(
            finish_reason=self.finish_reason,
            input_tokens=_count(self._usage.prompt_tokens),
            output_tokens=_count(self._usage.completion_tokens),
            cached_tokens=_count(getattr(self._usage.prompt_tokens_details, "cached_tokens", 0)),
        )


def _completions(pieces: list[CallPiece]) -> list[Completion]:
    return [Completion(call=piece) for piece in pieces]


def _count(tokens: object) -> int:
    return tokens if type(tokens) is int and 0 <= tokens <= MOST_TOKENS else 0
