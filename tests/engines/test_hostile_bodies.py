"""Answers of hostile servers to engines: too long, too deep, packed, or a byte at a time."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from conversations.engines.base import ChatMessage, EngineSpec, Transcript
from conversations.engines.errors import EngineError
from conversations.engines.openai import stt
from conversations.engines.registry import make_llm, make_stt, make_tts
from tests.upstream.fixtures import Upstream
from tests.upstream.raw_answers import Raw

SECOND = bytes(48_000)
BOMB = gzip.compress(bytes(100_000_000))
DEEP = b"[" * 100_000


def make_spec(upstream: Upstream, model: str = "m") -> EngineSpec:
    return EngineSpec("openai", model, api_key="sk-test", base_url=upstream.openai_url, timeout_sec=1.0)


async def transcribe(upstream: Upstream) -> None:
    await make_stt(make_spec(upstream)).transcribe(SECOND)


async def complete(upstream: Upstream) -> None:
    async for _ in make_llm(make_spec(upstream)).complete([ChatMessage("user", "Hello")]):
        pass


async def speak(upstream: Upstream) -> None:
    async for _ in make_tts(make_spec(upstream)).speak("Hello"):
        pass


ENGINES: dict[str, Callable[[Upstream], Any]] = {"transcriptions": transcribe, "chat": complete, "speech": speak}
BODIES = {
    "deep": Raw((DEEP,), "application/json"),
    "long": Raw((b'{"text": "', b"x" * 3_000_000, b'"}'), "application/json"),
    "parts": Raw((b'{"text": [' + b"[]," * 100_000 + b"1]}",), "application/json"),
    "gzip bomb": Raw((BOMB,), "application/json", headers={"Content-Encoding": "gzip"}),
    "packed": Raw((b"...",), "text/event-stream", headers={"Content-Encoding": "zstd"}),
    "error deep": Raw((DEEP,), "application/json", status=400),
    "error long": Raw((b'{"error": {"message": "', b"x " * 3_000_000, b'"}}'), "application/json", status=400),
    "error packed": Raw((BOMB,), "application/json", status=400, headers={"Content-Encoding": "gzip"}),
    "dripping": Raw((b" ",) * 1_000, "application/json", pause_ms=50),
    "dripping error": Raw((b" ",) * 1_000, "application/json", pause_ms=50, status=400),
    "headers and no more": Raw((), "application/json", ending="open"),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("endpoint", ENGINES)
async def test_it_ends_in_a_sentence(upstream: Upstream, endpoint: str, body: str) -> None:
    upstream.behave(endpoint, raw=BODIES[body].build_script())
    with pytest.raises(EngineError) as caught:
        await ENGINES[endpoint](upstream)
    assert len(caught.value.message) < 800
    assert "sk-test" not in caught.value.message


async def test_speech_without_an_end_is_cut(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.network.http.MAX_ANSWER_BYTES", 100_000)
    upstream.behave("speech", raw=Raw((bytes(10_000),) * 100, "audio/pcm").build_script())
    with pytest.raises(EngineError):
        await speak(upstream)


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        ({"text": "Hello."}, "Hello."),
        ({"text": " Hello. ", "words": [], "segments": [{"text": "x"}]}, "Hello."),
        ({"text": None}, ""),
        ({"text": ""}, ""),
        ({"text": "x" * 200_000}, "x" * stt.MAX_CHARACTERS),
        ({"text": "Hel\0lo.\ud83d"}, "Hello."),
    ],
)
async def test_what_is_a_transcript(upstream: Upstream, answer: Any, heard: str) -> None:
    upstream.behave("transcriptions", raw=Raw((json.dumps(answer).encode(),), "application/json").build_script())
    assert await make_stt(make_spec(upstream)).transcribe(SECOND) == Transcript(heard, 1.0)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({}, "engine_rejected"),
        ({"text": 7}, "engine_rejected"),
        ({"text": ["Hello."]}, "engine_rejected"),
        ([], "engine_rejected"),
        (None, "engine_rejected"),
        ("Hello.", "engine_rejected"),
        ({"error": {"message": "Overloaded.", "type": "server_error"}}, "engine_unavailable"),
        ({"error": "no model is loaded"}, "engine_unavailable"),
        ({"error": {"code": "insufficient_quota"}}, "insufficient_quota"),
        ({"detail": "Not Found"}, "engine_unavailable"),
    ],
)
async def test_what_is_no_transcript(upstream: Upstream, answer: Any, code: str) -> None:
    upstream.behave("transcriptions", raw=Raw((json.dumps(answer).encode(),), "application/json").build_script())
    with pytest.raises(EngineError) as caught:
        await make_stt(make_spec(upstream)).transcribe(SECOND)
    assert caught.value.code == code


async def test_an_answer_of_words_alone_is_no_transcript(upstream: Upstream) -> None:
    upstream.behave("transcriptions", raw=Raw((b"Hello there.",), "text/plain").build_script())
    with pytest.raises(EngineError, match="not a transcript"):
        await make_stt(make_spec(upstream)).transcribe(SECOND)
