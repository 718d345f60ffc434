"""Real Chromium with a fake microphone, and a person who has signed up."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, Playwright, StorageState, expect, sync_playwright

from tests.support.browser.cable import Cable
from tests.support.live import ROOT, Site

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
FAKE_MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
PASSWORD = "a-rather-long-passphrase-7"
LISTEN = Path(__file__).parent / "listen.js"
# What a person chose on an earlier visit: the demo's ears and voice, and not those that Chromium may have.
SITE_SPEECH = {"listen": "site", "speak": "site"}
SCREENSHOTS = ROOT / "var" / "screenshots"
# What Chromium writes of a connection that was refused or cut, by the moment of it: tests cut them on purpose.
NETWORK = re.compile("ERR_|Connection closed before receiving a handshake response")
PATIENCE_MS = 20_000  # two cores are shared by the browser, the recogniser and whatever else runs

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Person:
    email: str
    storage: StorageState  # signed in at the live site


def chromium_path() -> str:
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.fail("The browser tests need Chromium: install your system's package `chromium`.", pytrace=False)
    return path


def launch(playwright: Playwright, *, wav: Path | None = None, microphone: bool = True, args: Any = ()) -> Browser:
    fake = list(FAKE_MICROPHONE) if microphone else []
    if wav:
        fake.append(f"--use-file-for-fake-audio-capture={wav}%noloop")
    return playwright.chromium.launch(executable_path=chromium_path(), args=[*QUIET, *fake, *args])


def sign_up(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/accounts/signup/")
    page.locator("main input[type=email]").fill(email)
    for field in page.locator("main input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_role("button", name="Start talking")).to_be_visible()


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


def diary(page: Page, what: str) -> list[Any]:
    """The details of the diary's entries of one kind, in order."""
    return [entry[2] for entry in page.evaluate("window.diary") if entry[1] == what]


def wait_for_state(page: Page, name: str) -> None:
    """Waits until the page shows that state; states that passed quickly are in the diary."""
    expect(page.locator("#talk")).to_have_attribute("data-state", name)


def wait_until_audible(page: Page) -> None:
    """Polls from here: the page's content security policy forbids Playwright's own wait_for_function."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while page.evaluate("window.outputLevel()") < 0.02:
        assert time.monotonic() < deadline, "nothing was to be heard"
        page.wait_for_timeout(20)


def save_screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(250)  # until colours have changed over
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
