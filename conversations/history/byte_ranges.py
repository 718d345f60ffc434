"""The Range header of HTTP (RFC 9110, section 14), as far as media players use it: one range of bytes."""

import re

_ONE_RANGE = re.compile(r"bytes=\s*+(\d{0,18})\s*+-\s*+(\d{0,18})\s*+", re.ASCII | re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """Starts behind the end. The answer is 416."""


def parse(header: str, size_bytes: int) -> tuple[int, int] | None:
    """The first byte and the one after the last; None where the header is to be ignored and all be sent.

    That is what the RFC asks for a malformed range and allows for several at once, which no player sends.
    """
    match = _ONE_RANGE.fullmatch(header)
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes
    else:
        start, end = int(first), min(int(last) + 1 if last else size_bytes, size_bytes)
        if last and int(last) < start:
            return None
    if start >= size_bytes:
        raise UnsatisfiableRangeError(header)
    return start, end
