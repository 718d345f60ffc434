import time
from dataclasses import replace

import pytest

from conversations.local_models.errors import ModelError, NoNetworkError, PackageGoneError
from conversations.local_models.manifest import Archive
from conversations.local_models.registries import MAX_INDEX_BYTES, Registries, describe_host, find_archive
from tests.support.model_server import SIMPLE_JSON
from tests.support.model_workbench import Workbench, open_client


def find(bench: Workbench, archive: Archive, *indexes: str) -> str:
    with open_client() as client:
        return find_archive(client, archive, Registries(indexes or (bench.server.index,), bench.server.url))


@pytest.mark.parametrize("kind", [SIMPLE_JSON, "application/vnd.pypi.simple.v1+html", "text/html; charset=utf-8"])
def test_it_works(bench: Workbench, kind: str) -> None:
    archive = bench.publish_wheel("weights", {})
    bench.server.add_wheel("weights", archive.filename, b"", kind)
    assert find(bench, archive) == f"{bench.server.url}/files/{archive.filename}"


def test_npm(bench: Workbench) -> None:
    archive = bench.publish_npm("voices", {}, {})
    assert find(bench, archive) == f"{bench.server.url}/voices/-/voices-1.0.tgz"


def test_each_index_is_asked_in_order(bench: Workbench) -> None:
    archive = bench.publish_wheel("weights", {})
    found = find(bench, archive, f"{bench.server.url}/other", bench.server.index)
    assert found.endswith(archive.filename)
    assert [path for path, _ in bench.server.asked] == ["/other/weights/", "/simple/weights/"]


def test_an_address_that_is_not_of_the_web_is_passed_over(bench: Workbench) -> None:
    archive = bench.publish_wheel("weights", {})
    bench.server.pages["/simple/weights/"] = ("text/html", f'<a href="file:///tmp/{archive.filename}">'.encode())
    with pytest.raises(PackageGoneError):
        find(bench, archive)


def test_a_package_that_no_index_has(bench: Workbench) -> None:
    archive = replace(bench.publish_wheel("weights", {}), package="unknown")
    with pytest.raises(PackageGoneError, match=r"^The package unknown 1.0 is no longer at 127.0.0.1\.$"):
        find(bench, archive)


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"[]", b'{"files": [1]}', b"[" * 1_000_000, b"\xff\xfe", b'{"files": 5}']
)
def test_an_answer_that_is_no_list_of_files(bench: Workbench, answer: bytes) -> None:
    archive = bench.publish_wheel("weights", {})
    bench.server.pages["/simple/weights/"] = (SIMPLE_JSON, answer)
    with pytest.raises(ModelError, match=r"^127.0.0.1 answered something that is no list of files\.$"):
        find(bench, archive)


@pytest.mark.parametrize("unit", [b"<a ", b"<a href", b'<a href="', b"<a  ", b"<", b"href=", b"<a href=''"])
def test_a_hostile_page_is_read_in_linear_time(bench: Workbench, unit: bytes) -> None:
    archive = bench.publish_wheel("weights", {})
    bench.server.pages["/simple/weights/"] = ("text/html", unit * (1_000_000 // len(unit)))
    begun = time.process_time()
    with pytest.raises(PackageGoneError):
        find(bench, archive)
    assert time.process_time() - begun < 3


def test_a_page_without_an_end(bench: Workbench) -> None:
    archive = bench.publish_wheel("weights", {})
    bench.server.pages["/simple/weights/"] = (SIMPLE_JSON, bytes(MAX_INDEX_BYTES + 1))
    with pytest.raises(ModelError, match="a list of files without an end"):
        find(bench, archive)


def test_no_message_holds_a_password(bench: Workbench) -> None:
    archive = bench.publish_wheel("weights", {})
    with pytest.raises(NoNetworkError) as caught:
        find(bench, archive, "http://user:secret@127.0.0.1:1/simple")
    assert str(caught.value) == "127.0.0.1 cannot be reached. Is there a network?"
    assert describe_host("https://user:secret@pypi.example/simple") == "pypi.example"
