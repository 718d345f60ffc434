"""`python -m tests.support.broken_site run`: the site with a defect, wherever the file DEFECT_FILE says for now.

A test writes the name of a place into the file, and the next time that the server comes by, it raises there, once. With
"each " before the name it raises there each time.
"""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

import manage

# Where each name breaks something: a module or a class in it, and what of it is called.
PLACES = {
    "a frame": ("conversations.session.dispatch.inbox", "parse_event"),
    "audio": ("conversations.realtime.user_turn.turn", "UserTurn.append_audio"),
    "detected speech": ("conversations.realtime.user_turn.turn", "UserTurn.take_window"),
    "a deadline": ("conversations.realtime.machine", "TurnMachine._take_deadline"),
    "transcript": ("conversations.realtime.user_turn.transcription", "Transcription.take_transcript"),
    "the model's text": ("conversations.realtime.agent_turn.turn", "AgentTurn.receive"),
    "the start": ("conversations.realtime.machine", "TurnMachine.start"),
    "tools": ("conversations.realtime.machine", "TurnMachine._take_tools"),
    "a command": ("conversations.session.engine_calls.transcriber", "Transcriber.feed"),
    "saving": ("conversations.storage.recorder", "Recorder.save"),
    "a task of the engines": (
        "conversations.session.engine_calls.engine_tasks",
        "EngineTasks._report_tools_as_they_come",
    ),
    "sending": ("conversations.session.dispatch.pace", "Pace.take"),
    "storing": ("conversations.storage.store", "write"),
    "a ping": ("conversations.transport.client_link", "read_ping"),
    "a frame of speech to speech": ("conversations.realtime.relay.user_turn", "RelayUserTurn.append"),
    "a deadline of speech to speech": ("conversations.realtime.relay.machine", "RelayMachine._pass_deadline"),
    "an upstream event": ("conversations.realtime.relay.machine", "RelayMachine._receive_upstream"),
    "a command to the upstream": ("conversations.session.engine_calls.s2s_connection", "S2SUpstream.send"),
    "the upstream's connection": ("conversations.session.engine_calls.s2s_connection", "check_event"),
}


def break_at(name: str, module: str, path: str) -> None:
    """Replace the function by one that raises while the file has this name."""
    *owners, attribute = path.split(".")
    owner = functools.reduce(getattr, owners, __import__(module, fromlist=["*"]))
    setattr(owner, attribute, add_defect(name, getattr(owner, attribute)))


def add_defect(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def check() -> None:
        file = Path(os.environ["DEFECT_FILE"])
        wanted = file.read_text()
        if wanted == name:
            file.write_text("")
        if wanted in (name, f"each {name}"):
            raise RuntimeError(f"a defect in {name}")

    @functools.wraps(work)
    def call_or_raise(*given: Any, **named: Any) -> Any:
        check()
        return work(*given, **named)

    @functools.wraps(work)
    async def await_or_raise(*given: Any, **named: Any) -> Any:
        check()
        return await work(*given, **named)

    return await_or_raise if inspect.iscoroutinefunction(work) else call_or_raise


if __name__ == "__main__":
    manage.prepare(sys.argv[1])
    django.setup()
    for place, where in PLACES.items():
        break_at(place, *where)
    manage.main()
