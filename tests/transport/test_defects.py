"""A defect of our own code, wherever a session meets it, on a live site: the same end for client, log and storage."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from conversations.models import Assistant
from tests.support import http_turns, official_fixtures
from tests.support.live import Site, run_site
from tests.support.official_client import FRAME, Connect, Talk
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
WORDS = "Good morning, can you hear me well?"
NOTE = "Remember the milk."

user, key, connect = official_fixtures.user, official_fixtures.key, official_fixtures.connect
utterance, caller = official_fixtures.utterance, official_fixtures.caller


@pytest.fixture(scope="module")
def defect_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says in which place the site has a defect."""
    file = tmp_path_factory.mktemp("defects") / "place"
    file.write_text("")
    return file


@pytest.fixture
def break_at(defect_file: Path) -> Callable[[str], object]:
    """`break_at(place)` makes the server raise the next time that it comes by that place."""
    return defect_file.write_text


@pytest.fixture(scope="module")
def site(database_url: str, upstream_process: Upstream, defect_file: Path) -> Iterator[Site]:
    env = {
        "OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "DEFECT_FILE": str(defect_file),
        "TURN_BUDGET_SEC": "2",
    }  # fmt: skip
    with run_site(database_url, env, command=("-m", "tests.support.broken_site", "run")) as running:
        yield running


async def append(talk: Talk, pcm: bytes) -> None:
    for start in range(0, len(pcm), FRAME):
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())


async def clear(talk: Talk) -> None:
    await talk.send.input_audio_buffer.clear()


async def send_sound(talk: Talk) -> None:
    await append(talk, bytes(FRAME))


async def send_half_a_sample(talk: Talk) -> None:
    """Send a sound that ends with half a sample; a second later its other half is overdue."""
    await append(talk, bytes(FRAME + 1))


async def fall_silent(talk: Talk) -> None:
    await append(talk, bytes(10 * FRAME))


async def ask(talk: Talk) -> None:
    await talk.send.response.create()


async def write(talk: Talk) -> None:
    part: Any = {"type": "input_text", "text": "And the bread."}
    await talk.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})


async def ping(talk: Talk) -> None:
    await talk.send.send({"type": "session.ping", "event_id": "ping_1"})  # type: ignore[arg-type]


# By place, what makes the server come by it while the user speaks.
AMID_SPEECH: dict[str, Callable[[Talk], Awaitable[None]]] = {
    "a frame": clear,
    "audio": send_sound,
    "detected speech": send_sound,
    "a deadline": send_half_a_sample,
    "the model's text": ask,
    "a command": send_sound,
    "saving": write,
    "sending": fall_silent,
    "a ping": ping,
}
AT_THE_START = ("the start", "tools", "a task of the engines")
OF_SPEECH_TO_SPEECH: dict[str, Callable[[Talk], Awaitable[None]]] = {
    "a frame of speech to speech": send_sound,
    "a deadline of speech to speech": ask,
    "an upstream event": write,
    "a command to the upstream": write,
    "the upstream's connection": write,
}


async def store_note(talk: Talk) -> None:
    """Write an item, and wait until it is stored."""
    await talk.wait_for("conversation.created")
    part: Any = {"type": "input_text", "text": NOTE}
    await talk.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})
    await talk.wait_for("conversation.item.done")


async def check_end(talk: Talk, site: Site, place: str, code: str = "internal_error") -> None:
    """Check that the session ends with an error that says whose fault it is, and tells the log why, once."""
    with pytest.raises(ConnectionClosed) as closed:
        await talk.wait_for("never")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    [error] = [event["error"] for event in talk.events if event["type"] == "error"]
    assert (error["type"], error["code"]) == ("server_error", code)
    await asyncio.to_thread(site.wait_for_log, f"RuntimeError: a defect in {place}")


async def read_stored(connect: Connect, talk: Talk) -> list[dict[str, Any]]:
    """Return the items that the next session of the conversation is told of; it begins when the last one has ended."""
    async with connect(conversation=talk.conversation_id) as later:
        await later.send.input_audio_buffer.clear()
        await later.wait_for("input_audio_buffer.cleared")
    return [event["item"] for event in later.events if event["type"] == "conversation.item.done"]


def count_tracebacks(site: Site, before: str) -> int:
    return site.log.removeprefix(before).count("Traceback (most recent call last)")


