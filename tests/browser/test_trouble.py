"""What can go wrong around a call: each thing is a plain sentence and a way on."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.cable import Cable
from tests.browser.conftest import diary, wait_for_state, wait_until_audible
from tests.browser.sound import silence, write_wav
from tests.live import Site

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
    expect(page.get_by_role("alert")).to_contain_text("The microphone is not allowed.")
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
    expect(page.get_by_role("alert")).to_contain_text("only to pages that came over https")
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
    page.wait_for_timeout(400)
    assert page.evaluate("window.audioSent.frames") > frames, "the server's clock must go on"
    page.get_by_role("button", name="Try the microphone again").click()
    wait_for_state(page, "listening")
    expect(page.locator(".notices .notice")).to_have_count(0)


def test_silent_microphone(open_page: OpenPage, live_site: Site, tmp_path: Path) -> None:
    page = open_page(wav=write_wav(tmp_path / "silent.wav", silence(40)))
    start(page, live_site.url)
    wait_for_state(page, "listening")
    expect(page.get_by_role("alert")).to_contain_text("No sound comes from the microphone.")
    expect(page.get_by_role("button", name="Try the microphone again")).to_be_visible()


def test_refused_autoplay(open_page: OpenPage, live_site: Site) -> None:
    """A call that a script starts, without any tap. Without a microphone, too: Chromium trusts a page that listens."""
    page = open_page(microphone=False)
    page.add_init_script("""window.addEventListener("load", () => setTimeout(
        () => document.querySelector("[data-part=type]")?.click(), 300));""")
    page.goto(live_site.url)
    page.wait_for_timeout(3000)  # whatever Playwright asks of a page counts as a tap, so it must not ask yet
    expect(page.get_by_role("alert")).to_contain_text("The browser holds the sound back")
    page.get_by_role("button", name="Turn the sound on").click()
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
    page.wait_for_timeout(1500)
    cable.plug_in()
    wait_for_state(page, "listening")
    conversations = [one["conversation"]["id"] for one in diary(page, "event") if one["type"] == "conversation.created"]
    assert len(conversations) >= 2
    assert len(set(conversations)) == 1
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
    expect(page.get_by_role("alert")).to_contain_text("Sign in first")
    wait_for_state(page, "error")
    page.get_by_role("button", name="Reload the page").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
