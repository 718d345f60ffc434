"""An assistant whose language nothing on this machine knows."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from conversations.models import Assistant
from tests.support.browser.looks import LOOKS, check
from tests.support.live import Site


@pytest.fixture
def slug(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The slug of an assistant that speaks German; Django refuses its ORM where Playwright's event loop runs."""
    name = f"german-{uuid4().hex[:12]}"

    def create() -> None:
        with django_db_blocker.unblock():
            Assistant.objects.create(slug=name, name="Deutsch", instructions="Sei kurz.", language="de-AT")
            connection.close()

    def delete() -> None:
        with django_db_blocker.unblock():
            Assistant.objects.filter(slug=name).delete()
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(create).result()
        yield name
        thread.submit(delete).result()


@pytest.mark.parametrize("look", ["phone-dark", "desktop-light"])
def test_it_says_so(open_page: Callable[..., Page], live_site: Site, slug: str, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    page.add_init_script("delete window.SpeechRecognition; delete window.webkitSpeechRecognition;")
    page.goto(f"{live_site.url}/?assistant={slug}")
    notice = page.locator("[data-part=demo]")
    expect(notice).to_contain_text("no speech recognition for Austrian German, and this browser has none. Please type.")
    expect(notice).to_contain_text("For Austrian German this site has only this simple voice.")
    expect(page.get_by_role("button", name="Start talking")).to_be_hidden()
    check(page, f"talk-german-{look}")
    page.get_by_label("Assistant", exact=True).select_option("assistant")
    expect(notice).not_to_contain_text("German")
    expect(page.get_by_role("button", name="Start talking")).to_be_visible()
