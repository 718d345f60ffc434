"""What was found on this machine, and which of it is to be used."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conversations.engines.local_servers.addresses import Address


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that a server offers for conversations."""

    name: str
    is_loaded: bool = False  # in memory now
    used_at: float = 0.0  # seconds since 1970: last use where the server tells it, else when it was brought here


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answers on this machine."""

    software: str  # such as Ollama
    address: Address
    models: tuple[LocalModel, ...]  # none where it has none yet

    @property
    def base_url(self) -> str:
        """Return where its OpenAI-compatible routes are."""
        return f"http://{self.address}/v1"


@dataclass(frozen=True, slots=True)
class LocalChoice:
    """A model, and the server that has it."""

    server: LocalServer
    model: LocalModel


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the addresses found, and when."""

    addresses: tuple[Address, ...]
    servers: tuple[LocalServer, ...] = ()
    looked_at: float | None = None  # by the monotonic clock; None if nobody has looked yet
    gone: tuple[LocalServer, ...] = ()  # were found once, and no longer answer

    @property
    def age_sec(self) -> float:
        """Return how long ago this was found, in seconds."""
        return float("inf") if self.looked_at is None else time.monotonic() - self.looked_at

    def list_choices(self) -> list[LocalChoice]:
        """Return all models, that which was used last first: loaded ones before those that are only there."""
        choices = [LocalChoice(server, model) for server in self.servers for model in server.models]
        return sorted(choices, key=lambda choice: (choice.model.is_loaded, choice.model.used_at), reverse=True)


def choose_model(found: Found, wishes: Iterable[str] = ()) -> LocalChoice | None:
    """Return the first wish that is there, else the model that was used last; None if there is no model."""
    choices: Sequence[LocalChoice] = found.list_choices()
    wished = (choice for wish in wishes for choice in choices if choice.model.name == wish)
    return next(wished, None) or next(iter(choices), None)
