"""The cascade session: speech to text, a language model and text to speech, driven by the turn machine."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from conversations.audio import speech_model
from conversations.audio.vad import SpeechDetector
from conversations.engines.registry import load, load_stream
from conversations.realtime import commands, engine_events
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.session_config import REALTIME
from conversations.session import initial_settings
from conversations.session.base import Session
from conversations.session.engine_calls.engine_tasks import EngineTasks
from conversations.session.speech_batches import SPEECH_BATCHES
from conversations.storage import store
from conversations.storage.engine_selection import EngineSet
from conversations.storage.fallback_selection import KINDS
from conversations.storage.recorder import Recorder


def warm_engines(engines: EngineSet) -> None:
    """Import and load what the first session would otherwise wait for. It is slow, so call it in a thread."""
    speech_model.load_model()
    engine_classes = (
        load_stream(engines.stt),
        *(load(kind, spec.provider) for kind in KINDS for spec in engines.list_specs(kind)),
    )
    for engine_class in engine_classes:
        getattr(engine_class, "warm", lambda: None)()


class CascadeSession(Session):
    """A session that three engines answer. It performs what the turn machine decides, and owns all its tasks.

    `kind` is the protocol's session type, realtime or transcription; `stores_captions` says whether a transcription
    session is stored. With `plays_live` False the client does not play responses as they come: they are sent as fast
    as the engines make them, and `send` waits for the reader.
    """

    machine: TurnMachine

    def __init__(
        self,
        opened: store.OpenedConversation,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        model: str,
        expires_at: int,
        dialect: BetaDialect | None = None,
        kind: str = REALTIME,
        *,
        stores_captions: bool = False,
        plays_live: bool = True,
    ) -> None:
        super().__init__(opened, send, close_socket, dialect, is_paced=plays_live)
        self._engine_tasks = EngineTasks(opened, self._dispatch.receive, plays_live=plays_live)
        config = initial_settings.build_initial_config(opened, model, expires_at, kind)
        setup = initial_settings.build_setup(
            opened, has_streaming_stt=self._engine_tasks.is_streaming, stores_captions=stores_captions
        )
        limits = initial_settings.build_limits(plays_live=plays_live)
        self.machine = self._build_machine(
            TurnMachine,
            {
                "config": config,
                "conversation_id": opened.public_id,
                "limits": limits,
                "items": opened.items,
                "setup": setup,
            },
        )
        self._detector = SpeechDetector()
        get_label = self._engine_tasks.get_label
        self._record = Recorder(opened, get_label, self._end_unstored, self._send_storage_status)

    async def _begin_engines(self, group: asyncio.TaskGroup) -> None:
        self._engine_tasks.begin(group)
        await self._engine_tasks.wait_for_tools()

    async def _await_words(self) -> None:
        self._deadlines.cancel_all()  # they would end what is waited for here
        await self._engine_tasks.finish()

    async def _end_engines(self) -> None:
        await self._engine_tasks.end()

    def announce_end(self, error_code: str, message: str) -> None:
        """Say that the session ends after its turn, of which the client gets the rest as fast as it is made."""
        super().announce_end(error_code, message)
        self._engine_tasks.hurry()

    # What the machine decides.

    def _perform_own(self, command: commands.EngineCommand | commands.CascadeCommand) -> None:
        match command:
            case commands.DetectSpeech(pcm, from_scratch):
                self._detect(pcm, from_scratch)
            case commands.FeedTranscriber(item_id, pcm):
                self._record.add_user_audio(item_id, pcm)
                self._engine_tasks.transcriber.feed(command)
            case commands.WarmEngines():
                self._engine_tasks.connect()
            case commands.StopStoring():
                self._record.stop_storing()
                self._engine_tasks.stop_caching()
            case _:
                self._engine_tasks.perform(command)

    def _detect(self, pcm: bytes, from_scratch: bool) -> None:
        if from_scratch:
            self._detector.reset()
        detection = self._detector.detect(pcm)
        try:
            look = next(detection)
        except StopIteration as ended:  # all is quiet, or no window is complete
            found, look = ended.value, None
        if look is None:
            for event in _build_windows(found):
                self._dispatch.receive(event)
        else:
            fill = self._dispatch.reserve()

            def take(probabilities: list[float]) -> None:
                fill(_build_windows(probabilities))

            SPEECH_BATCHES.add(detection, look, take, self.error_boundary.fail)


def _build_windows(probabilities: Iterable[float]) -> list[engine_events.SpeechWindow]:
    return [engine_events.SpeechWindow(probability) for probability in probabilities]
