"""What the database holds in the end, against what the callers were told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg

from tests.support.chaos.caller import Caller

ITEMS = """SELECT i.public_id, i.role, i.text, i.is_audio, i.error_code, c.size_bytes FROM conversations_item i
    JOIN conversations_conversation v ON v.id = i.conversation_id
    LEFT JOIN conversations_audioclip c ON c.item_id = i.id WHERE v.public_id = %s ORDER BY i.position"""
LIVE = "SELECT count(*) FROM conversations_conversation WHERE status = 'live'"


@dataclass(frozen=True, slots=True)
class Row:
    """One item as it is stored."""

    id: str
    role: str
    text: str
    is_audio: bool
    error_code: str
    clip_bytes: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, a line each, and how much there was to look at."""

    faults: Sequence[str]
    told: int
    recovered: int


def judge(database_url: str, callers: Iterable[Caller]) -> Verdict:
    """Compare what each caller was told with what is stored."""
    faults: list[str] = []
    told = recovered = 0
    with psycopg.connect(database_url) as connection:
        for caller in callers:
            rows = [Row(*row) for row in connection.execute(ITEMS, [caller.conversation_id])]
            faults += [f"{caller.conversation_id}: {fault}" for fault in _find_faults(caller, rows)]
            told += len(caller.told)
            recovered += sum(row.error_code == "server_stopped" for row in rows)
    return Verdict(faults, told, recovered)


def count_live(database_url: str) -> int:
    """Return how many conversations are said to be live."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(LIVE).fetchone()
        assert row is not None
        return int(row[0])


def _find_faults(caller: Caller, rows: Sequence[Row]) -> list[str]:
    stored = {row.id: row for row in rows}
    order = [row.id for row in rows]
    texts = [row.text for row in rows if row.role == "user" and row.text]
    spoken = [row for row in rows if row.role == "user" and row.is_audio]
    faults = [*caller.complaints]
    faults += [f"lost: {item_id}" for item_id in caller.told if item_id not in stored]
    faults += [f"lost text: {text}" for text in caller.typed.values() if text not in texts]
    faults += [f"twice: {text}" for text in set(texts) if texts.count(text) > 1]
    faults += [
        f"other words: {item_id} {stored[item_id].text!r}, told {words!r}"
        for item_id, words in caller.transcripts.items()
        if item_id in stored and stored[item_id].text != words
    ]
    faults += [f"no sound: {row.id}" for row in spoken if not row.clip_bytes]
    if len(spoken) > caller.utterances:
        faults.append(f"{len(spoken)} utterances stored of {caller.utterances}")
    for shown in caller.lists:
        if [item_id for item_id in order if item_id in set(shown)] != shown:
            faults.append(f"other order: {shown}")
    return faults
