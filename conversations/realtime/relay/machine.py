"""The relay machine: events of the client and of the upstream in, commands out."""

from collections.abc import Callable, Sequence
from typing import Any

from openai.types import realtime as sdk

from conversations.realtime import engine_events
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
from conversations.realtime.protocol.errors import ProtocolError, build_no_response_error
from conversations.realtime.protocol.items import ItemLog, LiveItem
from conversations.realtime.protocol.session_config import SessionConfig
from conversations.realtime.relay.agent_turn import RelayAgentTurn
from conversations.realtime.relay.commands import RelayCommand
from conversations.realtime.relay.items import RelayItems
from conversations.realtime.relay.response import note_playback
from conversations.realtime.relay.response_requests import ResponseRequests
from conversations.realtime.relay.session_settings import RelaySettings
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_events import UpstreamEvent, UpstreamLost, UpstreamReady
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest
from conversations.realtime.relay.user_turn import RelayUserTurn
from conversations.realtime.state import Limits, SessionSetup

Event = (
    ClientEvent | UpstreamEvent | UpstreamReady | UpstreamLost | engine_events.DeadlinePassed | engine_events.ClientGone
)


class RelayMachine:
    """Decide what a speech-to-speech session does. `items` are what a continued conversation holds already."""

    def __init__(
        self,
        config: SessionConfig,
        conversation_id: str,
        make_id: Callable[[str], str],
        limits: Limits | None = None,
        items: Sequence[LiveItem] = (),
        setup: SessionSetup | None = None,
        transcription_model: str = "",
    ) -> None:
        self.state = RelayState(
            config, conversation_id, make_id, limits or Limits(), ItemLog(list(items)), setup or SessionSetup()
        )
        self.link = UpstreamLink(self.state)
        self.settings = RelaySettings(self.state, self.link, transcription_model)
        self.user_turn = RelayUserTurn(self.state, self.link)
        self.items = RelayItems(self.state, self.link)
        self.agent_turn = RelayAgentTurn(self.state, self.link)
        self.requests = ResponseRequests(self.state, self.link, self.agent_turn)
        user_turn = self.user_turn
        self._handlers: dict[type, Callable[[Any], None]] = {
            AudioAppend: lambda event: user_turn.append(event.pcm),
            Ping: lambda _: None,
            SessionUpdate: lambda event: self.settings.update(event.patch, event.event_id),
            sdk.InputAudioBufferCommitEvent: lambda event: user_turn.commit(event.event_id),
            sdk.InputAudioBufferClearEvent: lambda event: user_turn.clear(event.event_id),
            ItemCreation: self.items.create,
            sdk.ConversationItemRetrieveEvent: self.items.retrieve,
            sdk.ConversationItemDeleteEvent: self.items.delete,
            sdk.ConversationItemTruncateEvent: self.items.truncate,
            ResponseRequest: self.requests.add,
            sdk.ResponseCancelEvent: self._cancel,
            PlaybackStarted: lambda event: note_playback(self.state, self.agent_turn.latest_sounding, event),
            TranscriptionRetry: self._retry,
            UpstreamEvent: lambda event: self._receive_upstream(event.event),
            UpstreamReady: lambda _: self._connect(),
            UpstreamLost: self._disconnect,
            engine_events.DeadlinePassed: self._pass_deadline,
            engine_events.ClientGone: self._leave,
        }
        words = "conversation.item.input_audio_transcription"
        self._upstream_handlers: dict[str, Callable[[dict[str, Any]], object]] = {
            "error": self._take_refusal,
            "session.updated": lambda _: self.settings.confirm(),
            "input_audio_buffer.speech_started": self._start_speech,
            "input_audio_buffer.speech_stopped": self._stop_speech,
            "input_audio_buffer.committed": self._take_commit,
            "input_audio_buffer.cleared": user_turn.confirm_clear,
            "input_audio_buffer.timeout_triggered": user_turn.forward_timeout,
            f"{words}.delta": user_turn.transcripts.forward_delta,
            f"{words}.completed": self._take_transcript,
            f"{words}.failed": user_turn.transcripts.fail,
            "conversation.item.added": self._add_item,
            "conversation.item.done": self._add_item,
            "conversation.item.truncated": self.items.confirm_truncation,
            "conversation.item.deleted": self.items.confirm_deletion,
        }

    def start(self, now: float) -> list[RelayCommand]:
        """Return the commands that tell the client of the session, the conversation and the items it holds already."""
        return self.state.start(now)

    def receive(self, event: Event, now: float) -> list[RelayCommand]:
        """Return what to do about `event`, in order. `now` is in seconds of a clock that never goes back."""
        self.state.begin(now)
        return self.state.handle(event, self._handlers)

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> list[RelayCommand]:
        """Return the commands that report an error which no event caused, such as a frame that cannot be read."""
        return self.state.refuse(error, kind)

    def end(self) -> list[RelayCommand]:
        """Return the commands that end the session. Events of the upstream are ignored from now on."""
        self.user_turn.end()
        self._upstream_handlers.clear()
        return self.state.take_commands()

    @property
    def is_awaiting_words(self) -> bool:
        """Return whether transcripts may still come."""
        return self.user_turn.is_awaiting_transcripts and self.link.is_up

    @property
    def is_in_turn(self) -> bool:
        """Return whether the user speaks, or is answered or about to be."""
        is_answering = bool(self.agent_turn.running or self.requests)
        return is_answering or self.is_awaiting_words or self.user_turn.has_utterance

    # What the client asks.

    def _cancel(self, event: sdk.ResponseCancelEvent) -> None:
        """Ask the upstream to cancel a response, or raise ProtocolError if none is running."""
        named = {} if event.response_id is None else {"response_id": event.response_id}
        if not self.agent_turn.running:
            raise build_no_response_error()
        self.link.send_request("response.cancel", UpstreamRequest(event.event_id), **named)

    def _retry(self, _: TranscriptionRetry) -> None:
        """Raise ProtocolError: speech to speech cannot transcribe an item again."""
        message = "Speech to speech gave no transcript, and cannot be asked again. Only speech to text can."
        raise ProtocolError("invalid_value", message, "type")

    # What the upstream tells.

    def _receive_upstream(self, event: dict[str, Any]) -> None:
        kind: str = event["type"]
        if kind == "response.created":
            self.requests.confirm(is_out_of_band=event["response"].get("conversation_id") is None)
        if kind.startswith("response."):
            self.agent_turn.receive(event)
        elif handler := self._upstream_handlers.get(kind):
            handler(event)

    def _take_refusal(self, event: dict[str, Any]) -> None:
        """Take an error of the upstream: undo what it refuses, and tell the client if it had asked for it."""
        error = event["error"]
        request, waiting = self.link.take_request(error.get("event_id")), len(self.requests)
        if request:
            request.undo()
        if request is None or not request.is_own:
            shown = {name: error.get(name) for name in ("type", "code", "message", "param")}
            self.state.send("error", error=shown | {"event_id": request.event_id if request else None})
        if len(self.requests) < waiting and not self.agent_turn.running:
            self.agent_turn.asked_at = None
            self.state.set_deadline("response", None)

    def _add_item(self, event: dict[str, Any]) -> None:
        self.items.add(event, self.user_turn.resolve_id(event["item"]["id"]))

    def _take_transcript(self, event: dict[str, Any]) -> None:
        self.user_turn.transcripts.complete(event)
        self.agent_turn.note_transcript(self.user_turn.resolve_id(event["item_id"]))

    def _take_commit(self, event: dict[str, Any]) -> None:
        self.user_turn.confirm_commit(event)
        self.agent_turn.note_commit(self.user_turn.resolve_id(event["item_id"]))

    def _start_speech(self, event: dict[str, Any]) -> None:
        response = self.agent_turn.latest_sounding
        if not self.user_turn.start_speech(event) or response is None or not self.state.has_extension("playback"):
            return
        if response.id in self.agent_turn.running or response.is_sounding(self.state.now):
            # The upstream cancels its response as soon as the user speaks, or lets it go on; so it is decided already.
            verdict = "cleared" if self.state.turn_detection.interrupt_response else "started"
            self.state.send(f"output_audio_buffer.{verdict}", response_id=response.id)

    def _stop_speech(self, event: dict[str, Any]) -> None:
        self.user_turn.stop_speech(event)
        if self.state.turn_detection.create_response:
            self.agent_turn.asked_at = self.state.now
            self.agent_turn.expect()

    # Connections come and go.

    def _connect(self) -> None:
        self.link.mark_up()
        self.settings.send_all()
        self.items.resend_all()
        self.link.flush()

    def _disconnect(self, event: UpstreamLost) -> None:
        """Fail what was running, and ask the next connection for what had not begun."""
        self.link.mark_down()
        self.agent_turn.fail_all(event.failure)
        self.settings.settle_pending()
        self.items.settle_unconfirmed()
        self.user_turn.recover(event.failure)
        # An utterance that is sent again is answered without a request.
        if not len(self.requests) and not self.user_turn.has_utterance:
            self.agent_turn.request_again(event.failure)
        self.requests.resend()

    def _pass_deadline(self, event: engine_events.DeadlinePassed) -> None:
        if event.deadline.kind == "transcript":
            self.user_turn.transcripts.expire(event.deadline.of)
        elif event.deadline.kind == "response":
            self.requests.clear()
            self.agent_turn.give_up()

    def _leave(self, event: engine_events.ClientGone) -> None:
        self.requests.clear()
        self.state.now = self.state.now if event.gone_at is None else event.gone_at  # nothing was heard since
        self.agent_turn.leave(vanished=event.vanished)
        self.user_turn.leave()
