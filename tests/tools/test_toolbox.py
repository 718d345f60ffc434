import asyncio
import threading
from typing import Any

import pytest

from accounts.models import Scope
from conversations.storage.callers import SECRETS_SCOPES, Caller
from conversations.tools.base import Context, Outcome
from conversations.tools.registry import SITE_TOOLS
from conversations.tools.site_tool import SiteTool
from tests.support.tools import NOON, MakeConversation, open_toolbox

release = threading.Event()


async def hang(context: Context) -> str:
    """Never ends."""
    await asyncio.Event().wait()
    return ""


def block(context: Context) -> str:
    """Ends when it is told to, in a thread."""
    release.wait(10)
    return ""


async def fail(context: Context) -> str:
    """Has a fault."""
    raise RuntimeError("a secret")


async def babble(context: Context) -> str:
    """Says too much."""
    return "ab\0c" * 1_000


@pytest.fixture
def more_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (hang, block, fail, babble):
        monkeypatch.setitem(SITE_TOOLS, function.__name__, SiteTool.from_function(function))


def set_limits(settings: Any, **limits: object) -> None:
    settings.TOOLS = {**settings.TOOLS, **limits}


async def test_it_works(make_opened: MakeConversation) -> None:
    async with open_toolbox(make_opened(), now=lambda: NOON) as box:
        assert [tool.name for tool in box.tools] == ["current_time", "search_past_talks"]
        assert box.get_server_label("current_time") == "site"
        outcome = await box.run("current_time", "{}")
        assert outcome == Outcome("Wednesday, 25 November 2026, 12:00 (Europe/Vienna, UTC+01:00)")
        assert await box.run("current_time", "") == outcome


async def test_without_the_scope_to_read_nothing_is_read(make_opened: MakeConversation) -> None:
    """Whoever has a client secret is seldom the user whose talks these are."""
    for scopes, names in ((SECRETS_SCOPES, ["current_time"]), (set(Scope.values), list(SITE_TOOLS))):
        async with open_toolbox(make_opened(caller=Caller(0, 1, frozenset(scopes)))) as box:
            assert [tool.name for tool in box.tools] == names


async def test_only_the_assistants_tools_are_offered(
    make_opened: MakeConversation, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_toolbox(make_opened(tools=("gone", "current_time"))) as box:
        assert [tool.name for tool in box.tools] == ["current_time"]
        assert "has a tool gone, which this site does not know" in caplog.text
        assert box.get_server_label("search_past_talks") == ""
        assert (await box.run("search_past_talks", "{}")).error == "There is no tool 'search_past_talks'."


async def test_wrong_arguments_are_told(make_opened: MakeConversation) -> None:
    async with open_toolbox(make_opened()) as box:
        assert "time_zone: Input should be a valid string" in (await box.run("current_time", '{"time_zone": 7}')).error
        assert "There is no time zone 'Mars'" in (await box.run("current_time", '{"time_zone": "Mars"}')).error


@pytest.mark.parametrize("name", ["hang", "block"])
async def test_a_slow_tool_is_stopped(
    make_opened: MakeConversation, more_tools: None, settings: Any, name: str
) -> None:
    set_limits(settings, TIMEOUT_SEC=0.05)
    release.clear()
    async with open_toolbox(make_opened(tools=(name,))) as box, asyncio.timeout(5):
        outcome = await box.run(name, "{}")
    release.set()
    assert outcome == Outcome(error="The tool took longer than 0.05 seconds and was stopped.")


async def test_a_broken_tool_is_logged_and_not_quoted(
    make_opened: MakeConversation, more_tools: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_toolbox(make_opened(tools=("fail",))) as box:
        assert await box.run("fail", "{}") == Outcome(error="The tool failed; the server's log says why.")
    assert "the tool fail failed in conversation conv_running" in caplog.text


async def test_a_long_output_is_cut(make_opened: MakeConversation, more_tools: None, settings: Any) -> None:
    set_limits(settings, OUTPUT_CHARS=100)
    async with open_toolbox(make_opened(tools=("babble",))) as box:
        assert (await box.run("babble", "{}")).output == "abc" * 33 + "a… (cut here: the tool said 3000 characters)"


async def test_it_can_be_called_off(make_opened: MakeConversation, more_tools: None) -> None:
    async with open_toolbox(make_opened(tools=("hang",))) as box:
        task = asyncio.create_task(box.run("hang", "{}"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
