"""What a client of a relayed conversation does in many tests: it commits its sound itself, or types."""

from tests.support.realtime.relay_table import TYPED, RelayTable

MANUAL = {"audio": {"input": {"turn_detection": None}}}


def typed(table: RelayTable) -> None:
    table.client("conversation.item.create", item=TYPED)
    for kind in ("added", "done"):
        table.upstream(f"conversation.item.{kind}", item=TYPED, previous_item_id=None)
