"""The browser's own recogniser and voice on the talk page.

No recogniser and no voice works in headless Chromium: the first tests are about what really happens then. For whole
conversations web_speech.js stands in for both services, and for nothing else; what is heard is said by the test.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.looks import LOOKS, check
from tests.support.browser.page import diary, save_screenshot, wait_for_state, wait_until
from tests.support.browser.sound import silence, speech, write_wav
from tests.support.live import ROOT, Site, run_site

OpenPage = Callable[..., Page]
STAND_IN = ROOT / "tests" / "support" / "web_speech.js"
LONG = "Are you sure that you always have the time to listen to all of my very long stories about the sea?"


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Start talking").click()
    wait_for_state(page, "listening")


@pytest.fixture
def open_speaking_page(open_page: OpenPage) -> OpenPage:
    """A page in a browser that has both services, and a person who has chosen nothing yet."""

    def open_speaking_page(**options: Any) -> Page:
        page = open_page(**{"remembered": {}, "microphone": False, **options})
        page.add_init_script(path=STAND_IN)
        return page

    return open_speaking_page


def hear(page: Page, *texts: str) -> None:
    """Have the recogniser hear guesses, and then the final words."""
    for text in texts[:-1]:
        page.evaluate("(text) => recogniser.hear(text)", text)
    page.evaluate("(text) => recogniser.hear(text, true)", texts[-1])


def wait_for_speech(page: Page, count: int) -> list[Any]:
    """Wait until so many clauses have begun, and return them."""
    wait_until(page, lambda: page.evaluate("spoken.length") >= count, f"{count} spoken clauses")
    return list(page.evaluate("spoken"))


def list_sent(page: Page, kind: str) -> list[Any]:
    return [event for event in diary(page, "sent") if event["type"] == kind]


def test_without_a_recogniser_the_demo_takes_over(open_page: OpenPage, live_site: Site, tmp_path: Path) -> None:
    """Chromium's own recogniser has no microphone here, and says so."""
    question = speech("Are you a computer?")  # once more, where the site did not listen in time on a busy machine
    wav = write_wav(tmp_path / "utterance.wav", silence(6), question, silence(25), question, silence(60))
    page = open_page(wav=wav, remembered={}, is_whole=True)
    page.goto(live_site.url)
    expect(page.get_by_label("Listen with")).to_have_value("browser")
    expect(page.get_by_text("Chrome sends your voice to Google.").first).to_be_in_viewport()
    expect(page.get_by_label("Speak with")).to_be_hidden()  # it has no voices
    page.get_by_role("button", name="Start talking").click()
    expect(page.get_by_role("alert")).to_contain_text("This site listens instead.")
    wait_for_state(page, "listening")
    expect(page.locator("[data-part=captions] .bubble.user").first).to_contain_text("computer", ignore_case=True)
    wait_for_state(page, "speaking")
    save_screenshot(page, "talk-browser-cannot-listen")
    page.get_by_role("alert").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".notices .notice")).to_have_count(0)
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_label("Listen with")).to_have_value("site")


def test_it_works(open_speaking_page: OpenPage, live_site: Site) -> None:
    page = open_speaking_page()
    start(page, live_site.url)
    bubbles = page.locator("[data-part=captions] .bubble")
    page.evaluate("recogniser.hear('I dream of')")
    wait_for_state(page, "hearing")
    expect(bubbles.nth(0)).to_contain_text("I dream of")
    hear(page, "I dream of flying", "I dream of flying.")
    expect(bubbles.nth(1)).to_contain_text("Assistant:")
    assert diary(page, "state") == ["ready", "connecting", "listening", "hearing", "thinking", "speaking"]
    wait_for_state(page, "listening")
    spoken = page.evaluate("spoken")
    assert {(one["voice"], one["ended"], one["rate"]) for one in spoken} == {("Samantha", "whole", 1)}
    expect(bubbles.nth(1)).to_contain_text(" ".join(one["text"] for one in spoken))
    [update] = list_sent(page, "session.update")[:1]
    assert update["session"]["output_modalities"] == ["text"]
    assert update["session"]["audio"]["input"]["turn_detection"] is None
    assert page.evaluate("window.audioSent.frames") == 0
    assert page.evaluate("Object.keys(window.replies).length") == 0  # no sound was made in vain
    page.get_by_role("button", name="Hang up").click()
    wait_for_state(page, "ended")
    page.get_by_role("link", name="View in history").click()
    expect(page.locator(".bubble.user")).to_contain_text("I dream of flying.")


