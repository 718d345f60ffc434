"""An utterance that speech to text failed at can be tried again: its sound is stored."""

from typing import Any

import pytest

from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.relay_table import RelayTable

EVENT = "conversation.item.input_audio_transcription"


def fail_utterance(table: Table) -> dict[str, Any]:
    """Fail the speech to text of an utterance, and return what the client is sent about it."""
    table.send("session.update", session={"extensions": ["retry"]})
    table.say()
    return next(
        one for one in table.fail_transcript(table.find_last(commands.Transcribe)) if one["type"] == f"{EVENT}.failed"
    )


def retry(table: Table, item_id: str) -> list[dict[str, Any]]:
    return table.send(f"{EVENT}.retry", item_id=item_id)


def test_it_works() -> None:
    table = Table()
    told = fail_utterance(table)
    assert told["can_retry"] is True
    assert retry(table, told["item_id"]) == []
    asked = table.find_last(commands.Transcribe)
    assert (asked.item_id, asked.pcm) == (told["item_id"], None)
    sent = table.report_transcript("Hello there.")
    assert get_kinds(sent) == [f"{EVENT}.completed", "response.created"]
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "Hello there."]
    stored = table.get_saved(told["item_id"])
    assert (stored.text, stored.error_code, stored.usage.stt_seconds) == ("Hello there.", "", 1.5)


def test_a_client_that_did_not_ask_sees_nothing_of_it() -> None:
    table = Table()
    table.say()
    told = table.fail_transcript(table.find_last(commands.Transcribe))
    assert "can_retry" not in told[0]


def test_it_may_fail_again_and_be_tried_again() -> None:
    table = Table()
    item_id = fail_utterance(table)["item_id"]
    retry(table, item_id)
    (told,) = table.fail_transcript(table.find_last(commands.Transcribe))
    assert (told["type"], told["can_retry"]) == (f"{EVENT}.failed", True)
    retry(table, item_id)
    assert get_kinds(table.report_transcript("Hello there.")) == [f"{EVENT}.completed", "response.created"]


def test_a_retry_that_hangs_ends_by_its_deadline() -> None:
    table = Table(limits=Limits(filler_sec=None))
    retry(table, fail_utterance(table)["item_id"])
    assert get_kinds(table.pass_time(60)) == [f"{EVENT}.failed"]


def test_sound_that_is_gone_is_not_offered_again() -> None:
    table = Table()
    item_id = fail_utterance(table)["item_id"]
    retry(table, item_id)
    gone = Failure("sound_not_stored", "Say it again.")
    (told,) = table.report(engine_events.TranscriptFailed(item_id, 0, gone))
    assert "can_retry" not in told
    assert get_kinds(retry(table, item_id)) == ["error"]


def test_after_the_talk_has_gone_on_only_the_words_come() -> None:
    table = Table()
    item_id = fail_utterance(table)["item_id"]
    table.run_turn("And now?")
    retry(table, item_id)
    assert get_kinds(table.report_transcript("Hello there.")) == [f"{EVENT}.completed"]


def test_where_the_client_asks_for_responses_only_the_words_come() -> None:
    table = Table(create_response=False)
    retry(table, fail_utterance(table)["item_id"])
    assert get_kinds(table.report_transcript("Hello there.")) == [f"{EVENT}.completed"]


def test_a_later_session_may_try_again() -> None:
    lost = LiveItem("item_lost", role="user", is_audio=True, audio_samples=48_000, error_code="engine_timeout")
    table = Table(items=(lost,))
    retry(table, "item_lost")
    assert get_kinds(table.report_transcript("Hello there.")) == [f"{EVENT}.completed", "response.created"]


def test_a_later_session_is_told_of_the_last_message_that_may_be_tried_again() -> None:
    lost = LiveItem("item_lost", role="user", is_audio=True, audio_samples=48_000, error_code="server_stopped")
    lost.error_message = "The server stopped."
    table = Table(items=(LiveItem("item_old", role="user", text="Hello."), lost))
    sent = table.send("session.update", session={"extensions": ["retry"]})
    assert get_kinds(sent) == ["session.updated", f"{EVENT}.failed"]
    assert (sent[-1]["item_id"], sent[-1]["can_retry"]) == ("item_lost", True)
    assert sent[-1]["error"]["message"] == "The server stopped."
    assert get_kinds(table.send("session.update", session={"extensions": ["retry"]})) == ["session.updated"]


@pytest.mark.parametrize("extensions", [["retry"], []])
def test_otherwise_it_is_told_nothing(extensions: list[str]) -> None:
    lost = LiveItem("item_lost", role="user", is_audio=True, audio_samples=48_000, error_code="server_stopped")
    items = (lost, LiveItem("item_new", role="user", text="Hello.")) if extensions else (lost,)
    assert get_kinds(Table(items=items).send("session.update", session={"extensions": extensions})) == [
        "session.updated"
    ]


@pytest.mark.parametrize("which", ["unknown", "heard", "typed", "awaited"])
def test_there_must_be_something_to_try_again(which: str) -> None:
    table = Table()
    table.run_turn()
    table.send("conversation.item.create", item={"id": "typed", "type": "message", "role": "user",
                                                   "content": [{"type": "input_text", "text": "Hi."}]})  # fmt: skip
    heard = next(event["item"]["id"] for event in table.events if event["type"] == "conversation.item.added")
    table.say()
    item_id = {"heard": heard, "awaited": table.find_last(commands.Transcribe).item_id}.get(which, which)
    assert get_kinds(retry(table, item_id)) == ["error"]


def test_what_is_not_stored_cannot_be_tried_again() -> None:
    table = Table(kind="transcription")
    table.machine.state.is_audio_stored = False
    told = fail_utterance(table)
    assert "can_retry" not in told
    assert get_kinds(retry(table, told["item_id"])) == ["error"]


def test_speech_to_speech_cannot_retry() -> None:
    assert get_kinds(RelayTable().send(f"{EVENT}.retry", item_id="item_1")) == ["error"]
