import asyncio
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conversations.engines.base import EngineSpec, TextToSpeech
from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineQuotaError,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
    EngineUnreachable,
)
from conversations.engines.registry import make_tts
from tests.support.patience import stretch
from tests.support.streams import gather
from tests.upstream.fixtures import Upstream
from tests.upstream.sound import make_speech

SECRET = "AIza-secret-of-the-test"
TEXT = "Good evening."
VOICES = [("google_streaming", "en-US-Chirp3-HD-Kore"), ("google_unary", "en-US-Wavenet-A")]


def make_engine(upstream: Upstream, **changes: object) -> TextToSpeech:
    fields = {"provider": "google", "voice": "en-US-Chirp3-HD-Kore", "api_key": SECRET, "base_url": upstream.google_url}
    return make_tts(EngineSpec(**{**fields, **changes}))  # type: ignore[arg-type]


async def test_it_works(upstream: Upstream) -> None:
    pieces = [piece async for piece in make_engine(upstream).speak(TEXT, speed=1.25)]
    assert len(pieces) > 1
    assert b"".join(pieces) == make_speech(TEXT)
    [request] = upstream.list_requests("google_streaming")
    assert request["key"] == SECRET
    assert request["asked"] == {
        "text": TEXT,
        "voice": "en-US-Chirp3-HD-Kore",
        "language": "en-US",
        "speed": 1.25,
        "encoding": "PCM",
    }


async def test_a_voice_that_does_not_stream(upstream: Upstream) -> None:
    pieces = [piece async for piece in make_engine(upstream).speak(TEXT, voice="cmn-CN-Wavenet-A")]
    assert b"".join(pieces) == make_speech(TEXT)
    assert upstream.list_requests("google_streaming") == []
    [request] = upstream.list_requests("google_unary")
    assert (request["asked"]["voice"], request["asked"]["language"]) == ("cmn-CN-Wavenet-A", "cmn-CN")


async def test_a_voice_that_google_says_does_not_stream(upstream: Upstream) -> None:
    tts = make_engine(upstream, voice="de-DE-Chirp3-HD-Unary")
    for _ in range(2):
        assert b"".join([piece async for piece in tts.speak(TEXT)]) == make_speech(TEXT)
    assert len(upstream.list_requests("google_streaming")) == 1
    assert len(upstream.list_requests("google_unary")) == 2


@pytest.mark.parametrize(("endpoint", "voice"), VOICES)
async def test_the_usual_speed_is_not_sent(upstream: Upstream, endpoint: str, voice: str) -> None:
    async for _ in make_engine(upstream, voice=voice).speak(TEXT):
        pass
    assert upstream.list_requests(endpoint)[0]["asked"]["speed"] == 0.0


@pytest.mark.parametrize(("language", "voice"), [("de", "de-DE"), ("en-GB", "en-GB"), ("", "en-US"), ("xx", "en-US")])
async def test_without_a_voice_the_language_chooses(upstream: Upstream, language: str, voice: str) -> None:
    async for _ in make_engine(upstream, voice="").speak(TEXT, language=language):
        pass
    assert upstream.list_requests("google_streaming")[0]["asked"]["voice"] == f"{voice}-Chirp3-HD-Kore"


