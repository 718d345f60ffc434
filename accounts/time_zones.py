"""Time zones, by their names in the IANA database."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones


class UnknownTimeZoneError(ValueError):
    """There is no time zone of this name. The message is for the user."""


def find(name: str) -> ZoneInfo:
    """Return the time zone of this name, or raise UnknownTimeZoneError."""
    if name not in _list_names():
        raise UnknownTimeZoneError(f"There is no time zone {name[:64]!r}. Use a name like Europe/Vienna, or UTC.")
    return ZoneInfo(name)


@cache
def list_offered() -> tuple[str, ...]:
    """Return the names to offer: zones that are named after a place, in order, and UTC.

    The other names are old ones and fixed offsets.
    """
    return ("UTC", *sorted(name for name in _list_names() if "/" in name and not name.startswith("Etc/")))


@cache
def _list_names() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})
