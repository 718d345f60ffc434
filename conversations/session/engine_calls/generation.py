"""One response as it is generated: the stream of the language model, and the speech of its clauses.

The next clauses are synthesised while one is sent, so that there is no gap between them, and they are sent in order.
Speech that has no room yet is not read from its provider, and a clause that is not needed soon is not asked for, so
that a barge-in wastes little.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from time import monotonic

from conversations.engines.base import EngineSpec, LanguageModel, TextToSpeech
from conversations.engines.deadline import set_deadline
from conversations.engines.errors import EngineError
from conversations.engines.voices import choose_voice
from conversations.pcm import BYTES_PER_MS, measure_seconds
from conversations.realtime.commands import Generate, SpeakClause
from conversations.realtime.engine_events import GenerationFailed, SpeechAudio, SpeechDone
from conversations.realtime.protocol.errors import Failure
from conversations.session.engine_calls.clause_speech import FRAME_BYTES, ClauseSpeech
from conversations.session.engine_calls.text_completion import Report, complete_text

# Smaller frames would cost more than their sound is worth; larger ones would delay the first sound.
LEAST_FRAME_BYTES = 40 * BYTES_PER_MS
EASY_SEC = 1.0  # a client that has so much left to play can wait for a whole frame
# So far speech may run ahead of a client that plays in real time; a barge-in wastes no more than this.
LEAD_SEC = 8.0
# Clauses that are not due yet fill at most half of it, and leave the rest to the clause that is due.
WAITING_SEC = LEAD_SEC / 2
MAX_STREAMS = 3  # how many clauses are synthesised at a time
LEAST_WAIT_SEC = 0.01


class Generation:
    """Generate one response: run the language model, and synthesise and send its clauses.

    Cancelling the task of `run` stops it and closes every upstream stream. A preemptive generation begins held.
    """

    def __init__(
        self,
        asked: Generate,
        llm: LanguageModel,
        tts: TextToSpeech,
        spec: EngineSpec,
        language: str,
        report: Report,
        *,
        plays_live: bool = True,
    ) -> None:
        self.asked = asked
        self.llm = llm
        self.tts = tts
        self.tts_spec = spec
        self.language = language
        self.report = report
        self.has_sounded = False
        self._rounds: asyncio.Queue[Generate | None] = asyncio.Queue()
        self._rounds.put_nowait(asked)
        self._asked: asyncio.Queue[SpeakClause | None] = asyncio.Queue()
        self._speeches: asyncio.Queue[ClauseSpeech | None] = asyncio.Queue()
        self._open: list[ClauseSpeech] = []  # the first of them is due
        self._streams = asyncio.Semaphore(MAX_STREAMS)
        self._playback_lead = PlaybackLead(is_held=asked.is_preemptive, plays_live=plays_live)
        self._changed = asyncio.Event()  # set for a moment when there may be room for reasons other than time

    def add_round(self, asked: Generate) -> None:
        """Ask the model once more, with what its tools returned."""
        self._rounds.put_nowait(asked)

    def speak(self, clause: SpeakClause) -> None:
        """Synthesise a clause, after those before it."""
        self._asked.put_nowait(clause)

    def drop_clauses(self, index: int) -> None:
        """Drop the clauses from `index` on, of which no sound was sent."""
        waiting = [self._asked.get_nowait() for _ in range(self._asked.qsize())]
        for clause in waiting:
            if clause is None or clause.index < index:
                self._asked.put_nowait(clause)
        for speech in self._open:
            if speech.asked.index >= index:
                speech.drop()
        self._signal_change()

    def end_speech(self) -> None:
        """Note that no further clause and no further round will come."""
        self._rounds.put_nowait(None)
        self._asked.put_nowait(None)

    def hold(self) -> None:
        """Count nothing as played until `release`."""
        self._playback_lead.hold(monotonic())

    def release(self) -> None:
        """Count sound as played again."""
        self._playback_lead.release(monotonic())
        self._signal_change()

    def hurry(self) -> None:
        """Send all speech as soon as it is made: its client plays it after the session has ended."""
        self._playback_lead.plays_live = False
        self._signal_change()

    async def run(self) -> None:
        """Run until the speech has ended; report a failure of an engine."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write())
                group.create_task(self._synthesise(group))
                group.create_task(self._send())
        except* EngineError as errors:
            first = errors.exceptions[0]
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            self.report(GenerationFailed(self.asked.response_id, convert_failure(first)))

    async def _write(self) -> None:
        while (asked := await self._rounds.get()) is not None:
            await complete_text(self.llm, asked, self.report)

    async def _synthesise(self, group: asyncio.TaskGroup) -> None:
        """Open the streams in order, so that the clause that is due never waits for a later one."""
        while (asked := await self._asked.get()) is not None:
            speech = ClauseSpeech(asked)
            self._open.append(speech)
            self._speeches.put_nowait(speech)
            if asked.text:
                await self._streams.acquire()
                await self._wait_to_fetch(speech)
                if speech.is_dropped:
                    self._streams.release()
                    continue
                speech.fetching = group.create_task(self._fetch(speech))
                speech.fetching.add_done_callback(lambda _: self._streams.release())
        self._speeches.put_nowait(None)

    async def _fetch(self, speech: ClauseSpeech) -> None:
        """Read a clause's speech. A failure waits for the clause's turn, so that what comes before it is heard."""
        asked = speech.asked
        voice = choose_voice(self.tts_spec, asked.voice)
        pieces = self.tts.speak(asked.text, voice=voice, language=self.language, speed=asked.speed)
        try:
            with set_deadline(asked.due_at):
                async with aclosing(pieces) as stream:
                    async for pcm in stream:
                        speech.put(pcm)
                        await self._wait_to_fetch(speech)
        except EngineError as error:
            speech.end(error)
        else:
            speech.end()

    async def _send(self) -> None:
        while (speech := await self._speeches.get()) is not None:
            response_id, index = speech.asked.response_id, speech.asked.index
            while frame := await self._take_frame(speech):
                self._playback_lead.add(measure_seconds(frame), monotonic())
                self.has_sounded = True
                self.report(SpeechAudio(response_id, index, frame))
            self._open.remove(speech)
            self._signal_change()
            if not speech.is_dropped:
                self.report(SpeechDone(response_id, index))

    async def _take_frame(self, speech: ClauseSpeech) -> bytes:
        await self._wait_for_room(
            lambda: self._playback_lead.measure_sec(monotonic()), LEAD_SEC - FRAME_BYTES / BYTES_PER_MS / 1000
        )
        is_easy = self._playback_lead.measure_sec(monotonic()) > EASY_SEC
        return await speech.take(FRAME_BYTES if is_easy else LEAST_FRAME_BYTES)

    # How far ahead. Sending moves sound from a clause to the lead, so only time, a release or the end of a clause makes
    # room.

    async def _wait_to_fetch(self, speech: ClauseSpeech) -> None:
        await self._wait_for_room(lambda: self._measure_ahead_sec(speech), LEAD_SEC)

    def _measure_ahead_sec(self, speech: ClauseSpeech) -> float:
        """Return how many seconds this clause's speech is ahead of what was played.

        For the clause that is due, those that wait count for at most WAITING_SEC.
        """
        if speech.is_dropped:
            return 0.0
        sent_sec = self._playback_lead.measure_sec(monotonic())
        waiting_sec = sum(other.seconds for other in self._open if other is not speech)
        if speech is self._open[0]:
            return sent_sec + speech.seconds + min(waiting_sec, WAITING_SEC)
        return sent_sec + speech.seconds + waiting_sec + (LEAD_SEC - WAITING_SEC)

    async def _wait_for_room(self, ahead_sec: Callable[[], float], most_sec: float) -> None:
        while (excess_sec := ahead_sec() - most_sec) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._playback_lead.is_held else max(excess_sec, LEAST_WAIT_SEC)):
                    await self._changed.wait()

    def _signal_change(self) -> None:
        self._changed.set()
        self._changed.clear()


