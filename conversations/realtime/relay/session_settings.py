"""The session's settings between the client, which sees ours, and the upstream."""

from typing import Any

from conversations.pcm import SAMPLE_RATE
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import Config
from conversations.realtime.protocol.session_config import REALTIME, SHOWN_WHEN_SET, update_config
from conversations.realtime.relay.upstream_link import Asked, UpstreamLink
from conversations.realtime.state import Core

PCM = {"type": "audio/pcm", "rate": SAMPLE_RATE}
# Without `tracing` and `prompt`, which would act in the account whose key it is: the site's, mostly.
PASSED_ON = ("output_modalities", "instructions", "tools", "tool_choice", "max_output_tokens", "truncation",
             *sorted(SHOWN_WHEN_SET - {"extensions", "prompt"}))  # fmt: skip
SERVED_EXTENSIONS = ("playback", "storage")  # words while they are said are the upstream's to give


class RelaySettings:
    """`transcription_model`: of sessions whose client wants no transcripts; the history does."""

    def __init__(self, core: Core, link: UpstreamLink, transcription_model: str) -> None:
        self.core = core
        self.link = link
        self._transcription_model = transcription_model
        self._pending: dict[str, Config | None] = {}  # by the event that asks for it; None: no news to the client

    def update(self, patch: dict[str, Any], event_id: str | None) -> None:
        """Raises ProtocolError. In force, and told, once the upstream agrees."""
        if patch.get("type", REALTIME) != REALTIME:
            message = "This session converses. For captions alone connect with intent=transcription."
            raise ProtocolError("invalid_value", message, "session.type")
        latest = next((config for config in reversed(self._pending.values()) if config), self.core.config)
        # The upstream's session has begun with the type that it keeps.
        config = update_config(latest, patch, has_sent_audio=self.core.has_sent_audio, has_begun=True)
        if "extensions" in config:
            config["extensions"] = [name for name in config["extensions"] if name in SERVED_EXTENSIONS]
        self._ask(config, Asked(event_id), config)

    def introduce(self) -> None:
        """To a connection that knows nothing."""
        waiting, self._pending = self._pending, {}
        self._ask(self.core.config, Asked(), None)  # a refusal is the client's to know: it talks to other settings
        self._pending |= waiting  # told behind it

    def _ask(self, config: Config, asked: Asked, news: Config | None) -> None:
        name = ""

        def refused() -> None:
            self._pending.pop(name, None)

        asked = Asked(asked.event_id, refused, asked.is_own)
        name = self.link.tell("session.update", asked, session=self._for_upstream(config))
        self._pending[name] = news

    def agreed(self) -> None:
        """The upstream's `session.updated`: of the first that waits."""
        if self._pending:
            self._settle(self._pending.pop(next(iter(self._pending))))

    def lost(self) -> None:
        """What was asked is what the next connection will be told."""
        for config in list(self._pending.values()):
            self._settle(config)
        self._pending.clear()

    def _settle(self, config: Config | None) -> None:
        if config is not None:
            self.core.configure(config)
            self.core.send("session.updated", session=config)

    def _for_upstream(self, config: Config) -> Config:
        sound = config["audio"]
        detection = dict(sound["input"]["turn_detection"] or {})
        if detection.get("eagerness") == "auto":
            detection["eagerness"] = self.core.manner.eagerness
        heard = {
            "format": PCM,
            "transcription": sound["input"]["transcription"] or {"model": self._transcription_model},
            "noise_reduction": sound["input"]["noise_reduction"],
            "turn_detection": detection or None,
        }
        said = {"format": PCM, "voice": sound["output"]["voice"], "speed": sound["output"]["speed"]}
        kept = {name: config[name] for name in PASSED_ON if name in config}
        return {"type": "realtime", **kept, "audio": {"input": heard, "output": said}}
