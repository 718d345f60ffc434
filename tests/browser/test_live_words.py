"""Speech to text that hears while one speaks: the user's words are on the page before they have ended."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.looks import LOOKS
from tests.support.browser.page import diary, save_screenshot, sign_up, wait_for_state, wait_until_audible
from tests.support.browser.sound import silence, speech, write_wav
from tests.support.live import Site, run_site
from tests.upstream.fixtures import Upstream

DELTA = "conversation.item.input_audio_transcription.delta"
QUESTION = "Can you tell me when the library near the old market closes today?"
PAUSES = ("", "", "")  # its words after a pause that may be found in it: all are told with the first
ANSWER = "Good morning! It closes at six today. Tomorrow it opens at nine, and the café beside it an hour before."


@pytest.fixture
def streaming_site(database_url: str, upstream_process: Upstream) -> Iterator[Site]:
    env = {"OPENAI_API_KEY": "sk-site", "OPENAI_BASE_URL": upstream_process.openai_url, "TTS_ENGINE": "openai"}
    with run_site(database_url, {**env, "STT_STREAM_MODEL": "gpt-live-transcribe"}) as running:
        yield running


@pytest.mark.parametrize("look", ["phone-dark", "desktop-light"])
def test_it_works(
    open_page: Callable[..., Page], streaming_site: Site, upstream: Upstream, tmp_path: Path, look: str
) -> None:
    upstream.script(transcripts=(QUESTION, *PAUSES), replies=(ANSWER,) * 4)
    utterance = write_wav(tmp_path / "question.wav", silence(4), speech(QUESTION), silence(60))
    page = open_page(wav=utterance, storage={"cookies": [], "origins": []}, **LOOKS[look])
    sign_up(page, streaming_site.url, f"{look}@example.com")
    page.get_by_role("button", name="Start talking").click()

    asked = page.locator("[data-part=captions] .bubble.user").last
    expect(asked).to_contain_text("Can you tell")
    wait_for_state(page, "hearing")
    save_screenshot(page, f"talk-live-words-{look}")
    wait_until_audible(page)
    expect(page.locator("[data-part=captions] .bubble.assistant").last).to_contain_text("six today")
    save_screenshot(page, f"talk-answered-{look}")
    wait_for_state(page, "listening")
    expect(asked).to_contain_text(QUESTION)

    kinds = [event["type"] for event in diary(page, "event")]
    assert kinds.count(DELTA) > 2
    assert kinds.index(DELTA) < kinds.index("input_audio_buffer.speech_stopped")
    assert len(upstream.list_requests("live_transcriptions")) == 1
    assert upstream.list_requests("transcriptions") == []
