"""The indexes that pip uses on this machine, since those are the ones that its owner trusts and can reach."""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

DEFAULT_INDEX = "https://pypi.org/simple"
TIMEOUT_SEC = 30
LINE = re.compile(r"(?P<scope>global|download|:env:)\.(?P<name>[\w-]+)='(?P<value>.*)'")
SCOPES = ("global", "download", ":env:")  # those that hold for `pip download`; later ones go first


@dataclass(frozen=True)
class PipSettings:
    """What pip was told: the indexes in order, and the file of certificates and the proxy, or ""."""

    indexes: tuple[str, ...]
    certificates: str
    proxy: str


@cache
def read_pip_settings() -> PipSettings:
    """Ask pip. Where there is none, only its default index is known."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SEC, check=True).stdout  # noqa: S603 - our own interpreter
    except (OSError, subprocess.SubprocessError):
        output = ""
    return parse_pip_settings(output)


def parse_pip_settings(output: str) -> PipSettings:
    """Return what `pip config list` printed: lines such as `global.index-url='https://…'`."""
    found = [match for line in output.splitlines() if (match := LINE.fullmatch(line.strip()))]
    found.sort(key=lambda match: SCOPES.index(match["scope"]))
    values = {match["name"]: match["value"] for match in found}
    more = re.split(r"\s+|\\n", values.get("extra-index-url", ""))
    indexes = [values.get("index-url") or DEFAULT_INDEX, *more]
    reachable = tuple(url for url in indexes if url.startswith(("https://", "http://")))
    return PipSettings(reachable, values.get("cert", ""), values.get("proxy", ""))
