"""Verify an MCP server when an admin saves it: connect to it and list its tools."""

import asyncio
from importlib import import_module

from asgiref.sync import async_to_sync
from django.utils import timezone

from accounts.security import encryption
from conversations.models import McpServer
from conversations.storage import mcp_servers
from conversations.storage.mcp_servers import ServerSpec
from voiceproject.database import give_back

MAX_NAMED = 12
MAX_VERDICT = 500


def verify_server(server: McpServer) -> None:
    """Connect, list the tools, and save the verdict with the server. It takes seconds."""
    try:
        spec = mcp_servers.build_spec(server)
        give_back()
        server.works, verdict = async_to_sync(try_connection)(spec)
        server.verdict = verdict[:MAX_VERDICT]
    except encryption.DecryptionError:
        server.works, server.verdict = False, mcp_servers.UNDECRYPTABLE
    server.tested_at = timezone.now()
    server.save(update_fields=["works", "verdict", "tested_at"])


async def try_connection(spec: ServerSpec) -> tuple[bool, str]:
    """Connect and list the tools. Return whether that works, and a sentence about it for the admin."""
    sdk = import_module("conversations.tools.mcp_client")
    try:
        async with asyncio.timeout(spec.timeout_sec), sdk.connect(spec, lambda: None) as client:
            names = [tool.name for tool in await sdk.list_tools(client, spec)]
    except Exception as error:
        return False, f"{spec.label} {sdk.explain(error, spec)}"
    if unknown := set(spec.allowed_tools) - set(names):
        return False, f"{spec.label} has no tool {', '.join(sorted(unknown))}."
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return True, f"Works: {len(names)} tool{'' if len(names) == 1 else 's'}: {', '.join(names[:MAX_NAMED])}{more}."
