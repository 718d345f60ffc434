"""Somebody who talks in one conversation, whatever happens to the servers: connects again, and goes on where it broke.

It does what the talk page does: a message has an id of its own, and is sent again only if the server does not have it.
"""

import asyncio
import base64
import json
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from conversations.pcm import BYTES_PER_MS
from tests.support.chaos.chance import CHANCE
from tests.support.patience import stretch

FRAME_MS = 100
AGAIN_SEC = 0.2  # between two tries to connect
SHOWN_ITEMS = 60  # of the last 200, which a session begins with, those of the user that are counted on
REPLY_SEC = 15.0  # within which a turn must end, in a reply or an error
CONNECTION_ERRORS = (OSError, WebSocketException, InvalidHandshake, TimeoutError)
# For the upstream, enough for a soak. No words of a reply come back in what is said over it: they would be its echo.
TRANSCRIPTS = tuple(f"Please tell me about the case number {number}." for number in range(60_000))
REPLIES = tuple(f"It went well, as all others did: {number}." for number in range(60_000))
WORDS = "conversation.item.input_audio_transcription.completed"


class BrokenError(Exception):
    """The connection is lost, or the server has ended it."""


class Caller:
    """One caller, who hangs up after so many `turns`, if that is given.

    `choose_url` returns the address of a site that is up, as far as anybody knows. `pace` is how many times faster than
    a person the caller speaks, and `rest_sec` how long the caller is silent between two turns.
    """

    def __init__(
        self, key: str, utterance: bytes, choose_url: Callable[[], str], *,
        pace: float = 4.0, rest_sec: float = 0.0, turns: int = 1_000_000,
    ) -> None:  # fmt: skip
        self._rest_sec, self._most_turns = rest_sec, turns
        self._key, self._utterance, self._choose_url, self._pace = key, utterance, choose_url, pace
        self._socket: ClientConnection | None = None
        self._unconfirmed: tuple[str, str] | None = None  # id and text of a message that the server may not have
        self.conversation_id = ""
        self.is_over = False
        # What the server has told, in order: it has to be in the database in the end.
        self.told: dict[str, None] = {}
        self._said: dict[str, None] = {}  # of those, what is the user's
        self.transcripts: dict[str, str] = {}
        self.typed: dict[str, str] = {}  # texts by item id, of messages that the server has confirmed
        self.lists: list[list[str]] = []  # the items that each connection was shown at its beginning
        self.utterances = self.turns = self.answers = self.connections = 0
        # Turns of which the server had the user's part, and whose reply broke off: what came last of each.
        self.unanswered: list[list[str]] = []
        self._last_kinds: deque[str] = deque(maxlen=8)
        self.gaps_sec: list[float] = []  # from each loss of the connection until the talk could go on
        self.errors: Counter[str] = Counter()  # by code: with each the server said why it could not go on
        self.complaints: list[str] = []

    async def talk(self) -> None:
        """Talk until `is_over`, and hang up."""
        lost_at: float | None = None
        while not self.is_over:
            try:
                await self._connect()
                self.gaps_sec += [time.monotonic() - lost_at] if lost_at else []
                lost_at = None
                while not self.is_over:
                    await self._take_turn()
            except (*CONNECTION_ERRORS, BrokenError):
                lost_at = lost_at or time.monotonic()
                await asyncio.sleep(AGAIN_SEC)
        if self._socket is not None:
            with suppress(*CONNECTION_ERRORS):
                await self._socket.close()

    # Connecting.

    async def _connect(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()
        query = f"?conversation={self.conversation_id}" if self.conversation_id else ""
        url = f"{self._choose_url()}/v1/realtime{query}"
        headers = {"Authorization": f"Bearer {self._key}"}
        self._socket = await connect(
            url, additional_headers=headers, open_timeout=stretch(10), max_queue=None, compression=None
        )
        await self._send({"type": "session.update", "session": {"type": "realtime", "extensions": ["retry"]}})
        shown = [event["item"]["id"] for event in await self._receive_until("session.updated") if is_added(event)]
        self.connections += 1
        self.lists.append(shown)
        # A reply of which nothing was heard is not shown; nor is the beginning of a long conversation.
        if missing := set(list(self._said)[-SHOWN_ITEMS:]) - set(shown):
            self.complaints.append(f"not shown after connecting again: {sorted(missing)}")
        self._confirm(shown)

    def _confirm(self, item_ids: list[str]) -> None:
        if self._unconfirmed and self._unconfirmed[0] in item_ids:
            self.typed[self._unconfirmed[0]] = self._unconfirmed[1]
            self._unconfirmed = None

    # Talking.

    async def _take_turn(self) -> None:
        said, answers = len(self._said), self.answers
        try:
            await (self._type() if self._unconfirmed or CHANCE.random() < 0.5 else self._speak())
        except (*CONNECTION_ERRORS, BrokenError):
            if len(self._said) > said and self.answers == answers:
                self.unanswered.append(list(self._last_kinds))
            raise
        self.turns += 1
        self.is_over = self.is_over or self.turns >= self._most_turns
        await asyncio.sleep(self._rest_sec)

    async def _type(self) -> None:
        item_id, text = self._unconfirmed or (f"item_{uuid4().hex[:24]}", f"This is message {uuid4().hex}.")
        self._unconfirmed = item_id, text
        content = [{"type": "input_text", "text": text}]
        item = {"id": item_id, "type": "message", "role": "user", "content": content}
        await self._send({"type": "conversation.item.create", "item": item}, {"type": "response.create"})
        await self._receive_until("response.done", "error")

    async def _speak(self) -> None:
        self.utterances += 1
        listening = asyncio.ensure_future(self._receive_until("response.done", "error"))
        try:
            step = FRAME_MS * BYTES_PER_MS
            # Quiet noise makes each utterance another one: speech to text need not hear the same sound twice.
            sound = _make_noise() + self._utterance + bytes(1_500 * BYTES_PER_MS)
            for start in range(0, len(sound), step):
                audio = base64.b64encode(sound[start : start + step]).decode()
                await self._send({"type": "input_audio_buffer.append", "audio": audio})
                await asyncio.sleep(FRAME_MS / 1000 / self._pace)
            await listening
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, BrokenError, *CONNECTION_ERRORS):
                await listening

    # The wire.

    async def _send(self, *events: dict[str, Any]) -> None:
        assert self._socket is not None
        for event in events:
            await self._socket.send(json.dumps(event))

    async def _receive_until(self, *kinds: str) -> list[dict[str, Any]]:
        """Return all events up to the first of these kinds. Raise BrokenError for silence, and for an `error`."""
        assert self._socket is not None
        events: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(stretch(REPLY_SEC)):
                while not events or events[-1]["type"] not in kinds:
                    events.append(json.loads(await self._socket.recv()))
                    self._note(events[-1])
        except TimeoutError:
            self.complaints.append(f"silence after {[event['type'] for event in events[-3:]]}")
            raise BrokenError from None
        return events

    def _note(self, event: dict[str, Any]) -> None:
        """Note what the server tells."""
        kind = event["type"]
        self._last_kinds.append(kind)
        self.answers += kind == "response.done"
        if kind == "conversation.created":
            self.conversation_id = event["conversation"]["id"]
        elif is_added(event):
            self._take_item(event["item"]["id"], event["item"].get("role") == "user")
        elif kind == "input_audio_buffer.committed":
            self._take_item(event["item_id"], is_mine=True)
        elif kind == WORDS:
            self.transcripts[event["item_id"]] = event["transcript"]
        elif kind == "error":
            self._take_error(event["error"]["code"])

    def _take_item(self, item_id: str, is_mine: bool) -> None:
        self.told.setdefault(item_id)
        if is_mine:
            self._said.setdefault(item_id)
            self._confirm([item_id])

    def _take_error(self, code: str) -> None:
        self.errors[code] += 1
        if code == "conversation_not_found" and not self.told:
            self.conversation_id = ""  # nothing was stored in it, so it went with its session
        elif code in ("conversation_not_found", "internal_error", "storage_failed"):
            self.complaints.append(code)
        raise BrokenError(code)


def is_added(event: dict[str, Any]) -> bool:
    return bool(event["type"] == "conversation.item.added")


def _make_noise() -> bytes:
    """Return 0.1 s of noise that nobody hears."""
    return b"".join(CHANCE.choice((b"\x00\x00", b"\x02\x00", b"\xfe\xff")) for _ in range(2_400))
