"""The ids in each line of the log, as lines and as JSON."""

import json
import logging
import sys
from contextvars import copy_context

import pytest

from voiceproject import log_context
from voiceproject.log_formatting import JSONFormatter, LineFormatter

CONVERSATION, TURN = "conv_0123456789abcdef", "resp_0123456789abcdef"


def make_record(message: str, *arguments: object, **fields: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "conversations.engines", "levelno": 30, "levelname": "WARNING"})
    record.msg, record.args = message, arguments
    record.created, record.msecs = 1_780_000_000.25, 250.0
    vars(record).update(fields)
    return record


def format_in_turn(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    def run() -> str:
        log_context.begin_session(CONVERSATION, 3)
        return log_context.enter_turn(copy_context(), TURN).run(formatter.format, record)

    return copy_context().run(run)


def test_a_line() -> None:
    formatter = LineFormatter("%(levelname)s %(name)s: %(message)s")
    told = format_in_turn(formatter, make_record("engine_event code=%s", "engine_timeout"))
    ids = f"[conversation={CONVERSATION} turn={TURN} user=3]"
    assert told == f"WARNING conversations.engines: engine_event code=engine_timeout {ids}"
    told = format_in_turn(formatter, make_record("a session failed in conversation %s", CONVERSATION))
    assert told.endswith(f"conversation {CONVERSATION} [turn={TURN} user=3]")
    assert formatter.format(make_record("nobody's")) == "WARNING conversations.engines: nobody's"
    assert "[" not in format_in_turn(formatter, make_record("event=x user=3", security={"event": "x"}))


def test_json() -> None:
    told = json.loads(format_in_turn(JSONFormatter(), make_record("code=%s", "engine_timeout")))
    assert told == {
        "time": "2026-05-28T20:26:40.250Z",
        "level": "warning",
        "logger": "conversations.engines",
        "message": "code=engine_timeout",
        "conversation": CONVERSATION,
        "turn": TURN,
        "user": "3",
    }
    told = json.loads(JSONFormatter().format(make_record("event=x", security={"event": "x", "user": 3})))
    assert told["security"] == {"event": "x", "user": 3}


def test_one_line_each_and_no_secrets() -> None:
    key = "vp_" + "a1B2" * 10
    try:
        raise ValueError(f"a\nb\u2028 {key}")
    except ValueError:
        record = make_record("failed\nwith %s", key, exc_info=sys.exc_info())
    told = JSONFormatter().format(record)
    assert len(told.splitlines()) == 1
    assert key not in told
    assert "ValueError" in json.loads(told)["exception"]


@pytest.mark.usefixtures("_worker")
def test_the_process_where_several_serve() -> None:
    assert JSONFormatter().format(make_record("x")).endswith('"worker": "2"}')


@pytest.fixture
def _worker() -> object:
    log_context.name_worker("2")
    yield
    log_context.name_worker("")
