"""Somebody makes a sound while the assistant speaks: it pauses at once, and the words decide how it goes on."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.page import diary, wait_for_state, wait_until, wait_until_audible
from tests.support.browser.sound import (
    AUDIBLE,
    RATE,
    Sound,
    read_recording,
    read_reply,
    silence,
    speech,
    stretches_heard,
    write_wav,
)
from tests.support.live import Site

OpenPage = Callable[..., Page]
LONG = "Are you sure that you always have the time to listen to all of my very long stories about the sea?"
FADE = RATE * 10 // 1000  # 8 ms, and what the comparison may be off


def speak_over_a_reply(page: Page, url: str) -> None:
    """Open the microphone while a reply sounds: Chromium begins to play its file at that moment."""
    page.goto(url)
    page.get_by_role("button", name="Type instead").click()
    wait_for_state(page, "ready")
    page.get_by_role("button", name="Options").click()
    page.evaluate("void window.record()")
    page.get_by_label("Message").fill(LONG)
    page.get_by_label("Message").press("Enter")
    wait_until_audible(page)
    page.get_by_label("Microphone").select_option(index=1)
    wait_until(page, lambda: "hearing" in diary(page, "state"), "somebody heard")  # not for long, if it is no word


def list_events(page: Page, kind: str) -> list[Any]:
    return [event for event in diary(page, "event") if event["type"] == kind]


def is_quiet(sound: Sound) -> bool:
    return bool(sound.size) and bool(np.abs(sound).max() < 10 * AUDIBLE)


def find_end_heard(recording: Sound, reply: Sound) -> int:
    """Return after which sample nothing of the reply was heard any more.

    Where words come late it goes on once more before they end it. What sounds then is the next reply.
    """
    end = 0
    for start, later in stretches_heard(recording, reply):
        if abs(start - end) > 2 * FADE and not is_quiet(reply[end:start]):
            break
        end = later
    return end


def list_truncations(page: Page) -> list[Any]:
    return [event for event in diary(page, "sent") if event["type"] == "conversation.item.truncate"]


def test_it_works(open_page: OpenPage, live_site: Site, tmp_path: Path) -> None:
    """A sound that is no word loses nothing of the reply, and repeats nothing.

    (The demo hears "ah" as "bob" one time in seven.)
    """
    page = open_page(wav=write_wav(tmp_path / "oh.wav", silence(0.3), speech("Oh."), silence(60)))
    speak_over_a_reply(page, live_site.url)
    wait_for_state(page, "speaking")
    wait_for_state(page, "listening")
    states = diary(page, "state")
    assert states[states.index("speaking") :][:3] == ["speaking", "hearing", "speaking"]
    assert list_events(page, "output_audio_buffer.started")
    assert not list_truncations(page)
    expect(page.locator(".bubble.assistant")).to_have_count(1)

    reply = read_reply(page)
    stretches = stretches_heard(read_recording(page), reply)
    assert len(stretches) > 1, "it did not pause"
    for (_, end), (later, _) in pairwise([(0, 0), *stretches, (len(reply), len(reply))]):
        assert later > end - FADE, "something was said twice"
        between = reply[end + FADE : max(end + FADE, later - FADE)]
        assert not between.size or is_quiet(between), "something was not said"


def test_words_end_the_reply(open_page: OpenPage, live_site: Site, tmp_path: Path) -> None:
    page = open_page(wav=write_wav(tmp_path / "words.wav", silence(0.3), speech("Are you a computer?"), silence(60)))
    speak_over_a_reply(page, live_site.url)
    expect(page.locator(".bubble.user").nth(1)).to_contain_text("computer", ignore_case=True)
    wait_for_state(page, "speaking")
    wait_for_state(page, "listening")
    assert list_events(page, "output_audio_buffer.cleared")
    [truncation] = list_truncations(page)
    reply = read_reply(page)
    heard = find_end_heard(read_recording(page), reply)
    told = truncation["audio_end_ms"] * 24
    assert told == pytest.approx(heard, abs=30 * 24) or is_quiet(reply[heard:told])  # a pause of the voice is not heard
    assert "…" in page.locator(".bubble.assistant").first.inner_text()


def test_the_server_learns_when_each_reply_was_heard(open_page: OpenPage, live_site: Site) -> None:
    page = open_page(microphone=False)
    page.goto(live_site.url)
    page.get_by_role("button", name="Type instead").click()
    for text in ("Hello.", "I dream of flying."):
        page.get_by_label("Message").fill(text)
        page.get_by_label("Message").press("Enter")
        wait_for_state(page, "speaking")
        wait_for_state(page, "ready")
    told = [event for event in diary(page, "sent") if event["type"] == "output_audio_buffer.started"]
    assert [event["response_id"] for event in told] == [
        one["response"]["id"] for one in list_events(page, "response.created")
    ]
    assert all(0 <= event["played_ms"] < 1000 for event in told)
