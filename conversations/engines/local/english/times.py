"""English words for dates and times, as the patterns of `normalise` find them."""

import re

from conversations.engines.local.english import numbers
from conversations.engines.local.english.words import MONTHS

Found = re.Match[str]


def say_date(month: str, day: str, year: str, written: str) -> str:
    """Return “March third, twenty twenty-five”; what is no date stays as it is written."""
    if int(month) > 12 >= int(day):
        month, day = day, month
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return written
    whole = year if len(year) == 4 else f"{'19' if int(year) > 50 else '20'}{year}"
    return f"{MONTHS[int(month) - 1]} {numbers.say_ordinal(int(day))}, {numbers.say_year(int(whole))}"


def say_time(found: Found) -> str:
    """Return “nine thirty a.m.” or “nine o'clock”."""
    hour, minute, second, half = int(found[1]), found[2], found[3], found[4]
    spoken = numbers.say_cardinal(hour)
    if int(minute):
        spoken += f" {'oh ' if minute[0] == '0' else ''}{numbers.say_cardinal(int(minute))}"
    elif not half:
        spoken += " o'clock"
    if second:
        spoken += f" and {numbers.say_cardinal(int(second))} seconds"
    return spoken + (f" {half.lower()}.m." if half else "")


def say_hour(found: Found) -> str:
    """Return “nine a.m.”."""
    return numbers.say_cardinal(int(found[1])) + f" {found[2].lower()}.m."


def say_month_day(found: Found) -> str:
    """Return “March third”."""
    return f"{found[1]} {numbers.say_ordinal(int(found[2]))}"


def say_day_month(found: Found) -> str:
    """Return “the third of March”."""
    return f"{'' if found[1] else 'the '}{found[1] or ''}{numbers.say_ordinal(int(found[2]))} of {found[3]}"
