"""Every page: nothing serious for axe, no sideways scrolling on a phone, and a picture for the eye."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.support.browser.looks import LOOKS, NOBODY, check
from tests.support.browser.page import wait_for_state
from tests.support.live import Site

OpenPage = Callable[..., Page]


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_signed_out(open_page: OpenPage, live_site: Site, look: str) -> None:
    page = open_page(storage=NOBODY, **LOOKS[look])
    for name, path in {"landing": "/", "sign-in": "/accounts/login/", "sign-up": "/accounts/signup/",
                       "reset": "/accounts/password/reset/"}.items():  # fmt: skip
        page.goto(live_site.url + path)
        check(page, f"{name}-{look}")


def test_signed_in(open_page: OpenPage, live_site: Site, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    talk_in_writing(page, live_site.url)
    page.get_by_role("button", name="Hang up").click()
    wait_for_state(page, "ended")
    check(page, f"talk-ended-{look}")
    page.get_by_role("link", name="View in history").click()
    check(page, f"conversation-{look}")
    for name, path in {"history": "/conversations/", "settings": "/settings/", "api-keys": "/settings/api-keys/",
                       "provider-keys": "/settings/provider-keys/", "password": "/accounts/password/change/",
                       "sign-out": "/accounts/logout/"}.items():  # fmt: skip
        page.goto(live_site.url + path)
        check(page, f"{name}-{look}")


def talk_in_writing(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Type instead").click()
    for text in ("I had a dream about my father.", "Are you a computer?"):
        page.get_by_label("Message").fill(text)
        page.get_by_label("Message").press("Enter")
        wait_for_state(page, "speaking")
        wait_for_state(page, "ready")
