"""An utterance in a Realtime transcription session: the pieces of audio between our commits, and their words."""

import asyncio
import unicodedata
from collections.abc import Iterable
from enum import Enum, auto

from conversations.engines.base import Hints, Transcript
from conversations.engines.errors import EngineError
from conversations.pcm import BYTES_PER_MS

MAX_CHARACTERS = 10_000  # of one piece, which lasts two minutes at most
# Audio of an open piece is gathered, since each append costs as much as all other work on 20 ms of sound. A commit
# sends the rest at once, so only partial words come later, by 40 ms at most.
LEAST_APPEND_BYTES = 60 * BYTES_PER_MS
# Scripts without spaces: Thai, Lao, Myanmar and Khmer. Chinese and Japanese are recognised by their width.
UNSPACED = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
HANGUL = ("\uac00", "\ud7a3")  # as wide, but with spaces


class Stage(Enum):
    """How far the transcription of a piece has come."""

    OPEN = auto()
    COMMITTED = auto()
    SETTLED = auto()
    DROPPED = auto()  # its utterance failed, or another began


class Piece:
    """A piece of an utterance; the provider calls it an item."""

    def __init__(self, utterance: "Utterance") -> None:
        self.utterance = utterance
        self.stage = Stage.OPEN
        self.pcm = bytearray()  # kept until the piece is settled
        self.sent_bytes = 0  # over the present connection
        self.text = ""  # so far
        self.seconds = 0.0  # its length once committed; once settled, what was billed
        self.commit_id = ""

    @property
    def is_pending(self) -> bool:
        """Return whether its final words are still to come."""
        return self.stage in (Stage.OPEN, Stage.COMMITTED)

    @property
    def has_audio_to_send(self) -> bool:
        """Return whether audio waits to be sent: enough of it while the piece is open, any once it is committed."""
        waiting = len(self.pcm) - self.sent_bytes
        return waiting >= (LEAST_APPEND_BYTES if self.stage is Stage.OPEN else 1)

    def append_text(self, words: str) -> None:
        """Add words of a partial transcript."""
        self.text = (self.text + words)[:MAX_CHARACTERS]

    def settle(self, words: str, seconds: float) -> None:
        """Take the final words of a committed piece, and its billed seconds."""
        if self.stage is Stage.COMMITTED:
            self.stage = Stage.SETTLED
            self.text, self.seconds = words[:MAX_CHARACTERS], seconds
            self.pcm.clear()
            self.utterance.advance()

    def drop(self) -> None:
        """Forget the piece and its audio."""
        self.stage = Stage.DROPPED
        self.pcm.clear()


class Utterance:
    """An utterance as its pieces. The last piece is never committed: it is open, or dropped."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.failure: EngineError | None = None
        self.pieces = [Piece(self)]
        self._waiting: list[tuple[int, asyncio.Future[Transcript]]] = []  # each waits for so many pieces

    @property
    def open_piece(self) -> Piece:
        """The piece to which new audio is added."""
        return self.pieces[-1]

    @property
    def kept_bytes(self) -> int:
        """Return how many bytes of audio are kept, since they are not settled."""
        return sum(len(piece.pcm) for piece in self.pieces)

    @property
    def is_awaited(self) -> bool:
        """Return whether anybody waits for the final words."""
        return any(not future.done() for _, future in self._waiting)

    def join_text(self) -> str:
        """Return the words of all pieces so far, joined."""
        return join_texts(piece.text for piece in self.pieces)

    def wait(self) -> "asyncio.Future[Transcript]":
        """Return a future of the transcript, which is done when all pieces committed so far are settled."""
        future: asyncio.Future[Transcript] = asyncio.get_running_loop().create_future()
        self._waiting.append((len(self.pieces) - 1, future))
        self.advance()
        return future

    def advance(self) -> None:
        """Give the transcript to those whose pieces are all settled."""
        settled = next(place for place, piece in enumerate(self.pieces) if piece.stage is not Stage.SETTLED)
        for count, future in self._waiting:
            if count <= settled and not future.done():
                ready = self.pieces[:count]
                future.set_result(Transcript(join_texts(p.text for p in ready), sum(p.seconds for p in ready)))
        self._waiting = [(count, future) for count, future in self._waiting if not future.done()]

    def drop(self) -> None:
        """Forget the open piece, and committed pieces too unless somebody waits for them."""
        for piece in self.pieces:
            if piece.stage is Stage.OPEN or (piece.is_pending and not self.is_awaited):
                piece.drop()

    def fail(self, error: EngineError) -> None:
        """Fail the utterance and forget its audio: the caller has it too, and turns to file speech to text."""
        self.failure = error
        for piece in self.pieces:
            if piece.is_pending:
                piece.drop()
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()


def join_texts(pieces: Iterable[str]) -> str:
    """Return the pieces as one text, with spaces between them if their script uses spaces."""
    text = ""
    for piece in (piece.strip() for piece in pieces):
        if text and piece and not (is_unspaced(text[-1]) or is_unspaced(piece[0]) or piece[0] in ",.;:!?…)"):
            text += " "
        text += piece
    return text


def is_unspaced(character: str) -> bool:
    """Return whether a character belongs to a script that puts no spaces between words."""
    if HANGUL[0] <= character <= HANGUL[1]:
        return False
    wide = unicodedata.east_asian_width(character) in ("W", "F")
    return wide or any(first <= character <= last for first, last in UNSPACED)
