"""One reply as it is produced: the model's stream, and behind it the clauses' speech, in order."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from time import monotonic

from conversations.engines.base import EngineError, EngineSpec, LanguageModel, Message, TextToSpeech
from conversations.engines.voices import fitting
from conversations.realtime.actions import Generate, ReplyDone, ReplyFailed, ReplyText, Speak, SpeechAudio, SpeechDone
from conversations.realtime.audio import BYTES_PER_MS
from conversations.realtime.errors import Failure

Report = Callable[[ReplyText | ReplyDone | ReplyFailed | SpeechAudio | SpeechDone], None]

FRAME_BYTES = 200 * BYTES_PER_MS  # of audio in one server event
# How far speech may run ahead of a client that plays in real time: a barge-in wastes no more than this.
LEAD_SEC = 8.0


class Reply:
    """Cancel the task of `run` to stop it; both upstream streams are closed then."""

    def __init__(
        self, asked: Generate, llm: LanguageModel, tts: TextToSpeech, spec: EngineSpec, language: str, report: Report
    ) -> None:
        self.asked = asked
        self.llm = llm
        self.tts = tts
        self.tts_spec = spec
        self.language = language
        self.report = report
        self.clauses: asyncio.Queue[Speak | None] = asyncio.Queue()
        self._started_at: float | None = None
        self._sent_sec = 0.0

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write())
                group.create_task(self._speak())
        except* EngineError as errors:
            first = errors.exceptions[0]
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            self.report(ReplyFailed(self.asked.response_id, as_failure(first)))

    async def _write(self) -> None:
        messages = [Message(role, words) for role, words in self.asked.messages]  # type: ignore[arg-type]
        last = None
        async with aclosing(self.llm.complete(messages, max_tokens=self.asked.max_tokens)) as stream:
            async for piece in stream:
                if piece.text:
                    self.report(ReplyText(self.asked.response_id, piece.text))
                if piece.finish_reason:
                    last = piece
        reason = last.finish_reason if last and last.finish_reason else "stop"
        used = (last.input_tokens, last.output_tokens, last.cached_tokens) if last else (0, 0, 0)
        self.report(ReplyDone(self.asked.response_id, reason, *used))

    async def _speak(self) -> None:
        while (clause := await self.clauses.get()) is not None:
            if clause.text:
                await self._speak_clause(clause)
            self.report(SpeechDone(clause.response_id, clause.index))

    async def _speak_clause(self, clause: Speak) -> None:
        voice = fitting(self.tts_spec, clause.voice)
        speech = self.tts.speak(clause.text, voice=voice, language=self.language, speed=clause.speed)
        async with aclosing(speech) as stream:
            async for pcm in stream:
                for start in range(0, len(pcm), FRAME_BYTES):
                    frame = pcm[start : start + FRAME_BYTES]
                    self.report(SpeechAudio(clause.response_id, clause.index, frame))
                    await self._pace(len(frame))

    async def _pace(self, sent_bytes: int) -> None:
        now = monotonic()
        self._started_at = self._started_at or now
        self._sent_sec += sent_bytes / BYTES_PER_MS / 1000
        ahead = self._sent_sec - (now - self._started_at)
        if ahead > LEAD_SEC:
            await asyncio.sleep(ahead - LEAD_SEC)


def as_failure(error: BaseException) -> Failure:
    if isinstance(error, EngineError):
        return Failure(error.code, error.message)
    return Failure("internal_error", "The server failed at this turn; its log says why. Try again.")
