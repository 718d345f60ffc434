"""`python -m bench.local_speech`: how well this machine's own speech to text hears, and what it costs.

It needs the Debian packages pocketsphinx-testdata and asterisk-core-sounds-en-wav, whose recordings have published
texts, and the models whisper-tiny.en and whisper-base in LOCAL_MODELS_DIR. It exits with 1 when a bar is missed.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import jiwer
import numpy as np

from bench.figures import format_table
from bench.noises import RATE, make_noises
from bench.published_texts import Recording, list_recordings, normalise
from conversations.engines.base import EngineSpec, Hints, SpeechToText
from conversations.engines.errors import EngineBusy, EngineError
from conversations.engines.local.pools import close_pools
from conversations.engines.local.stt import get_whisper_pool
from conversations.engines.local.workers import WorkerPool
from conversations.engines.registry import make_stt
from conversations.pcm import measure_seconds

FOLDER = os.environ.get("LOCAL_MODELS_DIR") or str(Path(__file__).parents[1] / "var/models")
TINY, BASE = "whisper-tiny.en", "whisper-base"
POCKETSPHINX_TAKES = 4  # every fourth recording: it is slow
TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")
ENGLISH = Hints(language="en-US")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `most` is the bar."""

    what: str
    value: float
    most: float | None = None

    @property
    def is_missed(self) -> bool:
        """Whether the bar is missed."""
        return self.most is not None and self.value > self.most

    def build_row(self) -> Sequence[object]:
        """Return the line as words."""
        bar = "" if self.most is None else f"at most {self.most:g}"
        return self.what, f"{self.value:.3f}", bar, "" if self.most is None else "no" if self.is_missed else "yes"


def make_spec(model: str) -> EngineSpec:
    return EngineSpec("local", model, folder=FOLDER, timeout_sec=120.0)


async def measure_word_error(
    name: str, stt: SpeechToText, recordings: Sequence[Recording], most: float | None
) -> Figure:
    heard = [normalise((await stt.transcribe(one.pcm, ENGLISH)).text) for one in recordings]
    spoken = [one.text for one in recordings]
    for one, words in zip(recordings, heard, strict=True):
        if "--verbose" in sys.argv and words != one.text:
            sys.stdout.write(f"{one.name}\n  said  {one.text}\n  heard {words}\n")
    return Figure(f"word error, {name}, {len(recordings)} recordings", jiwer.wer(spoken, heard), most)


async def measure_whisper(model: str, recordings: Sequence[Recording], most_error: float) -> AsyncIterator[Figure]:
    """Yield the figures of one model."""
    stt, pool = make_stt(make_spec(model)), get_whisper_pool(make_spec(model), model)
    await stt.transcribe(recordings[0].pcm, ENGLISH)
    loaded = await wait_for_processes(pool, 2)
    yield Figure(f"{model}: memory of both processes, loaded, MB", sum(read_memory_mb(one, "Rss") for one in loaded))
    before = sum(map(read_cpu_sec, loaded))
    for origin in sorted({one.origin for one in recordings}):
        some = [one for one in recordings if one.origin == origin]
        yield await measure_word_error(f"{model}, {origin}", stt, some, None)
    used = sum(map(read_cpu_sec, loaded)) - before
    seconds = sum(measure_seconds(one.pcm) for one in recordings)
    yield await measure_word_error(model, stt, recordings, most_error)
    yield Figure(f"{model}: CPU seconds a second of speech", used / seconds)
    for name, pcm in make_wordless_sounds():
        words = (await stt.transcribe(pcm, Hints(language="en"))).text.split()
        yield Figure(f"{model}: words in 60 s of {name}", len(words), 0)
    peak = sum(read_peak_mb(one) for one in pool.list_process_ids())
    yield Figure(f"{model}: memory of both processes, at its peak, MB", peak, 700)


