"""POST /v1/voice/turns on a live site: sound in, speech or events out, and stored like any turn."""

import json
import shlex
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
from asgiref.sync import sync_to_async

from accounts.keys import api_keys
from accounts.models import User
from conversations.audio import uploads
from conversations.models import Assistant, Conversation
from conversations.pcm import BYTES_PER_MS
from tests.support.http_turns import EVENTS, HEADERS, WAV, build_client, make_wav, measure_sec, parse_raw_events
from tests.support.live import ROOT, Site
from tests.support.official_client import load_items, load_sound, synthesize_speech
from tests.support.realtime import wire
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.support.sound_files import make_sound_file, measure_likeness
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

pytestmark = pytest.mark.usefixtures("committed_db", "upstream")
TURNS = "/v1/voice/turns"
REPLY = "I can hear you very well, thank you."


async def test_it_works(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Can you hear me?",), replies=(REPLY,))
    answer = await caller.post(TURNS, content=make_wav(utterance))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/ogg; codecs=opus"
    conversation_id, question_id, response_id, reply_id = (answer.headers[name] for name in HEADERS)
    question, reply = await load_items(conversation_id)
    assert (question.public_id, question.text, question.is_audio) == (question_id, "Can you hear me?", True)
    assert (reply.public_id, reply.response_id, reply.text) == (reply_id, response_id, REPLY)
    assert (reply.status, reply.heard_text) == ("completed", None)
    assert reply.waterfall.keys() >= {"endpoint", "first_token", "first_audio", "done"}
    assert measure_likeness(await load_sound(question), utterance) > 0.8
    assert measure_likeness(await uploads.decode(answer.content), await load_sound(reply)) > 0.9


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("audio/ogg", "audio/ogg"),
        ("audio/mpeg", "audio/mpeg"),
        ("audio/ogg;q=0.2, audio/wav;q=0.9, text/event-stream;q=0.3", "audio/wav"),
    ],
)
async def test_the_file_that_is_asked_for(
    caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes, accept: str, kind: str
) -> None:
    upstream.script(replies=(REPLY,))
    answer = await caller.post(TURNS, content=make_wav(utterance), headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == kind
    pcm = await uploads.decode(answer.content)
    assert abs(len(pcm) - len(make_speech(REPLY))) < 150 * BYTES_PER_MS
    assert pcm.strip(b"\0")


async def test_pcm(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(replies=(REPLY,))
    answer = await caller.post(TURNS, content=make_wav(utterance), headers={"Accept": "audio/pcm"})
    assert answer.headers["content-type"] == "audio/pcm; rate=24000; channels=1"
    assert (
        measure_likeness(answer.content, await load_sound((await load_items(answer.headers["x-conversation-id"]))[1]))
        > 0.9
    )


async def test_a_type_that_is_not_served(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    answer = await caller.post(TURNS, content=make_wav(utterance), headers={"Accept": "text/html"})
    assert answer.status_code == 406
    assert "audio/ogg" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        ("flac", "flac"),
        ("mp3", "libmp3lame"),
        ("ogg", "libopus"),
        ("webm", "libopus"),
        ("ipod", "aac"),
        ("adts", "aac"),
    ],
)
async def test_the_file_that_is_sent(
    caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes, container: str, codec: str
) -> None:
    upstream.script(transcripts=("Any container will do.",))
    answer = await caller.post(TURNS, content=make_sound_file(utterance, container, codec), headers=WAV)
    question, _ = await load_items(answer.headers["x-conversation-id"])
    assert question.text == "Any container will do."
    assert measure_likeness(await load_sound(question), utterance, most_shift_ms=120) > 0.8


async def test_an_upload_of_unknown_length(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    async def stream_pieces() -> AsyncIterator[bytes]:
        whole = make_wav(utterance)
        for start in range(0, len(whole), 10_000):
            yield whole[start : start + 10_000]

    answer = await caller.post(TURNS, content=stream_pieces(), headers=WAV)
    assert "content-length" not in answer.request.headers
    assert measure_sec(await uploads.decode(answer.content)) > 0.5


async def test_a_form(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    files = {"file": ("question.wav", make_wav(utterance), "audio/wav")}
    answer = await caller.post(TURNS, files=files, data={"note": "not read"}, headers=WAV)
    assert measure_sec(await uploads.decode(answer.content)) > 0.5


async def test_the_events_of_the_socket(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Can you hear me?",), replies=(REPLY,))
    answer = await caller.post(TURNS, content=make_wav(utterance), headers=EVENTS)
    assert answer.headers["content-type"] == "text/event-stream"
    raw = parse_raw_events(answer.text)
    events = [json.loads(one) for one in raw]
    for event, text in zip(events, raw, strict=True):
        wire.check_event(event, text)
    wire.check_order(events)
    kinds = list(dict.fromkeys(event["type"] for event in events))
    assert kinds[:7] == [
        "session.created",
        "conversation.created",
        "session.updated",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert kinds[7:] == [kind for kind in SPOKEN_REPLY if not kind.startswith("conversation.")]
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": REPLY}]
    assert answer.headers["x-conversation-id"] == events[1]["conversation"]["id"]


async def test_a_conversation_goes_on(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("My cat is Tom.", "Who is Tom?"), replies=("A fine name.", "He is your cat."))
    first = await caller.post(TURNS, content=make_wav(utterance))
    conversation = {"conversation": first.headers["x-conversation-id"]}
    second = await caller.post(
        TURNS, content=make_wav(await synthesize_speech("And who is Tom?")), params=conversation, headers=EVENTS
    )
    assert second.headers["x-conversation-id"] == conversation["conversation"]
    assert [item.text for item in await load_items(conversation["conversation"])] == [
        "My cat is Tom.", "A fine name.", "Who is Tom?", "He is your cat.",
    ]  # fmt: skip
    asked = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert [message["content"] for message in asked[1:]] == ["My cat is Tom.", "A fine name.", "Who is Tom?"]


async def test_an_assistant_of_ones_choice(caller: httpx2.AsyncClient, utterance: bytes) -> None:
    models = (await caller.get("/v1/models")).json()["data"]
    for asked in ({"assistant": models[-1]["id"]}, {"model": models[-1]["id"]}):
        answer = await caller.post(TURNS, content=make_wav(utterance), params=asked)
        conversation = Conversation.objects.select_related("assistant")
        found = await conversation.aget(public_id=answer.headers["x-conversation-id"])
        assert found.assistant is not None
        assert found.assistant.slug == models[-1]["id"]


async def test_another_users_conversation(caller: httpx2.AsyncClient, site: Site, user: User, utterance: bytes) -> None:
    mine = (await caller.post(TURNS, content=make_wav(utterance))).headers["x-conversation-id"]
    stranger = await User.objects.acreate(email=f"stranger-{user.email}")
    _, key = await sync_to_async(api_keys.create)(stranger, "tests")
    async with build_client(site, key) as theirs:
        answers = [
            await theirs.post(TURNS, content=make_wav(utterance), params={"conversation": one})
            for one in (mine, "no\0")
        ]
    assert [answer.status_code for answer in answers] == [404, 400]
    assert len(await load_items(mine)) == 2


async def test_the_readmes_line_with_the_demo_engines(live_site: Site, key: str, utterance: bytes) -> None:
    """The speech is really heard and answered, without a key of any provider."""
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("curl "))
    _, *words = shlex.split(line)
    assert words == ["-H", words[1], "--data-binary", "@question.wav", words[4], "-o", "answer.ogg"]
    name, _, value = words[1].partition(": ")
    async with httpx2.AsyncClient(timeout=30) as client:
        url = words[4].replace("http://127.0.0.1:8000", live_site.url)
        answer = await client.post(url, content=make_wav(utterance), headers={name: value.replace("vp_…", key)})
    assert answer.headers["content-type"] == "audio/ogg; codecs=opus"
    question, reply = await load_items(answer.headers["x-conversation-id"])
    assert question.text
    assert reply.text
    assert measure_likeness(await uploads.decode(answer.content), await load_sound(reply)) > 0.8


async def test_speech_to_speech(caller: httpx2.AsyncClient, upstream: Upstream, utterance: bytes) -> None:
    slug = f"s2s-{uuid4().hex[:12]}"
    await Assistant.objects.acreate(slug=slug, name=slug, s2s_engine="openai", tts_voice="cedar")
    upstream.script(transcripts=("Can you hear me?",), replies=(REPLY,))
    answer = await caller.post(TURNS, content=make_wav(utterance), params={"assistant": slug})
    assert answer.status_code == 200
    question, reply = await load_items(answer.headers["x-conversation-id"])
    assert (question.text, reply.text, reply.status) == ("Can you hear me?", REPLY, "completed")
    assert measure_likeness(await uploads.decode(answer.content), await load_sound(reply)) > 0.9
