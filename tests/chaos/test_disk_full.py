"""The disk of Postgres is full: the caller is told, nothing said is lost, and it goes on once there is room.

The disk is a small file system of its own, which only an administrator may mount; elsewhere this is left out.
"""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.support.live import Site, run_site
from tests.support.outage import Server
from tests.support.patience import stretch
from tests.support.sockets import build_authorization
from tests.upstream.fixtures import Upstream

SIZE = "220m"
CHUNK = bytes(1 << 20)


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    folder = folder / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def server(disk: Path) -> Server:
    return Server(disk / "postgres")


@pytest.fixture
def site(server: Server, tmp_path: Path, upstream_process: Upstream) -> Iterator[Site]:
    upstream = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
    with run_site(server.url, {**upstream, "SPOOL_DIR": str(tmp_path / "spool")}) as running:
        yield running


def fill(disk: Path) -> Path:
    """Leave no room at all, and return the file that takes it."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(CHUNK)
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    return filler


def build_message() -> tuple[str, dict[str, Any]]:
    """Return the text of a message that needs room, and the event that creates it."""
    text = " ".join(uuid4().hex for _ in range(2_500))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return text, {"type": "conversation.item.create", "item": item}


async def read_until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(stretch(40)):
        while not events or events[-1]["type"] != kind:
            events.append(json.loads(await socket.recv()))
    return events


async def test_it_is_told_and_nothing_is_lost(site: Site, server: Server, disk: Path, upstream: Upstream) -> None:
    person = {"DJANGO_SUPERUSER_EMAIL": "disk@example.com", "DJANGO_SUPERUSER_PASSWORD": "correct horse"}
    site.manage("createsuperuser", "--noinput", **person)
    key = site.manage("create_api_key", "disk@example.com").stdout.split()[-1]
    text, message = build_message()
    url = f"{site.ws_url}/v1/realtime"
    async with connect(url, additional_headers=build_authorization(key), max_queue=None) as socket:
        extended = {"type": "realtime", "extensions": ["storage"]}
        await socket.send(json.dumps({"type": "session.update", "session": extended}))
        await read_until(socket, "session.updated")
        filler = await asyncio.to_thread(fill, disk)
        await socket.send(json.dumps(message))
        told = await read_until(socket, "session.storage")
        assert told[-1]["status"] == "delayed"
        assert not [event for event in told if event["type"].startswith(("conversation.item", "response"))]
        filler.unlink()
        told += await read_until(socket, "conversation.item.done")
        assert "recovered" in [event.get("status") for event in told]
        assert "error" not in [event["type"] for event in told]
    with psycopg.connect(server.url) as connection:
        stored = connection.execute("SELECT text FROM conversations_item ORDER BY position").fetchall()
    assert [row[0] for row in stored] == [text]
    assert "Traceback" not in site.log
