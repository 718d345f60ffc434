"""Fillers in the tests: those that were asked for, and their sound."""

from typing import Any

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from tests.support.realtime.harness import Table


def fills(table: Table) -> list[commands.SpeakFiller]:
    return [action for action in table.actions if isinstance(action, commands.SpeakFiller)]


def fill(table: Table, ms: int = 800) -> list[dict[str, Any]]:
    return table.engine(
        engine_events.FillerReady(table.last(commands.SpeakFiller).response_id, bytes(ms * BYTES_PER_MS))
    )
