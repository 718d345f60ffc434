"""A site's database in a file, and the site again from that file: people sign in there and hear what was said."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg
import pytest

from accounts.keys import api_keys
from conversations.audio import opus
from tests.support.databases import LIVE
from tests.support.factories import add_clip, add_item, make_conversation, make_user
from tests.support.live import Site, copy_project, manage

PASSWORD = "s3cret-pass"


@pytest.fixture
def empty_url(database_url: str) -> str:
    """The address of a new database."""
    name = f"restored_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    return database_url.replace(f"/{LIVE}?", f"/{name}?")


@pytest.mark.usefixtures("committed_db")
def test_a_clip_is_heard_from_the_restored_site(
    database_url: str, empty_url: str, start_site: Callable[..., Site], tmp_path: Path
) -> None:
    user = make_user()
    token = api_keys.create(user, "backup")[1]
    conversation = make_conversation(user)
    item = add_item(conversation, "Hello")
    clip = add_clip(item)
    file = tmp_path / "voice.dump"
    written = manage("backup", str(file), env={"DATABASE_URL": database_url})
    assert written.returncode == 0, written.stderr
    assert "Keep FIELD_ENCRYPTION_KEY" in written.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = manage("restore", str(file), env={"DATABASE_URL": empty_url})
    assert restored.returncode == 0, restored.stderr
    site = start_site(DATABASE_URL=empty_url)
    with httpx2.Client(base_url=site.url, headers={"Authorization": f"Bearer {token}"}) as http:
        items = http.get(f"/v1/conversations/{conversation.public_id}/items").json()["data"]
        assert [one["id"] for one in items] == [item.public_id]
        sound = http.get(f"/v1/conversations/{conversation.public_id}/items/{item.public_id}/audio")
    assert len(sound.content) == clip.size_bytes
    assert opus.decode(sound.content)
    again = manage("restore", str(file), env={"DATABASE_URL": empty_url})
    assert (again.returncode, "not empty" in again.stderr) == (1, True)


def test_the_embedded_site(tmp_path: Path) -> None:
    """Its Postgres comes along, and so does what dumps it."""
    nothing = {"DATABASE_URL": "", "SECRET_KEY": "", "FIELD_ENCRYPTION_KEY": ""}
    root = copy_project(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "voice.dump.part").symlink_to(elsewhere)  # whoever laid it there gets nothing
    result = manage("backup", "voice.dump", env=nothing, root=root)
    assert result.returncode == 0, result.stderr
    assert not elsewhere.exists()
    assert (tmp_path / "voice.dump").read_bytes().startswith(b"PGDMP")


def test_what_goes_wrong_is_one_line(database_url: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("no dump")
    away = f"postgres://someone:{PASSWORD}@127.0.0.1:1/x"
    for arguments, url, words in (
        (("backup", str(there)), database_url, "already there"),
        (("backup", str(tmp_path / "no/folder")), database_url, "cannot be written"),
        (("backup", str(tmp_path / "new")), away, "127.0.0.1"),
        (("restore", str(tmp_path / "nothing")), database_url, "There is no file"),
        (("restore", str(there)), database_url, "not empty"),
    ):
        result = manage(*arguments, env={"DATABASE_URL": url})
        assert result.returncode == 1
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert words in result.stderr
        assert PASSWORD not in result.stderr
    assert os.listdir(tmp_path) == ["there"]


def test_a_damaged_dump_changes_nothing(empty_url: str, tmp_path: Path) -> None:
    file = tmp_path / "voice.dump"
    assert manage("migrate", env={"DATABASE_URL": empty_url}).returncode == 0
    assert manage("backup", str(file), env={"DATABASE_URL": empty_url}).returncode == 0
    with psycopg.connect(empty_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA public CASCADE")
        admin.execute("CREATE SCHEMA public")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])
    assert manage("restore", str(file), env={"DATABASE_URL": empty_url}).returncode == 1
    with psycopg.connect(empty_url) as asked:
        assert asked.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
