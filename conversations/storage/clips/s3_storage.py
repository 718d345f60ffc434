"""Clips in a bucket of S3, or of a server that speaks its protocol: MinIO, Garage, Ceph, R2, B2 and others.

All threads share one client, as its makers allow: to make one takes a tenth of a second and megabytes. Nothing is ever
public; `views.clips` checks who asks and hands the sound on.
"""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Lock
from typing import IO, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import Storage

from voiceproject.database.outages import FilesAwayError

try:
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
    )
    from botocore.session import Session
except ImportError:
    raise ImproperlyConfigured("requirements-s3.txt is not installed.") from None

# Together shorter than clip_files.UPLOAD_SEC, so that an upload ends before it is taken to hang.
CONNECT_SEC = 3
ANSWER_SEC = 8  # of the bucket, to one request and between two pieces
TRIES = 2
CONNECTIONS = 64  # as many as there are uploads at once
REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "AccessDenied": "the bucket refuses the site's key for this",
    "403": "the bucket refuses the site's key for this",
    "InvalidAccessKeyId": "the access key is unknown there",
    "SignatureDoesNotMatch": "the secret access key is wrong",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
}


class S3Storage(Storage):
    """Store each file as an object of a bucket, under its own name behind a prefix. A name that is taken is replaced.

    Without `access_key` the credential is what botocore finds: AWS_… variables, a role of the machine or the pod.
    `endpoint_url` of "" means Amazon. Reading and writing raise FilesAwayError while the bucket cannot be used.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        endpoint_url: str = "",
        region: str = "",
        access_key: str = "",
        secret_key: str = "",
        addressing: str = "auto",
    ) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._place = {"endpoint_url": endpoint_url or None, "region_name": region or None}
        self._credential = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key} if access_key else {}
        self._addressing = addressing
        self._made: Any = None
        self._lock = Lock()  # to make a client is not safe in several threads

    @property
    def _client(self) -> Any:
        with self._lock:
            self._made = self._made or self._make_client()
            return self._made

    def _make_client(self) -> Any:
        config = Config(
            connect_timeout=CONNECT_SEC,
            read_timeout=ANSWER_SEC,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
            s3={"addressing_style": self._addressing},
            # Many compatible servers know neither the checksums that botocore adds by itself nor how it sends them.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return Session().create_client("s3", config=config, **self._place, **self._credential)

    def _ask(self, operation: str, name: str, **parameters: Any) -> Any:
        """Call S3 for one object. Raise FileNotFoundError if it is not there, or FilesAwayError."""
        with _translate_errors(name):
            return getattr(self._client, operation)(Bucket=self._bucket, Key=f"{self._prefix}{name}", **parameters)

    def read(self, name: str, start: int, end: int | None) -> bytes:
        """Return the bytes of a file from `start` up to `end`, None for all; b"" behind its end."""
        span = {} if (start, end) == (0, None) else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        try:
            answer = self._ask("get_object", name, **span)
        except _BehindTheEndError:
            return b""
        with _translate_errors(name), closing(answer["Body"]) as body:
            return bytes(body.read())

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        return File(cast(IO[bytes], _Object(self, name)), name)

    def _save(self, name: str, content: "File[bytes]") -> str:
        self._ask("put_object", name, Body=content.read(), ContentType="audio/ogg")
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: whoever saves a file again wants the old one replaced."""
        return name

    def delete(self, name: str) -> None:
        """Delete the file; nothing to it, if it is not there."""
        self._ask("delete_object", name)

    def exists(self, name: str) -> bool:
        """Return whether the file is there. Raise FilesAwayError if that cannot be told."""
        try:
            self._ask("head_object", name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """Return the size of the file in bytes. Raise FileNotFoundError or FilesAwayError."""
        return int(self._ask("head_object", name)["ContentLength"])


class _BehindTheEndError(Exception):
    """A range begins behind the end of the file."""


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    """Turn botocore's errors into FileNotFoundError and FilesAwayError, with words for whoever runs the site."""
    try:
        yield
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 416:
            raise _BehindTheEndError from None
        if status == 404 and code != "NoSuchBucket":
            raise FileNotFoundError(name) from None
        raise FilesAwayError(f"S3: {REASONS.get(code, 'it answers with an error')} ({code}, {status}).") from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise FilesAwayError(
            "S3: the site has no key for it. Set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY."
        ) from error
    except ParamValidationError as error:
        raise FilesAwayError("S3: no bucket can have that name (S3_BUCKET).") from error
    except (BotoCoreError, OSError) as error:
        raise FilesAwayError(f"S3 cannot be reached: {type(error).__name__}.") from error


class _Object(io.RawIOBase):
    """One object as a file to read. Each read is one request, for the bytes that it asks for."""

    def __init__(self, storage: S3Storage, name: str) -> None:
        self._storage, self._name, self._at = storage, name, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence == io.SEEK_END:
            offset += self._storage.size(self._name)
        self._at = max(0, offset)
        return self._at

    def readall(self) -> bytes:
        return self._advance(self._storage.read(self._name, self._at, None))

    def readinto(self, buffer: Any) -> int:
        if not len(buffer):
            return 0
        data = self._advance(self._storage.read(self._name, self._at, self._at + len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def _advance(self, data: bytes) -> bytes:
        self._at += len(data)
        return data
