"""The user's half: audio to the upstream, and the utterances that it finds in it as items with their sound."""

from collections import deque
from typing import Any

from conversations.pcm import SAMPLE_BYTES, ms_of, samples_in, samples_of
from conversations.realtime.protocol.errors import Failure, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.relay.upstream_link import Asked, Cut, UpstreamLink
from conversations.realtime.state import Core
from conversations.realtime.user_turn.input_buffer import BufferFullError, InputBuffer
from conversations.realtime.user_turn.transcript_filter import spoken_words

EVENT = "conversation.item.input_audio_transcription"
# While nobody speaks this much is kept behind what came longer ago than the upstream needs to tell of an onset. By the
# clock, since a client may send a file at once.
LOOK_BACK_MS, LAG_SEC = 5_000, 5.0
LATE = Failure("engine_timeout", "The transcript did not arrive in time. Please say it again.")


class RelayUserTurn:
    """Positions are samples since the session began; the upstream counts from where its connection began."""

    def __init__(self, core: Core, link: UpstreamLink) -> None:
        self.core = core
        self.link = link
        self.buffer = InputBuffer(samples_of(core.limits.max_buffer_ms))
        self.speech_id = ""  # of the utterance being spoken
        self._stopped_id = ""  # of the last one that ended
        self.pending: set[str] = set()  # items whose words are awaited
        self._marks: deque[tuple[float, int]] = deque()  # how much had come by when, each second
        self._begins = 0  # what the upstream counts as 0
        self._speech_end: int | None = None
        self._cuts: list[Cut] = []
        self._renamed: dict[str, str] = {}  # an utterance that two connections have heard keeps its first id

    def append(self, pcm: bytes) -> None:
        """Raises ProtocolError."""
        try:
            whole = self.buffer.append(pcm)
        except BufferFullError:
            most = self.core.limits.max_buffer_ms // 1000
            message = f"The input audio buffer holds {most} s and is full. Commit or clear it."
            raise ProtocolError("input_audio_buffer_full", message, "audio") from None
        if self.core.turn_detection.is_on and not self.is_needed:
            self._forget()
        if whole:
            self.link.append(whole)

    def _forget(self) -> None:
        """What no onset can lie in any more."""
        if not self._marks or self.core.now - self._marks[-1][0] >= 1:
            self._marks.append((self.core.now, self.buffer.received))
        while self.core.now - self._marks[0][0] > LAG_SEC:
            _, received = self._marks.popleft()
            self.buffer.keep_from(received - samples_of(LOOK_BACK_MS))

    @property
    def is_needed(self) -> bool:
        """What the buffer holds: it is, or is about to become, an utterance."""
        return bool(self.speech_id or self._cuts) or self._speech_end is not None

    def commit(self, event_id: str | None) -> None:
        if len(self.pending) >= self.core.limits.max_pending:
            most = self.core.limits.max_pending
            message = f"{most} utterances still wait for their words, the most. Try again in a moment."
            raise ProtocolError("too_many_pending_transcripts", message)
        self._cut("commit", event_id)

    def clear(self, event_id: str | None) -> None:
        self.buffer.drop_half_sample()
        self._cut("clear", event_id)

    def _cut(self, kind: str, event_id: str | None) -> None:
        cut = Cut(kind, self.buffer.received)
        self._cuts.append(cut)
        self._ask_for(cut, event_id)

    def _ask_for(self, cut: Cut, event_id: str | None) -> None:
        def refused() -> None:
            if cut in self._cuts:
                self._cuts.remove(cut)

        self.link.tell(f"input_audio_buffer.{cut.kind}", Asked(event_id, refused))

    def _done(self, kind: str) -> int | None:
        """Where the first that was asked for ends."""
        cut = next((one for one in self._cuts if one.kind == kind), None)
        if cut is None:
            return None
        self._cuts.remove(cut)
        return cut.end

    # What the upstream tells.

    def started(self, event: dict[str, Any]) -> bool:
        """False where the client knows already that somebody speaks."""
        start = self._begins + samples_of(event["audio_start_ms"])
        self.buffer.keep_from(start)
        if self.speech_id:
            self._renamed[event["item_id"]] = self.speech_id
            return False
        self.speech_id = event["item_id"]
        self.core.is_user_speaking = True
        self.core.send(event["type"], audio_start_ms=ms_of(start), item_id=self.speech_id)
        return True

    def stopped(self, event: dict[str, Any]) -> None:
        self._speech_end = self._begins + samples_of(event["audio_end_ms"])
        item_id = self.name_of(event["item_id"])
        self.core.send(event["type"], audio_end_ms=ms_of(self._speech_end), item_id=item_id)
        self.core.is_user_speaking, self.speech_id, self._stopped_id = False, "", item_id

    def committed(self, event: dict[str, Any]) -> None:
        """The item is stored with its sound before the client is told of it."""
        pcm = self.buffer.take(self._done("commit") if self._speech_end is None else self._speech_end)
        self._speech_end, self.speech_id, self.core.is_user_speaking = None, "", False
        item_id = self.name_of(event["item_id"])
        item = LiveItem(item_id, role="user", is_audio=True, is_transcribed=False, audio_samples=samples_in(pcm))
        self.core.log.insert(item)
        self._await_words(item_id)
        self.core.save(item, pcm=pcm)
        self.core.send(event["type"], item_id=item_id, previous_item_id=self.core.log.before(item))

    def cleared(self, event: dict[str, Any]) -> None:
        end = self._done("clear")
        self.buffer.keep_from(self.buffer.received if end is None else end)
        self.speech_id, self._speech_end, self.core.is_user_speaking = "", None, False
        self.core.send(event["type"])

    def timed_out(self, event: dict[str, Any]) -> None:
        span = {name: ms_of(self._begins + samples_of(event[name])) for name in ("audio_start_ms", "audio_end_ms")}
        self.core.send(event["type"], item_id=event["item_id"], **span)

    def _await_words(self, item_id: str) -> None:
        self.pending.add(item_id)
        self.core.set_deadline("transcript", self.core.now + self.core.limits.transcript_timeout_sec, of=item_id)

    # Its words.

    def words(self, event: dict[str, Any]) -> None:
        item = self._closed(event)
        if item is not None:
            item.text = spoken_words(event["transcript"][: self.core.limits.max_text_chars])
            self._count(item, event.get("usage") or {})
            self.core.save(item)
            self._tell("completed", item, transcript=item.text, usage=event.get("usage"))

    def delta(self, event: dict[str, Any]) -> None:
        item = self.core.log.get(self.name_of(event["item_id"]))
        if item is not None:
            self._tell("delta", item, delta=event.get("delta") or "")

    def failed(self, event: dict[str, Any]) -> None:
        error = event.get("error") or {}
        failure = Failure(str(error.get("code") or "engine_error"), str(error.get("message") or "It was not heard."))
        self._fail(event, failure)

    def overdue(self, item_id: str) -> None:
        self._fail({"item_id": item_id}, LATE)

    def _fail(self, event: dict[str, Any], failure: Failure) -> None:
        item = self._closed(event)
        if item is not None:
            item.error_code, item.error_message = failure.code, failure.message
            self.core.save(item)
            error = {"type": "server_error", "code": failure.code, "message": failure.message}
            self._tell("failed", item, error=error)

    def _closed(self, event: dict[str, Any]) -> LiveItem | None:
        item_id = self.name_of(event["item_id"])
        if item_id not in self.pending:
            return None
        self.pending.discard(item_id)
        self.core.set_deadline("transcript", None, of=item_id)
        item = self.core.log.get(item_id)
        if item is not None:
            item.is_transcribed = True
        return item

    def _tell(self, kind: str, item: LiveItem, **fields: Any) -> None:
        if self.core.config["audio"]["input"]["transcription"] is not None:
            self.core.send(f"{EVENT}.{kind}", item_id=item.id, content_index=0, **fields)

    def _count(self, item: LiveItem, usage: dict[str, Any]) -> None:
        if usage.get("type") == "duration":
            item.usage.stt_seconds = float(usage.get("seconds") or 0)
        else:
            item.usage.stt_seconds = item.audio_ms / 1000
            item.usage.input_tokens = int(usage.get("input_tokens") or 0)
            item.usage.output_tokens = int(usage.get("output_tokens") or 0)
            details = usage.get("input_token_details") or {}
            item.usage.input_audio_tokens = int(details.get("audio_tokens") or 0)

    # Connections come and go.

    def name_of(self, item_id: str) -> str:
        return self._renamed.get(item_id, item_id)

    def lost(self, failure: Failure) -> None:
        """What is being said is said once more to the next connection; words that were awaited will not come."""
        for item_id in list(self.pending):
            self._fail({"item_id": item_id}, failure)
        if self._speech_end is not None:  # it ended, and was not committed
            self.speech_id, self._speech_end = self._stopped_id, None
        self._renamed.clear()
        is_kept = self.is_needed or not self.core.turn_detection.is_on
        self._begins = self.buffer.start if is_kept else self.buffer.received
        if is_kept:
            self._say_again()

    def _say_again(self) -> None:
        """With what was asked for and not answered."""
        pcm, start = self.buffer.peek(), 0
        for cut in self._cuts:
            place = max(start, (cut.end - self.buffer.start) * SAMPLE_BYTES)
            if pcm[start:place]:
                self.link.append(pcm[start:place])
            self._ask_for(cut, None)
            start = place
        if pcm[start:]:
            self.link.append(pcm[start:])

    @property
    def is_awaiting(self) -> bool:
        """An utterance, or its words."""
        return bool(self.pending or self._cuts) or self._speech_end is not None

    def leave(self) -> None:
        """The client is gone: what it was saying is an utterance as it stands."""
        if self.speech_id and self.link.is_up and not self._cuts:
            self._cut("commit", None)

    def end(self) -> None:
        """The upstream has not said that these are utterances, and never will: their sound is kept."""
        last = [Cut("commit", self.buffer.received)] if self.speech_id or self._speech_end is not None else []
        for cut in self._cuts or last:
            pcm = self.buffer.take(cut.end)
            if cut.kind == "commit" and pcm:
                item_id = self.speech_id or self._stopped_id
                self.speech_id = self._stopped_id = ""
                item = LiveItem(item_id or self.core.make_id("item"), role="user", is_audio=True)
                item.audio_samples = samples_in(pcm)
                self.core.log.insert(item)
                self.core.save(item, pcm=pcm)
