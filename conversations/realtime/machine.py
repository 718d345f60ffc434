"""The turn machine: events in, actions out. Pure: no awaits, clocks, logs or randomness.

    client events ─┐                     ┌─ Send, Save, Remove                        in this order on the wire
    VAD windows  ──┼─► receive(event,  ──┼─ DetectSpeech, FeedTranscriber, Transcribe   the user's turn
    engine results ┤         now)        ├─ Generate, SpeakClause, HoldSpeech, Abort …  the agent's turn
    deadlines    ──┘                     └─ SetDeadline                               so that every turn ends

Every engine result names the item or the response it belongs to; the stale ones are dropped in
`_is_stale` and nowhere else. A client's mistake becomes an `error` event; a driver's raises.
"""

from collections.abc import Callable, Sequence
from typing import Any, assert_never, get_args

from openai.types import realtime as sdk

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.fillers import Fillers
from conversations.realtime.agent_turn.mcp_listings import McpListings
from conversations.realtime.agent_turn.turn import AgentTurn
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.client_requests import ClientRequests
from conversations.realtime.protocol.client_events import (
    AudioAppend,
    ClientEvent,
    ItemCreation,
    Ping,
    PlaybackStarted,
    ResponseRequest,
    SessionUpdate,
    TranscriptionRetry,
)
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import ItemLog, LiveItem
from conversations.realtime.protocol.session_config import SessionConfig
from conversations.realtime.protocol.tools import collect_labels
from conversations.realtime.state import Limits, SessionSetup
from conversations.realtime.user_turn.idle_timeout import IdleTimeout
from conversations.realtime.user_turn.interruption import Interruption
from conversations.realtime.user_turn.transcription import Transcription
from conversations.realtime.user_turn.turn import UserTurn

SOUND = (AudioAppend, engine_events.SpeechWindow)  # most events, which are never stale


class TurnMachine:
    """The decisions of one session with three engines.

    `items` is what a continued conversation already holds. A `conversation_id` of "" means that it is not stored.
    """

    def __init__(
        self,
        config: SessionConfig,
        conversation_id: str,
        make_id: Callable[[str], str],
        limits: Limits | None = None,
        items: Sequence[LiveItem] = (),
        setup: SessionSetup | None = None,
    ) -> None:
        self.state = CascadeState(
            config, conversation_id, make_id, limits or Limits(), ItemLog(list(items)), setup or SessionSetup()
        )
        self.state.is_audio_stored = bool(conversation_id)
        self.agent_turn = AgentTurn(self.state)
        self.fillers = Fillers(self.state, self.agent_turn)
        self.interruption = Interruption(self.state, self.agent_turn)
        self.transcription = Transcription(self.state, self.agent_turn, self.interruption)
        self.user_turn = UserTurn(self.state, self.agent_turn, self.transcription, self.interruption)
        self.idle_timeout = IdleTimeout(self.state, self.user_turn, self.agent_turn)
        self.listings = McpListings(self.state)
        self.requests = ClientRequests(self.state, self.user_turn, self.agent_turn, self.listings)
        user_turn, agent_turn, requests = self.user_turn, self.agent_turn, self.requests
        self._handlers: dict[type, Callable[[Any], None]] = {
            AudioAppend: user_turn.append_audio,
            engine_events.SpeechWindow: lambda event: user_turn.take_window(event.probability),
            Ping: lambda _: None,
            SessionUpdate: requests.update_session,
            sdk.InputAudioBufferCommitEvent: lambda _: user_turn.commit(),
            sdk.InputAudioBufferClearEvent: lambda _: user_turn.clear(),
            ItemCreation: requests.create_item,
            sdk.ConversationItemRetrieveEvent: requests.retrieve_item,
            sdk.ConversationItemDeleteEvent: requests.delete_item,
            sdk.ConversationItemTruncateEvent: requests.truncate_item,
            ResponseRequest: requests.create_response,
            sdk.ResponseCancelEvent: requests.cancel_response,
            PlaybackStarted: requests.start_playback,
            TranscriptionRetry: requests.retry_transcription,
            engine_events.PartialTranscript: self.transcription.take_partial,
            engine_events.TranscriptReady: self.transcription.take_transcript,
            engine_events.TranscriptFailed: self.transcription.take_failure,
            **dict.fromkeys(get_args(engine_events.GenerationEvent), agent_turn.receive),
            engine_events.ToolsReady: self._take_tools,
            engine_events.DeadlinePassed: self._take_deadline,
            engine_events.ClientGone: self._leave,
        }

    def start(self, now: float) -> list[commands.Command]:
        """Return the commands that tell the client of the session, the conversation and the items it holds already."""
        return self.state.start(now)

    def receive(self, event: ClientEvent | engine_events.EngineEvent, now: float) -> list[commands.Command]:
        """Return the commands that `event` leads to, in order. `now` is a monotonic time in seconds."""
        self.state.begin(now)
        if not isinstance(event, SOUND):
            if self._is_stale(event):
                return []
            if hasattr(event, "event_id"):
                self.user_turn.refuse_half_sample()
        return self.state.handle(event, self._handlers)

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> list[commands.Command]:
        """Return the commands that refuse a frame which is not a valid client event."""
        return self.state.refuse(error, kind)

    def end(self) -> list[commands.Command]:
        """End the session: mark the items whose transcripts have not come as failed, so that they can be retried."""
        self.state.begin(self.state.now)
        for item_id in list(self.state.pending):
            self.transcription.time_out(item_id)
        return self.state.take_commands()

    @property
    def is_in_turn(self) -> bool:
        """Return whether the user speaks, or is answered or about to be."""
        speaks = self.state.is_user_speaking or self.transcription.is_dictating or bool(self.state.pending)
        return speaks or self.agent_turn.is_answering

    def _is_stale(self, event: object) -> bool:
        """Return whether the event belongs to a response or a transcription that is over."""
        if isinstance(
            event, engine_events.PartialTranscript | engine_events.TranscriptReady | engine_events.TranscriptFailed
        ):
            return not self.transcription.is_awaiting(event.item_id)
        if isinstance(event, engine_events.GenerationEvent):
            return not self.agent_turn.is_awaiting(event.response_id)
        return False

    def _take_deadline(self, event: engine_events.DeadlinePassed) -> None:
        of = event.deadline.of
        match event.deadline.kind:
            case "transcript":
                if of in self.state.pending:
                    self.transcription.time_out(of)
            case "response":
                self.agent_turn.check_progress()
            case "out_of_band":
                self.agent_turn.out_of_band.check_progress(of)
            case "silence":
                self.fillers.bridge_silence(self.transcription.pending_answers)
            case "filler":
                self.fillers.fill_tool_wait()
            case "stall":
                self.user_turn.end_stalled_speech()
            case "preemptive":
                self.agent_turn.preemptive.expect_sound_now()
            case "suspicion":
                self.interruption.end_suspicion()
            case "idle":
                self.idle_timeout.end_idle_time()
            case "half_sample":
                self.user_turn.refuse_half_sample()
            case kind:
                assert_never(kind)

    def _take_tools(self, event: engine_events.ToolsReady) -> None:
        self.state.own_tools = event.tools
        self.state.servers = event.servers | collect_labels(event.tools)
        self.listings.update_tools(event)

    def _leave(self, event: engine_events.ClientGone) -> None:
        self.user_turn.leave()
        self.state.now = self.state.now if event.gone_at is None else event.gone_at  # nothing was heard since
        self.agent_turn.leave(vanished=event.vanished)
