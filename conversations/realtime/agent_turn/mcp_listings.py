"""Tell the client which tools the MCP servers offer that it names in `tools`.

Each server gets one `mcp_list_tools` item a session. The model does not see such an item: it is neither part of the
conversation nor stored, but the client may retrieve it. The events depend on the state of the server:

its tools are known      mcp_list_tools.in_progress, conversation.item.added, mcp_list_tools.completed,
                         conversation.item.done
it is being connected    mcp_list_tools.in_progress; the other events follow once its tools are known
it cannot be reached     mcp_list_tools.in_progress, mcp_list_tools.failed
"""

from dataclasses import dataclass, replace
from typing import Any

from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.engine_events import ToolsReady
from conversations.realtime.protocol.tools import McpTool, Tool


@dataclass(frozen=True, slots=True)
class McpListing:
    """The `mcp_list_tools` item of one server; `tools` is empty until they are known."""

    id: str
    server_label: str
    tools: tuple[Tool, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Return the listing as the protocol's item."""
        shown = [
            {"name": one.name, "description": one.description, "input_schema": one.parameters} for one in self.tools
        ]
        return {"id": self.id, "type": "mcp_list_tools", "server_label": self.server_label, "tools": shown}


class McpListings:
    """The `mcp_list_tools` items of one session."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self._listings: dict[str, McpListing] = {}  # by the server's label
        self._open: list[str] = []  # labels of the servers whose listing is in progress
        self._ready = ToolsReady(())

    def get(self, item_id: str) -> McpListing | None:
        """Return the listing with this id, or None."""
        return next((listing for listing in self._listings.values() if listing.id == item_id), None)

    def update_tools(self, event: ToolsReady) -> None:
        """Take over which tools are available now, and tell the client about the servers that it waits for."""
        self._ready = event
        self._settle()

    def begin(self) -> None:
        """Start a listing for each MCP server that the session's tools name for the first time."""
        labels = [tool.server_label for tool in self.state.config.tools if isinstance(tool, McpTool)]
        for label in labels:
            if label not in self._listings:
                self._listings[label] = McpListing(self.state.make_id("item"), label)
                self._open.append(label)
                self.state.send("mcp_list_tools.in_progress", item_id=self._listings[label].id)
        self._settle()

    def _settle(self) -> None:
        for label in list(self._open):
            found = tuple(tool for tool in self._ready.tools if tool.server_label == label)
            if found or label not in self._ready.awaited:
                self._open.remove(label)
                self._announce(label, found)

    def _announce(self, label: str, found: tuple[Tool, ...]) -> None:
        item_id = self._listings[label].id
        if label in self._ready.failed:
            self.state.send("mcp_list_tools.failed", item_id=item_id)
            return
        self._listings[label] = replace(self._listings[label], tools=found)
        shown, last = self._listings[label].to_wire(), self.state.log.last_id
        self.state.send("conversation.item.added", item=shown, previous_item_id=last)
        self.state.send("mcp_list_tools.completed", item_id=item_id)
        self.state.send("conversation.item.done", item=shown, previous_item_id=last)
