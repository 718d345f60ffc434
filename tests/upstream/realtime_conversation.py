"""The emulated OpenAI's Realtime conversation session. Its events are modelled on the SDK's types, not recorded."""

import asyncio
import base64
import json
from copy import deepcopy
from typing import Any

from aiohttp import WSMsgType, web

from tests.upstream.behaviour import Ending, FaultInjected, Seen, World
from tests.upstream.openai_server import WORLD, serve
from tests.upstream.realtime_connection import Connection
from tests.upstream.realtime_items import BYTES_PER_MS, Input, Item, Items, Refusal, parse_item
from tests.upstream.realtime_responses import Response, merge_settings
from tests.upstream.realtime_settings import DETECTION, build_session, update_session

RATE = 24_000
SHORTEST_MS = 100
LATE_FAULTS = ("cut", "error_event", "session_expired", "garbage", "failed")
TRANSCRIPTION = "conversation.item.input_audio_transcription"


async def converse(request: web.Request) -> web.StreamResponse:
    """Serve a conversation session.

    `Seen.asked` has the query, the session's last settings, the types of the events that came (without appends), and
    how much audio came. A late fault strikes at the event number `fault_after`, counted from 0.
    """
    world = request.app[WORLD]
    asked: dict[str, Any] = {**request.query, "session": None, "events": [], "audio_ms": 0.0}

    async def answer(seen: Seen, fault: str) -> web.StreamResponse:
        if fault and fault not in LATE_FAULTS:
            await world.think(seen, fault)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await Conversation(world, seen, socket, fault).run()
        if not socket.closed:
            raise FaultInjected("cut")
        return socket

    return await serve(request, "live_conversations", asked, answer)


