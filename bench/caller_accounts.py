"""The callers' accounts on the site under test. `manage.py shell` runs `create_callers`, which prints their keys."""

import json
import os
import sys
from typing import Any

from django.utils import timezone

from accounts.keys import api_keys
from accounts.models import ProviderKey, User
from accounts.security import encryption
from bench.sites import AHEAD, WITHOUT
from conversations.models import Assistant

INSTRUCTIONS = "You are a friendly assistant in a voice call. Answer in one or two sentences."


def create_callers() -> None:
    """Create a user for each caller, and print their API keys as JSON.

    Each has a provider key of its own, by which the emulated providers tell the callers apart.
    """
    for slug in (AHEAD, WITHOUT):
        fields: dict[str, Any] = {"name": slug, "instructions": INSTRUCTIONS, "language": "en"}
        fields["preemptive_generation"] = slug == AHEAD
        Assistant.objects.update_or_create(slug=slug, defaults=fields)
    names = json.loads(os.environ["BENCH_CALLERS"])
    sys.stdout.write(json.dumps({name: _create_caller(name) for name in names}) + "\n")


def _create_caller(name: str) -> str:
    user = User.objects.create_user(f"{name}@bench.invalid")
    secret = encryption.encrypt(f"sk-{name}")
    now = timezone.now()
    ProviderKey.objects.create(user=user, provider="openai", secret_encrypted=secret, works=True, tested_at=now)
    return api_keys.create(user, "bench")[1]
