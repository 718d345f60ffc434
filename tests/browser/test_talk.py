"""A person talks with the demo engines: real speech into Chromium's microphone, real sound out of it."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.page import diary, sign_up, wait_for_state, wait_until, wait_until_audible, wait_until_sent
from tests.support.browser.sound import silence, speech, write_wav
from tests.support.live import Site

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def utterance(tmp_path_factory: pytest.TempPathFactory, live_site: Site) -> Path:
    """A file whose speech begins four seconds after the microphone was opened, so that a slow machine can connect."""
    path = tmp_path_factory.mktemp("mic") / "utterance.wav"
    return write_wav(path, silence(4), speech("Are you a computer?"), silence(60))


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Start talking").click()
    wait_for_state(page, "listening")


def test_it_works(open_page: OpenPage, live_site: Site, utterance: Path) -> None:
    page = open_page(wav=utterance, storage={"cookies": [], "origins": []})
    sign_up(page, live_site.url, f"grace.{uuid4().hex[:8]}@example.com")
    expect(page.get_by_text("This is a demo.")).to_be_visible()
    expect(page.get_by_role("link", name="Add a provider key")).to_be_visible()
    page.get_by_role("button", name="Start talking").click()

    bubbles = page.locator("[data-part=captions] .bubble")
    expect(bubbles.nth(0)).to_contain_text("computer", ignore_case=True)
    expect(bubbles.nth(1)).to_contain_text(re.compile("Eliza|computers"))
    wait_until_audible(page)
    asked = diary(page, "microphone")[0]
    assert asked["echoCancellation"] and asked["noiseSuppression"] and asked["autoGainControl"]  # noqa: PT018
    assert diary(page, "state")[:6] == ["ready", "connecting", "listening", "hearing", "thinking", "speaking"]

    # Chromium plays its file anew for each microphone, so the same words come once more, amid the next reply.
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Microphone").select_option(index=1)
    wait_until(page, lambda: len(diary(page, "microphone")) == 2, "the other microphone")
    wait_until_sent(page, 1.5)
    page.get_by_label("Message").fill("Who are you?")
    page.get_by_label("Message").press("Enter")
    expect(bubbles.nth(3)).to_contain_text("Eliza")
    expect(bubbles.nth(4)).to_contain_text("computer", ignore_case=True)
    expect(bubbles.nth(5)).to_contain_text(re.compile(r"Assistant:\s*\w+"))
    wait_for_state(page, "listening")
    assert_interrupted(page)
    first_words = bubbles.nth(0).locator("span").last.inner_text()
    page.get_by_role("button", name="Hang up").click()
    wait_for_state(page, "ended")
    assert_in_history(page, first_words)


def assert_interrupted(page: Page) -> None:
    """Check that the sound ended when the second utterance began, and that the server was told what had been heard."""
    entries = page.evaluate("window.diary")

    def list_times(what: str, kind: str = "", after: float = 0) -> list[float]:
        return [
            at for at, name, detail in entries if name == what and at > after and (not kind or detail["type"] == kind)
        ]

    [typed_at] = list_times("sent", "conversation.item.create")
    sounded_at = list_times("sound", after=list_times("event", "response.created", after=typed_at)[0])[0]
    interrupted_at = list_times("event", "input_audio_buffer.speech_started", after=typed_at)[0]
    assert sounded_at < interrupted_at, "the reply did not sound before the interruption"
    next_reply_at = list_times("event", "response.created", after=interrupted_at)[0]
    toggles = [(at, what) for at, what, _ in entries if what in ("sound", "silence") and at < interrupted_at + 100]
    assert toggles[-1][1] == "silence", "it went on sounding after the interruption"
    assert not [at for at in list_times("sound", after=interrupted_at + 100) if at < next_reply_at]
    truncations = [event for event in diary(page, "sent") if event["type"] == "conversation.item.truncate"]
    assert truncations[-1]["audio_end_ms"] == pytest.approx(
        interrupted_at - sounded_at, abs=600
    )  # a busy machine's diary is late
    assert len(list_times("event", "conversation.item.truncated")) == len(truncations)


def assert_in_history(page: Page, first_words: str) -> None:
    page.get_by_role("link", name="View in history").click()
    expect(page.locator(".dialogue .bubble")).to_have_count(6)
    expect(page.locator(".bubble.user").first).to_contain_text(first_words)
    expect(page.locator(".bubble.assistant").nth(1)).to_contain_text("Interrupted")
    expect(page.locator("audio")).to_have_count(5)  # all but the typed one
    for number in range(5):
        sound = page.locator("audio").nth(number)
        duration = sound.evaluate("""async (audio) => {
            await audio.play();
            while (audio.currentTime < 0.2) await new Promise(requestAnimationFrame);
            audio.pause();
            return audio.duration;
        }""")
        assert duration > 0.5
    page.get_by_role("link", name="History").first.click()
    expect(page.locator(".conversations li")).to_have_count(1)


def test_captions_keep_step_with_the_voice(open_page: OpenPage, live_site: Site, utterance: Path) -> None:
    page = open_page(wav=utterance)
    start(page, live_site.url)
    wait_for_state(page, "speaking")
    reply = page.locator("[data-part=captions] .bubble.assistant").last
    seen: list[str] = []
    while page.locator("#talk").get_attribute("data-state") == "speaking":
        words = reply.locator("span").last.inner_text()
        if words and words not in seen[-1:]:
            seen.append(words)
        page.wait_for_timeout(30)
    assert len(seen) >= 3, f"the caption came at once: {seen}"
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    transcript = next(one for one in diary(page, "event") if one["type"] == "response.output_audio_transcript.done")
    expect(reply).to_contain_text(transcript["transcript"].strip())


def test_meters_move_with_the_voices(open_page: OpenPage, live_site: Site, utterance: Path) -> None:
    page = open_page(wav=utterance)
    start(page, live_site.url)
    assert read_level(page, "assistant") == 0
    wait_for_state(page, "hearing")
    assert read_level(page, "user") > 0.2
    wait_for_state(page, "speaking")
    wait_until_audible(page)
    assert read_level(page, "assistant") > 0.2


def read_level(page: Page, who: str) -> float:
    """Return how far that meter is out, from 0 to 1."""
    scale = f"new DOMMatrix(getComputedStyle(document.querySelector('[data-part=level-{who}]')).transform).a"
    return float(page.evaluate(scale))


def test_typing_is_answered_aloud(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(microphone=False)
    page.goto(live_site.url)
    page.get_by_role("button", name="Type instead").click()
    message = page.get_by_label("Message")
    expect(message).to_be_focused()
    message.fill("I dream of flying.")
    message.press("Enter")
    expect(page.locator(".bubble.user")).to_contain_text("I dream of flying.")
    wait_until_audible(page)
    # A second message while the first reply sounds: silence, truncation, then the message.
    message.fill("Hello again.")
    message.press("Enter")
    expect(page.locator(".bubble.assistant")).to_have_count(2)
    sent = [event["type"] for event in diary(page, "sent")]
    last = len(sent) - sent[::-1].index("conversation.item.create") - 1
    assert sent[last - 1 : last + 2] == ["conversation.item.truncate", "conversation.item.create", "response.create"]
    assert page.evaluate("window.audioSent.frames") == 0


def test_mute_sends_silence(open_page: OpenPage, live_site: Site, utterance: Path) -> None:
    page = open_page(wav=utterance)
    start(page, live_site.url)
    page.get_by_role("button", name="Mute").click()
    wait_for_state(page, "muted")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    page.evaluate("window.audioSent = { frames: 0, silent: 0, samples: 0 }")
    wait_until_sent(page, 6)  # until the utterance is over
    sent = page.evaluate("window.audioSent")
    assert sent["frames"] == sent["silent"]
    assert sent["samples"] == 960 * sent["frames"]
    assert "hearing" not in diary(page, "state")


def test_push_to_talk(open_page: OpenPage, live_site: Site, utterance: Path) -> None:
    page = open_page(wav=utterance)
    page.goto(live_site.url)
    page.get_by_label("Push to talk").check()
    page.get_by_role("button", name="Start talking").click()
    expect(page.locator("[data-part=status]")).to_have_text("Ready to listen")
    assert page.evaluate("window.audioSent.frames") == 0
    page.get_by_label("Message").press("Space")  # in the text box a space is a space
    assert "hearing" not in diary(page, "state")
    page.get_by_label("Message").fill("")
    page.get_by_label("Message").evaluate("(box) => box.blur()")

    page.keyboard.down("Space")
    wait_for_state(page, "hearing")
    wait_until(page, lambda: read_level(page, "user") >= 0.3, "a voice at the meter")
    wait_until_sent(page, 2)
    page.keyboard.up("Space")
    # The silence that was held with it confuses the demo's recogniser: any words will do.
    expect(page.locator(".bubble.user")).to_contain_text(re.compile(r"You:\s*\w+"))
    expect(page.locator(".bubble.assistant")).to_contain_text(re.compile(r"Assistant:\s*\w+"))
    sent = [event["type"] for event in diary(page, "sent")]
    created = sent.index("response.create")
    assert sent[created - 1] == "input_audio_buffer.commit"


def test_another_voice_in_a_running_call(open_page: OpenPage, live_site: Site) -> None:
    page = open_page()
    start(page, live_site.url)
    page.get_by_label("Message").fill("Hello.")
    page.get_by_label("Message").press("Enter")
    wait_until_audible(page)
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Voice").select_option(label="English (UK)")
    wait_for_state(page, "listening")
    connected = diary(page, "connect")
    conversations = {one["conversation"]["id"] for one in diary(page, "event") if one["type"] == "conversation.created"}
    assert len(connected) == 2
    assert len(conversations) == 1
    assert f"&conversation={conversations.pop()}" in connected[1]
    update = [one for one in diary(page, "sent") if one["type"] == "session.update"][-1]
    assert update["session"]["audio"]["output"]["voice"] == "en-gb"
    expect(page.get_by_label("Microphone")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Voice")).to_be_hidden()


def test_continue_a_conversation(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(microphone=False)
    page.goto(live_site.url)
    page.get_by_role("button", name="Type instead").click()
    page.get_by_label("Message").fill("My name is Ada.")
    page.get_by_label("Message").press("Enter")
    wait_for_state(page, "speaking")
    wait_for_state(page, "ready")
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("link", name="View in history").click()
    page.get_by_role("link", name="Continue by voice").click()
    expect(page.get_by_text("Continues")).to_contain_text("My name is Ada.")
    page.get_by_role("button", name="Type instead").click()
    expect(page.locator(".bubble")).to_have_count(2)
    expect(page.locator(".bubble.user")).to_contain_text("My name is Ada.")


def test_whole_call_by_keyboard(open_page: OpenPage, live_site: Site) -> None:
    page = open_page()
    page.goto(live_site.url)
    page.get_by_role("button", name="Start talking").focus()
    page.keyboard.press("Enter")
    wait_for_state(page, "listening")
    expect(page.get_by_role("button", name="Mute")).to_be_focused()
    page.keyboard.press("Space")
    wait_for_state(page, "muted")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep talking")).to_be_focused()
