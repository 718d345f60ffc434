"""Speaking over a long reply: when the wire falls silent, when the page does, and when the providers are let go."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.caller import Caller, mark_utterance, open_call
from bench.figures import Result, compute_percentile, format_ms, format_percentiles
from bench.sites import Site
from bench.speech import Utterance, load_prompts

# Into the reply: while the providers still stream; and when what was sent ahead no longer hides when the server stops.
EARLY_SEC, LATE_SEC = 0.4, 9.0
PATIENCE_SEC = 15.0
NEXT_REPLY_SEC = 0.6  # sooner than this after the onset no reply to the interruption can come
HEAD = ("server", "into the reply", "interruptions", "last reply audio on the wire after onset p50 ms", "p95", "p99",
        "page silent p50 ms", "p95", "upstream closed after confirmation p95 ms", "streams closed")  # fmt: skip


@dataclass(frozen=True, slots=True)
class BargeIn:
    """One interruption. Times in seconds count from the onset of the caller's speech.

    `onset_at` and `confirmed_at` are on the monotonic clock; the latter is None where the server does not say.
    """

    caller: str
    wire_sec: float
    page_sec: float | None
    onset_at: float
    confirmed_at: float | None


async def run(site: Site, sessions: int, times: int, listens_sec: float) -> Result:
    site.upstream.forget()
    callers = [site.build_caller(number, is_told_stories=True, extensions=("playback",)) for number in range(sessions)]
    talks = await asyncio.gather(
        *(_interrupt_replies(caller, number, times, listens_sec) for number, caller in enumerate(callers))
    )
    found = [one for talk in talks for one in talk]
    return _build_result(site, found, listens_sec)


async def _interrupt_replies(caller: Caller, number: int, times: int, listens_sec: float) -> list[BargeIn]:
    await asyncio.sleep(number * 1.3)
    utterances = load_prompts()
    async with open_call(caller):
        found = []
        for turn in range(times):
            said = caller.say(mark_utterance(utterances[(number + turn) % 10], caller.connection.rate))
            if await _is_told(caller, said.ends_at, listens_sec):
                found.append(await _interrupt(caller, utterances[(number + turn + 5) % 10]))
                await caller.wait_until(lambda: False, 2.5)
        return found


async def _is_told(caller: Caller, after: float, listens_sec: float) -> bool:
    """Return whether a reply came within PATIENCE_SEC, and then let it be heard for `listens_sec` seconds."""

    def has_begun() -> bool:
        return bool(caller.chunks) and caller.chunks[-1].at > after

    if not await caller.wait_until(has_begun, after - time.monotonic() + PATIENCE_SEC):
        return False
    await asyncio.sleep(listens_sec)
    return True


async def _interrupt(caller: Caller, utterance: Utterance) -> BargeIn:
    told = caller.chunks[-1].response_id
    said = caller.say(mark_utterance(utterance, caller.connection.rate))
    await asyncio.sleep(said.ends_at - said.begins_at + 0.2)
    late = [chunk.at for chunk in caller.chunks if chunk.response_id == told and chunk.at > said.begins_at]
    if not told:  # no ids on this wire: what comes right after the onset is the old reply
        late = [at for at in late if at < said.begins_at + NEXT_REPLY_SEC]
    paused_at = caller.find_event_at("input_audio_buffer.speech_started", said.begins_at)
    paused_at = paused_at or caller.find_event_at("interruption", said.begins_at)
    confirmed_at = caller.find_event_at("output_audio_buffer.cleared", said.begins_at)
    confirmed_at = confirmed_at or caller.find_event_at("response.done", said.begins_at)
    wire_sec = max(late, default=said.begins_at) - said.begins_at
    page_sec = paused_at - said.begins_at if paused_at else None
    return BargeIn(caller.name, wire_sec, page_sec, said.begins_at, confirmed_at)


def _build_result(site: Site, found: Sequence[BargeIn], listens_sec: float) -> Result:
    pages = [one.page_sec for one in found if one.page_sec is not None]
    closings = [closing for one in found for closing in _measure_closings(site, one)]
    wire = [one.wire_sec for one in found]
    row = [
        f"{listens_sec} s",
        len(found),
        *format_percentiles(wire),
        format_ms(compute_percentile(pages, 50)),
        format_ms(compute_percentile(pages, 95)),
        format_ms(compute_percentile(closings, 95)),
        len(closings),
    ]
    closed = {"closed p95": compute_percentile(closings, 95) * 1000} if closings else {}
    return Result(row, {f"wire p95 {listens_sec}": compute_percentile(wire, 95) * 1000} | closed)


def _measure_closings(site: Site, one: BargeIn) -> list[float]:
    """Return how many seconds after the confirmation each stream that the interruption ended was closed upstream."""
    if one.confirmed_at is None:
        return []
    return [
        max(0.0, seen["ended_at"] - one.confirmed_at)
        for endpoint in ("chat", "speech")
        for seen in site.upstream.list_requests(endpoint)
        if seen["key"] == f"sk-{one.caller}"
        and seen["received_at"] < one.onset_at
        and seen["ending"] == "closed_by_peer"
        and one.onset_at < seen["ended_at"] < one.confirmed_at + 5
    ]