def test_barge_in(open_speaking_page: OpenPage, live_site: Site) -> None:
    """An echo and a backchannel are ignored, words silence the voice, and the history has what was heard."""
    page = open_speaking_page()
    start(page, live_site.url)
    hear(page, LONG)
    [clause, *_] = wait_for_speech(page, 1)
    page.evaluate("(text) => recogniser.hear(text)", " ".join(clause["text"].split()[:4]))
    page.evaluate("recogniser.hear('mhm', true)")
    reply = page.locator(".bubble.assistant")
    before = reply.inner_text()
    wait_until(page, lambda: len(reply.inner_text()) > len(before), "a voice that goes on")
    expect(page.locator(".bubble.user")).to_have_count(1)
    wait_for_state(page, "speaking")
    page.evaluate("recogniser.hear('But I wanted')")
    wait_for_state(page, "hearing")
    assert page.evaluate("spoken.at(-1).ended") == "cut"
    save_screenshot(page, "talk-browser-barge-in")
    heard = list_sent(page, "conversation.item.truncate")[-1]["heard"]
    hear(page, "But I wanted to know who you are.")
    expect(page.locator(".bubble.assistant").first).to_contain_text("…")
    expect(page.locator(".bubble.assistant")).to_have_count(2)
    wait_for_state(page, "listening")
    assert len([one for one in diary(page, "event") if one["type"] == "conversation.item.truncated"]) == 1
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("link", name="View in history").click()
    cut = page.locator(".bubble.assistant").first
    expect(cut).to_contain_text("Interrupted")
    expect(cut).to_contain_text(heard)


def test_the_sites_ears_and_the_browsers_voice(open_speaking_page: OpenPage, live_site: Site, tmp_path: Path) -> None:
    """What the site hears is answered once, by the browser's voice."""
    wav = write_wav(tmp_path / "utterance.wav", silence(5), speech("Are you a computer?"), silence(60))
    page = open_speaking_page(microphone=True, wav=wav, remembered={"listen": "site", "speak": "browser"})
    start(page, live_site.url)
    expect(page.locator(".bubble.user")).to_contain_text("computer", ignore_case=True)
    assert wait_for_speech(page, 1)[0]["text"]
    wait_for_state(page, "listening")
    assert len(list_sent(page, "response.create")) == 1
    assert all(one["ended"] == "whole" for one in page.evaluate("spoken"))
    expect(page.locator(".bubble.assistant")).to_have_count(1)


def test_push_to_talk_and_mute(open_speaking_page: OpenPage, live_site: Site) -> None:
    page = open_speaking_page()
    page.clock.install()
    page.goto(live_site.url)
    page.get_by_label("Push to talk").check()
    page.get_by_role("button", name="Start talking").click()
    expect(page.locator("[data-part=status]")).to_have_text("Ready to listen")
    wait_until(page, lambda: page.evaluate("recogniser.current === null"), "a recogniser that is deaf until asked")
    page.get_by_label("Message").evaluate("(box) => box.blur()")
    page.keyboard.down("Space")
    wait_for_state(page, "hearing")
    hear(page, "Good morning.")
    expect(page.locator(".bubble.user")).to_contain_text("Good morning.")
    page.clock.fast_forward(10_000)  # longer than any pause that ends an utterance
    assert list_sent(page, "response.create") == []
    page.keyboard.up("Space")
    expect(page.locator(".bubble.assistant")).to_have_count(1)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Push to talk").uncheck()
    page.get_by_role("button", name="Mute").click()
    wait_until(page, lambda: page.evaluate("recogniser.current === null"), "a recogniser that is deaf")
    page.get_by_role("button", name="Mute").click()
    wait_until(page, lambda: page.evaluate("recogniser.current !== null"), "a recogniser that listens again")


