"""Speaking over a long reply: when the wire falls silent, when the page does, and when the providers are let go."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.caller import Caller, calling, marked
from bench.figures import Result, ms, percentile, spread
from bench.sites import Site
from bench.speech import Utterance, prompts

# Into the reply: while the providers still stream; and when what was sent ahead no longer hides when the server stops.
EARLY_SEC, LATE_SEC = 0.4, 9.0
PATIENCE_SEC = 15.0
NEXT_REPLY_SEC = 0.6  # sooner than this after the onset no reply to the interruption can come
HEAD = ("server", "into the reply", "interruptions", "last reply audio on the wire after onset p50 ms", "p95", "p99",
        "page silent p50 ms", "p95", "upstream closed after confirmation p95 ms", "streams closed")  # fmt: skip


@dataclass(frozen=True, slots=True)
class BargeIn:
    """All after the onset; `confirmed_at` on the clock, None where the server does not say."""

    caller: str
    wire_sec: float
    page_sec: float | None
    onset_at: float
    confirmed_at: float | None


async def run(site: Site, sessions: int, times: int, listens_sec: float) -> Result:
    site.upstream.forget()
    callers = [site.caller(number, is_told_stories=True, extensions=("playback",)) for number in range(sessions)]
    talks = await asyncio.gather(
        *(_interrupts(caller, number, times, listens_sec) for number, caller in enumerate(callers))
    )
    found = [one for talk in talks for one in talk]
    return _result(site, found, listens_sec)


async def _interrupts(caller: Caller, number: int, times: int, listens_sec: float) -> list[BargeIn]:
    await asyncio.sleep(number * 1.3)
    utterances = prompts()
    async with calling(caller):
        found = []
        for turn in range(times):
            said = caller.say(marked(utterances[(number + turn) % 10], caller.connection.rate))
            if await _is_told(caller, said.ends_at, listens_sec):
                found.append(await _interrupt(caller, utterances[(number + turn + 5) % 10]))
                await caller.until(lambda: False, 2.5)
        return found


async def _is_told(caller: Caller, after: float, listens_sec: float) -> bool:
    """Whether a reply came, which has now been heard for a while."""

    def has_begun() -> bool:
        return bool(caller.chunks) and caller.chunks[-1].at > after

    if not await caller.until(has_begun, after - time.monotonic() + PATIENCE_SEC):
        return False
    await asyncio.sleep(listens_sec)
    return True


async def _interrupt(caller: Caller, utterance: Utterance) -> BargeIn:
    told = caller.chunks[-1].response_id
    said = caller.say(marked(utterance, caller.connection.rate))
    await asyncio.sleep(said.ends_at - said.begins_at + 0.2)
    late = [chunk.at for chunk in caller.chunks if chunk.response_id == told and chunk.at > said.begins_at]
    if not told:  # no ids on this wire: what comes right after the onset is the old reply
        late = [at for at in late if at < said.begins_at + NEXT_REPLY_SEC]
    paused_at = caller.when("input_audio_buffer.speech_started", said.begins_at)
    paused_at = paused_at or caller.when("interruption", said.begins_at)
    confirmed_at = caller.when("output_audio_buffer.cleared", said.begins_at)
    confirmed_at = confirmed_at or caller.when("response.done", said.begins_at)
    wire_sec = max(late, default=said.begins_at) - said.begins_at
    page_sec = paused_at - said.begins_at if paused_at else None
    return BargeIn(caller.name, wire_sec, page_sec, said.begins_at, confirmed_at)


def _result(site: Site, found: Sequence[BargeIn], listens_sec: float) -> Result:
    pages = [one.page_sec for one in found if one.page_sec is not None]
    closings = [closing for one in found for closing in _closings(site, one)]
    wire = [one.wire_sec for one in found]
    row = [
        f"{listens_sec} s",
        len(found),
        *spread(wire),
        ms(percentile(pages, 50)),
        ms(percentile(pages, 95)),
        ms(percentile(closings, 95)),
        len(closings),
    ]
    closed = {"closed p95": percentile(closings, 95) * 1000} if closings else {}
    return Result(row, {f"wire p95 {listens_sec}": percentile(wire, 95) * 1000} | closed)


def _closings(site: Site, one: BargeIn) -> list[float]:
    """How long after the confirmation the streams that it ended were closed."""
    if one.confirmed_at is None:
        return []
    return [
        max(0.0, seen["ended_at"] - one.confirmed_at)
        for endpoint in ("chat", "speech")
        for seen in site.upstream.requests(endpoint)
        if seen["key"] == f"sk-{one.caller}"
        and seen["received_at"] < one.onset_at
        and seen["ending"] == "closed_by_peer"
        and one.onset_at < seen["ended_at"] < one.confirmed_at + 5
    ]
