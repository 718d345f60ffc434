"""The site as a process of its own, as people run it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from threading import Condition, Thread
from typing import Any, TextIO
from urllib.parse import urlsplit

from tests.support.forks import Fork
from tests.support.patience import PATIENCE_SEC, stretch
from voiceproject.local import embedded_redis

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_SEC = 60
STOP_TIMEOUT_SEC = 20
Result = subprocess.CompletedProcess[str]
running: list["Site"] = []  # so that the report of a failed test can show what they printed


@dataclass
class Site:
    """`url` is http://127.0.0.1:PORT, `ws_url` ws://127.0.0.1:PORT; `log` is all that the server printed so far."""

    process: Fork | subprocess.Popen[str]
    output: TextIO
    database_url: str
    url: str = ""
    lines: list[str] = field(default_factory=list)
    printed: Condition = field(default_factory=Condition)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def wait_for_log(self, text: str, patience_sec: float = PATIENCE_SEC) -> None:
        """Wait until the site has printed the text: mostly that comes after the answer that it tells of."""
        with self.printed:
            assert self.printed.wait_for(lambda: text in self.log, stretch(patience_sec)), (
                f"no {text!r} in:\n{self.log}"
            )

    def follow(self) -> None:
        with self.output:
            for line in self.output:
                with self.printed:
                    self.lines.append(line)
                    self.printed.notify_all()
        self.process.wait()
        with self.printed:
            self.printed.notify_all()

    def manage(self, *arguments: str, **env: str) -> Result:
        """Run another command of the same site to its end."""
        return manage(*arguments, env={"DATABASE_URL": self.database_url, **env})


def manage(
    *arguments: str, env: Mapping[str, str], root: Path = ROOT, before: Sequence[str] = (), timeout_sec: float = 60
) -> Result:
    """Run `manage.py` of the project, or of a copy, to its end; `before` is a command that runs it."""
    command, env = ["manage.py", *arguments], {**os.environ, **env}
    if before:
        command = [*before, sys.executable, *command]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=stretch(timeout_sec), cwd=root
        )
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        process = Fork(command, env, root, output.fileno(), errors.fileno())
        try:
            exit_code = process.wait(timeout_sec)
        finally:
            process.kill()  # nothing to it, if it has ended
        output.seek(0)
        errors.seek(0)
        return Result(command, exit_code, output.read(), errors.read())


@contextmanager
def run_site(
    database_url: str, env: Mapping[str, str], root: Path = ROOT, command: Sequence[str] = ("manage.py", "run")
) -> Iterator[Site]:
    """Start the site, and stop it in the end.

    It is started by a fork, or as people start it where Python's own variables change something.
    """
    is_forked = not any(name.startswith("PYTHON") for name in env)
    env = {**os.environ, "DATABASE_URL": database_url, "HOST": "127.0.0.1", "PORT": "0", **env}
    output, output_end = os.pipe()
    process: Fork | subprocess.Popen[str]
    if is_forked:
        process = Fork(command, env, root, output_end, output_end)
    else:
        command = [sys.executable, "-u", *command]
        process = subprocess.Popen(command, env=env, stdout=output_end, stderr=output_end, text=True, cwd=root)
    os.close(output_end)
    site = Site(process, open(output, encoding="utf-8"), database_url)  # noqa: SIM115
    running.append(site)
    follower = Thread(target=site.follow, daemon=True)
    follower.start()
    try:
        site.url = _wait_for_address(site)
        yield site
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(stretch(STOP_TIMEOUT_SEC))
        process.kill()  # nothing to it, if it has ended
        follower.join()
        running.remove(site)


@contextmanager
def run_redis(folder: Path) -> Iterator[str]:
    """A real Redis, or Valkey, as a site without one starts it; its REDIS_URL."""
    binary = embedded_redis.find_server()
    assert binary
    socket = folder / "redis.sock"
    command = [binary, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "ready to accept connections" in line.lower():
                break
        try:
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.stdout.read()


def _wait_for_address(site: Site) -> str:
    """The site is up once it has told where, and over if its output ends before."""
    address = re.compile(r"http://[\d.]+:\d+")
    with site.printed:
        site.printed.wait_for(
            lambda: address.search(site.log) or site.process.poll() is not None, stretch(START_TIMEOUT_SEC)
        )
    if not (found := address.search(site.log)):
        raise RuntimeError(f"The site did not start:\n{site.log}")
    return found[0]


def copy_project(folder: Path) -> Path:
    """The project's code in another folder, which then has a var/ of its own."""
    for name in ("accounts", "conversations", "templates", "static"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "manage.py", folder)  # these two find the folder by their own place
    shutil.copytree(ROOT / "voiceproject", folder / "voiceproject")
    return folder


def read_readiness(site: Site) -> dict[str, Any]:
    """What /readyz tells, whatever its status."""
    connection = HTTPConnection(urlsplit(site.url).netloc, timeout=stretch(20))
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told: dict[str, Any] = json.load(answer)
        assert (answer.status == 503) == (told["status"] == "not ready")
        return told
    finally:
        connection.close()


def get_metrics(site: Site, authorization: str | None) -> tuple[int, str, str]:
    """The status, the content type and the body."""
    connection = HTTPConnection(urlsplit(site.url).netloc, timeout=stretch())
    try:
        headers = {} if authorization is None else {"Authorization": authorization.encode()}
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()
