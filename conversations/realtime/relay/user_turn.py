"""The user's turn in speech to speech: send audio upstream, and store the utterances that the upstream finds in it."""

from collections import deque
from typing import Any

from conversations.pcm import SAMPLE_BYTES, count_samples, ms_to_samples, samples_to_ms
from conversations.realtime import commands
from conversations.realtime.protocol.errors import Failure, build_buffer_full_error
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.transcripts import RelayTranscripts
from conversations.realtime.relay.upstream_link import BufferCut, UpstreamLink, UpstreamRequest
from conversations.realtime.user_turn.input_buffer import BufferFullError, InputBuffer

# While nobody speaks, the buffer keeps what came in the last LAG_SEC, in which the upstream must report an onset, and
# LOOK_BACK_MS of audio before that. The former goes by the clock, since a client may send a file at once.
LOOK_BACK_MS, LAG_SEC = 5_000, 5.0


class RelayUserTurn:
    """The user's speech of one session: the input buffer, and the utterance being spoken.

    Positions are samples since the session began; the upstream counts from where its connection began.
    """

    def __init__(self, state: RelayState, link: UpstreamLink) -> None:
        self.state = state
        self.link = link
        self.buffer = InputBuffer(ms_to_samples(state.limits.max_buffer_ms))
        self.speech_id = ""  # id of the utterance being spoken
        self._stopped_id = ""  # id of the last utterance that ended
        self.transcripts = RelayTranscripts(state, self.resolve_id)
        self._marks: deque[tuple[float, int]] = deque()  # once a second: the time, and how many samples had come
        self._begins = 0  # the position that the upstream counts as 0
        self._speech_end: int | None = None
        self._cuts: list[BufferCut] = []
        self._renamed: dict[str, str] = {}  # an utterance that two connections heard keeps its first id

    def append(self, pcm: bytes) -> None:
        """Buffer audio of the client (PCM16 mono at 24 kHz) and send it upstream. Raise ProtocolError if it is full."""
        try:
            whole = self.buffer.append(pcm)
        except BufferFullError:
            raise build_buffer_full_error(self.state.limits.max_buffer_ms) from None
        if self.state.turn_detection.is_on and not self.has_utterance:
            self._forget_silence()
        if whole:
            self.link.append_audio(whole)
            if self.speech_id:
                self.state.do(commands.KeepUserAudio(self.speech_id, whole))

    def _forget_silence(self) -> None:
        """Drop audio in which the upstream can no longer find an onset."""
        if not self._marks or self.state.now - self._marks[-1][0] >= 1:
            self._marks.append((self.state.now, self.buffer.received))
        while self.state.now - self._marks[0][0] > LAG_SEC:
            _, received = self._marks.popleft()
            self.buffer.keep_from(received - ms_to_samples(LOOK_BACK_MS))

    @property
    def has_utterance(self) -> bool:
        """Return whether what the buffer holds is an utterance, or is about to become one."""
        return bool(self.speech_id or self._cuts) or self._speech_end is not None

    def commit(self, event_id: str | None) -> None:
        """Ask the upstream to commit the buffer. Raise ProtocolError if too many transcripts are awaited."""
        self.transcripts.check_pending()
        self._request_cut("commit", event_id)

    def clear(self, event_id: str | None) -> None:
        """Ask the upstream to clear the buffer."""
        self.buffer.drop_half_sample()
        self._request_cut("clear", event_id)

    def _request_cut(self, kind: str, event_id: str | None) -> None:
        cut = BufferCut(kind, self.buffer.received)
        self._cuts.append(cut)
        self._send_cut(cut, event_id)

    def _send_cut(self, cut: BufferCut, event_id: str | None) -> None:
        def forget_request() -> None:
            if cut in self._cuts:
                self._cuts.remove(cut)

        self.link.send_request(f"input_audio_buffer.{cut.kind}", UpstreamRequest(event_id, forget_request))

    def _take_cut_end(self, kind: str) -> int | None:
        """Forget the first request of this kind, and return where the buffer ended when it was made."""
        cut = next((one for one in self._cuts if one.kind == kind), None)
        if cut is None:
            return None
        self._cuts.remove(cut)
        return cut.end

    # What the upstream tells.

    def start_speech(self, event: dict[str, Any]) -> bool:
        """Take an onset. Return False if the client was told already that the user speaks."""
        start = self._begins + ms_to_samples(event["audio_start_ms"])
        self.buffer.keep_from(start)
        if self.speech_id:
            self._renamed[event["item_id"]] = self.speech_id
            return False
        self.speech_id = event["item_id"]
        self.state.is_user_speaking = True
        self.state.send(event["type"], audio_start_ms=samples_to_ms(start), item_id=self.speech_id)
        self.state.do(commands.KeepUserAudio(self.speech_id, self.buffer.peek()))
        return True

    def stop_speech(self, event: dict[str, Any]) -> None:
        """Take an endpoint that the upstream reports, and tell the client."""
        self._speech_end = self._begins + ms_to_samples(event["audio_end_ms"])
        item_id = self.resolve_id(event["item_id"])
        self.state.send(event["type"], audio_end_ms=samples_to_ms(self._speech_end), item_id=item_id)
        self.state.is_user_speaking, self.speech_id, self._stopped_id = False, "", item_id

    def confirm_commit(self, event: dict[str, Any]) -> None:
        """Store the utterance with its audio, then tell the client."""
        pcm = self.buffer.take(self._take_cut_end("commit") if self._speech_end is None else self._speech_end)
        self._speech_end, self.speech_id, self.state.is_user_speaking = None, "", False
        item_id = self.resolve_id(event["item_id"])
        item = LiveItem(item_id, role="user", is_audio=True, is_transcribed=False, audio_samples=count_samples(pcm))
        self.state.log.insert(item)
        self.transcripts.await_item(item_id)
        self.state.save(item, pcm=pcm)
        self.state.send(event["type"], item_id=item_id, previous_item_id=self.state.log.get_previous_id(item))

    def confirm_clear(self, event: dict[str, Any]) -> None:
        """Clear our buffer as the upstream has cleared its own."""
        end = self._take_cut_end("clear")
        self.buffer.keep_from(self.buffer.received if end is None else end)
        if self.speech_id:
            self.state.do(commands.DropUserAudio(self.speech_id))
        self.speech_id, self._speech_end, self.state.is_user_speaking = "", None, False
        self.state.send(event["type"])

    def forward_timeout(self, event: dict[str, Any]) -> None:
        """Pass on that the user was silent for too long."""
        span = {
            name: samples_to_ms(self._begins + ms_to_samples(event[name]))
            for name in ("audio_start_ms", "audio_end_ms")
        }
        self.state.send(event["type"], item_id=event["item_id"], **span)

    # Connections come and go.

    def resolve_id(self, item_id: str) -> str:
        """Return the id by which the client knows an item of the upstream."""
        return self._renamed.get(item_id, item_id)

    def recover(self, failure: Failure) -> None:
        """Send the utterance being spoken to the next connection, and fail the transcripts of the lost one."""
        self.transcripts.fail_all(failure)
        if self._speech_end is not None:  # it has ended, but was not committed
            self.speech_id, self._speech_end = self._stopped_id, None
        self._renamed.clear()
        is_kept = self.has_utterance or not self.state.turn_detection.is_on
        self._begins = self.buffer.start if is_kept else self.buffer.received
        if is_kept:
            self._resend_audio()

    def _resend_audio(self) -> None:
        """Send the buffer once more, with the commits and clears that were not confirmed."""
        pcm, start = self.buffer.peek(), 0
        for cut in self._cuts:
            place = max(start, (cut.end - self.buffer.start) * SAMPLE_BYTES)
            if pcm[start:place]:
                self.link.append_audio(pcm[start:place])
            self._send_cut(cut, None)
            start = place
        if pcm[start:]:
            self.link.append_audio(pcm[start:])

    @property
    def is_awaiting_transcripts(self) -> bool:
        """Return whether an utterance, or its transcript, has yet to come from the upstream."""
        return bool(self.transcripts.pending or self._cuts) or self._speech_end is not None

    def leave(self) -> None:
        """Commit what the user was saying, since the client is gone."""
        if self.speech_id and self.link.is_up and not self._cuts:
            self._request_cut("commit", None)

    def end(self) -> None:
        """Store the audio of utterances that the upstream did not confirm before the session ended."""
        last = [BufferCut("commit", self.buffer.received)] if self.speech_id or self._speech_end is not None else []
        for cut in self._cuts or last:
            pcm = self.buffer.take(cut.end)
            if cut.kind == "commit" and pcm:
                item_id = self.speech_id or self._stopped_id
                self.speech_id = self._stopped_id = ""
                item = LiveItem(item_id or self.state.make_id("item"), role="user", is_audio=True)
                item.audio_samples = count_samples(pcm)
                self.state.log.insert(item)
                self.state.save(item, pcm=pcm)
