"""The options of a call that this device remembers."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.looks import LOOKS, check
from tests.support.browser.page import diary, save_screenshot, wait_for_state, wait_until
from tests.support.live import Site

OpenPage = Callable[..., Page]


def read_eagerness(page: Page) -> object:
    """Return the eagerness that the server confirmed last."""
    updates = [event for event in diary(page, "event") if event["type"] == "session.updated"]
    return updates[-1]["session"]["audio"]["input"]["turn_detection"]["eagerness"]


def wait_for_updates(page: Page, count: int) -> None:
    def is_updated() -> bool:
        return [str(event["type"]) for event in diary(page, "event")].count("session.updated") >= count

    wait_until(page, is_updated, f"{count} updates of the session")


def test_patience(open_page: OpenPage, live_site: Site) -> None:
    """A choice is in force at once, without another connection, and on the next visit."""
    page = open_page()
    page.goto(live_site.url)
    page.get_by_role("button", name="Start talking").click()
    wait_for_updates(page, 1)
    assert read_eagerness(page) == "auto"
    page.get_by_role("button", name="Options").click()
    choices = {"Patient": "low", "Default (balanced)": "auto", "Quick": "high"}
    for count, (patience, wanted) in enumerate(choices.items()):
        page.get_by_label("Patience").select_option(label=patience)
        wait_for_updates(page, 2 + count)
        assert read_eagerness(page) == wanted
    assert len(diary(page, "connect")) == 1
    page.reload()
    expect(page.get_by_label("Patience")).to_have_value("quick")
    page.get_by_role("button", name="Start talking").click()
    wait_for_updates(page, 1)
    assert read_eagerness(page) == "high"


@pytest.mark.parametrize("look", LOOKS)
def test_answer_times(open_page: OpenPage, live_site: Site, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    page.goto(live_site.url)
    line = page.locator("[data-part=latency]")
    page.get_by_role("button", name="Type instead").click()
    page.get_by_label("Message").fill("I had a dream about my father.")
    page.get_by_label("Message").press("Enter")
    wait_for_state(page, "speaking")
    wait_for_state(page, "ready")
    expect(line).to_be_hidden()
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Show response times").check()
    expect(line).to_have_text(re.compile(r"^Answered\sin\s\d\.\d\d\ss"))
    save_screenshot(page, f"talk-options-times-{look}")
    page.get_by_role("button", name="Done").click()
    check(page, f"talk-times-{look}")
    assert "Answered" not in page.locator("[data-part=announcer]").inner_text()
    page.reload()
    expect(page.get_by_label("Show response times")).to_be_checked()
