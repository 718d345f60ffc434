from typing import Any

import pytest

from accounts.models import User
from conversations.storage.callers import Caller
from conversations.storage.store import OpenedConversation
from conversations.tools.base import Context
from conversations.tools.registry import SITE_TOOLS
from tests.support.tools import DEMO, NOON, VIENNA, MakeConversation


@pytest.fixture
def context(owner: User) -> Context:
    return Context(owner.pk, "conv_running", VIENNA, NOON.astimezone(VIENNA))


@pytest.fixture
def make_opened() -> MakeConversation:
    """Return a function that makes an opened conversation for a toolbox: `make_opened(user, tools=…)`."""

    def make(user: User | None = None, **fields: Any) -> OpenedConversation:
        user = user or User(pk=0)
        defaults: dict[str, Any] = {
            "pk": 0,
            "public_id": "conv_running",
            "caller": Caller(user.pk),
            "assistant_slug": "assistant",
            "instructions": "",
            "language": "",
            "speed": 1.0,
            "patience": "",
            "keywords": (),
            "preemptive_generation": True,
            "engines": DEMO,
            "items": [],
            "zone": VIENNA,
            "tools": tuple(SITE_TOOLS),
        }
        return OpenedConversation(**{**defaults, **fields})

    return make
