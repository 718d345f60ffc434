"""Format log lines without anything that would let a reader of the log sign in, and with the ids that they belong to.

Django names the path in warnings and errors, and some of this site's paths are one-time links; tracebacks may contain
anything.
"""

import json
import logging
import re
import time
from typing import Any

from voiceproject import log_context

# As in the access log: enough of a long segment to follow a case, too little to use.
LONG_SEGMENT = re.compile(r"(/[^/\s?\"']{8})[^/\s?\"']{13,}")
QUERY = re.compile(r"\?[^\s\"'?=&/]{1,60}=[^\s\"']+")
# API keys, client secrets, and what providers' keys look like.
KEY = re.compile(r"\b((?:vp_|ek_|sk-|AIza)[\w-]{2})[\w-]{14,}", re.ASCII)

SHORT = 12  # an id of fewer characters may be in a line by chance


class LineFormatter(logging.Formatter):
    """One line for people, with the ids that it does not name itself behind it."""

    def format(self, record: logging.LogRecord) -> str:
        return remove_secrets(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # Python's name
        line = super().formatMessage(record)
        if hasattr(record, "security"):  # a line of the security log, whose form programs rely on
            return line
        ids = log_context.collect_ids().items()
        unnamed = " ".join(f"{name}={found}" for name, found in ids if len(found) < SHORT or found not in line)
        return f"{line} [{unnamed}]" if unnamed else line


class JSONFormatter(logging.Formatter):
    """One JSON object a line, for what collects logs. A traceback is a field of it."""

    def format(self, record: logging.LogRecord) -> str:
        second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, Any] = {
            "time": f"{second}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": remove_secrets(record.getMessage()),
            **log_context.collect_ids(),
        }
        if fields := getattr(record, "security", None):
            told["security"] = fields
        if record.exc_info:
            told["exception"] = remove_secrets(self.formatException(record.exc_info))
        return json.dumps(told)  # ASCII, so that no character of a message ends the line


def remove_secrets(text: str) -> str:
    """Return the text with long path segments, query strings and keys shortened to their first characters."""
    return KEY.sub(r"\1…", QUERY.sub("?…", LONG_SEGMENT.sub(r"\1…", text)))
