"""Captions without an assistant."""

from typing import Any

import pytest

from conversations.realtime import commands
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.state import SessionSetup
from tests.support.realtime.harness import Table, encode_silence, get_kinds
from tests.support.realtime.transcripts import ADDED, EVENT, HEARD

STREAMS = SessionSetup(has_streaming_stt=True)


def make_table(**given: Any) -> Table:
    return Table(kind="transcription", **given)


def update(talk: Table, **session: Any) -> dict[str, Any]:
    (sent,) = talk.send("session.update", session=session)
    return sent


def test_it_works() -> None:
    talk = make_table()
    sent = talk.say() + talk.report_transcript("Hello there.")
    assert get_kinds(sent) == [*HEARD, *ADDED, f"{EVENT}.completed"]
    assert len({event.get("item_id") or event["item"]["id"] for event in sent}) == 1
    assert sent[-1]["transcript"] == "Hello there."
    assert talk.get_saved(sent[-1]["item_id"]).text == "Hello there."
    assert not any(isinstance(action, commands.Generate) for action in talk.actions)


def test_the_session_has_the_users_half_only() -> None:
    created = make_table().events[0]
    assert created["type"] == "session.created"
    assert created["session"] == {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": "sess_1",
        "expires_at": 1_900_000_000,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": {"model": "stt-1"},
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                },
            }
        },
    }


@pytest.mark.parametrize("stores_captions", [True, False])
def test_a_session_that_becomes_one_is_stored_only_if_its_client_wants_that(stores_captions: bool) -> None:
    talk = Table(setup=SessionSetup(stores_captions=stores_captions))
    update(talk, type="transcription", audio={"input": {"transcription": {"model": "stt-1"}}})
    assert (commands.StopStoring() in talk.actions) is not stores_captions
    assert talk.machine.state.is_audio_stored is stores_captions


def test_the_engines_are_warmed_when_somebody_begins_to_speak() -> None:
    talk = make_table()
    talk.send_audio(ms=960, speech=0.0)
    assert commands.WarmEngines() not in talk.actions
    talk.say()
    assert talk.actions.count(commands.WarmEngines()) == 1


def test_an_update() -> None:
    talk = make_table()
    heard = {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-transcribe", "language": "de", "prompt": "Names."},
        "noise_reduction": {"type": "near_field"},
        "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
    }
    include = ["item.input_audio_transcription.logprobs"]
    shown = update(talk, type="transcription", audio={"input": heard}, include=include)["session"]
    assert (shown["audio"], shown["include"]) == ({"input": heard}, include)
    assert update(talk, audio={"input": {"turn_detection": None}})["session"]["audio"]["input"] == heard | {
        "turn_detection": None
    }


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"audio": {"input": {"format": {"type": "audio/mp3"}}}}, "session.audio.input.format.type"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 3}}}},
            "session.audio.input.turn_detection.threshold",
        ),
        ({"include": ["all"]}, "session.include.0"),
        ({"type": "realtime"}, "session.type"),
    ],
)
def test_a_wrong_value_is_named(session: dict[str, Any], param: str) -> None:
    assert update(make_table(), **session)["error"]["param"] == param


def test_what_belongs_to_an_assistant_is_ignored() -> None:
    talk = make_table()
    before = update(talk)["session"]
    assert update(talk, instructions=7, tools=7, audio={"output": {"speed": 9}})["session"] == before


def test_it_gives_no_response() -> None:
    talk = make_table()
    (refused,) = talk.send("response.create", event_id="mine")
    assert (refused["error"]["code"], refused["error"]["event_id"]) == ("invalid_value", "mine")
    assert "gives no responses" in refused["error"]["message"]
    update(talk, audio={"input": {"turn_detection": {"type": "server_vad", "create_response": True}}})
    assert get_kinds(talk.say() + talk.report_transcript("Hello."))[-1] == f"{EVENT}.completed"


def test_it_does_not_ask_whether_somebody_is_there() -> None:
    talk = make_table()
    update(talk, audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1_000}}})
    talk.say() + talk.report_transcript("Hello.")
    assert talk.pass_time(10) == []


