"""Django's Postgres backend. Requests may hold half of its pool, and a hanging server holds nobody up for long."""

from functools import cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base
from psycopg.abc import RV, PQGen

from voiceproject.database import ConnectionShare, get_limit_sec, is_serving_request


class BusyError(OperationalError):
    """Other requests hold all connections that requests may hold."""


class Connection(psycopg.Connection[Any]):
    """A connection that stops waiting for a database which hangs.

    The server cannot do it: one that is stopped, or whose network is gone, heeds no timeout of its own.
    """

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Raise OperationalError if there is no answer in time, and close the connection."""
        try:
            return super().wait(gen, interval, get_limit_sec() if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # as `wait` is documented to raise
            self.close()  # its answer, should it come, would be taken for that to the next question
            raise


@cache
def get_request_share() -> ConnectionShare:
    """Return the share of the pool that requests may hold."""
    return ConnectionShare(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] // 2)


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend. It counts the connections that requests hold."""

    _holds_share = False

    @property
    def pool(self) -> Any:
        if options := self.settings_dict["OPTIONS"].get("pool"):
            options.setdefault("connection_class", Connection)
        return super().pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection. Raise BusyError if it is for a request and none became free for it in time."""
        if not is_serving_request():
            return super().get_new_connection(conn_params)
        if not get_request_share().take(self.settings_dict["OPTIONS"]["pool"]["timeout"]):
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
            get_request_share().give()
