"""Words while one speaks, with the real model: the sound comes as fast as the passes can take it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from conversations.engines.base import EngineSpec, Hints, TranscriptStream
from conversations.engines.errors import EngineUnavailable
from conversations.engines.local.whisper.filter import normalise
from conversations.engines.local.whisper.stt import get_whisper_pool
from conversations.engines.local.whisper.stt_stream import STEP_SEC
from conversations.engines.local.workers.pools import close_pools
from conversations.engines.registry import make_stt_stream
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE, measure_seconds
from tests.support.polling import poll
from tests.support.speech_recordings import AMIABLE, CONSIDER, RESPECTABLE, read_recording

STEP_BYTES = round(2 * STEP_SEC * SAMPLE_RATE) * SAMPLE_BYTES
Listen = Callable[[EngineSpec], tuple[TranscriptStream, list[str]]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    streams: list[TranscriptStream] = []

    def start(spec: EngineSpec) -> tuple[TranscriptStream, list[str]]:
        engine, partials = make_stt_stream(spec), list[str]()
        assert engine
        streams.append(engine.listen(partials.append))
        return streams[-1], partials

    yield start
    for stream in streams:
        await stream.close()


async def speak(spec: EngineSpec, stream: TranscriptStream, pcm: bytes) -> None:
    """Send the sound step by step, each after the pass over the one before."""
    pool = get_whisper_pool(spec, spec.stream_model)

    async def is_ready() -> bool:
        return len(pool.list_process_ids()) == 2 and pool.is_free

    for at in range(0, len(pcm), STEP_BYTES):
        await poll(is_ready)
        stream.send(pcm[at : at + STEP_BYTES])
        await asyncio.sleep(0.01)  # the pass is asked for


async def test_it_works(spec: EngineSpec, listen: Listen) -> None:
    stream, partials = listen(spec)
    pcm = read_recording(RESPECTABLE)
    stream.begin(Hints(language="en"))
    await speak(spec, stream, pcm)
    found = await stream.commit()
    assert found.seconds == measure_seconds(pcm)
    assert "more amiable woman he might have been made still more respectable than he was" in normalise(found.text)
    assert len(partials) > 2
    for earlier, later in zip(partials, [*partials[1:], found.text], strict=True):
        assert normalise(later).startswith(normalise(earlier))  # what was shown stays


async def test_the_utterance_goes_on_after_a_commit(spec: EngineSpec, listen: Listen) -> None:
    stream, _ = listen(spec)
    first, second = read_recording(AMIABLE), read_recording(CONSIDER)
    stream.begin(Hints())
    stream.send(first)
    assert normalise((await stream.commit()).text) == "he might even have been made amiable himself"
    stream.send(second)
    found = await stream.commit()
    assert normalise(found.text).startswith("he might even have been made amiable himself and mr john dashwood")
    assert found.seconds == measure_seconds(first + second)


async def test_a_new_utterance_knows_nothing_of_the_last(spec: EngineSpec, listen: Listen) -> None:
    stream, _ = listen(spec)
    for _ in range(2):
        stream.begin(Hints())
        stream.send(read_recording(AMIABLE))
        assert normalise((await stream.commit()).text) == "he might even have been made amiable himself"


async def test_silence_shows_nothing(spec: EngineSpec, listen: Listen) -> None:
    stream, partials = listen(spec)
    stream.begin(Hints())
    await speak(spec, stream, bytes(2 * STEP_BYTES))
    assert (await stream.commit()).text == ""
    assert partials == []


async def test_long_speech_is_settled_piece_by_piece(spec: EngineSpec, listen: Listen) -> None:
    stream, partials = listen(spec)
    pause = bytes(SAMPLE_RATE)
    story = pause.join(read_recording(path) for path in (CONSIDER, RESPECTABLE, AMIABLE)) + pause
    stream.begin(Hints())
    stream.send(story * 2)

    async def is_settled() -> bool:
        return bool(partials)

    await poll(is_settled)
    found = await stream.commit()
    assert [normalise(found.text).count(end) for end in ("to do for them", "than he was", "himself")] == [2, 2, 2]
    assert found.seconds == pytest.approx(measure_seconds(story * 2))
    assert found.text.startswith(partials[-1])


async def test_processes_that_ended_come_back_when_somebody_speaks(spec: EngineSpec, listen: Listen) -> None:
    stream, partials = listen(spec)
    pool = get_whisper_pool(spec, spec.stream_model)
    pool.retire()

    async def are_gone() -> bool:
        return pool.list_process_ids() == []

    await poll(are_gone)
    close_pools()
    stream.begin(Hints())
    await speak(spec, stream, read_recording(RESPECTABLE)[: 4 * STEP_BYTES])
    assert partials


async def test_without_a_model_the_commit_says_why(spec: EngineSpec, listen: Listen) -> None:
    stream, partials = listen(replace(spec, folder="/nowhere"))
    stream.begin(Hints())
    stream.send(bytes(2 * STEP_BYTES))
    with pytest.raises(EngineUnavailable, match=r"manage\.py models fetch whisper-tiny\.en"):
        await stream.commit()
    assert partials == []
