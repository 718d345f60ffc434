"""The responses that the client has asked for and the upstream has not begun."""

from dataclasses import dataclass, replace
from typing import Any

from conversations.realtime.protocol.client_events import ResponseRequest
from conversations.realtime.protocol.errors import RATE_LIMIT_EXCEEDED, ProtocolError
from conversations.realtime.protocol.tools import parse_tools
from conversations.realtime.relay.agent_turn import RelayAgentTurn
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest


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
        options = event.options.model_dump(exclude_unset=True, mode="json") if event.options else {}
        options.pop("prompt", None)  # it would name a prompt of the provider account, usually the site's
        if options.get("tools") is not None:
            options["tools"] = [tool.to_wire() for tool in parse_tools(options["tools"], (), "response")]
        request = _Request(event.event_id, options.get("conversation") == "none", options)
        if request.is_out_of_band:
            self.agent_turn.check_out_of_band(sum(one.is_out_of_band for one in self._waiting))
        output = (options.get("audio") or {}).get("output") or {}
        if output.pop("format", None) not in (None, self.state.config.output.format.to_wire()):
            message = "The format of one response cannot differ from the session's. Set it with session.update."
            raise ProtocolError("invalid_value", message, "response.audio.output.format")
        if event.input is not None:
            options["input"] = [item.to_wire() for item in event.input]
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
