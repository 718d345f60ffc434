"""The site as a process of its own, as people run it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parent.parent
STOP_TIMEOUT_SEC = 20


@dataclass
class Site:
    """`url` is http://127.0.0.1:PORT, `ws_url` ws://127.0.0.1:PORT; `lines` is all that the server printed so far."""

    process: subprocess.Popen[str]
    url: str
    database_url: str
    lines: list[str] = field(default_factory=list)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def manage(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Another command of the same site."""
        return manage(*arguments, env={"DATABASE_URL": self.database_url, **env})


def manage(*arguments: str, env: Mapping[str, str], timeout_sec: float = 60) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=timeout_sec, cwd=ROOT
    )


@contextmanager
def running_site(database_url: str, env: Mapping[str, str]) -> Iterator[Site]:
    process = subprocess.Popen(
        [sys.executable, "-u", str(ROOT / "manage.py"), "run"],
        env={**os.environ, "DATABASE_URL": database_url, "HOST": "127.0.0.1", "PORT": "0", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    with process:
        try:
            yield _wait_for_address(process, database_url)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_SEC)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait_for_address(process: subprocess.Popen[str], database_url: str) -> Site:
    assert process.stdout is not None
    site = Site(process, "", database_url)
    for line in process.stdout:
        site.lines.append(line)
        if "http://127.0.0.1:" in line:
            site.url = "http://127.0.0.1:" + line.partition("http://127.0.0.1:")[2].split("/")[0].strip()
            break
    else:
        raise RuntimeError(f"The site did not start:\n{site.log}")
    Thread(target=site.lines.extend, args=(process.stdout,), daemon=True).start()
    return site
