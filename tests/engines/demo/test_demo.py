"""Real audio both ways: what espeak-ng says, pocketsphinx hears."""

import asyncio
import multiprocessing
import os
import select
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from conversations.engines.base import ChatMessage, EngineSpec, Hints, Tool, ToolCall
from conversations.engines.demo import espeak
from conversations.engines.errors import EngineRejected, EngineUnavailable
from conversations.engines.registry import load, make_llm, make_stt, make_tts
from conversations.engines.voices import list_voices
from conversations.pcm import measure_seconds

DEMO = EngineSpec(provider="demo", voice="en-us")

START_AND_WAIT = """
import multiprocessing
from conversations.engines.demo.stt import Pocketsphinx
Pocketsphinx.warm()
print(multiprocessing.active_children()[0].pid, flush=True)
input()
"""


async def say(text: str, voice: str = "", speed: float = 1.0) -> bytes:
    return b"".join([piece async for piece in make_tts(DEMO).speak(text, voice=voice, speed=speed)])


async def test_it_works() -> None:
    spoken = await say("My mother is always angry with me.")
    heard = await make_stt(DEMO).transcribe(spoken, Hints(language="en-US"))
    assert heard.seconds == measure_seconds(spoken)
    assert {"my", "mother", "always", "angry"} <= set(heard.text.split())
    answer = "".join([piece.text async for piece in make_llm(DEMO).complete([ChatMessage("user", heard.text)])])
    assert answer == "Tell me more about your mother."
    assert 1.0 < measure_seconds(await say(answer)) < 4.0


async def test_silence_and_nothing_have_no_words() -> None:
    stt = make_stt(DEMO)
    assert (await stt.transcribe(bytes(48_000))).text == ""
    assert (await stt.transcribe(b"")).text == ""


async def test_hearing_leaves_the_event_loop_free() -> None:
    spoken = await say("What is the weather like in London?")
    stt = make_stt(DEMO)
    await stt.transcribe(spoken)  # the worker is there now
    breaths, task = 0, asyncio.create_task(stt.transcribe(spoken))
    while not task.done():
        await asyncio.sleep(0)
        breaths += 1
    assert "weather" in (await task).text
    assert breaths > 100


async def test_a_worker_that_dies_costs_one_utterance() -> None:
    stt, spoken = make_stt(DEMO), await say("Thank you.")
    await stt.transcribe(spoken)
    for worker in multiprocessing.active_children():
        worker.kill()
    with pytest.raises(EngineUnavailable, match="say it once more"):
        await stt.transcribe(spoken)
    assert (await stt.transcribe(spoken)).text == "thank you"


async def test_another_language_is_refused() -> None:
    with pytest.raises(EngineRejected, match="understands only English"):
        await make_stt(DEMO).transcribe(bytes(48_000), Hints(language="de"))


async def test_speech_streams_loud_and_at_24_khz() -> None:
    pieces = [piece async for piece in make_tts(DEMO).speak("The first of three. The second. And the third of them.")]
    assert len(pieces) > 5
    samples = np.frombuffer(b"".join(pieces), np.int16)
    assert np.abs(samples).max() > 8_000
    # A voice has nothing above espeak's own 11 kHz: a wrong rate would put it elsewhere.
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum[int(len(spectrum) * 11.2 / 12) :].max() < spectrum.max() / 1000


@pytest.mark.parametrize("voice", [voice for voice, _ in list_voices(DEMO)])
def test_every_voice_of_the_picker_is_the_one_that_speaks(voice: str) -> None:
    def choose() -> str:
        library = espeak.load_library()
        library.render("Hello.", voice, 1.0, lambda _: True)
        return library.voice_file

    language, _, variant = voice.partition("+")
    file, _, spoken_variant = espeak.thread.submit(choose).result().partition("+")
    assert file.partition("/")[2].lower().split("-")[0] == language.split("-")[0]
    assert spoken_variant == variant


