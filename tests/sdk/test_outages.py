"""A database that restarts, hangs, is read-only or has no place free: nothing said is lost, and all are told."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.live import Site, run_site
from tests.support.official_client import FRAME
from tests.support.outage import Server
from tests.support.polling import poll
from tests.upstream.fixtures import Upstream

WORDS = "My last words."
EXTENDED = {"type": "session.update", "session": {"type": "realtime", "extensions": ["storage"]}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(tmp_path_factory.mktemp("outage") / "postgres")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory, upstream_process: Upstream) -> dict[str, str]:
    upstream = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
    return {**upstream, "SPOOL_DIR": str(tmp_path_factory.mktemp("spool")), "DATABASE_POOL_SIZE": "10"}


@pytest.fixture(scope="module")
def troubled_site(server: Server, env: dict[str, str]) -> Iterator[Site]:
    with run_site(server.url, env) as site:
        yield site


@pytest.fixture(scope="module")
def key(troubled_site: Site) -> str:
    person = {"DJANGO_SUPERUSER_EMAIL": "outage@example.com", "DJANGO_SUPERUSER_PASSWORD": "correct horse"}
    troubled_site.manage("createsuperuser", "--noinput", **person)
    return troubled_site.manage("create_api_key", "outage@example.com").stdout.split()[-1]


@pytest.fixture(scope="module")
def cookie(troubled_site: Site, key: str) -> dict[str, str]:
    """The headers that a page of the same person sends with its socket."""
    login = "/accounts/login/"
    with httpx2.Client(base_url=troubled_site.url) as client:
        client.get(login)
        person = {"login": "outage@example.com", "password": "correct horse"}
        client.post(login, data={**person, "csrfmiddlewaretoken": client.cookies["csrftoken"]})
        return {"Cookie": f"sessionid={client.cookies['sessionid']}", "Origin": troubled_site.url}


@asynccontextmanager
async def open_talk(site: Site, key: str | dict[str, str]) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {key}"} if isinstance(key, str) else key
    async with connect(f"{site.ws_url}/v1/realtime", additional_headers=headers) as socket:
        yield socket


async def read_until(socket: ClientConnection, kind: str, timeout_sec: float = 25) -> list[dict[str, Any]]:
    """Return all events up to the first of that kind."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(timeout_sec):
        while not events or events[-1]["type"] != kind:
            events.append(json.loads(await socket.recv()))
    return events


async def send(socket: ClientConnection, *events: dict[str, Any]) -> None:
    for event in events:
        await socket.send(json.dumps(event))


def build_message(text: str) -> dict[str, Any]:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return {"type": "conversation.item.create", "item": item}


async def read_refusal(site: Site, key: str | dict[str, str]) -> tuple[str, int | None]:
    async with open_talk(site, key) as socket:
        error = (await read_until(socket, "error"))[-1]["error"]["code"]
        await socket.wait_closed()
        return error, socket.close_code


async def post_conversation(site: Site, key: str) -> tuple[int, str]:
    async with httpx2.AsyncClient(base_url=site.url, timeout=30) as client:
        made = await client.post("/v1/conversations", json={}, headers={"Authorization": f"Bearer {key}"})
        return made.status_code, made.json()["error"]["code"]


@pytest.mark.parametrize("outage", ["take_away", "make_read_only", "fill_up", "hang"])
async def test_a_call_outlives_it_and_newcomers_are_told(
    troubled_site: Site, server: Server, key: str, cookie: dict[str, str], upstream: Upstream, outage: str
) -> None:
    async with open_talk(troubled_site, key) as socket:
        await send(socket, EXTENDED)
        await read_until(socket, "session.updated")
        with getattr(server, outage)():
            await send(socket, build_message("Hello?"), {"type": "response.create"})
            told = await read_until(socket, "session.storage")
            assert [event["status"] for event in told if event["type"] == "session.storage"] == ["delayed"]
            assert not [event for event in told if event["type"].startswith(("conversation.item", "response"))]
            newcomer, page, program = await asyncio.gather(
                read_refusal(troubled_site, key),
                read_refusal(troubled_site, cookie),
                post_conversation(troubled_site, key),
            )
            assert newcomer == page == ("storage_unavailable", 1013)
            assert program == (503, "storage_unavailable")
        told = await read_until(socket, "response.done")
        assert "recovered" in [event.get("status") for event in told]
        assert [event["type"] for event in told].count("conversation.item.added") == 2
    assert "Traceback" not in troubled_site.log


async def test_a_slow_one_delays_the_reply_and_says_so(
    troubled_site: Site, server: Server, key: str, upstream: Upstream
) -> None:
    async with open_talk(troubled_site, key) as socket:
        await send(socket, EXTENDED)
        await read_until(socket, "session.updated")
        with server.slow_down():
            await send(socket, build_message("Hello?"), {"type": "response.create"})
            told = await read_until(socket, "session.storage")
            assert told[-1]["status"] == "delayed"
        told += await read_until(socket, "response.done")
        assert "recovered" in [event.get("status") for event in told]
        assert "error" not in [event["type"] for event in told]
    assert "Traceback" not in troubled_site.log


async def hang_up_amid_speech(site: Site, server: Server, key: str, utterance: bytes, spool: Path) -> None:
    """Hang up amid an utterance while the database is away, and return once what was said is on disk."""
    async with open_talk(site, key) as socket:
        append = {"type": "input_audio_buffer.append", "audio": base64.b64encode(utterance).decode()}
        await send(socket, append)
        await read_until(socket, "input_audio_buffer.speech_started")
        server.stop()
        await send(socket, {"type": "input_audio_buffer.append", "audio": base64.b64encode(bytes(FRAME)).decode()})
    await poll(lambda: asyncio.to_thread(lambda: list(spool.glob("*.jsonl"))), patience_sec=25)


async def read_clip_sizes(server: Server, conversations: int = 0) -> list[int]:
    """Wait for the last words of so many conversations, and return the size of each one's clip in bytes."""
    query = """SELECT size_bytes FROM conversations_item i JOIN conversations_audioclip c ON c.item_id = i.id
        WHERE text = %s"""
    sizes: list[int] = []

    async def are_stored() -> bool:
        rows = await (await connection.execute(query, [WORDS])).fetchall()
        sizes[:] = [size_bytes for (size_bytes,) in rows]
        return len(sizes) >= conversations

    async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
        await poll(are_stored, patience_sec=25)
    return sizes


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_the_last_words_of_a_call_are_stored_when_it_is_back(
    troubled_site: Site, server: Server, env: dict[str, str], key: str, upstream: Upstream, utterance: bytes,
    *, is_restarted: bool,
) -> None:  # fmt: skip
    upstream.script(transcripts=(WORDS,) * 8)  # speech to text may be asked at each pause
    before = len(await read_clip_sizes(server))
    await hang_up_amid_speech(troubled_site, server, key, utterance, Path(env["SPOOL_DIR"]))
    if is_restarted:
        troubled_site.process.kill()
        server.start()
        with run_site(server.url, env):
            clips = await read_clip_sizes(server, before + 1)
    else:
        server.start()
        clips = await read_clip_sizes(server, before + 1)
        assert "Traceback" not in troubled_site.log
    assert min(clips) > 1000
