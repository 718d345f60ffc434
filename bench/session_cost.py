"""`python -m bench.session_cost`: what a frame of sound costs behind the ASGI server, in microseconds of CPU, by stage.

Talkers speak to the site's own ASGI application, in this process, at the pace of speech: sessions, storage and engines
are real, and only the providers are emulated, by another process. There is no socket and no server in between.
"""

import argparse
import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from bench import server_process, sites
from bench.figures import format_table
from bench.speech import RATE, load_prompts, make_room_noise
from bench.stages import Stages
from voiceproject.local import generated_keys

TICK_SEC = 0.002  # frames that come within this are there together
WARM_UP_SEC = 4.0
# As the official clients of Python and of JavaScript write it.
SEPARATORS = ((", ", ": "), (",", ":"))


def build_frames(number: int, frame_ms: int, pause_sec: float) -> list[str]:
    """Return what a talker says over and over, an utterance and a pause, as frames of JSON."""
    said = load_prompts()[number % len(load_prompts())].build_marked(RATE)
    samples = np.concatenate((said, make_room_noise(round(pause_sec * RATE), number)))
    step = RATE * frame_ms // 1000
    pieces = (samples[start : start + step].tobytes() for start in range(0, len(samples) - step, step))
    events = ({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()} for pcm in pieces)
    return [json.dumps(event, separators=SEPARATORS[number % 2]) for event in events]


class Talker:
    """A client of the ASGI application: what it sends, and how much it is told."""

    def __init__(self, number: int, key: str, frames: Sequence[str]) -> None:
        self._key = key
        start = len(frames) * number // 7 % len(frames)
        self._frames = islice(cycle(frames), start, None)
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._to_server.put_nowait({"type": "websocket.connect"})
        self.told: list[str] = []

    async def call(self, application: Any) -> None:
        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {self._key}".encode())]
        scope = {"type": "websocket", "path": "/v1/realtime", "query_string": b"assistant=bench", "headers": headers,
                 "subprotocols": [], "client": ("127.0.0.1", 1)}  # fmt: skip
        await application(scope, self._to_server.get, self._take)

    async def _take(self, message: dict[str, Any]) -> None:
        if (text := message.get("text")) and "response.output_audio.delta" not in text:
            self.told.append(json.loads(text)["type"])

    def send(self, event: dict[str, Any]) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "text": json.dumps(event)})

    def send_frame(self) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "text": next(self._frames)})

    def hang_up(self) -> None:
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})


async def speak(talkers: Sequence[Talker], seconds: float, frame_ms: int) -> tuple[int, float]:
    """Have all talkers speak, and return the number of frames, and how late the latest was sent, in seconds."""
    ticks = round(frame_ms / 1000 / TICK_SEC)
    count, latest_sec, began_at = 0, 0.0, time.monotonic()
    for tick in range(round(seconds / TICK_SEC)):
        due_at = began_at + tick * TICK_SEC
        await asyncio.sleep(max(0.0, due_at - time.monotonic()))
        latest_sec = max(latest_sec, time.monotonic() - due_at)
        for talker in talkers[tick % ticks :: ticks]:
            talker.send_frame()
            count += 1
    return count, latest_sec


async def measure(application: Any, keys: Sequence[str], arguments: argparse.Namespace) -> str:
    """Return the tables of one run."""
    frame_ms: int = arguments.frame_ms
    frames = (build_frames(number, frame_ms, arguments.pause) for number in range(len(keys)))
    talkers = [Talker(number, key, said) for number, (key, said) in enumerate(zip(keys, frames, strict=True))]
    calls = [asyncio.create_task(talker.call(application)) for talker in talkers]
    detection = {"type": "server_vad", "silence_duration_ms": 500, "create_response": arguments.replies}
    for talker in talkers:
        talker.send({"type": "session.update",
                     "session": {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}})  # fmt: skip
    await speak(talkers, WARM_UP_SEC, frame_ms)
    stages = Stages()
    with stages.measure():
        count, latest_sec = await speak(talkers, arguments.seconds, frame_ms)
    for talker in talkers:
        talker.hang_up()
    await asyncio.gather(*calls)
    heard = sum(talker.told.count("input_audio_buffer.speech_stopped") for talker in talkers)
    failed = sum(talker.told.count("error") for talker in talkers)
    return build_tables(
        stages, count, arguments, f"{heard} utterances, {failed} errors, latest {latest_sec * 1e3:.0f} ms"
    )


def build_tables(stages: Stages, count: int, arguments: argparse.Namespace, notes: str) -> str:
    ours_sec = stages.total_sec - stages.seconds["bench itself"]
    rows = sorted(stages.seconds.items(), key=lambda one: -one[1])
    rows += [("all but the bench itself", ours_sec), ("other threads", stages.others_sec)]
    core = 100 * (ours_sec + stages.others_sec) / arguments.seconds / arguments.talkers
    lines = [(stage, f"{1e6 * sec / count:.1f}", f"{100 * sec / ours_sec:.1f}") for stage, sec in rows]
    table = format_table(("stage", "µs a frame", "%"), lines)
    return f"{table}\n{count} frames; {core:.2f} % of a core a talker; {notes}\n"


def load_application(talkers: int) -> tuple[Any, list[str]]:
    """Return the site's ASGI application, and the API keys of so many callers. Its settings are in the environment."""
    from django.core.management import call_command

    from voiceproject.asgi import application

    from bench.caller_accounts import create_callers  # isort: skip  # models, once the settings are read

    call_command("migrate", verbosity=0, interactive=False)
    return application, list(create_callers(sites.build_caller_name(number) for number in range(talkers)).values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.session_cost", description=__doc__)
    parser.add_argument("--talkers", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--frame-ms", type=int, default=20, help="a multiple of 2")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between the utterances of a talker")
    parser.add_argument("--replies", action="store_true", help="have the assistant answer")
    arguments = parser.parse_args()
    with sites.run_upstream() as upstream:
        os.environ["DJANGO_SETTINGS_MODULE"] = "voiceproject.settings"
        os.environ.update({**sites.build_settings(sites.FILE, upstream), **sites.BOUNDLESS})
        generated_keys.make_missing(server_process.ROOT / "var")
        application, keys = load_application(arguments.talkers)
        sys.stdout.write(asyncio.run(measure(application, keys, arguments)))


if __name__ == "__main__":
    main()
