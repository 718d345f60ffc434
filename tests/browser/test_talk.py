"""A person talks with the demo engines: real speech into Chromium's microphone, real sound out of it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import diary, sign_up, wait_for_state, wait_until_audible
from tests.browser.sound import seconds_of, silence, speech, write_wav
from tests.live import Site

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def two_utterances(tmp_path_factory: pytest.TempPathFactory, live_site: Site) -> Path:
    """A question whose answer takes six seconds, and a second utterance that falls into it."""
    first, second = speech("Are you a computer?"), speech("My mother is here today.")
    return write_wav(tmp_path_factory.mktemp("mic") / "two.wav", silence(2), first, silence(4.5), second, silence(30))


@pytest.fixture(scope="module")
def one_utterance(tmp_path_factory: pytest.TempPathFactory, live_site: Site) -> Path:
    path = tmp_path_factory.mktemp("mic") / "one.wav"
    return write_wav(path, silence(2), speech("My mother is here today."), silence(30))


def start(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Start talking").click()
    wait_for_state(page, "listening")


def test_it_works(open_page: OpenPage, live_site: Site, two_utterances: Path) -> None:
    page = open_page(wav=two_utterances, storage={"cookies": [], "origins": []})
    sign_up(page, live_site.url, f"{uuid4().hex}@example.com")
    expect(page.get_by_text("This is a demo.")).to_be_visible()
    expect(page.get_by_role("link", name="Add a provider key")).to_be_visible()
    page.get_by_role("button", name="Start talking").click()

    words_of = page.locator("[data-part=captions] .bubble")
    expect(words_of.nth(0)).to_contain_text("computer", ignore_case=True)
    expect(words_of.nth(1)).to_contain_text("I am Eliza")
    expect(words_of.nth(2)).to_contain_text("mother", ignore_case=True)
    expect(words_of.nth(3)).to_contain_text("mother")
    wait_for_state(page, "listening")

    states = diary(page, "state")
    assert states[:5] == ["ready", "connecting", "listening", "hearing", "thinking"]
    assert {"speaking"} <= set(states)
    assert_interrupted(page)
    first_words = words_of.nth(0).locator("span").last.inner_text()
    page.get_by_role("button", name="Hang up").click()
    wait_for_state(page, "ended")
    assert_in_history(page, first_words)


def assert_interrupted(page: Page) -> None:
    """The sound ended at once when the second utterance began, and the server was told what had been heard."""
    entries = page.evaluate("window.diary")
    starts = [at for at, what, detail in entries if what == "event" and detail["type"].endswith("speech_started")]
    sounds = [at for at, what, _ in entries if what == "sound"]
    assert len(starts) == 2
    assert sounds[0] < starts[1], "the reply did not sound before the interruption"
    silent_after = min(at for at, what, _ in entries if what == "silence" and at > starts[1] - 5) - starts[1]
    assert silent_after < 100
    truncations = [event for event in diary(page, "sent") if event["type"] == "conversation.item.truncate"]
    truncated = [event for event in diary(page, "event") if event["type"] == "conversation.item.truncated"]
    heard_ms = starts[1] - sounds[0]
    assert len(truncations) == len(truncated) == 1
    assert truncations[0]["audio_end_ms"] == pytest.approx(heard_ms, abs=250)


def assert_in_history(page: Page, first_words: str) -> None:
    page.get_by_role("link", name="See it in the history").click()
    expect(page.locator(".dialogue .bubble")).to_have_count(4)
    expect(page.locator(".bubble.user").first).to_contain_text(first_words)
    expect(page.locator(".bubble.assistant").first).to_contain_text("Interrupted")
    for number in range(4):
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


def test_captions_keep_step_with_the_voice(open_page: OpenPage, live_site: Site, one_utterance: Path) -> None:
    page = open_page(wav=one_utterance)
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


def test_meters_move_with_the_voices(open_page: OpenPage, live_site: Site, one_utterance: Path) -> None:
    page = open_page(wav=one_utterance)
    start(page, live_site.url)
    assert level(page, "assistant") == 0
    wait_for_state(page, "hearing")
    assert level(page, "user") > 0.2
    wait_for_state(page, "speaking")
    wait_until_audible(page)
    assert level(page, "assistant") > 0.2


def level(page: Page, who: str) -> float:
    """How far that meter is out, 0 to 1."""
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


def test_mute_sends_silence(open_page: OpenPage, live_site: Site, one_utterance: Path) -> None:
    page = open_page(wav=one_utterance)
    start(page, live_site.url)
    page.get_by_role("button", name="Mute").click()
    wait_for_state(page, "muted")
    expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
    page.evaluate("window.audioSent = { frames: 0, silent: 0, samples: 0 }")
    page.wait_for_timeout(seconds_of(speech("Please stop.")) * 1000 + 2000)
    sent = page.evaluate("window.audioSent")
    assert sent["frames"] == sent["silent"] > 25
    assert sent["samples"] == 960 * sent["frames"]
    assert "hearing" not in diary(page, "state")


def test_push_to_talk(open_page: OpenPage, live_site: Site, one_utterance: Path) -> None:
    page = open_page(wav=one_utterance)
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
    while level(page, "user") < 0.3:
        page.wait_for_timeout(50)
    page.wait_for_timeout(2000)
    page.keyboard.up("Space")
    expect(page.locator(".bubble.user")).to_contain_text("mother", ignore_case=True)
    expect(page.locator(".bubble.assistant")).to_contain_text("mother")
    sent = [event["type"] for event in diary(page, "sent")]
    assert sent[-2:] == ["input_audio_buffer.commit", "response.create"]


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
    assert connected[1].endswith(f"&conversation={conversations.pop()}")
    assert diary(page, "sent")[-1]["session"]["audio"]["output"]["voice"] == "en-gb"
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
    page.get_by_role("link", name="See it in the history").click()
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
    expect(page.get_by_role("button", name="Go on talking")).to_be_focused()
