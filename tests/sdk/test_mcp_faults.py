"""A remote MCP server at every fault, amid a turn: the model is told, and says something in every case."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from conversations.models import Assistant, McpServer
from tests.support.hostile_mcp import JSON, make_raw_result, run_hostile_server
from tests.support.official_client import Connect
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw

pytestmark = pytest.mark.usefixtures("committed_db")

TIMEOUT_SEC = 10.0  # also to connect, on a busy machine
HANGS_SEC = 2.0
SEEN = (b'{"content": [{"type": "text", "text": ', b'"Seen."}]}}')
# What the server answers to a call, and what the model then reads.
FAULTS: dict[str, tuple[Callable[[int], Raw], str]] = {
    "slow": (make_raw_result(*SEEN, pause_ms=300), "Seen."),
    "hangs": (make_raw_result(*SEEN, ending="open", pause_ms=60_000), "took longer than"),
    "fails": (lambda _: Raw((b"oops",), "text/plain", status=500), "house"),
    "rate-limited": (lambda _: Raw((b"{}",), JSON, status=429, headers={"Retry-After": "60"}), "house"),
    "garbage": (lambda _: Raw((b"{not json",), JSON), "house"),
    "cut": (make_raw_result(SEEN[0], b"", ending="cut"), "house"),
}


@sync_to_async
def create_assistant(url: str, timeout_sec: float) -> str:
    slug = f"faults-{uuid4().hex[:12]}"
    assistant = Assistant.objects.create(slug=slug, name="A", instructions="Look.")
    assistant.mcp_servers.add(McpServer.objects.create(label=slug, url=url, timeout_sec=timeout_sec))
    return slug


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_a_tool(connect: Connect, upstream: Upstream, fault: str) -> None:
    answer, read = FAULTS[fault]
    async with run_hostile_server(answer, None) as url:
        slug = await create_assistant(url, HANGS_SEC if fault == "hangs" else TIMEOUT_SEC)
        read = read.replace("house", slug)
        async with connect(assistant=slug) as talk, asyncio.timeout(15):
            offered: list[str] = []
            while "look" not in offered:  # the server is connected to in the background
                await talk.type("Hello.")
                await talk.wait_for("response.done")
                asked = upstream.list_requests("chat")[-1]["asked"]
                offered = [tool["function"]["name"] for tool in asked.get("tools", ())]
            upstream.script(replies=({"calls": [{"name": "look", "arguments": {}}]}, "So it is."))
            await talk.type("Look, please.")
            response = (await talk.wait_for("response.done"))["response"]
            assert response["status"] == "completed"
            call, message = response["output"]
            assert read in (call.get("output") or "") + str(call.get("error") or "")
            assert message["content"][0]["transcript"].endswith("So it is.")  # “One moment.” may be first
            messages = upstream.list_requests("chat")[-1]["asked"]["messages"]
            assert read in [message["content"] for message in messages if message["role"] == "tool"][-1]
            await talk.type("And now?")
            assert (await talk.wait_for("response.done"))["response"]["status"] == "completed"
