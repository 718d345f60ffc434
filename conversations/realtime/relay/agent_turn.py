"""The agent's turn in speech to speech: store what the upstream's responses bring, and pass it on to the client."""

from typing import Any

from conversations.realtime.protocol.errors import Failure, build_too_many_out_of_band_error
from conversations.realtime.protocol.items import Usage
from conversations.realtime.relay import response_output
from conversations.realtime.relay.commands import Reconnect
from conversations.realtime.relay.response import RelayResponse, close_item, read_usage, show_response
from conversations.realtime.relay.response_storage import cut_to_played, is_kept, store_response
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest

FIRST_WORDS = ("response.output_audio_transcript.delta", "response.output_text.delta",
               "response.function_call_arguments.delta")  # fmt: skip
TOO_SLOW = Failure("engine_timeout", "Speech to speech was too slow. Please try again.")


class RelayAgentTurn:
    """The upstream's running responses, with their deadline."""

    def __init__(self, state: RelayState, link: UpstreamLink) -> None:
        self.state = state
        self.link = link
        self.asked_at: float | None = None  # the endpoint of what is to be answered
        self.running: dict[str, RelayResponse] = {}
        self.latest: RelayResponse | None = None  # the latest that is part of the conversation
        self.utterance_id = ""  # the last utterance that was committed
        self.words_at: float | None = None  # when its transcript came
        self.latest_sounding: RelayResponse | None = None  # the client may still be playing it

    @property
    def main(self) -> RelayResponse | None:
        """The running response of the conversation, or None."""
        return next((response for response in self.running.values() if not response.is_out_of_band), None)

    def check_out_of_band(self, wanted: int) -> None:
        """Raise ProtocolError if one more out-of-band response is too many.

        `wanted` is how many were asked for and have not begun.
        """
        most = self.state.limits.max_out_of_band
        if wanted + sum(response.is_out_of_band for response in self.running.values()) >= most:
            raise build_too_many_out_of_band_error(most)

    def expect(self) -> None:
        """Set the deadline by which the response must make progress.

        Its first word must come within the turn's budget, then each further event within `response_timeout_sec`, and
        its sound no more slowly than it is played.
        """
        limits, main = self.state.limits, self.main
        due_at = self.state.now + limits.response_timeout_sec
        since = main.endpoint_at if main else self.asked_at
        if since is not None and not (main and {"first_token", "first_audio"} & main.waterfall.keys()):
            due_at = min(due_at, since + limits.turn_budget_sec)
        if main:
            due_at = min(due_at, main.lag.compute_limit_at(limits.speech_lag_sec, main.plays_until))
        self.state.set_deadline("response", due_at)

    def receive(self, event: dict[str, Any]) -> None:
        """Take an event of a response and pass it on, unless the response has ended or is not known."""
        if event["type"] == "response.created":
            return self._begin(event["response"])
        response_id = event.get("response_id") or (event.get("response") or {}).get("id", "")
        response = self.running.get(response_id)
        if response is None:
            return None
        match event["type"]:
            case "response.output_item.added":
                response_output.add_item(self.state, response, event)
            case "response.output_item.done":
                response_output.finish_item(self.state, response, event)
            case "response.content_part.added":
                response_output.open_part(self.state, response, event)
            case "response.content_part.done":
                response.open_parts.pop(event["item_id"], None)
            case "response.output_audio.delta":
                response_output.add_audio(self.state, response, event)
                self._note_sound(response)
            case "response.output_audio.done":
                response.lag.mark_owed(self.state.now, is_owed=False)
            case "response.done":
                return self._end(response, event["response"])
            case kind if kind in FIRST_WORDS:
                response_output.add_text(self.state, response, event)
        self.expect()
        return self._forward(event)

    def _note_sound(self, response: RelayResponse) -> None:
        if response.playback.started_at is not None and not response.is_out_of_band:
            self.latest_sounding = response

    def _forward(self, event: dict[str, Any]) -> None:
        fields = {key: value for key, value in event.items() if key not in ("type", "event_id", "obfuscation")}
        self.state.send(event["type"], **fields)

    def _begin(self, shown: dict[str, Any]) -> None:
        is_out_of_band = shown.get("conversation_id") is None
        endpoint_at = self.state.now if is_out_of_band or self.asked_at is None else self.asked_at
        response = RelayResponse(shown["id"], shown, is_out_of_band, endpoint_at)
        response.stamp("endpoint", endpoint_at)
        self.running[response.id] = response
        if not is_out_of_band:
            self.asked_at, self.latest, response.answers = None, response, self.utterance_id
            if self.words_at is not None:
                response.stamp("transcript", self.words_at)
        self.expect()
        self.state.send("response.created", response=show_response(self.state, response, shown))
        if not self.state.rate_limit.try_begin(self.state.now):
            self.link.send_request("response.cancel", UpstreamRequest(is_own=True), response_id=response.id)

    # The transcript of what it answers.

    def note_commit(self, item_id: str) -> None:
        """Note that the user has said this utterance."""
        self.utterance_id, self.words_at = item_id, None

    def note_transcript(self, item_id: str) -> None:
        """Note that a transcript has come, which may be before, during or after the response to the utterance."""
        if item_id == self.utterance_id:
            self.words_at = self.state.now
        response = self.latest
        if response is None or response.answers != item_id or "transcript" in response.waterfall:
            return
        response.stamp("transcript", self.state.now)
        if response.id not in self.running and response.main and is_kept(self.state, response.main):
            self.state.save(response.main, in_background=True)

    # Its end.

    def _end(self, response: RelayResponse, shown: dict[str, Any]) -> None:
        details = shown.get("status_details") or {}
        error = details.get("error") or {}
        failure = None
        if shown["status"] == "failed":
            said = str(error.get("message") or "Speech to speech had a problem with this turn. Please try again.")
            failure = Failure(str(error.get("code") or error.get("type") or "engine_error"), said)
        self._finish(response, shown, failure)

    def _finish(self, response: RelayResponse, shown: dict[str, Any], failure: Failure | None) -> None:
        del self.running[response.id]
        if self.running:
            self.expect()
        else:
            self.state.set_deadline("response", None)
        response.stamp("done", self.state.now)
        if not response.is_out_of_band:
            store_response(self.state, response, read_usage(shown), failure)
        self.state.send("response.done", response=show_response(self.state, response, shown))
        self.state.send_rate_limits()

    def give_up(self) -> None:
        """Fail what is running and reconnect: the upstream has sent nothing for too long."""
        if not self.running:
            self._send_failure(TOO_SLOW)
        self.asked_at = None
        self.fail_all(TOO_SLOW)
        self.state.do(Reconnect())

    def _send_failure(self, failure: Failure) -> None:
        self.state.send("error", error=failure.to_wire() | {"param": None, "event_id": None})

    def request_again(self, failure: Failure) -> None:
        """Ask the next connection to answer the last utterance, or send an error if its transcript has not come.

        The next connection gets the conversation as text, so without a transcript it cannot answer.
        """
        if self.asked_at is None:
            return
        if self.words_at is None:
            self.asked_at = None
            self._send_failure(failure)
        else:
            self.expect()
            self.link.send_request("response.create", UpstreamRequest())

    def fail_all(self, failure: Failure) -> None:
        """Fail all running responses with their open items, since the connection is lost."""
        self.state.set_deadline("response", None)
        for response in list(self.running.values()):
            for item in response.items:
                if item.status == "in_progress":
                    item.status = "incomplete"
                    close_item(self.state, response, item, is_kept=is_kept(self.state, item))
            details = {"type": "failed", "error": failure.to_wire()}
            output = [item.to_wire() for item in response.items]
            ended = {"status": "failed", "status_details": details, "output": output}
            self._finish(response, {**response.shown, **ended}, failure)

    def leave(self, *, vanished: bool) -> None:
        """Cancel and store everything, since the client is gone.

        If it `vanished` it could not say what it had played, so the server's estimate is stored.
        """
        self.state.set_deadline("response", None)
        for response in list(self.running.values()):
            self.link.send_request("response.cancel", UpstreamRequest(is_own=True), response_id=response.id)
            if not response.is_out_of_band:
                store_response(self.state, response, Usage(), None)
        self.running.clear()
        if vanished and self.latest_sounding is not None and self.latest_sounding.is_sounding(self.state.now):
            cut_to_played(self.state, self.latest_sounding)
