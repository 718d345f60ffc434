"""False interruptions: coughs, doors, “mhm” and the assistant's own voice, while it speaks. The reply should go on."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.caller import Caller, calling, marked
from bench.figures import Result, share
from bench.marks import EVERY_MS, MARK_BITS, Mark, Samples, write
from bench.noises import noises
from bench.replies import STORIES
from bench.sites import Site
from bench.speech import FRAME_MS, RATE, at_rate, backchannels, prompts, story_number

ECHO_DB = (-40, -30, -24, -18, -12, -9, -6, -3)
LISTENS_SEC = 2.0
AFTER_SEC = 4.0  # by then it is decided
PATIENCE_SEC = 15.0
HEAD = ("server", "clips", "reply went on", "what stopped it")


@dataclass(frozen=True, slots=True)
class Outcome:
    clip: str
    went_on: bool


Trial = tuple[str, Callable[[Caller], None]]  # a name, and what then happens at the microphone


def trials() -> list[Trial]:
    sounds = [(name, _makes(sound)) for name, sound in noises()]
    hums = [(f"mhm {number + 1}", _says_mhm(number)) for number in range(len(backchannels()))]
    return [*sounds, *hums, *((f"echo {level} dB", _echoes(level)) for level in ECHO_DB)]


async def run(site: Site, sessions: int, each: int = 1) -> Result:
    """Every `each`th trial."""
    every = trials()[::each]
    callers = [site.caller(number, is_told_stories=True, extensions=("playback",)) for number in range(sessions)]
    talks = [_disturbed(caller, number, every[number::sessions]) for number, caller in enumerate(callers)]
    outcomes = [outcome for talk in await asyncio.gather(*talks) for outcome in talk]
    stopped = ", ".join(outcome.clip for outcome in outcomes if not outcome.went_on) or "nothing"
    went_on = sum(outcome.went_on for outcome in outcomes)
    row = [len(outcomes), share(went_on, len(outcomes)), stopped]
    return Result(row, {"went on": 100 * went_on / len(outcomes)})


async def _disturbed(caller: Caller, number: int, chosen: Sequence[Trial]) -> list[Outcome]:
    """Each trial in a conversation of its own: what a stopped reply leaves behind must not count for the next."""
    await asyncio.sleep(number * 1.1)
    return [Outcome(name, await _goes_on(caller.again(), disturb)) for name, disturb in chosen]


async def _goes_on(caller: Caller, disturb: Callable[[Caller], None]) -> bool:
    async with calling(caller):
        caller.say(marked(prompts()[1], caller.connection.rate))
        if not await caller.until(lambda: caller.player.is_busy, PATIENCE_SEC):
            return False
        await asyncio.sleep(LISTENS_SEC)
        player, told, drops = caller.player, caller.player.response_id, caller.player.drops
        disturb(caller)
        await asyncio.sleep(AFTER_SEC)
        played = player.played
        await asyncio.sleep(1.0)
        return player.response_id == told and player.played > played and player.drops == drops


def _makes(sound: Samples) -> Callable[[Caller], None]:
    return lambda caller: caller.make(at_rate(sound, caller.connection.rate))


def _says_mhm(number: int) -> Callable[[Caller], None]:
    def say(caller: Caller) -> None:
        caller.say(marked(backchannels()[number], caller.connection.rate))

    return say


def _echoes(level_db: int) -> Callable[[Caller], None]:
    """From now on the loudspeaker is heard by the microphone, as loud as speech at 0 dB."""

    def mix(caller: Caller, frame: Samples, played: Samples) -> None:
        if not played.any():
            return
        sound = at_rate(played, caller.connection.rate)[: len(frame)] * 10 ** (level_db / 20)
        frame[: len(sound)] = np.clip(frame[: len(sound)] + sound, -32_000, 32_000).astype(np.int16)
        _mark_echo(caller, frame)

    def start(caller: Caller) -> None:
        caller.mixed_in = mix

    return start


def _mark_echo(caller: Caller, frame: Samples) -> None:
    """The emulated speech to text hears the words of the reply that sound now."""
    player = caller.player
    story = next((n for n, text in enumerate(STORIES) if player.text and text.startswith(player.text[:20])), None)
    if story is None:
        return
    first = player.played - FRAME_MS * RATE // 1000
    for at in range(0, len(frame) - MARK_BITS, EVERY_MS * caller.connection.rate // 1000):
        chars = player.chars_at(first + at * RATE // caller.connection.rate)
        write(frame, at, Mark(story_number(story), chars))
