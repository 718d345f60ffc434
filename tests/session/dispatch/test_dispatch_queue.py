"""What a session's machine receives: one input after another, each decided on and performed at once."""

from collections.abc import Callable, Sequence
from typing import Any

from conversations.realtime.protocol.errors import ProtocolError
from conversations.session.dispatch.dispatch_queue import DispatchQueue
from conversations.session.dispatch.error_boundary import ErrorBoundary


class Machine:
    """Decides on two commands for each input, and breaks at the input "defect"."""

    def start(self, now: float) -> Sequence[str]:
        return self.receive("start", now)

    def receive(self, event: str, now: float) -> Sequence[str]:
        if event == "defect":
            raise RuntimeError(event)
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
        self.queue.machine = Machine()

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