def make_wordless_sounds() -> Sequence[tuple[str, bytes]]:
    """Return a minute each of silence, noise, hum, and what people and things do beside speaking."""
    time_sec = np.arange(60 * RATE) / RATE
    noise = np.random.default_rng(1).standard_normal(len(time_sec))
    hum = np.sum([np.sin(2 * np.pi * 50 * harmonic * time_sec) / harmonic for harmonic in range(1, 8)], axis=0)
    coughs = [samples for name, samples in make_noises() if name.startswith(("cough", "throat"))]
    others = [samples for name, samples in make_noises() if not name.startswith(("cough", "throat"))]
    return [
        ("silence", bytes(2 * len(time_sec))),
        ("faint noise", (30 * noise).astype("<i2").tobytes()),
        ("loud noise", (3_000 * noise).astype("<i2").tobytes()),
        ("hum", (3_000 * hum).astype("<i2").tobytes()),
        ("coughs", repeat_with_pauses(coughs)),
        ("doors, keys and chairs", repeat_with_pauses(others)),
    ]


def repeat_with_pauses(sounds: Sequence[np.ndarray]) -> bytes:
    pause = np.zeros(RATE, np.int16)
    once = np.concatenate([part for sound in sounds for part in (sound, pause)])
    return bytes(np.resize(once, 60 * RATE).astype("<i2").tobytes())


async def measure_callers(recordings: Sequence[Recording]) -> AsyncIterator[Figure]:
    """Yield how long two callers wait who speak at once, and what a third hears while both have long work."""
    stt, pcm = make_stt(make_spec(TINY)), b"".join(one.pcm for one in recordings[:60])
    short = recordings[0].pcm
    waits = await asyncio.gather(*(measure_seconds_of(stt.transcribe(short, ENGLISH)) for _ in range(2)))
    yield Figure("two callers at once, the later answer after seconds", max(waits), 1.5)
    both = [asyncio.create_task(stt.transcribe(pcm * 4, ENGLISH)) for _ in range(2)]
    await wait_until(lambda: len(get_whisper_pool(make_spec(TINY), TINY).list_busy_process_ids()) == 2)
    started, refusals = monotonic(), 0
    try:
        await stt.transcribe(short, ENGLISH)
    except EngineBusy:
        refusals += 1
    yield Figure(
        "a third, while two have minutes of work, is told that it is busy after seconds", monotonic() - started, 3.2
    )
    yield Figure("and was answered all the same", 1 - refusals, 0)
    started = monotonic()
    for task in both:
        task.cancel()
    await asyncio.gather(*both, return_exceptions=True)
    yield Figure("cancelling both takes ms", (monotonic() - started) * 1000, 100)
    await wait_for_processes(get_whisper_pool(make_spec(TINY), TINY), 2)


async def measure_seconds_of(call: object) -> float:
    started = monotonic()
    await call  # type: ignore[misc]
    return monotonic() - started


async def wait_for_processes(pool: WorkerPool, number: int) -> list[int]:
    await wait_until(lambda: len(pool.list_process_ids()) == number)
    return pool.list_process_ids()


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def read_cpu_sec(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SEC


def read_memory_mb(process_id: int, name: str) -> float:
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1000


def read_peak_mb(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1000


async def measure_all() -> list[Figure]:
    recordings = list_recordings()
    figures: list[Figure] = []
    try:
        figures.append(
            await measure_word_error(
                "pocketsphinx", make_stt(EngineSpec("demo", timeout_sec=60)), recordings[::POCKETSPHINX_TAKES], None
            )
        )
    except EngineError as error:
        sys.stdout.write(f"{error}\n")
    for model, most in ((TINY, 0.12), (BASE, 0.10)):
        figures += [figure async for figure in measure_whisper(model, recordings, most)]
        close_pools()
    figures += [figure async for figure in measure_callers(recordings)]
    return figures


def main() -> int:
    figures = asyncio.run(measure_all())
    sys.stdout.write(format_table(("what", "measured", "bar", "met"), [one.build_row() for one in figures]) + "\n")
    return int(any(one.is_missed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
