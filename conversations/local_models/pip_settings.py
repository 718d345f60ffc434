"""The indexes that pip uses on this machine, since those are the ones that its owner trusts and can reach."""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

TIMEOUT_SEC = 30
DEFAULT = re.compile(r"--index-url <url>.*?\(default (https?://[^\s)]+)\)")  # in pip's help
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
    """Ask pip. Where there is none, no index is known."""
    return parse_pip_settings(_run_pip("config", "list"), _run_pip("help", "download"))


def _run_pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SEC, check=True).stdout  # noqa: S603 - our own interpreter
    except (OSError, subprocess.SubprocessError):
        return ""


def parse_pip_settings(config: str, usage: str) -> PipSettings:
    """Return the settings in what `pip config list` printed, lines such as `global.index-url='https://…'`.

    `usage` is what `pip help download` printed, which names the default index.
    """
    found = [match for line in config.splitlines() if (match := LINE.fullmatch(line.strip()))]
    found.sort(key=lambda match: SCOPES.index(match["scope"]))
    values = {match["name"]: match["value"] for match in found}
    more = re.split(r"\s+|\\n", values.get("extra-index-url", ""))
    default = DEFAULT.search(" ".join(usage.split()))
    indexes = [values.get("index-url") or (default[1] if default else ""), *more]
    reachable = tuple(url for url in indexes if url.startswith(("https://", "http://")))
    return PipSettings(reachable, values.get("cert", ""), values.get("proxy", ""))
