"""What a client asks by event, apart from sending audio. Refusals are raised as ProtocolError."""

from typing import Any

from openai.types import realtime as sdk

from conversations.realtime.audio import SAMPLE_BYTES, samples_in
from conversations.realtime.client_events import PlaybackStarted, SessionUpdate, decode_audio
from conversations.realtime.core import Core
from conversations.realtime.errors import ProtocolError
from conversations.realtime.figures import Played
from conversations.realtime.items import Item
from conversations.realtime.listening import Listening
from conversations.realtime.replying import Replying
from conversations.realtime.response import Options
from conversations.realtime.session_config import updated

MAX_ID_CHARS = 32


class Requests:
    def __init__(self, core: Core, listening: Listening, replying: Replying) -> None:
        self.core = core
        self.listening = listening
        self.replying = replying

    def update_session(self, event: SessionUpdate) -> None:
        before = self.core.config["audio"]["input"]["turn_detection"]
        self.core.configure(updated(self.core.config, event.patch, audio_sent=self.core.audio_sent))
        if self.core.config["audio"]["input"]["turn_detection"] != before:
            self.listening.configure()
        self.core.send("session.updated", session=self.core.config)

    # Items.

    def create_item(self, event: sdk.ConversationItemCreateEvent) -> None:
        data = event.item.model_dump(exclude_none=True)
        item = Item(data.get("id") or self.core.make_id("item"), type=data["type"], role=data.get("role", ""))
        pcm = self._fill(item, data)
        self._check_new(item)
        if pcm and not item.is_transcribed:
            self.listening.transcripts.check_pending()
        try:
            self.core.log.insert(item, event.previous_item_id)
        except KeyError:
            message = f"There is no item {event.previous_item_id!r} to insert behind."
            raise ProtocolError("invalid_value", message, "previous_item_id") from None
        if pcm and not item.is_transcribed:
            self.listening.transcripts.await_item(item, pcm, respond=False)
        self.core.save(item, after=event.previous_item_id, pcm=pcm)
        self.core.announce(item)

    def _fill(self, item: Item, data: dict[str, Any]) -> bytes:
        """Takes the content over; returns the audio that came with it."""
        if item.type != "message":
            item.call = {key: data[key] for key in ("name", "call_id", "arguments", "output") if key in data}
            item.call.setdefault("call_id", self.core.make_id("call"))
            return b""
        parts = data["content"]
        kinds = {part.get("type") for part in parts}
        if not parts or not kinds <= {"input_text", "output_text", "input_audio", "output_audio"}:
            message = "'item.content' needs parts of text or audio; images are not served."
            raise ProtocolError("invalid_value", message, "item.content")
        item.text = "\n".join(part.get("text") or part.get("transcript") or "" for part in parts).strip()
        item.is_audio = bool(kinds & {"input_audio", "output_audio"})
        pcm = b"".join(decode_audio(part["audio"], "item.content.audio") for part in parts if "audio" in part)
        if len(pcm) % SAMPLE_BYTES:
            raise ProtocolError("invalid_value", "The audio ends amid a sample.", "item.content.audio")
        item.audio_samples = samples_in(pcm)
        item.is_transcribed = bool(item.text) or item.role != "user"
        return pcm

    def _check_new(self, item: Item) -> None:
        if len(item.id) > MAX_ID_CHARS:
            message = f"'item.id' has {len(item.id)} characters; the most is {MAX_ID_CHARS}."
            raise ProtocolError("invalid_value", message, "item.id")
        if self.core.log.get(item.id):
            raise ProtocolError("item_create_duplicate_item_id", f"There is an item {item.id!r} already.", "item.id")
        if len(item.text) + sum(map(len, item.call.values())) > self.core.limits.max_text_chars:
            message = f"An item's text may have {self.core.limits.max_text_chars} characters."
            raise ProtocolError("invalid_value", message, "item.content")
        if len(self.core.log) >= self.core.limits.max_items:
            message = f"The conversation holds {self.core.limits.max_items} items, the most. Start a new one."
            raise ProtocolError("conversation_full", message)

    def _known(self, item_id: str, verb: str) -> Item:
        item = self.core.log.get(item_id)
        if item is None:
            message = f"There is no item {item_id!r} in this conversation."
            raise ProtocolError(f"item_{verb}_invalid_item_id", message, "item_id")
        return item

    def retrieve_item(self, event: sdk.ConversationItemRetrieveEvent) -> None:
        item = self._known(event.item_id, "retrieve")
        self.core.send("conversation.item.retrieved", item=item.wire())

    def delete_item(self, event: sdk.ConversationItemDeleteEvent) -> None:
        item = self._known(event.item_id, "delete")
        if self.replying.response is not None and self.replying.response.item is item:
            message = "The item is being written by a response. Send response.cancel first."
            raise ProtocolError("item_delete_in_progress", message, "item_id")
        self.core.log.remove(item)
        self.core.remove(item)
        self.core.send("conversation.item.deleted", item_id=item.id)

    def truncate_item(self, event: sdk.ConversationItemTruncateEvent) -> None:
        item = self._known(event.item_id, "truncate")
        heard = (event.model_extra or {}).get("heard")
        if heard is not None and self.core.has("playback"):
            return self._truncate_text(item, heard)
        if item.role != "assistant" or not item.is_audio:
            message = "Only an assistant's message with audio can be truncated."
            raise ProtocolError("unsupported_content_type", message, "item_id")
        if event.content_index != 0:
            raise ProtocolError("invalid_value", "'content_index' must be 0.", "content_index")
        # A client that rounds the length of all it got up is one millisecond beyond it.
        if not 0 <= event.audio_end_ms <= item.audio_ms + 1:
            message = f"'audio_end_ms' is {event.audio_end_ms}; the item has {item.audio_ms} ms of audio."
            raise ProtocolError("invalid_value", message, "audio_end_ms")
        item.cut(event.audio_end_ms)
        self.core.save(item)
        cut = {"item_id": item.id, "content_index": 0, "audio_end_ms": event.audio_end_ms}
        return self.core.send("conversation.item.truncated", **cut)

    def _truncate_text(self, item: Item, heard: object) -> None:
        """Of a reply in text that the client speaks itself: `heard` is how far it came (docs/protocol.md)."""
        if item.role != "assistant" or item.is_audio:
            message = "'heard' belongs to an assistant's message in text; of one with audio 'audio_end_ms' tells."
            raise ProtocolError("unsupported_content_type", message, "item_id")
        if not isinstance(heard, str) or not item.text.startswith(heard):
            raise ProtocolError("invalid_value", "'heard' must be the beginning of the item's text.", "heard")
        item.heard_text = heard
        self.core.save(item)
        self.core.send("conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=0)

    # Responses.

    def create_response(self, event: sdk.ResponseCreateEvent) -> None:
        if self.replying.response is not None:
            message = (
                f"The response {self.replying.response.id} is still running. Wait for it, or send response.cancel."
            )
            raise ProtocolError("conversation_already_has_active_response", message)
        self.replying.begin(self._options(event.response))

    def _options(self, asked: sdk.RealtimeResponseCreateParams | None) -> Options:
        options = self.replying.default_options()
        if asked is None:
            return options
        for key in ("conversation", "input", "tools", "prompt"):
            value = getattr(asked, key)
            # No tools are what there is anyway; an empty input would be an empty context.
            if value not in (None, "auto") and not (key == "tools" and not value):
                raise ProtocolError("invalid_value", f"'response.{key}' is not served.", f"response.{key}")
        options.instructions = asked.instructions if asked.instructions is not None else options.instructions
        options.metadata = asked.metadata
        if asked.output_modalities:
            options.is_audio = "audio" in asked.output_modalities
        if asked.max_output_tokens is not None:
            options.max_tokens = _token_limit(asked.max_output_tokens)
        output = asked.audio.output if asked.audio else None
        if output is not None and output.voice is not None:
            options.voice = output.voice if isinstance(output.voice, str) else output.voice.id
        return options

    def playback_started(self, event: PlaybackStarted) -> None:
        """The client's own playhead is better than an estimate; of a response that has gone it is no news."""
        response = next((one for one in (self.replying.response, self.replying.last) if one), None)
        if response is None or response.id != event.response_id or response.audio_started_at is None:
            return
        response.played(event.played_ms, self.core.now)
        self.core.save(response.item, in_background=True)
        self.core.do(Played(response.item.waterfall["playback"]))

    def cancel_response(self, event: sdk.ResponseCancelEvent) -> None:
        running = self.replying.response
        if running is None or event.response_id not in (None, running.id):
            message = "Cancellation failed: no active response found."
            raise ProtocolError("response_cancel_not_active", message)
        self.replying.cancel("client_cancelled")


def _token_limit(most: int | str) -> int | None:
    if isinstance(most, str):
        return None
    if not 1 <= most <= 4096:
        message = f"'response.max_output_tokens' is {most}; it must be 'inf' or between 1 and 4096."
        raise ProtocolError("invalid_value", message, "response.max_output_tokens")
    return most
