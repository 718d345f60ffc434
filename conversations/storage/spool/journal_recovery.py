"""Makes items of what was being said when a process was killed (`utterance_journal`).

The process that comes first does it: the one in which the conversation is continued, before anything is added to it, or
another in the background. An item is made once, by its id, and its words can be asked for later: its sound is stored.
"""

import json
import logging
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore

from django.conf import settings

from conversations.audio import opus
from conversations.audio.vad import SpeechDetector
from conversations.models import Conversation
from conversations.pcm import SAMPLE_BYTES, count_samples
from conversations.realtime.protocol.items import LiveItem
from conversations.storage import leases, saving
from conversations.storage.changes import Put
from conversations.storage.clips.clip_files import ClipStorageError
from conversations.storage.leases import ConversationDeletedError
from conversations.storage.spool import change_files, locked_files
from conversations.storage.spool.unstored_changes import Origin
from conversations.storage.spool.utterance_journal import SUFFIX
from voiceproject.database import outages

log = logging.getLogger(__name__)

SPEECH_PROBABILITY, SPEECH_WINDOWS = 0.3, 2  # less than that is silence, as a client sends it that commits by itself
CLIPS_RETRY_SEC = 30.0  # between two tries, since each takes long when the clip storage hangs
ERROR_CODE = "server_stopped"
ERROR_MESSAGE = "The server stopped while this was being said. What had come of it is kept, but was not transcribed."

AT_ONCE = 2  # conversations that are about to be continued
_clips_not_before = 0.0
_room = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Remains:
    """What a killed process has left of one utterance. It was said after the item `after`; "" for none."""

    origin: Origin
    item_id: str
    after: str
    pcm: bytes


def recover() -> bool:
    """Make items of all that killed processes have left. Raise DatabaseError while the database is away.

    It returns False, for `background_jobs`: there is nothing more to do at once.
    """
    if time.monotonic() < _clips_not_before:
        return False
    locked_files.remove_drafts(settings.SPOOL_DIR)
    for path in _list_files():
        _recover_file(path)
    return False


def recover_conversation(public_id: str) -> None:
    """Do the same for one conversation, which is about to be continued.

    It is left to the background if so many are recovered already: a clip storage that hangs must not take all threads.
    """
    if time.monotonic() < _clips_not_before or not _room.acquire(blocking=False):
        return
    try:
        for path in _list_files():
            if path.stem.partition("-")[2] == public_id:
                _recover_file(path)
    finally:
        _room.release()


def _list_files() -> list[Path]:
    """Return the files of all processes, the oldest first."""
    return sorted(settings.SPOOL_DIR.glob(f"*{SUFFIX}"))


def _recover_file(path: Path) -> None:
    with locked_files.claim(path) as data:
        if data and _try_store(path, data):
            locked_files.remove(path)


def _try_store(path: Path, data: bytes) -> bool:
    """Try to make the item, and return whether the file need not be kept. What cannot be read is set aside."""
    global _clips_not_before
    try:
        _store(_parse(data))
    except ClipStorageError as error:
        log.warning("%s waits for the clip storage: %s", path.name, error)
        _clips_not_before = time.monotonic() + CLIPS_RETRY_SEC
        return False
    except Exception as error:
        if outages.is_passing(error):
            raise
        log.exception("%s can never be stored; it is set aside beside the others", path.name)
        change_files.set_aside(path.name, data)
    return True


def _parse(data: bytes) -> Remains:
    line, _, pcm = data.partition(b"\n")
    head = json.loads(line)
    whole = len(pcm) - len(pcm) % SAMPLE_BYTES
    return Remains(Origin(**head["origin"]), head["item_id"], head["after"], pcm[:whole])


def _store(remains: Remains) -> None:
    """Store the item unless it is stored already, and close the conversation, whose process is known to be gone."""
    origin = remains.origin
    if holds_speech(remains.pcm):
        if not origin.has_stored:
            change_files.restore_conversation(origin)
        conversation = Conversation.objects.owned().filter(pk=origin.pk).first()
        if conversation and not conversation.items.filter(public_id=remains.item_id).exists():
            _add_item(conversation, remains)
    leases.break_off(origin.pk, origin.holder)


def holds_speech(pcm: bytes) -> bool:
    """Return whether anybody speaks in this PCM."""
    heard = sum(probability >= SPEECH_PROBABILITY for probability in SpeechDetector().feed(pcm))
    return heard >= SPEECH_WINDOWS


def _add_item(conversation: Conversation, remains: Remains) -> None:
    item = LiveItem(remains.item_id, role="user", status="incomplete", is_audio=True)
    item.audio_samples = count_samples(remains.pcm)
    item.error_code, item.error_message = ERROR_CODE, ERROR_MESSAGE
    put = Put(item, _find_place(conversation, remains), partial(opus.encode, remains.pcm))
    try:
        saving.apply_changes(conversation.pk, [put])
    except ConversationDeletedError:
        return
    log.info("conversation %s: %d ms of an utterance are recovered", conversation.public_id, item.audio_ms)


def _find_place(conversation: Conversation, remains: Remains) -> str | None:
    """Return where the item comes, as `Put.after`: at the end, unless others have continued the conversation since."""
    if conversation.holder == remains.origin.holder:
        return None
    if not remains.after:
        return "root"
    return remains.after if conversation.items.filter(public_id=remains.after).exists() else None
