"""`python -m bench.upstream`: the emulated providers, which hear, answer and speak with fixed delays.

Speech to text 350 ms; streamed, partials 100 ms behind the audio and the final words 100 ms after the commit. The
language model's first token after 350 ms, then one each 15 ms. Speech after 200 ms, then at 8 times real time.
"""

import asyncio
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from bench import speech
from bench.emulated_stt import EmulatedStt
from bench.replies import choose_reply
from tests.upstream.__main__ import serve
from tests.upstream.behaviour import World

DELAYS: dict[str, dict[str, float]] = {
    "transcriptions": {"first_byte_ms": 350},
    "live_transcriptions": {"partial_lag_ms": 100, "final_ms": 100},
    "chat": {"first_byte_ms": 350, "piece_ms": 15},
    "speech": {"first_byte_ms": 200, "realtime": 8},
}
VOICE, VOICE_SPEED = "en-us+f2", 1.3
BETWEEN_CLAUSES = bytes(2 * speech.RATE // 10)
synthesis = ThreadPoolExecutor(1)


def main() -> None:
    world = World()
    if "--at-once" not in sys.argv:
        for endpoint, changes in DELAYS.items():
            world.behave(endpoint, changes)
    world.ears = EmulatedStt(speech.list_texts()).hear
    world.mind = answer
    world.voice = speak
    asyncio.run(serve(world, port=0, grpc_port=0, with_parent=True))


def answer(messages: list[dict[str, Any]], key: str) -> str:
    said = [_join_text(message["content"]) for message in messages if message["role"] == "user"]
    return choose_reply(said[-1] if said else "", key, len(said))


def _join_text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


@lru_cache(maxsize=1024)
def speak(text: str) -> Future[bytes]:
    return synthesis.submit(_render, text)


def _render(text: str) -> bytes:
    """Return a text as speech that is audible from its first sample on, so that no voice's start counts as delay."""
    samples = speech.synthesise(text, VOICE, VOICE_SPEED)
    return (speech.trim_silence(samples).tobytes() if samples.any() else b"") + BETWEEN_CLAUSES


if __name__ == "__main__":
    main()
