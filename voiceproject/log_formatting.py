"""Format log lines without anything that would let a reader of the log sign in.

Django names the path in warnings and errors, and some of this site's paths are one-time links; tracebacks may contain
anything.
"""

import logging
import re

# As in the access log: enough of a long segment to follow a case, too little to use.
LONG_SEGMENT = re.compile(r"(/[^/\s?\"']{8})[^/\s?\"']{13,}")
QUERY = re.compile(r"\?[^\s\"'?=&/]{1,60}=[^\s\"']+")
# API keys, client secrets, and what providers' keys look like.
KEY = re.compile(r"\b((?:vp_|ek_|sk-|AIza)[\w-]{2})[\w-]{14,}", re.ASCII)


class LineFormatter(logging.Formatter):
    """A formatter that removes secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return remove_secrets(super().format(record))


def remove_secrets(text: str) -> str:
    """Return the text with long path segments, query strings and keys shortened to their first characters."""
    return KEY.sub(r"\1…", QUERY.sub("?…", LONG_SEGMENT.sub(r"\1…", text)))
