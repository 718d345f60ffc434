"""The servers of a run as processes: the one under test alone on one core, everything else on the others."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import socket
from typing import Any
from urllib.request import Request, urlopen

from bench.caller import Caller
from bench.connections import Connection, PipecatConnection, RealtimeConnection
from bench.frames import PAGE, Frames
from bench.player import Player
from bench.replies import STORY_KEY
from bench.server_process import ROOT, await_output, run_process
from voiceproject.local import embedded_postgres

VENV = ROOT / "var" / "bench-pipecat"
REQUIREMENTS = ROOT / "bench" / "pipecat" / "requirements.txt"
CALLERS = 110
CREATE_CALLERS = "from bench.caller_accounts import print_callers; print_callers()"
AHEAD, WITHOUT = "bench", "bench-baseline"  # assistants: with and without preemptive generation
SEMANTIC = {"type": "semantic_vad", "eagerness": "medium"}
SERVER = {"type": "server_vad", "silence_duration_ms": 500}
# What is measured is how it bears more than it would take in.
BOUNDLESS: Mapping[str, str] = {"MAX_SESSIONS": "1000", "MAX_LOOP_LAG_MS": "60000"}


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to run a server. An empty `stream_model` means speech to text of whole files."""

    name: str
    assistant: str = AHEAD
    turn_detection: tuple[tuple[str, Any], ...] = tuple(SEMANTIC.items())
    stream_model: str = ""
    is_pipecat: bool = False
    is_local: bool = False  # hears and speaks by models of this machine, on all of its cores

    @property
    def env(self) -> Mapping[str, str]:
        """The settings of the engines."""
        if self.is_local:
            return {"STT_ENGINE": "local", "TTS_ENGINE": "local"}
        return {"TTS_ENGINE": "openai", "STT_STREAM_MODEL": self.stream_model}


FILE = Mode("Voiceproject, file STT")
STREAMING = Mode("Voiceproject, streaming STT", stream_model="gpt-live-transcribe")
BASELINE = Mode("baseline (nothing ahead)", WITHOUT, tuple(SERVER.items()))
LOCAL = Mode("Voiceproject, this machine hears and speaks", is_local=True)
PIPECAT = Mode("Pipecat 1.14 quickstart", is_pipecat=True)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The emulated providers, and what they were asked."""

    url: str

    def list_requests(self, endpoint: str) -> list[dict[str, Any]]:
        with urlopen(f"{self.url}/control/requests/{endpoint}") as response:
            found: list[dict[str, Any]] = json.load(response)
        return found

    def forget(self) -> None:
        with urlopen(Request(f"{self.url}/control/forget", method="POST")):
            pass


@dataclass(frozen=True, slots=True)
class Site:
    """A server under test, and who may call it."""

    mode: Mode
    url: str
    pid: int
    keys: Mapping[str, str]
    upstream: Upstream
    frames: Frames = PAGE

    def build_caller(self, number: int, is_told_stories: bool = False, extensions: Sequence[str] = ()) -> Caller:
        name = build_caller_name(number, is_told_stories)
        player = Player(can_pause="playback" in extensions and not self.mode.is_pipecat)
        return Caller(name, self._build_connection(name, extensions), player, self.frames.ms)

    def _build_connection(self, name: str, extensions: Sequence[str]) -> Connection:
        ws_url = self.url.replace("http", "ws", 1)
        if self.mode.is_pipecat:
            return PipecatConnection(ws_url, name)
        session: dict[str, Any] = {"audio": {"input": {"turn_detection": dict(self.mode.turn_detection)}}}
        if extensions:
            session["extensions"] = list(extensions)
        return RealtimeConnection(ws_url, self.keys[name], self.mode.assistant, session, self.frames.encoding)


def build_caller_name(number: int, is_told_stories: bool = False) -> str:
    return f"{STORY_KEY if is_told_stories else 'caller'}-{number:04}"


@contextmanager
def run_upstream(*options: str) -> Iterator[Upstream]:
    command = [sys.executable, "-m", "bench.upstream", *options]
    with run_process("upstream", command, {}, pinned=False) as process:
        port = await_output(process, r'"port": (\d+)')
        yield Upstream(f"http://127.0.0.1:{port}")


@contextmanager
def run_server(mode: Mode, upstream: Upstream) -> Iterator[Site]:
    with run_pipecat(mode, upstream) if mode.is_pipecat else run_site(mode, upstream) as site:
        yield site


@contextmanager
def run_site(
    mode: Mode,
    upstream: Upstream,
    limits: Mapping[str, str] = BOUNDLESS,
    command: Sequence[str] = ("manage.py", "run"),
    name: str = "site",
) -> Iterator[Site]:
    env = {**build_settings(mode, upstream), **limits}
    with run_process(name, [sys.executable, *command], env, pinned=not mode.is_local) as process:
        url = await_output(process, r"(http://127\.0\.0\.1:\d+)")
        yield Site(mode, url, process.pid, _create_callers(env["DATABASE_URL"]), upstream)


def build_settings(mode: Mode, upstream: Upstream) -> dict[str, str]:
    """Return the environment of a site that has a database of its own and asks the emulated providers."""
    return {
        "ENV_FILE": "/dev/null",
        "DATABASE_URL": start_database(),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "OPENAI_BASE_URL": f"{upstream.url}/v1",
        "OPENAI_API_KEY": "sk-site",
        **mode.env,
    }


@contextmanager
def run_pipecat(mode: Mode, upstream: Upstream) -> Iterator[Site]:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(_install_pipecat()), "bench/pipecat/bot.py", str(port), f"{upstream.url}/v1"]
    with run_process("pipecat", command, {}, pinned=True) as process:
        await_output(process, "(Uvicorn running)")
        yield Site(mode, f"http://127.0.0.1:{port}", process.pid, {}, upstream)


@cache
def start_database() -> str:
    """Start an embedded Postgres in a folder that is removed with this process, and return its URL."""
    folder = tempfile.TemporaryDirectory(prefix="voiceproject-bench-", ignore_cleanup_errors=True)
    _kept.append(folder)
    return embedded_postgres.start(Path(folder.name) / "postgres")


_kept: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _create_callers(database_url: str) -> dict[str, str]:
    """Create the callers' accounts, and return their API keys by name."""
    names = [build_caller_name(number, stories) for number in range(CALLERS) for stories in (False, True)]
    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", CREATE_CALLERS],
        env={**os.environ, "ENV_FILE": "/dev/null", "DATABASE_URL": database_url, "BENCH_CALLERS": json.dumps(names)},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if result.returncode:
        raise RuntimeError(f"The callers have no accounts: {result.stderr}")
    keys: dict[str, str] = json.loads(result.stdout.splitlines()[-1])
    return keys


def _install_pipecat() -> Path:
    """Return the Python of Pipecat's own virtual environment, which is made when the requirements change."""
    installed = VENV / "requirements.txt"
    if not installed.exists() or installed.read_text() != REQUIREMENTS.read_text():
        sys.stderr.write("Installing Pipecat beside the project, which takes some minutes …\n")
        venv.create(VENV, with_pip=True, clear=True)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
        subprocess.run(pip, check=True)
        installed.write_text(REQUIREMENTS.read_text())
    return VENV / "bin" / "python"
