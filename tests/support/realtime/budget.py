"""A turn that runs against its budget of time."""

from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table

LONG = "It is noon. "


def ask_question(modality: str = "audio", **limits: Any) -> Table:
    """A typed question."""
    table = Table(limits=Limits(**limits))
    table.client("session.update", session={"output_modalities": [modality]})
    table.client("response.create")
    return table


def sound(table: Table, index: int, ms: int, *, is_whole: bool = False) -> list[dict[str, Any]]:
    response_id = table.last(commands.Generate).response_id
    sent = table.engine(engine_events.SpeechAudio(response_id, index, bytes(ms * BYTES_PER_MS)))
    return sent + (table.engine(engine_events.SpeechDone(response_id, index)) if is_whole else [])


def get_ending(sent: list[dict[str, Any]]) -> tuple[str, str]:
    done = [event["response"] for event in sent if event["type"] == "response.done"][-1]
    return done["status"], ((done["status_details"] or {}).get("error") or {}).get("code", "")
