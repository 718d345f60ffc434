"""Store what a response of the upstream has brought."""

from conversations.realtime.protocol.errors import Failure
from conversations.realtime.protocol.items import LiveItem, Usage
from conversations.realtime.relay.response import RelayResponse
from conversations.realtime.relay.state import RelayState


def is_kept(state: RelayState, item: LiveItem) -> bool:
    """Return whether the item is in the conversation: neither out of band nor deleted."""
    return state.log.get(item.id) is item


def store_response(state: RelayState, response: RelayResponse, usage: Usage, failure: Failure | None) -> None:
    """Store the items of a response that has ended, with its usage and the reason why it failed, if it did."""
    if failure and not response.items:
        _store_failure(state, response, failure)
    main = response.main
    for item in response.items:
        if not is_kept(state, item):
            continue
        if item.status == "in_progress" or failure:
            item.status = "incomplete"
        if item is main:
            item.usage = usage
            if failure:
                item.error_code, item.error_message = failure.code, failure.message
        state.save(item, is_final=item is main)


def _store_failure(state: RelayState, response: RelayResponse, failure: Failure) -> None:
    """Store an item for the history that says what went wrong; the client is not told of it."""
    item = LiveItem(state.make_id("item"), role="assistant", status="incomplete", response_id=response.id)
    item.waterfall, item.error_code, item.error_message = response.waterfall, failure.code, failure.message
    state.save(item, is_final=True)


def cut_to_played(state: RelayState, response: RelayResponse) -> None:
    """Cut the response's items to what a client that plays in real time has played by now."""
    played_ms = response.estimate_played_ms(state.now)
    for item in response.items:
        if item.is_audio and item.heard_ms is None and is_kept(state, item):
            item.truncate(min(played_ms, item.audio_ms))
            played_ms = max(0, played_ms - item.audio_ms)
            state.save(item)
