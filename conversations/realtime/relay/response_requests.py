"""The responses that the client has asked for and the upstream has not begun."""

from typing import Any

from conversations.realtime.protocol.client_events import ResponseRequest
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.tools import parse_tools
from conversations.realtime.relay.agent_turn import RelayAgentTurn
from conversations.realtime.relay.state import RelayState
from conversations.realtime.relay.upstream_link import UpstreamLink, UpstreamRequest


class ResponseRequests:
    """Check the client's `response.create` events, pass them on, and remember them until their response begins."""

    def __init__(self, state: RelayState, link: UpstreamLink, agent_turn: RelayAgentTurn) -> None:
        self.state = state
        self.link = link
        self.agent_turn = agent_turn
        self._waiting: list[tuple[ResponseRequest, dict[str, Any]]] = []  # each with the options it is sent with

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: ResponseRequest) -> None:
        """Ask the upstream for a response, or raise ProtocolError."""
        if not self.state.rates.show(self.state.now)[0]["remaining"]:
            raise ProtocolError(
                "rate_limit_exceeded", "Too many responses within a minute. Wait a moment and try again."
            )
        options = event.options.model_dump(exclude_unset=True, mode="json") if event.options else {}
        options.pop("prompt", None)  # it would name a prompt of the provider account, usually the site's
        if options.get("tools") is not None:
            options["tools"] = [tool.to_wire() for tool in parse_tools(options["tools"], (), "response")]
        if options.get("conversation") == "none":
            self.agent_turn.check_out_of_band(sum(one.get("conversation") == "none" for _, one in self._waiting))
        output = (options.get("audio") or {}).get("output") or {}
        if output.pop("format", None) not in (None, self.state.config.output.format.to_wire()):
            message = "The format of one response cannot differ from the session's. Set it with session.update."
            raise ProtocolError("invalid_value", message, "response.audio.output.format")
        if event.input is not None:
            options["input"] = event.input
        self._waiting.append((event, options))
        self._send(event, options)

    def _send(self, event: ResponseRequest, options: dict[str, Any]) -> None:
        waiting = (event, options)

        def forget() -> None:
            self._waiting = [one for one in self._waiting if one is not waiting]

        self._waiting = [one for one in self._waiting if one[0] is not event] + [waiting]
        if options.get("conversation") != "none" and self.agent_turn.main is None:
            self.agent_turn.asked_at = self.agent_turn.asked_at or self.state.now
        self.agent_turn.expect()
        fields = {"response": options} if options else {}
        self.link.send_request("response.create", UpstreamRequest(event.event_id, forget), **fields)

    def confirm(self, *, is_out_of_band: bool) -> None:
        """Forget the first request of this kind, since its response has begun."""
        fitting = (one for one in self._waiting if (one[1].get("conversation") == "none") is is_out_of_band)
        if begun := next(fitting, None):
            self._waiting.remove(begun)

    def resend(self) -> None:
        """Ask the next connection for all responses that have not begun."""
        for waiting in list(self._waiting):
            self._send(*waiting)

    def clear(self) -> None:
        """Forget all requests."""
        self._waiting.clear()
