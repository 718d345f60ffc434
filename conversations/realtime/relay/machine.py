"""The relay's decisions: events of both sides in, actions out."""

from collections.abc import Callable, Sequence
from typing import Any

from openai.types import realtime as sdk

from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.client_events import (
    AudioAppend,
    ClientEvent,
    Ping,
    PlaybackStarted,
    ResponseRequest,
    SessionUpdate,
    TranscriptionRetry,
)
from conversations.realtime.protocol.errors import IllegalTransitionError, ProtocolError
from conversations.realtime.protocol.items import ItemLog, LiveItem
from conversations.realtime.protocol.session_checks import Config, check_tools
from conversations.realtime.relay.actions import Reconnect, SendUpstream, UpstreamEvent, UpstreamLost, UpstreamReady
from conversations.realtime.relay.agent_turn import RelayAgentTurn
from conversations.realtime.relay.items import RelayItems
from conversations.realtime.relay.response import playback_started
from conversations.realtime.relay.session_settings import RelaySettings
from conversations.realtime.relay.upstream_link import Asked, UpstreamLink
from conversations.realtime.relay.user_turn import RelayUserTurn
from conversations.realtime.state import Core, Limits, Manner

RelayCommand = commands.Command | SendUpstream | Reconnect
Event = (
    ClientEvent | UpstreamEvent | UpstreamReady | UpstreamLost | engine_events.DeadlinePassed | engine_events.ClientGone
)


