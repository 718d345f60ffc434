"""Several processes behind one port: they all serve, they come back, and none is left behind."""

import os
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.support.patience import stretch
from tests.support.supervised import supervise, wait_until
from voiceproject.server import supervisor


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_serve_on_one_port_and_end_together() -> None:
    with supervise(3) as site:
        site.wait_for(r"worker \d is (\d+)", 3)
        wait_until(lambda: len({site.ask()[0] for _ in range(10)}) == 3)
        site.process.terminate()
        assert site.process.wait(stretch(10)) == 0
        assert not [pid for pid in site.list_workers() if is_running(pid)]
        assert site.log.count("serving at") == 1


def test_one_that_ends_is_started_again_and_said() -> None:
    with supervise() as site:
        killed = site.ask()[1]
        os.kill(killed, signal.SIGKILL)
        site.wait_for("ended by signal 9; it is started again in 0.5 s")
        site.wait_for(r"worker \d is (\d+)", 3)
        assert site.ask()[1] != killed


def test_one_that_keeps_ending_is_started_ever_later_while_others_serve() -> None:
    with supervise(work="if link.number == 2: time.sleep(0.2); sys.exit(3)") as site:
        site.ask()
        site.wait_for("worker 2 ended with exit code 3; it is started again in 2.0 s")
        assert site.ask()[0] == 1


def test_a_site_that_cannot_start_ends_with_the_exit_code_of_its_workers() -> None:
    with supervise(work="sys.exit(3)") as site:
        assert site.process.wait(stretch(20)) == 3
        assert "cannot start" in site.log


def test_all_end_with_a_supervisor_that_is_killed() -> None:
    """Even those that do not care for SIGTERM."""
    with supervise(work="drain_sec = 60 * (link.number == 1)") as site:
        site.wait_for(r"worker \d is (\d+)", 2)
        site.ask()
        site.process.kill()
        wait_until(lambda: not any(is_running(pid) for pid in site.list_workers()))


def test_started_anew_one_after_the_other() -> None:
    with supervise() as site:
        site.wait_for(r"worker \d is (\d+)", 2)
        wait_until(lambda: len({site.ask()[0] for _ in range(10)}) == 2)
        before = set(site.list_workers())
        site.process.send_signal(signal.SIGHUP)
        answered: set[int] = set()
        while len(answered - before) < 2:  # nobody is ever turned away
            answered.add(site.ask()[1])
        wait_until(lambda: not any(is_running(pid) for pid in before))
        assert site.process.poll() is None


def test_one_that_cannot_be_started_anew_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    with supervise(work=f"if os.path.exists({str(broken)!r}): sys.exit(1)") as site:
        site.wait_for(r"worker \d is (\d+)", 2)
        wait_until(lambda: len({site.ask()[0] for _ in range(10)}) == 2)
        before = site.list_workers()
        broken.touch()
        site.process.send_signal(signal.SIGHUP)
        site.wait_for("ended with exit code 1; it is started again")
        assert site.ask()[1] in before


def test_the_second_signal_ends_what_drains() -> None:
    with supervise(1, work="drain_sec = 60") as site:
        pid = site.ask()[1]
        site.process.terminate()
        site.wait_for("worker 1 drains")
        assert is_running(pid)
        site.process.terminate()
        assert site.process.wait(stretch(10)) == 0


def test_one_that_does_not_end_is_killed_and_that_is_no_success() -> None:
    with supervise(1, work="drain_sec = 60", patience_sec=0.3) as site:
        site.ask()
        site.process.send_signal(signal.SIGINT)
        assert site.process.wait(stretch(10)) == 1
        assert "worker 1 does not end, so it is killed" in site.log


def test_a_process_that_the_machine_has_no_room_for_is_one_that_cannot_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_WAIT_SEC", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert supervisor.Supervisor(listener, 1, ["/there/is/no/program"], lambda: None, patience_sec=1.0).run() == 1
    assert "worker 1 cannot be started: No such file or directory" in caplog.messages


# A worker spins or blocks on its loop for whom it has told who it is, unless another has done so before.
STUCK = """
import pathlib
def work_for(connection):
    try:
        pathlib.Path({mark!r}).touch(exist_ok=False)
    except FileExistsError:
        return
    {how}
"""
WAYS = ("while True: pass", "time.sleep(600)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")


@pytest.mark.parametrize("how", WAYS, ids=["spins", "sleeps", "ignores signals"])
def test_one_whose_event_loop_stands_still_is_replaced(how: str, tmp_path: Path) -> None:
    """The others serve meanwhile, and it is said and counted."""
    with supervise(work=STUCK.format(mark=str(tmp_path / "mark"), how=how), stuck_sec=0.5) as site:
        site.wait_for(r"worker \d is (\d+)", 2)
        number, stuck = site.ask()
        wait_until((tmp_path / "mark").exists)  # it is told first who that is, and the other would make it
        assert site.ask()[0] != number
        site.wait_for(rf"worker {number} is stuck: its event loop has not run for \d+ s; it is replaced")
        wait_until(lambda: not is_running(stuck), 15)
        site.wait_for(rf"worker {number} is (\d+)", 2)
        wait_until(lambda: site.ask()[0] == number)
        assert site.stuck == 1
        assert len(re.findall(f"worker {number} ", site.log)) == 3  # begun, replaced, begun
        site.process.terminate()
        assert site.process.wait(stretch(10)) == 0


def test_one_that_wakes_up_lets_its_calls_end(tmp_path: Path) -> None:
    """Though it was asked to end, and takes longer for that than one gets that is stuck."""
    work = STUCK.format(mark=str(tmp_path / "mark"), how="time.sleep(2)") + f"\ndrain_sec = {supervisor.WAKE_SEC + 1}"
    with supervise(work=work, stuck_sec=0.5) as site:
        site.wait_for(r"worker \d is (\d+)", 2)
        stuck = site.ask()[1]
        site.wait_for("drains")
        wait_until(lambda: not is_running(stuck), 15)
        assert "killed" not in site.log


def test_busy_ones_are_left_alone() -> None:
    """Each pause is honest: the event loop runs between them."""
    work = "work_for = lambda connection: time.sleep(0.3)"
    with supervise(work=work, stuck_sec=1.0) as site:
        for _ in range(8):
            site.ask()
        assert "stuck" not in site.log
