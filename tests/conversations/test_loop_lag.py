"""A loop that is late takes nobody in, and tells so at once."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from conversations.loop_lag import EVERY_SEC, SAMPLES, LoopLag
from conversations.storage import callers
from conversations.transport import admission
from conversations.transport.websocket import RealtimeConsumer
from voiceproject.server.cpu_quota import read_core_share


def test_it_is_the_mean_of_a_second() -> None:
    lag = LoopLag()
    for number in range(SAMPLES):
        lag.begin_interval(float(number))
        lag.end_interval(number + EVERY_SEC + (1.0 if number == 3 else 0.0))
    assert lag.measure_sec(20.0) == pytest.approx(1.0 / SAMPLES)


def test_what_is_overdue_counts_already() -> None:
    lag = LoopLag()
    lag.begin_interval(10.0)
    assert lag.measure_sec(10.0) == 0.0
    assert lag.measure_sec(12.0 + EVERY_SEC) == pytest.approx(2.0)


async def test_a_loop_with_too_much_to_do_is_late() -> None:
    lag = LoopLag()
    lag.start()
    for _ in range(3):
        await asyncio.sleep(EVERY_SEC)
        time.sleep(0.3)  # noqa: ASYNC251  # the load
    await asyncio.sleep(0)
    assert lag.measure_sec(time.monotonic()) > 0.1


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the event loop be 10 seconds late."""
    lag = LoopLag()
    lag.begin_interval(time.monotonic() - 10)
    monkeypatch.setattr(admission, "LAG", lag)


async def connect_and_leave(query: bytes) -> list[dict[str, Any]]:
    """Connect with nothing but an address that means something, and return what the socket is sent."""
    told: list[dict[str, Any]] = []
    asked = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(asked)

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer nothing that is a key")]
    scope = {"type": "websocket", "headers": headers, "query_string": query, "subprotocols": [], "client": ["::1", 1]}
    await RealtimeConsumer.as_asgi()(scope, receive, send)
    return told


@pytest.mark.usefixtures("late")
async def test_newcomers_are_told_at_once() -> None:
    accepted, error, closed = await connect_and_leave(b"model=assistant")
    assert accepted["type"] == "websocket.accept"
    assert json.loads(error["text"])["error"]["code"] == "server_busy"
    assert closed == {"type": "websocket.close", "code": 1013}


@pytest.mark.usefixtures("late")
async def test_who_goes_on_with_a_conversation_is_looked_at() -> None:
    _, error, _ = await connect_and_leave(b"conversation=conv_x")
    assert json.loads(error["text"])["error"]["code"] == "invalid_api_key"


@pytest.mark.usefixtures("late")
async def test_nobody_is_admitted() -> None:
    with pytest.raises(admission.RefusedError, match="busy"):
        async with admission.admit(callers.Caller(1)):
            pass


@pytest.mark.parametrize(
    ("text", "share"),
    [("max 100000", 1.0), ("50000 100000", 0.5), ("400000 100000", 1.0), ("", 1.0), ("x", 1.0)],
)
def test_a_part_of_a_core(tmp_path: Path, text: str, share: float) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert read_core_share(tmp_path / "cpu.max") == share
