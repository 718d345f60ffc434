"""A model whose words turn out to be a thought: what was told of it was told, and no more is."""

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from tests.support.realtime.budget import LONG, ask_question, get_ending, report_sound
from tests.support.realtime.harness import Table

THOUGHT = "The user wants the time. I should be brief. It is noon, I think. "


def withdraw(table: Table) -> None:
    table.report(engine_events.TextWithdrawn(table.find_last(commands.Generate).response_id))


def list_clauses(table: Table) -> list[str]:
    return [one.text for one in table.actions if isinstance(one, commands.SpeakClause)]


def test_before_a_sound_nothing_is_said_stored_or_remembered() -> None:
    table = ask_question()
    table.write(THOUGHT)
    began = len(list_clauses(table))
    withdraw(table)
    assert table.find_last(commands.DropClauses).index == 0
    table.write(LONG)
    table.end_text()
    clauses = [one for one in table.actions if isinstance(one, commands.SpeakClause)][began:]
    assert [(one.index, one.text.strip()) for one in clauses] == [(0, LONG.strip())]
    sent = report_sound(table, 0, 900, is_whole=True)
    assert get_ending(sent) == ("completed", "")
    item = next(iter(table.machine.state.log))
    assert (item.text, item.context_text, table.get_saved(item.id).text) == (LONG, LONG, LONG)


def test_what_has_begun_to_sound_goes_on_and_stays() -> None:
    table = ask_question()
    table.write(THOUGHT)
    report_sound(table, 0, 400)
    told = table.machine.agent_turn.response.item.sent_text  # type: ignore[union-attr]
    withdraw(table)
    assert table.find_last(commands.DropClauses).index == 1
    table.write("Noon.")
    table.end_text()
    report_sound(table, 0, 400, is_whole=True)
    assert get_ending(report_sound(table, 1, 400, is_whole=True)) == ("completed", "")
    item = next(iter(table.machine.state.log))
    assert item.text == f"{(told or '').rstrip()} Noon."


def test_in_text_all_is_told() -> None:
    table = ask_question("text")
    table.write("Be polite. ")
    withdraw(table)
    table.write("Noon.")
    assert get_ending(table.end_text()) == ("completed", "")
    assert next(iter(table.machine.state.log)).text == "Be polite. Noon."


def test_what_is_held_back_while_the_user_speaks_is_not_said_later() -> None:
    table = ask_question()
    table.send("session.update", session={"extensions": ["playback"]})
    table.write(THOUGHT)
    report_sound(table, 0, 400)
    table.machine.agent_turn.pause()
    response_id = table.find_last(commands.Generate).response_id
    table.report(engine_events.SpeechDone(response_id, 0))
    table.report(engine_events.SpeechAudio(response_id, 1, bytes(100 * BYTES_PER_MS)))
    withdraw(table)
    table.write("Noon.")
    table.end_text()
    table.machine.agent_turn.playback_queue.resume()
    table.machine.agent_turn.release_held()
    assert table.machine.agent_turn.response is not None
    assert table.machine.agent_turn.response.finished == 1
    assert get_ending(report_sound(table, 1, 400, is_whole=True)) == ("completed", "")


def test_a_draft_is_dropped() -> None:
    table = Table()
    table.send_audio(960, 0.9)
    table.send_audio(224, 0.0)
    if table.is_awaiting_transcript:
        table.report_transcript("What time is it?")
    assert table.machine.agent_turn.preemptive.draft is not None
    withdraw(table)
    assert table.machine.agent_turn.preemptive.draft is None
    assert isinstance(table.find_last(commands.Abort), commands.Abort)
