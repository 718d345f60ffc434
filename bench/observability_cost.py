"""`python -m bench.observability_cost`: what counting and tracing a turn costs the process, in processor time.

A turn here is two transcripts, a reply of 40 pieces, four clauses of 20 pieces of sound, and the 300 commands around
them. Each way is measured in a process of its own. With traces on, that includes packing and sending them to a
collector that takes them, which happens in a thread.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import process_time
from types import SimpleNamespace
from typing import Any

TURNS = 2_000
NO_SITE = {
    "DJANGO_SETTINGS_MODULE": "voiceproject.settings",
    "ENV_FILE": os.devnull,
    "DATABASE_URL": "postgres:///none",
    "SECRET_KEY": "none",
    "FIELD_ENCRYPTION_KEY": "A" * 43 + "=",
}
WAYS = ("engines alone", "counted", "counted for several processes", "traced")


def main() -> None:
    if len(sys.argv) > 1:
        sys.stdout.write(f"{_measure(sys.argv[1]):.0f}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            env = {**NO_SITE}
            if way == WAYS[2]:
                env["PROMETHEUS_MULTIPROC_DIR"] = folder
            if way == WAYS[3]:
                env["OTEL_EXPORTER_OTLP_ENDPOINT"] = _start_collector()
            command = [sys.executable, "-m", "bench.observability_cost", way]
            done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=True)
            sys.stdout.write(f"{way}: {done.stdout.strip()} µs a turn\n")


def _start_collector() -> str:
    class Collector(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the library's name
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _measure(way: str) -> float:
    import django

    django.setup()
    asyncio.run(_take_turns(way, 50))
    began = process_time()
    asyncio.run(_take_turns(way, TURNS))
    return (process_time() - began) * 1e6 / TURNS


async def _take_turns(way: str, count: int) -> None:
    from contextvars import copy_context

    from conversations import tracing
    from conversations.engines.base import EngineSpec
    from conversations.realtime import commands
    from conversations.session import turn_traces
    from conversations.session.engine_calls import observed
    from voiceproject import log_context

    spec = EngineSpec("openai", "gpt-6-luna")
    is_bare = way == WAYS[0]
    engine: Any = _Engine()
    stt: Any = engine if is_bare else observed.ObservedSpeechToText(engine, spec)
    llm: Any = engine if is_bare else observed.ObservedLanguageModel(engine, spec)
    tts: Any = engine if is_bare else observed.ObservedTextToSpeech(engine, spec)
    traces = turn_traces.OFF
    if tracing.is_on():
        opened: Any = _Opened()
        traces = turn_traces.TurnTraces(opened, only_transcribes=False, parent=None)
        observed.note_calls(traces.note_call)
    sound = commands.KeepAudio("resp_1", b"")
    for number in range(count):
        response = {"id": f"resp_{number}", "conversation_id": "conv_1", "status": "completed", "usage": {}}
        turn = [commands.Send({"type": "response.created", "response": response}), *[sound] * 298]

        async def talk() -> None:
            for _ in range(2):
                await stt.transcribe(b"")
            async for _ in llm.complete([]):
                pass
            for _ in range(4):
                async for _ in tts.speak(""):
                    pass

        for command in turn if not is_bare else ():
            traces.see(command)
        await asyncio.create_task(talk(), context=log_context.enter_turn(copy_context(), response["id"]))  # type: ignore[arg-type]
        if not is_bare:
            traces.see(commands.Send({"type": "response.done", "response": response}))
            traces.end()
    await tracing.end()


class _Opened:
    public_id, assistant_slug = "conv_1", "default"
    engines = SimpleNamespace(s2s=None)


class _Engine:
    """Engines that answer at once."""

    async def transcribe(self, pcm: bytes, hints: object = None) -> str:
        return "Yes."

    async def complete(self, messages: object) -> AsyncGenerator[Any]:
        from conversations.engines.base import Completion

        for _ in range(40):
            yield Completion("word ")
        yield Completion(finish_reason="stop", input_tokens=100, output_tokens=40)

    async def speak(self, text: str, **options: object) -> AsyncGenerator[bytes]:
        for _ in range(20):
            yield b"1234"


if __name__ == "__main__":
    main()
