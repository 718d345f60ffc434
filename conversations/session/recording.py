"""Recordings of calls, for `manage.py replay`: where, how large, and what happens when they cannot be written.

Lines are made on the event loop, since what they hold may change right after, and written by a thread of the process,
in order. A call never waits for them and never ends because of them.
"""

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

from conversations.realtime.protocol.ids import make_id
from conversations.realtime.replay.recorded_machine import EntryPoints, RecordedMachine
from conversations.realtime.replay.redaction import build_scrubber
from conversations.realtime.replay.serialization import MACHINES, Encoder
from conversations.session.recording_file import RecordingFile
from conversations.storage.store import OpenedConversation

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 100_000_000  # an hour takes some 20 MB without sound
END_SEC = 2.0  # that a session waits at its end for its recording to be written


def begin(opened: OpenedConversation) -> "SessionRecording | None":
    """Return the recording of a session that begins, or None if the site records no calls."""
    return SessionRecording(opened) if settings.RECORD_DIR else None


class SessionRecording:
    """The recording of one session: all that goes into its machine.

    The machine must make its ids with `make_id`, so that they are recorded too. `machine` is what the session gives its
    inputs to, once `record` was called.
    """

    machine: RecordedMachine

    def __init__(self, opened: OpenedConversation) -> None:
        self._name = opened.public_id or "unstored"
        self._began = datetime.now(UTC)
        path = Path(settings.RECORD_DIR) / f"{self._name}-{self._began:%Y%m%dT%H%M%S.%fZ}.jsonl"
        self._file = RecordingFile(path, MAX_FILE_BYTES, settings.RECORD_MAX_BYTES, self._warn)
        self._encoder = Encoder(settings.RECORD_SOUND, build_scrubber(_list_secrets(opened)))
        self._made_ids: list[str] = []

    def make_id(self, prefix: str) -> str:
        """Return a new id that begins with `prefix`, and record it with the present step."""
        made = make_id(prefix)
        self._made_ids.append(made)
        return made

    def record(self, machine: EntryPoints, arguments: dict[str, Any]) -> RecordedMachine:
        """Write the first line of the file, and return what records all inputs and passes them on to `machine`.

        `arguments` are those that the machine was built with.
        """
        kind = next(kind for kind, one in MACHINES.items() if isinstance(machine, one))
        parts = (machine, self._made_ids, self._encoder, monotonic, self._file.put, self._warn)
        self.machine = RecordedMachine(*parts)
        self.machine.write_head(kind, self._began.isoformat(timespec="milliseconds"), arguments)
        return self.machine

    async def end(self) -> None:
        """Wait a moment until all is written."""
        await self._file.close(END_SEC)

    def _warn(self, error: Exception) -> None:
        log.warning("the recording of conversation %s ends: %s: %s", self._name, type(error).__name__, error)


def _list_secrets(opened: OpenedConversation) -> Collection[str]:
    """Return every credential that this session has, none of which may be recorded."""
    specs = opened.engines.list_all_specs()
    addresses = [urlsplit(one) for one in (*(spec.base_url for spec in specs), *(s.url for s in opened.mcp_servers))]
    within = {one.password or "" for one in addresses} | {
        value for one in addresses for _, value in parse_qsl(one.query)
    }
    return within | {spec.api_key for spec in specs} | {server.authorization for server in opened.mcp_servers}
