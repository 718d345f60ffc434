"""The official Python client, in its synchronous form; `tests/sdk/` holds conversations with the asynchronous one."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from openai import OpenAI
from openai.resources.realtime.realtime import RealtimeConnection

from tests.support.clients.checks import REFUSALS, Events, check_events, check_refusals, list_kinds, select_events
from tests.support.clients.turns import WEATHER
from tests.support.live import Site
from tests.support.official_client import FRAME, drop_repeats
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.upstream.fixtures import Upstream

pytestmark = [
    pytest.mark.usefixtures("committed_db"),
    # The client opens its socket in a way that `websockets` would rather not see any more.
    pytest.mark.filterwarnings("ignore:connect\\(\\) must be used as a context manager:DeprecationWarning"),
]

MANUAL: Any = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
Connect = Callable[..., AbstractContextManager["Talk"]]


class Talk:
    """One connection of the client. The test's own timeout ends a wait for an event that does not come."""

    def __init__(self, connection: RealtimeConnection) -> None:
        self.send = connection
        self.events: Events = []

    def wait_for(self, kind: str) -> dict[str, Any]:
        while not self.events or self.events[-1]["type"] != kind:
            self._receive_next()
        return self.events[-1]

    def wait_for_next(self, kind: str) -> dict[str, Any]:
        """Wait for one more event of a kind, even if the last one was of that kind."""
        self._receive_next()
        return self.wait_for(kind)

    def _receive_next(self) -> None:
        self.events.append(json.loads(self.send.recv_bytes()))

    def type(self, text: str) -> None:
        part: Any = {"type": "input_text", "text": text}
        self.send.conversation.item.create(item={"type": "message", "role": "user", "content": [part]})
        self.send.response.create()

    def send_frame(self, frame: str) -> None:
        """Send a frame as it is, past the official client's own checks."""
        self.send._connection.send(frame)

    def say(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), FRAME):
            self.send.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + FRAME]).decode())
        self.send.input_audio_buffer.append(audio=base64.b64encode(bytes(10 * FRAME)).decode())


@pytest.fixture
def connect(site: Site, key: str, upstream: Upstream) -> Connect:
    @contextmanager
    def open_talk(**query: str) -> Iterator[Talk]:
        client = OpenAI(api_key=key, base_url=f"{site.url}/v1", websocket_base_url=f"{site.ws_url}/v1")
        with client.realtime.connect(model="any", extra_query=query) as connection:
            talk = Talk(connection)
            yield talk
        check_events(talk.events)

    return open_talk


def test_text_and_a_later_connection(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=("I shall remember it.", "Tom."))
    with connect() as talk:
        conversation_id = talk.wait_for("conversation.created")["conversation"]["id"]
        talk.type("My cat is called Tom.")
        talk.wait_for("response.done")
    assert drop_repeats(list_kinds(talk.events))[-len(SPOKEN_REPLY) :] == SPOKEN_REPLY
    with connect(conversation=conversation_id) as later:
        later.type("What is my cat called?")
        done = later.wait_for("response.done")
    assert done["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": "Tom."}]
    assert [event["item"]["id"] for event in select_events(later.events, "conversation.item.added")][:2] == [
        event["item"]["id"] for event in select_events(talk.events, "conversation.item.added")
    ]


def test_voice_by_detection_and_by_hand(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Good morning.", "And good night."), replies=("Hello.", "Sleep well."))
    with connect() as talk:
        talk.say(utterance)
        talk.wait_for("response.done")
        talk.send.session.update(session=MANUAL)
        talk.wait_for("session.updated")
        talk.say(utterance)
        talk.send.input_audio_buffer.commit()
        talk.send.response.create()
        talk.wait_for("response.done")
    completed = select_events(talk.events, "conversation.item.input_audio_transcription.completed")
    assert [event["transcript"] for event in completed] == ["Good morning.", "And good night."]
    assert len(select_events(talk.events, "input_audio_buffer.speech_started")) == 1


def test_interruption(connect: Connect, upstream: Upstream, utterance: bytes) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    with connect() as talk:
        talk.say(utterance)
        item_id = talk.wait_for("response.output_audio.delta")["item_id"]
        talk.say(utterance)
        assert talk.wait_for("response.done")["response"]["status_details"]["reason"] == "turn_detected"
        talk.send.conversation.item.truncate(item_id=item_id, content_index=0, audio_end_ms=40)
        assert talk.wait_for("conversation.item.truncated")["audio_end_ms"] == 40


def test_a_function(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "weather", "arguments": {"city": "Oslo"}}]}, "It rains."))
    tools: Any = {"type": "realtime", "tools": [WEATHER]}
    with connect() as talk:
        talk.send.session.update(session=tools)
        talk.type("How is the weather in Oslo?")
        call = talk.wait_for("response.function_call_arguments.done")
        output: Any = {"type": "function_call_output", "call_id": call["call_id"], "output": "Rain."}
        talk.send.conversation.item.create(item=output)
        talk.send.response.create()
        talk.wait_for("response.done")
        done = talk.wait_for_next("response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "It rains."


def test_what_is_refused(connect: Connect) -> None:
    mine: Any = {"id": "mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
    with connect() as talk:
        talk.send.conversation.item.create(item=mine)
        talk.send.response.create()
        talk.wait_for("response.done")
        for refusal in json.loads(REFUSALS.read_text()):
            send = refusal["send"]
            if isinstance(send, str):
                talk.send_frame(send)
            else:
                talk.send.send(send)
            talk.wait_for_next("error")
    check_refusals([event["error"] for event in select_events(talk.events, "error")])


async def test_two_at_once(connect: Connect, upstream: Upstream) -> None:
    """Both belong to one user, and neither hears of the other while both answers are written."""
    upstream.behave("chat", piece_ms=30)

    def converse(name: str) -> Events:
        with connect() as talk:
            for turn in range(3):
                talk.type(f"{name} {turn}")
                talk.wait_for_next("response.done")
        return talk.events

    both = await asyncio.gather(*(asyncio.to_thread(converse, name) for name in ("Ann", "Bob")))
    for name, events in zip(("Ann", "Bob"), both, strict=True):
        replies = [
            done["response"]["output"][0]["content"][0]["transcript"] for done in select_events(events, "response.done")
        ]
        assert replies == [f"You said: {name} {turn}" for turn in range(3)]