class Conversation:
    def __init__(self, world: World, seen: Seen, socket: web.WebSocketResponse, fault: str) -> None:
        self._world, self._seen, self._socket, self._fault = world, seen, socket, fault
        self._behaviour = world.behaviours["live_conversations"]
        self._connection = Connection(socket, str(seen.id))
        self._items = Items()
        self._input = Input()
        self._input.detection = dict(DETECTION)
        self._speech_id = ""
        self._running: dict[Response, asyncio.Task[None]] = {}
        self._has_spoken = False
        self._session = build_session(self._connection.make_id("sess"), seen.asked.get("model", ""))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self._group:
            writer = self._group.create_task(self._connection.run())
            reader = self._group.create_task(self._read())
            cut = self._group.create_task(self._connection.is_cut.wait())
            await asyncio.wait({reader, cut}, return_when=asyncio.FIRST_COMPLETED)
            for task in [*self._running.values(), writer, reader, cut]:
                task.cancel()

    async def _read(self) -> None:
        self._connection.send("session.created", session=self._session)
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                continue
            event = json.loads(message.data)
            try:
                if event["type"] != "input_audio_buffer.append":
                    self._seen.asked["events"].append(event["type"])
                    await self._strike()
                await self._receive(event)
            except Refusal as refusal:
                error = {"type": "invalid_request_error", "code": refusal.code, "message": refusal.message}
                self._connection.send(
                    "error", error=error | {"param": refusal.param, "event_id": event.get("event_id")}
                )

    async def _strike(self) -> None:
        if self._fault and len(self._seen.asked["events"]) == self._behaviour.fault_after + 1:
            await self._connection.misbehave(self._fault)

    async def _receive(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self._update(event["session"])
            case "input_audio_buffer.append":
                await self._append(base64.b64decode(event["audio"]))
            case "input_audio_buffer.commit":
                if self._input.length_ms < SHORTEST_MS:
                    raise Refusal("input_audio_buffer_commit_empty", "Expected at least 100ms of audio.")
                self._commit(self._speech_id or self._connection.make_id("item"), self._input.take())
            case "input_audio_buffer.clear":
                self._input.take()
                self._connection.send("input_audio_buffer.cleared")
            case "conversation.item.create":
                item = parse_item(event["item"], self._connection.make_id("item"))
                self._items.insert(item, event.get("previous_item_id"))
                self._announce(item)
            case "conversation.item.retrieve":
                self._connection.send(
                    "conversation.item.retrieved", item=self._items.find(event["item_id"], "retrieve").serialize()
                )
            case "conversation.item.delete":
                self._items.all.remove(self._items.find(event["item_id"], "delete"))
                self._connection.send("conversation.item.deleted", item_id=event["item_id"])
            case "conversation.item.truncate":
                self._truncate(event)
            case "response.create":
                await self._respond(event.get("response") or {})
            case "response.cancel":
                self._cancel(event.get("response_id"))
            case other:
                raise Refusal("invalid_value", f"Unknown event {other}.", "type")

    def _update(self, patch: dict[str, Any]) -> None:
        self._session = update_session(self._session, patch, self._behaviour.refused_parameter, self._has_spoken)
        self._input.detection = self._session["audio"]["input"]["turn_detection"]
        self._seen.asked["session"] = deepcopy(self._session)
        self._connection.send("session.updated", session=self._session)

    # What is heard.

    async def _append(self, pcm: bytes) -> None:
        self._seen.asked["audio_ms"] += len(pcm) / BYTES_PER_MS
        for edge, at_ms, utterance in self._input.append(pcm):
            if edge == "started":
                self._speech_id = self._connection.make_id("item")
                self._connection.send(
                    "input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=self._speech_id
                )
                if self._is_enabled("interrupt_response"):
                    self._end_default("turn_detected")
            else:
                self._connection.send("input_audio_buffer.speech_stopped", audio_end_ms=at_ms, item_id=self._speech_id)
                self._commit(self._speech_id, utterance)
                if self._is_enabled("create_response") and not self._find_default():
                    await self._respond({})

    def _is_enabled(self, name: str) -> bool:
        return bool((self._input.detection or {}).get(name, True))

    def _commit(self, item_id: str, pcm: bytes) -> None:
        self._speech_id = ""
        text = self._world.hear(pcm, RATE)
        item = Item(item_id, role="user", text=text, is_audio=True, audio_ms=len(pcm) / BYTES_PER_MS)
        self._items.insert(item, None)
        self._connection.send(
            "input_audio_buffer.committed", item_id=item.id, previous_item_id=self._items.find_previous(item)
        )
        self._announce(item, {"transcript": None})
        if self._session["audio"]["input"]["transcription"]:
            delay_sec = self._behaviour.final_ms / 1000
            asyncio.get_running_loop().call_later(delay_sec, self._transcribe, item, text)

    def _transcribe(self, item: Item, text: str) -> None:
        if self._fault == "failed":
            error = {"type": "server_error", "code": "transcription_failed", "message": "It could not be heard."}
            return self._connection.send(f"{TRANSCRIPTION}.failed", item_id=item.id, content_index=0, error=error)
        self._connection.send(f"{TRANSCRIPTION}.delta", item_id=item.id, content_index=0, delta=text)
        usage = {"type": "tokens", "input_tokens": 7, "output_tokens": 3, "total_tokens": 10,
                 "input_token_details": {"text_tokens": 0, "audio_tokens": 7}}  # fmt: skip
        fields = {"item_id": item.id, "content_index": 0, "transcript": text, "usage": usage}
        return self._connection.send(f"{TRANSCRIPTION}.completed", **fields)

    def _announce(self, item: Item, part: dict[str, Any] | None = None) -> None:
        before, shown = self._items.find_previous(item), item.serialize()
        if part:
            shown["content"][0] |= part
        self._connection.send("conversation.item.added", item=shown, previous_item_id=before)
        self._connection.send("conversation.item.done", item=shown, previous_item_id=before)

    def _truncate(self, event: dict[str, Any]) -> None:
        item = self._items.find(event["item_id"], "truncate")
        if item.role != "assistant" or not item.is_audio:
            raise Refusal("unsupported_content_type", "Only model output audio messages can be truncated.")
        if event["audio_end_ms"] > item.audio_ms:
            raise Refusal("invalid_value", f"Audio content of {item.audio_ms} ms is shorter.", "audio_end_ms")
        item.text, item.audio_ms = "", event["audio_end_ms"]
        kept = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._connection.send("conversation.item.truncated", **kept)

    # What is answered.

    def _find_default(self) -> Response | None:
        return next((one for one in self._running if one.conversation_id and one.status == "in_progress"), None)

    async def _respond(self, asked: dict[str, Any]) -> None:
        is_default = asked.get("conversation") != "none"
        if is_default and (running := self._find_default()):
            message = f"Conversation already has an active response in progress: {running.id}."
            raise Refusal("conversation_already_has_active_response", message)
        context = [item.build_context_entry() for item in self._items.all]
        if asked.get("input") is not None:
            context = [parse_item(one, "item_x").build_context_entry() for one in asked["input"]]
        settings = merge_settings(self._session, asked) | {"context": context}
        self._has_spoken |= is_default and "audio" in settings["output_modalities"]
        seen = await self._world.receive("live_responses", self._seen.key, settings, self._seen.peer)
        response = Response(self._world, seen, self._connection.send, self._items, "conv_1" if is_default else None)
        self._running[response] = self._group.create_task(self._run(response, seen))
        await asyncio.sleep(0)  # a task that is cancelled before its first step never runs

    async def _run(self, response: Response, seen: Seen) -> None:
        ending: Ending = "closed_by_peer"
        try:
            await response.run(self._world.take_fault("live_responses"))
            ending = "fault" if response.status == "failed" else "done"
        except FaultInjected as injected:
            await self._connection.misbehave(injected.fault)
            ending = "fault"
        finally:
            del self._running[response]
            await self._world.end(seen, ending)

    def _cancel(self, response_id: str | None) -> None:
        if response_id is None:
            if not self._end_default("client_cancelled"):
                raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
            return
        found = next((one for one in self._running if one.id == response_id), None)
        if found is None:
            raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
        self._stop(found, "client_cancelled")

    def _end_default(self, reason: str) -> bool:
        running = self._find_default()
        if running is not None:
            self._stop(running, reason)
        return running is not None

    def _stop(self, response: Response, reason: str) -> None:
        response.cancel(reason)
        self._running[response].cancel()
