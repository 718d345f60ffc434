"""Close a response: its closing events, in the order of the protocol, what is stored of it, and `response.done`."""

from conversations.realtime.agent_turn import response_events
from conversations.realtime.agent_turn.response import Response, ResponseStatus
from conversations.realtime.agent_turn.tool_calls import ToolCalls
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.errors import Failure


def close_response(
    state: CascadeState,
    tool_calls: ToolCalls,
    response: Response,
    status: ResponseStatus,
    reason: Failure | str | None,
) -> None:
    """Set the status, close the message and the calls, store them, and send `response.done`."""
    response.status, response.reason = status, reason
    response.item.status = "completed" if status == "completed" else "incomplete"
    response.stamp("done", state.now)
    tool_calls.abandon(response)
    if response.is_out_of_band:
        if response.is_open:
            response.settle_clauses()
            response_events.close_message(response, None)
    else:
        _store(state, tool_calls, response)
    tool_calls.hand_over(response)
    response_events.send_done(response)
    state.send_rate_limits()


def _store(state: CascadeState, tool_calls: ToolCalls, response: Response) -> None:
    if response.is_open:
        response.settle_clauses()
        state.save(response.item, is_final=True)
        response_events.close_message(response, state.log.get_previous_id(response.item))
    elif response.item.error_code:
        state.save(response.item, is_final=True)  # the history shows what went wrong
    elif response.outputs:
        tool_calls.store_without_message(response)
