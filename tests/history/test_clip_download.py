from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conversations.audio import opus
from conversations.models import AudioClip, ClipData, Item
from tests.support.factories import make_conversation


@pytest.fixture
def item(owner: User) -> Item:
    return make_conversation(owner, "Hello", sound=True).items.get()


@pytest.fixture
def url(item: Item) -> str:
    return reverse("clip", args=[item.pk])


@pytest.fixture
def sound(item: Item) -> bytes:
    return bytes(ClipData.objects.get().data)


def test_it_works(as_owner: Client, url: str, sound: bytes) -> None:
    answer = as_owner.get(url)
    assert answer.status_code == 200
    assert answer.content == sound
    assert len(opus.decode(answer.content)) == pytest.approx(2 * 4_800, abs=2 * 480)
    assert url.endswith(".ogg")


def test_its_headers(as_owner: Client, url: str, item: Item, sound: bytes) -> None:
    headers = as_owner.get(url).headers
    assert headers["Content-Type"] == "audio/ogg"
    assert headers["Content-Length"] == str(len(sound))
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in headers["Vary"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == f'inline; filename="{item.conversation.public_id}-001.ogg"'
    assert as_owner.get(url, {"download": ""})["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [("bytes=0-", slice(0, None)), ("bytes=10-19", slice(10, 20)), ("bytes=-7", slice(-7, None))],
)
def test_a_range(as_owner: Client, url: str, sound: bytes, header: str, wanted: slice) -> None:
    answer = as_owner.get(url, headers={"Range": header})
    start, end, _ = wanted.indices(len(sound))
    assert answer.status_code == 206
    assert answer.content == sound[wanted]
    assert answer["Content-Range"] == f"bytes {start}-{end - 1}/{len(sound)}"
    assert answer["Content-Length"] == str(end - start)


def test_a_range_behind_the_end(as_owner: Client, url: str, sound: bytes) -> None:
    answer = as_owner.get(url, headers={"Range": f"bytes={len(sound)}-"})
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(sound)}"
    assert answer.content == b""


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "nonsense"])
def test_what_is_no_single_range_gets_all(as_owner: Client, url: str, sound: bytes, header: str) -> None:
    answer = as_owner.get(url, headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, sound)


def test_if_range_goes_on_only_with_the_same_file(as_owner: Client, url: str) -> None:
    first = as_owner.get(url)
    for validator, status in ((first["ETag"], 206), (first["Last-Modified"], 206), ('"another"', 200)):
        assert as_owner.get(url, headers={"Range": "bytes=5-", "If-Range": validator}).status_code == status


def test_what_the_browser_has_is_not_sent_again(as_owner: Client, url: str, django_assert_num_queries: Any) -> None:
    etag = as_owner.get(url)["ETag"]
    with django_assert_num_queries(3) as queries:  # session, user, clip
        answer = as_owner.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == etag
    assert not any("clipdata" in query["sql"] for query in queries.captured_queries)


def test_head_does_not_load_the_sound(as_owner: Client, url: str, sound: bytes, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        answer = as_owner.head(url, headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer["Content-Length"]) == (200, str(len(sound)))


def test_only_reading(as_owner: Client, url: str) -> None:
    assert as_owner.post(url).status_code == 405
    assert as_owner.delete(url).status_code == 405


def test_nobody_else_hears_it(client: Client, others: dict[str, Client], url: str) -> None:
    for who, stranger in {"signed out": client, **others}.items():
        for headers in ({}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}):
            assert stranger.get(url, headers=headers).status_code == 404, who
        assert stranger.head(url).status_code == 404, who


def test_reviewing_staff_hear_it(as_reviewer: Client, url: str, sound: bytes) -> None:
    assert as_reviewer.get(url).content == sound


def test_who_is_deactivated_hears_nothing_more(as_owner: Client, owner: User, url: str) -> None:
    assert as_owner.get(url).status_code == 200
    owner.is_active = False
    owner.save()
    assert as_owner.get(url).status_code == 404


def test_no_clip(as_owner: Client, owner: User) -> None:
    silent = make_conversation(owner, "Typed").items.get()
    assert as_owner.get(reverse("clip", args=[silent.pk])).status_code == 404
    assert as_owner.get(reverse("clip", args=[0])).status_code == 404
    assert as_owner.get(reverse("clip", args=[10**30])).status_code == 404


def test_sound_that_the_storage_lost(as_owner: Client, url: str) -> None:
    ClipData.objects.all().delete()
    assert AudioClip.objects.exists()
    assert as_owner.get(url).status_code == 404
