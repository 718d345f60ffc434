"""Real Chromium with a fake microphone, and a person who has signed up."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect, sync_playwright

from tests.support.browser.cable import Cable
from tests.support.browser.page import Person, launch, sign_up
from tests.support.live import Site
from tests.support.patience import stretch

LISTEN = Path(__file__).parent / "listen.js"
# What a person chose on an earlier visit: the demo's ears and voice, and not those that Chromium may have.
SITE_SPEECH = {"listen": "site", "speak": "site"}
# What Chromium writes of a connection that was refused or cut, by the moment of it: tests cut them on purpose.
NETWORK = re.compile("ERR_|Connection closed before receiving a handshake response")


@pytest.fixture(autouse=True)
def be_patient() -> None:
    """Wait for the page as long as the machine needs just now."""
    expect.set_options(timeout=1000 * stretch())


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


@pytest.fixture(scope="module")
def get_browser(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    """`get_browser(microphone=…, args=…)`: one for all of a module's pages that want the same."""
    browsers: dict[tuple[object, ...], Browser] = {}

    def get_browser(*, microphone: bool, args: Sequence[str]) -> Browser:
        kind = (microphone, *args)
        if kind not in browsers:
            browsers[kind] = launch(playwright, microphone=microphone, args=args)
        return browsers[kind]

    yield get_browser
    for browser in browsers.values():
        browser.close()


@pytest.fixture
def open_page(
    playwright: Playwright, get_browser: Callable[..., Browser], person: Person, database_url: str
) -> Iterator[Callable[..., Page]]:
    """`open_page(wav=…, remembered=…, …)`: a page of the signed-in person, with storage of its own.

    With a WAV it is in a browser of its own, which plays that once; with `is_whole` that is not the headless shell. At
    the end, whatever the page complained about in its console fails the test.
    """
    opened: list[Browser | BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        *,
        wav: Path | None = None,
        microphone: bool = True,
        args: Sequence[str] = (),
        is_whole: bool = False,
        storage: Any = None,
        remembered: dict[str, str] = SITE_SPEECH,
        **options: Any,
    ) -> Page:
        if wav:
            browser = launch(playwright, wav=wav, microphone=microphone, args=args, is_whole=is_whole)
            opened.append(browser)
        else:
            browser = get_browser(microphone=microphone, args=args)
        context = browser.new_context(storage_state=storage or person.storage, **options)
        opened.append(context)
        context.set_default_timeout(1000 * stretch())
        context.add_init_script(path=LISTEN)
        context.add_init_script(f"for (const [name, value] of Object.entries({json.dumps(remembered)}))"
                                " localStorage[name] ??= value;")  # fmt: skip
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{error}\n{error.stack}"))
        page.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
        return page

    yield open_page
    for one in opened:
        if isinstance(one, BrowserContext):
            say_goodbye(one)
    for one in reversed(opened):
        one.close()
    if any(isinstance(one, Browser) for one in opened):
        wait_until_heard(database_url, person)
    assert [one for one in complaints if not NETWORK.search(one)] == []


def say_goodbye(context: BrowserContext) -> None:
    """Let the pages hang up, as those do that a person closes: the site would wait for one that is only gone."""
    for page in context.pages:
        with suppress(Error):
            page.evaluate("window.dispatchEvent(new Event('pagehide'))")


def wait_until_heard(database_url: str, person: Person, patience_sec: float = 5) -> None:
    """Wait until no session of the person is live, or the demo, which hears one at a time, is busy for the next test.

    It asks without the ORM, which Django refuses while Playwright's event loop runs in this thread.
    """
    give_up_at = time.monotonic() + stretch(patience_sec)
    query = (
        "SELECT 1 FROM conversations_conversation c JOIN accounts_user u ON c.user_id = u.id"
        " WHERE c.status = 'live' AND u.email = %s"
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        while connection.execute(query, [person.email]).fetchone() and time.monotonic() < give_up_at:
            time.sleep(0.02)


@pytest.fixture
def cable(live_site: Site) -> Iterator[Cable]:
    cable = Cable(int(live_site.url.rpartition(":")[2]))
    yield cable
    cable.close()
