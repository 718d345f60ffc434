"""Two databases in the tests' Postgres, so that no test depends on which others ran before it.

One is as the migrations leave it: tests that are rolled back begin and end so. The other is a copy of it for live sites
and for tests whose rows last. Each process of tests has both.
"""

import os
from typing import cast

from django.conf import settings
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test.utils import setup_databases

LIVE = "live"


class TestDatabases:
    __test__ = False  # pytest would take it for tests

    def __init__(self) -> None:
        self._migrated = ""  # its name, once it is made
        self._is_live = False

    def make(self) -> None:
        """Migrate one database, and copy it."""
        self.close()  # a test without a database may have looked at the pool, which would go on leading elsewhere
        setup_databases(verbosity=0, interactive=False)
        self._migrated = settings.DATABASES["default"]["NAME"]
        self._point_at("postgres")  # a database is copied while nobody is in it
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE {LIVE} TEMPLATE "{self._migrated}"')
        self.choose(live=self._is_live)

    def choose(self, *, live: bool) -> None:
        """Let the ORM use that database from now on, or once the databases are made."""
        self._is_live = live
        if self._migrated:
            self._point_at(LIVE if live else self._migrated)

    def close(self) -> None:
        connection.close()
        cast(DatabaseWrapper, connection).close_pool()

    def _point_at(self, name: str) -> None:
        if name != connection.settings_dict["NAME"]:
            connections.close_all()
            cast(DatabaseWrapper, connection).close_pool()
            settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def build_live_url() -> str:
    return os.environ["DATABASE_URL"].replace("/postgres?", f"/{LIVE}?")
