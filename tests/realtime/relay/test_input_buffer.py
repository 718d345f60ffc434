"""What is appended, committed and cleared reaches upstream whole and in order."""

import base64

from conversations.pcm import BYTES_PER_MS
from tests.support.realtime.relay_steps import MANUAL
from tests.support.realtime.relay_table import RelayTable


def test_commits_take_what_was_appended_before_them() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500, b"\x01\x00")
    table.client("input_audio_buffer.commit")
    table.hear(300, b"\x05\x00")
    table.client("input_audio_buffer.commit")
    table.committed("item_a")
    table.committed("item_b")
    assert table.sound("item_a") == b"\x01\x00" * (500 * 24)
    assert table.sound("item_b") == b"\x05\x00" * (300 * 24)


def test_what_is_appended_behind_a_clear_is_not_cleared() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500, b"\x01\x00")
    table.client("input_audio_buffer.clear")
    table.hear(300, b"\x05\x00")
    table.client("input_audio_buffer.commit")
    table.upstream("input_audio_buffer.cleared")
    table.committed("item_a")
    assert table.sound("item_a") == b"\x05\x00" * (300 * 24)


def test_a_clear_that_was_not_answered_is_asked_for_again() -> None:
    table = RelayTable()
    table.client("session.update", session=MANUAL)
    table.agree()
    table.hear(500)
    table.client("input_audio_buffer.clear")
    table.hear(300)
    table.lose()
    table.connect()
    assert [kind.removeprefix("input_audio_buffer.") for kind in table.told_kinds[1:]] == ["append", "clear", "append"]
    assert len(base64.b64decode(table.told[-1]["audio"])) == 300 * BYTES_PER_MS
    assert table.upstream("input_audio_buffer.cleared") != []


def test_a_file_that_is_sent_at_once_loses_nothing() -> None:
    table = RelayTable()
    table.hear(60_000)
    table.utterance("item_said", 300, 59_000)
    assert table.stored("item_said").audio_ms == 58_700


def test_silence_is_not_kept() -> None:
    table = RelayTable()
    for _ in range(100):
        table.now += 1
        table.hear(1000)
    assert len(table.machine.user_turn.buffer) <= 12 * 24_000
