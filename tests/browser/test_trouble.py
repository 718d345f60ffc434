"""What can go wrong around a call: each thing is a plain sentence and a way on."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.cable import Cable
from tests.support.browser.looks import LOOKS, NOBODY, check
from tests.support.browser.page import diary, sign_up, wait_for_state, wait_until, wait_until_audible
from tests.support.browser.sound import silence, write_wav
from tests.support.live import Site

OpenPage = Callable[..., Page]


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Start talking").click()


def say(page: Page, text: str) -> None:
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")


def test_permission_denied(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(args=["--deny-permission-prompts"], microphone=False)
    page.add_init_script("""navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException("Permission denied", "NotAllowedError");
    };""")
    start(page, live_site.url)
    expect(page.get_by_role("alert")).to_contain_text("Microphone access is blocked.")
    expect(page.get_by_role("button", name="Try the microphone again")).to_be_visible()
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")
    say(page, "Hello.")
    wait_until_audible(page)


def test_no_microphone(open_page: OpenPage, live_site: Site) -> None:
    """This machine has none, and Chromium is given no fake one."""
    page = open_page(microphone=False, permissions=["microphone"])
    start(page, live_site.url)
    expect(page.get_by_role("alert")).to_contain_text("No microphone was found.")
    expect(page.get_by_role("button", name="Type instead")).to_be_enabled()


def test_insecure_page(open_page: OpenPage, live_site: Site) -> None:
    page = open_page()
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false });")
    start(page, live_site.url)
    expect(page.get_by_role("alert")).to_contain_text("only on https pages")
    page.get_by_role("alert").get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")


def test_microphone_unplugged(open_page: OpenPage, live_site: Site) -> None:
    """Chromium's fake device cannot be pulled out, so its track is told to have ended, as a browser would."""
    page = open_page()
    page.add_init_script("""const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wish) => (window.microphone = await ask(wish));""")
    start(page, live_site.url)
    wait_for_state(page, "listening")
    page.evaluate("window.microphone.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("alert")).to_contain_text("The microphone was unplugged.")
    wait_for_state(page, "error")
    frames = page.evaluate("window.audioSent.frames")
    wait_until(page, lambda: page.evaluate("window.audioSent.frames") > frames, "silence that keeps the server's clock")
    page.get_by_role("button", name="Try the microphone again").click()
    wait_for_state(page, "listening")
    expect(page.locator(".notices .notice")).to_have_count(0)


def test_silent_microphone(open_page: OpenPage, live_site: Site, tmp_path: Path) -> None:
    page = open_page(wav=write_wav(tmp_path / "silent.wav", silence(40)))
    start(page, live_site.url)
    wait_for_state(page, "listening")
    expect(page.get_by_role("alert")).to_contain_text("The microphone is silent.")
    expect(page.get_by_role("button", name="Try the microphone again")).to_be_visible()


def test_refused_autoplay(open_page: OpenPage, live_site: Site) -> None:
    """A script starts the call, without any tap, and without a microphone: Chromium trusts a page that listens."""
    page = open_page(microphone=False)
    page.add_init_script("""window.addEventListener("load", () => {
        new MutationObserver((_, observer) => {
            if (!document.querySelector("[role=alert]")?.textContent.trim()) return;
            observer.disconnect();
            console.log("an alert is shown");
        }).observe(document.body, { childList: true, subtree: true, characterData: true });
        const clicking = setInterval(() => document.querySelector("[data-part=type]").click(), 20);
        const talk = document.getElementById("talk");
        new MutationObserver(() => clearInterval(clicking)).observe(talk, { attributeFilter: ["data-state"] });
    });""")
    # Whatever Playwright asks of a page counts as a tap, so the page speaks first.
    with page.expect_console_message(lambda message: message.text == "an alert is shown"):
        page.goto(live_site.url)
    expect(page.get_by_role("alert")).to_contain_text("Your browser blocked the sound")
    page.get_by_role("button", name="Turn on sound").click()
    expect(page.locator(".notices .notice")).to_have_count(0)
    wait_for_state(page, "ready")


def test_lost_network(open_page: OpenPage, cable: Cable) -> None:
    page = open_page()
    start(page, cable.url)
    wait_for_state(page, "listening")
    say(page, "Hello.")
    wait_until_audible(page)
    cable.pull()
    wait_for_state(page, "reconnecting")
    expect(page.locator("[data-part=status]")).to_have_text("Connection lost")
    wait_until(page, lambda: len(diary(page, "connect")) >= 2, "a try without a network")
    cable.plug_in()
    wait_for_state(page, "listening")
    kinds = [event["type"] for event in diary(page, "event")]
    assert (kinds.count("session.created"), kinds.count("session.resumed")) == (1, 1)
    expect(page.locator(".bubble.user")).to_have_count(1)
    expect(page.locator(".bubble.assistant")).to_have_count(1)
    say(page, "Are you still there?")
    expect(page.locator(".bubble.assistant")).to_have_count(2)


def test_device_goes_offline(open_page: OpenPage, live_site: Site) -> None:
    page = open_page()
    start(page, live_site.url)
    wait_for_state(page, "listening")
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("This device is offline.")
    page.context.set_offline(False)
    expect(page.locator(".notices .notice")).to_have_count(0)
    wait_for_state(page, "listening")


def test_busy_server(open_page: OpenPage, start_site: Callable[..., Site]) -> None:
    site = start_site(MAX_SESSIONS="1")
    first, second = open_page(), open_page()
    start(first, site.url)
    wait_for_state(first, "listening")
    start(second, site.url)
    wait_for_state(second, "error")
    expect(second.get_by_role("alert")).to_contain_text("The server is busy")
    expect(second.locator("[data-part=hint]")).to_have_text("Trying again in 8 s.")
    first.get_by_role("button", name="Hang up").click()
    wait_for_state(first, "ended")
    second.get_by_role("button", name="Try now").click()
    wait_for_state(second, "listening")
    expect(second.locator(".notices .notice")).to_have_count(0)


def test_signed_out_meanwhile(open_page: OpenPage, live_site: Site) -> None:
    page = open_page()
    page.goto(live_site.url)
    page.context.clear_cookies()
    page.get_by_role("button", name="Start talking").click()
    expect(page.get_by_role("alert")).to_contain_text("Sign in to continue")
    wait_for_state(page, "error")
    page.get_by_role("alert").get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/accounts/login/?next=%2Ftalk%2F")


def test_signed_out_in_another_tab(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(microphone=False, storage=NOBODY)
    sign_up(page, live_site.url, f"ada.{uuid4().hex[:8]}@example.com")
    take_turn(page, live_site.url)
    other = page.context.new_page()
    other.goto(f"{live_site.url}/accounts/logout/")
    other.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.locator("[data-part=status]")).to_have_text("You are signed out", timeout=5_000)
    expect(page.get_by_role("alert").get_by_role("link", name="Sign in")).to_be_visible()
    assert len(diary(page, "connect")) == 1


@pytest.mark.parametrize("look", ["phone-dark", "desktop-light"])
def test_taken_over_by_another_tab_and_back(open_page: OpenPage, live_site: Site, look: str) -> None:
    page = open_page(microphone=False, **LOOKS[look])
    take_turn(page, live_site.url)
    conversation = read_conversation_id(page)
    other = page.context.new_page()
    other.goto(f"{live_site.url}/talk/?conversation={conversation}")
    other.get_by_role("button", name="Type instead").click()
    expect(page.locator("[data-part=status]")).to_have_text("Continued elsewhere")
    expect(page.get_by_role("alert")).to_contain_text("continues in another tab or on another device.")
    wait_for_state(other, "ready")
    wait_for_state(page, "ended")
    check(page, f"talk-taken-over-{look}")
    assert len(diary(page, "connect")) == 1, "two tabs would take it from each other for ever"
    page.get_by_role("button", name="Continue here").click()
    wait_for_state(page, "ready")
    expect(other.locator("[data-part=status]")).to_have_text("Continued elsewhere")
    expect(page.locator(".bubble.user")).to_have_count(1)


def test_a_server_that_restarts(open_page: OpenPage, start_site: Callable[..., Site]) -> None:
    site = start_site()
    page = open_page(microphone=False)
    take_turn(page, site.url)
    site.process.terminate()
    expect(page.get_by_role("alert")).to_contain_text("The server is restarting.")
    wait_for_state(page, "reconnecting")


def read_conversation_id(page: Page) -> str:
    told = [event for event in diary(page, "event") if event["type"] == "conversation.created"]
    return str(told[-1]["conversation"]["id"])


def take_turn(page: Page, url: str) -> None:
    """Begin a call in writing, and take one turn."""
    page.goto(url)
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")
    say(page, "Hello.")
    wait_for_state(page, "speaking")
    wait_for_state(page, "ready")


def test_a_store_that_waits(open_page: OpenPage, live_site: Site, database_url: str) -> None:
    """The message is on its way, the connection is kept, and the person knows why nothing comes."""
    page = open_page(microphone=False)
    take_turn(page, live_site.url)
    with psycopg.connect(database_url) as store:
        store.execute("LOCK TABLE conversations_item IN ACCESS EXCLUSIVE MODE")
        say(page, "Are you a computer?")
        expect(page.get_by_role("alert")).to_contain_text("cannot be saved right now")
        expect(page.locator(".bubble.user").last).to_contain_text("Sending…")
    expect(page.get_by_role("alert")).to_contain_text("Saving works again")
    expect(page.locator(".bubble.assistant")).to_have_count(2)
    assert len(diary(page, "connect")) == 1
