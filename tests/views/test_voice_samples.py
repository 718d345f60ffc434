"""Voices of this machine are heard in the picker, by those who may use them."""

from collections.abc import Iterator

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.audio import opus
from conversations.engines.local.workers.pools import close_pools
from conversations.models import Assistant
from conversations.pcm import measure_seconds
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client, settings: Settings) -> Iterator[Client]:
    settings.TTS_ENGINE = "local"
    cache.clear()
    client.force_login(make_user())
    yield client
    close_pools()


def build_path(voice: str = "heart", slug: str = "") -> str:
    return reverse("voice_sample", args=[slug or Assistant.objects.get(is_default=True).slug, voice])


def test_it_works(browser: Client) -> None:
    answer = browser.get(build_path())
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/ogg")
    assert "private" in answer["Cache-Control"]
    pcm = opus.decode(answer.content)
    assert 1.5 < measure_seconds(pcm) < 8.0
    assert np.abs(np.frombuffer(pcm, "<i2")).max() > 5_000


def test_it_is_spoken_once(browser: Client) -> None:
    first = browser.get(build_path()).content
    close_pools()
    assert browser.get(build_path()).content == first


def test_who_is_signed_out_hears_none(client: Client) -> None:
    answer = client.get(build_path())
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("account_login"))


def test_what_is_no_voice_of_this_machine(browser: Client, settings: Settings) -> None:
    Assistant.objects.create(slug="theirs", name="Theirs", owner=make_user(), instructions="Be theirs.")
    assert browser.get(build_path("nobody")).status_code == 404
    assert browser.get(build_path(slug="theirs")).status_code == 404
    assert browser.post(build_path()).status_code == 405
    settings.TTS_ENGINE = "demo"
    assert browser.get(build_path("en-us")).status_code == 404


def test_no_other_voice_is_heard_in_place_of_one_that_does_not_know_the_language(browser: Client) -> None:
    Assistant.objects.create(slug="german", name="German", language="de-DE", instructions="Sei nett.")
    assert browser.get(build_path(slug="german")).status_code == 404
