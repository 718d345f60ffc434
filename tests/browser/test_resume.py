"""A connection that is lost amid a reply: the page plays what it has, gets the rest, and repeats nothing."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.page import diary, wait_for_state, wait_until
from tests.support.browser.sound import RATE, read_recording, read_reply, stretches_heard
from tests.support.fault_proxy import FaultProxy
from tests.support.live import Site

OpenPage = Callable[..., Page]
LONG = "Are you sure that you always have the time to listen to all of my very long stories about the sea?"
FADE = RATE * 10 // 1000  # 8 ms, and what the comparison may be off
SECOND_BYTES = 64_000  # of sound, as it is on the wire


@pytest.fixture
def proxy(live_site: Site) -> Iterator[FaultProxy]:
    proxy = FaultProxy(int(live_site.url.rpartition(":")[2]))
    yield proxy
    proxy.close()


def list_kinds(page: Page) -> list[str]:
    return [event["type"] for event in diary(page, "event")]


def test_the_rest_of_a_reply_is_heard_once(open_page: OpenPage, proxy: FaultProxy) -> None:
    """The connection dies without a word, so that the page has to notice, and the server does not."""
    page = open_page(microphone=False)
    page.goto(proxy.url)
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")
    page.evaluate("void window.record()")
    proxy.lose_after(2 * SECOND_BYTES)
    page.get_by_label("Message").fill(LONG)
    page.get_by_label("Message").press("Enter")
    wait_until(page, lambda: "session.resumed" in list_kinds(page), "the session, resumed")
    assert "reconnecting" in diary(page, "state")
    wait_until(page, lambda: "response.done" in list_kinds(page), "the end of the reply")
    wait_for_state(page, "ready")
    reply = read_reply(page)
    assert len(reply) > 4 * RATE
    end = 0
    for start, later in stretches_heard(read_recording(page), reply):
        assert abs(start - end) < 2 * FADE or float(np.abs(reply[min(start, end) : max(start, end)]).max()) < 0.01
        end = later
    assert abs(end - len(reply)) < RATE / 2
    kinds = list_kinds(page)
    assert [kinds.count(kind) for kind in ("session.created", "response.done", "error")] == [1, 1, 0]
    expect(page.locator(".bubble.assistant")).to_have_count(1)
    page.get_by_label("Message").fill("Are you a computer?")
    page.get_by_label("Message").press("Enter")
    expect(page.locator(".bubble.assistant")).to_have_count(2)
