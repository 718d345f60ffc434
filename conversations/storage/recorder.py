"""What a session stores of itself: its items in order, each with its sound, off the hot path."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from conversations import metrics
from conversations.audio.growing_clips import Clips
from conversations.engines.base import EngineSpec
from conversations.realtime import commands
from conversations.realtime.protocol.items import LiveItem
from conversations.storage import spool, store
from conversations.storage.changes import Drop, Put
from conversations.storage.write_queue import Writer


class Record:
    """`run` it while the session lives, `join` it at the end.

    `stt_label` tells which engine an item's words came from; `s2s` replies, where it does.
    `give_up` and `tell` hear of a storage that is away, see Writer.
    `is_on` False: nothing is kept, as in a transcription session whose client did not ask for it.
    """

    def __init__(
        self,
        opened: store.Opened,
        stt_label: Callable[[str], str],
        give_up: Callable[[int, str, str], None],
        tell: Callable[..., Awaitable[None]],
        s2s: EngineSpec | None = None,
    ) -> None:
        self.is_on = opened.pk is not None
        self._opened = opened
        self._stt_label = stt_label
        self._s2s = s2s
        self._clips = Clips()
        write = partial(store.write, opened.pk, holder=opened.holder)
        self._writer = Writer(opened.public_id, write, give_up, tell)

    async def run(self) -> None:
        await self._writer.run()

    async def join(self) -> None:
        """Waits until everything is stored."""
        await self._writer.join()

    async def end(self) -> None:
        """After `run`, however that ended: what is not stored by now is kept, and stored when it can be."""
        if rest := await self._writer.close():
            await spool.keep(spool.Rest.of(self._opened, rest, self._writer.has_stored), self._writer.hanging)

    def hear(self, item_id: str, pcm: bytes) -> None:
        """More of an utterance."""
        if self.is_on:
            self._clips.hear(item_id, pcm)

    def keep(self, response_id: str, pcm: bytes) -> None:
        """More of a reply."""
        if self.is_on:
            self._clips.keep(response_id, pcm)

    def drop(self, item_id: str) -> None:
        if self.is_on:
            self._writer.put(Drop(item_id))

    def save(self, action: commands.Save) -> asyncio.Future[None] | None:
        """What is done once the item is durable; None where it is not kept."""
        item = action.item
        if action.is_final:
            metrics.turn(item)
        if not self.is_on:
            return None
        make_clip = self._clips.heard(item.id, action.pcm) if action.pcm else None
        if action.is_final:
            make_clip = self._clips.kept(item.response_id)
        item.engines = self._engines(item)
        return self._writer.put(Put(item, action.after, make_clip))

    def _engines(self, item: LiveItem) -> dict[str, str]:
        """Which of them made it."""
        engines = self._opened.engines
        if self._s2s and item.response_id:
            return {"llm": self._s2s.label()}
        if item.role == "assistant":
            return {"llm": engines.llm.label()} | ({"tts": engines.tts.label()} if item.is_audio else {})
        if item.response_id:  # what the model called
            return {"llm": engines.llm.label()}
        return {"stt": self._stt_label(item.id)} if item.is_audio else item.engines
