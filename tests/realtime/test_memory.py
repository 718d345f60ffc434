"""What is remembered of a reply is what was told and heard of it, however it ended.

The same words are shown to the model, stored as heard, and given to a later session.
"""

from collections.abc import Callable

import pytest

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem
from tests.support.realtime.harness import Table, kinds
from tests.support.realtime.relay_table import RelayTable

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


def test_all_of_a_reply_that_was_completed() -> None:
    table = asked()
    write_all(table)
    table.speak()
    assert remembered(table) == ["".join(CLAUSES)]


def test_nothing_of_words_that_were_not_told() -> None:
    """The model's stream breaks off without saying that it has ended (case 01a)."""
    table = asked()
    table.write("The code is 4711.")
    fail(table)
    assert remembered(table) == []


def test_what_sounded_before_a_clause_failed() -> None:
    """Text to speech fails at the second clause of three (case 01b)."""
    table = asked()
    write_all(table)
    say(table, 0)
    fail(table)
    assert remembered(table) == [CLAUSES[0].strip()]


def test_the_words_of_a_clause_that_broke_off() -> None:
    table = asked()
    write_all(table)
    say(table, 0)
    say(table, 1, 600, is_whole=False)
    fail(table)
    assert remembered(table) == [f"{CLAUSES[0]}Two is the"]


def test_what_was_told_of_a_reply_in_text() -> None:
    table = asked(modality="text")
    table.write("The code is ")
    table.write("4711")
    fail(table)
    assert remembered(table) == ["The code is 4711"]


def test_a_reply_that_was_cut_short_by_its_limit() -> None:
    table = asked()
    table.write(CLAUSES[0])
    table.end_text("length")
    table.speak()
    assert remembered(table) == [CLAUSES[0].strip()]


def test_a_reply_that_took_too_long() -> None:
    table = asked()
    write_all(table)
    say(table, 0)
    table.pass_time(200)
    assert remembered(table) == [CLAUSES[0].strip()]


def test_a_reply_that_was_cancelled_before_it_sounded() -> None:
    table = asked()
    write_all(table)
    table.client("response.cancel")
    assert remembered(table) == []


def test_a_reply_that_was_cancelled_amid_its_sound() -> None:
    table = asked()
    write_all(table)
    say(table, 0)
    say(table, 1)
    table.now += 1.0
    table.client("response.cancel")
    assert remembered(table) == [CLAUSES[0].strip()]


def test_who_speaks_over_what_is_left_of_a_reply_that_failed_has_heard_no_more() -> None:
    table = asked()
    write_all(table)
    say(table, 0, 4000)
    say(table, 1, 4000)
    fail(table)
    assert reply(table).played_text.strip() == "".join(CLAUSES[:2]).strip()
    table.now += 1.5
    table.audio(320, 0.9)
    assert reply(table).played_text == "One is"


def test_a_client_that_was_cut_off_amid_a_reply() -> None:
    table = asked()
    write_all(table)
    say(table, 0)
    say(table, 1)
    table.now += 1.0
    table.engine(engine_events.ClientGone(vanished=True))
    assert heard(table.saved(reply(table).id)) == CLAUSES[0].strip()


@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_server_that_is_killed_leaves_what_was_told(told: int) -> None:
    """What is stored at that moment is all that a later session knows."""
    table = asked()
    write_all(table)
    for index in range(told):
        say(table, index)
    stored = table.saved(reply(table).id)
    assert (stored.status, heard(stored)) == ("in_progress", "".join(CLAUSES[:told]).strip())


def test_a_server_that_is_killed_amid_a_reply_in_text() -> None:
    table = asked(modality="text")
    for word in ("One ", "two ", "three "):
        table.now += 1.1
        table.write(word)
    assert heard(table.saved(reply(table).id)) == "One two three"


def test_the_model_sees_all_that_it_wrote_in_the_same_response() -> None:
    """It goes on with what its tool brought, and what it wrote before that is about to be said."""
    table = asked()
    table.write("Let me look. ")
    table.engine(engine_events.ToolCallDelta(table.last(commands.Generate).response_id, 0, "call_1", "nothing", "{}"))
    table.end_text()
    said = [message.words for message in table.last(commands.Generate).messages if message.role == "assistant"]
    assert said == ["Let me look. ", ""]


# Speech to speech: words are told ahead of their sound.

WORDS = "One two three four five six seven eight nine ten."


def lost(table: RelayTable) -> None:
    table.lose()


def refused(table: RelayTable) -> None:
    error = {"type": "server_error", "code": "oops", "message": "It broke."}
    table.end("one", WORDS, "failed", status_details={"type": "failed", "error": error})


