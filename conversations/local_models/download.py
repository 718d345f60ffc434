"""Downloads that go on where they were cut off."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx2

from conversations.local_models.errors import (
    IncompleteDownloadError,
    ModelError,
    NoNetworkError,
    PackageGoneError,
    WrongHashError,
)
from conversations.local_models.registries import PLAIN, describe_host, get_filename

# Called with how many bytes of how many are there.
Progress = Callable[[int, int], None]
RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


def download(client: httpx2.Client, url: str, path: Path, size_bytes: int, sha256: str, progress: Progress) -> None:
    """Bring `path` to the bytes that the hash names, from wherever an earlier attempt stopped.

    A connection that breaks is made again as long as each brings something. Raise IncompleteDownloadError (what came
    stays in `path`), WrongHashError (nothing stays), PackageGoneError, NoNetworkError or ModelError.
    """
    is_resumed = get_size(path) > 0
    _complete(client, url, path, size_bytes, progress)
    try:
        _check_hash(path, size_bytes, sha256, url)
    except WrongHashError:
        if not is_resumed:
            raise
        # What an earlier attempt had left may have been damaged.
        download(client, url, path, size_bytes, sha256, progress)


def _complete(client: httpx2.Client, url: str, path: Path, size_bytes: int, progress: Progress) -> None:
    """Make requests until the file has its size, or one brings nothing."""
    while (had := get_size(path)) < size_bytes:
        failed: Exception | None = None
        try:
            _append(client, url, path, size_bytes, progress)
        except (httpx2.TransportError, httpx2.StreamError) as error:
            failed = error
        if get_size(path) > had:
            continue
        if isinstance(failed, httpx2.ConnectError | httpx2.ConnectTimeout):
            raise NoNetworkError(f"{describe_host(url)} cannot be reached. Is there a network?") from None
        raise IncompleteDownloadError(
            f"{describe_host(url)} broke off after {had / 1e6:.1f} of {size_bytes / 1e6:.1f} MB. "
            "Fetch again to go on from there."
        )


def _check_hash(path: Path, size_bytes: int, sha256: str, url: str) -> None:
    """Raise WrongHashError and remove the file unless it has these bytes."""
    if get_size(path) != size_bytes or compute_hash(path) != sha256:
        path.unlink()
        raise WrongHashError(f"{get_filename(url)} from {describe_host(url)} has the wrong hash, and was not kept.")


def compute_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def get_size(path: Path) -> int:
    """Return the size of a file in bytes, 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def _append(client: httpx2.Client, url: str, path: Path, size_bytes: int, progress: Progress) -> None:
    """Make one request for what is missing, and write what comes. Never write more than `size_bytes` and a piece."""
    had = get_size(path)
    headers = {**PLAIN, "Range": f"bytes={had}-"} if had else PLAIN
    try:
        with client.stream("GET", url, headers=headers) as response:
            _check_status(response, url)
            match = RANGE.fullmatch(response.headers.get("Content-Range", ""))
            goes_on = response.status_code == 206 and match is not None and int(match[1]) == had
            with path.open("ab" if goes_on else "wb") as file:
                done = had if goes_on else 0
                for piece in response.iter_raw():
                    file.write(piece)
                    done += len(piece)
                    progress(min(done, size_bytes), size_bytes)
                    if done > size_bytes:
                        return
                file.flush()
                os.fsync(file.fileno())
    except httpx2.InvalidURL:
        raise ModelError(f"{describe_host(url)} gave an address that is none.") from None


def _check_status(response: httpx2.Response, url: str) -> None:
    if response.status_code == 416:
        raise WrongHashError(f"{get_filename(url)} at {describe_host(url)} is shorter than it should be.")
    if response.status_code in {404, 410}:
        raise PackageGoneError(f"{get_filename(url)} is no longer at {describe_host(url)}.")
    if response.status_code not in {200, 206}:
        raise ModelError(f"{describe_host(url)} answered with status {response.status_code}.")
