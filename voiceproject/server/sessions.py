"""What a server has to know of the live sessions of its application."""

from typing import Protocol


class Sessions(Protocol):
    """The live sessions of this process, as far as the server has to know them."""

    def start(self) -> None:
        """Begin to look after the sessions, once the event loop runs."""

    def measure(self) -> tuple[int, bool]:
        """Return how many sessions are live, and whether there is room for one more."""

    async def drain(self) -> None:
        """End all sessions, including new ones, and return when what they said is stored, or given up."""


class NoSessions:
    """The sessions of an application that has none."""

    def start(self) -> None:
        pass

    def measure(self) -> tuple[int, bool]:
        return 0, True

    async def drain(self) -> None:
        pass
