"""The session's settings: the client sees and changes ours, the upstream gets its own form of them."""

from dataclasses import replace
from typing import Any

from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_config import REALTIME, SessionConfig
from conversations.realtime.protocol.session_update import update_config
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest

# `tracing` and `prompt` are left out: they would act in the account of the provider key, usually the site's.
PASSED_ON = ("output_modalities", "instructions", "tools", "tool_choice", "max_output_tokens", "truncation",
             "include", "parallel_tool_calls", "reasoning")  # fmt: skip
SERVED_EXTENSIONS = ("playback", "storage", "resume")  # captions while the user speaks come from the upstream


class RelaySettings:
    """The settings in force, and the changes that the upstream has not confirmed.

    `transcription_model` transcribes for the history where the client wants no transcripts.
    """

    def __init__(self, state: RelayState, link: UpstreamLink, transcription_model: str) -> None:
        self.state = state
        self.link = link
        self._transcription_model = transcription_model
        self._pending: dict[str, SessionConfig | None] = {}  # by id of the request; None: not the client's change

    def update(self, patch: dict[str, Any], event_id: str | None) -> None:
        """Ask the upstream for a change of the client, or raise ProtocolError.

        The change takes effect, and the client is told, once the upstream confirms it.
        """
        if patch.get("type", REALTIME) != REALTIME:
            message = "This session is a conversation. For transcripts alone, connect with intent=transcription."
            raise ProtocolError("invalid_value", message, "session.type")
        latest = next((config for config in reversed(self._pending.values()) if config), self.state.config)
        # An upstream session cannot change its type, so ours may not either.
        config = update_config(latest, patch, has_sent_audio=self.state.has_sent_audio, has_begun=True)
        if config.extensions is not None:
            config = replace(config, extensions=tuple(name for name in config.extensions if name in SERVED_EXTENSIONS))
        self._request(config, UpstreamRequest(event_id), config)

    def send_all(self) -> None:
        """Send all settings to a new connection, then the changes that are still unconfirmed."""
        waiting, self._pending = self._pending, {}
        self._request(self.state.config, UpstreamRequest(), None)  # if they are refused the client must know
        self._pending |= waiting

    def _request(self, config: SessionConfig, request: UpstreamRequest, news: SessionConfig | None) -> None:
        name = ""

        def forget_request() -> None:
            self._pending.pop(name, None)

        request = UpstreamRequest(request.event_id, forget_request, request.is_own)
        name = self.link.send_request("session.update", request, session=self._build_for_upstream(config))
        self._pending[name] = news

    def confirm(self) -> None:
        """Take the upstream's `session.updated` as the confirmation of the first change that waits."""
        if self._pending:
            self._apply(self._pending.pop(next(iter(self._pending))))

    def settle_pending(self) -> None:
        """Put unconfirmed changes into effect, since the connection is lost: the next one begins with them."""
        for config in list(self._pending.values()):
            self._apply(config)
        self._pending.clear()

    def _apply(self, config: SessionConfig | None) -> None:
        if config is not None:
            self.state.configure(config)
            self.state.send("session.updated", session=config.to_wire())

    def _build_for_upstream(self, config: SessionConfig) -> dict[str, Any]:
        shown = config.to_wire()
        audio_input, audio_output = shown["audio"]["input"], shown["audio"]["output"]
        audio_input["format"] = audio_output["format"] = AudioFormat.PCM.to_wire()
        audio_input["transcription"] = audio_input["transcription"] or {"model": self._transcription_model}
        if audio_input["turn_detection"] and audio_input["turn_detection"].get("eagerness") == "auto":
            audio_input["turn_detection"]["eagerness"] = self.state.setup.eagerness
        kept = {name: shown[name] for name in PASSED_ON if name in shown}
        return {"type": "realtime", **kept, "audio": {"input": audio_input, "output": audio_output}}
