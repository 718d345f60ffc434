"""Cut-offs: utterances with pauses inside, answered before their end."""

import asyncio
from collections.abc import Sequence

from bench.figures import Result, share, spread
from bench.sites import Site
from bench.speech import scripted
from bench.turns import Turn, converse

HEAD = ("server", "utterances", "answered before their end", "voice-to-voice p50 ms", "p95", "p99", "cut off at")


async def run(site: Site, sessions: int, each: int = 1) -> Result:
    """Every `each`th script."""
    dealt = [scripted()[::each][number::sessions] for number in range(sessions)]
    callers = [site.caller(number) for number in range(sessions)]
    talks = await asyncio.gather(
        *(converse([caller], part, len(part)) for caller, part in zip(callers, dealt, strict=True))
    )
    turns = [turn for talk in talks for turn in talk]
    early = [turn for turn in turns if turn.was_cut_off]
    latencies = [turn.latency_sec for turn in turns if turn.latency_sec is not None and not turn.was_cut_off]
    row = [len(turns), share(len(early), len(turns)), *spread(latencies), _where(early)]
    return Result(row, {"cut off": 100 * len(early) / len(turns)})


def _where(early: Sequence[Turn]) -> str:
    return "; ".join(turn.utterance.text[:24] for turn in early[:6]) or "–"
