"""In which order the engines of a chain are tried, and how much time each is given. The clock is the test's own."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from math import inf
from time import monotonic

import pytest
from prometheus_client import REGISTRY

from conversations.engines import incidents
from conversations.engines.base import EngineSpec
from conversations.engines.deadline import get_remaining_sec, set_deadline
from conversations.engines.errors import EngineError, EngineErrors, EngineUnavailable
from conversations.engines.incidents import EngineIncident
from conversations.session.engine_calls.engine_chain import EngineChain, Link
from conversations.session.engine_calls.engine_circuits import EngineCircuit


@dataclass
class Bench:
    """Engines that are names; those in `down` fail. What is called is noted, with the time that it was given."""

    now: float = 1_000.0
    items: int = 0
    down: set[str] = field(default_factory=set)
    called: list[str] = field(default_factory=list)
    given_sec: list[float] = field(default_factory=list)

    def build(
        self, *names: str, provider: str = "openai", key: str = "", patience_sec: float = inf
    ) -> EngineChain[str]:
        return EngineChain([self._link(name, provider, key) for name in names], patience_sec)

    def _link(self, name: str, provider: str, key: str) -> Link[str]:
        spec = EngineSpec(provider, name, api_key=key)
        return Link(spec, name, EngineCircuit("llm", spec, lambda: self.now), None)

    async def call(self, chain: EngineChain[str], key: str = "item") -> str:
        async def run(name: str) -> str:
            self.called.append(name)
            self.given_sec.append(get_remaining_sec())
            circuit = next(link.circuit for link in chain.links if link.engine == name)
            if name in self.down:
                error = EngineUnavailable("llm", "openai", f"{name} is down.")
                circuit.note_failure(error)
                raise error
            circuit.note_success()
            return name

        return await chain.call(key, run)

    async def call_anew(self, chain: EngineChain[str]) -> str:
        """Call for an item that has not been called for yet."""
        self.items += 1
        return await self.call(chain, f"item {self.items}")

    def take_called(self) -> list[str]:
        called = self.called.copy()
        self.called.clear()
        return called


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[EngineIncident]:
    found: list[EngineIncident] = []
    monkeypatch.setattr(incidents, "_listeners", [found.append])
    return found


async def test_it_works(bench: Bench) -> None:
    chain = bench.build("a", "b", "c")
    assert await bench.call(chain) == "a"
    bench.down = {"a", "b"}
    assert await bench.call(chain, "another") == "c"
    assert (chain.find_number("item"), chain.find_number("another"), chain.find_number("unknown")) == (0, 2, 0)


async def test_all_fail(bench: Bench) -> None:
    bench.down = {"a", "b"}
    with pytest.raises(EngineError, match="b is down"):
        await bench.call(bench.build("a", "b"))
    assert bench.called == ["a", "b"]


async def test_each_gets_half_of_the_time_that_is_left_and_the_last_one_all(bench: Bench) -> None:
    bench.down = {"a", "b"}
    with set_deadline(monotonic() + 12):
        await bench.call(bench.build("a", "b", "c"))
    assert [round(sec) for sec in bench.given_sec] == [6, 6, 12]  # nothing took any time


async def test_without_a_limit_of_the_turn_there_is_one_if_another_could_answer(bench: Bench) -> None:
    await bench.call(bench.build("a", "b", patience_sec=3))
    await bench.call(bench.build("a", patience_sec=3))
    await bench.call(bench.build("a", "b", patience_sec=3, provider="local"))
    await bench.call(bench.build("a", "b"))
    assert [round(sec, 1) if sec < inf else sec for sec in bench.given_sec] == [3.0, inf, inf, inf]


async def test_one_that_keeps_failing_is_skipped_and_later_tried_by_one(
    bench: Bench, told: list[EngineIncident]
) -> None:
    chain = bench.build("a", "b")
    bench.down = {"a"}
    for _ in range(5):
        assert await bench.call_anew(chain) == "b"
    assert bench.take_called() == ["a", "b"] * 3 + ["b"] * 2
    assert [one.outcome for one in told if "circuit" in one.outcome] == ["circuit_opened"]
    bench.now += 30
    await bench.call_anew(chain)
    assert bench.take_called() == ["a", "b"]
    await bench.call_anew(chain)
    assert bench.take_called() == ["b"]
    bench.now += 60
    bench.down = set()
    assert [await bench.call_anew(chain), await bench.call_anew(chain)] == ["a", "a"]
    assert [one.outcome for one in told if "circuit" in one.outcome] == ["circuit_opened", "circuit_closed"]


def read_open_circuits() -> float | None:
    return REGISTRY.get_sample_value("voiceproject_engine_circuits_open", {"engine": "llm", "provider": "openai"})


async def test_how_many_are_open_is_told_until_nobody_asks_for_them_any_more(bench: Bench) -> None:
    bench.down = {"a"}
    for key in ("sk-mine", "sk-yours"):
        for _ in range(3):
            await bench.call_anew(bench.build("a", "b", key=key))
    assert read_open_circuits() == 2
    bench.now += 200
    bench.down = set()
    await bench.call_anew(bench.build("a", "b", key="sk-mine"))
    assert read_open_circuits() == 1
    bench.now += 200
    bench.build("a", key="sk-theirs")
    assert read_open_circuits() == 0


async def test_a_users_own_key_is_no_matter_for_operators(bench: Bench, told: list[EngineIncident]) -> None:
    spec = EngineSpec("openai", "a", api_key="sk-mine", of_user=True)
    circuit = EngineCircuit("llm", spec, lambda: bench.now)
    for _ in range(3):
        circuit.note_failure(EngineUnavailable("llm", "openai", "It is down."))
    assert [one.outcome for one in told] == ["circuit_opened"]
    assert not circuit.admits()
    assert read_open_circuits() == 0


async def test_who_comes_while_another_tries_goes_past(bench: Bench) -> None:
    chain, is_tried, is_over = bench.build("a", "b"), asyncio.Event(), asyncio.Event()
    bench.down = {"a"}
    for _ in range(3):
        await bench.call_anew(chain)
    bench.now += 30

    async def wait(name: str) -> str:
        is_tried.set()
        await is_over.wait()
        return name

    trial = asyncio.create_task(chain.call("trial", wait))
    await is_tried.wait()
    bench.take_called()
    assert await bench.call_anew(chain) == "b"
    assert bench.take_called() == ["b"]
    trial.cancel()  # as a user who speaks over the reply does
    await asyncio.wait({trial})
    bench.down = set()
    assert await bench.call_anew(chain) == "a"


async def test_if_all_are_skipped_the_one_that_recovers_soonest_is_tried(bench: Bench) -> None:
    chain = bench.build("a", "b")
    bench.down = {"a"}
    for _ in range(3):
        await bench.call_anew(chain)
    bench.now += 10
    bench.down = {"a", "b"}
    for _ in range(3):
        with pytest.raises(EngineError):
            await bench.call_anew(chain)
    bench.take_called()
    with pytest.raises(EngineError, match="a is down"):
        await bench.call_anew(chain)
    assert bench.take_called() == ["a"]
    bench.down = set()
    assert await bench.call_anew(chain) == "a"


async def test_behind_one_that_fails_the_skipped_one_is_tried_all_the_same(bench: Bench) -> None:
    chain = bench.build("a", "b")
    bench.down = {"a"}
    for _ in range(3):
        await bench.call_anew(chain)
    bench.down = {"b"}
    bench.take_called()
    assert await bench.call_anew(chain) == "a"
    assert bench.take_called() == ["b", "a"]


async def test_an_item_stays_with_what_answered_it(bench: Bench) -> None:
    chain = bench.build("a", "b")
    bench.down = {"a"}
    await bench.call(chain)
    bench.down = set()
    await bench.call(chain)
    assert bench.take_called() == ["a", "b", "b"]
    bench.down = {"b"}
    assert await bench.call(chain) == "a"


async def test_one_reply_stays_with_the_engine_that_it_tries_out(bench: Bench) -> None:
    """Its clauses are spoken side by side. One of another reply goes past meanwhile."""
    chain, is_tried, is_over = bench.build("a", "b"), asyncio.Event(), asyncio.Event()
    bench.down = {"a"}
    for _ in range(3):
        await bench.call_anew(chain)
    bench.now, bench.down = bench.now + 30, set()

    async def wait(name: str) -> str:
        is_tried.set()
        await is_over.wait()
        return name

    first = asyncio.create_task(chain.call("reply", wait))
    await is_tried.wait()
    assert await bench.call_anew(chain) == "b"
    second = asyncio.create_task(chain.call("reply", wait))
    is_over.set()
    assert [await first, await second] == ["a", "a"]


async def test_a_reply_stays_with_its_engine_when_another_recovers(bench: Bench) -> None:
    chain = bench.build("a", "b")
    bench.down = {"a"}
    for _ in range(3):
        await bench.call_anew(chain)
    assert await bench.call(chain, "reply") == "b"
    bench.now, bench.down = bench.now + 30, set()
    assert await bench.call_anew(chain) == "a"
    assert await bench.call(chain, "reply") == "b"


async def test_what_one_key_suffers_is_nothing_to_another(bench: Bench) -> None:
    bench.down = {"a"}
    for _ in range(4):
        await bench.call_anew(bench.build("a", "b", key="sk-mine"))
    bench.take_called()
    await bench.call_anew(bench.build("a", "b", key="sk-yours"))
    await bench.call_anew(bench.build("a", "b", key="sk-mine"))
    assert bench.called == ["a", "b", "b"]


async def break_off(name: str) -> AsyncGenerator[str]:
    yield f"{name}: I think"
    raise EngineUnavailable("llm", "openai", "It broke off.")


async def test_what_fails_amid_its_output_is_not_gone_on_with(bench: Bench) -> None:
    chain = bench.build("a", "b")
    stream = chain.stream("item", lambda link: break_off(link.engine))
    assert await anext(stream) == "a: I think"
    with pytest.raises(EngineUnavailable):
        await anext(stream)
    assert chain.find_number("item") == 0


async def test_what_can_be_taken_back_is_replaced(bench: Bench) -> None:
    async def answer(name: str) -> AsyncGenerator[str]:
        yield f"{name}: It is noon."

    chain = bench.build("a", "b", "c")
    stream = chain.stream("item", lambda link: (answer if link.engine == "c" else break_off)(link.engine), lambda: "-")
    assert [piece async for piece in stream] == ["a: I think", "-", "b: I think", "-", "c: It is noon."]
    assert chain.find_number("item") == 2


async def test_if_nobody_is_left_nothing_is_taken_back(bench: Bench) -> None:
    chain = bench.build("a", "b")
    stream = chain.stream("item", lambda link: break_off(link.engine), lambda: "-")
    assert [await anext(stream) for _ in range(3)] == ["a: I think", "-", "b: I think"]
    with pytest.raises(EngineUnavailable):
        await anext(stream)


async def test_a_failure_amid_the_output_counts_against_the_engine(bench: Bench, told: list[EngineIncident]) -> None:
    [link] = bench.build("a").links
    for _ in range(3):
        with pytest.raises(EngineUnavailable):
            async for _ in link.circuit.watch(break_off("a")):
                pass
    assert [one.outcome for one in told] == ["circuit_opened"]


async def test_a_wait_that_was_cut_short_does_not(bench: Bench, told: list[EngineIncident]) -> None:
    [link] = bench.build("a").links
    errors = EngineErrors("llm", "openai", "OpenAI", "")
    for _ in range(5):
        link.circuit.note_failure(errors.build_timeout_error(0.4))
    assert told == []
