"""Every kind of turn, event by event, against its recording in sequences/: order, ids, required fields.

`RECORD=1 pytest tests/clients/test_sequences.py` records anew; read the difference before you keep it.
"""

import os
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from tests.support.clients.client import CheckedClient, Dialect
from tests.support.clients.turns import NEWER_THAN_BETA, TURNS
from tests.support.live import Site
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")

SEQUENCES = Path(__file__).parent / "sequences"


RECORDINGS = [(turn, "ga") for turn in TURNS] + [(turn, "beta") for turn in TURNS if turn not in NEWER_THAN_BETA]


@pytest.mark.parametrize(("turn", "dialect"), RECORDINGS)
async def test_as_recorded(
    site: Site, key: str, upstream: Upstream, utterance: bytes, turn: str, dialect: Dialect
) -> None:
    client = AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1", websocket_base_url=f"{site.ws_url}/v1")
    connect = client.beta.realtime.connect if dialect == "beta" else client.realtime.connect
    async with connect(model="any") as connection:
        checked = CheckedClient(connection, dialect, utterance)
        await checked.wait_for("conversation.created")
        await TURNS[turn](checked, upstream)
    recorded = SEQUENCES / dialect / f"{turn}.txt"
    if os.environ.get("RECORD"):
        recorded.write_text("\n".join(checked.recording.lines) + "\n")
    assert checked.recording.lines == recorded.read_text().splitlines()


def test_no_recording_is_left_over() -> None:
    assert {(path.stem, path.parent.name) for path in SEQUENCES.rglob("*.txt")} == set(RECORDINGS)
