import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence

from conversations.engines.base import ChatMessage, Completion, EngineSpec, Tool
from conversations.engines.demo.eliza import find_reply

REPLAYED = 100  # user messages that ELIZA reads again to find its state; each takes about 50 microseconds


class Eliza:
    """A language model that streams ELIZA's replies word by word. Its tokens are words, and it ignores tools."""

    def __init__(self, spec: EngineSpec) -> None:
        pass

    async def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: str = "auto",
        on_thought: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Completion]:
        said = [message.content for message in messages if message.role == "user"]
        words = re.findall(r"\S+\s*", find_reply(said[-REPLAYED:]))
        kept = words[:max_tokens]
        for word in kept:
            yield Completion(text=word)
            await asyncio.sleep(0)
        yield Completion(
            finish_reason="stop" if len(kept) == len(words) else "length",
            input_tokens=sum(len(message.content.split()) for message in messages),
            output_tokens=len(kept),
        )
