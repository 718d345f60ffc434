"""Whisper tiny.en, the real one, with recordings of people."""

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.noises import make_noises
from conversations.engines.base import Connectable, EngineSpec, Hints
from conversations.engines.errors import EngineBusy, EngineRejected, EngineUnavailable
from conversations.engines.local.whisper import process as whisper_process
from conversations.engines.local.whisper.filter import normalise
from conversations.engines.local.whisper.stt import get_whisper_pool
from conversations.engines.registry import make_stt
from conversations.pcm import SAMPLE_RATE, measure_seconds
from tests.support.polling import poll
from tests.support.speech_recordings import AMIABLE, CONSIDER, YOUNG_MAN, read_recording

CONSIDER_WORDS = (
    "and mr john dashwood had then leisure to consider how much there might be prudently in his power to do for them"
)
AMIABLE_WORDS = "he might even have been made amiable himself"


async def hear(spec: EngineSpec, pcm: bytes, hints: Hints | None = None) -> str:
    return normalise((await make_stt(spec).transcribe(pcm, hints or Hints())).text)


async def test_it_works(spec: EngineSpec) -> None:
    pcm = read_recording(CONSIDER)
    found = await make_stt(spec).transcribe(pcm, Hints(language="en-US"))
    assert normalise(found.text) == CONSIDER_WORDS
    assert found.seconds == measure_seconds(pcm)


async def test_hearing_leaves_the_event_loop_free(spec: EngineSpec) -> None:
    breaths, task = 0, asyncio.create_task(hear(spec, read_recording(CONSIDER)))
    while not task.done():
        await asyncio.sleep(0)
        breaths += 1
    assert await task == CONSIDER_WORDS
    assert breaths > 100


async def test_silence_and_nothing_have_no_words(spec: EngineSpec) -> None:
    assert await hear(spec, b"") == await hear(spec, bytes(100)) == await hear(spec, bytes(96_000)) == ""


COUGHS = ("cough 2", "throat cleared 1", "keyboard 1", "chair")


def make_sound(name: str) -> bytes:
    """Return a sound of some seconds, in which nobody speaks."""
    if name in COUGHS:
        return bytes(24_000) + dict(make_noises())[name].tobytes() + bytes(24_000)
    time_sec = np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
    if name == "hum":
        hum = np.sum([np.sin(2 * np.pi * 50 * harmonic * time_sec) / harmonic for harmonic in range(1, 6)], axis=0)
        return bytes((3_000 * hum).astype("<i2"))
    loudness = 3_000 if name == "loud noise" else 30
    return bytes((loudness * np.random.default_rng(0).standard_normal(len(time_sec))).astype("<i2"))


@pytest.mark.parametrize("name", ["hum", "loud noise", "faint noise", *COUGHS])
async def test_sounds_have_no_words(spec: EngineSpec, name: str) -> None:
    pcm = make_sound(name)
    assert await hear(spec, pcm) == ""
    assert await hear(spec, pcm, Hints(keywords=("Voiceproject", "Postgres"))) == ""


async def test_a_prompt_gives_the_spelling(spec: EngineSpec) -> None:
    pcm = read_recording(CONSIDER)
    found = await make_stt(spec).transcribe(pcm, Hints(keywords=("Jon Dashwoode",)))
    assert "Jon Dashwoode" in found.text


async def test_a_prompt_without_an_end(spec: EngineSpec) -> None:
    assert await hear(spec, read_recording(AMIABLE), Hints(prompt="The quick brown fox. " * 50_000)) == AMIABLE_WORDS


async def test_long_speech_is_heard_in_pieces(spec: EngineSpec) -> None:
    pause = bytes(SAMPLE_RATE)
    story = pause.join(read_recording(path) for path in (CONSIDER, YOUNG_MAN, AMIABLE))
    words = await hear(spec, pause.join([story] * 3))
    assert [words.count(end) for end in ("to do for them", "young man", "amiable himself")] == [3, 3, 3]


