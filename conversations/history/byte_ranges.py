"""The Range header of HTTP (RFC 9110, section 14), as far as media players use it: one range of bytes."""

import re

_ONE_RANGE = re.compile(r"bytes=\s*+(\d{0,18})\s*+-\s*+(\d{0,18})\s*+", re.ASCII | re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """The range starts behind the end. The answer is 416."""


def parse_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last, or None if the header is to be ignored and all be sent.

    The RFC asks for that where a range is malformed, and allows it for several at once, which no player sends. Raises
    UnsatisfiableRangeError.
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
