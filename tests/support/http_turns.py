"""Spoken turns over HTTP, by a client that is none of ours."""

import json
from typing import Any

import httpx2
from asgiref.sync import sync_to_async

from accounts.models import User
from conversations.models import Item
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE
from tests.support.live import Site
from tests.support.patience import stretch
from tests.support.sound_files import make_sound_file

WAV = {"Accept": "audio/wav"}
EVENTS = {"Accept": "text/event-stream"}
TIMEOUT_SEC = 30.0
HEADERS = ("x-conversation-id", "x-input-item-id", "x-response-id", "x-output-item-id")


def build_client(site: Site, key: str) -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.AsyncClient(base_url=site.url, headers=headers, timeout=stretch(TIMEOUT_SEC))


def make_wav(pcm: bytes) -> bytes:
    return make_sound_file(pcm, "wav", "pcm_s16le", SAMPLE_RATE)


def measure_sec(pcm: bytes) -> float:
    return len(pcm) / SAMPLE_BYTES / SAMPLE_RATE


def get_error(answer: httpx2.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def parse_raw_events(body: str) -> list[str]:
    """Return the JSON of each server-sent event, and check that its name is its type."""
    blocks = body.removesuffix("\n\n").split("\n\n")
    pairs = [block.split("\n") for block in blocks]
    for name, data in pairs:
        assert name == f"event: {json.loads(data.removeprefix('data: '))['type']}"
    return [data.removeprefix("data: ") for _, data in pairs]


@sync_to_async
def load_items(user: User) -> list[Item]:
    return list(Item.objects.filter(conversation__user=user).order_by("position"))
