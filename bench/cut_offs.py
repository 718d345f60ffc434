"""Cut-offs: utterances with pauses inside, answered before their end."""

import asyncio
from collections.abc import Sequence

from bench.figures import Result, format_percentiles, format_share
from bench.sites import Site
from bench.speech import load_scripts
from bench.turns import Turn, hold_conversations

HEAD = ("server", "utterances", "answered before their end", "voice-to-voice p50 ms", "p95", "p99", "cut off at")


async def run(site: Site, sessions: int, each: int = 1) -> Result:
    """Let callers speak every `each`th script, and count those that were answered before their end."""
    dealt = [load_scripts()[::each][number::sessions] for number in range(sessions)]
    callers = [site.build_caller(number) for number in range(sessions)]
    talks = await asyncio.gather(
        *(hold_conversations([caller], part, len(part)) for caller, part in zip(callers, dealt, strict=True))
    )
    turns = [turn for talk in talks for turn in talk]
    early = [turn for turn in turns if turn.was_cut_off]
    latencies = [turn.latency_sec for turn in turns if turn.latency_sec is not None and not turn.was_cut_off]
    row = [len(turns), format_share(len(early), len(turns)), *format_percentiles(latencies), _locate_cut_off(early)]
    return Result(row, {"cut off": 100 * len(early) / len(turns)})


def _locate_cut_off(early: Sequence[Turn]) -> str:
    return "; ".join(turn.utterance.text[:24] for turn in early[:6]) or "–"
