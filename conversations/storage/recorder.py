"""Records a session: its items in order, each with its audio, off the hot path."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from conversations import metrics
from conversations.audio.clip_encoder import ClipEncoder
from conversations.engines.engine_kinds import EngineKind
from conversations.realtime import commands
from conversations.realtime.protocol.items import LiveItem
from conversations.storage import store
from conversations.storage.changes import Drop, Put
from conversations.storage.spool import change_files, unstored_changes
from conversations.storage.spool.utterance_journal import UtteranceJournal
from conversations.storage.write_queue import WriteQueue


class Recorder:
    """Store the items of one session: `run` runs while the session lives, and `join` waits at its end.

    What the user is saying is kept on disk meanwhile, in case the process is killed.

    `get_label` returns which engine of a kind served an item, or a response, by its id.
    `give_up` and `tell` are called when the storage is away, see WriteQueue. If `is_on` is false, nothing is stored, as
    in a transcription session whose client did not ask for storage.
    """

    def __init__(
        self,
        opened: store.OpenedConversation,
        get_label: Callable[[EngineKind, str], str],
        give_up: Callable[[int, str, str], None],
        tell: Callable[..., Awaitable[None]],
    ) -> None:
        self.is_on = opened.pk is not None
        self._opened = opened
        self._get_label = get_label
        self._is_one_engine = opened.engines.s2s is not None
        self._clips = ClipEncoder()
        write = partial(store.write, opened.pk, holder=opened.holder)
        self._writer = WriteQueue(opened.public_id, write, give_up, tell)
        self._journal = UtteranceJournal(opened, lambda: self._writer.has_stored)

    async def run(self) -> None:
        """Write what is queued, until it is cancelled or the storage fails for good."""
        await self._writer.run()

    async def join(self) -> None:
        """Wait until everything queued is stored, or given up."""
        await self._writer.join()

    async def end(self) -> None:
        """End after `run`, however that ended: what is not stored by now goes to the spool, to be stored later."""
        if changes := await self._writer.close():
            await change_files.keep_unstored_changes(
                unstored_changes.UnstoredChanges.from_session(self._opened, changes, self._writer.has_stored),
                self._writer.hanging,
            )
        await self._journal.close()

    def stop_storing(self) -> None:
        """Store nothing from now on."""
        self.is_on = False
        self._journal.stop()

    def add_user_audio(self, item_id: str, pcm: bytes) -> None:
        """Add PCM to the audio of a user item."""
        if self.is_on:
            self._journal.add(item_id, pcm)
            self._clips.add_user_audio(item_id, pcm)

    def keep_user_audio(self, item_id: str, pcm: bytes) -> None:
        """Keep PCM of an utterance only until it is stored, all of its audio then given at once."""
        if self.is_on:
            self._journal.add(item_id, pcm)

    def drop_user_audio(self, item_id: str) -> None:
        """Drop the audio of an utterance that becomes no item."""
        self._journal.forget(item_id)

    def add_response_audio(self, response_id: str, pcm: bytes) -> None:
        """Add PCM to the audio of a response."""
        if self.is_on:
            self._clips.add_response_audio(response_id, pcm)

    def drop(self, item_id: str) -> None:
        """Delete an item that was stored."""
        if self.is_on:
            self._writer.put(Drop(item_id))

    def save(self, action: commands.Save) -> asyncio.Future[None] | None:
        """Store an item as it stands. The returned future is done when that is durable; None if nothing is stored."""
        item = action.item
        if action.is_final:
            metrics.observe_turn(item)
        if not self.is_on:
            return None
        make_clip = self._clips.finish_user_clip(item.id, action.pcm) if action.pcm else None
        if action.is_final:
            make_clip = self._clips.finish_response_clip(item.response_id)
        item.engines = self._build_engine_labels(item)
        self._journal.note_item(item.id, action.after)
        done = self._writer.put(Put(item, action.after, make_clip))
        if action.pcm:
            done.add_done_callback(partial(self._forget_stored, item.id))
        return done

    def _forget_stored(self, item_id: str, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and done.exception() is None:
            self._journal.forget(item_id)

    def _build_engine_labels(self, item: LiveItem) -> dict[str, str]:
        """Return the labels of the engines that made an item, by kind."""
        if item.response_id or item.role == "assistant":
            is_spoken = item.role == "assistant" and item.is_audio and not self._is_one_engine
            kinds: tuple[EngineKind, ...] = ("llm", "tts") if is_spoken else ("llm",)
            return {kind: self._get_label(kind, item.response_id) for kind in kinds}
        return {"stt": self._get_label("stt", item.id)} if item.is_audio else item.engines
