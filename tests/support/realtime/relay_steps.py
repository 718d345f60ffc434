"""What a client of a relayed conversation does in many tests: it commits its sound itself, or types."""

from tests.support.realtime.relay_table import TYPED, RelayTable

MANUAL = {"audio": {"input": {"turn_detection": None}}}


def type_message(table: RelayTable) -> None:
    """Let the client create a message, and the upstream confirm it."""
    table.send("conversation.item.create", item=TYPED)
    for kind in ("added", "done"):
        table.report(f"conversation.item.{kind}", item=TYPED, previous_item_id=None)
