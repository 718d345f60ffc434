"""Speech to text fails: the utterance stays on the page, and can be tried again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.looks import LOOKS, check
from tests.support.browser.page import wait_for_state, wait_until_audible
from tests.support.browser.sound import silence, speech, write_wav
from tests.support.live import Site, run_site
from tests.upstream.fixtures import Upstream

QUESTION = "When does the library close today?"
ANSWER = "It closes at six."


@pytest.fixture(scope="module")
def site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "TTS_ENGINE": "openai"}
    with run_site(database_url, env) as running:
        yield running


@pytest.mark.parametrize("look", ["phone-dark", "desktop-light"])
def test_it_works(open_page: Callable[..., Page], site: Site, upstream: Upstream, tmp_path: Path, look: str) -> None:
    upstream.behave("transcriptions", fault="500")
    page = open_page(wav=write_wav(tmp_path / "question.wav", silence(3), speech(QUESTION), silence(60)), **LOOKS[look])
    page.goto(site.url)
    page.get_by_role("button", name="Start talking").click()
    said = page.locator(".bubble.user")
    expect(said).to_contain_text("What you said was not understood.")
    wait_for_state(page, "listening")
    check(page, f"talk-not-understood-{look}")
    upstream.behave("transcriptions", fault="")
    upstream.script(transcripts=(QUESTION,), replies=(ANSWER,))
    said.get_by_role("button", name="Try again").click()
    wait_until_audible(page)  # the words come with their sound, so the last of them when it is over
    expect(said).to_have_text(f"You: {QUESTION}")
    expect(page.locator(".bubble.assistant")).to_contain_text("six")
    expect(page.locator(".notices .notice")).to_have_count(0)
