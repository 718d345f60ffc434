"""The beginning of a response: what it holds before an engine has brought anything for it."""

from conversations.realtime.agent_turn.response import Response
from conversations.realtime.agent_turn.thinking import ThinkingBudget
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions, find_awaited


def open_response(
    state: CascadeState, options: ResponseOptions, response_id: str, conversation_id: str | None
) -> Response:
    """Return a new response with an empty message. `conversation_id` None: it is out of band."""
    item = LiveItem(state.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
    item.response_id, item.sent_text = response_id, ""
    response = Response(response_id, item, options, conversation_id, state.send)
    response.thinking = ThinkingBudget(state.limits.thinking_sec)
    response.awaits = find_awaited(state, options)
    return response
