import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from conversations.engines.base import EngineSpec
from conversations.storage.engine_selection import EngineSet
from conversations.storage.store import Caller, Opened
from conversations.tools.base import Context
from conversations.tools.registry import SITE_TOOLS
from conversations.tools.toolbox import Toolbox

VIENNA = ZoneInfo("Europe/Vienna")
NOON = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)  # in Vienna it is 12:00


@pytest.fixture
def context(owner: User) -> Context:
    return Context(owner.pk, "conv_running", VIENNA, NOON.astimezone(VIENNA))


DEMO = EngineSet(EngineSpec("demo"), EngineSpec("demo"), EngineSpec("demo"))
MakeOpened = Callable[..., Opened]


@asynccontextmanager
async def opened_box(opened: Opened, **options: Any) -> AsyncIterator[Toolbox]:
    async with asyncio.TaskGroup() as group:
        box = Toolbox(opened, group, **options)
        yield box
        await box.close()


@pytest.fixture
def opened() -> MakeOpened:
    """`opened(user, tools=…)`: as the store would have it, for a toolbox."""

    def make(user: User | None = None, **fields: Any) -> Opened:
        user = user or User(pk=0)
        defaults: dict[str, Any] = {
            "pk": 0,
            "public_id": "conv_running",
            "caller": Caller(user.pk),
            "assistant_slug": "assistant",
            "instructions": "",
            "language": "",
            "speed": 1.0,
            "patience": "",
            "keywords": (),
            "speculation": True,
            "engines": DEMO,
            "items": [],
            "zone": VIENNA,
            "tools": tuple(SITE_TOOLS),
        }
        return Opened(**{**defaults, **fields})

    return make
