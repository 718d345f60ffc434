"""The windows of many sessions, judged together: each session learns what it would have learned alone."""

import asyncio
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from conversations.audio.speech_model import LEAD, SILENT_STATE, STEP, Look, SpeechModel, Verdict, load_model
from conversations.audio.vad import SpeechDetector
from conversations.session import speech_batches
from conversations.session.speech_batches import SpeechBatches

SECOND = 24_000


def make_pcm(seed: int, samples: int = SECOND) -> bytes:
    """Return sound that opens the gate, with pauses in it."""
    random = np.random.default_rng(seed)
    loudness = 4_000 * (np.sin(np.arange(samples) / (1_000 + 500 * seed)) > 0)
    return (random.normal(0, 1, samples) * loudness).clip(-32_000, 32_000).astype(np.int16).tobytes()


class Session:
    """Detects speech in its sound by way of `batches`."""

    def __init__(self, batches: SpeechBatches) -> None:
        self._batches = batches
        self._detector = SpeechDetector()
        self.found: list[float] = []
        self.errors: list[Exception] = []
        self._is_done = asyncio.Event()

    def begin(self, pcm: bytes) -> None:
        detection = self._detector.detect(pcm)
        try:
            look = next(detection)
        except StopIteration as ended:
            self._take(ended.value)
        else:
            self._is_done.clear()
            self._batches.add(detection, look, self._take, self._fail)

    async def detect(self, pcm: bytes) -> None:
        self._is_done.set()
        self.begin(pcm)
        await self._is_done.wait()

    def _take(self, found: list[float]) -> None:
        self.found += found
        self._is_done.set()

    def _fail(self, error: Exception) -> None:
        self.errors.append(error)
        self._is_done.set()


async def detect_in_pieces(session: Session, pcm: bytes, size: int) -> None:
    for start in range(0, len(pcm), size):
        await session.detect(pcm[start : start + size])


async def test_it_works() -> None:
    """Many streams, in pieces of different lengths, some of them long."""
    batches, sizes = SpeechBatches(), [960, 1_920, 4_800, 48_000] * 10
    together = [Session(batches) for _ in sizes]
    async with asyncio.timeout(30):
        await asyncio.gather(*(detect_in_pieces(one, make_pcm(seed), sizes[seed]) for seed, one in enumerate(together)))
        for seed, one in enumerate(together):
            alone = Session(SpeechBatches())
            await alone.detect(make_pcm(seed))
            assert len(alone.found) == SECOND // STEP
            assert one.found == pytest.approx(alone.found, abs=1e-4)


async def test_a_window_alone_is_judged_in_the_next_step() -> None:
    """No timer is waited for, so an onset is found as soon as its window is there."""
    session = Session(SpeechBatches())
    for _ in range(3):
        session.begin(make_pcm(1, STEP))
        assert not session.found
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert session.found
        session.found.clear()


async def test_where_many_come_they_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    judge = SpeechModel.judge

    def count_and_judge(model: SpeechModel, looks: list[Look]) -> list[Verdict]:
        counts.append(len(looks))
        return judge(model, looks)

    monkeypatch.setattr(SpeechModel, "judge", count_and_judge)
    batches = SpeechBatches()
    sessions = [Session(batches) for _ in range(40)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(one.detect(make_pcm(1, STEP)) for one in sessions))
        assert counts == [speech_batches.MAX_WINDOWS, 40 - speech_batches.MAX_WINDOWS]
        counts.clear()
        later = asyncio.create_task(sessions[0].detect(make_pcm(1, STEP)))
        await asyncio.sleep(0)
        await sessions[1].detect(make_pcm(1, STEP))  # comes some steps of the loop later
        await later
    assert counts == [2]


async def test_a_long_piece_lets_others_have_their_turn() -> None:
    session, turns = Session(SpeechBatches()), 0
    detecting = asyncio.create_task(session.detect(make_pcm(1)))
    async with asyncio.timeout(10):
        while not detecting.done():
            turns += 1
            await asyncio.sleep(0)
    assert turns > SECOND // STEP // speech_batches.MAX_ROUNDS


async def test_a_defect_of_the_model_ends_all_that_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> list[Verdict]:
        raise RuntimeError("a defect")

    batches = SpeechBatches()
    sessions = [Session(batches) for _ in range(3)]
    async with asyncio.timeout(10):
        with monkeypatch.context() as patch:
            patch.setattr(SpeechModel, "judge", fail)
            await asyncio.gather(*(one.detect(make_pcm(1, STEP)) for one in sessions))
        assert [len(one.errors) for one in sessions] == [1, 1, 1]
        await (other := Session(batches)).detect(make_pcm(1, STEP))
    assert other.found


async def test_a_defect_of_one_detection_ends_no_other() -> None:
    def break_off() -> Generator[Look, Verdict, list[float]]:
        yield Look(np.zeros(LEAD, np.int16), np.zeros(STEP, np.int16), SILENT_STATE)
        raise RuntimeError("a defect")

    batches, errors = SpeechBatches(), list[Exception]()
    broken, session = break_off(), Session(batches)
    batches.add(broken, next(broken), lambda found: None, errors.append)
    async with asyncio.timeout(10):
        await session.detect(make_pcm(1, STEP))
    assert len(errors) == 1
    assert session.found


async def test_a_defect_of_who_takes_a_result_ends_no_other() -> None:
    def take(found: list[float]) -> None:
        raise RuntimeError("a defect")

    batches, errors = SpeechBatches(), list[Exception]()
    detection, session = SpeechDetector().detect(make_pcm(1, STEP)), Session(batches)
    batches.add(detection, next(detection), take, errors.append)
    async with asyncio.timeout(10):
        await session.detect(make_pcm(1, STEP))
    assert len(errors) == 1
    assert session.found


def test_an_event_loop_that_ended_holds_up_none_that_follows() -> None:
    """Tests and commands run one loop after the other in a process."""
    batches = SpeechBatches()
    load_model()

    async def begin() -> None:
        Session(batches).begin(make_pcm(1, STEP))

    async def detect() -> list[float]:
        async with asyncio.timeout(10):
            await (session := Session(batches)).detect(make_pcm(1, STEP))
        return session.found

    loop = asyncio.new_event_loop()
    loop.call_soon(lambda: loop.stop())
    task = loop.create_task(begin())
    loop.run_until_complete(task)
    loop.close()
    assert asyncio.run(detect())
