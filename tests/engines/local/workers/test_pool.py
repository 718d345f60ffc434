"""Real processes, with small tasks in place of a model."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from conversations.engines.deadline import set_deadline
from conversations.engines.errors import EngineBusy, EngineRejected, EngineTimeout, EngineUnavailable
from conversations.engines.local.workers.pool import WorkerPool
from conversations.engines.local.workers.pools import close_pools, get_pool
from conversations.engines.local.workers.worker_process import NICENESS
from tests.support.polling import poll

TASK = "tests.support.worker_tasks.load_task"
MakePool = Callable[..., WorkerPool]

START_AND_WAIT = """
import asyncio
from conversations.engines.local.workers.pools import get_pool
async def main():
    pool = get_pool("stt", "tests.support.worker_tasks.load_task", ())
    async for pid, _, _ in pool.stream(("describe", None)):
        print(pid, flush=True)
    input()
if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture
def make_pool() -> Iterator[MakePool]:
    pools: list[WorkerPool] = []

    def make(load: str = TASK, **options: Any) -> WorkerPool:
        pools.append(WorkerPool("stt", load, (), **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


async def ask(pool: WorkerPool, *asked: Any, **options: Any) -> list[Any]:
    return [value async for value in pool.stream(asked, **options)]


async def wait_for_processes(pool: WorkerPool, number: int) -> None:
    async def are_there() -> bool:
        return len(pool.list_process_ids()) == number

    await poll(are_there)


async def test_it_works(make_pool: MakePool) -> None:
    pool = make_pool()
    assert await ask(pool, "count", 3) == [0, 1, 2]
    [(pid, niceness, parent)] = await ask(pool, "describe", None)
    assert pid in pool.list_process_ids()
    assert (niceness, parent) == (min(19, os.nice(0) + NICENESS), os.getpid())


async def test_a_refusal_is_told_and_the_process_goes_on(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    with pytest.raises(EngineRejected, match=r"^Speech to text \(this machine\) cannot do that\.$"):
        await ask(pool, "refuse", "cannot do that.")
    with pytest.raises(EngineUnavailable, match="has not enough memory"):
        await ask(pool, "exhaust", None)
    assert await ask(pool, "count", 1) == [0]


async def test_a_model_that_is_not_there_is_told_to_all_who_wait(make_pool: MakePool) -> None:
    pool = make_pool("tests.support.worker_tasks.load_nothing")
    results = await asyncio.gather(*(ask(pool, "count", 1) for _ in range(4)), return_exceptions=True)
    assert {str(result) for result in results} == {"Speech to text (this machine) cannot use its model. There is none."}
    with pytest.raises(EngineUnavailable, match="cannot use its model"):
        await ask(pool, "count", 1)


async def test_a_process_that_dies_while_it_loads_is_not_started_for_ever(make_pool: MakePool) -> None:
    pool = make_pool("tests.support.worker_tasks.load_death")
    with pytest.raises(EngineUnavailable, match="stopped in the middle"):
        await ask(pool, "count", 1)
    assert pool.list_process_ids() == []


async def test_closing_the_generator_ends_the_work_and_keeps_the_process(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    async with aclosing(pool.stream(("wait", "/never"))) as answers:
        assert await anext(answers) == "begun"
        before = pool.list_process_ids()
    assert await ask(pool, "count", 2) == [0, 1]
    assert pool.list_process_ids() == before


async def test_cancelling_the_task_ends_the_work(make_pool: MakePool) -> None:
    pool = make_pool(processes=1, queue=0)
    task = asyncio.create_task(ask(pool, "wait", "/never"))
    await wait_for_processes(pool, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ask(pool, "count", 1) == [0]


async def test_work_that_does_not_stop_is_killed_and_the_spare_takes_over(make_pool: MakePool) -> None:
    pool = make_pool(at_once=1)
    pool.warm()
    await wait_for_processes(pool, 2)
    before = set(pool.list_process_ids())
    async with aclosing(pool.stream(("hang", None))) as answers:
        await anext(answers)
    [(pid, _, _)] = await ask(pool, "describe", None)
    assert pid in before
    await wait_for_processes(pool, 2)
    assert len(before & set(pool.list_process_ids())) == 1


async def test_a_process_that_is_killed_costs_its_request_and_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    answers = pool.stream(("wait", "/never"))
    await anext(answers)
    [pid] = pool.list_process_ids()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="is starting again"):
        await anext(answers)
    [(other, _, _)] = await ask(pool, "describe", None)
    assert other != pid


async def test_a_process_that_died_while_it_stood_by_costs_nothing(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    [(pid, _, _)] = await ask(pool, "describe", None)
    process = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([process], [], [], 10)[0]
    os.close(process)
    [(other, _, _)] = await ask(pool, "describe", None)
    assert other != pid


async def test_ctrl_c_is_for_the_site(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    [(pid, _, _)] = await ask(pool, "describe", None)
    os.kill(pid, signal.SIGINT)
    assert [pid for pid, _, _ in await ask(pool, "describe", None)] == [pid]


async def test_a_process_that_died_while_it_stood_by_is_replaced_before_the_next_request(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    [(pid, _, _)] = await ask(pool, "describe", None)
    process = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([process], [], [], 10)[0]
    os.close(process)
    pool.warm()

    async def is_replaced() -> bool:
        return pool.list_process_ids() not in ([], [pid])

    await poll(is_replaced)


async def test_what_does_not_fit_the_queue_is_refused_at_once(make_pool: MakePool, tmp_path: Path) -> None:
    pool, flag = make_pool(processes=1, at_once=1, queue=1), tmp_path / "go"
    first = pool.stream(("wait", str(flag)))
    await anext(first)
    second = asyncio.create_task(ask(pool, "count", 1))
    await asyncio.sleep(0)
    with pytest.raises(EngineBusy, match="is busy with others"):
        await ask(pool, "count", 1)
    flag.touch()
    assert [value async for value in first] == ["waited"]
    assert await second == [0]


async def test_who_waits_too_long_is_refused(make_pool: MakePool) -> None:
    pool = make_pool(processes=1, wait_sec=0.05)
    async with aclosing(pool.stream(("wait", "/never"))) as first:
        await anext(first)
        with pytest.raises(EngineBusy):
            await ask(pool, "count", 1)
    assert await ask(pool, "count", 1) == [0]


async def test_who_came_while_it_was_loading_waits_longer(make_pool: MakePool, tmp_path: Path) -> None:
    pool, flag = make_pool(processes=1, at_once=1, wait_sec=1.0), tmp_path / "go"
    first = pool.stream(("wait", str(flag)))
    begun = asyncio.create_task(anext(first))
    await asyncio.sleep(0)
    second = asyncio.create_task(ask(pool, "count", 1))
    assert await begun == "begun"
    with pytest.raises(EngineBusy):
        await ask(pool, "count", 1)
    flag.touch()
    assert await second == [0]
    assert [value async for value in first] == ["waited"]


async def test_two_at_once(make_pool: MakePool, tmp_path: Path) -> None:
    pool, flag = make_pool(), tmp_path / "go"
    first = pool.stream(("wait", str(flag)))
    await anext(first)
    assert await ask(pool, "count", 2) == [0, 1]
    flag.touch()
    assert [value async for value in first] == ["waited"]


async def test_background_work_leaves_a_process_to_others(make_pool: MakePool) -> None:
    pool = make_pool()
    pool.warm()
    await wait_for_processes(pool, 2)
    async with aclosing(pool.stream(("wait", "/never"), is_background=True)) as first:
        await anext(first)
        with pytest.raises(EngineBusy):
            await ask(pool, "count", 1, is_background=True)
        assert await ask(pool, "count", 1) == [0]


async def test_a_worker_that_says_nothing(make_pool: MakePool) -> None:
    pool = make_pool(processes=1)
    with pytest.raises(EngineTimeout, match=r"sent nothing for 0\.1 seconds"):
        await ask(pool, "hang", None, timeout_sec=0.1)
    with set_deadline(0.0), pytest.raises(EngineTimeout, match="had no time left"):
        await ask(pool, "hang", None)


async def test_idle_processes_end_and_come_back(make_pool: MakePool) -> None:
    now = 0.0
    pool = make_pool(clock=lambda: now, idle_sec=600.0)
    [(pid, _, _)] = await ask(pool, "describe", None)
    await wait_for_processes(pool, 2)
    process = os.pidfd_open(pid)
    now = 599.0
    pool.end_idle()
    assert await ask(pool, "count", 1) == [0]
    now = 1198.0
    pool.end_idle()
    assert len(pool.list_process_ids()) == 2
    now = 1199.0
    pool.end_idle()
    assert await asyncio.to_thread(select.select, [process], [], [], 10) == ([process], [], [])
    os.close(process)
    await wait_for_processes(pool, 0)
    assert await ask(pool, "count", 1) == [0]


async def test_models_that_were_used_longest_ago_leave() -> None:
    first = get_pool("stt", TASK, (), processes=1)
    assert get_pool("stt", TASK, (), processes=1) is first
    [(pid, _, _)] = await ask(first, "describe", None)
    process = os.pidfd_open(pid)
    try:
        for name in ("load_nothing", "load_death"):
            get_pool("stt", f"tests.support.worker_tasks.{name}", ())
        assert await asyncio.to_thread(select.select, [process], [], [], 10) == ([process], [], [])
        assert get_pool("stt", TASK, ()) is not first
    finally:
        os.close(process)
        close_pools()


def test_the_process_ends_with_a_site_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "site.py"
    script.write_text(START_AND_WAIT)
    command, env = [sys.executable, str(script)], {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout is not None
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert select.select([worker], [], [], 10)[0]
    os.close(worker)


def test_a_site_that_ends_leaves_nothing_and_says_nothing(tmp_path: Path) -> None:
    script = tmp_path / "site.py"
    script.write_text(START_AND_WAIT)
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, str(script)], input="\n", capture_output=True, text=True, env=env, check=True, timeout=60
    )
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
