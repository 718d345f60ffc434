"""What a session's machine receives: one input after another, each decided on and performed at once."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from conversations.realtime.protocol.errors import ProtocolError
from conversations.session.dispatch.dispatch_queue import DispatchQueue
from conversations.session.dispatch.error_boundary import ErrorBoundary


class Machine:
    """Decides on two commands for each input, and breaks at the input "defect"."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def start(self, now: float) -> Sequence[str]:
        return self.receive("start", now)

    def receive(self, event: str, now: float) -> Sequence[str]:
        if event == "defect":
            raise RuntimeError(event)
        self.times.append(now)
        return (f"{event} 1", f"{event} 2")

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> Sequence[str]:
        return (f"{kind} {error.code}",)

    def end(self) -> Sequence[str]:
        return ("end",)


class Driver:
    """Notes each command; `reactions` are what performing one of them leads to at once."""

    def __init__(self) -> None:
        self.performed: list[str] = []
        self.ends = 0
        self.reactions: dict[str, Callable[[], None]] = {}
        self.queue = DispatchQueue(self.perform, ErrorBoundary("conv_1", self.end))
        self.queue.machine = self.machine = Machine()

    def perform(self, command: Any) -> None:
        self.performed.append(command)
        self.reactions.get(command, lambda: None)()

    def end(self) -> None:
        self.ends += 1
        self.queue.discard_inputs()
        self.queue.refuse(ProtocolError("internal_error", "It broke."), "server_error")


def test_each_input_is_performed_before_the_call_returns() -> None:
    driver = Driver()
    driver.queue.start()
    assert driver.performed == ["start 1", "start 2"]
    driver.queue.receive("audio")
    driver.queue.refuse(ProtocolError("invalid_value", "No."))
    driver.queue.end()
    assert driver.performed[2:] == ["audio 1", "audio 2", "invalid_request_error invalid_value", "end"]


def test_what_comes_amid_a_command_waits_for_the_others() -> None:
    driver = Driver()
    driver.reactions["audio 1"] = lambda: driver.queue.receive("window")
    driver.queue.receive("audio")
    assert driver.performed == ["audio 1", "audio 2", "window 1", "window 2"]


def test_a_defect_of_the_machine_is_told_before_what_waits() -> None:
    driver = Driver()
    driver.reactions["audio 1"] = lambda: driver.queue.receive("defect")
    driver.reactions["audio 2"] = lambda: driver.queue.receive("window")
    driver.queue.receive("audio")
    assert driver.performed == ["audio 1", "audio 2", "server_error internal_error"]
    driver.queue.receive("defect")
    assert driver.ends == 1


def test_a_defect_of_what_performs_leaves_the_rest_undone() -> None:
    driver = Driver()

    def fail() -> None:
        raise RuntimeError("a defect")

    driver.reactions["audio 1"] = fail
    driver.queue.receive("audio")
    assert driver.performed == ["audio 1", "server_error internal_error"]
    driver.queue.receive("text")  # the last words are still taken
    assert driver.performed[2:] == ["text 1", "text 2"]


def test_a_session_that_is_over_receives_nothing() -> None:
    driver = Driver()
    driver.queue.stop()
    driver.queue.receive("audio")
    assert driver.performed == []


class Detection:
    """A driver whose command "detect 1" leads to windows later, or at once."""

    def __init__(self, *, is_instant: bool) -> None:
        self.driver = Driver()
        self.driver.reactions["detect 1"] = self.detect
        self.is_instant = is_instant
        self.count = 0
        self.fills: list[tuple[Callable[[Iterable[str]], None], list[str]]] = []

    def detect(self) -> None:
        windows = [f"window {self.count}", f"window {self.count + 1}"]
        self.count += 2
        if not self.is_instant:
            self.fills.append((self.driver.queue.reserve(), windows))
            return
        for window in windows:
            self.driver.queue.receive(window)

    def finish(self) -> None:
        """Let what was detected be known."""
        if self.fills:
            fill, windows = self.fills.pop(0)
            fill(windows)


@given(st.lists(st.sampled_from(["detect", "commit", "clear", "deadline", "finish"]), max_size=20))
def test_what_is_known_later_comes_in_the_same_order(steps: list[str]) -> None:
    instant, later = Detection(is_instant=True), Detection(is_instant=False)
    for step in steps:
        if step == "finish":
            later.finish()
        else:
            instant.driver.queue.receive(step)
            later.driver.queue.receive(step)
    while later.fills:
        later.finish()
    assert later.driver.performed == instant.driver.performed
    assert later.driver.machine.times == sorted(later.driver.machine.times)
    assert not later.driver.queue.is_waiting


def test_what_is_discarded_is_not_taken_later() -> None:
    later = Detection(is_instant=False)
    later.driver.queue.receive("detect")
    later.driver.queue.receive("commit")
    later.driver.end()
    later.finish()
    assert later.driver.performed == ["detect 1", "detect 2", "server_error internal_error"]


def test_what_is_known_once_all_is_over_is_ignored() -> None:
    later = Detection(is_instant=False)
    later.driver.queue.receive("detect")
    later.driver.queue.stop()
    later.finish()
    assert later.driver.performed == ["detect 1", "detect 2"]


async def test_it_is_settled_when_all_is_known() -> None:
    later = Detection(is_instant=False)
    queue = later.driver.queue
    async with asyncio.timeout(5):
        await queue.settle()
        for ending in (later.finish, queue.discard_inputs, queue.stop):
            queue.receive("detect")
            waiting = asyncio.create_task(queue.settle())
            await asyncio.sleep(0)
            assert not waiting.done()
            ending()
            await waiting
            later.fills.clear()
