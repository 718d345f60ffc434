"""A Realtime transcription session without its socket: decides which frames to send, and reads the events that come.

It relies on these facts, from the guide “Realtime transcription” and the types of the `openai` package. We end items
by `commit`, which is refused for less than 100 ms of audio. `committed` events name the items' ids, in the order of our
commits. Deltas of an item come while it is spoken, also before its commit. `completed` events come in any order. An
error names the event that it answers.
"""

import asyncio
import json
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from typing import Any

from conversations.engines.base import NO_HINTS, Hints, Transcript
from conversations.engines.errors import EngineError
from conversations.engines.openai import provider_errors
from conversations.engines.openai.account import Account
from conversations.engines.openai.realtime_stt_pieces import Piece, Stage, Utterance
from conversations.engines.openai.stt import SHORTEST_SEC, build_prompt, choose_billed_seconds, get_language_code
from conversations.engines.untrusted_text import make_storable
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

BYTES_PER_SEC = SAMPLE_RATE * SAMPLE_BYTES
SHORTEST_BYTES = int(SHORTEST_SEC * BYTES_PER_SEC)
MAX_KEPT_BYTES = 130 * BYTES_PER_SEC  # unsettled audio of an utterance; the turn machine ends one after two minutes
MAX_APPEND_BYTES = BYTES_PER_SEC  # in one frame, when audio is sent again
UPDATE_ID = "update"
TRANSCRIPTION = "conversation.item.input_audio_transcription."


