"""What is appended, committed and cleared reaches upstream whole and in order."""

import base64

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands
from tests.support.realtime.relay_steps import MANUAL
from tests.support.realtime.relay_table import RelayTable


def test_commits_take_what_was_appended_before_them() -> None:
    table = RelayTable()
    table.send("session.update", session=MANUAL)
    table.agree()
    table.send_audio(500, b"\x01\x00")
    table.send("input_audio_buffer.commit")
    table.send_audio(300, b"\x05\x00")
    table.send("input_audio_buffer.commit")
    table.report_committed("item_a")
    table.report_committed("item_b")
    assert table.get_sound("item_a") == b"\x01\x00" * (500 * 24)
    assert table.get_sound("item_b") == b"\x05\x00" * (300 * 24)


def test_what_is_appended_behind_a_clear_is_not_cleared() -> None:
    table = RelayTable()
    table.send("session.update", session=MANUAL)
    table.agree()
    table.send_audio(500, b"\x01\x00")
    table.send("input_audio_buffer.clear")
    table.send_audio(300, b"\x05\x00")
    table.send("input_audio_buffer.commit")
    table.report("input_audio_buffer.cleared")
    table.report_committed("item_a")
    assert table.get_sound("item_a") == b"\x05\x00" * (300 * 24)


def test_a_clear_that_was_not_answered_is_asked_for_again() -> None:
    table = RelayTable()
    table.send("session.update", session=MANUAL)
    table.agree()
    table.send_audio(500)
    table.send("input_audio_buffer.clear")
    table.send_audio(300)
    table.lose()
    table.connect()
    assert [kind.removeprefix("input_audio_buffer.") for kind in table.told_kinds[1:]] == ["append", "clear", "append"]
    assert len(base64.b64decode(table.told[-1]["audio"])) == 300 * BYTES_PER_MS
    assert table.report("input_audio_buffer.cleared") != []


def test_what_is_being_said_is_kept_until_it_is_stored_or_cleared() -> None:
    table = RelayTable()
    table.send_audio(500)
    table.report("input_audio_buffer.speech_started", audio_start_ms=100, item_id="item_said")
    table.send_audio(300)
    kept = [action for action in table.actions if isinstance(action, commands.KeepUserAudio)]
    assert [(one.item_id, len(one.pcm) // BYTES_PER_MS) for one in kept] == [("item_said", 400), ("item_said", 300)]
    table.send("input_audio_buffer.clear")
    table.report("input_audio_buffer.cleared")
    assert commands.DropUserAudio("item_said") in table.actions


def test_a_file_that_is_sent_at_once_loses_nothing() -> None:
    table = RelayTable()
    table.send_audio(60_000)
    table.report_utterance("item_said", 300, 59_000)
    assert table.get_saved("item_said").audio_ms == 58_700


def test_silence_is_not_kept() -> None:
    table = RelayTable()
    for _ in range(100):
        table.now += 1
        table.send_audio(1000)
    assert len(table.machine.user_turn.buffer) <= 12 * 24_000
