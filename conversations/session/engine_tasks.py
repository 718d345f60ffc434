"""What a session's engines do: it hears, and it replies. Each piece of work is a task that is aborted by its id."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from conversations import metrics
from conversations.audio import opus
from conversations.engines.base import Closable, Connectable, EngineError
from conversations.engines.deadline import due_by
from conversations.engines.registry import make_llm, make_stt, make_stt_stream, make_tts
from conversations.engines.voices import choose_voice
from conversations.pcm import pcm_seconds
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.user_turn.transcription import NO_SOUND
from conversations.session.generation import Generation, as_failure
from conversations.session.speech_cache import CachedSpeechToText, CachedTextToSpeech, Shelf
from conversations.session.transcriber import Transcriber
from conversations.storage import store
from conversations.storage.store import Opened
from conversations.tools.toolbox import Toolbox

log = logging.getLogger(__name__)

SETTLE_SEC = 3.0
FILLER_TIMEOUT_SEC = 4.0
MOST_FILLER_SEC = 4.0  # of sound
NOT_STORED = Failure(NO_SOUND, "Its sound is no longer stored. Please say it again.")


class EngineTasks:
    """`report` takes what the engines bring, as events of the turn machine."""

    def __init__(
        self, opened: Opened, report: Callable[[engine_events.EngineEvent], None], *, plays_live: bool = True
    ) -> None:
        self._opened = opened
        self._plays_live = plays_live
        self._report = report
        engines = opened.engines
        user_id = opened.caller.user_id
        self._stt = stt = make_stt(engines.stt)
        self._llm, tts = make_llm(engines.llm), make_tts(engines.tts)
        self._tts = CachedTextToSpeech(tts, Shelf("tts", engines.tts, user_id, metrics.count_cache_lookup))
        # Where nothing is to be stored no words are remembered either.
        is_stored = opened.pk is not None
        file_stt = (
            CachedSpeechToText(stt, Shelf("stt", engines.stt, user_id, metrics.count_cache_lookup))
            if is_stored
            else stt
        )
        self._ears = Transcriber(file_stt, make_stt_stream(engines.stt), engines.stt, opened.keywords, report)
        self._connecting = [engine for engine in (stt, self._llm, tts) if isinstance(engine, Connectable)]
        self._closing = [engine for engine in (stt, self._llm, tts) if isinstance(engine, Closable)]
        self._toolbox: Toolbox | None = None
        self._tasks: dict[str, set[asyncio.Task[None]]] = {}  # by id of the response, or of the item transcribed
        self._replies: dict[str, Generation] = {}

    @property
    def streams(self) -> bool:
        """Whether words come while one speaks."""
        return self._ears.streams

    def begin(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._ears.open()
        self.warm()
        self._toolbox = Toolbox(self._opened, group, self._offer)
        group.create_task(self._offer_own(self._toolbox))

    async def _offer_own(self, toolbox: Toolbox) -> None:
        """In a task: the machine has not started yet. MCP servers' come when they have answered."""
        self._offer(toolbox)
        if toolbox.servers:
            await toolbox.settle()
            self._offer(toolbox)  # it is known now which of them cannot be reached

    def _offer(self, toolbox: Toolbox) -> None:
        labelled = ((tool, toolbox.server_label(tool.name)) for tool in toolbox.tools)
        tools = (Tool(tool.name, tool.description, dict(tool.parameters), label) for tool, label in labelled)
        servers = frozenset(server.spec.label for server in toolbox.servers)
        awaited = frozenset(server.spec.label for server in toolbox.servers if server.is_awaited)
        failed = frozenset(server.spec.label for server in toolbox.servers if server.has_failed)
        if (ready := tuple(tools)) or servers:
            self._report(engine_events.ToolsReady(ready, servers, awaited, failed))

    async def settle(self) -> None:
        """Who has but one turn has no later one that knows more tools: MCP servers get a moment to answer first."""
        if self._toolbox is not None and not self._plays_live:
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SEC):
                    await self._toolbox.settle()

    def warm(self) -> None:
        """Makes the connections ready that the turn will need; all but free while they are."""
        for engine in self._connecting:
            self._group.create_task(engine.connect())

    def remember_nothing(self) -> None:
        """From now on nothing is to be stored."""
        self._ears.remember_nothing(self._stt)

    def stt_label(self, item_id: str) -> str:
        return self._ears.label(item_id)

    async def finish(self) -> None:
        """Waits for what still goes on; cut it short from outside."""
        while tasks := [task for tasks in self._tasks.values() for task in tasks]:
            await asyncio.wait(tasks)

    async def end(self) -> None:
        for key in list(self._tasks):
            self.abort(key)
        await self._ears.close()
        for engine in self._closing:
            await engine.close()
        if self._toolbox is not None:
            await self._toolbox.close()

    def perform(self, action: commands.EngineCommand) -> None:
        match action:
            case commands.FeedTranscriber():
                self._ears.hear(action)
            case commands.Transcribe(item_id):
                self._start(item_id, self._transcribe(action))
            case commands.Generate(response_id) if response_id in self._replies:
                self._replies[response_id].go_on(action)
            case commands.Generate(response_id):
                reply = Generation(
                    action,
                    self._llm,
                    self._tts,
                    self._opened.engines.tts,
                    self._opened.language,
                    self._report,
                    plays_live=self._plays_live,
                )
                self._replies[response_id] = reply
                self._start(response_id, self._reply(response_id, reply))
            case commands.SpeakFiller(response_id):
                self._start(response_id, self._fill(action))
            case commands.RunTool(response_id):
                self._start(response_id, self._run_tool(action))
            case commands.Abort(key):
                self.abort(key)
            case _:
                if running := self._replies.get(action.response_id):
                    self._steer(running, action)

    def _steer(
        self,
        reply: Generation,
        action: commands.SpeakClause
        | commands.DropClauses
        | commands.EndSpeech
        | commands.HoldSpeech
        | commands.ReleaseSpeech,
    ) -> None:
        match action:
            case commands.SpeakClause():
                reply.speak(action)
            case commands.DropClauses(index=index):
                reply.unspeak(index)
            case commands.EndSpeech():
                reply.end_speech()
            case commands.HoldSpeech():
                reply.hold()
            case commands.ReleaseSpeech():
                reply.release()

    def abort(self, key: str) -> None:
        for task in self._tasks.pop(key, ()):
            task.cancel()

    def _start(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.setdefault(key, set()).add(task)
        task.add_done_callback(lambda done: self._forget(key, done))

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        tasks = self._tasks.get(key, set())
        tasks.discard(task)
        if not tasks:
            self._tasks.pop(key, None)
            self._replies.pop(key, None)  # not in the task: one that is cancelled before its first step never runs

    async def _transcribe(self, asked: commands.Transcribe) -> None:
        try:
            with due_by(asked.due_at):
                found = await (self._transcribe_stored(asked) if asked.pcm is None else self._ears.transcribe(asked))
            self._report(found)
        except EngineError as error:
            self._report(engine_events.TranscriptFailed(asked.item_id, asked.revision, as_failure(error)))
        except Exception as error:  # the outermost edge: one turn fails, the session lives
            log.exception("speech to text failed in conversation %s", self._opened.public_id)
            self._report(engine_events.TranscriptFailed(asked.item_id, asked.revision, as_failure(error)))

    async def _transcribe_stored(
        self, asked: commands.Transcribe
    ) -> engine_events.TranscriptReady | engine_events.TranscriptFailed:
        ogg = await store.read_sound(self._opened.pk, asked.item_id)
        if ogg is None:
            return engine_events.TranscriptFailed(asked.item_id, asked.revision, NOT_STORED)
        return await self._ears.transcribe_file(asked, await asyncio.to_thread(opus.decode, ogg))

    async def _fill(self, asked: commands.SpeakFiller) -> None:
        """A word that bridges a silence, whole; where it does not come either, it is not missed."""
        spec, pcm = self._opened.engines.tts, bytearray()
        language = self._opened.language
        voice = choose_voice(spec, asked.voice)
        try:
            async with asyncio.timeout(FILLER_TIMEOUT_SEC):
                pieces = self._tts.speak(asked.text, voice=voice, language=language, speed=asked.speed)
                async with aclosing(pieces) as stream:
                    async for piece in stream:
                        pcm += piece
                        if pcm_seconds(pcm) > MOST_FILLER_SEC:
                            return
        except (EngineError, TimeoutError) as error:
            log.info("no filler: %s", type(error).__name__)
        else:
            self._report(engine_events.FillerReady(asked.response_id, bytes(pcm)))

    async def _run_tool(self, asked: commands.RunTool) -> None:
        if self._toolbox is None:
            raise RuntimeError("a tool of a box that is not open")
        outcome = await self._toolbox.run(asked.name, asked.arguments)
        self._report(engine_events.ToolCallDone(asked.response_id, asked.item_id, outcome.output, outcome.error))

    async def _reply(self, response_id: str, reply: Generation) -> None:
        try:
            await reply.run()
        except Exception as error:  # the outermost edge: one turn fails, the session lives
            log.exception("a reply failed in conversation %s", self._opened.public_id)
            self._report(engine_events.GenerationFailed(response_id, as_failure(error)))
