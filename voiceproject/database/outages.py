"""Tell which errors of the database, and of the storage of files, pass by themselves.

A database restarts, is read-only during a failover, or has no free connection.
"""

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection

READ_ONLY = "25006"  # a standby that is about to become the primary, or a primary that is no longer one
TOO_COMPLEX = "54"  # the class of statements that no waiting makes any smaller


class FilesAwayError(OSError):
    """The storage of files fails or does not answer. It may work again later."""


def is_passing(error: BaseException) -> bool:
    """Return whether the same query may succeed in a while.

    Lost and refused connections, restarts, full disks, deadlocks and a lack of free connections are each an
    OperationalError; a connection that was closed under us is an InterfaceError, and read-only is an InternalError.
    """
    if isinstance(error, FilesAwayError):
        return True
    state = _get_sqlstate(error)
    if isinstance(error, OperationalError | InterfaceError):
        return not state.startswith(TOO_COMPLEX)
    return isinstance(error, DatabaseError) and state == READ_ONLY


def drop_connection(error: BaseException) -> None:
    """Close this thread's connection if it may lead to a read-only server, so that the pool makes a new one.

    After a failover the address is the new primary's, while pooled connections still lead to the old one.
    """
    if is_passing(error) and _get_sqlstate(error) == READ_ONLY and connection.connection is not None:
        connection.connection.close()


def describe(error: BaseException) -> str:
    """Return the error in one line, for the log."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _get_sqlstate(error: BaseException) -> str:
    cause = error.__cause__
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""
