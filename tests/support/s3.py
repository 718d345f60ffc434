"""A bucket of moto's server, a process of its own, behind a proxy that loses, delays and refuses what a test says."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from botocore.config import Config
from botocore.session import Session

BUCKET = "clips"
KEY = {"access_key": "the-key", "secret_key": "the-secret-itself"}
KEPT = ("content-type", "content-range", "content-length", "etag", "accept-ranges", "last-modified")


class Bucket:
    """A bucket, and what is wrong with the way to it.

    `fault` is "" or, for requests of `method` ("" for all): `500`, `403`, `hang` (no answer until it is healed), `lose`
    (it is done, and the answer is lost), `cut` (half of the answer). `asked` are the requests that came: "PUT name".
    """

    def __init__(self, moto_port: int) -> None:
        self.moto_port = moto_port
        self.fault, self.method, self.times = "", "", 0
        self.asked: list[str] = []
        self.healed = Event()
        self.proxy = _Server(("127.0.0.1", 0), _Proxy)
        self.proxy.bucket = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.proxy.server_address[1]}"
        self._s3: Any = Session().create_client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{moto_port}",
            region_name="eu-central-1",
            aws_access_key_id=KEY["access_key"],
            aws_secret_access_key=KEY["secret_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def break_with(self, fault: str, method: str = "", times: int = 1_000_000) -> None:
        """Break the next `times` requests of a method."""
        self.healed.clear()
        self.fault, self.method, self.times = fault, method, times

    def heal(self) -> None:
        self.fault = ""
        self.healed.set()

    def take_fault(self, method: str) -> str:
        if not self.fault or self.method not in ("", method) or self.times <= 0:
            return ""
        self.times -= 1
        return self.fault

    def list_files(self) -> list[str]:
        return sorted(one["Key"] for one in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))

    def read(self, name: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=BUCKET, Key=name)["Body"].read())

    def make(self) -> None:
        self._s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    def empty(self) -> None:
        for name in self.list_files():
            self._s3.delete_object(Bucket=BUCKET, Key=name)

    @property
    def options(self) -> dict[str, str]:
        """The options of the storage."""
        return {"bucket": BUCKET, "endpoint_url": self.url, "region": "eu-central-1", "addressing": "path", **KEY}

    @property
    def setting(self) -> dict[str, Any]:
        return {"BACKEND": "conversations.storage.clips.s3_storage.S3Storage", "OPTIONS": self.options}

    @property
    def env(self) -> dict[str, str]:
        return {
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT_URL": self.url,
            "S3_REGION": "eu-central-1",
            "S3_ADDRESSING": "path",
            "S3_ACCESS_KEY_ID": KEY["access_key"],
            "S3_SECRET_ACCESS_KEY": KEY["secret_key"],
        }


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that gave up waiting."""


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        bucket: Bucket = self.server.bucket  # type: ignore[attr-defined]
        body = self._read_body()
        bucket.asked.append(f"{self.command} {self.path.removeprefix(f'/{BUCKET}/')}")
        fault = bucket.take_fault(self.command)
        if fault in ("500", "403"):
            self._answer(int(fault), {}, _describe(fault))
            return
        if fault == "hang":
            bucket.healed.wait()
            self.close_connection = True
            return
        upstream = HTTPConnection("127.0.0.1", bucket.moto_port, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "expect")}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if fault == "lose":
            self.close_connection = True
            return
        self._answer(answer.status, dict(answer.getheaders()), data[: len(data) // 2] if fault == "cut" else data)

    do_GET = do_PUT = do_HEAD = do_DELETE = _pass  # noqa: N815  as http.server calls them

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        kept = {name.lower(): value for name, value in headers.items() if name.lower() in KEPT}
        kept.setdefault("content-length", str(len(data)))
        if self.command != "HEAD" and int(kept["content-length"]) > len(data):
            self.close_connection = True  # half of it came
        for name, value in kept.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _describe(status: str) -> bytes:
    code = {"500": "InternalError", "403": "AccessDenied"}[status]
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()


@contextmanager
def run_bucket() -> Iterator[Bucket]:
    """Start the server with an empty bucket, and stop it in the end."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = next(match for line in process.stderr if (match := re.search(r"Running on http://[\d.]+:(\d+)", line)))
        Thread(target=process.stderr.read, daemon=True).start()
        bucket = Bucket(int(found[1]))
        thread = Thread(target=bucket.proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            bucket.make()
            yield bucket
        finally:
            bucket.heal()
            with suppress(ProcessLookupError):
                process.terminate()
            bucket.proxy.shutdown()
            bucket.proxy.server_close()
