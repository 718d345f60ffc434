"""Real Chromium with a fake microphone, and a person who has signed up."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.support.browser.cable import Cable
from tests.support.browser.page import PATIENCE_MS, Person, launch, sign_up
from tests.support.live import Site

LISTEN = Path(__file__).parent / "listen.js"
# What a person chose on an earlier visit: the demo's ears and voice, and not those that Chromium may have.
SITE_SPEECH = {"listen": "site", "speak": "site"}
# What Chromium writes of a connection that was refused or cut, by the moment of it: tests cut them on purpose.
NETWORK = re.compile("ERR_|Connection closed before receiving a handshake response")

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def person(live_site: Site) -> Person:
    """Signed up through the site's own pages, once for all tests."""
    email = f"ada.{uuid4().hex[:8]}@example.com"
    with sync_playwright() as playwright, launch(playwright) as browser:
        context = browser.new_context()
        sign_up(context.new_page(), live_site.url, email)
        return Person(email, context.storage_state())


@pytest.fixture(scope="module")
def playwright(live_site: Site) -> Iterator[Playwright]:
    """After the database was made: Django refuses its ORM while Playwright's event loop runs in this thread."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def open_page(playwright: Playwright, person: Person) -> Iterator[Callable[..., Page]]:
    """`open_page(wav=…, remembered=…, …)`: a page of the signed-in person, in a browser of its own.

    At the end, whatever the page complained about in its console fails the test; `page.complaints.clear()` forgives.
    """
    browsers: list[Browser] = []
    complaints: list[str] = []

    def open_page(
        *,
        wav: Path | None = None,
        microphone: bool = True,
        args: Any = (),
        storage: Any = None,
        remembered: dict[str, str] = SITE_SPEECH,
        **options: Any,
    ) -> Page:
        browser = launch(playwright, wav=wav, microphone=microphone, args=args)
        browsers.append(browser)
        context = browser.new_context(storage_state=storage or person.storage, **options)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(path=LISTEN)
        context.add_init_script(f"for (const [name, value] of Object.entries({json.dumps(remembered)}))"
                                " localStorage[name] ??= value;")  # fmt: skip
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{error}\n{error.stack}"))
        page.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
        return page

    yield open_page
    for browser in browsers:
        browser.close()
    assert [one for one in complaints if not NETWORK.search(one)] == []


@pytest.fixture
def cable(live_site: Site) -> Iterator[Cable]:
    cable = Cable(int(live_site.url.rpartition(":")[2]))
    yield cable
    cable.close()