class RealtimeTranscriptionProtocol:
    """One session: `restart` it for each new connection, send what `take_frame` returns, and `receive` each event."""

    def __init__(self, model: str, account: Account, on_partial: Callable[[str], None]) -> None:
        self._model = model
        self._account = account
        self._on_partial = on_partial
        self._published = ""
        self._refused: set[str] = set()  # hints that the model does not take
        self._pending: list[Piece] = []  # neither settled nor dropped, in order
        self._to_send: deque[Piece] = deque()
        self._gave_up: EngineError | None = None
        self.utterance = Utterance(NO_HINTS)
        self._enqueue(self.utterance.open_piece)
        self.restart()

    def restart(self) -> None:
        """Start over for a new connection: all that is not settled is sent, and committed, again."""
        self._pending = [piece for piece in self._pending if piece.is_pending]
        for piece in self._pending:
            piece.sent_bytes, piece.text = 0, ""
        self._to_send = deque(self._pending)
        self._unacknowledged: deque[Piece | None] = deque()  # our commits in order; None stands for a clear
        self._items: dict[str, Piece] = {}
        self._hints_sent: Hints | None = None
        self.is_ready = self.has_words = False

    def begin(self, hints: Hints) -> None:
        """Begin a new utterance."""
        self.utterance.drop()
        self.utterance = Utterance(hints)
        self._published = ""
        if self._gave_up:
            self.utterance.fail(self._gave_up)
        self._enqueue(self.utterance.open_piece)

    def send(self, pcm: bytes) -> None:
        """Add audio to the utterance. It fails if the provider has not settled 130 seconds of it."""
        if self.utterance.failure:
            return
        if self.utterance.kept_bytes + len(pcm) > MAX_KEPT_BYTES:
            self.utterance.fail(self._account.errors.build_server_error("it does not keep up"))
        else:
            self.utterance.open_piece.pcm += pcm

    @property
    def has_audio_to_send(self) -> bool:
        """Return whether enough of the utterance's audio waits to be sent."""
        return self.utterance.open_piece.has_audio_to_send

    def commit(self) -> "asyncio.Future[Transcript]":
        """Commit the audio so far, and return a future of the transcript up to here. Raise EngineError.

        Less than 100 ms, which hold no word, would be refused, so they wait for the next commit.
        """
        if self.utterance.failure:
            raise self.utterance.failure.with_traceback(
                None
            )  # without its traceback, which would grow with each commit
        piece = self.utterance.open_piece
        if len(piece.pcm) >= SHORTEST_BYTES:
            piece.stage, piece.seconds = Stage.COMMITTED, len(piece.pcm) / BYTES_PER_SEC
            self.utterance.pieces.append(Piece(self.utterance))
            self._enqueue(self.utterance.open_piece)
        return self.utterance.wait()

    def fail_awaited(self, error: EngineError) -> None:
        """Fail the utterances that somebody waits for. All others are sent again over the next connection."""
        for utterance in {piece.utterance for piece in self._pending}:
            if utterance.is_awaited:
                utterance.fail(error)

    def give_up(self, error: EngineError) -> None:
        """Fail all utterances, from now on."""
        self._gave_up = error
        for utterance in {piece.utterance for piece in self._pending}:
            utterance.fail(error)

    def _enqueue(self, piece: Piece) -> None:
        self._pending = [piece for piece in self._pending if piece.is_pending]
        if piece.is_pending:
            self._pending.append(piece)
            self._to_send.append(piece)

    # Frames to send.

    def take_frame(self) -> str | None:
        """Return the next frame to send, as JSON; None if there is nothing to send now."""
        while self._to_send and self._to_send[0].stage is Stage.DROPPED:
            if self._to_send.popleft().sent_bytes:
                self._unacknowledged.append(None)
                return json.dumps({"type": "input_audio_buffer.clear"})
        hints = (self._to_send[0].utterance if self._to_send else self.utterance).hints
        if hints != self._hints_sent:
            self._hints_sent = hints
            return json.dumps(self._build_update(hints))
        return self._take_piece_frame(self._to_send[0]) if self._to_send else None

    def _take_piece_frame(self, piece: Piece) -> str | None:
        if piece.has_audio_to_send:
            audio = piece.pcm[piece.sent_bytes : piece.sent_bytes + MAX_APPEND_BYTES]
            piece.sent_bytes += len(audio)
            return f'{{"type": "input_audio_buffer.append", "audio": "{b64encode(audio).decode()}"}}'
        if piece.stage is Stage.OPEN:
            return None
        self._to_send.popleft()
        self._unacknowledged.append(piece)
        piece.commit_id = f"commit_{id(piece)}"
        return json.dumps({"type": "input_audio_buffer.commit", "event_id": piece.commit_id})

    def _build_update(self, hints: Hints) -> dict[str, Any]:
        takes_keywords = "keywords" not in self._refused
        wanted = {
            "language": get_language_code(hints),
            "prompt": hints.prompt if takes_keywords else build_prompt(hints),
            "keywords": list(hints.keywords),
        }
        kept = {name: value for name, value in wanted.items() if value and name not in self._refused}
        audio_input = {
            "format": {"type": "audio/pcm", "rate": SAMPLE_RATE},
            "transcription": {"model": self._model, **kept},
            "turn_detection": None,  # we commit
        }
        session = {"type": "transcription", "audio": {"input": audio_input}}
        return {"type": "session.update", "event_id": UPDATE_ID, "session": session}

    # Events that come.

    def receive(self, event: dict[str, Any]) -> None:
        """Take an event. Raise EngineError for a failure of the session, not of one utterance."""
        item_id = str(event.get("item_id"))
        match event.get("type"):
            case "session.updated":
                self.is_ready = True
            case "input_audio_buffer.committed":
                self._acknowledge(item_id)
            case "input_audio_buffer.cleared":
                if self._unacknowledged and self._unacknowledged[0] is None:
                    self._unacknowledged.popleft()
            case kind if kind == f"{TRANSCRIPTION}delta":
                self._add_delta(item_id, _get_text(event.get("delta")))
            case kind if kind == f"{TRANSCRIPTION}completed":
                self._settle(item_id, event)
            case kind if kind == f"{TRANSCRIPTION}failed":
                if piece := self._items.pop(item_id, None):
                    piece.utterance.fail(self._account.explain_event(event.get("error")))
            case "error":
                self._handle_error(event.get("error"))

    def _acknowledge(self, item_id: str) -> None:
        while self._unacknowledged:
            piece = self._unacknowledged.popleft()
            if piece is not None:
                self._items[item_id] = piece
                return

    def _add_delta(self, item_id: str, words: str) -> None:
        if item_id not in self._items and (claimed := self._find_unnamed_piece()):
            self._items[item_id] = claimed
        piece = self._items.get(item_id)
        if piece and piece.is_pending:
            piece.append_text(words)
            self.has_words = True
            self._publish_partial()

    def _find_unnamed_piece(self) -> Piece | None:
        """Return the piece to which the first words of a new item belong; None if it is uncertain.

        While a clear is on its way, the words may be of the audio that it clears.
        """
        if None in self._unacknowledged:
            return None
        known = set(self._items.values())
        candidates = [*self._unacknowledged, *(piece for piece in self._to_send if piece.sent_bytes)]
        return next((piece for piece in candidates if piece not in known), None)

    def _settle(self, item_id: str, event: dict[str, Any]) -> None:
        if piece := self._items.pop(item_id, None):
            usage = event.get("usage")
            billed = choose_billed_seconds(usage.get("seconds") if isinstance(usage, dict) else None, piece.seconds)
            piece.settle(_get_text(event.get("transcript")).strip(), billed)
            self.has_words = True
            self._publish_partial()

    def _publish_partial(self) -> None:
        if not self.utterance.failure and (words := self.utterance.join_text()) != self._published:
            self._published = words
            self._on_partial(words)

    def _handle_error(self, error: Any) -> None:
        said = error if isinstance(error, dict) else {}
        event_id = said.get("event_id")
        piece = next((piece for piece in self._unacknowledged if piece and piece.commit_id == event_id), None)
        refused = str(said.get("param")).rpartition(".")[2]
        if piece:
            self._unacknowledged.remove(piece)
            if said.get("code") == provider_errors.COMMIT_EMPTY:  # the provider counts the audio differently
                piece.settle("", 0.0)
            else:
                piece.utterance.fail(self._account.explain_event(said))
        elif event_id == UPDATE_ID and refused in ("keywords", "prompt", "language") and refused not in self._refused:
            self._refused.add(refused)
            self._hints_sent = None
        elif (
            said.get("code") != provider_errors.SESSION_EXPIRED
        ):  # after it the connection closes, and the next one takes over
            raise self._account.explain_event(said)


def _get_text(value: object) -> str:
    return make_storable(value) if isinstance(value, str) else ""
