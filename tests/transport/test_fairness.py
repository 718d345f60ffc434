"""No user takes all places of a process, whoever comes first."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from pytest_django import Settings

from conversations.storage.callers import Caller
from conversations.transport import admission
from conversations.transport.admission import RefusedError


@pytest.fixture
async def places() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def admit_as_many_as_possible(places: AsyncExitStack, user_id: int) -> tuple[int, str]:
    """Return how many sessions the user got, and the code of the refusal."""
    count = 0
    while True:
        try:
            await places.enter_async_context(admission.admit(Caller(user_id)))
        except RefusedError as refusal:
            return count, refusal.code
        count += 1


async def test_a_user_gets_a_part_of_what_is_free(places: AsyncExitStack, settings: Settings) -> None:
    settings.REALTIME = {**settings.REALTIME, "MAX_SESSIONS": 16, "MAX_SESSIONS_PER_USER": 15}
    assert await admit_as_many_as_possible(places, 1) == (8, "server_busy")
    assert await admit_as_many_as_possible(places, 2) == (4, "server_busy")
    assert await admit_as_many_as_possible(places, 3) == (2, "server_busy")
    assert [await admit_as_many_as_possible(places, number) for number in (4, 5, 6)] == [
        (1, "server_busy"),
        (1, "server_busy"),
        (0, "server_busy"),
    ]


async def test_a_program_for_which_all_places_are_meant_gets_them(places: AsyncExitStack, settings: Settings) -> None:
    settings.REALTIME = {**settings.REALTIME, "MAX_SESSIONS": 16, "MAX_SESSIONS_PER_USER": 16}
    assert await admit_as_many_as_possible(places, 1) == (16, "server_busy")
