"""False interruptions: coughs, doors, “mhm” and the assistant's own voice, while it speaks. The reply should go on."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.caller import Caller, mark_utterance, open_call
from bench.figures import Result, format_share
from bench.marks import EVERY_MS, MARK_BITS, Mark, Samples, write_mark
from bench.noises import make_noises
from bench.replies import STORIES
from bench.sites import Site
from bench.speech import RATE, load_backchannels, load_prompts, number_story, resample

ECHO_DB = (-40, -30, -24, -18, -12, -9, -6, -3)
LISTENS_SEC = 2.0
AFTER_SEC = 4.0  # by then it is decided
PATIENCE_SEC = 15.0
HEAD = ("server", "clips", "reply went on", "what stopped it")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the reply went on after one sound."""

    clip: str
    went_on: bool


Trial = tuple[str, Callable[[Caller], None]]  # a name, and what then happens at the microphone


def list_trials() -> list[Trial]:
    sounds = [(name, _build_noise(sound)) for name, sound in make_noises()]
    hums = [(f"mhm {number + 1}", _build_mhm(number)) for number in range(len(load_backchannels()))]
    return [*sounds, *hums, *((f"echo {level} dB", _build_echo(level)) for level in ECHO_DB)]


async def run(site: Site, sessions: int, each: int = 1) -> Result:
    """Run every `each`th trial, spread over the sessions, and count the replies that went on."""
    every = list_trials()[::each]
    callers = [site.build_caller(number, is_told_stories=True, extensions=("playback",)) for number in range(sessions)]
    talks = [_run_trials(caller, number, every[number::sessions]) for number, caller in enumerate(callers)]
    outcomes = [outcome for talk in await asyncio.gather(*talks) for outcome in talk]
    stopped = ", ".join(outcome.clip for outcome in outcomes if not outcome.went_on) or "nothing"
    went_on = sum(outcome.went_on for outcome in outcomes)
    row = [len(outcomes), format_share(went_on, len(outcomes)), stopped]
    return Result(row, {"went on": 100 * went_on / len(outcomes)})


async def _run_trials(caller: Caller, number: int, chosen: Sequence[Trial]) -> list[Outcome]:
    """Run each trial in a conversation of its own, so that a stopped reply has no effect on the next."""
    await asyncio.sleep(number * 1.1)
    return [Outcome(name, await _is_continued(caller.renew(), disturb)) for name, disturb in chosen]


async def _is_continued(caller: Caller, disturb: Callable[[Caller], None]) -> bool:
    async with open_call(caller):
        caller.say(mark_utterance(load_prompts()[1], caller.connection.rate))
        if not await caller.wait_until(lambda: caller.player.is_busy, PATIENCE_SEC):
            return False
        await asyncio.sleep(LISTENS_SEC)
        player, told, drops = caller.player, caller.player.response_id, caller.player.drops
        disturb(caller)
        await asyncio.sleep(AFTER_SEC)
        played = player.played
        await asyncio.sleep(1.0)
        return player.response_id == told and player.played > played and player.drops == drops


def _build_noise(sound: Samples) -> Callable[[Caller], None]:
    return lambda caller: caller.make_noise(resample(sound, caller.connection.rate))


def _build_mhm(number: int) -> Callable[[Caller], None]:
    def say(caller: Caller) -> None:
        caller.say(mark_utterance(load_backchannels()[number], caller.connection.rate))

    return say


def _build_echo(level_db: int) -> Callable[[Caller], None]:
    """Return what lets the microphone hear the loudspeaker from now on, as loud as speech at 0 dB."""

    def mix(caller: Caller, frame: Samples, played: Samples) -> None:
        if not played.any():
            return
        sound = resample(played, caller.connection.rate)[: len(frame)] * 10 ** (level_db / 20)
        frame[: len(sound)] = np.clip(frame[: len(sound)] + sound, -32_000, 32_000).astype(np.int16)
        _mark_echo(caller, frame)

    def start(caller: Caller) -> None:
        caller.mixed_in = mix

    return start


def _mark_echo(caller: Caller, frame: Samples) -> None:
    """Mark the frame, so that the emulated speech to text hears the words of the reply that sound now."""
    player = caller.player
    story = next((n for n, text in enumerate(STORIES) if player.text and text.startswith(player.text[:20])), None)
    if story is None:
        return
    first = player.played - caller.frame_ms * RATE // 1000
    for at in range(0, len(frame) - MARK_BITS, EVERY_MS * caller.connection.rate // 1000):
        chars = player.count_chars_at(first + at * RATE // caller.connection.rate)
        write_mark(frame, at, Mark(number_story(story), chars))
