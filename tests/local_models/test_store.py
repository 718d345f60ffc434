from dataclasses import replace

import pytest

from conversations.local_models.errors import BusyError, ModelError
from conversations.local_models.manifest import Model
from conversations.local_models.store import FileState
from tests.support.model_workbench import Workbench


@pytest.fixture
def model(bench: Workbench) -> Model:
    """A model of two files that is here."""
    files = (bench.build_file("model.bin", ("one", b"weights")), bench.build_file("a.bin", ("two", b"a voice")))
    model = bench.build_model(files[0], replace(files[1], name="voices/a.bin"))
    for file, body in zip(model.files, (b"weights", b"a voice"), strict=True):
        bench.store.place(model, file, [body], "the test")
    return model


def test_it_works(bench: Workbench, model: Model) -> None:
    assert bench.store.is_complete(model)
    assert set(bench.store.check(model).values()) == {FileState.RIGHT}
    assert bench.store.verify(model) == bench.store.folder / "tiny"


def test_a_file_that_is_missing(bench: Workbench, model: Model) -> None:
    (bench.store.folder / "tiny/model.bin").unlink()
    assert not bench.store.is_complete(model)
    assert list(bench.store.check(model).values()) == [FileState.MISSING, FileState.RIGHT]
    with pytest.raises(ModelError, match=r"^model.bin of tiny is missing. Run: manage.py models fetch tiny$"):
        bench.store.verify(model)


def test_a_file_that_is_damaged(bench: Workbench, model: Model) -> None:
    """Its size alone does not tell."""
    (bench.store.folder / "tiny/model.bin").write_bytes(b"Weights")
    assert bench.store.is_complete(model)
    with pytest.raises(ModelError, match=r"^model.bin of tiny is damaged"):
        bench.store.verify(model)


def test_remove(bench: Workbench, model: Model) -> None:
    assert bench.store.remove(model) == len(b"weights") + len(b"a voice")
    assert not (bench.store.folder / "tiny").exists()
    assert bench.store.remove(model) == 0


def test_remove_leaves_what_is_not_of_the_model(bench: Workbench, model: Model) -> None:
    (bench.store.folder / "tiny/notes.txt").write_text("mine")
    bench.store.remove(model)
    assert bench.list_kept() == ["notes.txt"]


def test_remove_takes_downloads_that_were_begun(bench: Workbench, model: Model) -> None:
    archive = model.files[0].parts[0].archive
    bench.store.downloads.mkdir()
    bench.store.get_download_path(archive.filename, archive.sha256).write_bytes(b"half")
    assert bench.store.remove(model) == len(b"weights") + len(b"a voice") + len(b"half")
    assert bench.list_kept() == []


def test_remove_waits_for_no_other_command(bench: Workbench, model: Model) -> None:
    with bench.store.lock(), pytest.raises(BusyError):
        bench.store.remove(model)
    assert bench.store.is_complete(model)
