"""A language model of a server on this machine, by its OpenAI-compatible routes. No key is sent."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from conversations.engines.base import ChatMessage, Completion, EngineSpec, Tool
from conversations.engines.errors import EngineUnreachable
from conversations.engines.local_servers.discovery import DISCOVERY
from conversations.engines.openai.llm import ChatCompletions


class LocalChat:
    """A language model that another program on this machine runs."""

    warm = ChatCompletions.warm

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._chat = ChatCompletions(spec)

    async def connect(self) -> None:
        await self._chat.connect()

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        on_thought: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Completion]:
        stream = self._chat.complete(
            messages, max_tokens=max_tokens, tools=tools, tool_choice=tool_choice, on_thought=on_thought
        )
        try:
            async with aclosing(stream):
                async for piece in stream:
                    yield piece
        except EngineUnreachable as error:
            DISCOVERY.forget(self._spec.base_url)
            raise self._build_gone_error() from error

    def _build_gone_error(self) -> EngineUnreachable:
        """Return the error for a server that has stopped since the session began."""
        where = self._spec.base_url.removeprefix("http://").removesuffix("/v1")
        message = (
            f"The language model {self._spec.model} has gone: nothing answers at {where} any more. Start its server "
            "again and go on, or begin a new call, which the demo answers."
        )
        error = EngineUnreachable("llm", self._spec.provider, message)
        error.model = self._spec.model
        return error