def test_choices_are_remembered_and_apart(open_speaking_page: OpenPage, live_site: Site) -> None:
    page = open_speaking_page()
    page.goto(live_site.url)
    voices = page.get_by_label("Voice")
    expect(voices.locator("option").first).to_have_text("Samantha (en-US)")
    voices.select_option(label="Daniel (en-GB)")
    page.get_by_label("Listen with").select_option(label="This site")
    expect(page.get_by_text("Chrome sends your voice").first).to_be_hidden()
    page.reload()
    expect(page.get_by_label("Listen with")).to_have_value("site")
    expect(page.get_by_label("Speak with")).to_have_value("browser")
    page.get_by_role("button", name="Type instead").click()
    page.get_by_label("Message").fill("Hello.")
    page.get_by_label("Message").press("Enter")
    assert wait_for_speech(page, 1)[0]["voice"] == "Daniel"
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Speak with").select_option(label="This site")
    expect(voices.locator("option").first).to_have_text("English (US)")
    wait_for_state(page, "ready")
    page.get_by_label("Message").fill("Hello again.")
    page.get_by_label("Message").press("Enter")
    wait_for_state(page, "speaking")
    assert page.evaluate("Object.keys(window.replies).length") == 1


def test_a_voice_that_fails(open_speaking_page: OpenPage, live_site: Site) -> None:
    page = open_speaking_page()
    start(page, live_site.url)
    page.evaluate("synthesis.failure = 'synthesis-failed'")
    hear(page, "I dream of flying.")
    expect(page.get_by_role("alert")).to_contain_text("This site speaks instead.")
    expect(page.locator(".bubble.assistant")).to_contain_text(re.compile(r"Assistant:\s*\w+"))
    hear(page, "I had a dream about my father.")
    wait_for_state(page, "speaking")
    assert page.evaluate("Object.keys(window.replies).length") == 1


def test_a_recogniser_that_fails_amid_the_call(open_speaking_page: OpenPage, live_site: Site) -> None:
    page = open_speaking_page(microphone=True)
    start(page, live_site.url)
    page.evaluate("recogniser.end('network')")
    expect(page.get_by_role("alert")).to_contain_text("could not be reached. This site listens instead.")
    wait_until(page, lambda: page.evaluate("window.audioSent.frames") > 0, "sound for the site")
    wait_for_state(page, "listening")


@pytest.mark.parametrize("look", LOOKS)
def test_looks(open_speaking_page: OpenPage, live_site: Site, look: str) -> None:
    page = open_speaking_page(**LOOKS[look])
    page.goto(live_site.url)
    expect(page.get_by_label("Speak with")).to_be_visible()
    check(page, f"talk-browser-speech-ready-{look}")
    page.get_by_role("button", name="Start talking").click()
    wait_for_state(page, "listening")
    hear(page, LONG)
    [clause, *_] = wait_for_speech(page, 1)
    expect(page.locator(".bubble.assistant")).to_contain_text(clause["text"].split()[1])
    save_screenshot(page, f"talk-browser-speech-{look}")
    page.get_by_role("button", name="Options").click()
    check(page, f"talk-browser-speech-options-{look}")


@pytest.fixture(scope="module")
def deaf_site(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that starts without pocketsphinx, which has no wheel for some releases of Python."""
    folder = tmp_path_factory.mktemp("deaf")
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['pocketsphinx'] = None\n")
    with run_site(database_url, {"PYTHONPATH": str(folder)}) as running:
        yield running


@pytest.mark.parametrize("look", ["phone-dark", "desktop-light"])
def test_a_server_whose_demo_has_no_ears(
    open_page: OpenPage, open_speaking_page: OpenPage, deaf_site: Site, look: str
) -> None:
    deaf = open_page(microphone=False, **LOOKS[look])
    deaf.add_init_script("delete window.SpeechRecognition; delete window.webkitSpeechRecognition;")
    deaf.goto(deaf_site.url)
    expect(deaf.locator("[data-part=demo]")).to_contain_text("and this browser has none. Please type.")
    expect(deaf.get_by_role("button", name="Start talking")).to_be_hidden()
    check(deaf, f"talk-no-ears-{look}")
    page = open_speaking_page(**LOOKS[look])
    page.goto(deaf_site.url)
    expect(page.locator("[data-part=demo]")).to_contain_text("so your browser listens.")
    expect(page.get_by_role("button", name="Start talking")).to_be_visible()
    check(page, f"talk-browser-ears-{look}")
