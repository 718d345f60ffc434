"""The transcripts in speech to speech: store what the upstream understood of each utterance, and tell the client."""

from collections.abc import Callable
from typing import Any

from conversations.realtime.protocol.errors import Failure, build_too_many_transcripts_error
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.relay.state import RelayState
from conversations.realtime.user_turn.transcript_filter import extract_spoken_words

EVENT = "conversation.item.input_audio_transcription"
LATE = Failure("engine_timeout", "The transcript did not arrive in time. Please say it again.")


class RelayTranscripts:
    """The transcripts that the upstream owes, with their deadlines.

    `resolve_id` returns the id by which the client knows an item of the upstream.
    """

    def __init__(self, state: RelayState, resolve_id: Callable[[str], str]) -> None:
        self.state = state
        self.pending: set[str] = set()  # ids of the utterances whose transcript is awaited
        self._resolve_id = resolve_id

    def check_pending(self) -> None:
        """Raise ProtocolError if too many transcripts are awaited to commit another utterance."""
        if len(self.pending) >= self.state.limits.max_pending:
            raise build_too_many_transcripts_error(self.state.limits.max_pending)

    def await_item(self, item_id: str) -> None:
        """Expect the transcript of this item, and set its deadline."""
        self.pending.add(item_id)
        self.state.set_deadline("transcript", self.state.now + self.state.limits.transcript_timeout_sec, of=item_id)

    def complete(self, event: dict[str, Any]) -> None:
        """Store a transcript, and tell the client."""
        item = self._close(event)
        if item is not None:
            item.text = extract_spoken_words(event["transcript"][: self.state.limits.max_text_chars])
            self._count_usage(item, event.get("usage") or {})
            self.state.save(item)
            self._send("completed", item, transcript=item.text, usage=event.get("usage"))

    def forward_delta(self, event: dict[str, Any]) -> None:
        """Pass on a piece of a transcript."""
        item = self.state.log.get(self._resolve_id(event["item_id"]))
        if item is not None:
            self._send("delta", item, delta=event.get("delta") or "")

    def fail(self, event: dict[str, Any]) -> None:
        """Store that the upstream could not transcribe the utterance, and tell the client."""
        error = event.get("error") or {}
        failure = Failure(
            str(error.get("code") or "engine_error"),
            str(error.get("message") or "It could not be transcribed. Please say it again."),
        )
        self._fail(event, failure)

    def expire(self, item_id: str) -> None:
        """Give up the transcript of this item: it has not come in time."""
        self._fail({"item_id": item_id}, LATE)

    def fail_all(self, failure: Failure) -> None:
        """Fail all transcripts that are awaited, since the connection is lost."""
        for item_id in list(self.pending):
            self._fail({"item_id": item_id}, failure)

    def _fail(self, event: dict[str, Any], failure: Failure) -> None:
        item = self._close(event)
        if item is not None:
            item.error_code, item.error_message = failure.code, failure.message
            self.state.save(item)
            self._send("failed", item, error=failure.to_wire())

    def _close(self, event: dict[str, Any]) -> LiveItem | None:
        item_id = self._resolve_id(event["item_id"])
        if item_id not in self.pending:
            return None
        self.pending.discard(item_id)
        self.state.set_deadline("transcript", None, of=item_id)
        item = self.state.log.get(item_id)
        if item is not None:
            item.is_transcribed = True
        return item

    def _send(self, kind: str, item: LiveItem, **fields: Any) -> None:
        if self.state.config.input.transcription is not None:
            self.state.send(f"{EVENT}.{kind}", item_id=item.id, content_index=0, **fields)

    def _count_usage(self, item: LiveItem, usage: dict[str, Any]) -> None:
        if usage.get("type") == "duration":
            item.usage.stt_seconds = float(usage.get("seconds") or 0)
        else:
            item.usage.stt_seconds = item.audio_ms / 1000
            item.usage.input_tokens = int(usage.get("input_tokens") or 0)
            item.usage.output_tokens = int(usage.get("output_tokens") or 0)
            details = usage.get("input_token_details") or {}
            item.usage.input_audio_tokens = int(details.get("audio_tokens") or 0)
