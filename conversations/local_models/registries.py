"""Where a registry keeps the archive of a package. Nothing but the address is taken from it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import httpx2

from conversations.local_models.errors import ModelError, NoNetworkError, PackageGoneError
from conversations.local_models.manifest import Archive, Registry

MAX_INDEX_BYTES = 4_000_000
PLAIN = {"Accept-Encoding": "identity"}  # a packed answer has no length to go on from, and may unpack without an end
LINK = re.compile(r"""<a\s[^<>]{0,2000}?href\s*=\s*["']([^"'<>]{1,4000})["']""", re.IGNORECASE)
# The Simple Repository API, as JSON (PEP 691), or as the older page of links (PEP 503), which some mirrors have alone.
SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
SIMPLE = f"{SIMPLE_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


@dataclass(frozen=True)
class Registries:
    """The addresses at which packages are looked up: of Python's indexes, in order, and of npm's registry or ""."""

    python: tuple[str, ...]
    npm: str


def find_archive(client: httpx2.Client, archive: Archive, registries: Registries) -> str:
    """Return the URL of the archive. Raise PackageGoneError, NoNetworkError or ModelError."""
    indexes = registries.python if archive.registry is Registry.PYTHON else (registries.npm,) if registries.npm else ()
    if not indexes:
        raise PackageGoneError(f"No registry is known for the package {archive.package}.")
    failure: ModelError | None = None
    for index in indexes:
        try:
            if url := _find_in(client, archive, index):
                return url
        except ModelError as error:
            failure = failure or error
    hosts = ", ".join(describe_host(index) for index in indexes)
    raise failure or PackageGoneError(f"The package {archive.package} {archive.version} is no longer at {hosts}.")


def describe_host(url: str) -> str:
    """Return the host of a URL, which may also hold a password."""
    return urlsplit(url).hostname or "an address without a host"


def _find_in(client: httpx2.Client, archive: Archive, index: str) -> str:
    if archive.registry is Registry.NPM:
        url, accept = f"{index.rstrip('/')}/{archive.package}/{archive.version}", "application/json"
    else:
        url, accept = f"{index.rstrip('/')}/{archive.package}/", SIMPLE
    response = _read_page(client, url, accept)
    if response is None:
        return ""
    try:
        links = _list_links(archive.registry, response)
        found = [urljoin(str(response.url), link) for link in links if get_filename(link) == archive.filename]
        found = [url for url in found if urlsplit(url).scheme in {"http", "https"}]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ModelError(f"{describe_host(index)} answered something that is no list of files.") from None
    return urldefrag(found[0]).url if found else ""


def _read_page(client: httpx2.Client, url: str, accept: str) -> httpx2.Response | None:
    """Return the page, or None where there is none."""
    host = describe_host(url)
    try:
        with client.stream("GET", url, headers={**PLAIN, "Accept": accept}) as response:
            body = b""
            for piece in response.iter_raw():
                body += piece
                if len(body) > MAX_INDEX_BYTES:
                    raise ModelError(f"{host} answered a list of files without an end.")
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise NoNetworkError(f"{host} cannot be reached. Is there a network?") from None
    if response.status_code in {404, 410}:
        return None
    if response.status_code != 200:
        raise ModelError(f"{host} answered with status {response.status_code}.")
    kept = {"Content-Type": response.headers.get("Content-Type", "")}
    return httpx2.Response(200, content=body, headers=kept, request=response.request)


def _list_links(registry: Registry, response: httpx2.Response) -> Iterable[str]:
    if registry is Registry.NPM:
        return [response.json()["dist"]["tarball"]]
    if "json" in response.headers["Content-Type"]:
        return [file["url"] for file in response.json()["files"]]
    return [unescape(link) for link in LINK.findall(response.text)]


def get_filename(link: str) -> str:
    """Return the name of the file that a link leads to."""
    return unquote(urlsplit(link).path).rpartition("/")[2]
