"""Which errors of the database pass by themselves: it restarts, is read-only in a failover, or has no place free."""

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection

READ_ONLY = "25006"  # a standby that is about to become the primary, or a primary that is no longer one
TOO_COMPLEX = "54"  # the class of statements that no waiting makes any smaller


def is_passing(error: BaseException) -> bool:
    """Return whether the same may succeed in a while.

    Lost and refused connections, restarts, full disks, deadlocks and no free connection are an OperationalError each,
    a connection that was closed under us is an InterfaceError, and read-only is an InternalError.
    """
    state = _state(error)
    if isinstance(error, OperationalError | InterfaceError):
        return not state.startswith(TOO_COMPLEX)
    return isinstance(error, DatabaseError) and state == READ_ONLY


def drop_connection(error: BaseException) -> None:
    """Close this thread's connection if it may lead to a server that is read-only, so that the pool makes another.

    After a failover the address is the new primary's, while pooled connections still lead to the old one.
    """
    if is_passing(error) and _state(error) == READ_ONLY and connection.connection is not None:
        connection.connection.close()


def reason(error: BaseException) -> str:
    """Return the error in one line, for the log."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _state(error: BaseException) -> str:
    cause = error.__cause__
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""
