"""What is no speech has no words, and makes no turn."""

import pytest

from conversations.realtime import commands
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.memory import CLAUSES, NEXT, speak_clause


@pytest.mark.parametrize("transcript", ["[BLANK_AUDIO]", "(silence)", "♪♪", "*hustet*", "[音楽]", ""])
@pytest.mark.parametrize("is_partial", [False, True])
def test_no_words_make_no_turn(transcript: str, is_partial: bool) -> None:
    """However long it is (case 14)."""
    table = Table()
    table.send_audio(1920, 0.9)
    if is_partial:
        table.hear(transcript)
    table.send_audio(640, 0.0)
    sent = table.report_transcript(transcript)
    assert [one["transcript"] for one in sent if one["type"].endswith("transcription.completed")] == [""]
    assert "response.created" not in get_kinds(sent)
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def test_a_response_that_waited_for_words_and_got_none_says_so() -> None:
    table = Table()
    table.run_turn()
    table.disable_turn_detection()
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    table.send("response.create")
    done = table.report_transcript("[BLANK_AUDIO]")[-1]["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "no_speech")


def test_what_was_typed_beside_a_silence_is_answered() -> None:
    table = Table()
    table.disable_turn_detection()
    table.send("conversation.item.create", item=NEXT)
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    table.send("response.create")
    table.report_transcript("(silence)")
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "Go on."]


def test_brackets_that_somebody_typed_stay() -> None:
    table = Table()
    typed = {**NEXT, "content": [{"type": "input_text", "text": "[MUSIC]"}]}
    table.send("conversation.item.create", item=typed)
    table.send("response.create")
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "[MUSIC]"]


def test_noise_ends_no_reply() -> None:
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.say()
    table.report_transcript("Hello there.")
    table.write("".join(CLAUSES))
    speak_clause(table, 0, 4000)
    table.send_audio(640, 0.9)
    table.hear("[MUSIC")
    table.hear("[MUSIC]")
    assert table.machine.agent_turn.response is not None


def test_a_transcript_without_end_is_cut() -> None:
    table = Table()
    table.say()
    sent = table.report_transcript("Hello there. " * 1_000)
    assert sent[0]["transcript"] == ("Hello there. " * 1_000)[:10_000].strip()
