from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from openai import AsyncStream, BadRequestError
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import Choice
from openai.types.completion_usage import CompletionUsage

from conversations.engines.base import Completion, EngineSpec, Message, storable
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.openai.http import tls_context
from conversations.engines.supervision import pieces

FinishReason = Literal["stop", "length", "content_filter"]
MOST_TOKENS = 2**31 - 1  # no server means more, and no integer of the database holds it
FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}


class ChatCompletions:
    """`/v1/chat/completions`, streamed."""

    warm = staticmethod(tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("llm", spec)
        # A thinking pause is silence in a talk. Compatible servers may not know the parameter.
        self._effort = spec.reasoning_effort or ("none" if self._account.is_own else "")

    async def connect(self) -> None:
        await self._account.connect()

    async def complete(
        self, messages: Sequence[Message], *, max_tokens: int | None = None
    ) -> AsyncGenerator[Completion]:
        body = self._body(messages, max_tokens)
        stream = pieces(lambda: self._stream(body), self._spec.timeout_sec, self._account.failures.timeout)
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    def _body(self, messages: Sequence[Message], max_tokens: int | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._spec.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._effort:
            body["reasoning_effort"] = self._effort
        if max_tokens:
            # OpenAI refuses the old name for its reasoning models; local servers expect it.
            body["max_completion_tokens" if self._account.is_own else "max_tokens"] = max_tokens
        return body

    async def _stream(self, body: dict[str, Any]) -> AsyncGenerator[Completion]:
        reply = Reply()
        try:
            async with await self._open(body) as chunks:
                async for chunk in chunks:
                    if text := reply.take(chunk):
                        yield Completion(text=text)
        except SDK_ERRORS as error:
            raise self._account.explain(error) from error
        if not reply.finish_reason:
            raise self._account.failures.broke_off() if reply.begun else self._account.failures.garbage("a reply")
        yield reply.last()

    async def _open(self, body: dict[str, Any]) -> AsyncStream[ChatCompletionChunk]:
        create = self._account.client.chat.completions.create
        try:
            stream: AsyncStream[ChatCompletionChunk] = await create(**body)
        except BadRequestError as error:
            if error.param != "reasoning_effort":
                raise
            self._effort = ""  # a model that does not reason, or always does
            body.pop("reasoning_effort", None)
            stream = await create(**body)
        return stream


class Reply:
    """What the chunks add up to. The SDK does not validate them, so any part may be missing or another type."""

    def __init__(self) -> None:
        self.begun = False
        self.finish_reason: FinishReason | None = None
        self._usage: CompletionUsage | None = None

    def take(self, chunk: object) -> str:
        """The text in a chunk, or ""."""
        if not isinstance(chunk, ChatCompletionChunk) or not isinstance(chunk.choices, list):
            return ""
        if isinstance(chunk.usage, CompletionUsage):
            self._usage = chunk.usage
        choice = chunk.choices[0] if chunk.choices else None
        if not isinstance(choice, Choice):
            return ""
        self.begun = True
        if choice.finish_reason:
            self.finish_reason = FINISH_REASONS.get(choice.finish_reason, "stop")
        delta = getattr(choice, "delta", None)
        text = getattr(delta, "content", None) or getattr(delta, "refusal", None)
        return storable(text) if isinstance(text, str) else ""

    def last(self) -> Completion:
        if self._usage is None:
            return Completion(finish_reason=self.finish_reason)
        return Completion(
            finish_reason=self.finish_reason,
            input_tokens=_count(self._usage.prompt_tokens),
            output_tokens=_count(self._usage.completion_tokens),
            cached_tokens=_count(getattr(self._usage.prompt_tokens_details, "cached_tokens", 0)),
        )


def _count(tokens: object) -> int:
    return tokens if type(tokens) is int and 0 <= tokens <= MOST_TOKENS else 0
