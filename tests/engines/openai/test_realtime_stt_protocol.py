"""What upstream may do and the emulated one does not: the protocol without a socket."""

import asyncio
import json
from base64 import b64encode
from typing import Any

import pytest

from conversations.engines.base import NO_HINTS, EngineSpec, Hints, Transcript
from conversations.engines.errors import EngineQuotaError, EngineUnavailable
from conversations.engines.openai.account import Account
from conversations.engines.openai.realtime_stt_pieces import join_texts
from conversations.engines.openai.realtime_stt_protocol import TRANSCRIPTION, RealtimeTranscriptionProtocol

SECOND = bytes(48_000)
FRAME = bytes(960)  # 20 ms, as official clients send them


class Upstream:
    """Both ends of one session, in the hands of the test."""

    def __init__(self) -> None:
        self.partials: list[str] = []
        self.protocol = RealtimeTranscriptionProtocol(
            "gpt-live", Account("stt", EngineSpec("openai")), self.partials.append
        )
        self.protocol.begin(NO_HINTS)

    def take_frames(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in iter(self.protocol.take_frame, None)]

    def take_kinds(self) -> list[str]:
        return [frame["type"].removeprefix("input_audio_buffer.") for frame in self.take_frames()]

    def say(self) -> "asyncio.Future[Transcript]":
        self.protocol.send(SECOND)
        return self.protocol.commit()

    def report_committed(self, item_id: str) -> None:
        self.protocol.receive({"type": "input_audio_buffer.committed", "item_id": item_id})

    def report_delta(self, item_id: str, words: str) -> None:
        self.protocol.receive({"type": f"{TRANSCRIPTION}delta", "item_id": item_id, "delta": words})

    def report_completed(self, item_id: str, words: str, **fields: object) -> None:
        event = {"type": f"{TRANSCRIPTION}completed", "item_id": item_id, "transcript": words}
        self.protocol.receive({**event, **fields})

    def report_error(self, **fields: object) -> None:
        self.protocol.receive({"type": "error", "error": fields})


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


async def test_it_works(upstream: Upstream) -> None:
    words = upstream.say()
    assert upstream.take_kinds() == ["session.update", "append", "commit"]
    upstream.report_delta("item_1", "Good ")
    upstream.report_committed("item_1")
    upstream.report_delta("item_1", "morning")
    assert not words.done()
    upstream.report_completed("item_1", "Good morning.", usage={"type": "duration", "seconds": 1.5})
    assert words.result() == Transcript("Good morning.", 1.5)
    assert upstream.partials == ["Good", "Good morning", "Good morning."]


async def test_short_frames_are_gathered_until_they_are_worth_an_append(upstream: Upstream) -> None:
    sent = []
    for _ in range(7):
        upstream.protocol.send(FRAME)
        sent += [len(frame["audio"]) for frame in upstream.take_frames() if "audio" in frame]
    assert sent == [len(b64encode(3 * FRAME))] * 2
    assert not upstream.protocol.has_audio_to_send
    upstream.protocol.commit()  # sends the rest at once
    assert upstream.take_kinds() == ["append", "commit"]


async def test_items_are_completed_in_any_order(upstream: Upstream) -> None:
    first, second = upstream.say(), upstream.say()
    upstream.take_frames()
    upstream.report_committed("item_1")
    upstream.report_committed("item_2")
    upstream.report_completed("item_2", "two.")
    assert not first.done()
    assert not second.done()
    upstream.report_completed("item_1", "One")
    assert (first.result().text, second.result().text) == ("One", "One two.")


async def test_words_of_what_is_being_cleared_are_nobodys(upstream: Upstream) -> None:
    upstream.protocol.send(SECOND)
    upstream.take_frames()
    upstream.protocol.begin(NO_HINTS)
    words = upstream.say()
    assert upstream.take_kinds() == ["clear", "append", "commit"]
    upstream.report_delta("item_1", "Old.")
    upstream.protocol.receive({"type": "input_audio_buffer.cleared"})
    upstream.report_committed("item_2")
    upstream.report_completed("item_2", "New.")
    assert words.result().text == "New."
    assert upstream.partials == ["New."]


