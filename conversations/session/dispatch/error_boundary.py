"""The error boundary of a session: where every defect of our own code ends up, wherever it is met.

Whatever the machine receives, and whatever else a session does, runs inside its one `ErrorBoundary`. So a defect in a
frame, a deadline, an engine's callback, a command or a task always ends the session in the same way: one traceback in
the log, an `error` event for the client, what was said stored, and close code 1011.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class ErrorBoundary:
    """Where a session's defects end up. As a context manager it lets none out of the code that runs inside.

    `conversation_id` is for the log. `end_session` tells the client that the server failed, and ends the session.
    """

    def __init__(self, conversation_id: str, end_session: Callable[[], None]) -> None:
        self._conversation_id = conversation_id
        self._end_session = end_session
        self._is_broken = False

    def fail(self, error: Exception) -> None:
        """End the session because of a defect.

        Later defects are what the first one has left behind, so they are neither logged nor told.
        """
        if not self._is_broken:
            self._is_broken = True
            log.error("a session failed in conversation %s", self._conversation_id, exc_info=error)
            self._end_session()

    def __enter__(self) -> None:
        """Begin what may have a defect."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Return whether there was a defect, which is dealt with then. Cancellation and the like pass through."""
        if isinstance(error, Exception):
            self.fail(error)
            return True
        return False


class BoundaryTaskGroup(asyncio.TaskGroup):
    """The tasks of one session, each of which runs inside the session's error boundary.

    In a plain group a task with a defect would cancel all others, and with them what is being stored.
    """

    def __init__(self, error_boundary: ErrorBoundary) -> None:
        super().__init__()
        self._error_boundary = error_boundary

    def create_task(  # type: ignore[override]  # a task with a defect has no result
        self, work: Coroutine[Any, Any, Result], **options: Any
    ) -> asyncio.Task[Result | None]:
        """Start a task inside the error boundary. Raise RuntimeError if the group ends and takes no more tasks."""
        guarded = self._run(work)
        try:
            task = super().create_task(guarded, **options)
        except RuntimeError:
            guarded.close()
            work.close()  # neither begins, which Python would warn of
            raise
        task.add_done_callback(lambda _: work.close())  # one that is cancelled before its first step never began it
        return task

    async def _run(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        with self._error_boundary:
            return await work
        return None
