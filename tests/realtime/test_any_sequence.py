"""Whatever clients and engines do, in any order: no exception, an answer to all that asks for one, and no turn that
never ends."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.tools import Tool
from tests.support.realtime.any_events import ANSWERS, LATEST, any_event
from tests.support.realtime.harness import Table

CLOCK = Tool("clock", "The time.", {"type": "object", "properties": {}}, "site")
HEARD = ("Hello there.", "", "mhm", "And now?")
LONGEST_SEC = 600.0  # of all deadlines together, one behind another
ANSWERED_LATER = (
    "input_audio_buffer.append",
    "output_audio_buffer.started",
    "conversation.item.input_audio_transcription.retry",
)
Step = tuple[str, Any]
steps = st.one_of(
    st.tuples(st.just("client"), any_event),
    st.tuples(st.just("client"), any_event),
    st.tuples(st.just("audio"), st.tuples(st.sampled_from([32, 320, 960]), st.sampled_from([0.0, 0.9]))),
    *[st.tuples(st.just("engine"), st.integers(0, 11))] * 3,
    *[st.tuples(st.just("engine"), st.integers(0, 11))] * 3,
    st.tuples(st.just("fail"), st.integers(0, 5)),
    st.tuples(st.just("late"), st.integers(0, 5)),
    st.tuples(st.just("time"), st.sampled_from([0.1, 0.3, 1.0, 1.0, 5.0, 40.0])),
)


class World(Table):
    """Engines that do their work one step at a time, as the driver would tell of it."""

    def __init__(self) -> None:
        self.work: list[Any] = []
        self.undone: list[Any] = []  # aborted: what still comes of it is too late
        super().__init__()

    def _take(self, actions: list[commands.Command]) -> list[dict[str, Any]]:
        for action in actions:
            match action:
                case (
                    commands.Generate()
                    | commands.Transcribe()
                    | commands.RunTool()
                    | commands.SpeakClause()
                    | commands.SpeakFiller()
                ):
                    self.work.append(action)
                case commands.Abort(key):
                    self.undone += [one for one in self.work if key in get_ids(one)]
                    self.work = [one for one in self.work if key not in get_ids(one)]
        return super()._take(actions)

    def go_on(self, choice: int) -> None:
        """Finish one piece of work; the clauses of a response are spoken in their order."""
        ready = [
            one
            for one in self.work
            if not isinstance(one, commands.SpeakClause) or one is self._get_next_clause(one.response_id)
        ]
        if not ready:
            return
        one = ready[choice % len(ready)]
        self.work.remove(one)
        self._do(one, choice)

    def _get_next_clause(self, response_id: str) -> Any:
        spoken = [one for one in self.work if isinstance(one, commands.SpeakClause) and one.response_id == response_id]
        return min(spoken, key=lambda one: one.index)

    def _do(self, one: Any, choice: int) -> None:
        match one:
            case commands.Transcribe(item_id, revision):
                self.report(
                    engine_events.TranscriptReady(
                        item_id, revision, ("Hello there.", "", "mhm", "And now?")[choice % 4], 1.0
                    )
                )
            case commands.RunTool(response_id, item_id):
                self.report(engine_events.ToolCallDone(response_id, item_id, "Noon.", "It broke." * (choice % 4 == 3)))
            case commands.SpeakClause(response_id, index, text):
                if text:
                    self.report(engine_events.SpeechAudio(response_id, index, bytes(200 * BYTES_PER_MS)))
                self.report(engine_events.SpeechDone(response_id, index))
            case commands.SpeakFiller(response_id):
                self.report(engine_events.FillerReady(response_id, bytes(400 * BYTES_PER_MS) * (choice % 4 != 3)))
            case commands.Generate(response_id):
                if choice % 3 == 0:
                    name = ("clock", "clock", "weather")[choice // 3 % 3]
                    self.report(engine_events.ToolCallDelta(response_id, 0, "", name, "{}"))
                if choice % 3 != 1:
                    self.report(engine_events.TextDelta(response_id, "Well, that is so. "))
                self.report(engine_events.GenerationDone(response_id, "length" if choice == 11 else "stop", 20, 5))

    def fail_one(self, choice: int) -> None:
        for one in self.work[choice : choice + 1]:
            self.work.remove(one)
            failure = Failure("engine_timeout", "Too slow.")
            match one:
                case commands.Transcribe(item_id, revision):
                    self.report(engine_events.TranscriptFailed(item_id, revision, failure))
                case commands.SpeakClause(response_id) | commands.Generate(response_id):
                    self.work = [other for other in self.work if response_id not in get_ids(other)]
                    self.report(engine_events.GenerationFailed(response_id, failure))

    def finish_aborted(self, choice: int) -> None:
        """Report a result of work that was aborted."""
        if self.undone:
            self._do(self.undone[choice % len(self.undone)], choice)

    @property
    def latest(self) -> str:
        added = (event for event in reversed(self.events) if event["type"] == "conversation.item.added")
        return next((event["item"]["id"] for event in added), LATEST)

    def ask(self, event: dict[str, Any]) -> None:
        before = len(self.events)
        self.send_frame(json.dumps(event).replace(LATEST, self.latest))
        told = self.events[before:]
        self.check_answer(event, told)

    def check_answer(self, event: dict[str, Any], told: list[dict[str, Any]]) -> None:
        kinds = [one["type"] for one in told]
        expected = ANSWERS.get(event["type"]) if isinstance(event.get("type"), str) else None
        if expected is not None:
            assert expected in kinds or "error" in kinds, (event, kinds)
        elif event.get("type") not in ANSWERED_LATER:
            assert "error" in kinds


def get_ids(one: Any) -> tuple[str, ...]:
    return tuple(getattr(one, name) for name in ("response_id", "item_id") if hasattr(one, name))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=15, max_size=60))
def test_any_sequence(sequence: list[Step]) -> None:
    world = World()
    world.report(engine_events.ToolsReady((CLOCK,)))
    for kind, what in sequence:
        match kind:
            case "client":
                world.ask(what)
            case "audio":
                world.send_audio(*what)
            case "engine":
                world.go_on(what)
            case "fail":
                world.fail_one(what)
            case "late":
                world.finish_aborted(what)
            case "time":
                world.pass_time(what)
    assert_it_comes_to_rest(world)


def assert_it_comes_to_rest(world: World) -> None:
    """Check that deadlines end all that runs when engines never answer again."""
    world.send("session.update", session={"audio": {"input": {"turn_detection": None}}})
    world.pass_time(LONGEST_SEC)
    created = [event["response"]["id"] for event in world.events if event["type"] == "response.created"]
    done = [event["response"]["id"] for event in world.events if event["type"] == "response.done"]
    assert sorted(created) == sorted(done)
    assert not world.machine.state.pending
    assert "conversation.item.done" in [
        event["type"]
        for event in world.send(
            "conversation.item.create",
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Still there?"}]},
        )
    ]