def cancelled(table: RelayTable) -> None:
    table.end("one", WORDS, "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})


def slow(table: RelayTable) -> None:
    table.wait(60)


def left(table: RelayTable) -> None:
    table.leave()


def killed(table: RelayTable) -> None:
    """Nothing more is stored."""


@pytest.mark.parametrize("ending", [lost, refused, cancelled, slow, left, killed])
def test_a_relayed_reply_is_remembered_as_far_as_it_sounded(ending: Callable[[RelayTable], None]) -> None:
    table = RelayTable()
    table.begin("one", WORDS, 1000)
    ending(table)
    assert heard(table.stored("item_one")) in ("One two three", "One two three four")


def test_a_new_connection_is_told_what_was_heard_of_a_relayed_reply() -> None:
    table = RelayTable()
    table.begin("one", WORDS, 1000)
    table.lose()
    table.connect()
    told = [event["item"]["content"][0]["text"] for event in table.told if event["type"] == "conversation.item.create"]
    assert told in (["One two three"], ["One two three four"])


# What fails is no empty success.


def test_words_that_failed_fail_the_response_that_waits_for_them() -> None:
    """Of a commit and a `response.create` in one packet (case 13)."""
    table = Table()
    table.manual()
    table.audio(960)
    table.client("input_audio_buffer.commit")
    table.client("response.create")
    sent = table.fail_transcript(table.last(commands.Transcribe))
    done = sent[-1]["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "engine_timeout")
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]
    table.client("conversation.item.create", item=NEXT)
    assert kinds(table.client("response.create")) == ["response.created"]


def test_words_that_come_too_late_fail_it_too() -> None:
    table = Table()
    table.manual()
    table.audio(960)
    table.client("input_audio_buffer.commit")
    table.client("response.create")
    assert [one["response"]["status"] for one in table.pass_time(60) if one["type"] == "response.done"] == ["failed"]
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def test_a_response_out_of_band_fails_with_the_words_that_it_is_about() -> None:
    table = Table()
    table.manual()
    table.audio(960)
    item_id = table.client("input_audio_buffer.commit")[0]["item_id"]
    about_it = [{"type": "item_reference", "id": item_id}]
    for given in ({}, {"input": about_it}, {"input": [NEXT]}):
        table.client("response.create", response={"conversation": "none", **given})
    sent = table.fail_transcript(table.last(commands.Transcribe))
    assert [one["response"]["status"] for one in sent if one["type"] == "response.done"] == ["failed", "failed"]
    assert [message.words for message in table.last(commands.Generate).messages] == ["Be brief.", "Go on."]


def test_the_words_of_an_item_that_was_deleted_are_not_missed() -> None:
    table = Table()
    table.manual()
    table.client("conversation.item.create", item=NEXT)
    table.audio(960)
    item_id = table.client("input_audio_buffer.commit")[0]["item_id"]
    table.client("response.create")
    table.client("conversation.item.delete", item_id=item_id)
    table.fail_transcript(table.last(commands.Transcribe))
    assert [message.words for message in table.last(commands.Generate).messages] == ["Be brief.", "Go on."]


# What is no speech has no words.


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


def test_relayed_noise_has_no_words() -> None:
    table = RelayTable()
    table.utterance("item_said", 0, 1000, None)
    table.words("item_said", "[BLANK_AUDIO]")
    assert table.stored("item_said").text == ""
    assert table.sent[-1]["transcript"] == ""


# An output belongs to a call.


def output(call_id: str = "call_weather", said: str = "Rain.") -> dict[str, str]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def test_an_output_of_an_unknown_call_is_refused() -> None:
    """Case 21."""
    table = Table()
    error = table.client("conversation.item.create", item=output("call_nowhere"), event_id="mine")[0]["error"]
    assert (error["type"], error["code"], error["event_id"]) == (
        "invalid_request_error", "invalid_tool_call_id", "mine")  # fmt: skip
    assert error["message"] == "Tool call ID 'call_nowhere' not found in conversation."
    assert not len(table.machine.state.log)


def test_an_output_of_a_call_that_the_server_ran_is_refused() -> None:
    ran = LiveItem(
        "item_ran",
        type="mcp_call",
        call={"call_id": "call_weather", "name": "w", "output": "Sun.", "arguments": "{}", "server_label": "site"},
    )
    table = Table(items=(ran,))
    error = table.client("conversation.item.create", item=output())[0]["error"]
    assert error["code"] == "invalid_tool_call_id"


def test_the_context_of_one_response_has_the_call_of_each_output() -> None:
    table = Table()
    call = {"type": "function_call", "call_id": "call_weather", "name": "weather", "arguments": "{}"}
    told = table.client("response.create", response={"conversation": "none", "input": [output()]})
    assert told[0]["error"]["code"] == "invalid_tool_call_id"
    table.client("response.create", response={"conversation": "none", "input": [call, output()]})
    assert [message.words for message in table.last(commands.Generate).messages] == ["Be brief.", "", "Rain."]


def test_a_later_output_of_a_call_takes_the_place_of_the_first() -> None:
    call = LiveItem("item_call", type="function_call", call={"call_id": "call_weather", "name": "w", "arguments": "{}"})
    table = Table(items=(call,))
    for said in ("Still looking.", "Rain."):
        assert kinds(table.client("conversation.item.create", item=output(said=said)))[-1] == "conversation.item.done"
    table.client("response.create")
    assert [message.words for message in table.last(commands.Generate).messages] == ["Be brief.", "", "Rain."]


def test_a_transcript_without_end_is_cut() -> None:
    table = Table()
    table.say()
    sent = table.transcript("Hello there. " * 1_000)
    assert sent[0]["transcript"] == ("Hello there. " * 1_000)[:10_000].strip()
