from dataclasses import replace

import pytest

from conversations.tools.base import Context, ToolError
from conversations.tools.clock import current_time
from tests.support.tools import NOON, VIENNA

CONTEXT = Context(1, "conv_1", VIENNA, NOON.astimezone(VIENNA))


async def test_it_works() -> None:
    assert await current_time(CONTEXT) == "Wednesday, 25 November 2026, 12:00 (Europe/Vienna, UTC+01:00)"


async def test_the_time_in_another_zone() -> None:
    said = await current_time(replace(CONTEXT, now=NOON), time_zone="Asia/Kathmandu")
    assert said == "Wednesday, 25 November 2026, 16:45 (Asia/Kathmandu, UTC+05:45)"


@pytest.mark.parametrize("name", ["Vienna", "../../etc/passwd", "Europe/Vienna\0", "x" * 1000])
async def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ToolError, match=r"There is no time zone .* Europe/Vienna"):
        await current_time(CONTEXT, time_zone=name)
