"""Django's Postgres backend, of whose pool requests may hold half."""

from functools import cache
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base

from voiceproject.database import Share, serves_request


class BusyError(OperationalError):
    """Other requests hold all connections that requests may hold."""


@cache
def requests_share() -> Share:
    return Share(settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] // 2)


class DatabaseWrapper(base.DatabaseWrapper):
    _holds_share = False

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
