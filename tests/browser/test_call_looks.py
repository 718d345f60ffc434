"""A call on the talk page, in each of its states: nothing serious for axe, and a picture for the eye."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.cable import Cable
from tests.support.browser.looks import LOOKS, check
from tests.support.browser.page import save_screenshot, wait_for_state, wait_until_audible
from tests.support.live import Site

OpenPage = Callable[..., Page]


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_call(open_page: OpenPage, cable: Cable, look: str) -> None:
    """Every state of a call is brought about for real."""
    page = open_page(**LOOKS[look])
    page.goto(cable.url)
    check(page, f"talk-ready-{look}")
    page.get_by_role("button", name="Start talking").click()
    page.get_by_role("button", name="Mute").click()
    for text in ("I had a dream about my father.", "Are you a computer?"):
        page.get_by_label("Message").fill(text)
        page.get_by_label("Message").press("Enter")
        wait_until_audible(page)
    expect(page.locator(".bubble.assistant").last).to_contain_text(re.compile(r"Assistant:\s*\S+\s+\S+\s+\S+"))
    save_screenshot(page, f"talk-speaking-{look}")
    wait_for_state(page, "muted")
    check(page, f"talk-muted-{look}")
    push_to_talk(page, cable, look)
    cable.pull()
    wait_for_state(page, "reconnecting")
    check(page, f"talk-reconnecting-{look}")


def push_to_talk(page: Page, cable: Cable, look: str) -> None:
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Push to talk").check()
    check(page, f"talk-options-{look}")
    page.get_by_role("button", name="Done").click()
    wait_for_state(page, "listening")
    check(page, f"talk-listening-{look}")
    page.get_by_role("button", name="Hold to talk").hover()
    page.mouse.down()
    wait_for_state(page, "hearing")
    check(page, f"talk-hearing-{look}")
    cable.hold_answers()  # or the reply is there before the screenshot
    page.mouse.up()
    wait_for_state(page, "thinking")
    save_screenshot(page, f"talk-thinking-{look}")


def test_trouble(open_page: OpenPage, live_site: Site, look: str) -> None:
    page = open_page(microphone=False, permissions=["microphone"], **LOOKS[look])
    page.goto(live_site.url)
    page.get_by_role("button", name="Start talking").click()
    expect(page.get_by_role("alert")).to_contain_text("No microphone was found.")
    check(page, f"talk-no-microphone-{look}")
    page.context.clear_cookies()
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "error")
    check(page, f"talk-refused-{look}")


def test_controls_stay_in_reach(open_page: OpenPage, live_site: Site, look: str) -> None:
    """However much was said, the captions scroll and not the page."""
    page = open_page(microphone=False, **LOOKS[look])
    page.goto(live_site.url)
    page.get_by_role("button", name="Type instead").click()
    for number in range(10):
        page.get_by_label("Message").fill(f"Line {number} of a talk that is longer than any screen is high.")
        page.get_by_label("Message").press("Enter")
        expect(page.locator(".bubble.user")).to_have_count(number + 1)
    expect(page.locator(".bubble").last).to_be_in_viewport()
    for name in ("Send", "Mute", "Hang up"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
