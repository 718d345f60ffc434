"""One reply over the emulated upstream: ahead, in order, and gone at once when it is cancelled."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.openai.llm import ChatCompletions
from conversations.engines.openai.tts import Speech
from conversations.network import http
from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.session.engine_calls.clause_speech import FRAME_BYTES
from conversations.session.engine_calls.generation import LEAD_SEC, MAX_STREAMS, Generation, PlaybackLead
from conversations.session.engine_calls.text_completion import PIECE_CHARS
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

LONG = "A clause of a hundred characters takes six and a half seconds to say, which is most of the lead. . ."


@pytest.fixture(autouse=True)
async def connections() -> AsyncIterator[None]:
    yield
    await http.close_clients()


class Stage:
    """A reply, and what it reports. With `clauses` it is given them at once, and no more."""

    def __init__(
        self, upstream: Upstream, *clauses: str, is_preemptive: bool = False, timeout_sec: float = 15.0
    ) -> None:
        llm = EngineSpec("openai", "gpt-6-luna", base_url=upstream.openai_url, timeout_sec=timeout_sec)
        tts = EngineSpec("openai", "tts-1", base_url=upstream.openai_url, timeout_sec=timeout_sec)
        asked = commands.Generate("resp_1", [ContextMessage("user", "Hello.")], None, is_preemptive=is_preemptive)
        self.reply = Generation(asked, ChatCompletions(llm), Speech(tts), tts, "en", self.take)
        self.events: list[Any] = []
        self._changed = asyncio.Event()
        self._clauses = count()
        self.speak(*clauses)
        if clauses:
            self.reply.end_speech()

    def speak(self, *clauses: str) -> None:
        for text in clauses:
            self.reply.speak(commands.SpeakClause("resp_1", next(self._clauses), text, "", 1.0))

    def take(self, event: Any) -> None:
        self.events.append(event)
        self._changed.set()

    def get_pcm(self, index: int | None = None) -> bytes:
        audio = [event for event in self.events if isinstance(event, engine_events.SpeechAudio)]
        return b"".join(event.pcm for event in audio if index in (None, event.index))

    def list_done(self) -> list[int]:
        return [event.index for event in self.events if isinstance(event, engine_events.SpeechDone)]

    def list_failures(self) -> list[str]:
        return [event.failure.code for event in self.events if isinstance(event, engine_events.GenerationFailed)]

    async def wait_until(self, condition: Any) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def measure_sec(pcm: bytes) -> float:
    return len(pcm) / BYTES_PER_MS / 1000


async def wait_for_requests(
    upstream: Upstream, state: str, count: int = 1, endpoint: str = "speech"
) -> list[dict[str, Any]]:
    return await asyncio.to_thread(upstream.wait_for, endpoint, state, count)


async def test_it_works(upstream: Upstream) -> None:
    upstream.script(replies=("Sure, I can.",))
    stage = Stage(upstream, "Sure, ", "I can.")
    await stage.reply.run()
    assert "".join(event.text for event in stage.events if isinstance(event, engine_events.TextDelta)) == "Sure, I can."
    assert len([event for event in stage.events if isinstance(event, engine_events.GenerationDone)]) == 1
    assert (stage.get_pcm(0), stage.get_pcm(1)) == (make_speech("Sure, "), make_speech("I can."))
    assert stage.list_done() == [0, 1]
    spoken = [
        event for event in stage.events if isinstance(event, engine_events.SpeechAudio | engine_events.SpeechDone)
    ]
    assert [event.index for event in spoken] == sorted(event.index for event in spoken)
    assert all(len(event.pcm) <= FRAME_BYTES for event in spoken if isinstance(event, engine_events.SpeechAudio))


async def test_clauses_are_synthesised_side_by_side_and_leave_in_order(upstream: Upstream) -> None:
    """The first one hangs: the next ones are there before it, and wait for it."""
    upstream.behave("speech", fault="hang", fault_times=1)
    stage = Stage(upstream, timeout_sec=2.0)
    stage.speak("One.")
    running = asyncio.create_task(stage.reply.run())
    await wait_for_requests(upstream, "received")  # each has a connection of its own, and may overtake the others
    stage.speak("Two.", "Three.", "Four.")
    stage.reply.end_speech()
    await wait_for_requests(upstream, "received", MAX_STREAMS + 1)
    await wait_for_requests(upstream, "done", MAX_STREAMS)
    assert stage.get_pcm() == b""
    await running
    assert (stage.get_pcm(), stage.list_failures()) == (b"", ["engine_timeout"])


async def test_no_more_streams_than_agreed(upstream: Upstream) -> None:
    upstream.behave("speech", fault="hang")
    stage = Stage(upstream, "One.", "Two.", "Three.", "Four.", "Five.")
    running = asyncio.create_task(stage.reply.run())
    await wait_for_requests(upstream, "received", MAX_STREAMS)
    running.cancel()
    await asyncio.wait([running])
    await wait_for_requests(upstream, "closed_by_peer", MAX_STREAMS)
    assert len(upstream.list_requests("speech")) == MAX_STREAMS


async def test_a_later_clause_that_hangs_keeps_nothing_earlier_waiting(upstream: Upstream) -> None:
    stage = Stage(upstream)
    running = asyncio.create_task(stage.reply.run())
    stage.reply.speak(commands.SpeakClause("resp_1", 0, LONG, "", 1.0))
    await wait_for_requests(upstream, "streaming")
    upstream.behave("speech", fault="hang")
    stage.reply.speak(commands.SpeakClause("resp_1", 1, "And so on.", "", 1.0))
    await stage.wait_until(lambda: stage.list_done() == [0])
    assert stage.get_pcm() == make_speech(LONG)
    running.cancel()
    await asyncio.wait([running])


async def test_the_first_sound_does_not_wait_for_a_whole_frame(upstream: Upstream) -> None:
    upstream.behave("speech", piece_bytes=50 * BYTES_PER_MS, fault="hang", fault_after=1)
    stage = Stage(upstream, "Hello there.")
    running = asyncio.create_task(stage.reply.run())
    await stage.wait_until(stage.get_pcm)
    assert stage.get_pcm() == make_speech("Hello there.")[: 50 * BYTES_PER_MS]
    running.cancel()
    await asyncio.wait([running])


async def test_a_clause_without_words_has_no_sound(upstream: Upstream) -> None:
    stage = Stage(upstream, "One.", "", "Three.")
    await stage.reply.run()
    assert (stage.list_done(), stage.get_pcm(1)) == ([0, 1, 2], b"")
    assert len(upstream.list_requests("speech")) == 2


async def test_a_held_reply_comes_up_to_the_lead_and_no_further(upstream: Upstream) -> None:
    stage = Stage(upstream, LONG * 2, is_preemptive=True)
    running = asyncio.create_task(stage.reply.run())
    await stage.wait_until(lambda: measure_sec(stage.get_pcm()) > LEAD_SEC - 0.4)
    assert measure_sec(stage.get_pcm()) <= LEAD_SEC
    stage.reply.release()
    await stage.wait_until(lambda: measure_sec(stage.get_pcm()) > LEAD_SEC)
    running.cancel()
    await asyncio.wait([running])


async def test_a_reply_held_amid_its_speech_goes_on_from_there(upstream: Upstream) -> None:
    stage = Stage(upstream, LONG * 2)
    running = asyncio.create_task(stage.reply.run())
    await stage.wait_until(stage.get_pcm)
    stage.reply.hold()
    await stage.wait_until(lambda: measure_sec(stage.get_pcm()) > LEAD_SEC - 0.4)
    stage.reply.release()
    await stage.wait_until(lambda: measure_sec(stage.get_pcm()) > LEAD_SEC + 0.4)
    running.cancel()
    await asyncio.wait([running])


async def test_clauses_that_are_not_near_are_not_asked_for(upstream: Upstream) -> None:
    stage = Stage(upstream, *[LONG] * 5, is_preemptive=True)
    running = asyncio.create_task(stage.reply.run())
    await stage.wait_until(lambda: measure_sec(stage.get_pcm()) > LEAD_SEC / 2 - 0.4)
    assert measure_sec(stage.get_pcm()) <= LEAD_SEC
    running.cancel()
    await asyncio.wait([running])
    assert len(upstream.list_requests("speech")) <= MAX_STREAMS


async def test_a_clause_that_came_in_one_piece_leaves_the_one_before_it_its_room(upstream: Upstream) -> None:
    upstream.behave("speech", first_byte_ms=300)
    stage = Stage(upstream, is_preemptive=True)
    running = asyncio.create_task(stage.reply.run())
    stage.reply.speak(commands.SpeakClause("resp_1", 0, "One.", "", 1.0))
    await wait_for_requests(upstream, "received")
    upstream.behave("speech", first_byte_ms=0, piece_bytes=10_000_000)
    stage.reply.speak(commands.SpeakClause("resp_1", 1, LONG * 2, "", 1.0))
    await stage.wait_until(lambda: stage.list_done() == [0])
    assert stage.get_pcm(0) == make_speech("One.")
    running.cancel()
    await asyncio.wait([running])


async def test_cancelling_closes_every_stream_upstream_at_once(upstream: Upstream) -> None:
    upstream.behave("chat", fault="hang", fault_after=1)
    upstream.behave("speech", fault="hang", fault_after=1)
    stage = Stage(upstream, "One.", "Two.", "Three.")
    running = asyncio.create_task(stage.reply.run())
    await wait_for_requests(upstream, "streaming", MAX_STREAMS)
    await wait_for_requests(upstream, "streaming", endpoint="chat")
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    await wait_for_requests(upstream, "closed_by_peer", MAX_STREAMS)
    await wait_for_requests(upstream, "closed_by_peer", endpoint="chat")


async def test_what_sounded_before_a_clause_failed_stays(upstream: Upstream) -> None:
    stage = Stage(upstream)
    running = asyncio.create_task(stage.reply.run())
    stage.reply.speak(commands.SpeakClause("resp_1", 0, LONG, "", 1.0))
    await wait_for_requests(upstream, "streaming")
    upstream.behave("speech", fault="401")
    stage.reply.speak(commands.SpeakClause("resp_1", 1, "Two.", "", 1.0))
    stage.reply.speak(commands.SpeakClause("resp_1", 2, "Three.", "", 1.0))
    await running
    assert stage.get_pcm() == make_speech(LONG)
    assert (stage.list_done(), stage.list_failures()) == ([0], ["invalid_provider_key"])


async def test_a_model_that_fails_ends_the_reply_once(upstream: Upstream) -> None:
    upstream.behave("chat", fault="500")
    stage = Stage(upstream)
    await stage.reply.run()
    assert stage.list_failures() == ["engine_unavailable"]


async def test_a_reply_in_one_piece_lets_others_in(upstream: Upstream) -> None:
    reply = "x" * (4 * PIECE_CHARS)
    upstream.script(replies=(reply,))
    stage = Stage(upstream)
    stage.reply.end_speech()
    await stage.reply.run()
    pieces = [event.text for event in stage.events if isinstance(event, engine_events.TextDelta)]
    assert "".join(pieces) == reply
    assert len(pieces) == 4


async def test_clauses_that_are_withdrawn_are_not_heard(upstream: Upstream) -> None:
    """Others come under their numbers, while their speech is still being made."""
    upstream.behave("speech", first_byte_ms=300)
    stage = Stage(upstream)
    stage.speak("The user wants.", "I should.", "Perhaps.", "Or not.", "Well.")
    running = asyncio.create_task(stage.reply.run())
    await wait_for_requests(upstream, "received", MAX_STREAMS)
    stage.reply.drop_clauses(0)
    stage.reply.speak(commands.SpeakClause("resp_1", 0, "Four.", "", 1.0))
    stage.reply.speak(commands.SpeakClause("resp_1", 1, "Yes.", "", 1.0))
    stage.reply.end_speech()
    await running
    assert (stage.get_pcm(0), stage.get_pcm(1)) == (make_speech("Four."), make_speech("Yes."))
    assert (stage.list_done(), stage.list_failures()) == ([0, 1], [])


async def test_the_clause_that_sounds_is_not_withdrawn(upstream: Upstream) -> None:
    stage = Stage(upstream)
    stage.speak(LONG, "I should.")
    running = asyncio.create_task(stage.reply.run())
    await stage.wait_until(lambda: stage.get_pcm(0))
    stage.reply.drop_clauses(1)
    stage.reply.speak(commands.SpeakClause("resp_1", 1, "Four.", "", 1.0))
    stage.reply.end_speech()
    await running
    assert (stage.get_pcm(0), stage.get_pcm(1)) == (make_speech(LONG), make_speech("Four."))


def test_the_lead_is_what_was_sent_and_not_yet_played() -> None:
    lead = PlaybackLead()
    assert lead.measure_sec(10.0) == 0.0
    lead.add(2.0, 10.0)
    lead.add(1.0, 10.5)
    assert lead.measure_sec(11.0) == 2.0


def test_a_client_that_ran_dry_has_no_debt() -> None:
    lead = PlaybackLead()
    lead.add(1.0, 10.0)
    assert lead.measure_sec(15.0) == 0.0
    lead.add(1.0, 15.0)
    assert lead.measure_sec(15.5) == 0.5


def test_what_is_sent_while_playback_is_held_adds_up() -> None:
    lead = PlaybackLead()
    lead.add(3.0, 10.0)
    lead.hold(11.0)
    lead.hold(12.0)
    lead.add(1.0, 15.0)
    assert (lead.measure_sec(20.0), lead.is_held) == (3.0, True)
    lead.release(30.0)
    assert (lead.measure_sec(31.0), lead.is_held) == (2.0, False)


def test_a_release_of_what_was_not_held_changes_nothing() -> None:
    lead = PlaybackLead()
    lead.add(3.0, 10.0)
    lead.release(11.0)
    assert lead.measure_sec(11.0) == 2.0


def test_what_began_held_plays_from_its_release() -> None:
    lead = PlaybackLead(is_held=True)
    lead.add(3.0, 10.0)
    lead.release(15.0)
    assert lead.measure_sec(16.0) == 2.0


def test_a_client_that_keeps_speech_as_a_file_has_no_lead() -> None:
    lead = PlaybackLead(plays_live=False)
    lead.add(60.0, 10.0)
    assert lead.measure_sec(10.0) == 0.0
