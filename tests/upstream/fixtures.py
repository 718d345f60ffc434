import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from conversations.engines import retries
from tests.support.patience import stretch
from tests.upstream.behaviour import Script

PROJECT = Path(__file__).resolve().parent.parent.parent


class Upstream:
    """A running emulation. Its methods block: in async tests call `wait_for` in a thread."""

    def __init__(self, port: int, grpc_port: int) -> None:
        self.port = port
        self._url = f"http://127.0.0.1:{port}"
        self.openai_url = f"{self._url}/v1"
        self.google_url = f"http://127.0.0.1:{grpc_port}"

    def behave(self, endpoint: str, **changes: object) -> None:
        """Set fields of behaviour.Behaviour for one of behaviour.ENDPOINTS."""
        self._post(f"behaviour/{endpoint}", changes)

    def script(
        self, transcripts: tuple[str, ...] = (), replies: tuple[Script, ...] = (), readings: tuple[str, ...] = ()
    ) -> None:
        """Say, in order, what is heard next, what is replied, and what is said in place of a text to be read aloud."""
        self._post("script", {"transcripts": transcripts, "replies": replies, "readings": readings})

    def be_ollama(self, models: dict[str, dict[str, Any]]) -> None:
        """Have the lists of an Ollama with these models, each with what `/api/tags` and `/api/ps` tell of it."""
        self._post("ollama", models)

    def reset(self) -> None:
        self._post("reset", {})

    def list_requests(self, endpoint: str) -> list[dict[str, Any]]:
        """Return all requests so far, with the fields of behaviour.Seen."""
        return self._get(f"requests/{endpoint}")

    def wait_for(self, endpoint: str, state: str, count: int = 1, patience_sec: float = 5.0) -> list[dict[str, Any]]:
        """Return the requests in `state` once there are `count`.

        A state is received, streaming or ended, or an ending: done, fault, closed_by_peer.
        """
        try:
            return self._get(f"requests/{endpoint}?state={state}&count={count}&timeout={stretch(patience_sec)}")
        except HTTPError as error:
            seen = self.list_requests(endpoint)
            raise AssertionError(f"not {count} requests {state} at {endpoint}, but {seen}") from error

    def _get(self, path: str) -> list[dict[str, Any]]:
        with urlopen(f"{self._url}/control/{path}") as response:
            found: list[dict[str, Any]] = json.load(response)
        return found

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = Request(f"{self._url}/control/{path}", json.dumps(body).encode(), method="POST")
        with urlopen(request):
            pass


@pytest.fixture(scope="session")
def upstream_process() -> Iterator[Upstream]:
    command = [sys.executable, "-m", "tests.upstream", "--with-parent"]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Upstream(**json.loads(process.stdout.readline()))
        process.stdin.close()


@pytest.fixture
def upstream(upstream_process: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """The emulated OpenAI and Google. They behave well until a test says otherwise, and again after it.

    In the process of the tests, engines that failed are asked again a tenth of the usual pauses later.
    """
    monkeypatch.setattr(retries, "PAUSES_SEC", tuple(pause / 10 for pause in retries.PAUSES_SEC))
    upstream_process.reset()
    yield upstream_process
    upstream_process.reset()
