"""What a session writes down of itself: nothing unless it is told to, and no credential ever."""

import asyncio
import json
import logging
import stat
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import Settings

from conversations.engines.base import EngineSpec
from conversations.realtime.commands import Send
from conversations.realtime.engine_events import SpeechWindow, ToolCallDone
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.client_events import AudioAppend
from conversations.realtime.protocol.errors import IllegalTransitionError
from conversations.realtime.protocol.session_config import REALTIME
from conversations.realtime.relay.upstream_events import UpstreamReady
from conversations.realtime.replay.recorded_machine import RecordedMachine
from conversations.session.base import Session
from conversations.session.cascade import CascadeSession
from conversations.session.initial_settings import build_initial_config
from conversations.session.recording import SessionRecording, begin
from conversations.session.s2s import S2SSession
from conversations.storage.callers import Caller
from conversations.storage.engine_selection import EngineSet
from conversations.storage.mcp_servers import ServerSpec
from conversations.storage.store import OpenedConversation
from tests.support.recordings import replay_recording

SPEC = EngineSpec("openai", "m", base_url="http://127.0.0.1:9/v1?token=of-the-query-77", api_key="key-without-looks-11")
SERVER = ServerSpec("house", "https://me:of-the-address-66@tools.example/mcp", "Basic of-the-header-55")
FALLBACK = EngineSpec("google", api_key="key-of-a-fallback-22")
SECRETS = ("key-without-looks-11", "key-of-a-fallback-22", "of-the-header-55", "of-the-address-66", "of-the-query-77")


SendFrame = Callable[[str], Awaitable[None]]
BuildSession = Callable[[OpenedConversation, SendFrame], Session]


async def ignore(_: Any) -> None: ...


@pytest.fixture
def opened() -> OpenedConversation:
    return OpenedConversation(
        pk=None, public_id="conv_1", caller=Caller(1), assistant_slug="a", instructions="", language="en", speed=1.0,
        patience="", keywords=(), preemptive_generation=True, items=[],
        engines=EngineSet(SPEC, SPEC, SPEC, fallbacks={"tts": (FALLBACK,)}),
        mcp_servers=(SERVER,),
    )  # fmt: skip


def make_cascade(opened: OpenedConversation, send: SendFrame) -> Session:
    return CascadeSession(opened, send, ignore, "", 1_900_000_000)


def make_s2s(opened: OpenedConversation, send: SendFrame) -> Session:
    return S2SSession(opened, SPEC, send, ignore, "", 1_900_000_000)


async def run_session(build: BuildSession, opened: OpenedConversation) -> None:
    """Run a session whose client sends what is no JSON, and is then told to go."""
    told: asyncio.Queue[str] = asyncio.Queue()
    session = build(replace(opened, mcp_servers=()), told.put)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(session.run())
        session.feed("no JSON")
        while '"invalid_json"' not in await told.get():
            pass
        session.close(1008, "test", "That is it.")


def record_machine(opened: OpenedConversation) -> tuple[RecordedMachine, SessionRecording]:
    """Return a turn machine whose inputs are recorded, and their recording."""
    recording = begin(opened)
    assert recording is not None
    arguments: dict[str, Any] = {
        "config": build_initial_config(opened, "", 1_900_000_000, REALTIME),
        "conversation_id": "conv_1",
    }
    return recording.record(TurnMachine(make_id=recording.make_id, **arguments), arguments), recording


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.RECORD_DIR = str(tmp_path / "calls")
    return tmp_path / "calls"


async def end_recording(recording: SessionRecording) -> str:
    """End a recording, and return the text of its file."""
    await recording.end()
    return find_file(Path(settings.RECORD_DIR)).read_text()


def list_files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def find_file(folder: Path) -> Path:
    [path] = list_files(folder)
    return path


def get_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("build", [make_cascade, make_s2s])
async def test_it_works(build: BuildSession, opened: OpenedConversation, folder: Path) -> None:
    await run_session(build, opened)
    path = find_file(folder)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line.get("do") for line in lines if "event" not in line] == [None, "start", "refuse", "refuse", "end", None]
    assert lines[-1] == {"ending": "the session was over"}
    assert path.name.startswith("conv_1-")
    assert (get_mode(path), get_mode(folder)) == (0o600, 0o700)
    sent = [
        [action.event["type"] for action in one.actions if isinstance(action, Send)] for one in replay_recording(path)
    ]
    assert sent[:2] == [["session.created", "conversation.created"], ["error"]]


@pytest.mark.parametrize("build", [make_cascade, make_s2s])
async def test_nothing_is_recorded_unless_the_site_asks_for_it(
    build: BuildSession, opened: OpenedConversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the folder that it runs in, either."""
    monkeypatch.chdir(tmp_path)
    await run_session(build, opened)
    assert list_files(tmp_path) == []


async def test_what_the_session_knows_as_secret_is_left_out(opened: OpenedConversation, folder: Path) -> None:
    """Also where a tool or a model says it, and where it looks like nothing in particular."""
    told = " ".join(SECRETS)
    machine, recording = record_machine(replace(opened, instructions=f"Say {told}"))
    machine.receive(ToolCallDone("resp_1", "item_1", f"I was given {told}.", told), 1.0)
    text = await end_recording(recording)
    assert text.count("ToolCallDone") == 1
    assert [secret for secret in SECRETS if secret in text] == []


async def test_a_folder_that_cannot_be_written(
    opened: OpenedConversation, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    settings.RECORD_DIR = str(tmp_path / "file")
    machine, recording = record_machine(opened)
    with caplog.at_level(logging.WARNING):
        for place in range(100):
            machine.receive(SpeechWindow(0.0), float(place))
        await recording.end()
    assert [record.getMessage()[:44] for record in caplog.records] == ["the recording of conversation conv_1 ends: F"]


async def test_what_cannot_be_encoded_ends_the_recording_alone(
    opened: OpenedConversation, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine, recording = record_machine(opened)
    machine.start(1.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            machine.receive(ToolCallDone("resp_1", "item_1", object(), ""), 1.0)  # type: ignore[arg-type]
    assert len(caplog.records) == 1
    assert "ToolCallDone" not in await end_recording(recording)


async def test_the_step_that_fails_is_there_too(opened: OpenedConversation, folder: Path) -> None:
    machine, recording = record_machine(opened)
    with pytest.raises(IllegalTransitionError):
        machine.receive(UpstreamReady(), 1.0)
    text = await end_recording(recording)
    assert '"event":"UpstreamReady","given":{},"raised":"IllegalTransitionError"' in text


async def test_sound_is_recorded_where_the_site_asks_for_it(
    opened: OpenedConversation, folder: Path, settings: Settings
) -> None:
    settings.RECORD_SOUND = True
    machine, recording = record_machine(opened)
    machine.start(1.0)
    machine.receive(AudioAppend(b"\1\2" * 480), 1.0)
    await end_recording(recording)
    assert replay_recording(find_file(folder))[1].step.given == AudioAppend(b"\1\2" * 480)
