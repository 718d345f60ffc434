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
from bench.process_cost import Memory, read_cpu_sec, read_memory_mb
from bench.published_texts import Recording, list_recordings, normalise
from conversations.engines.base import EngineSpec, Hints, SpeechToText
from conversations.engines.demo import pocketsphinx_process
from conversations.engines.errors import EngineBusy, EngineError
from conversations.engines.local.whisper.stt import get_whisper_pool
from conversations.engines.local.workers.pool import WorkerPool
from conversations.engines.local.workers.pools import close_pools
from conversations.engines.registry import make_stt, make_stt_stream
from conversations.pcm import measure_seconds

FOLDER = os.environ.get("LOCAL_MODELS_DIR") or str(Path(__file__).parents[1] / "var/models")
TINY, BASE = "whisper-tiny.en", "whisper-base"
POCKETSPHINX_TAKES = 4  # every fourth recording: it is slow
GIVEN_BACK_SEC = 3.0  # after which a process without work has given memory back
STREAMED = 16  # recordings, in real time
FRAME_BYTES = 1_920  # 40 ms
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
    return EngineSpec("local", model, stream_model=model, folder=FOLDER, timeout_sec=120.0)


async def hear_all(stt: SpeechToText, recordings: Sequence[Recording]) -> dict[Recording, str]:
    """Return what is heard in each, and print what is heard otherwise if that is asked for."""
    heard = {one: normalise((await stt.transcribe(one.pcm, ENGLISH)).text) for one in recordings}
    for one, words in heard.items():
        if "--verbose" in sys.argv and words != one.text:
            sys.stdout.write(f"{one.name}\n  said  {one.text}\n  heard {words}\n")
    return heard


def compute_word_errors(name: str, heard: dict[Recording, str], most: float | None = None) -> list[Figure]:
    """Return the share of wrong words, of each origin and in all."""
    origins = sorted({one.origin for one in heard})
    parts = [(f", {origin}", [one for one in heard if one.origin == origin], None) for origin in origins]
    return [
        Figure(f"{name}: word error in {len(some)} recordings{what}",
               jiwer.wer([one.text for one in some], [heard[one] for one in some]), bar)
        for what, some, bar in (*parts, ("", list(heard), most))
    ]  # fmt: skip


async def measure_whisper(model: str, recordings: Sequence[Recording], most_error: float) -> AsyncIterator[Figure]:
    """Yield the figures of one model."""
    stt, pool = make_stt(make_spec(model)), get_whisper_pool(make_spec(model), model)
    memory = Memory()
    pool.warm()
    loaded = await wait_for_processes(pool, 2)
    await asyncio.sleep(GIVEN_BACK_SEC)
    yield Figure(f"{model}: memory of both processes, loaded, MB", sum(map(read_memory_mb, loaded)))
    before = sum(map(read_cpu_sec, loaded))
    heard = await hear_all(stt, recordings)
    used = sum(map(read_cpu_sec, loaded)) - before
    for figure in compute_word_errors(model, heard, most_error):
        yield figure
    yield Figure(f"{model}: CPU seconds a second of speech", used / sum(measure_seconds(one.pcm) for one in recordings))
    for name, pcm in make_wordless_sounds():
        words = (await stt.transcribe(pcm, Hints(language="en"))).text.split()
        yield Figure(f"{model}: words in 60 s of {name}", len(words), 0)
    yield Figure(f"{model}: memory of both processes, at its peak, MB", memory.peak_mb, 700)
    await asyncio.sleep(GIVEN_BACK_SEC)
    left = sum(map(read_memory_mb, pool.list_process_ids()))
    yield Figure(f"{model}: memory of both processes, a moment later, MB", left)


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


async def measure_streaming(recordings: Sequence[Recording]) -> list[Figure]:
    """Return what words cost that grow while one speaks, in real time, and how right the final ones are."""
    engine = make_stt_stream(make_spec(TINY))
    assert engine
    waits: list[float] = []
    partials: list[str] = []
    stream = engine.listen(partials.append)
    processes = await wait_for_processes(get_whisper_pool(make_spec(TINY), TINY), 2)
    before, heard, counts = sum(map(read_cpu_sec, processes)), {}, []
    for one in recordings:
        partials.clear()
        stream.begin(ENGLISH)
        started = monotonic()
        for at in range(0, len(one.pcm), FRAME_BYTES):
            stream.send(one.pcm[at : at + FRAME_BYTES])
            await asyncio.sleep(started + measure_seconds(one.pcm[: at + FRAME_BYTES]) - monotonic())
        ended = monotonic()
        heard[one] = normalise((await stream.commit()).text)
        waits.append(monotonic() - ended)
        counts.append(len(normalise(partials[-1]).split()) / len(one.text.split()) if partials else 0.0)
    await stream.close()
    used = sum(map(read_cpu_sec, processes)) - before
    return [
        *compute_word_errors("streamed", heard, 0.12)[-1:],
        Figure("streamed: words shown before the end, share of all", float(np.mean(counts))),
        Figure("streamed: CPU seconds a second of speech", used / sum(measure_seconds(one.pcm) for one in recordings)),
        Figure("streamed: end of speech to its words, p50 seconds", float(np.median(waits))),
        Figure("streamed: end of speech to its words, p95 seconds", float(np.percentile(waits, 95))),
    ]


async def measure_seconds_of(call: object) -> float:
    started = monotonic()
    await call  # type: ignore[misc]
    return monotonic() - started


async def wait_for_processes(pool: WorkerPool, number: int) -> list[int]:
    await wait_until(lambda: len(pool.list_process_ids()) == number)
    return pool.list_process_ids()


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def measure_all() -> list[Figure]:
    recordings = list_recordings()
    figures: list[Figure] = []
    try:
        heard = await hear_all(make_stt(EngineSpec("demo", timeout_sec=300)), recordings[::POCKETSPHINX_TAKES])
        figures += compute_word_errors("pocketsphinx", heard)
        pocketsphinx_process.discard_pool(pocketsphinx_process.get_worker_pool())  # its memory is not Whisper's
    except EngineError as error:
        sys.stdout.write(f"{error}\n")
    for model, most in ((TINY, 0.12), (BASE, 0.10)):
        figures += [figure async for figure in measure_whisper(model, recordings, most)]
        close_pools()
    figures += await measure_streaming(recordings[:STREAMED])
    figures += [figure async for figure in measure_callers(recordings)]
    return figures


def main() -> int:
    figures = asyncio.run(measure_all())
    sys.stdout.write(format_table(("what", "measured", "bar", "met"), [one.build_row() for one in figures]) + "\n")
    return int(any(one.is_missed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
