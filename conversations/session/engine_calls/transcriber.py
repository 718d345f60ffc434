"""A session's speech to text: streamed while the user speaks if the engine can, else by file.

If the stream fails, the utterance goes to the file engine, since all of its audio is kept.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from conversations.engines import incidents
from conversations.engines.base import EngineSpec, Hints, StreamingSpeechToText, TranscriptStream
from conversations.engines.errors import EngineError
from conversations.realtime.commands import FeedTranscriber, Transcribe
from conversations.realtime.engine_events import PartialTranscript, TranscriptReady
from conversations.session.engine_calls.engine_chains import EngineChains
from conversations.session.engine_calls.observed import observe_call

KEPT_IDS = 32


class Transcriber:
    """Turn utterances into transcripts. `open` it before the first one, `close` it at the end.

    `report` takes the partial transcripts.
    """

    def __init__(
        self,
        stream: StreamingSpeechToText | None,
        spec: EngineSpec,
        keywords: tuple[str, ...],
        report: Callable[[PartialTranscript], None],
        chains: EngineChains,
    ) -> None:
        self._engine = stream
        self._chains, self._spec = chains, spec
        self._stream_label = replace(spec, model=spec.stream_model).get_label()
        self._keywords = keywords
        self._report = report
        self._stream: TranscriptStream | None = None
        self._item_id = ""  # id of the utterance that the stream is given
        self._billed_sec = 0.0  # how many seconds of it were billed so far
        self._streamed: deque[str] = deque(maxlen=KEPT_IDS)  # ids of items that the stream transcribed

    @property
    def is_streaming(self) -> bool:
        """Return whether partial transcripts come while the user speaks."""
        return self._engine is not None

    def open(self) -> None:
        """Open the stream, if the engine has one."""
        if self._engine is not None:
            self._stream = self._engine.listen(self._report_partial)

    async def close(self) -> None:
        """Close the stream."""
        if self._stream is not None:
            await self._stream.close()

    def get_label(self, item_id: str) -> str:
        """Return which engine transcribed the item, as it is stored."""
        is_streamed = item_id in self._streamed and not self._chains.has_fallen_back("stt", item_id)
        return self._stream_label if is_streamed else self._chains.get_label("stt", item_id)

    def feed(self, command: FeedTranscriber) -> None:
        """Give the stream the utterance's next audio."""
        if self._stream is None:
            return
        if command.begins:
            self._item_id, self._billed_sec = command.item_id, 0.0
            self._stream.begin(self._build_hints(command.language, command.prompt))
        if command.item_id == self._item_id:
            self._stream.send(command.pcm)

    def _report_partial(self, text: str) -> None:
        if self._item_id:
            self._report(PartialTranscript(self._item_id, text))

    async def transcribe(self, asked: Transcribe) -> TranscriptReady:
        """Return the transcript of the utterance so far, or raise EngineError."""
        if self._stream is not None and asked.item_id == self._item_id:
            try:
                return await self._commit_stream(self._stream, asked)
            except EngineError as error:
                incidents.report(error, "fell_back")
                if self._item_id == asked.item_id:
                    self._item_id = ""  # the rest of the utterance goes to the file engine too
        return await self.transcribe_file(asked, asked.pcm or b"")

    async def transcribe_file(self, asked: Transcribe, pcm: bytes) -> TranscriptReady:
        """Return the transcript of `pcm` by the file engine, or by one in its place, or raise EngineError."""
        hints = self._build_hints(asked.language, asked.prompt)
        found = await self._chains.transcribe(pcm, hints, asked.item_id)
        return TranscriptReady(asked.item_id, asked.revision, found.text, found.seconds)

    async def _commit_stream(self, stream: TranscriptStream, asked: Transcribe) -> TranscriptReady:
        with observe_call("stt", self._spec.provider, self._spec.stream_model):
            found = await stream.commit()
        if asked.item_id not in self._streamed:
            self._streamed.append(asked.item_id)
        seconds = found.seconds
        if self._item_id == asked.item_id:
            seconds, self._billed_sec = max(0.0, seconds - self._billed_sec), found.seconds
        return TranscriptReady(asked.item_id, asked.revision, found.text, seconds)

    def _build_hints(self, language: str, prompt: str) -> Hints:
        return Hints(language, prompt, self._keywords)