async def test_a_new_connection_is_told_what_is_not_settled(upstream: Upstream) -> None:
    upstream.say()
    second = upstream.say()
    upstream.take_frames()
    upstream.report_committed("item_1")
    upstream.report_completed("item_1", "One")
    upstream.report_delta("item_2", "tw")
    upstream.protocol.send(SECOND)
    upstream.protocol.restart()
    assert upstream.take_kinds() == ["session.update", "append", "commit", "append"]
    upstream.report_delta("item_7", "two")
    upstream.report_committed("item_7")
    upstream.report_completed("item_7", "two.")
    assert second.result().text == "One two."


async def test_a_new_connection_is_not_told_what_nobody_waits_for(upstream: Upstream) -> None:
    upstream.say().cancel()
    upstream.take_frames()
    upstream.protocol.begin(NO_HINTS)
    words = upstream.say()
    upstream.take_frames()
    upstream.protocol.restart()
    assert upstream.take_kinds() == ["session.update", "append", "commit"]
    upstream.report_committed("item_2")
    upstream.report_completed("item_2", "New.")
    assert words.result().text == "New."


async def test_upstream_counts_less_audio_than_we_do(upstream: Upstream) -> None:
    words = upstream.say()
    commit = upstream.take_frames()[-1]
    upstream.report_error(
        type="invalid_request_error", code="input_audio_buffer_commit_empty", event_id=commit["event_id"]
    )
    assert words.result() == Transcript("", 0.0)


async def test_a_commit_that_is_refused_fails_its_utterance_alone(upstream: Upstream) -> None:
    words = upstream.say()
    commit = upstream.take_frames()[-1]
    upstream.report_error(type="insufficient_quota", code="insufficient_quota", event_id=commit["event_id"])
    with pytest.raises(EngineQuotaError):
        words.result()
    with pytest.raises(EngineQuotaError):
        upstream.say()
    upstream.protocol.begin(NO_HINTS)
    words = upstream.say()
    upstream.take_frames()
    upstream.report_committed("item_2")
    upstream.report_completed("item_2", "Again.")
    assert words.result().text == "Again."


async def test_an_error_that_names_no_event_ends_the_session(upstream: Upstream) -> None:
    with pytest.raises(EngineUnavailable, match="server_error"):
        upstream.report_error(type="server_error", message="Sorry.")


async def test_new_hints_come_before_the_audio_that_they_are_for(upstream: Upstream) -> None:
    upstream.take_frames()
    upstream.protocol.begin(Hints("fr"))
    upstream.protocol.send(SECOND)
    update, append = upstream.take_frames()
    assert update["session"]["audio"]["input"]["transcription"] == {"model": "gpt-live", "language": "fr"}
    assert append["type"] == "input_audio_buffer.append"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": None},
        {"type": "input_audio_buffer.committed"},
        {"type": f"{TRANSCRIPTION}delta", "item_id": [], "delta": {}},
        {"type": f"{TRANSCRIPTION}completed", "item_id": "item_9", "transcript": None, "usage": 7},
        {"type": f"{TRANSCRIPTION}failed", "item_id": "item_9", "error": None},
    ],
)
async def test_nonsense_changes_nothing(upstream: Upstream, event: dict[str, Any]) -> None:
    upstream.protocol.receive(event)
    assert upstream.partials == []


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["I would like", "two tickets."], "I would like two tickets."),
        ([" One ", "", "two"], "One two"),
        (["Ja", ", bitte."], "Ja, bitte."),
        (["今日は", "いい天気です。"], "今日はいい天気です。"),
        (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["안녕하세요", "여러분"], "안녕하세요 여러분"),
    ],
)
def test_pieces_are_joined_as_their_script_is(pieces: list[str], text: str) -> None:
    assert join_texts(pieces) == text
