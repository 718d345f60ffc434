"""Whisper on this machine, heard through the official client: a person's recording, in the time that it takes."""

import asyncio
import base64
from collections.abc import Iterator
from time import monotonic

import pytest

from conversations.engines.local.whisper.filter import normalise
from conversations.pcm import BYTES_PER_MS, measure_seconds
from tests.support.live import Site, run_site
from tests.support.local_models import fetch_model
from tests.support.official_client import FRAME, Connect, Talk
from tests.support.realtime.transcripts import EVENT
from tests.support.speech_recordings import RESPECTABLE, read_recording

TRIES = 5

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def listening_site(database_url: str) -> Iterator[Site]:
    folder = str(fetch_model("whisper-tiny.en"))
    with run_site(database_url, {"LOCAL_MODELS": "whisper-tiny.en", "LOCAL_MODELS_DIR": folder}) as site:
        yield site


async def speak(talk: Talk, pcm: bytes) -> None:
    started = monotonic()
    for start in range(0, len(pcm), FRAME):
        await talk.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())
        await asyncio.sleep(started + measure_seconds(pcm[: start + FRAME]) - monotonic())


async def test_it_works(listening_site: Site, connect: Connect) -> None:
    """While the model is loaded, or on a machine that is too busy, words come at the end of the speech alone."""
    pcm = read_recording(RESPECTABLE) + bytes(1_500 * BYTES_PER_MS)
    async with connect(url=listening_site.url, intent="transcription") as talk:
        for _ in range(TRIES):
            await speak(talk, pcm)
            completed = await talk.wait_for(f"{EVENT}.completed", patience_sec=60)
            words = normalise(completed["transcript"])
            assert words.endswith("he might have been made still more respectable than he was")
            if sum(event["type"] == f"{EVENT}.delta" for event in talk.events) > 1:
                return
    pytest.fail("no words came while somebody spoke")
