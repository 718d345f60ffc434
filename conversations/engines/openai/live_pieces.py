"""An utterance as a Realtime transcription session hears it: pieces of audio between our commits, and their words."""

import asyncio
import unicodedata
from collections.abc import Iterable
from enum import Enum, auto

from conversations.engines.base import EngineError, Hints, Transcript

MAX_CHARACTERS = 10_000  # of one piece, which is two minutes long at most
# Thai, Lao, Myanmar and Khmer; of those without spaces Chinese and Japanese are known by their width.
UNSPACED = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
HANGUL = ("\uac00", "\ud7a3")  # wide, and spaced


class Stage(Enum):
    OPEN = auto()
    COMMITTED = auto()
    SETTLED = auto()
    DROPPED = auto()  # its utterance failed, or another began


class Piece:
    """What upstream calls an item."""

    def __init__(self, utterance: "Utterance") -> None:
        self.utterance = utterance
        self.stage = Stage.OPEN
        self.pcm = bytearray()  # until it is settled
        self.sent_bytes = 0  # over the present connection
        self.text = ""  # so far
        self.seconds = 0.0  # its length once committed, then what was billed
        self.commit_id = ""

    @property
    def is_pending(self) -> bool:
        return self.stage in (Stage.OPEN, Stage.COMMITTED)

    def append_text(self, words: str) -> None:
        self.text = (self.text + words)[:MAX_CHARACTERS]

    def settle(self, words: str, seconds: float) -> None:
        if self.stage is Stage.COMMITTED:
            self.stage = Stage.SETTLED
            self.text, self.seconds = words[:MAX_CHARACTERS], seconds
            self.pcm.clear()
            self.utterance.advance()

    def drop(self) -> None:
        self.stage = Stage.DROPPED
        self.pcm.clear()


class Utterance:
    """The last piece is never committed: it is open, or dropped."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.failure: EngineError | None = None
        self.pieces = [Piece(self)]
        self._waiting: list[tuple[int, asyncio.Future[Transcript]]] = []  # for that many pieces

    @property
    def open_piece(self) -> Piece:
        return self.pieces[-1]

    @property
    def kept_bytes(self) -> int:
        return sum(len(piece.pcm) for piece in self.pieces)

    @property
    def is_awaited(self) -> bool:
        return any(not future.done() for _, future in self._waiting)

    def text(self) -> str:
        return join_texts(piece.text for piece in self.pieces)

    def wait(self) -> "asyncio.Future[Transcript]":
        """Done when every piece that is committed now is settled."""
        future: asyncio.Future[Transcript] = asyncio.get_running_loop().create_future()
        self._waiting.append((len(self.pieces) - 1, future))
        self.advance()
        return future

    def advance(self) -> None:
        settled = next(place for place, piece in enumerate(self.pieces) if piece.stage is not Stage.SETTLED)
        for count, future in self._waiting:
            if count <= settled and not future.done():
                ready = self.pieces[:count]
                future.set_result(Transcript(join_texts(p.text for p in ready), sum(p.seconds for p in ready)))
        self._waiting = [(count, future) for count, future in self._waiting if not future.done()]

    def drop(self) -> None:
        """The open piece is forgotten; what was committed, too, unless it is still waited for."""
        for piece in self.pieces:
            if piece.stage is Stage.OPEN or (piece.is_pending and not self.is_awaited):
                piece.drop()

    def fail(self, error: EngineError) -> None:
        """Forgets all audio: the caller has it too, and turns to file speech to text."""
        self.failure = error
        for piece in self.pieces:
            if piece.is_pending:
                piece.drop()
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()


def join_texts(pieces: Iterable[str]) -> str:
    """The pieces as one text, with a space between two where their script has spaces and neither has one."""
    text = ""
    for piece in (piece.strip() for piece in pieces):
        if text and piece and not (is_unspaced(text[-1]) or is_unspaced(piece[0]) or piece[0] in ",.;:!?…)"):
            text += " "
        text += piece
    return text


def is_unspaced(character: str) -> bool:
    if HANGUL[0] <= character <= HANGUL[1]:
        return False
    wide = unicodedata.east_asian_width(character) in ("W", "F")
    return wide or any(first <= character <= last for first, last in UNSPACED)
