"""The storage of sound: whether a file can be written, read and deleted there, and whether what is stored is there."""

import time
from collections.abc import Iterator
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import Storage

from conversations.models import AudioClip, ClipData, LooseFile, clip_storage
from conversations.storage.clips import clip_files
from voiceproject.doctor.findings import Finding, Options, count, fine, note, problem

SOUND = b"a sound that is none"
SLOW_SEC = 1.0
LOOKED_FOR = 5  # of the oldest clips, and as many of the newest
HOPELESS_TRIES = 5


def check(_: Options) -> Iterator[Finding]:
    """Look at the clip storage."""
    storage = clip_storage()
    outcome = _try_storage(storage)
    yield outcome
    if outcome.advice and outcome.level == "problem":
        return
    yield from _look_for_clips(storage)
    if stuck := LooseFile.objects.filter(is_reserved=False, tries__gte=HOPELESS_TRIES).count():
        yield problem(
            f"Cannot be deleted, however often it is tried: {count(stuck, 'sound file')}.",
            "Allow the site's credential to delete files in the clip storage.",
        )


def _try_storage(storage: Storage) -> Finding:
    """Write, read and delete a small file."""
    name = f"doctor/{uuid4().hex}.ogg"
    kind, doing, began = type(storage).__name__, "written to", time.monotonic()
    try:
        name = storage.save(name, ContentFile(SOUND))
        doing = "read from"
        with storage.open(name) as file:
            if file.read() != SOUND:
                return problem(f"{kind} gives back other bytes than were stored.", "Mend it, or choose another.")
        doing = "deleted from"
        storage.delete(name)
    except Exception as error:  # each storage library has its own errors
        return problem(
            f"Sound cannot be {doing} the clip storage ({kind}): {type(error).__name__}: {_shorten(error)}",
            "Mend CLIPS_STORAGE, CLIPS_STORAGE_OPTIONS or the S3_… settings, or the storage. Calls wait for it.",
        )
    took_sec = time.monotonic() - began
    text = f"Sound can be written, read and deleted ({kind}, {took_sec * 1000:,.0f} ms in all)."
    return fine(text) if took_sec < SLOW_SEC else note(text, "Words count as stored only then: use a storage nearby.")


def _look_for_clips(storage: Storage) -> Iterator[Finding]:
    clips = AudioClip.objects.order_by("pk").values_list("file", flat=True)
    names = {*clips[:LOOKED_FOR], *clips.reverse()[:LOOKED_FOR]}
    missing = [name for name in names if not storage.exists(name)]
    if missing:
        yield problem(
            f"The sound of {len(missing)} of {count(len(names), 'item')} that were looked for is missing.",
            "Was the clip storage changed, or not restored with the database? docs/operations.md tells how to move it.",
        )
    if clip_files.is_outside() and (left := ClipData.objects.count()):
        yield problem(
            f"Still in Postgres, while the site looks in {type(storage).__name__}: {count(left, 'sound file')}.",
            "Move them with manage.py move_clips.",
        )


def _shorten(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
