import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from time import monotonic
from typing import Any

from openai import APIStatusError, AsyncAPIResponse

from conversations.engines.base import ChatMessage, Completion, EngineSpec, Tool
from conversations.engines.openai import unopened_thoughts
from conversations.engines.openai.account import SDK_ERRORS, Account
from conversations.engines.openai.chat_stream import THINKING, WORKING, ChatStream, ReportedError
from conversations.engines.openai.tool_calls import build_message, build_tool_fields
from conversations.engines.retries import stream_with_retries
from conversations.engines.untrusted_text import MAX_SCRUBBED
from conversations.network.http import get_tls_context

log = logging.getLogger(__name__)

REPORT_SEC = 1.0  # between two reports that the model is thinking
USAGE_SEC = 1.0  # wait after the `finish_reason`: the token counts come right after it, or never
LAST_BYTES_SEC = 0.1  # wait after “[DONE]”
# Ollama: “… does not support tools”. vLLM: “"auto" tool choice requires --enable-auto-tool-choice and …”.
# llama.cpp, with a status of 500: “tools param requires --jinja flag”.
TOOLS_REFUSED = re.compile(
    r"not support (?:tool|function)|unsupported parameter: '?tool"
    r"|tools?\b(?: choice| param| use| calling)?(?: is| are)? (?:requires? --|not supported|unsupported)",
    re.IGNORECASE,
)


class ThoughtReporter:
    """Calls `report` at the first token of a thought, and then at most once a second."""

    def __init__(self, report: Callable[[], None]) -> None:
        self._report = report
        self._quiet_until = 0.0

    def notice(self) -> None:
        """Note another token of a thought."""
        if (now := monotonic()) >= self._quiet_until:
            self._quiet_until = now + REPORT_SEC
            self._report()


class ChatCompletions:
    """A language model by `/v1/chat/completions`, streamed."""

    warm = staticmethod(get_tls_context)

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._account = Account("llm", spec)
        # While a model thinks, the user hears silence. Compatible servers may not know the parameter.
        self._effort = spec.reasoning_effort or ("none" if self._account.is_own else "")
        self._calls_tools = True  # until the server refuses tools

    async def connect(self) -> None:
        await self._account.connect()

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        on_thought: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Completion]:
        body = self._build_body(messages, max_tokens) | self._build_tool_fields(tools, tool_choice)
        errors = self._account.errors
        thoughts = ThoughtReporter(on_thought)
        stream = stream_with_retries(
            lambda: self._stream(body, thoughts),
            self._spec.timeout_sec,
            errors,
            is_told=lambda piece: piece is not WORKING and piece is not THINKING,
            is_thought=lambda piece: piece is THINKING,
        )
        async with aclosing(stream):
            async for piece in stream:
                yield piece

    def _build_body(self, messages: Sequence[ChatMessage], max_tokens: int | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._spec.model,
            "messages": [build_message(message) for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._effort:
            body["reasoning_effort"] = self._effort
        if max_tokens:
            # OpenAI refuses the old name for its reasoning models; local servers expect it.
            body["max_completion_tokens" if self._account.is_own else "max_tokens"] = max_tokens
        return body

    def _build_tool_fields(self, tools: Sequence[Tool], tool_choice: str) -> dict[str, Any]:
        # OpenAI caches prompts with their tools, so it gets unused ones too. Other servers may ignore `tool_choice`.
        is_unused = tool_choice == "none" and not self._account.is_own
        if is_unused or (tool_choice in ("auto", "none") and not self._calls_tools):
            return {}
        return build_tool_fields(tools, tool_choice)

    async def _stream(self, body: dict[str, Any], thoughts: ThoughtReporter) -> AsyncGenerator[Completion]:
        used_ids = {call["id"] for message in body["messages"] for call in message.get("tool_calls", ())}
        server = self._spec.base_url, self._spec.model
        stream = ChatStream(used_ids, expects_thought=unopened_thoughts.has_unopened_thoughts(*server))
        try:
            async with self._open(body) as response:
                async for data in _read_until_end(response.iter_bytes(), stream):
                    for piece in stream.feed(data):
                        if piece is THINKING:
                            thoughts.notice()
                        yield piece
                    if stream.has_unopened_thought and not self._account.is_own:
                        unopened_thoughts.record_reply(*server, closes_alone=True)
        except SDK_ERRORS as error:
            if not stream.has_ended:
                raise self._account.explain(error) from error
        except ReportedError as reported:
            raise self._account.explain_event(reported.error) from reported
        for piece in self._finish(stream):
            yield piece
        if not stream.has_unopened_thought:
            unopened_thoughts.record_reply(*server, closes_alone=False)

    def _finish(self, stream: ChatStream) -> list[Completion]:
        errors = self._account.errors
        try:
            rest = list(stream.finish())
        except ReportedError as reported:
            raise self._account.explain_event(reported.error) from reported
        except ValueError as error:
            raise errors.build_unexpected_answer_error("a reply") from error
        if not stream.has_ended:
            raise (
                errors.build_connection_lost_error()
                if stream.has_begun
                else errors.build_unexpected_answer_error("a reply")
            )
        if not stream.calls.are_named:
            raise errors.build_unexpected_answer_error("a call of a tool by its name")
        return rest

    @asynccontextmanager
    async def _open(self, body: dict[str, Any]) -> AsyncIterator[AsyncAPIResponse[Any]]:
        create = self._account.client.chat.completions.with_streaming_response.create
        async with AsyncExitStack() as stack:
            while True:
                try:
                    response: AsyncAPIResponse[Any] = await stack.enter_async_context(
                        create(**body, extra_headers=self._account.extra_headers)
                    )
                    break
                except APIStatusError as error:
                    if not self._drop_refused_field(error, body):
                        raise
            yield response

    def _drop_refused_field(self, error: APIStatusError, body: dict[str, Any]) -> bool:
        """Remove from `body` what the server refused, and do without it from now on.

        Return False if the error is about something else. Raise EngineRejected if a tool call was required.
        """
        if "reasoning_effort" in body and error.status_code == 400 and error.param == "reasoning_effort":
            self._effort = ""  # the model cannot reason, or always does
            del body["reasoning_effort"]
            return True
        if "tools" not in body or not TOOLS_REFUSED.search(error.message, 0, MAX_SCRUBBED):
            return False
        if body.get("tool_choice", "none") != "none":  # a call was asked for, not just allowed
            raise self._account.errors.build_tools_unsupported_error(error.message) from error
        log.warning("%s: %s refuses tools, and goes on without them", self._spec.get_label(), self._account.errors.name)
        self._calls_tools = False
        body.pop("tool_choice", None)
        del body["tools"]
        return True


async def _read_until_end(pieces: AsyncIterator[bytes], stream: ChatStream) -> AsyncIterator[bytes]:
    """Yield `pieces` until `reply` is complete, even if the server leaves the connection open.

    What is left of the body is read if it is already there, so that the connection can serve the next turn.
    """
    clock = asyncio.get_running_loop().time
    while True:
        limit = None
        if stream.has_ended:
            limit = clock() + (LAST_BYTES_SEC if stream.is_done else USAGE_SEC)
        try:
            async with asyncio.timeout_at(limit):
                data = await anext(pieces, None)
        except TimeoutError:
            return
        if data is None:
            return
        yield data
