"""The emulated OpenAI's Realtime transcription session. Its events are modelled on the SDK's types, not recorded."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from tests.upstream.behaviour import FaultInjected, Seen, World
from tests.upstream.openai_server import ERRORS, WORLD, serve
from tests.upstream.realtime_conversation import converse

BYTES_PER_MS = 48
RATE = 24_000
SHORTEST_MS = 100
FRAME_MS = 40  # in which `fault_after` counts
WORD_MS = 300  # of sound for each word of a scripted transcript
LISTEN_EACH_MS = 100  # how often a benchmark's ears are asked
SILENCE = 200  # the loudest sample of what is none
LATE_FAULTS = ("mute", "failed", "cut", "error_event", "session_expired", "empty")
TRANSCRIPTION = "conversation.item.input_audio_transcription"


def list_routes() -> list[web.RouteDef]:
    return [web.get("/v1/realtime", serve_realtime)]


async def serve_realtime(request: web.Request) -> web.StreamResponse:
    """Serve a conversation, or captions alone for `intent=transcription`.

    For captions `Seen.asked` has the query, the last transcription settings and counts of what came. Their request is
    never “done”.
    """
    if request.query.get("intent") != "transcription":
        return await converse(request)
    world = request.app[WORLD]
    asked = {**request.query, "transcription": None, "audio_ms": 0.0, "appends": 0, "commits": 0, "clears": 0}

    async def answer(seen: Seen, fault: str) -> web.StreamResponse:
        late = fault in LATE_FAULTS or world.behaviours["live_transcriptions"].fault_after > 0
        if fault and not late:
            await world.think(seen, fault)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await Session(world, seen, socket, fault).run()
        if not socket.closed:
            raise FaultInjected(fault)
        return socket

    return await serve(request, "live_transcriptions", asked, answer)


class Item:
    """The audio since the last commit, and the words of it that were sent."""

    def __init__(self, item_id: str) -> None:
        self.id = item_id
        self.pcm = bytearray()
        self.sound_ms = 0.0
        self.script: str | None = None  # once there is sound
        self.told = ""
        self.listened_ms = 0.0

    @property
    def length_ms(self) -> float:
        return len(self.pcm) / BYTES_PER_MS


class Session:
    def __init__(self, world: World, seen: Seen, socket: web.WebSocketResponse, fault: str) -> None:
        self._world, self._seen, self._socket, self._fault = world, seen, socket, fault
        self._behaviour = world.behaviours["live_transcriptions"]
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._item_count = 0
        self._event_count = 0
        self._item = self._make_item()
        self._has_struck = False
        self._is_over = False  # the fault ends the session

    async def run(self) -> None:
        writer = asyncio.create_task(self._write())
        try:
            self._send("session.created", session=self._serialize_session())
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(json.loads(message.data))
                if self._is_over:
                    break
        finally:
            if self._fault != "cut" and self._is_over:
                await self._outgoing.join()
            writer.cancel()
            await asyncio.wait({writer})

    def _receive(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self._update(event)
            case "input_audio_buffer.append":
                self._append(base64.b64decode(event["audio"]))
            case "input_audio_buffer.commit":
                self._commit(event.get("event_id"))
            case "input_audio_buffer.clear":
                self._seen.asked["clears"] += 1
                self._item = self._make_item()
                self._send("input_audio_buffer.cleared")
            case other:
                self._send_error("invalid_request_error", None, f"Unknown event {other}.", event.get("event_id"))

    def _update(self, event: dict[str, Any]) -> None:
        transcription = event["session"]["audio"]["input"]["transcription"]
        name = self._behaviour.refused_parameter
        if name in transcription:
            param = f"session.audio.input.transcription.{name}"
            message = f"Unsupported parameter: '{name}'."
            self._send_error("invalid_request_error", "unsupported_parameter", message, event.get("event_id"), param)
        else:
            self._seen.asked["transcription"] = transcription
            self._send("session.updated", session=self._serialize_session())

    def _append(self, pcm: bytes) -> None:
        self._seen.asked["appends"] += 1
        item = self._item
        item.pcm += pcm
        if np.abs(np.frombuffer(pcm[: len(pcm) & -2], np.int16).astype(np.int32)).max(initial=0) > SILENCE:
            item.sound_ms += len(pcm) / BYTES_PER_MS
        if words := self._hear_so_far(item):
            self._call_later(self._behaviour.partial_lag_ms, lambda: self._tell(item, words))
        self._seen.asked["audio_ms"] += len(pcm) / BYTES_PER_MS
        if not self._has_struck and self._seen.asked["audio_ms"] >= self._behaviour.fault_after * FRAME_MS:
            self._has_struck = True
            self._strike()

    def _hear_so_far(self, item: Item) -> str:
        if self._world.ears:
            if item.length_ms - item.listened_ms < LISTEN_EACH_MS:
                return ""
            item.listened_ms = item.length_ms
            return self._world.ears(bytes(item.pcm), RATE)
        if item.script is None and item.sound_ms:
            item.script = self._world.take_transcript()
        return " ".join((item.script or "").split()[: int(item.sound_ms / WORD_MS)])

    def _tell(self, item: Item, words: str) -> None:
        """Send the words that are new. Deltas can only add words: another wording waits for the complete transcript."""
        if self._fault == "mute" or not words.startswith(item.told) or words == item.told:
            return
        delta, item.told = words[len(item.told) :], words
        self._send(f"{TRANSCRIPTION}.delta", item_id=item.id, content_index=0, delta=delta)

    def _commit(self, event_id: str | None) -> None:
        self._seen.asked["commits"] += 1
        item = self._item
        if item.length_ms < SHORTEST_MS:
            message = f"Expected at least 100ms of audio, but buffer only has {item.length_ms:.2f}ms of audio."
            self._send_error("invalid_request_error", "input_audio_buffer_commit_empty", message, event_id)
            return
        self._item = self._make_item()
        self._send("input_audio_buffer.committed", item_id=item.id, previous_item_id=None)
        content = [{"type": "input_audio", "transcript": None}]
        shown = {"id": item.id, "type": "message", "role": "user", "status": "completed", "content": content}
        self._send("conversation.item.added", item=shown, previous_item_id=None)
        self._send("conversation.item.done", item=shown, previous_item_id=None)
        if self._fault != "mute":
            self._call_later(self._behaviour.final_ms, lambda: self._complete(item))

    def _complete(self, item: Item) -> None:
        if self._fault == "failed":
            error = {"type": "server_error", "code": "transcription_failed", "message": "It could not be heard."}
            self._send(f"{TRANSCRIPTION}.failed", item_id=item.id, content_index=0, error=error)
            return
        ears = self._world.ears
        text = ears(bytes(item.pcm), RATE) if ears else item.script or ""
        if self._fault == "empty":
            text = ""
        self._tell(item, text)
        metered = self._behaviour.metered
        usage = {"type": "duration", "seconds": item.length_ms / 1000 if metered is None else metered}
        self._send(f"{TRANSCRIPTION}.completed", item_id=item.id, content_index=0, transcript=text, usage=usage)

    def _strike(self) -> None:
        match self._fault:
            case "cut":
                self._is_over = True
            case "garbage":
                self._outgoing.put_nowait({})
            case "session_expired":
                self._send_error("invalid_request_error", "session_expired", "Your session hit the maximum duration.")
                self._is_over = True
            case "error_event":
                self._send_error("server_error", None, "The server had an error.")
            case fault if fault in ERRORS:
                _, kind, code, message = ERRORS[fault]
                self._send_error(kind, code, message)

    def _send_error(
        self, kind: str, code: str | None, message: str, event_id: str | None = None, param: str | None = None
    ) -> None:
        error = {"type": kind, "code": code, "message": message, "param": param, "event_id": event_id}
        self._send("error", error=error)

    def _send(self, kind: str, **fields: Any) -> None:
        self._event_count += 1
        self._outgoing.put_nowait({"type": kind, "event_id": f"event_{self._event_count}", **fields})

    def _call_later(self, delay_ms: float, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_ms / 1000, act)

    async def _write(self) -> None:
        while True:
            event = await self._outgoing.get()
            try:
                await self._socket.send_str(json.dumps(event) if event else "{not json")
            except ConnectionError:
                pass  # what it still had to say has nobody to hear it
            finally:
                self._outgoing.task_done()
            if event.get("type", "").startswith(TRANSCRIPTION):
                await self._count(event["type"].endswith("completed"))

    async def _count(self, is_whole: bool) -> None:
        """Note the time of the first word, and count complete transcripts as `pieces`."""
        self._seen.pieces += is_whole
        if self._seen.first_piece_at is None:
            self._seen.first_piece_at = asyncio.get_running_loop().time()
            await self._world.announce()

    def _make_item(self) -> Item:
        self._item_count += 1
        return Item(f"item_{self._seen.id}_{self._item_count}")

    def _serialize_session(self) -> dict[str, Any]:
        audio_input = {"transcription": self._seen.asked["transcription"], "turn_detection": None}
        return {"type": "transcription", "object": "realtime.transcription_session", "audio": {"input": audio_input}}
