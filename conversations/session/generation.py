"""One reply as it is produced: the model's stream, and behind it the speech of its clauses.

The next clauses are synthesised while one is sent, so that no provider's first byte is waited for between two
of them. What leaves is in order. Back-pressure holds at every step: speech that has no room yet is not read from
its provider, and a clause that is not near yet is not asked for, so that a barge-in wastes little.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from time import monotonic

from conversations.engines.base import (
    Completion,
    EngineError,
    EngineSpec,
    LanguageModel,
    Message,
    TextToSpeech,
    Tool,
    ToolCall,
)
from conversations.engines.deadline import due_by
from conversations.engines.voices import choose_voice
from conversations.pcm import BYTES_PER_MS, ms_of, pcm_seconds, samples_in
from conversations.realtime.agent_turn import context
from conversations.realtime.agent_turn.playback_lead import PlaybackLead
from conversations.realtime.commands import Generate, SpeakClause
from conversations.realtime.engine_events import (
    GenerationDone,
    GenerationFailed,
    SpeechAudio,
    SpeechDone,
    TextDelta,
    TextWithdrawn,
    Thinking,
    ToolCallDelta,
)
from conversations.realtime.protocol.errors import Failure

Report = Callable[
    [
        TextDelta
        | TextWithdrawn
        | Thinking
        | ToolCallDelta
        | GenerationDone
        | GenerationFailed
        | SpeechAudio
        | SpeechDone
    ],
    None,
]

FRAME_BYTES = 200 * BYTES_PER_MS  # of audio in one server event, at most
# Less would be more events than sound; the first of them must not wait for a provider to fill a whole frame.
LEAST_FRAME_BYTES = 40 * BYTES_PER_MS
EASY_SEC = 1.0  # a client that has so much left to play can wait for a whole frame
# How far speech may run ahead of a client that plays in real time: a barge-in wastes no more than this.
LEAD_SEC = 8.0
# Clauses that wait for their turn fill no more than half of it; enough for any first byte, and the rest is left to
# the one that is due.
WAITING_SEC = LEAD_SEC / 2
MAX_STREAMS = 3
PIECE_CHARS = 500  # of a reply's text at a time
LEAST_WAIT_SEC = 0.01


class ClauseSpeech:
    """One clause's audio between its provider and its turn to be sent."""

    def __init__(self, asked: SpeakClause) -> None:
        self.asked = asked
        self._pcm = bytearray()
        self._is_whole = not asked.text
        self._failure: EngineError | None = None
        self.is_dropped = False
        self.fetching: asyncio.Task[None] | None = None
        self._came = asyncio.Event()

    @property
    def seconds(self) -> float:
        return ms_of(samples_in(self._pcm)) / 1000

    def put(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._came.set()

    def end(self, failure: EngineError | None = None) -> None:
        self._is_whole, self._failure = True, failure
        self._came.set()

    def drop(self) -> None:
        self.is_dropped = True
        if self.fetching is not None:
            self.fetching.cancel()
        self._pcm.clear()
        self.end()

    async def take(self, least_bytes: int) -> bytes:
        """The next frame as soon as it has `least_bytes`; b"" at the end. Raises what failed once all else is taken."""
        while len(self._pcm) < least_bytes and not self._is_whole:
            self._came.clear()
            await self._came.wait()
        frame = bytes(self._pcm[:FRAME_BYTES])
        del self._pcm[:FRAME_BYTES]
        if not frame and self._failure is not None:
            raise self._failure
        return frame


class Generation:
    """Cancel the task of `run` to stop it; every upstream stream is closed then. Begins held if it is ahead."""

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
        self._rounds: asyncio.Queue[Generate | None] = asyncio.Queue()
        self._rounds.put_nowait(asked)
        self._asked: asyncio.Queue[SpeakClause | None] = asyncio.Queue()
        self._speeches: asyncio.Queue[ClauseSpeech | None] = asyncio.Queue()
        self._open: list[ClauseSpeech] = []  # the first of them is the one that is due
        self._streams = asyncio.Semaphore(MAX_STREAMS)
        self._playback_lead = PlaybackLead(is_held=asked.is_preemptive, plays_live=plays_live)
        self._changed = asyncio.Event()  # set for a moment when room may have come otherwise than by time

    def go_on(self, asked: Generate) -> None:
        """The model writes on, with what its tools brought."""
        self._rounds.put_nowait(asked)

    def speak(self, clause: SpeakClause) -> None:
        self._asked.put_nowait(clause)

    def unspeak(self, index: int) -> None:
        """Of the clauses from `index` on nothing is said; no sound of them has left."""
        waiting = [self._asked.get_nowait() for _ in range(self._asked.qsize())]
        for clause in waiting:
            if clause is None or clause.index < index:
                self._asked.put_nowait(clause)
        for speech in self._open:
            if speech.asked.index >= index:
                speech.drop()
        self._announce()

    def end_speech(self) -> None:
        """No further clause will come, and no word."""
        self._rounds.put_nowait(None)
        self._asked.put_nowait(None)

    def hold(self) -> None:
        """Nothing is being played until `release`."""
        self._playback_lead.hold(monotonic())

    def release(self) -> None:
        self._playback_lead.release(monotonic())
        self._announce()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write())
                group.create_task(self._synthesise(group))
                group.create_task(self._send())
        except* EngineError as errors:
            first = errors.exceptions[0]
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            self.report(GenerationFailed(self.asked.response_id, as_failure(first)))

    async def _write(self) -> None:
        while (asked := await self._rounds.get()) is not None:
            await self._complete(asked)

    async def _complete(self, asked: Generate) -> None:
        messages = [_as_told(message) for message in asked.messages]
        tools = [Tool(tool.name, tool.description, tool.parameters) for tool in asked.tools]
        last = None
        stream = self.llm.complete(
            messages,
            max_tokens=asked.max_tokens,
            tools=tools,
            tool_choice=asked.tool_choice,
            on_thought=lambda: self.report(Thinking(asked.response_id)),
        )
        with due_by(asked.due_at):
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    await self._tell(asked.response_id, piece)
                    last = piece if piece.finish_reason else last
        reason = last.finish_reason if last and last.finish_reason else "stop"
        used = (last.input_tokens, last.output_tokens, last.cached_tokens) if last else (0, 0, 0)
        self.report(GenerationDone(asked.response_id, reason, *used))

    async def _tell(self, response_id: str, piece: Completion) -> None:
        if piece.withdraws:
            self.report(TextWithdrawn(response_id))
        for start in range(0, len(piece.text), PIECE_CHARS):
            if start:
                await asyncio.sleep(0)  # a reply in one piece is cut for a while: the other sessions would wait
            self.report(TextDelta(response_id, piece.text[start : start + PIECE_CHARS]))
        if call := piece.call:
            self.report(ToolCallDelta(response_id, call.index, call.call_id, call.name, call.arguments))

    async def _synthesise(self, group: asyncio.TaskGroup) -> None:
        """Opens the streams in order, so that the clause that is due never waits for a later one's."""
        while (asked := await self._asked.get()) is not None:
            speech = ClauseSpeech(asked)
            self._open.append(speech)
            self._speeches.put_nowait(speech)
            if asked.text:
                await self._streams.acquire()
                await self._room_to_fetch(speech)
                if speech.is_dropped:
                    self._streams.release()
                    continue
                speech.fetching = group.create_task(self._fetch(speech))
                speech.fetching.add_done_callback(lambda _: self._streams.release())
        self._speeches.put_nowait(None)

    async def _fetch(self, speech: ClauseSpeech) -> None:
        """A failure waits for its clause's turn: what comes before it is still heard."""
        asked = speech.asked
        voice = choose_voice(self.tts_spec, asked.voice)
        pieces = self.tts.speak(asked.text, voice=voice, language=self.language, speed=asked.speed)
        try:
            with due_by(asked.due_at):
                async with aclosing(pieces) as stream:
                    async for pcm in stream:
                        speech.put(pcm)
                        await self._room_to_fetch(speech)
        except EngineError as error:
            speech.end(error)
        else:
            speech.end()

    async def _send(self) -> None:
        while (speech := await self._speeches.get()) is not None:
            response_id, index = speech.asked.response_id, speech.asked.index
            while frame := await self._next_frame(speech):
                self._playback_lead.add(pcm_seconds(frame), monotonic())
                self.report(SpeechAudio(response_id, index, frame))
            self._open.remove(speech)
            self._announce()
            if not speech.is_dropped:
                self.report(SpeechDone(response_id, index))

    async def _next_frame(self, speech: ClauseSpeech) -> bytes:
        await self._room(
            lambda: self._playback_lead.measure_sec(monotonic()), LEAD_SEC - FRAME_BYTES / BYTES_PER_MS / 1000
        )
        is_easy = self._playback_lead.measure_sec(monotonic()) > EASY_SEC
        return await speech.take(FRAME_BYTES if is_easy else LEAST_FRAME_BYTES)

    # How far ahead. Sending moves speech from a clause to the lead, so that only time, a release and a clause's end
    # make room.

    async def _room_to_fetch(self, speech: ClauseSpeech) -> None:
        await self._room(lambda: self._ahead_sec(speech), LEAD_SEC)

    def _ahead_sec(self, speech: ClauseSpeech) -> float:
        """Of what was played. The clause that is due counts no more than their share of those that wait."""
        if speech.is_dropped:
            return 0.0
        sent_sec = self._playback_lead.measure_sec(monotonic())
        waiting_sec = sum(other.seconds for other in self._open if other is not speech)
        if speech is self._open[0]:
            return sent_sec + speech.seconds + min(waiting_sec, WAITING_SEC)
        return sent_sec + speech.seconds + waiting_sec + (LEAD_SEC - WAITING_SEC)

    async def _room(self, ahead_sec: Callable[[], float], most_sec: float) -> None:
        while (excess_sec := ahead_sec() - most_sec) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._playback_lead.is_held else max(excess_sec, LEAST_WAIT_SEC)):
                    await self._changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed.clear()


def _as_told(message: context.ContextMessage) -> Message:
    calls = tuple(ToolCall(call.call_id, call.name, call.arguments) for call in message.calls)
    return Message(message.role, message.words, calls, message.call_id)  # type: ignore[arg-type]


def as_failure(error: BaseException) -> Failure:
    if isinstance(error, EngineError):
        return Failure(error.code, error.message)
    return Failure("internal_error", "The server had a problem; its log says why. Please try again.")
