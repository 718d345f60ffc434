"""A machine whose inputs are written down: the one place through which a session's recording goes."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.replay.recording import FORMAT
from conversations.realtime.replay.serialization import Encoder, get_name


class EntryPoints(Protocol):
    """The entry points of a machine of either kind: all that goes into it."""

    def start(self, now: float) -> Sequence[Any]: ...

    def receive(self, event: Any, now: float) -> Sequence[Any]: ...

    def refuse(self, error: ProtocolError, kind: str = ...) -> Sequence[Any]: ...

    def end(self) -> Sequence[Any]: ...


class RecordedMachine:
    """Pass everything on to a machine, and write each step as a line: what went in, when, and the ids that were made.

    `made_ids`: where the machine's `make_id` puts each id too. `clock`: the session's, for entries without a time.
    `write` takes a line and never raises; `fail` hears of an input that cannot be encoded, and is called once.
    """

    def __init__(
        self,
        machine: EntryPoints,
        made_ids: list[str],
        encoder: Encoder,
        clock: Callable[[], float],
        write: Callable[[str], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._machine = machine
        self._made_ids = made_ids
        self._encoder = encoder
        self._clock = clock
        self._write = write
        self._fail = fail
        self._began = clock()
        self._is_off = False

    def write_head(self, kind: str, started: str, arguments: dict[str, Any]) -> None:
        """Write the first line. `kind`: of the machine; `started`: the time of day in ISO 8601."""
        given = self._encode(arguments)
        head = {"recording": FORMAT, "machine": kind, "started": started, "clock": self._began}
        self._put(head | {"sound": self._encoder.with_sound, "given": given})

    def start(self, now: float) -> Sequence[Any]:
        return self._record_step({"do": "start"}, now, lambda: self._machine.start(now))

    def receive(self, event: Any, now: float) -> Sequence[Any]:
        # Before the machine has it, which may change what the event holds.
        line = {"event": get_name(type(event)), "given": self._encode(event)}
        return self._record_step(line, now, lambda: self._machine.receive(event, now))

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> Sequence[Any]:
        given = {"code": error.code, "message": error.message, "param": error.param, "event_id": error.event_id}
        line = {"do": "refuse", "given": self._encode(given | {"kind": kind})}
        return self._record_step(line, self._clock(), lambda: self._machine.refuse(error, kind))

    def end(self) -> Sequence[Any]:
        return self._record_step({"do": "end"}, self._clock(), self._machine.end)

    def _record_step(self, line: dict[str, Any], now: float, work: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Do the work, and write its line also where it fails: that is the step that somebody will look for."""
        self._made_ids.clear()
        raised = ""
        try:
            return work()
        except Exception as error:
            raised = type(error).__name__
            raise
        finally:
            ids = {"ids": list(self._made_ids)} if self._made_ids else {}
            self._put({"at": now - self._began} | line | ids | ({"raised": raised} if raised else {}))

    def _encode(self, value: Any) -> Any:
        if self._is_off:
            return None
        try:
            return self._encoder.encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            self._is_off = True
            self._fail(error)
            return None

    def _put(self, line: dict[str, Any]) -> None:
        if not self._is_off:
            self._write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
