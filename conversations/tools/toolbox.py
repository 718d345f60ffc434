"""The tools of one session, and running them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from conversations.engines.base import Tool, storable
from conversations.store import Opened
from conversations.tools.base import Context, Outcome, ToolError
from conversations.tools.registry import SITE_TOOLS
from conversations.tools.site_tool import SiteTool

log = logging.getLogger(__name__)

SITE = "site"


class Toolbox:
    """`run` may be called while other calls run."""

    def __init__(self, opened: Opened, now: Callable[[], datetime] = timezone.now) -> None:
        self._opened = opened
        self._now = now
        self._site = {name: SITE_TOOLS[name] for name in opened.tools if name in SITE_TOOLS}
        for name in set(opened.tools) - set(self._site):
            log.warning("the assistant %s has a tool %s, which this site does not know", opened.assistant_slug, name)

    @classmethod
    async def open(cls, opened: Opened) -> "Toolbox":
        return cls(opened)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(tool.tool for tool in self._site.values())

    def server_label(self, name: str) -> str:
        """Who runs the tool of this name; "" if it is none of these."""
        return SITE if name in self._site else ""

    async def run(self, name: str, arguments: str) -> Outcome:
        """Never raises but CancelledError, and takes no longer than the tool's time limit."""
        if tool := self._site.get(name):
            return await self._bounded(name, settings.TOOLS["TIMEOUT_SEC"], self._run_site(tool, arguments))
        return Outcome(error=f"There is no tool {name[:64]!r}.")

    async def close(self) -> None:
        pass

    async def _run_site(self, tool: SiteTool, arguments: str) -> Outcome:
        zone = self._opened.zone
        context = Context(self._opened.caller.user_id, self._opened.public_id, zone, self._now().astimezone(zone))
        return Outcome(output=await tool.call(context, arguments or "{}"))

    async def _bounded(self, name: str, timeout_sec: float, call: Awaitable[Outcome]) -> Outcome:
        try:
            async with asyncio.timeout(timeout_sec):
                outcome = await call
        except TimeoutError:
            outcome = Outcome(error=f"The tool took longer than {timeout_sec:g} seconds and was stopped.")
        except ToolError as error:
            outcome = Outcome(error=str(error))
        except Exception:  # the tool's own fault is no reason to lose the turn
            log.exception("the tool %s failed in conversation %s", name, self._opened.public_id)
            outcome = Outcome(error="The tool failed; the server's log says why.")
        return Outcome(_cut(outcome.output), _cut(outcome.error))


def _cut(text: str) -> str:
    text, most = storable(text), int(settings.TOOLS["OUTPUT_CHARS"])
    if len(text) <= most:
        return text
    return f"{text[:most]}… (cut here: the tool said {len(text)} characters)"
