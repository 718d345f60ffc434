"""Fillers in the tests: those that were asked for, and their sound."""

from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from tests.support.realtime.harness import Table


def find_fillers(table: Table) -> list[commands.SpeakFiller]:
    """Return the fillers that were requested."""
    return [action for action in table.actions if isinstance(action, commands.SpeakFiller)]


def report_filler(table: Table, ms: int = 800) -> list[dict[str, Any]]:
    """Report `ms` of sound for the latest filler."""
    return table.report(
        engine_events.FillerReady(table.find_last(commands.SpeakFiller).response_id, bytes(ms * BYTES_PER_MS))
    )
