"""Real Chromium with a fake microphone, and what a test asks of its pages."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, StorageState, expect

from tests.support.live import ROOT
from tests.support.patience import PATIENCE_SEC, stretch

# The shell is Chromium without what surrounds a page. It starts in a third of the time.
SHELL_NAME = "chromium-headless-shell"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


FAKE_MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


PASSWORD = "a-rather-long-passphrase-7"


SCREENSHOTS = ROOT / "var" / "screenshots"


SAMPLES_PER_SEC = 24_000


# What fades in and what changes its colour is waited for; one that is cut short is over too.
ANIMATIONS_THAT_END = """Promise.allSettled(document.getAnimations()
    .filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity)
    .map((animation) => animation.finished))"""


POLL_MS = 50


@dataclass(frozen=True)
class Person:
    email: str
    storage: StorageState  # signed in at the live site


def find_chromium(*, is_whole: bool) -> str:
    """Return the path of Chromium, of its headless shell where that is installed and `is_whole` is False."""
    names = CHROMIUM_NAMES if is_whole else (SHELL_NAME, *CHROMIUM_NAMES)
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail("The browser tests need Chromium: install your system's package `chromium`.", pytrace=False)
    return path


def launch(
    playwright: Playwright,
    *,
    wav: Path | None = None,
    microphone: bool = True,
    args: Any = (),
    is_whole: bool = False,
) -> Browser:
    """Start a browser, whose microphone plays `wav` once."""
    fake = list(FAKE_MICROPHONE) if microphone else []
    if wav:
        fake.append(f"--use-file-for-fake-audio-capture={wav}%noloop")
    return playwright.chromium.launch(executable_path=find_chromium(is_whole=is_whole), args=[*QUIET, *fake, *args])


def sign_up(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/accounts/signup/")
    page.locator("main input[type=email]").fill(email)
    for field in page.locator("main input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_role("button", name="Start talking")).to_be_visible()


def diary(page: Page, what: str) -> list[Any]:
    """The details of the diary's entries of one kind, in order."""
    return [entry[2] for entry in page.evaluate("window.diary") if entry[1] == what]


def wait_for_state(page: Page, name: str) -> None:
    """Wait until the page shows that state; states that passed quickly are in the diary."""
    talk = page.locator("#talk")
    wait_until(page, lambda: talk.get_attribute("data-state") == name, f"the state {name}")


def wait_until(page: Page, is_so: Callable[[], bool], what: str, patience_sec: float = PATIENCE_SEC) -> None:
    """Wait until the condition holds, or fail with `what`.

    It polls from here, since the page's content security policy forbids Playwright's own wait_for_function.
    """
    deadline = time.monotonic() + stretch(patience_sec)
    while not is_so():
        assert time.monotonic() < deadline, f"in vain: {what}"
        page.wait_for_timeout(POLL_MS)


def wait_until_audible(page: Page) -> None:
    wait_until(page, lambda: page.evaluate("window.outputLevel()") >= 0.02, "a sound")


def wait_until_sent(page: Page, sec: float) -> None:
    """Wait until the page has sent so many seconds more of its microphone, which a busy machine may do late."""
    wanted = page.evaluate("window.audioSent.samples") + sec * SAMPLES_PER_SEC
    patience_sec = PATIENCE_SEC + sec
    wait_until(
        page, lambda: page.evaluate("window.audioSent.samples") >= wanted, f"{sec} s of sound sent", patience_sec
    )


def save_screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate(ANIMATIONS_THAT_END)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
