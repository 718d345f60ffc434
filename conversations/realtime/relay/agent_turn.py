"""The assistant's half: what the upstream's responses bring, stored and told."""

import base64
import binascii
from typing import Any

from conversations.pcm import samples_in
from conversations.realtime import commands
from conversations.realtime.protocol.errors import Failure, ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.relay.actions import Reconnect
from conversations.realtime.relay.response import STORED, RelayResponse, close_item, count, from_wire, ours, take_over
from conversations.realtime.relay.upstream_link import Asked, UpstreamLink
from conversations.realtime.state import Core

FIRST_WORDS = ("response.output_audio_transcript.delta", "response.output_text.delta",
               "response.function_call_arguments.delta")  # fmt: skip
SAVE_SEC = 1.0
TOO_SLOW = Failure("engine_timeout", "Speech to speech was too slow. Please try again.")


class RelayAgentTurn:
    def __init__(self, core: Core, link: UpstreamLink) -> None:
        self.core = core
        self.link = link
        self.asked_at: float | None = None  # the endpoint of what is to be answered
        self.running: dict[str, RelayResponse] = {}
        self.latest: RelayResponse | None = None  # of the conversation
        self.utterance_id = ""  # the last that was committed, and
        self.words_at: float | None = None  # when its words were known
        self.last: RelayResponse | None = None  # the latest that sounded; the client may still be playing it

    @property
    def main(self) -> RelayResponse | None:
        return next((reply for reply in self.running.values() if not reply.is_out_of_band), None)

    def check_out_of_band(self, wanted: int) -> None:
        """Raises ProtocolError. `wanted`: how many were asked for and have not begun."""
        most = self.core.limits.max_out_of_band
        if wanted + sum(reply.is_out_of_band for reply in self.running.values()) >= most:
            message = f"{most} responses out of band are running, the most. Wait for one."
            raise ProtocolError("too_many_responses", message)

    def expect(self) -> None:
        """A response is due, or goes on: its first word within the turn's budget, then each further event, and its
        sound no more slowly than it is played.
        """
        limits, main = self.core.limits, self.main
        due_at = self.core.now + limits.response_timeout_sec
        since = main.endpoint_at if main else self.asked_at
        if since is not None and not (main and {"first_token", "first_audio"} & main.waterfall.keys()):
            due_at = min(due_at, since + limits.turn_budget_sec)
        if main:
            due_at = min(due_at, main.lag.compute_limit_at(limits.speech_lag_sec, main.plays_until))
        self.core.set_deadline("response", due_at)

    def receive(self, event: dict[str, Any]) -> None:
        """An event of a response. One that is not known, or over, is not told of."""
        if event["type"] == "response.created":
            return self._created(event["response"])
        response = event.get("response")
        reply = self.running.get(event.get("response_id") or (response or {}).get("id", ""))
        if reply is None:
            return None
        match event["type"]:
            case "response.output_item.added":
                self._item_added(reply, event)
            case "response.output_item.done":
                self._item_done(reply, event)
            case "response.content_part.added":
                self._opened(reply, event)
            case "response.content_part.done":
                reply.open_parts.pop(event["item_id"], None)
            case "response.output_audio.delta":
                self._sound(reply, event)
            case "response.output_audio.done":
                reply.lag.mark_owed(self.core.now, is_owed=False)
            case "response.done":
                return self._done(reply, event["response"])
            case kind if kind in FIRST_WORDS:
                self._words(reply, event)
        self.expect()
        return self._pass_on(event)

    def _pass_on(self, event: dict[str, Any]) -> None:
        fields = {key: value for key, value in event.items() if key not in ("type", "event_id", "obfuscation")}
        self.core.send(event["type"], **fields)

    def _created(self, shown: dict[str, Any]) -> None:
        is_out_of_band = shown.get("conversation_id") is None
        endpoint_at = self.core.now if is_out_of_band or self.asked_at is None else self.asked_at
        reply = RelayResponse(shown["id"], shown, is_out_of_band, endpoint_at)
        reply.stamp("endpoint", endpoint_at)
        self.running[reply.id] = reply
        if not is_out_of_band:
            self.asked_at, self.latest, reply.answers = None, reply, self.utterance_id
            if self.words_at is not None:
                reply.stamp("transcript", self.words_at)
        self.expect()
        self.core.send("response.created", response=ours(self.core, reply, shown))
        if not self.core.rates.try_begin(self.core.now):
            self.link.tell("response.cancel", Asked(is_own=True), response_id=reply.id)

    # Its items.

    def _item_added(self, reply: RelayResponse, event: dict[str, Any]) -> None:
        shown = event["item"]
        if shown["type"] not in STORED:
            return
        item = self.core.log.get(shown["id"]) or from_wire(shown)
        item.status, item.waterfall, item.response_id = "in_progress", reply.waterfall, reply.id
        reply.items.append(item)
        if not reply.is_out_of_band:
            if self.core.log.get(item.id) is None:
                self.core.log.insert(item)
            self.core.save(item)

    def _item_done(self, reply: RelayResponse, event: dict[str, Any]) -> None:
        if item := self._item(reply, event["item"]["id"]):
            take_over(item, event["item"])
            if self._is_kept(item):
                self.core.save(item)

    def _is_kept(self, item: LiveItem) -> bool:
        """Not of a response out of band, nor deleted."""
        return self.core.log.get(item.id) is item

    def committed(self, item_id: str) -> None:
        """Somebody has said something."""
        self.utterance_id, self.words_at = item_id, None

    def words_known(self, item_id: str) -> None:
        """Of an utterance; they come before the response to it, amid it or after it."""
        if item_id == self.utterance_id:
            self.words_at = self.core.now
        reply = self.latest
        if reply is None or reply.answers != item_id or "transcript" in reply.waterfall:
            return
        reply.stamp("transcript", self.core.now)
        if reply.id not in self.running and reply.main and self._is_kept(reply.main):
            self.core.save(reply.main, in_background=True)

    def _item(self, reply: RelayResponse, item_id: str) -> LiveItem | None:
        return next((item for item in reply.items if item.id == item_id), None)

    def _opened(self, reply: RelayResponse, event: dict[str, Any]) -> None:
        place = {key: event[key] for key in ("response_id", "item_id", "output_index", "content_index")}
        reply.open_parts[event["item_id"]] = place
        if item := self._item(reply, event["item_id"]):
            item.is_audio = item.is_audio or event["part"].get("type") == "audio"

    def _words(self, reply: RelayResponse, event: dict[str, Any]) -> None:
        reply.stamp("first_token", self.core.now)
        item = self._item(reply, event["item_id"])
        if item is not None and item.type == "message":
            item.text = (item.text + event["delta"])[: self.core.limits.max_text_chars]

    def _sound(self, reply: RelayResponse, event: dict[str, Any]) -> None:
        try:
            pcm = base64.b64decode(event["delta"])
        except binascii.Error:
            pcm = b""
        item = self._item(reply, event["item_id"])
        if item is None:
            return
        reply.stamp("first_audio", self.core.now)
        item.audio_samples += samples_in(pcm)
        reply.record_sound(self.core.now, samples_in(pcm))
        if reply.is_out_of_band:
            return
        if self.core.now - reply.saved_at >= SAVE_SEC and self._is_kept(item):
            reply.saved_at = self.core.now  # should the server be killed, a later session remembers so much
            self.core.save(item, in_background=True)
        if reply.audio_started_at is None:
            reply.audio_started_at, self.last = self.core.now, reply
        self.core.audio_sent = True
        self.core.do(commands.KeepAudio(reply.id, pcm))

    # Its end.

    def _done(self, reply: RelayResponse, shown: dict[str, Any]) -> None:
        details = shown.get("status_details") or {}
        error = details.get("error") or {}
        failure = None
        if shown["status"] == "failed":
            said = str(error.get("message") or "The upstream failed at this turn. Please try again.")
            failure = Failure(str(error.get("code") or error.get("type") or "engine_error"), said)
        self._finish(reply, shown, failure)

    def _finish(self, reply: RelayResponse, shown: dict[str, Any], failure: Failure | None) -> None:
        del self.running[reply.id]
        if self.running:
            self.expect()
        else:
            self.core.set_deadline("response", None)
        reply.stamp("done", self.core.now)
        if not reply.is_out_of_band:
            self._store(reply, shown.get("usage") or {}, failure)
        self.core.send("response.done", response=ours(self.core, reply, shown))
        self.core.send_rates()

    def _store(self, reply: RelayResponse, usage: dict[str, Any], failure: Failure | None) -> None:
        if failure and not reply.items:
            self._store_failure(reply, failure)
        main = reply.main
        for item in filter(self._is_kept, reply.items):
            if item.status == "in_progress" or failure:
                item.status = "incomplete"
            if item is main:
                count(item, usage)
                if failure:
                    item.error_code, item.error_message = failure.code, failure.message
            self.core.save(item, is_final=item is main)

    def _store_failure(self, reply: RelayResponse, failure: Failure) -> None:
        """For the history: the client was told of no item."""
        item = LiveItem(self.core.make_id("item"), role="assistant", status="incomplete", response_id=reply.id)
        item.waterfall, item.error_code, item.error_message = reply.waterfall, failure.code, failure.message
        self.core.save(item, is_final=True)

    def overdue(self) -> None:
        """Nothing came for too long: neither does anything by this connection."""
        if not self.running:
            self._tell_of(TOO_SLOW)
        self.asked_at = None
        self.fail_all(TOO_SLOW)
        self.link.do(Reconnect())

    def _tell_of(self, failure: Failure) -> None:
        error = {"type": "server_error", "code": failure.code, "message": failure.message}
        self.core.send("error", error=error | {"param": None, "event_id": None})

    def ask_again(self, failure: Failure) -> None:
        """Speech called for a reply that the connection took with it: the next one knows the words alone."""
        if self.asked_at is None:
            return
        if self.words_at is None:
            self.asked_at = None
            self._tell_of(failure)
        else:
            self.expect()
            self.link.tell("response.create", Asked())

    def fail_all(self, failure: Failure) -> None:
        """The connection is lost: what ran ends, its open parts first."""
        self.core.set_deadline("response", None)
        for reply in list(self.running.values()):
            for item in reply.items:
                if item.status == "in_progress":
                    item.status = "incomplete"
                    close_item(self.core, reply, item, is_kept=self._is_kept(item))
            error = {"type": "server_error", "code": failure.code, "message": failure.message}
            output = [item.wire() for item in reply.items]
            ended = {"status": "failed", "status_details": {"type": "failed", "error": error}, "output": output}
            self._finish(reply, {**reply.shown, **ended}, failure)

    def leave(self, *, vanished: bool) -> None:
        """The client is gone. One that said nothing has heard what its clock says."""
        self.core.set_deadline("response", None)
        for reply in list(self.running.values()):
            self.link.tell("response.cancel", Asked(is_own=True), response_id=reply.id)
            if not reply.is_out_of_band:
                self._store(reply, {}, None)
        self.running.clear()
        last = self.last
        if vanished and last is not None and last.is_sounding(self.core.now):
            played_ms = last.estimate_played_ms(self.core.now)
            for item in (one for one in last.items if one.is_audio and one.heard_ms is None and self._is_kept(one)):
                item.cut(min(played_ms, item.audio_ms))
                played_ms = max(0, played_ms - item.audio_ms)
                self.core.save(item)
