"""A recording is a foreign file: what is broken, cut off or newer is told as such, in linear time, little memory."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import StringIO
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from conversations.realtime import engine_events
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.replay.player import play
from conversations.realtime.replay.recorded_machine import RecordedMachine
from conversations.realtime.replay.recording import read_recording
from conversations.realtime.replay.report import WIDTH, format_steps
from conversations.realtime.replay.serialization import Encoder
from tests.support.realtime import harness
from tests.support.realtime.harness import Table, make_message
from tests.support.recordings import print_replay

MB = 1_000_000
EARLIER = (LiveItem("item_old", role="user", text="Good morning."),)


class TableMachine(RecordedMachine):
    """A recorded machine that a table takes for its own."""

    def __init__(self, lines: list[str], *arguments: Any) -> None:
        config, conversation_id, make_id, limits, items, setup = arguments
        made: list[str] = []

        def make(prefix: str) -> str:
            made.append(make_id(prefix))
            return made[-1]

        machine = TurnMachine(config, conversation_id, make, limits, items, setup)
        encoder = Encoder(False, lambda text: text)
        super().__init__(machine, made, encoder, lambda: 100.0, lines.append, lambda error: pytest.fail(str(error)))
        self.state, self.agent_turn = machine.state, machine.agent_turn
        given = {"config": config, "conversation_id": conversation_id, "limits": limits, "items": items}
        self.write_head("cascade", "2026-11-29T12:00:00Z", given | {"setup": setup})


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def table(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(harness, "TurnMachine", lambda *arguments: TableMachine(lines, *arguments))
    return Table(items=EARLIER)


def encode_lines(lines: Sequence[str]) -> list[bytes]:
    return [line.encode() for line in lines]


def talk(table: Table) -> None:
    table.run_turn()
    table.send_audio(960, 0.9)  # over the reply
    table.send("conversation.item.create", item=make_message("And in words?"))
    table.send_frame("no JSON")
    table.send("response.create", response={"conversation": "none", "metadata": {"topic": "weather"}})
    table.report(engine_events.GenerationFailed(table.events[-1].get("response", {}).get("id", ""), Failure("x", "y")))
    table.pass_time(60)
    table.report(engine_events.ClientGone())
    table.actions += table.machine.end()


def test_it_decides_the_same(table: Table, lines: list[str]) -> None:
    talk(table)
    decided = list(play(read_recording(encode_lines(lines))))
    assert len(decided) > 100
    assert repr([action for one in decided for action in one.actions]) == repr(table.actions)


def test_what_is_printed(table: Table, lines: list[str]) -> None:
    talk(table)
    told = list(format_steps(play(read_recording(encode_lines(lines))), 100.0))
    assert told[0] == "    0.000 #1 start"
    assert any(line.startswith("    0.032 … 0.064 2 input_audio_buffer.append") for line in told)
    assert any(" refuse " in line for line in told)
    assert max(map(len, told)) <= WIDTH + 1


def test_one_that_another_machine_would_decide_otherwise(table: Table, lines: list[str]) -> None:
    """Ids that were not made then are made up, the same each time."""
    table.send("response.create")
    bare = [
        json.dumps({key: value for key, value in json.loads(line).items() if key != "ids"}) + "\n" for line in lines
    ]
    first, again = ([repr(one.actions) for one in play(read_recording(encode_lines(bare)))] for _ in range(2))
    assert first == again
    assert "resp_new" in str(first)


@pytest.fixture
def write_file(table: Table, lines: list[str], tmp_path: Path) -> Callable[..., Path]:
    def write(
        *more: str, head: dict[str, Any] | None = None, ending: str = '{"ending":"the session was over"}\n'
    ) -> Path:
        first = json.dumps(json.loads(lines[0]) | (head or {})) + "\n"
        path = tmp_path / "call.jsonl"
        path.write_text("".join([first, *lines[1:], *more, ending]))
        return path

    return write


def test_the_command(write_file: Callable[..., Path], table: Table) -> None:
    table.send("response.create")
    found = print_replay(write_file())
    assert found.startswith("cascade, 2026-11-29T12:00:00Z\n    0.000 #1 start\n              Send session.created ")
    assert found.endswith("The recording ends: the session was over.\n")
    assert '"instructions": "Be brief."' in print_replay(write_file(), step=1)
    assert "response.create" not in print_replay(write_file(), until=-1.0)


@pytest.mark.parametrize(
    ("more", "head", "words"),
    [
        ((), {"recording": 2}, "It has format 2, and this version plays format 1"),
        ((), {"recording": [[]]}, "It has format"),
        ((), {"machine": "os"}, "Line 1: its machine"),
        ((), {"given": {"make_id": "x"}}, "Line 1: a TurnMachine is built with"),
        ((), {"given": {"config": 7}}, "Line 1: config does not fit"),
        ((), {"clock": "now"}, "Line 1: 'clock' is not a time"),
        (("{\n",), {}, "Line 3 is not JSON"),
        (("[]\n",), {}, "Line 3 is not a JSON object"),
        (("[" * 100_000 + "\n",), {}, "Line 3 is not JSON"),
        (('{"at":1,"event":"os.system","given":{}}\n',), {}, "Line 3: no event is called 'os.system'"),
        (('{"at":1,"event":"SpeechWindow","given":{"probability":"x"}}\n',), {}, "Line 3: SpeechWindow"),
        (
            ('{"at":1,"event":"FillerReady","given":{"response_id":"","pcm":{"$silence":1e99}}}\n',),
            {},
            "no possible length",
        ),
        (('{"at":1,"do":"__init__"}\n',), {}, "Line 3: the machine has no entry '__init__'"),
        (('{"at":1,"do":"refuse","given":{"code":7}}\n',), {}, "Line 3: a refusal has"),
        (('{"at":1e400,"do":"end"}\n',), {}, "Line 3: 'at' is not a time"),
        (('{"at":1,"do":"end","ids":[7]}\n',), {}, "Line 3: 'ids'"),
    ],
)
def test_what_is_broken(
    write_file: Callable[..., Path], more: tuple[str, ...], head: dict[str, Any], words: str
) -> None:
    with pytest.raises(CommandError) as raised:
        print_replay(write_file(*more, head=head))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", ["", "\n", "no recording\n", "{}\n", "7\n", '{"recording":1'])
def test_what_is_no_recording(tmp_path: Path, content: str) -> None:
    (tmp_path / "call.jsonl").write_text(content)
    with pytest.raises(CommandError, match="cannot be played further"):
        print_replay(tmp_path / "call.jsonl")


def test_one_that_was_cut_off(write_file: Callable[..., Path], table: Table) -> None:
    """What is whole is played, and it is said that more is missing."""
    table.send("response.create")
    for ending in ("", '{"at":1.5,"event":"SpeechWin'):
        out = StringIO()
        with pytest.raises(CommandError, match="The recording was cut off here"):
            call_command("replay", str(write_file(ending=ending)), stdout=out)
        assert "response.create" in out.getvalue()


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        print_replay(Path("/nowhere/call.jsonl"))


def test_a_step_that_fails_now_is_told(write_file: Callable[..., Path]) -> None:
    path = write_file('{"at":1,"event":"UpstreamReady","given":{}}\n')
    with pytest.raises(CommandError, match="1 steps failed that did not fail in the call"):
        print_replay(path)
    path = write_file('{"at":1,"event":"UpstreamReady","given":{},"raised":"IllegalTransitionError"}\n')
    assert "raised IllegalTransitionError: no handler for UpstreamReady, in the call IllegalTran" in print_replay(path)


def test_nothing_of_a_foreign_file_reaches_the_terminal(write_file: Callable[..., Path]) -> None:
    path = write_file(
        '{"at":1,"event":"TextDelta","given":{"response_id":"","text":"\\u001b[2J\\u202e"}}\n',
        head={"started": "\x1b[2J"},
    )
    for found in (print_replay(path), print_replay(path, step=2)):
        assert "\x1b" not in found
        assert "\u202e" not in found


WORST = [
    "[" * MB,
    '{"a":' * (MB // 5),
    '"' + "sk-" * (MB // 3) + '"',
    "1" * MB,
    json.dumps({"at": 1, "event": "x" * MB, "given": {}}),
    json.dumps({"at": 1, "do": "end", "ids": ["_"] * (MB // 6)}),
    json.dumps({"at": 1, "event": "session.update", "given": {"patch": {"$object": [["a", {}]] * (MB // 16)}}}),
    json.dumps({"at": 1, "event": "ToolsReady", "given": {"tools": [{}] * (MB // 4)}}),
    json.dumps({"at": 1, "event": "ToolsReady", "given": {"tools": [{}] * 49_000}}),
    json.dumps({"at": 1, "event": "ToolsReady", "given": {"tools": [0] * 190_000}}),
    json.dumps(
        {"at": 1, "event": "session.update", "given": {"patch": {"x": [{"$silence": 20_000_000}] * (MB // 24)}}}
    ),
]


@pytest.mark.parametrize("line", WORST, ids=range(len(WORST)))
def test_the_worst_of_a_foreign_file(write_file: Callable[..., Path], line: str) -> None:
    """A megabyte of it."""
    path = write_file(line + "\n")
    began = process_time()
    with suppress(CommandError):
        print_replay(path)
    assert process_time() - began < 3
