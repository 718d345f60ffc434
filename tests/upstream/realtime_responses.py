"""One response of an emulated Realtime conversation: what it says, and its events in their order."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.upstream.behaviour import FaultInjected, Script, Seen, World
from tests.upstream.openai_server import ERRORS
from tests.upstream.realtime_items import BYTES_PER_MS, Item, Items
from tests.upstream.sound import make_speech

ORGANIZATION = "org-a1b2c3d4e5f6"
Send = Callable[..., None]
READ = re.compile(r".*<read>(.*)</read>", re.DOTALL)
Part = tuple[str, bytes]  # words, and the sound that comes with them


class Response:
    """One response. `asked` is the session's settings with those of `response.create`.

    Cancel the task of `run` only after `cancel`.
    """

    def __init__(self, world: World, seen: Seen, send: Send, items: Items, conversation_id: str | None) -> None:
        self.world, self.seen, self.items = world, seen, items
        self._send = send
        self.id = f"resp_{seen.id}"
        self.asked = seen.asked
        self.conversation_id = conversation_id
        self.is_audio = "audio" in self.asked["output_modalities"]
        self.item: Item | None = None
        self.status = "in_progress"
        self.details: dict[str, Any] | None = None
        self.said = ""

    async def run(self, fault: str) -> None:
        """Send the response. Raises FaultInjected for a fault of the connection."""
        self._send("response.created", response=self.serialize())
        script = self._choose_script()
        try:
            if fault == "empty":
                pass
            elif isinstance(script, str):
                await self._send_message(fault, script)
            else:
                await self._send_call(fault, **script["calls"][0])
        except FaultInjected as injected:
            if injected.fault not in (*ERRORS, "failed", "cancelled"):
                raise
            self.fail(injected.fault)
        else:
            self.end("completed", None)

    def _choose_script(self) -> Script:
        """Return the words to say, or {"calls": [{"name", "arguments"}]} with one call."""
        read = READ.match(self.asked["instructions"] or "")
        if read:
            return self.world.readings.popleft() if self.world.readings else read[1]
        said = next((words for role, words in reversed(self.asked["context"]) if role == "user"), "nothing")
        if self.world.mind:
            messages = [{"role": role, "content": words} for role, words in self.asked["context"]]
            return self.world.mind(messages, self.seen.key)
        return self.world.replies.popleft() if self.world.replies else f"You said: {said}"

    async def _send_message(self, fault: str, text: str) -> None:
        size = self.world.behaviours["live_responses"].piece_bytes
        parts = _split_speech(text, size) if self.is_audio else _split_text(text)
        async for words, pcm in self.world.pace(self.seen, fault, parts, size / BYTES_PER_MS / 1000):
            if self.item is None:
                self._open(Item(f"item_{self.id}", role="assistant", status="in_progress", is_audio=self.is_audio))
                self._send_part("response.content_part.added", part=self._serialize_part())
            assert self.item is not None
            if words:
                self.said += words
                name = "output_audio_transcript" if self.is_audio else "output_text"
                self._send_part(f"response.{name}.delta", delta=words)
            if pcm:
                self.item.audio_ms += len(pcm) / BYTES_PER_MS
                self._send_part("response.output_audio.delta", delta=base64.b64encode(pcm).decode())

    async def _send_call(self, fault: str, name: str, arguments: object) -> None:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"call_id": f"call_{self.seen.id}", "name": name, "arguments": ""}
        item = Item(f"item_{self.id}", "function_call", status="in_progress", call=call)
        self._open(item)
        place = {"response_id": self.id, "item_id": item.id, "output_index": 0, "call_id": call["call_id"]}
        async for words, _ in self.world.pace(self.seen, fault, _split_text(text)):
            call["arguments"] += words
            self._send("response.function_call_arguments.delta", **place, delta=words)
        self._send("response.function_call_arguments.done", **place, name=name, arguments=text)

    def _open(self, item: Item) -> None:
        self.item = item
        self._send("response.output_item.added", response_id=self.id, output_index=0, item=item.serialize())
        if self.conversation_id:
            self.items.insert(item, None)
            self._send(
                "conversation.item.added", item=item.serialize(), previous_item_id=self.items.find_previous(item)
            )

    def cancel(self, reason: str) -> None:
        self.end("cancelled", {"type": "cancelled", "reason": reason})

    def fail(self, fault: str) -> None:
        if fault == "cancelled":
            return self.end("incomplete", {"type": "incomplete", "reason": "content_filter"})
        _, kind, code, message = ERRORS[fault if fault in ERRORS else "500"]
        message = f"{message} (organization {ORGANIZATION})"  # an account's fact, as OpenAI's messages may hold
        error = {"type": kind, "code": code or "server_error", "message": message}
        return self.end("failed", {"type": "failed", "error": error})

    def end(self, status: str, details: dict[str, Any] | None) -> None:
        """Send the closing events, unless they were sent before."""
        if self.status != "in_progress":
            return
        self.status, self.details = status, details
        if self.item is not None:
            self._close(self.item)
        self._send("response.done", response=self.serialize())
        limit = {"name": "tokens", "limit": 1000, "remaining": 900, "reset_seconds": 1.5}
        self._send("rate_limits.updated", rate_limits=[limit])

    def _close(self, item: Item) -> None:
        item.status = "completed" if self.status == "completed" else "incomplete"
        if item.type == "message":
            item.text = self.said
            if self.is_audio:
                self._send_part("response.output_audio.done")
                self._send_part("response.output_audio_transcript.done", transcript=self.said)
            else:
                self._send_part("response.output_text.done", text=self.said)
            self._send_part("response.content_part.done", part=self._serialize_part())
        if self.conversation_id:
            self._send("conversation.item.done", item=item.serialize(), previous_item_id=self.items.find_previous(item))
        self._send("response.output_item.done", response_id=self.id, output_index=0, item=item.serialize())

    def _send_part(self, kind: str, **fields: Any) -> None:
        assert self.item is not None
        self._send(kind, response_id=self.id, item_id=self.item.id, output_index=0, content_index=0, **fields)

    def _serialize_part(self) -> dict[str, str]:
        return {"type": "audio", "transcript": self.said} if self.is_audio else {"type": "text", "text": self.said}

    def serialize(self) -> dict[str, Any]:
        is_done = self.status != "in_progress"
        shown = {
            "id": self.id,
            "object": "realtime.response",
            "status": self.status,
            "status_details": self.details,
            "output": [self.item.serialize()] if is_done and self.item else [],
            "conversation_id": self.conversation_id,
            "output_modalities": self.asked["output_modalities"],
            "max_output_tokens": self.asked["max_output_tokens"],
            "audio": {"output": {name: self.asked["audio"]["output"][name] for name in ("format", "voice")}},
            "usage": self._count_usage() if is_done else None,
        }
        return shown | ({"metadata": self.asked["metadata"]} if self.asked.get("metadata") else {})

    def _count_usage(self) -> dict[str, Any]:
        """Return the usage: ten tokens for a second of sound, one for a word."""
        words_in = sum(len(words.split()) for _, words in self.asked["context"]) + 10
        audio_out, text_out = int(self.item.audio_ms / 100) if self.item else 0, len(self.said.split())
        inputs = {"text_tokens": words_in, "audio_tokens": 5, "image_tokens": 0, "cached_tokens": words_in // 2}
        inputs["cached_tokens_details"] = {"text_tokens": words_in // 2, "audio_tokens": 0, "image_tokens": 0}  # type: ignore[assignment]
        return {
            "total_tokens": words_in + 5 + audio_out + text_out,
            "input_tokens": words_in + 5,
            "output_tokens": audio_out + text_out,
            "input_token_details": inputs,
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        }


def _split_text(text: str) -> Iterator[Part]:
    return ((words, b"") for words in _split_words(text))


def _split_words(text: str) -> list[str]:
    return re.findall(r"\s*\S+", text)


def _split_speech(text: str, piece_bytes: int) -> Iterator[Part]:
    """Yield each piece of sound with the words that begin in it."""
    pcm, words, told = make_speech(text), _split_words(text), 0
    for start in range(0, len(pcm), piece_bytes):
        begun = min(len(words), int(len(words) * (start + piece_bytes) / len(pcm) + 0.999))
        yield "".join(words[told:begun]), pcm[start : start + piece_bytes]
        told = begun


def merge_settings(session: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of one response. They are all JSON, since tests read them."""
    output = session["audio"]["output"] | (asked.get("audio") or {}).get("output", {})
    kept = {name: session[name] for name in ("instructions", "output_modalities", "max_output_tokens", "tools")}
    given = {name: value for name, value in asked.items() if name != "audio" and value is not None}
    return json.loads(json.dumps(kept | given | {"audio": {"output": output}}))  # type: ignore[no-any-return]
