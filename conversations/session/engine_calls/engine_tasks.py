"""The running calls to a session's engines, each in a task that is aborted by the id of its item or response."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from contextvars import copy_context
from typing import Any

from conversations.audio import opus
from conversations.engines.base import Closable, Connectable
from conversations.engines.deadline import set_deadline
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.errors import EngineError
from conversations.engines.registry import make_stt_stream
from conversations.engines.voices import choose_voice
from conversations.pcm import measure_seconds
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.user_turn.transcription import NO_SOUND
from conversations.session.engine_calls.engine_chains import EngineChains
from conversations.session.engine_calls.generation import Generation, convert_failure
from conversations.session.engine_calls.observed import run_tool
from conversations.session.engine_calls.transcriber import Transcriber
from conversations.storage import store
from conversations.storage.store import OpenedConversation
from conversations.tools.toolbox import Toolbox
from voiceproject import log_context

log = logging.getLogger(__name__)

SETTLE_SEC = 3.0  # so long a session of one turn waits for the tools of MCP servers
FILLER_TIMEOUT_SEC = 4.0
MOST_FILLER_SEC = 4.0  # the longest sound of a filler
Steering = (
    commands.SpeakClause | commands.DropClauses | commands.EndSpeech | commands.HoldSpeech | commands.ReleaseSpeech
)
NOT_STORED = Failure(NO_SOUND, "Your recording is no longer stored. Please say it again.")


class EngineTasks:
    """Perform the engine commands of one session; `report` takes what the engines bring, as events of the machine."""

    def __init__(
        self,
        opened: OpenedConversation,
        report: Callable[[engine_events.EngineEvent], None],
        *,
        plays_live: bool = True,
    ) -> None:
        self._opened, self._plays_live, self._report = opened, plays_live, report
        engines = opened.engines
        # If nothing is stored, no transcripts are cached either.
        self._chains = EngineChains(engines, opened.caller.user_id, keeps_words=opened.pk is not None)
        stream = make_stt_stream(engines.stt)
        self.transcriber = Transcriber(stream, engines.stt, opened.keywords, report, self._chains)
        self._toolbox: Toolbox | None = None
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}  # by id of the response, or of the item transcribed
        self._generations: dict[str, Generation] = {}

    @property
    def is_streaming(self) -> bool:
        """Return whether partial transcripts come while the user speaks."""
        return self.transcriber.is_streaming

    def get_label(self, kind: EngineKind, key: str) -> str:
        """Return which engine served the item or response of this id, as it is stored."""
        return self.transcriber.get_label(key) if kind == "stt" else self._chains.get_label(kind, key)

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Open the engines and offer the tools; all tasks run in `group`."""
        self._group, self._context = group, copy_context()
        self.transcriber.open()
        self.connect()
        self._toolbox = Toolbox(self._opened, group, self._report_tools)
        group.create_task(self._report_tools_as_they_come(self._toolbox))

    async def _report_tools_as_they_come(self, toolbox: Toolbox) -> None:
        """Report the site's own tools at once, and those of MCP servers when the servers have answered."""
        self._report_tools(toolbox)
        if toolbox.servers:
            await toolbox.settle()
            self._report_tools(toolbox)  # it is known now which of them cannot be reached

    def _report_tools(self, toolbox: Toolbox) -> None:
        labelled = ((tool, toolbox.get_server_label(tool.name)) for tool in toolbox.tools)
        tools = (Tool(tool.name, tool.description, dict(tool.parameters), label) for tool, label in labelled)
        servers = frozenset(server.spec.label for server in toolbox.servers)
        awaited = frozenset(server.spec.label for server in toolbox.servers if server.is_awaited)
        failed = frozenset(server.spec.label for server in toolbox.servers if server.has_failed)
        if (ready := tuple(tools)) or servers:
            self._report(engine_events.ToolsReady(ready, servers, awaited, failed))

    async def wait_for_tools(self) -> None:
        """Give MCP servers a moment to answer if the session has but one turn, which must know all tools."""
        if self._toolbox is not None and not self._plays_live:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SEC):
                    await self._toolbox.settle()

    def connect(self) -> None:
        """Open the connections that the turn will need. It costs next to nothing if they are open."""
        for engine in self._chains.list_next_cores():
            if isinstance(engine, Connectable):
                self._group.create_task(engine.connect())

    def stop_caching(self) -> None:
        """Cache no more transcripts: nothing is stored from now on."""
        self._chains.stop_caching()

    def hurry(self) -> None:
        """Send the speech of all responses as soon as it is made."""
        self._plays_live = False
        for generation in self._generations.values():
            generation.hurry()

    async def finish(self) -> None:
        """Wait until all tasks are done. The caller sets a timeout."""
        while tasks := [task for tasks in self._tasks.values() for task in tasks]:
            await asyncio.wait(tasks)

    async def end(self) -> None:
        """Abort all tasks and close the engines."""
        for key in list(self._tasks):
            self.abort(key)
        await self.transcriber.close()
        for engine in self._chains.list_cores():
            if isinstance(engine, Closable):
                await engine.close()
        if self._toolbox is not None:
            await self._toolbox.close()

    def perform(self, command: commands.EngineCommand) -> None:
        """Perform a command: start a task, or steer one that runs."""
        match command:
            case commands.Transcribe(item_id):
                self._start(item_id, self._transcribe(command))
            case commands.Generate(response_id) if response_id in self._generations:
                self._generations[response_id].add_round(command)
            case commands.Generate(response_id):
                generation = Generation(
                    command,
                    self._chains.get_llm(response_id, lambda: self._is_unheard(response_id)),
                    self._chains.get_tts(response_id),
                    self._opened.engines.tts,
                    self._opened.language,
                    self._report,
                    plays_live=self._plays_live,
                )
                self._generations[response_id] = generation
                self._start(response_id, self._run_generation(response_id, generation))
            case commands.SpeakFiller(response_id):
                self._start(response_id, self._speak_filler(command))
            case commands.RunTool(response_id):
                self._start(response_id, self._run_tool(command))
            case commands.Abort(key):
                self.abort(key)
            case _:
                if running := self._generations.get(command.response_id):
                    self._steer_generation(running, command)

    def _is_unheard(self, response_id: str) -> bool:
        """Return whether nobody has been told of a word of this response yet."""
        running = self._generations.get(response_id)
        return running is not None and running.asked.is_spoken and not running.has_sounded

    def _steer_generation(self, generation: Generation, command: Steering) -> None:
        match command:
            case commands.SpeakClause():
                self._chains.note_voice(command.response_id, command.voice)
                generation.speak(command)
            case commands.DropClauses(index=index):
                generation.drop_clauses(index)
            case commands.EndSpeech():
                generation.end_speech()
            case commands.HoldSpeech():
                generation.hold()
            case commands.ReleaseSpeech():
                generation.release()

    def abort(self, key: str) -> None:
        """Cancel the tasks of this response or item, which closes their upstream streams."""
        for task in self._tasks.pop(key, ()):
            task.cancel()

    def _start(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work, context=log_context.enter_turn(self._context, key))
        self._tasks.setdefault(key, set()).add(task)
        task.add_done_callback(lambda done: self._forget(key, done))

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        tasks = self._tasks.get(key, set())
        tasks.discard(task)
        if not tasks:
            self._tasks.pop(key, None)
            self._generations.pop(key, None)  # not in the task: one that is cancelled before its first step never runs

    async def _transcribe(self, asked: commands.Transcribe) -> None:
        try:
            with set_deadline(asked.due_at):
                transcribe = self._transcribe_stored if asked.pcm is None else self.transcriber.transcribe
                found = await transcribe(asked)
            self._report(found)
        except EngineError as error:
            self._report(engine_events.TranscriptFailed(asked.item_id, asked.revision, convert_failure(error)))
        except Exception as error:  # an error boundary: one turn fails, the session lives
            log.exception("speech to text failed in conversation %s", self._opened.public_id)
            self._report(engine_events.TranscriptFailed(asked.item_id, asked.revision, convert_failure(error)))

    async def _transcribe_stored(
        self, asked: commands.Transcribe
    ) -> engine_events.TranscriptReady | engine_events.TranscriptFailed:
        ogg = await store.read_sound(self._opened.pk, asked.item_id)
        if ogg is None:
            return engine_events.TranscriptFailed(asked.item_id, asked.revision, NOT_STORED)
        return await self.transcriber.transcribe_file(asked, await asyncio.to_thread(opus.decode, ogg))

    async def _speak_filler(self, asked: commands.SpeakFiller) -> None:
        """Synthesise a filler as a whole. If that fails or takes too long, there is none."""
        spec, pcm = self._opened.engines.tts, bytearray()
        language = self._opened.language
        voice = choose_voice(spec, asked.voice)
        try:
            async with asyncio.timeout(FILLER_TIMEOUT_SEC):
                pieces = self._chains.get_tts(asked.response_id).speak(
                    asked.text, voice=voice, language=language, speed=asked.speed
                )
                async with aclosing(pieces) as stream:
                    async for piece in stream:
                        pcm += piece
                        if measure_seconds(pcm) > MOST_FILLER_SEC:
                            return
        except (EngineError, TimeoutError) as error:
            log.info("no filler: %s", type(error).__name__)
        else:
            self._report(engine_events.FillerReady(asked.response_id, bytes(pcm)))

    async def _run_tool(self, asked: commands.RunTool) -> None:
        if self._toolbox is None:
            raise RuntimeError("a tool of a box that is not open")
        outcome = await run_tool(self._toolbox, asked.name, asked.arguments)
        self._report(engine_events.ToolCallDone(asked.response_id, asked.item_id, outcome.output, outcome.error))

    async def _run_generation(self, response_id: str, generation: Generation) -> None:
        try:
            await generation.run()
        except Exception as error:  # an error boundary: one turn fails, the session lives
            log.exception("a generation failed in conversation %s", self._opened.public_id)
            self._report(engine_events.GenerationFailed(response_id, convert_failure(error)))