@pytest.mark.parametrize("place", AMID_SPEECH)
async def test_amid_speech(
    place: str, site: Site, connect: Connect, upstream: Upstream, utterance: bytes, break_at: Callable[[str], object]
) -> None:
    """What was said so far is transcribed and stored, and so is what was stored before."""
    upstream.script(transcripts=(WORDS,) * 5)
    before = site.log
    async with connect() as talk:
        await store_note(talk)
        await append(talk, utterance)
        await talk.send.session.update(session={"type": "realtime"})
        await talk.wait_for("session.updated")  # so all of the sound was taken
        assert "input_audio_buffer.speech_started" in talk.kinds
        break_at(place)
        await AMID_SPEECH[place](talk)
        await check_end(talk, site, place)
    note, said = await read_stored(connect, talk)
    assert note["content"][0]["text"] == NOTE
    assert said["content"][0]["type"] == "input_audio"
    assert said["content"][0]["transcript"] == WORDS
    assert count_tracebacks(site, before) == 1
    assert site.log.removeprefix(before).count("a session failed in conversation") == 1


async def test_in_each_transcript(
    site: Site, connect: Connect, upstream: Upstream, utterance: bytes, break_at: Callable[[str], object]
) -> None:
    """What was said is stored as sound, so a later session can have it transcribed."""
    upstream.script(transcripts=(WORDS,) * 5)
    before = site.log
    async with connect() as talk:
        await store_note(talk)
        break_at("each transcript")
        await append(talk, utterance)
        await fall_silent(talk)
        await check_end(talk, site, "transcript")
    _, said = await read_stored(connect, talk)
    assert (said["content"][0]["type"], said["content"][0]["transcript"]) == ("input_audio", "")
    assert count_tracebacks(site, before) == 1
    break_at("")
    async with connect(conversation=talk.conversation_id) as later:
        retry = {"type": "conversation.item.input_audio_transcription.retry", "item_id": said["id"]}
        await later.send.send(retry)  # type: ignore[arg-type]
        completed = await later.wait_for("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == WORDS


@pytest.mark.parametrize("place", AT_THE_START)
async def test_at_the_start(place: str, site: Site, connect: Connect, break_at: Callable[[str], object]) -> None:
    before = site.log
    break_at(place)
    async with connect() as talk:
        await check_end(talk, site, place)
    assert count_tracebacks(site, before) == 1


async def test_in_storing(site: Site, connect: Connect, break_at: Callable[[str], object]) -> None:
    """The client is told of no item that is not stored."""
    before = site.log
    async with connect() as talk:
        await store_note(talk)
        break_at("storing")
        await write(talk)
        await check_end(talk, site, "storing", code="storage_failed")
        assert talk.kinds.count("conversation.item.done") == 1
    assert count_tracebacks(site, before) == 1


@pytest.mark.parametrize("place", OF_SPEECH_TO_SPEECH)
async def test_in_speech_to_speech(
    place: str, site: Site, connect: Connect, upstream: Upstream, break_at: Callable[[str], object]
) -> None:
    slug = f"s2s-{uuid4().hex[:12]}"
    await Assistant.objects.acreate(slug=slug, name=slug, instructions="Be brief.", s2s_engine="openai")
    upstream.behave("live_responses", first_byte_ms=20_000)  # long after the turn's budget
    before = site.log
    async with connect(assistant=slug) as talk:
        await store_note(talk)
        break_at(place)
        await OF_SPEECH_TO_SPEECH[place](talk)
        await check_end(talk, site, place)
    note, *_ = await read_stored(connect, talk)
    assert note["content"][0]["text"] == NOTE
    assert count_tracebacks(site, before) == 1


@pytest.mark.parametrize("place", ["a frame", "transcript", "the model's text"])
async def test_in_a_turn_over_http(
    place: str, site: Site, caller: httpx2.AsyncClient, utterance: bytes, break_at: Callable[[str], object]
) -> None:
    before = site.log
    break_at(place)
    answer = await caller.post("/v1/voice/turns", content=http_turns.make_wav(utterance))
    error = http_turns.get_error(answer)
    assert (answer.status_code, error["type"], error["code"]) == (500, "server_error", "internal_error")
    await asyncio.to_thread(site.wait_for_log, f"RuntimeError: a defect in {place}")
    assert count_tracebacks(site, before) == 1
