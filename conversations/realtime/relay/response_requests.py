"""The responses that the client has asked for and the upstream has not begun."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conversations.realtime.protocol.client_events import ResponseRequest
from conversations.realtime.protocol.errors import RATE_LIMIT_EXCEEDED, ProtocolError
from conversations.realtime.protocol.tools import parse_tools
from conversations.realtime.relay.agent_turn import RelayAgentTurn
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest

LEFT_OUT: Mapping[str, Any] = {"prompt": True, "audio": {"output": {"format": True}}}


@dataclass(frozen=True, slots=True, eq=False)  # two requests may ask for the same
class _Request:
    """A response that the upstream was asked for. `response` is what it is told of it."""

    event_id: str | None
    is_out_of_band: bool
    response: dict[str, Any]


class ResponseRequests:
    """Check the client's `response.create` events, pass them on, and remember them until their response begins."""

    def __init__(self, state: RelayState, link: UpstreamLink, agent_turn: RelayAgentTurn) -> None:
        self.state = state
        self.link = link
        self.agent_turn = agent_turn
        self._waiting: list[_Request] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: ResponseRequest) -> None:
        """Ask the upstream for a response, or raise ProtocolError."""
        if not self.state.rate_limit.show(self.state.now)[0]["remaining"]:
            raise ProtocolError(RATE_LIMIT_EXCEEDED.code, RATE_LIMIT_EXCEEDED.message)
        is_out_of_band = event.options is not None and event.options.conversation == "none"
        request = _Request(event.event_id, is_out_of_band, _build_response(event))
        if is_out_of_band:
            self.agent_turn.check_out_of_band(sum(one.is_out_of_band for one in self._waiting))
        audio = event.options and event.options.audio
        asked = audio and audio.output and audio.output.format
        if asked and asked.type and asked.type != self.state.config.output.format:
            message = "The format of one response cannot differ from the session's. Set it with session.update."
            raise ProtocolError("invalid_value", message, "response.audio.output.format")
        self._send(request)

    def _send(self, request: _Request) -> None:
        def forget() -> None:
            self._waiting = [one for one in self._waiting if one is not request]

        self._waiting.append(request)
        if not request.is_out_of_band and self.agent_turn.main is None:
            self.agent_turn.asked_at = self.agent_turn.asked_at or self.state.now
        self.agent_turn.expect()
        fields = {"response": request.response} if request.response else {}
        self.link.send_request("response.create", UpstreamRequest(request.event_id, forget), **fields)

    def confirm(self, *, is_out_of_band: bool) -> None:
        """Forget the first request of this kind, since its response has begun."""
        begun = next((one for one in self._waiting if one.is_out_of_band is is_out_of_band), None)
        if begun is not None:
            self._waiting.remove(begun)

    def resend(self) -> None:
        """Ask the next connection for all responses that have not begun."""
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._send(replace(request))  # another one, which a refusal by the lost connection does not concern

    def clear(self) -> None:
        """Forget all requests."""
        self._waiting.clear()


def _build_response(event: ResponseRequest) -> dict[str, Any]:
    """Return what the upstream is told of a response that the client asks for, or raise ProtocolError.

    The format of its sound is the session's, and a prompt would be one of the provider account, usually the site's.
    """
    response = event.options.model_dump(exclude_unset=True, exclude=LEFT_OUT, mode="json") if event.options else {}
    if response.get("tools") is not None:
        response["tools"] = [tool.to_wire() for tool in parse_tools(response["tools"], (), "response")]
    if event.input is not None:
        response["input"] = [item.to_wire() for item in event.input]
    return response
