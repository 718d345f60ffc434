"""Django's Postgres backend: requests may hold half of its pool, and a server that hangs holds up nobody for long."""

from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen

from voiceproject.database import Share, limit_sec, serves_request


class BusyError(OperationalError):
    """Other requests hold all connections that requests may hold."""


class Connection(psycopg.Connection[Any]):
    """One that a database which hangs cannot hold up for long.

    The server cannot see to it: one that is stopped, or whose network is gone, looks at no timeout of its own.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Raise OperationalError where there is no answer in time; the connection is closed then."""
        try:
            return super().wait(gen, interval, limit_sec() if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # as `wait` is documented to raise
            self.close()  # its answer, should it come, would be taken for that to the next question
            raise


@cache
def requests_share() -> Share:
    return Share(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] // 2)


class DatabaseWrapper(base.DatabaseWrapper):
    _holds_share = False

    @property
    def pool(self) -> Any:
        if options := self.settings_dict["OPTIONS"].get("pool"):
            options.setdefault("connection_class", Connection)
        return super().pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Raise BusyError where this is for a request, and there was none for it in time."""
        if not serves_request():
            return super().get_new_connection(conn_params)
        if not requests_share().take(self.settings_dict["OPTIONS"]["pool"]["timeout"]):
            raise BusyError("other requests hold all connections that requests may hold")
        self._holds_share = True
        try:
            return super().get_new_connection(conn_params)
        except BaseException:
            self._give_share()
            raise

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._give_share()

    def _give_share(self) -> None:
        if self._holds_share:
            self._holds_share = False
            requests_share().give()
