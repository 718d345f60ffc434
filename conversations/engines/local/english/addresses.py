"""English words for what is read sign by sign: addresses, versions, telephone numbers."""

import re

from conversations.engines.local.english import numbers
from conversations.engines.local.english.amounts import say_integer

Found = re.Match[str]
SIGNS = {".": " dot ", "/": " slash ", "-": " dash ", "_": " underscore ", "@": " at ", "?": " question mark ",
         "=": " equals ", "&": " and ", "#": " hash ", ":": " colon ", "~": " tilde "}  # fmt: skip
PHONE_DIGITS = range(7, 16)
# Figures such as 150-1500 may be a range: these words or figures before tell that it is a number to call.
CALL = re.compile(r"(?:\b(?:call|dial|phone|telephone|tel|text|fax|number)\b.{0,12}|\b555-)$", re.IGNORECASE)
CALL_CHARS = 30


def say_web_address(found: Found) -> str:
    """Return “example dot com slash help”."""
    return f" {_say_signs(found[1])}{_say_signs(found[2].rstrip('/'))} "


def say_address(found: Found) -> str:
    """Return “anna dot smith at example dot org”."""
    return _say_signs(found[0])


def _say_signs(address: str) -> str:
    spelled = re.sub(r"^www(?=\.)", "w w w", address)
    return "".join(SIGNS.get(sign, sign) for sign in spelled)


def say_version(found: Found) -> str:
    """Return “version three point twelve point four”."""
    return ("version " if found[1] else "") + " point ".join(say_integer(part) for part in found[2].split("."))


def say_phone(found: Found) -> str:
    """Return the figures one by one, with a pause between their groups; what is no telephone number stays."""
    number = found[0]
    groups = re.findall(r"\d+", number)
    is_whole = number[0] in "+(" or (len(groups) > 2 and (number[0] == "0" or "-" in number))
    is_local = [len(group) for group in groups] == [3, 4] and _is_called(found)
    if not (is_whole or is_local) or sum(map(len, groups)) not in PHONE_DIGITS:
        return number
    return ("plus " if number[0] == "+" else "") + ", ".join(numbers.say_digits(group, zero="oh") for group in groups)


def _is_called(found: Found) -> bool:
    before = found.string[max(0, found.start() - CALL_CHARS) : found.start() + 4]
    return bool(CALL.search(before) or CALL.search(before[:-4]))
