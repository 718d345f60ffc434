"""The default voice speaks in its process, as a session asks it to."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineRejected, EngineUnavailable
from conversations.engines.local.voices import tts
from conversations.engines.local.voices.tts import get_voice_pool
from conversations.engines.local.workers.pools import close_pools
from conversations.engines.registry import make_tts
from conversations.pcm import measure_seconds
from tests.support.patience import stretch
from tests.support.polling import poll

LONG = "This is a sentence that takes a while to say, and there are many of them. " * 100


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSpec]:
    """All tests share one process. On a busy machine it may take longer to stop: `bench.local_voices` measures that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tts, "CANCEL_SEC", stretch(0.5))
        yield EngineSpec("local", folder=str(tmp_path_factory.mktemp("models")))
        close_pools()


async def say(spec: EngineSpec, text: str, **options: object) -> bytes:
    return b"".join([piece async for piece in make_tts(spec).speak(text, **options)])  # type: ignore[arg-type]


async def test_it_works(spec: EngineSpec) -> None:
    pcm = await say(spec, "Good morning. It costs $3.50.", language="en-US")
    samples = np.frombuffer(pcm, "<i2")
    assert 2.0 < measure_seconds(pcm) < 6.0
    assert np.abs(samples).max() > 5_000
    assert len(await say(spec, "Good morning. It costs three dollars and fifty cents.")) == len(pcm)


async def test_a_voice_of_openai_gives_way_to_the_own(spec: EngineSpec) -> None:
    """Clients of the protocol name one."""
    assert await say(spec, "Good morning.", voice="marin") == await say(spec, "Good morning.")


async def test_speed_is_heard_and_has_bounds(spec: EngineSpec) -> None:
    normal, fast, fastest, beyond = [len(await say(spec, "One two three.", speed=speed)) for speed in (1, 1.5, 2, 9)]
    assert fastest == beyond < fast < normal


async def test_nothing_to_say(spec: EngineSpec) -> None:
    assert await say(spec, "…") == await say(spec, "") == b""


async def test_sentences_stream(spec: EngineSpec) -> None:
    stream = make_tts(spec).speak(LONG)
    first = await anext(stream)
    assert 0.0 < measure_seconds(first) <= 0.2
    await stream.aclose()


async def test_closing_leaves_the_process_free_and_alive(spec: EngineSpec) -> None:
    await say(spec, "Hello.")
    [process] = get_voice_pool(spec).list_process_ids()
    for _ in range(3):
        stream = make_tts(spec).speak(LONG)
        await anext(stream)
        await stream.aclose()
    assert await asyncio.wait_for(say(spec, "Hello."), 5)
    assert get_voice_pool(spec).list_process_ids() == [process]


async def test_texts_at_the_same_time_do_not_mix(spec: EngineSpec) -> None:
    texts = ["One.", "Two and a half.", "Three is a crowd."]
    alone = [await say(spec, text) for text in texts]
    assert await asyncio.gather(*(say(spec, text) for text in texts)) == alone


async def test_a_session_that_begins_has_the_process_started(tmp_path: Path) -> None:
    other = EngineSpec("local", folder=str(tmp_path))
    engine = make_tts(other)
    await engine.connect()  # type: ignore[attr-defined]

    async def is_there() -> bool:
        return bool(get_voice_pool(other).list_process_ids())

    await poll(is_there)
    get_voice_pool(other).close()


async def test_what_it_cannot_speak_is_told(spec: EngineSpec) -> None:
    with pytest.raises(EngineRejected, match=r"^Text to speech \(this machine\) has no voice for the language “de-DE”"):
        await say(spec, "Guten Tag.", language="de-DE")
    with pytest.raises(EngineRejected, match="no voice “nobody”"):
        await say(spec, "Hello.", voice="nobody")


async def test_a_damaged_model_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "piper-en_US-joe-medium"
    folder.mkdir()
    (folder / "en_US-joe-medium.onnx").write_bytes(b"changed")
    (folder / "en_US-joe-medium.onnx.json").write_text('{"language": {"code": "en_US"}}')
    damaged = EngineSpec("local", model=folder.name, folder=str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"is damaged\. Run: manage\.py models fetch piper-en_US-joe-medium"):
        await say(damaged, "Hello.")
    get_voice_pool(damaged).close()
