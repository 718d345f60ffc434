"""The callers' accounts on the site under test. `manage.py shell` runs `print_callers`, which prints their keys."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from accounts.keys import api_keys
from accounts.models import ProviderKey, User
from accounts.security import encryption
from bench.sites import AHEAD, WITHOUT
from conversations.models import Assistant

INSTRUCTIONS = "You are a friendly assistant in a voice call. Answer in one or two sentences."


def print_callers() -> None:
    """Create the callers that the environment names, and print their API keys as JSON."""
    sys.stdout.write(json.dumps(create_callers(json.loads(os.environ["BENCH_CALLERS"]))) + "\n")


def create_callers(names: Iterable[str]) -> dict[str, str]:
    """Create a user for each caller, and return their API keys by name.

    Each has a provider key of its own, by which the emulated providers tell the callers apart.
    """
    for slug in (AHEAD, WITHOUT):
        fields: dict[str, Any] = {"name": slug, "instructions": INSTRUCTIONS, "language": "en"}
        fields["preemptive_generation"] = slug == AHEAD
        Assistant.objects.update_or_create(slug=slug, defaults=fields)
    return {name: _create_caller(name) for name in names}


def _create_caller(name: str) -> str:
    user = User.objects.create_user(f"{name}@bench.invalid")
    secret = encryption.encrypt(f"sk-{name}")
    now = timezone.now()
    ProviderKey.objects.create(user=user, provider="openai", secret_encrypted=secret, works=True, tested_at=now)
    return api_keys.create(user, "bench")[1]