@pytest.mark.parametrize("text", ["A.", "Yes!", "It is a long way from here to the end of this sentence."])
async def test_all_of_the_speech_comes_out_of_the_resampler(text: str) -> None:
    rendered: list[int] = []

    def take(pcm: bytes) -> bool:
        rendered.append(len(pcm))
        return True

    def render() -> int:
        library = espeak.load_library()
        library.render(text, "en-us", 1.0, take)
        return library.rate

    rate = await asyncio.to_thread(espeak.thread.submit(render).result)
    assert measure_seconds(await say(text)) == pytest.approx(sum(rendered) / 2 / rate, rel=0.02)


async def test_speed_and_voice_are_heard() -> None:
    text = "One two three four five six."
    normal, fast, other = await say(text), await say(text, speed=1.5), await say(text, voice="en-gb+f3")
    assert 0.55 < len(fast) / len(normal) < 0.85
    assert len(other) != len(normal)
    # Nothing stays behind from the voice before; espeak-ng itself varies a little.
    assert len(await say(text)) == pytest.approx(len(normal), rel=0.02)


async def test_texts_at_the_same_time_do_not_mix() -> None:
    texts = ["One.", "Two and a half.", "Three is a crowd."]
    alone = [len(await say(text)) for text in texts]
    together = await asyncio.gather(*(say(text) for text in texts))
    assert [len(spoken) for spoken in together] == pytest.approx(alone, rel=0.02)


async def test_an_unknown_voice() -> None:
    with pytest.raises(EngineRejected, match="no voice “nobody”"):
        await say("Hello.", voice="nobody")


async def test_a_voice_of_openai_gives_way_to_the_own() -> None:
    """Clients of the protocol name one."""
    assert len(await say("Hello.", voice="marin")) == pytest.approx(len(await say("Hello.")), rel=0.02)


async def test_closing_stops_a_long_text() -> None:
    stream = make_tts(DEMO).speak("This goes on and on. " * 5_000)
    await anext(stream)
    await stream.aclose()
    assert await asyncio.wait_for(say("Hello."), 2)  # the one thread is free again


async def test_a_reply_ends_where_its_tokens_do() -> None:
    asked = [ChatMessage("system", "Be kind."), ChatMessage("user", "hello")]
    pieces = [piece async for piece in make_llm(DEMO).complete(asked, max_tokens=2)]
    assert [piece.text for piece in pieces] == ["Hello. ", "How ", ""]
    assert (pieces[-1].finish_reason, pieces[-1].input_tokens, pieces[-1].output_tokens) == ("length", 3, 2)


async def test_it_calls_no_tools_and_goes_on_from_what_was_said() -> None:
    called = ChatMessage("assistant", "", calls=(ToolCall("call_1", "clock", "{}"),))
    asked = [ChatMessage("user", "hello"), called, ChatMessage("tool", "It is noon.", call_id="call_1")]
    tools = [Tool("clock", "The time.", {})]
    pieces = [piece async for piece in make_llm(DEMO).complete(asked, tools=tools, tool_choice="required")]
    assert "".join(piece.text for piece in pieces) == "Hello. How are you feeling today?"
    assert not any(piece.call for piece in pieces)


@pytest.fixture
def bare_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the packages of the demo, as in the Docker image."""
    for name in ("pocketsphinx", "espeakng_loader"):
        monkeypatch.setitem(sys.modules, name, None)
    espeak.load_library.cache_clear()
    yield
    espeak.load_library.cache_clear()


async def test_without_its_packages_it_says_what_to_do(bare_site: None) -> None:
    with pytest.raises(EngineUnavailable, match="OPENAI_API_KEY or install the package pocketsphinx"):
        await make_stt(DEMO).transcribe(bytes(48_000))
    with pytest.raises(EngineUnavailable, match="OPENAI_API_KEY or install the package espeakng-loader"):
        await say("Hello.")
    await asyncio.to_thread(load("stt", "demo").warm)
    await asyncio.to_thread(load("tts", "demo").warm)


def test_the_worker_ends_with_a_parent_that_is_killed() -> None:
    command = [sys.executable, "-c", START_AND_WAIT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert select.select([worker], [], [], 10)[0]
    os.close(worker)
