"""A session's speech to text: by a stream that hears while one speaks where there is one, else by files.

Whatever goes wrong with the stream, the utterance's audio is here as well and goes to the file engine.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from conversations.engines import events
from conversations.engines.base import (
    EngineError,
    EngineSpec,
    Hints,
    SpeechToText,
    StreamingSpeechToText,
    TranscriptStream,
)
from conversations.realtime.commands import FeedTranscriber, Transcribe
from conversations.realtime.engine_events import PartialTranscript, TranscriptReady

KEPT_IDS = 32


class Transcriber:
    """`open` before the first utterance, `close` at the end. `report` takes the partial transcripts."""

    def __init__(
        self,
        file: SpeechToText,
        stream: StreamingSpeechToText | None,
        spec: EngineSpec,
        keywords: tuple[str, ...],
        report: Callable[[PartialTranscript], None],
    ) -> None:
        self._file = file
        self._engine = stream
        self._spec = spec
        self._keywords = keywords
        self._report = report
        self._stream: TranscriptStream | None = None
        self._item_id = ""  # of the utterance that the stream hears
        self._billed_sec = 0.0  # of it, so far
        self._streamed: deque[str] = deque(maxlen=KEPT_IDS)  # items whose words came from the stream

    @property
    def streams(self) -> bool:
        return self._engine is not None

    def remember_nothing(self, file: SpeechToText) -> None:
        """`file` keeps no words."""
        self._file = file

    def open(self) -> None:
        if self._engine is not None:
            self._stream = self._engine.listen(self._partial)

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.close()

    def label(self, item_id: str) -> str:
        """Which engine the item's words came from, as stored with it."""
        is_streamed = item_id in self._streamed
        return (replace(self._spec, model=self._spec.stream_model) if is_streamed else self._spec).label()

    def hear(self, heard: FeedTranscriber) -> None:
        if self._stream is None:
            return
        if heard.begins:
            self._item_id, self._billed_sec = heard.item_id, 0.0
            self._stream.begin(self._hints(heard.language, heard.prompt))
        if heard.item_id == self._item_id:
            self._stream.send(heard.pcm)

    def _partial(self, text: str) -> None:
        if self._item_id:
            self._report(PartialTranscript(self._item_id, text))

    async def transcribe(self, asked: Transcribe) -> TranscriptReady:
        """The words of the utterance so far. Raises EngineError."""
        if self._stream is not None and asked.item_id == self._item_id:
            try:
                return await self._settle(self._stream, asked)
            except EngineError as error:
                events.report(error, "fell_back")
                if self._item_id == asked.item_id:
                    self._item_id = ""  # the rest of the utterance, too
        return await self.transcribe_file(asked, asked.pcm or b"")

    async def transcribe_file(self, asked: Transcribe, pcm: bytes) -> TranscriptReady:
        """The words of `pcm`, whatever the stream hears meanwhile. Raises EngineError."""
        found = await self._file.transcribe(pcm, self._hints(asked.language, asked.prompt))
        return TranscriptReady(asked.item_id, asked.revision, found.text, found.seconds)

    async def _settle(self, stream: TranscriptStream, asked: Transcribe) -> TranscriptReady:
        found = await stream.commit()
        if asked.item_id not in self._streamed:
            self._streamed.append(asked.item_id)
        seconds = found.seconds
        if self._item_id == asked.item_id:
            seconds, self._billed_sec = max(0.0, seconds - self._billed_sec), found.seconds
        return TranscriptReady(asked.item_id, asked.revision, found.text, seconds)

    def _hints(self, language: str, prompt: str) -> Hints:
        return Hints(language, prompt, self._keywords)
