"""A voice of this machine is heard beside the picker, before a call."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser.looks import LOOKS, check
from tests.support.live import Site, run_site

OpenPage = Callable[..., Page]
LOUD = """async (url) => {
    const context = new OfflineAudioContext(1, 1, 24000);
    const sound = await context.decodeAudioData(await (await fetch(url)).arrayBuffer());
    return Math.max(...sound.getChannelData(0).map(Math.abs));
}"""


@pytest.fixture(scope="module")
def site(database_url: str) -> Iterator[Site]:
    with run_site(database_url, {"TTS_ENGINE": "local"}) as site:
        yield site


def get_button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("look", LOOKS)
def test_it_works(open_page: OpenPage, site: Site, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    page.goto(site.url)
    expect(page.get_by_label("Voice")).to_have_value("heart")
    with page.expect_response("**/voices/heart.ogg") as answer:
        get_button(page, "Listen").click()
    expect(get_button(page, "Stop")).to_be_visible()
    check(page, f"talk-voice-sample-{look}")
    expect(get_button(page, "Listen")).to_be_visible()  # it is over
    assert page.evaluate(LOUD, answer.value.url) > 0.1


def test_it_stops_at_a_click_and_with_a_call(open_page: OpenPage, site: Site) -> None:
    page = open_page(microphone=False)
    page.goto(site.url)
    get_button(page, "Listen").click()
    get_button(page, "Stop").click()
    get_button(page, "Listen").click()
    page.get_by_role("button", name="Type instead").click()
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_label("Voice")).to_be_visible()
    expect(page.locator("[data-part=sample]")).to_be_hidden()
    expect(page.locator("[data-part=sample]")).to_have_text("Listen")


def test_what_cannot_be_played_is_told(open_page: OpenPage, site: Site) -> None:
    page = open_page(microphone=False)
    page.route("**/voices/*.ogg", lambda route: route.abort())
    page.goto(site.url)
    get_button(page, "Listen").click()
    expect(page.locator("[data-part=sample-status]")).to_have_text(
        "This voice can’t be played just now. Try again in a moment."
    )
    expect(get_button(page, "Listen")).to_be_visible()


def test_no_other_engine_has_samples(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(microphone=False)
    page.goto(live_site.url)
    expect(page.get_by_label("Voice")).to_be_visible()
    expect(page.locator("[data-part=sample]")).to_be_hidden()
