"""The talk page with an assistant that answers by speech to speech: it is the same page, and knows nothing of it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from conversations.models import Assistant
from tests.support.browser.page import diary, sign_up, wait_for_state, wait_until_audible
from tests.support.browser.sound import silence, speech, write_wav
from tests.support.live import Site, run_site
from tests.upstream.fixtures import Upstream

QUESTION = "Tell me about the sea."
REPLY = "The sea is wide and deep, and there is a great deal that could be told of it. " * 3


@pytest.fixture
def slug(database_url: str, django_db_blocker: DjangoDbBlocker) -> str:
    """The slug of an assistant that answers by speech to speech.

    It is created in another thread: Django refuses its ORM where Playwright's event loop runs.
    """
    name = f"s2s-{uuid4().hex[:12]}"

    def make() -> None:
        with django_db_blocker.unblock():
            Assistant.objects.create(slug=name, name="Speaker", instructions="Be brief.", s2s_engine="openai")
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(make).result()
    return name


@pytest.fixture
def relaying_site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url}
    with run_site(database_url, env) as running:
        yield running


def test_a_reply_and_a_barge_in(
    open_page: Callable[..., Page], relaying_site: Site, slug: str, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.script(transcripts=(QUESTION, "Stop."), replies=(REPLY, "As you like."))
    said = write_wav(
        tmp_path / "two.wav", silence(4), speech(QUESTION), silence(5), speech("Stop, please."), silence(60)
    )
    page = open_page(wav=said, storage={"cookies": [], "origins": []})
    sign_up(page, relaying_site.url, f"{uuid4().hex[:8]}@example.com")
    page.goto(f"{relaying_site.url}/?assistant={slug}")
    expect(page.get_by_text("This is a demo.")).to_be_hidden()
    page.get_by_role("button", name="Start talking").click()

    bubbles = page.locator("[data-part=captions] .bubble")
    expect(bubbles.nth(0)).to_contain_text(QUESTION)
    wait_until_audible(page)
    expect(bubbles.nth(1)).to_contain_text("The sea is wide")
    expect(bubbles.nth(2)).to_contain_text("Stop.")
    expect(bubbles.nth(3)).to_contain_text("As you like.")
    wait_for_state(page, "listening")
    assert "…" in bubbles.nth(1).inner_text()  # not all of it was heard

    told = [event for event in diary(page, "event") if event["type"] == "output_audio_buffer.cleared"]
    first = next(event for event in diary(page, "event") if event["type"] == "response.created")
    assert [event["response_id"] for event in told] == [first["response"]["id"]]
    [cut] = [event for event in diary(page, "sent") if event["type"] == "conversation.item.truncate"]
    assert 0 < cut["audio_end_ms"] < 15_000

    page.get_by_role("button", name="Hang up").click()
    wait_for_state(page, "ended")
    assert upstream.list_requests("chat") == upstream.list_requests("speech") == []
