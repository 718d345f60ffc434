"""Conversations: one says something, waits for the answer, hears it out, and says the next thing."""

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.caller import Caller, mark_utterance, open_call
from bench.speech import Utterance

TURN_SEC = 12.0  # about
STRIDE = 5
PATIENCE_SEC = 15.0  # for an answer
STILL_ANSWERING_SEC = 0.3
NOT_YET_SEC = 0.3  # what comes this early still belongs to the answer before


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a caller, with times on the monotonic clock.

    `answered_at` is None if no answer came within PATIENCE_SEC, or one was under way at the end of the speech.
    """

    caller: str
    utterance: Utterance
    begins_at: float
    ends_at: float
    answered_at: float | None
    endpoint_at: float | None  # when the server had the sample that decided it; None: it does not say
    was_cut_off: bool  # reply audio came amid the speech

    @property
    def latency_sec(self) -> float | None:
        return None if self.answered_at is None else self.answered_at - self.ends_at


async def hold_conversations(
    callers: Sequence[Caller],
    utterances: Sequence[Utterance],
    turns: int,
    at_the_end: Callable[[], None] = lambda: None,
) -> list[Turn]:
    """Hold all conversations at once, and return their turns.

    The starts are spread over the length of a turn, so that some speak while others listen. `at_the_end` is called
    while all are still connected. Connections that are lost leave their turns unanswered.
    """
    async with AsyncExitStack() as lines:
        talks = [
            _hold_conversation(
                caller, lines, _deal_utterances(utterances, number * turns, turns), TURN_SEC * number / len(callers)
            )
            for number, caller in enumerate(callers)
        ]
        taken = [turn for talk in await asyncio.gather(*talks) for turn in talk]
        at_the_end()
    return taken


def _deal_utterances(utterances: Sequence[Utterance], first: int, count: int) -> list[Utterance]:
    """Return `count` utterances for one caller. They are no neighbours in the list, which are alike."""
    return [utterances[STRIDE * number % len(utterances)] for number in range(first, first + count)]


async def _hold_conversation(
    caller: Caller, lines: AsyncExitStack, utterances: Sequence[Utterance], wait_sec: float
) -> list[Turn]:
    chance = random.Random(caller.name)  # noqa: S311  not for secrets
    turns: list[Turn] = []
    try:
        await asyncio.sleep(wait_sec)
        await lines.enter_async_context(open_call(caller))
        for utterance in utterances:
            turns.append(await take_turn(caller, utterance))
            await asyncio.sleep(0.2 + chance.random() / 2)
    except OSError as error:
        sys.stderr.write(f"{caller.name}: {error}\n")
    return turns


async def take_turn(caller: Caller, utterance: Utterance) -> Turn:
    said = caller.say(mark_utterance(utterance, caller.connection.rate))
    seen = len(caller.chunks)

    def has_answer() -> bool:
        return any(chunk.at > said.ends_at for chunk in caller.chunks[seen:])

    await caller.wait_until(has_answer, said.ends_at - said.begins_at + PATIENCE_SEC)
    early = caller.list_chunks_between(said.begins_at + NOT_YET_SEC, said.ends_at)
    answer = next((chunk.audible_at for chunk in caller.chunks[seen:] if chunk.at > said.ends_at), None)
    if early and early[-1].at > said.ends_at - STILL_ANSWERING_SEC:
        answer = None
    await caller.wait_until_quiet()
    endpoint_at = _find_endpoint_at(caller, said.ends_at)
    return Turn(caller.name, utterance, said.begins_at, said.ends_at, answer, endpoint_at, bool(early))


def _find_endpoint_at(caller: Caller, ends_at: float) -> float | None:
    """Return when the server had the sample that decided the endpoint, by `audio_end_ms`.

    If the decision fell later than that, return when the server said so; None if it did not.
    """
    for got in caller.events:
        if got.kind == "input_audio_buffer.speech_stopped" and got.at > ends_at and got.event:
            sent_at = caller.compute_sent_at(got.event["audio_end_ms"])
            return sent_at if sent_at > ends_at + 0.1 else got.at
    return None
