"""What templates need to show a conversation: lengths of time, the bars of a waterfall, the names of engines."""

from math import ceil

from django import template

from conversations import engine_names
from conversations.history import waterfall

register = template.Library()
register.filter("bars", waterfall.build_bars)
register.filter("engine", engine_names.describe_label)


@register.filter("clock")
def format_clock(ms: int | None) -> str:
    """Return milliseconds as a clock shows them, up to the next second: 64,200 is "1:05", an hour more "1:01:05"."""
    minutes, seconds = divmod(ceil((ms or 0) / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
