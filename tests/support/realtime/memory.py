"""A reply that ends in one way or another, and what is remembered of it."""

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem
from tests.support.realtime.harness import Table

CLAUSES = ("One is the first. ", "Two is the second. ", "Three is the third.")
BROKEN = Failure("engine_unavailable", "It broke off.")
NEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]}


def asked(*, modality: str = "audio") -> Table:
    table = Table()
    table.client("session.update", session={"output_modalities": [modality]})
    table.client("conversation.item.create", item=NEXT)
    table.client("response.create")
    return table


def say(table: Table, index: int, ms: int = 1000, *, is_whole: bool = True) -> None:
    response_id = table.last(commands.Generate).response_id
    table.engine(engine_events.SpeechAudio(response_id, index, bytes(ms * BYTES_PER_MS)))
    if is_whole:
        table.engine(engine_events.SpeechDone(response_id, index))


def write_all(table: Table) -> None:
    for clause in CLAUSES:
        table.write(clause)
    table.end_text()


def fail(table: Table) -> None:
    table.engine(engine_events.GenerationFailed(table.last(commands.Generate).response_id, BROKEN))


def remembered(table: Table) -> list[str]:
    """What the next request shows of the assistant's words; the stored heard text must be the same."""
    if table.machine.agent_turn.response is not None:
        table.client("response.cancel")
    table.client("conversation.item.create", item=NEXT)
    table.client("response.create")
    shown = [message.words.strip() for message in table.last(commands.Generate).messages if message.role == "assistant"]
    stored = table.saved(reply(table).id)
    assert [words for words in [heard(stored)] if words] == shown
    later = Table(items=(reloaded(stored),))
    later.client("response.create")
    assert [one.words.strip() for one in later.last(commands.Generate).messages if one.role == "assistant"] == shown
    return shown


def heard(stored: LiveItem) -> str:
    return (stored.text if stored.heard_text is None else stored.heard_text).strip()


def reloaded(stored: LiveItem) -> LiveItem:
    """As a later session reads it from the database."""
    return LiveItem(
        stored.id, role="assistant", status="incomplete", is_audio=stored.is_audio, text=stored.text,
        heard_text=heard(stored), heard_ms=stored.heard_ms, audio_samples=stored.audio_samples,
    )  # fmt: skip


def reply(table: Table) -> LiveItem:
    items: list[LiveItem] = list(table.machine.state.log)
    return next(item for item in items if item.role == "assistant")
