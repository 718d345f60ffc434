"""What tools and toolboxes are run with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from conversations.engines.base import EngineSpec
from conversations.storage.engine_selection import EngineSet
from conversations.storage.store import OpenedConversation
from conversations.tools.toolbox import Toolbox

VIENNA = ZoneInfo("Europe/Vienna")


NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)  # in Vienna it is 12:00


DEMO = EngineSet(EngineSpec("demo"), EngineSpec("demo"), EngineSpec("demo"))


MakeConversation = Callable[..., OpenedConversation]


@asynccontextmanager
async def open_toolbox(opened: OpenedConversation, **options: Any) -> AsyncIterator[Toolbox]:
    async with asyncio.TaskGroup() as group:
        box = Toolbox(opened, group, **options)
        yield box
        await box.close()
