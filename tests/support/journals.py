"""What is being said, as a session keeps it on disk, and what a killed process leaves of it."""

import os
from pathlib import Path

from conversations.engines.base import EngineSpec
from conversations.models import Conversation
from conversations.realtime.protocol.items import LiveItem
from conversations.storage.callers import Caller
from conversations.storage.engine_selection import EngineSet
from conversations.storage.spool.utterance_journal import JournalWriter, UtteranceJournal
from conversations.storage.store import OpenedConversation

HOLDER = "hold_1"
STEP_BYTES = 960  # 20 ms


class Journal(UtteranceJournal):
    """The journal of a session in this conversation, with a writer of its own."""

    def __init__(self, conversation: Conversation, *items: LiveItem, has_stored: bool = True) -> None:
        spec = EngineSpec("demo")
        opened = OpenedConversation(
            pk=conversation.pk, public_id=conversation.public_id, caller=Caller(conversation.user_id or 0),
            assistant_slug="general", instructions="", language="en", speed=1.0, patience="", keywords=(),
            preemptive_generation=True, engines=EngineSet(spec, spec, spec), items=list(items), holder=HOLDER,
        )  # fmt: skip
        self.writer = JournalWriter()
        super().__init__(opened, lambda: has_stored, self.writer)

    def say(self, item_id: str, pcm: bytes) -> None:
        for start in range(0, len(pcm), STEP_BYTES):
            self.add(item_id, pcm[start : start + STEP_BYTES])

    def die(self) -> None:
        """Leave what a process leaves that is killed after the next write: the files, and no lock on them."""
        self.writer.write()
        with self.writer._lock:
            for utterance in self.writer._open:
                if utterance.file is not None:
                    os.close(utterance.file)
            self.writer._open.clear()


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))
