"""One connection of the official Python client in either dialect; it records, and checks every event that comes."""

import asyncio
import base64
import json
from typing import Any, Literal

from openai.resources.beta.realtime.realtime import AsyncRealtimeConnection as BetaConnection
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from tests.support.clients.fields import check_fields
from tests.support.clients.recording import Recording
from tests.support.official_client import FRAME
from tests.support.patience import stretch
from tests.support.realtime import wire

Dialect = Literal["ga", "beta"]
# GA's names in beta (realtime-protocol, section 11).
BETA_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
GA_NAMES = {beta: ga for ga, beta in BETA_NAMES.items()}
BETA_KEYS = {"output_modalities": "modalities", "max_output_tokens": "max_response_output_tokens"}


class CheckedClient:
    def __init__(self, connection: AsyncRealtimeConnection | BetaConnection, dialect: Dialect, speech: bytes) -> None:
        self._connection = connection
        self._is_beta = dialect == "beta"
        self._speech = speech
        self.recording = Recording()
        self.events: list[dict[str, Any]] = []  # as GA names them

    async def send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, **fields}
        self.recording.record_sent(event)
        await self._connection.send(event)  # type: ignore[arg-type]

    async def wait_for(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(stretch()):
            while (event := await self._receive_next())["type"] != kind:
                pass
        return event

    async def _receive_next(self) -> dict[str, Any]:
        raw = (await self._connection.recv_bytes()).decode()
        event: dict[str, Any] = json.loads(raw)
        self.recording.record_received(event)
        if self._is_beta:
            wire.check_beta_event(event)
            event = {**event, "type": GA_NAMES.get(event["type"], event["type"])}
        else:
            wire.check_event(event, raw)
        check_fields(event, event["type"])
        self._check_place(event)
        self.events.append(event)
        wire.check_order(self.events)
        return event

    def _check_place(self, event: dict[str, Any]) -> None:
        """Check that items follow items that the client knows, and outputs have the place that was announced."""
        before = event.get("previous_item_id")
        assert before is None or before in {one["item"]["id"] for one in self.events if "item" in one}, event
        if event["type"] == "response.done":
            outputs = {
                one["item"]["id"]: one["output_index"] for one in self.events if "output_index" in one and "item" in one
            }
            for place, item in enumerate(event["response"]["output"]):
                assert outputs[item["id"]] == place, event

    async def wait_for_answer(self) -> None:
        """Wait until a response is over and the rate limits that follow it have come."""
        await self.wait_for("response.done")
        await self.wait_for("rate_limits.updated")

    async def say(self) -> None:
        """Send an utterance as fast as the socket takes it, and a second of silence."""
        pcm = self._speech + bytes(10 * FRAME)
        for start in range(0, len(pcm), FRAME):
            audio = base64.b64encode(pcm[start : start + FRAME]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def type(self, text: str, **response: Any) -> None:
        part = {"type": "input_text", "text": text}
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
        await self.send("response.create", **({"response": self.build_options(**response)} if response else {}))

    async def configure(self, **session: Any) -> None:
        """Update the session with `turn_detection` or what else either dialect has at its top level."""
        if self._is_beta:
            await self.send("session.update", session=self._translate_keys(session))
        else:
            if "turn_detection" in session:
                session["audio"] = {"input": {"turn_detection": session.pop("turn_detection")}}
            await self.send("session.update", session={"type": "realtime", **session})
        await self.wait_for("session.updated")

    def build_options(self, **response: Any) -> dict[str, Any]:
        """Return the options of a `response.create` as the dialect names them."""
        return self._translate_keys(response) if self._is_beta else response

    @staticmethod
    def _translate_keys(given: dict[str, Any]) -> dict[str, Any]:
        return {BETA_KEYS.get(key, key): value for key, value in given.items()}