class PlaybackLead:
    """The seconds of speech that were sent and not yet played, for a client that plays in real time.

    Times are seconds of the driver's clock. While the lead is held nothing is played, so what is sent adds up.
    With `plays_live` False the client stores the speech instead of playing it, so the lead is zero.
    """

    def __init__(self, *, is_held: bool = False, plays_live: bool = True) -> None:
        self.plays_live = plays_live
        self._plays_until = 0.0
        self._held_sec: float | None = 0.0 if is_held else None

    @property
    def is_held(self) -> bool:
        """Return whether playback is held."""
        return self._held_sec is not None

    def measure_sec(self, now: float) -> float:
        """Return the lead in seconds."""
        if not self.plays_live:
            return 0.0
        return max(0.0, self._plays_until - now) if self._held_sec is None else self._held_sec

    def add(self, seconds: float, now: float) -> None:
        """Add `seconds` of speech just sent. A client that had nothing left to play starts playing it now."""
        if not self.plays_live:
            return
        ahead = self.measure_sec(now) + seconds
        if self._held_sec is None:
            self._plays_until = now + ahead
        else:
            self._held_sec = ahead

    def hold(self, now: float) -> None:
        """Stop counting playback until `release`."""
        self._held_sec = self.measure_sec(now)

    def release(self, now: float) -> None:
        """Count playback again from now on."""
        self._plays_until, self._held_sec = now + self.measure_sec(now), None


def convert_failure(error: BaseException) -> Failure:
    """Return what the client is told of an error of an engine."""
    if isinstance(error, EngineError):
        return Failure(error.code, error.message)
    return Failure("internal_error", "The server had a problem; its log says why. Please try again.")