class RelayMachine:
    """One per session. `items`: what a continued conversation holds already."""

    def __init__(
        self,
        config: Config,
        conversation_id: str,
        make_id: Callable[[str], str],
        limits: Limits | None = None,
        items: Sequence[LiveItem] = (),
        manner: Manner | None = None,
        transcription_model: str = "",
    ) -> None:
        self.core = Core(config, conversation_id, make_id, limits or Limits(), ItemLog(list(items)), manner or Manner())
        self.link = UpstreamLink(self.core)
        self.settings = RelaySettings(self.core, self.link, transcription_model)
        self.hearing = RelayUserTurn(self.core, self.link)
        self.conversing = RelayItems(self.core, self.link)
        self.agent_turn = RelayAgentTurn(self.core, self.link)
        self._wanted: list[tuple[ResponseRequest, dict[str, Any]]] = []  # responses asked for and not begun
        hearing, conversing = self.hearing, self.conversing
        self._client: dict[type, Callable[[Any], None]] = {
            AudioAppend: lambda event: hearing.append(event.pcm),
            Ping: lambda _: None,
            SessionUpdate: lambda event: self.settings.update(event.patch, event.event_id),
            sdk.InputAudioBufferCommitEvent: lambda event: hearing.commit(event.event_id),
            sdk.InputAudioBufferClearEvent: lambda event: hearing.clear(event.event_id),
            sdk.ConversationItemCreateEvent: conversing.create,
            sdk.ConversationItemRetrieveEvent: conversing.retrieve,
            sdk.ConversationItemDeleteEvent: conversing.delete,
            sdk.ConversationItemTruncateEvent: conversing.truncate,
            ResponseRequest: self._respond,
            sdk.ResponseCancelEvent: self._cancel,
            PlaybackStarted: lambda event: playback_started(self.core, self.agent_turn.last, event),
            TranscriptionRetry: self._retry,
            UpstreamEvent: lambda event: self._told(event.event),
            UpstreamReady: lambda _: self._ready(),
            UpstreamLost: self._lost,
            engine_events.DeadlinePassed: self._pass_deadline,
            engine_events.ClientGone: self._leave,
        }
        words = "conversation.item.input_audio_transcription"
        self._upstream: dict[str, Callable[[dict[str, Any]], object]] = {
            "error": self._refused,
            "session.updated": lambda _: self.settings.agreed(),
            "input_audio_buffer.speech_started": self._speech_started,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "input_audio_buffer.committed": self._committed,
            "input_audio_buffer.cleared": hearing.cleared,
            "input_audio_buffer.timeout_triggered": hearing.timed_out,
            f"{words}.delta": hearing.delta,
            f"{words}.completed": self._words,
            f"{words}.failed": hearing.failed,
            "conversation.item.added": self._item,
            "conversation.item.done": self._item,
            "conversation.item.truncated": conversing.cut,
            "conversation.item.deleted": conversing.deleted,
        }

    def start(self, now: float) -> list[RelayCommand]:
        """`session.created`, the conversation, and the items that it holds already."""
        self.core.now = now
        self.core.send("session.created", session=self.core.config)
        shown = {"id": self.core.conversation_id, "object": "realtime.conversation"}
        self.core.send("conversation.created", conversation=shown)
        for item in self.core.log:
            self.core.announce(item)
        return self._decided()

    def receive(self, event: Event, now: float) -> list[RelayCommand]:
        """What to do about `event`, in order. `now`: seconds of a clock that never goes back."""
        self.core.begin(now)
        handler = self._client.get(type(event))
        if handler is None:
            raise IllegalTransitionError(f"no handler for {type(event).__name__}")
        try:
            handler(event)
        except ProtocolError as error:
            error.event_id = error.event_id or getattr(event, "event_id", None)
            self.core.send_error(error)
        return self._decided()

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> list[RelayCommand]:
        """A frame that was no client event, or a reason to end the session."""
        self.core.begin(self.core.now)
        self.core.send_error(error, kind)
        return self._decided()

    def end(self) -> list[RelayCommand]:
        """Nothing more is waited for, nor listened to."""
        self.hearing.end()
        self._upstream.clear()
        return self._decided()

    @property
    def is_awaiting_words(self) -> bool:
        return self.hearing.is_awaiting and self.link.is_up

    def _decided(self) -> list[RelayCommand]:
        decided, self.core.commands = self.core.commands, []
        return list(decided)

    # What the client asks.

    def _respond(self, event: ResponseRequest) -> None:
        if not self.core.rates.show(self.core.now)[0]["remaining"]:
            raise ProtocolError("rate_limit_exceeded", "Too many responses in a minute. Try again in a moment.")
        asked = event.options.model_dump(exclude_unset=True, mode="json") if event.options else {}
        asked.pop("prompt", None)  # as of the session: it would be one of the account's own
        if asked.get("tools") is not None:
            asked["tools"] = check_tools(asked["tools"], (), "response")
        if asked.get("conversation") == "none":
            self.agent_turn.check_out_of_band(sum(one.get("conversation") == "none" for _, one in self._wanted))
        output = (asked.get("audio") or {}).get("output") or {}
        if output.pop("format", None) not in (None, self.core.config["audio"]["output"]["format"]):
            message = "The format of one response cannot differ from the session's. Set it by session.update."
            raise ProtocolError("invalid_value", message, "response.audio.output.format")
        if event.input is not None:
            asked["input"] = event.input
        self._wanted.append((event, asked))
        self._ask_for(event, asked)

    def _ask_for(self, event: ResponseRequest, asked: dict[str, Any]) -> None:
        wanted = (event, asked)

        def refused() -> None:
            self._wanted = [one for one in self._wanted if one is not wanted]

        self._wanted = [one for one in self._wanted if one[0] is not event] + [wanted]
        if asked.get("conversation") != "none" and self.agent_turn.main is None:
            self.agent_turn.asked_at = self.agent_turn.asked_at or self.core.now
        self.agent_turn.expect()
        self.link.tell("response.create", Asked(event.event_id, refused), **({"response": asked} if asked else {}))

    def _cancel(self, event: sdk.ResponseCancelEvent) -> None:
        named = {} if event.response_id is None else {"response_id": event.response_id}
        if not self.agent_turn.running:
            message = "Cancellation failed: no active response found."
            raise ProtocolError("response_cancel_not_active", message)
        self.link.tell("response.cancel", Asked(event.event_id), **named)

    def _retry(self, _: TranscriptionRetry) -> None:
        message = "Speech to speech heard it without its words. Only engines of speech to text can be asked once more."
        raise ProtocolError("invalid_value", message, "type")

    # What the upstream tells.

    def _told(self, event: dict[str, Any]) -> None:
        kind: str = event["type"]
        if kind == "response.created" and self._wanted:
            is_out_of_band = event["response"].get("conversation_id") is None
            fits = (one for one in self._wanted if (one[1].get("conversation") == "none") is is_out_of_band)
            if begun := next(fits, None):
                self._wanted.remove(begun)
        if kind.startswith("response."):
            self.agent_turn.receive(event)
        elif handler := self._upstream.get(kind):
            handler(event)

    def _refused(self, event: dict[str, Any]) -> None:
        error = event["error"]
        asked, wanted = self.link.answered(error.get("event_id")), len(self._wanted)
        if asked:
            asked.undo()
        if asked is None or not asked.is_own:
            shown = {name: error.get(name) for name in ("type", "code", "message", "param")}
            self.core.send("error", error=shown | {"event_id": asked.event_id if asked else None})
        if len(self._wanted) < wanted and not self.agent_turn.running:
            self.agent_turn.asked_at = None
            self.core.set_deadline("response", None)

    def _item(self, event: dict[str, Any]) -> None:
        self.conversing.added(event, self.hearing.name_of(event["item"]["id"]))

    def _words(self, event: dict[str, Any]) -> None:
        self.hearing.words(event)
        self.agent_turn.words_known(self.hearing.name_of(event["item_id"]))

    def _committed(self, event: dict[str, Any]) -> None:
        self.hearing.committed(event)
        self.agent_turn.committed(self.hearing.name_of(event["item_id"]))

    def _speech_started(self, event: dict[str, Any]) -> None:
        last = self.agent_turn.last
        if not self.hearing.started(event) or last is None or not self.core.has_extension("playback"):
            return
        if last.id in self.agent_turn.running or last.is_sounding(self.core.now):
            # The upstream gives a reply up as soon as somebody speaks, or lets it go on: that is the verdict.
            verdict = "cleared" if self.core.turn_detection.interrupt_response else "started"
            self.core.send(f"output_audio_buffer.{verdict}", response_id=last.id)

    def _speech_stopped(self, event: dict[str, Any]) -> None:
        self.hearing.stopped(event)
        if self.core.turn_detection.create_response:
            self.agent_turn.asked_at = self.core.now
            self.agent_turn.expect()

    # Connections come and go.

    def _ready(self) -> None:
        self.link.up()
        self.settings.introduce()
        self.conversing.retell()
        self.link.flush()

    def _lost(self, event: UpstreamLost) -> None:
        """What ran has failed; what was asked for and not begun is asked of the next connection."""
        self.link.down()
        self.agent_turn.fail_all(event.failure)
        self.settings.lost()
        self.conversing.lost()
        self.hearing.lost(event.failure)
        if not self._wanted and not self.hearing.is_needed:  # what is heard anew is answered by itself
            self.agent_turn.ask_again(event.failure)
        for wanted in list(self._wanted):
            self._ask_for(*wanted)

    def _pass_deadline(self, event: engine_events.DeadlinePassed) -> None:
        if event.deadline.kind == "transcript":
            self.hearing.overdue(event.deadline.of)
        elif event.deadline.kind == "response":
            self._wanted.clear()
            self.agent_turn.overdue()

    def _leave(self, event: engine_events.ClientGone) -> None:
        self._wanted.clear()
        self.agent_turn.leave(vanished=event.vanished)
        self.hearing.leave()