def test_words_are_told_while_one_speaks() -> None:
    talk = make_table(setup=STREAMS)
    talk.send_audio(960, 0.9)
    (first,) = talk.hear("Good")
    (second,) = talk.hear("Good morning")
    assert (first["type"], first["delta"], second["delta"]) == (f"{EVENT}.delta", "Good", " morning")
    sent = talk.send_audio(640, 0.0) + talk.report_transcript("Good morning, all.")
    assert get_kinds(sent) == [
        "input_audio_buffer.speech_stopped",
        HEARD[2],
        *ADDED,
        f"{EVENT}.delta",
        f"{EVENT}.completed",
    ]
    assert (sent[-2]["delta"], sent[-1]["transcript"]) == (", all.", "Good morning, all.")
    assert {first["item_id"]} == {event.get("item_id", first["item_id"]) for event in sent}


def test_words_are_told_while_the_client_decides_when_to_commit() -> None:
    talk = make_table(setup=STREAMS)
    talk.disable_turn_detection()
    talk.send_audio(960)
    (delta,) = talk.hear("Good morning")
    assert delta["delta"] == "Good morning"
    sent = talk.send("input_audio_buffer.commit")
    assert get_kinds(sent) == ["input_audio_buffer.committed", *ADDED]
    assert sent[0]["item_id"] == delta["item_id"]
    assert get_kinds(talk.report_transcript("Good morning.")) == [f"{EVENT}.delta", f"{EVENT}.completed"]
    talk.send_audio(960)
    assert talk.hear("And")[0]["item_id"] != delta["item_id"]


def test_dictation_in_a_conversation_tells_words_to_who_asked_for_captions() -> None:
    talk = Table(setup=STREAMS)
    talk.disable_turn_detection()
    talk.send_audio(960)
    assert talk.hear("Good") == []
    talk.send("session.update", session={"extensions": ["captions"]})
    assert get_kinds(talk.hear("Good morning")) == [f"{EVENT}.delta"]


def test_a_session_becomes_one_before_anything_was_said() -> None:
    talk = Table()
    shown = update(talk, type="transcription")["session"]
    assert (shown["type"], shown["object"]) == ("transcription", "realtime.transcription_session")
    assert get_kinds(talk.say() + talk.report_transcript("Hello there."))[-1] == f"{EVENT}.completed"
    assert update(talk, type="realtime")["error"]["param"] == "session.type"


@pytest.mark.parametrize("what", ["an item", "audio", "a response"])
def test_a_session_becomes_none_once_something_was_said(what: str) -> None:
    talk = Table()
    if what == "an item":
        part = {"type": "input_text", "text": "Hi"}
        talk.send("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    elif what == "audio":
        talk.send("input_audio_buffer.append", audio=encode_silence(20))
    else:
        talk.send("response.create")
    refused = update(talk, type="transcription")
    assert refused["error"]["param"] == "session.type"
    assert update(talk)["session"]["type"] == "realtime"


def test_in_beta() -> None:
    talk = make_table(dialect=BetaDialect())
    given = {
        "input_audio_format": "g711_ulaw",
        "input_audio_transcription": {"model": "whisper-1", "language": "de"},
        "input_audio_noise_reduction": {"type": "far_field"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.6,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 400,
        },
        "include": ["item.input_audio_transcription.logprobs"],
    }
    sent = talk.send("transcription_session.update", session=given | {"client_secret": {}, "modalities": ["text"]})
    assert get_kinds(sent) == ["transcription_session.updated"]
    shown = sent[0]["session"]
    assert shown == given | {key: shown[key] for key in ("id", "object", "expires_at")}
    assert shown["object"] == "realtime.transcription_session"
    assert get_kinds(talk.say() + talk.report_transcript("Hello.")) == [
        *HEARD,
        "conversation.item.created",
        f"{EVENT}.completed",
    ]


def test_in_beta_a_mistake_is_named_as_beta_spells_it() -> None:
    talk = make_table(dialect=BetaDialect())
    (refused,) = talk.send("transcription_session.update", session={"turn_detection": {"threshold": 7}})
    assert refused["error"]["param"] == "session.turn_detection.threshold"


def test_in_beta_it_is_announced_by_its_own_event() -> None:
    told = BetaDialect().translate_server_event(make_table().events[0])
    assert told is not None
    assert told["type"] == "transcription_session.created"
