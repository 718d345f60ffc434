"""What is no speech has no words, and makes no turn."""

import pytest

from conversations.realtime import commands
from tests.support.realtime.harness import Table, kinds
from tests.support.realtime.memory import CLAUSES, NEXT, say


@pytest.mark.parametrize("transcript", ["[BLANK_AUDIO]", "(silence)", "♪♪", "*hustet*", "[音楽]", ""])
@pytest.mark.parametrize("is_partial", [False, True])
def test_no_words_make_no_turn(transcript: str, is_partial: bool) -> None:
    """However long it is (case 14)."""
    table = Table()
    table.audio(1920, 0.9)
    if is_partial:
        table.hear(transcript)
    table.audio(640, 0.0)
    sent = table.transcript(transcript)
    assert [one["transcript"] for one in sent if one["type"].endswith("transcription.completed")] == [""]
    assert "response.created" not in kinds(sent)
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def test_a_response_that_waited_for_words_and_got_none_says_so() -> None:
    table = Table()
    table.turn()
    table.manual()
    table.audio(960)
    table.client("input_audio_buffer.commit")
    table.client("response.create")
    done = table.transcript("[BLANK_AUDIO]")[-1]["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "no_speech")


def test_what_was_typed_beside_a_silence_is_answered() -> None:
    table = Table()
    table.manual()
    table.client("conversation.item.create", item=NEXT)
    table.audio(960)
    table.client("input_audio_buffer.commit")
    table.client("response.create")
    table.transcript("(silence)")
    assert [message.words for message in table.last(commands.Generate).messages] == ["Be brief.", "Go on."]


def test_brackets_that_somebody_typed_stay() -> None:
    table = Table()
    typed = {**NEXT, "content": [{"type": "input_text", "text": "[MUSIC]"}]}
    table.client("conversation.item.create", item=typed)
    table.client("response.create")
    assert [message.words for message in table.last(commands.Generate).messages] == ["Be brief.", "[MUSIC]"]


def test_noise_ends_no_reply() -> None:
    table = Table()
    table.client("session.update", session={"extensions": ["playback"]})
    table.say()
    table.transcript("Hello there.")
    table.write("".join(CLAUSES))
    say(table, 0, 4000)
    table.audio(640, 0.9)
    table.hear("[MUSIC")
    table.hear("[MUSIC]")
    assert table.machine.agent_turn.response is not None


def test_a_transcript_without_end_is_cut() -> None:
    table = Table()
    table.say()
    sent = table.transcript("Hello there. " * 1_000)
    assert sent[0]["transcript"] == ("Hello there. " * 1_000)[:10_000].strip()
