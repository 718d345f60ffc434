"""A reply that ends in one way or another, and what is remembered of it."""

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem
from tests.support.realtime.harness import Table

CLAUSES = ("One is the first. ", "Two is the second. ", "Three is the third.")
BROKEN = Failure("engine_unavailable", "It broke off.")
NEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]}


def request_reply(*, modality: str = "audio") -> Table:
    """Return a table on which a reply to a typed message has been requested."""
    table = Table()
    table.send("session.update", session={"output_modalities": [modality]})
    table.send("conversation.item.create", item=NEXT)
    table.send("response.create")
    return table


def speak_clause(table: Table, index: int, ms: int = 1000, *, is_whole: bool = True) -> None:
    """Report `ms` of speech for the clause `index`, and its end if it `is_whole`."""
    response_id = table.find_last(commands.Generate).response_id
    table.report(engine_events.SpeechAudio(response_id, index, bytes(ms * BYTES_PER_MS)))
    if is_whole:
        table.report(engine_events.SpeechDone(response_id, index))


def write_all(table: Table) -> None:
    """Report all clauses of the reply and the end of its text."""
    for clause in CLAUSES:
        table.write(clause)
    table.end_text()


def fail_generation(table: Table) -> None:
    """Report that the model broke off."""
    table.report(engine_events.GenerationFailed(table.find_last(commands.Generate).response_id, BROKEN))


def recall_reply(table: Table) -> list[str]:
    """Return the assistant's words that the next request to the model contains, and check that a session resumed
    from the stored item contains the same.
    """
    if table.machine.agent_turn.response is not None:
        table.send("response.cancel")
    table.send("conversation.item.create", item=NEXT)
    table.send("response.create")
    shown = [
        message.words.strip() for message in table.find_last(commands.Generate).messages if message.role == "assistant"
    ]
    stored = table.get_saved(find_reply(table).id)
    assert [words for words in [get_heard_text(stored)] if words] == shown
    later = Table(items=(reload_item(stored),))
    later.send("response.create")
    assert [
        one.words.strip() for one in later.find_last(commands.Generate).messages if one.role == "assistant"
    ] == shown
    return shown


def get_heard_text(stored: LiveItem) -> str:
    """Return what the user heard of an item: all of its text if it was not interrupted."""
    return (stored.text if stored.heard_text is None else stored.heard_text).strip()


def reload_item(stored: LiveItem) -> LiveItem:
    """Return the item as a later session reads it from the database."""
    return LiveItem(
        stored.id, role="assistant", status="incomplete", is_audio=stored.is_audio, text=stored.text,
        heard_text=get_heard_text(stored), heard_ms=stored.heard_ms, audio_samples=stored.audio_samples,
    )  # fmt: skip


def find_reply(table: Table) -> LiveItem:
    """Return the first reply in the conversation."""
    items: list[LiveItem] = list(table.machine.state.log)
    return next(item for item in items if item.role == "assistant")
