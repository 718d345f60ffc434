"""Time zones, by their names in the IANA database."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones


class UnknownTimeZoneError(ValueError):
    """A name that is no time zone. The text is for the user."""


def find(name: str) -> ZoneInfo:
    """Return the zone of this name, or raise UnknownTimeZoneError."""
    if name not in _names():
        raise UnknownTimeZoneError(f"There is no time zone {name[:64]!r}. Use a name like Europe/Vienna, or UTC.")
    return ZoneInfo(name)


@cache
def list_offered() -> tuple[str, ...]:
    """Return the zones named after a place, in order, and UTC; the rest are old names and fixed offsets."""
    return ("UTC", *sorted(name for name in _names() if "/" in name and not name.startswith("Etc/")))


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})