async def test_another_language_is_refused(spec: EngineSpec) -> None:
    with pytest.raises(EngineRejected, match=r"only English with the model whisper-tiny\.en.* fetch whisper-base"):
        await hear(spec, bytes(96_000), Hints(language="de"))


async def test_cancelled_work_stops(spec: EngineSpec) -> None:
    pool = get_whisper_pool(spec, spec.model)
    task = asyncio.create_task(hear(spec, read_recording(CONSIDER) * 20))
    await wait_until_busy(spec)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await hear(spec, read_recording(AMIABLE)) == AMIABLE_WORDS
    assert pool.list_process_ids()


async def wait_until_busy(spec: EngineSpec) -> None:
    async def is_busy() -> bool:
        return bool(get_whisper_pool(spec, spec.model).list_busy_process_ids())

    await poll(is_busy)


async def test_a_process_that_is_killed_costs_one_utterance(spec: EngineSpec) -> None:
    task = asyncio.create_task(hear(spec, read_recording(CONSIDER) * 20))
    await wait_until_busy(spec)
    [process_id] = get_whisper_pool(spec, spec.model).list_busy_process_ids()
    os.kill(process_id, signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="stopped in the middle of its work and is starting again"):
        await task
    assert await hear(spec, read_recording(YOUNG_MAN)) != ""


async def test_two_are_served_and_those_who_do_not_fit_are_told(spec: EngineSpec) -> None:
    engine, pcm = make_stt(spec), read_recording(AMIABLE)
    results = await asyncio.gather(*(engine.transcribe(pcm) for _ in range(6)), return_exceptions=True)
    heard = [normalise(found.text) for found in results if not isinstance(found, BaseException)]
    assert set(heard) == {AMIABLE_WORDS}
    assert len(heard) >= 2
    assert all(
        isinstance(found, EngineBusy) for found in results[4:]
    )  # those before may wait too long on a slow machine


async def test_the_model_is_loaded_before_it_is_needed(spec: EngineSpec) -> None:
    engine = make_stt(replace(spec, model=str(Path(spec.folder) / spec.model)))
    assert isinstance(engine, Connectable)
    await engine.connect()
    pool = get_whisper_pool(spec, str(Path(spec.folder) / spec.model))

    async def are_loaded() -> bool:
        return len(pool.list_process_ids()) == 2

    await poll(are_loaded)


async def test_a_folder_of_the_users_own_is_taken_as_it_is(spec: EngineSpec) -> None:
    own = replace(spec, model=str(Path(spec.folder) / spec.model), folder="/nowhere")
    assert await hear(own, read_recording(AMIABLE)) == AMIABLE_WORDS


async def test_a_missing_model(tmp_path: Path) -> None:
    spec = EngineSpec("local", "whisper-tiny.en", folder=str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"is missing\. Run: manage\.py models fetch whisper-tiny\.en") as found:
        await hear(spec, bytes(96_000))
    assert "\n" not in found.value.message


async def test_a_damaged_model(spec: EngineSpec, tmp_path: Path) -> None:
    shutil.copytree(Path(spec.folder) / spec.model, tmp_path / spec.model)
    with (tmp_path / spec.model / "model.bin").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"damage")
    with pytest.raises(EngineUnavailable, match=r"model\.bin of whisper-tiny\.en is damaged\. Run: ") as found:
        await hear(replace(spec, folder=str(tmp_path)), bytes(96_000))
    assert "\n" not in found.value.message


@pytest.mark.parametrize("name", ["whisper-huge", "../models", "/nowhere"])
async def test_a_model_that_there_is_not(spec: EngineSpec, name: str) -> None:
    with pytest.raises(EngineUnavailable, match="There is no model"):
        await hear(replace(spec, model=name), bytes(96_000))


async def test_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(EngineUnavailable, match="holds no Whisper model of CTranslate2"):
        await hear(EngineSpec("local", str(tmp_path)), bytes(96_000))


def test_without_its_package_it_says_what_to_do(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(EngineUnavailable, match="install the Python package ctranslate2"):
        whisper_process.load_whisper(str(models), "whisper-tiny.en")
