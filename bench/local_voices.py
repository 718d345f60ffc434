"""`python -m bench.local_voices`: whether the voices of this machine are understood, and what they cost.

Fifty sentences with numbers, names, abbreviations and money (spoken_sentences.tsv: as written, and as people say them)
are spoken and heard again by whisper-base, which has to be in LOCAL_MODELS_DIR; so have kokoro and
piper-en_US-joe-medium, or they are left out. Arguments are the models to measure. It exits with 1 when a bar is missed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median
from time import monotonic

from bench.figures import format_table
from bench.local_speech import BASE, FOLDER, Figure, make_spec, wait_for_processes
from bench.process_cost import read_cpu_sec, read_peak_mb
from bench.spoken_forms import count_errors
from conversations.engines.base import EngineSpec, Hints
from conversations.engines.local.voices.catalogue import list_local_voices
from conversations.engines.local.voices.tts import get_voice_pool
from conversations.engines.local.workers.pools import close_pools
from conversations.engines.registry import make_stt, make_tts
from conversations.pcm import measure_seconds

SENTENCES = Path(__file__).with_name("spoken_sentences.tsv")
MOST_ERROR, MOST_CPU_SEC, MOST_MB = 0.05, 0.15, 700
HEAVY = ("kokoro",)  # it is chosen by itself only where it is fast enough, so its CPU has no bar here
LONG = "This is a sentence that takes a while to say, and there are many of them. " * 50


def read_sentences() -> list[tuple[str, str]]:
    """Return (as written, as people say it)."""
    lines = SENTENCES.read_text().splitlines()
    return [(written, spoken) for written, spoken in (line.split("\t") for line in lines)]


async def measure_voice(model: str) -> AsyncIterator[Figure]:
    """Yield the figures of the default voice of a model."""
    spec = EngineSpec("local", model, folder=FOLDER, timeout_sec=60.0)
    pool, sentences = get_voice_pool(spec), read_sentences()
    started = monotonic()
    await speak(spec, "Hello.")
    yield Figure(f"{model}: from nothing to its first word, seconds", monotonic() - started)
    [process] = await wait_for_processes(pool, 1)
    before, spoken, waits = read_cpu_sec(process), [], []
    for written, _ in sentences:
        pcm, first_sec = await speak(spec, written)
        spoken.append(pcm)
        waits.append(first_sec)
    cpu_sec = (read_cpu_sec(process) - before) / sum(map(measure_seconds, spoken))
    yield Figure(f"{model}: CPU seconds a second of speech", cpu_sec, None if model in HEAVY else MOST_CPU_SEC)
    yield Figure(f"{model}: first audio of a clause, median, seconds", median(waits))
    yield Figure(f"{model}: the latest, seconds", max(waits))
    yield Figure(f"{model}: memory at its peak, MB", read_peak_mb(process), MOST_MB)
    yield Figure(f"{model}: cancelled after ms, the latest of 10", await measure_cancelling(spec), 100)
    yield Figure(f"{model}: processes that had to be killed for that", pool.list_process_ids() != [process], 0)
    yield await measure_word_error(model, [spoken for _, spoken in sentences], spoken)


async def speak(spec: EngineSpec, text: str) -> tuple[bytes, float]:
    """Return the PCM, and how long its beginning took, in seconds."""
    started, first_sec, pieces = monotonic(), 0.0, []
    async for piece in make_tts(spec).speak(text, language="en-US"):
        first_sec = first_sec or monotonic() - started
        pieces.append(piece)
    return b"".join(pieces), first_sec


async def measure_cancelling(spec: EngineSpec) -> float:
    """Return how long closing takes at most, in ms, at different times of the run."""
    latest = 0.0
    for times in range(10):
        task = asyncio.create_task(speak(spec, LONG))
        await asyncio.sleep(0.05 * times)
        started = monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        latest = max(latest, 1000 * (monotonic() - started))
    await speak(spec, "Hello.")
    return latest


async def measure_word_error(model: str, meant: Sequence[str], spoken: Sequence[bytes]) -> Figure:
    stt, wrong, of = make_stt(make_spec(BASE)), 0, 0
    for text, pcm in zip(meant, spoken, strict=True):
        heard = (await stt.transcribe(pcm, Hints(language="en-US"))).text
        errors, words = count_errors(text, heard)
        wrong, of = wrong + errors, of + words
        if "--verbose" in sys.argv and errors:
            sys.stdout.write(f"{model}: {errors}\n  meant {text}\n  heard {heard}\n")
    return Figure(f"{model}: word error, read back by {BASE}", wrong / of, MOST_ERROR)


async def measure_all(models: Sequence[str]) -> list[Figure]:
    here = dict.fromkeys(voice.model for voice in list_local_voices(Path(FOLDER)))
    figures = []
    for model in models or here:
        figures += [figure async for figure in measure_voice(model)]
        close_pools()
    return figures


def main() -> int:
    figures = asyncio.run(measure_all([name for name in sys.argv[1:] if not name.startswith("-")]))
    sys.stdout.write(format_table(("what", "measured", "bar", "met"), [one.build_row() for one in figures]) + "\n")
    return int(any(one.is_missed for one in figures))


if __name__ == "__main__":
    sys.exit(main())
