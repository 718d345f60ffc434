"""Find the remote MCP servers that an assistant may use, and how to reach them. An admin sets them up."""

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from accounts.security import encryption
from conversations.models import Assistant, McpServer

log = logging.getLogger(__name__)

MOST = 10  # of an assistant; each costs every session a connection


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """How to reach an MCP server."""

    label: str
    url: str
    authorization: str = ""  # the whole value of the header
    allowed_tools: tuple[str, ...] = ()  # empty: all
    timeout_sec: float = 20.0  # of a call, and of connecting

    def __repr__(self) -> str:
        return f"ServerSpec({self.label!r}, {urlsplit(self.url).hostname!r})"  # the rest may hold secrets


def list_usable(assistant: Assistant) -> tuple[ServerSpec, ...]:
    """Return the enabled servers of an assistant, at most MOST. It reads the database.

    A server whose authorisation cannot be decrypted is left out, and its verdict says so.
    """
    servers = assistant.mcp_servers.filter(is_enabled=True).order_by("label")[:MOST]
    return tuple(found for server in servers if (found := _try_build_spec(server)))


def build_spec(server: McpServer) -> ServerSpec:
    """Return how to reach a server, or raise encryption.DecryptionError."""
    encrypted = bytes(server.authorization_encrypted)
    return ServerSpec(
        label=server.label,
        url=server.url,
        authorization=encryption.decrypt(encrypted) if encrypted else "",
        allowed_tools=tuple(server.allowed_tools),
        timeout_sec=server.timeout_sec,
    )


def _try_build_spec(server: McpServer) -> ServerSpec | None:
    try:
        return build_spec(server)
    except encryption.DecryptionError:
        log.warning("the MCP server %s cannot be used: its authorisation can no longer be decrypted", server.label)
        McpServer.objects.filter(pk=server.pk).update(works=False, verdict=UNDECRYPTABLE)
        return None


UNDECRYPTABLE = "Its authorisation can no longer be decrypted. Save it again."
