"""A turn that runs against its budget of time."""

from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table

LONG = "It is noon. "


def ask_question(modality: str = "audio", **limits: Any) -> Table:
    """Return a table on which a response has been requested."""
    table = Table(limits=Limits(**limits))
    table.send("session.update", session={"output_modalities": [modality]})
    table.send("response.create")
    return table


def report_sound(table: Table, index: int, ms: int, *, is_whole: bool = False) -> list[dict[str, Any]]:
    """Report `ms` of speech for the clause `index`, and its end if it `is_whole`."""
    response_id = table.find_last(commands.Generate).response_id
    sent = table.report(engine_events.SpeechAudio(response_id, index, bytes(ms * BYTES_PER_MS)))
    return sent + (table.report(engine_events.SpeechDone(response_id, index)) if is_whole else [])


def get_ending(sent: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the status and the error code with which the latest response was done."""
    done = [event["response"] for event in sent if event["type"] == "response.done"][-1]
    return done["status"], ((done["status_details"] or {}).get("error") or {}).get("code", "")
