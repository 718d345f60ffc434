"""Offers the tools of one session, and runs them."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from conversations.engines.base import Tool
from conversations.engines.untrusted_text import make_storable
from conversations.storage.store import OpenedConversation
from conversations.tools.base import Context, Outcome, ToolError
from conversations.tools.mcp_session import McpSession
from conversations.tools.registry import SITE_TOOLS
from conversations.tools.site_tool import SiteTool

if TYPE_CHECKING:
    from mcp_types import Tool as ServersTool

log = logging.getLogger(__name__)

SITE = "site"
MOST = 100  # OpenAI takes 128, and a client may declare some too
MAX_NAME, MAX_DESCRIPTION = 64, 1024  # characters, as OpenAI allows


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool of an MCP server. `tool.name` is its name for the model, `name` the one on its server."""

    tool: Tool
    name: str
    server: McpSession


class Toolbox:
    """The tools of one session. Calls may run side by side.

    MCP servers connect in tasks of `group`, and `tools` grows as they do; `offer` is called whenever it has grown.
    """

    def __init__(
        self,
        opened: OpenedConversation,
        group: asyncio.TaskGroup,
        offer: Callable[["Toolbox"], None] = lambda toolbox: None,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._opened = opened
        self._offer = offer
        self._now = now
        known = {name: SITE_TOOLS[name] for name in opened.tools if name in SITE_TOOLS}
        self._site = {name: tool for name, tool in known.items() if tool.scope in (None, *opened.caller.scopes)}
        for name in set(opened.tools) - set(known):
            log.warning("the assistant %s has a tool %s, which this site does not know", opened.assistant_slug, name)
        self._remote: dict[str, RemoteTool] = {}
        self._servers = [McpSession(spec, group, self._add_remote_tools) for spec in opened.mcp_servers]

    async def settle(self) -> None:
        """Wait until each MCP server has given its tools, or failed. Each has its time limit."""
        await asyncio.gather(*(server.settle() for server in self._servers))

    @property
    def servers(self) -> tuple[McpSession, ...]:
        """The MCP servers of the session, connected or not."""
        return tuple(self._servers)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools that the model may call now."""
        return (*(known.tool for known in self._site.values()), *(known.tool for known in self._remote.values()))

    def get_server_label(self, name: str) -> str:
        """Return who runs the tool of this name: SITE, or an MCP server's label; "" if it is not one of these."""
        if name in self._site:
            return SITE
        return self._remote[name].server.spec.label if name in self._remote else ""

    async def run(self, name: str, arguments: str) -> Outcome:
        """Run a tool, within its time limit. It raises nothing but CancelledError: failures are in the outcome."""
        if site_tool := self._site.get(name):
            return await self._run_bounded(name, settings.TOOLS["TIMEOUT_SEC"], self._run_site(site_tool, arguments))
        if remote := self._remote.get(name):
            return await self._run_bounded(name, remote.server.spec.timeout_sec, _run_remote(remote, arguments))
        return Outcome(error=f"There is no tool {name[:MAX_NAME]!r}.")

    async def close(self) -> None:
        """Close the connections to MCP servers."""
        await asyncio.gather(*(server.close() for server in self._servers))

    async def _run_site(self, tool: SiteTool, arguments: str) -> Outcome:
        zone = self._opened.zone
        context = Context(self._opened.caller.user_id, self._opened.public_id, zone, self._now().astimezone(zone))
        return Outcome(output=await tool.call(context, arguments or "{}"))

    async def _run_bounded(self, name: str, timeout_sec: float, call: Awaitable[Outcome]) -> Outcome:
        try:
            async with asyncio.timeout(timeout_sec):
                outcome = await call
        except TimeoutError:
            outcome = Outcome(error=f"The tool took longer than {timeout_sec:g} seconds and was stopped.")
        except ToolError as error:
            outcome = Outcome(error=str(error))
        except Exception:  # a tool's defect must not cost the turn
            log.exception("the tool %s failed in conversation %s", name, self._opened.public_id)
            outcome = Outcome(error="The tool failed; the server's log says why.")
        return Outcome(_cut(outcome.output), _cut(outcome.error))

    def _add_remote_tools(self, server: McpSession, found: Sequence["ServersTool"]) -> None:
        """Add the tools of a server. A name that is taken gets the server's label in front; known tools keep theirs."""
        known = {remote.name for remote in self._remote.values() if remote.server is server}
        for tool in found:
            if tool.name in known:
                continue
            name = next(
                (
                    name
                    for name in _list_candidate_names(server.spec.label, tool.name)
                    if not self.get_server_label(name)
                ),
                "",
            )
            if len(self.tools) >= MOST:
                log.warning("the MCP server %s: only %d tools have room in a session", server.spec.label, MOST)
                break
            if not name:
                log.warning("the MCP server %s: both names of its tool %s are taken", server.spec.label, tool.name)
                continue
            offered = Tool(name, (tool.description or "")[:MAX_DESCRIPTION], _complete_schema(tool.input_schema))
            self._remote[name] = RemoteTool(offered, tool.name, server)
        self._offer(self)


async def _run_remote(remote: RemoteTool, arguments: str) -> Outcome:
    try:
        given = json.loads(arguments or "{}")
    except ValueError as error:
        raise ToolError(f"The arguments are not valid JSON: {error}.") from None
    if not isinstance(given, dict):
        raise ToolError("The arguments are not a JSON object.")
    return await remote.server.call(remote.name, given)


def _list_candidate_names(label: str, name: str) -> tuple[str, str]:
    """Return the names to try for a tool. MCP allows dots and slashes in them, and twice the length."""
    return tuple(re.sub(r"[^A-Za-z0-9_-]", "_", wanted)[:MAX_NAME] for wanted in (name, f"{label}_{name}"))  # type: ignore[return-value]


def _complete_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its properties, even if there are none: OpenAI refuses one without them."""
    return {"properties": {}, **schema, "type": "object"}


def _cut(text: str) -> str:
    text, most = make_storable(text), int(settings.TOOLS["OUTPUT_CHARS"])
    if len(text) <= most:
        return text
    return f"{text[:most]}… (cut here: the tool said {len(text)} characters)"
