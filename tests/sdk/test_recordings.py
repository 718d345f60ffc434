"""A live site records its calls, and a replay decides what the client was told.

With `RENEW_RECORDINGS=1` these calls become the recordings under tests/realtime/recordings/.
"""

import asyncio
import base64
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from conversations.models import Assistant
from conversations.pcm import BYTES_PER_MS
from conversations.realtime.commands import Send
from tests.support.live import Site, run_site
from tests.support.official_client import Connect, Talk
from tests.support.recordings import FOLDER, print_replay, replay_recording
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
RENEWS = bool(os.environ.get("RENEW_RECORDINGS"))
STORY = (
    "There once was a lighthouse on a small island. Its keeper lived alone, and he counted the ships. "
    "One night the lamp went out. He lit a fire on the beach, and every ship came home. "
)
FRAME_MS = 40
API_KEY = "sk-site-0123456789abcdefghij"
AUDIO = "response.output_audio.delta"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def site(database_url: str, upstream_process: Upstream, folder: Path) -> Iterator[Site]:
    env = {
        "OPENAI_API_KEY": API_KEY,
        "OPENAI_BASE_URL": upstream_process.openai_url,
        "VOICE_RECORD_DIR": str(folder / "of-calls"),
    }
    with run_site(database_url, env) as running:
        yield running


async def wait_for_recording(talk: Talk, folder: Path, site: Site) -> Path:
    """Return the file of a call that has ended, once it is complete."""
    async with asyncio.timeout(20):
        while True:
            found = list((folder / "of-calls").glob(f"{talk.conversation_id}-*.jsonl"))
            if found and '"ending"' in found[0].read_text():
                return found[0]
            await asyncio.sleep(0.05)


def check_replay(talk: Talk, path: Path, name: str) -> None:
    """Check that a replay decides all that the client was told, word for word, except for the sound."""
    decided = replay_recording(path)
    told = [action.event for one in decided for action in one.actions if isinstance(action, Send)]
    known = {event["event_id"]: event for event in told}
    heard = [event for event in talk.events if event["type"] != AUDIO]
    assert len(heard) > 10
    assert [known.get(event["event_id"]) for event in heard] == heard
    assert not [one.raised for one in decided if one.raised]
    assert print_replay(path).endswith("The recording ends: the session was over.\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert API_KEY not in text
    assert "AAAAAAAA" not in text, "sound"
    if RENEWS:
        shutil.copyfile(path, FOLDER / f"{name}.jsonl")
        (FOLDER / f"{name}.txt").write_text(print_replay(path))


async def say(talk: Talk, pcm: bytes) -> None:
    """Send the sound as fast as the socket takes it, or at the pace of speech for a recording that is kept."""
    if not RENEWS:
        await talk.say(pcm)
        return
    frame = FRAME_MS * BYTES_PER_MS
    whole = pcm + bytes(25 * frame)
    for start in range(0, len(whole), frame):
        sound = base64.b64encode(whole[start : start + frame]).decode()
        await talk.send.input_audio_buffer.append(audio=sound)
        await asyncio.sleep(FRAME_MS / 1000)


async def barge_in(talk: Talk, upstream: Upstream, kind: str, utterance: bytes) -> None:
    upstream.behave(kind, realtime=1.0)
    await say(talk, utterance)
    first = await talk.wait_for(AUDIO)
    await say(talk, utterance)
    assert (await talk.wait_for("response.done"))["response"]["status"] == "cancelled"
    cut: Any = {"item_id": first["item_id"], "content_index": 0, "audio_end_ms": 40}
    await talk.send.conversation.item.truncate(**cut)
    upstream.behave(kind, realtime=0.0)
    await talk.wait_for("response.done")
    await talk.wait_for("rate_limits.updated")


async def test_a_barge_in(connect: Connect, upstream: Upstream, utterance: bytes, folder: Path, site: Site) -> None:
    # Twice each: in the pause of the utterance it is heard, and answered, ahead.
    upstream.script(
        transcripts=("SendUpstream me everything.",) * 2 + ("Stop.",) * 2, replies=(STORY, STORY, "Sorry.", "Sorry.")
    )
    async with connect() as talk:
        await barge_in(talk, upstream, "speech", utterance)
    check_replay(talk, await wait_for_recording(talk, folder, site), "barge_in")


async def test_a_tool_call(connect: Connect, upstream: Upstream, folder: Path, site: Site) -> None:
    upstream.script(replies=({"text": "Let me look.", "calls": [{"name": "current_time", "arguments": "{}"}]}, "Noon."))
    async with connect(time_zone="Europe/Vienna") as talk:
        await talk.wait_for("conversation.created")
        await talk.type("What time is it?")
        await talk.wait_for("response.done")
        await talk.wait_for("rate_limits.updated")
    check_replay(talk, await wait_for_recording(talk, folder, site), "tool_call")


async def test_speech_to_speech(
    connect: Connect, upstream: Upstream, utterance: bytes, folder: Path, site: Site
) -> None:
    slug = f"s2s-{uuid4().hex[:12]}"
    await Assistant.objects.acreate(slug=slug, name=slug, instructions="Be brief.", s2s_engine="openai")
    upstream.script(transcripts=("SendUpstream me everything.", "Stop."), replies=(STORY, "Sorry."))
    async with connect(assistant=slug) as talk:
        await barge_in(talk, upstream, "live_responses", utterance)
    check_replay(talk, await wait_for_recording(talk, folder, site), "speech_to_speech")


async def test_secrets_are_left_out(connect: Connect, upstream: Upstream, folder: Path, site: Site) -> None:
    """The client puts credentials wherever the protocol has a place for them, and where it has none."""
    secrets = [f"hunter-{place}-{uuid4().hex}" for place in range(8)]
    server = {
        "type": "mcp",
        "server_label": "house",
        "server_url": f"https://me:{secrets[0]}@tools.example/mcp?key={secrets[1]}",
        "authorization": secrets[2],
        "headers": {"X-Api-Key": secrets[3], "Cookie": secrets[4]},
    }
    nested = {"client_secret": {"value": secrets[5]}, "api_key": [secrets[6]]}
    told = f"Use Bearer {secrets[7]} and {API_KEY}."
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        session = {"type": "realtime", "instructions": told, "tools": [server], "tracing": nested}
        await talk.send.send({"type": "session.update", "session": session})  # type: ignore[arg-type]
        await talk.wait_for("error", "session.updated")
        await talk.send.send({"type": "response.create", "response": {"tools": [server], "instructions": told}})  # type: ignore[arg-type]
        await talk.wait_for("error", "response.done")
    text = (await wait_for_recording(talk, folder, site)).read_text()
    assert text.count('"event":"session.update"') == 1
    assert [secret for secret in (*secrets, API_KEY) if secret in text] == []
    assert json.loads(text.splitlines()[0])["machine"] == "cascade"
