"""A transcript that fails is no empty success: the response that waits for it fails too."""

from conversations.realtime import commands
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.memory import NEXT


def test_words_that_failed_fail_the_response_that_waits_for_them() -> None:
    """Of a commit and a `response.create` in one packet (case 13)."""
    table = Table()
    table.disable_turn_detection()
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    table.send("response.create")
    sent = table.fail_transcript(table.find_last(commands.Transcribe))
    done = sent[-1]["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "engine_timeout")
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]
    table.send("conversation.item.create", item=NEXT)
    assert get_kinds(table.send("response.create")) == ["response.created"]


def test_words_that_come_too_late_fail_it_too() -> None:
    table = Table()
    table.disable_turn_detection()
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    table.send("response.create")
    assert [one["response"]["status"] for one in table.pass_time(60) if one["type"] == "response.done"] == ["failed"]
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def test_a_response_out_of_band_fails_with_the_words_that_it_is_about() -> None:
    table = Table()
    table.disable_turn_detection()
    table.send_audio(960)
    item_id = table.send("input_audio_buffer.commit")[0]["item_id"]
    about_it = [{"type": "item_reference", "id": item_id}]
    for given in ({}, {"input": about_it}, {"input": [NEXT]}):
        table.send("response.create", response={"conversation": "none", **given})
    sent = table.fail_transcript(table.find_last(commands.Transcribe))
    assert [one["response"]["status"] for one in sent if one["type"] == "response.done"] == ["failed", "failed"]
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "Go on."]


def test_the_words_of_an_item_that_was_deleted_are_not_missed() -> None:
    table = Table()
    table.disable_turn_detection()
    table.send("conversation.item.create", item=NEXT)
    table.send_audio(960)
    item_id = table.send("input_audio_buffer.commit")[0]["item_id"]
    table.send("response.create")
    table.send("conversation.item.delete", item_id=item_id)
    table.fail_transcript(table.find_last(commands.Transcribe))
    assert [message.words for message in table.find_last(commands.Generate).messages] == ["Be brief.", "Go on."]