async def test_a_service_account_signs_its_own_token(upstream: Upstream) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    account = {
        "type": "service_account",
        "client_email": "voice@example.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": key.private_bytes(encoding, form, serialization.NoEncryption()).decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    async for _ in make_engine(upstream, api_key=json.dumps(account)).speak(TEXT):
        pass
    assert upstream.list_requests("google_streaming")[0]["key"].startswith("Bearer ey")


@pytest.mark.parametrize("secret", ["AIza-é", "AIza\n", "{not json", '{"type": "service_account"}'])
async def test_a_credential_that_is_none(upstream: Upstream, secret: str) -> None:
    with pytest.raises(EngineAuthError, match="refused the key"):
        await anext(make_engine(upstream, api_key=secret).speak(TEXT))


async def test_samples_are_never_torn(upstream: Upstream) -> None:
    upstream.behave("google_streaming", piece_bytes=1_001)
    pieces = [piece async for piece in make_engine(upstream).speak(TEXT)]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    assert b"".join(pieces) == make_speech(TEXT)


async def test_closing_the_generator_cancels_the_call_upstream(upstream: Upstream) -> None:
    upstream.behave("google_streaming", fault="hang", fault_after=2)
    stream = make_engine(upstream).speak(TEXT)
    await anext(stream)
    await stream.aclose()
    [request] = await asyncio.to_thread(upstream.wait_for, "google_streaming", "ended")
    assert request["ending"] == "closed_by_peer"


@pytest.mark.parametrize(("endpoint", "voice"), VOICES)
async def test_cancelling_cancels_the_call_upstream_before_its_first_byte(
    upstream: Upstream, endpoint: str, voice: str
) -> None:
    upstream.behave(endpoint, fault="hang")
    task = asyncio.ensure_future(anext(make_engine(upstream, voice=voice).speak(TEXT)))
    await asyncio.to_thread(upstream.wait_for, endpoint, "received")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(upstream.wait_for, endpoint, "closed_by_peer")


@pytest.mark.parametrize(("endpoint", "voice"), VOICES)
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("401", EngineAuthError, "refused the key. Change it under Settings"),
        ("403", EngineAuthError, "API has not been used in project"),
        ("404", EngineRejected, "Is it misspelled?"),
        ("429_rate", EngineBusy, "too many requests"),
        ("429_quota", EngineQuotaError, "no credit left"),
        ("500", EngineUnavailable, "a problem on its side (error 500)"),
        ("503", EngineUnreachable, "could not be reached"),
        ("cancelled", EngineUnavailable, "broke off"),
        ("hang", EngineTimeout, "sent nothing for 2 seconds"),
    ],
)
async def test_a_fault_becomes_a_sentence(
    upstream: Upstream, endpoint: str, voice: str, fault: str, error: type[EngineError], words: str
) -> None:
    upstream.behave(endpoint, fault=fault)
    with pytest.raises(error) as caught:
        await anext(make_engine(upstream, voice=voice, timeout_sec=2).speak(TEXT))
    assert type(caught.value) is error
    assert caught.value.message.startswith("Text to speech (Google) ")
    assert words in caught.value.message
    assert SECRET not in caught.value.message


async def test_a_key_that_google_does_not_know(upstream: Upstream) -> None:
    upstream.behave("google_streaming", accepted_key="another")
    with pytest.raises(EngineAuthError):
        await anext(make_engine(upstream).speak(TEXT))


@pytest.mark.parametrize(
    ("fault", "error"),
    [("cut", EngineUnavailable), ("cancelled", EngineUnavailable), ("500", EngineUnavailable), ("hang", EngineTimeout)],
)
async def test_a_fault_amid_the_speech_keeps_what_came(
    upstream: Upstream, fault: str, error: type[EngineError]
) -> None:
    upstream.behave("google_streaming", fault=fault, fault_after=3)
    came: list[bytes] = []
    with pytest.raises(error):
        await gather(make_engine(upstream, timeout_sec=stretch(1)).speak(TEXT), came)
    assert b"".join(came) == make_speech(TEXT)[: 3 * 4_800]
    assert len(upstream.list_requests("google_streaming")) == 1


async def test_a_cut_before_the_first_byte_is_tried_again(upstream: Upstream) -> None:
    upstream.behave("google_streaming", fault="503", fault_times=2)
    assert b"".join([piece async for piece in make_engine(upstream).speak(TEXT)]) == make_speech(TEXT)
    assert len(upstream.list_requests("google_streaming")) == 3


async def test_a_server_that_is_not_there(upstream: Upstream) -> None:
    with pytest.raises(EngineUnavailable, match="could not be reached"):
        await anext(make_engine(upstream, base_url="http://127.0.0.1:9").speak(TEXT))


@pytest.mark.parametrize(("endpoint", "voice"), VOICES)
@pytest.mark.parametrize("fault", ["garbage", "wrong_type", "empty"])
async def test_what_is_no_speech_is_refused(upstream: Upstream, endpoint: str, voice: str, fault: str) -> None:
    upstream.behave(endpoint, fault=fault)
    with pytest.raises(EngineRejected):
        await anext(make_engine(upstream, voice=voice).speak(TEXT))
    assert len(upstream.list_requests(endpoint)) == 1


@pytest.mark.parametrize(("endpoint", "voice"), VOICES)
async def test_a_message_without_end_is_refused(upstream: Upstream, endpoint: str, voice: str) -> None:
    upstream.behave(endpoint, fault="long")
    with pytest.raises(EngineRejected, match="not speech"):
        await anext(make_engine(upstream, voice=voice).speak(TEXT))
    assert len(upstream.list_requests(endpoint)) == 1
