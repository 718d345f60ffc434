"""Redis behind sentinels, and over TLS: the cache and the channel layer reach the real thing."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from channels_redis.core import RedisChannelLayer  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured

from tests.support.supervised import wait_until
from voiceproject.cache import redis_address
from voiceproject.cache.shared_cache import SharedCache
from voiceproject.local import embedded_redis


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def run_server(folder: Path, *arguments: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real server, and yield once it answers."""
    program = embedded_redis.find_server()
    assert program
    folder.mkdir()
    command = [program, *arguments, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port))
            yield process
        finally:
            process.kill()


def answers(port: int) -> bool:
    with redis.Redis(port=port) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a master with a replica and a sentinel, and the master."""
    master, replica, sentinel = find_free_port(), find_free_port(), find_free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"sentinel monitor site 127.0.0.1 {master} 1\nsentinel down-after-milliseconds site 300\n"
        "sentinel failover-timeout site 3000\n"
    )
    with ExitStack() as stack:
        server = stack.enter_context(run_server(tmp_path / "master", "--save", "", port=master))
        options = ("--save", "", "--replicaof", f"127.0.0.1 {master}", "--repl-diskless-sync-delay", "0")
        stack.enter_context(run_server(tmp_path / "replica", *options, port=replica))
        stack.enter_context(run_server(tmp_path / "sentinel", str(config), "--sentinel", port=sentinel))
        with redis.Redis(port=sentinel, decode_responses=True) as client:
            wait_until(lambda: client.sentinel_slaves("site"))
            yield f"redis+sentinel://127.0.0.1:{sentinel}/site/0", server


def build_cache(url: str, ca_file: str = "") -> SharedCache:
    server = redis_address.build_server(url, ca_file)
    return SharedCache(server.location, {"OPTIONS": {**server.cache_options, "socket_timeout": 1}})  # type: ignore[arg-type]


async def pass_a_message(url: str, ca_file: str = "") -> object:
    layer = RedisChannelLayer(hosts=[redis_address.build_server(url, ca_file).layer_host])
    channel = await layer.new_channel()
    await layer.send(channel, {"type": "news"})
    async with asyncio.timeout(10):
        received = await layer.receive(channel)
    pool = layer.connection(0).connection_pool
    await layer.flush()
    await pool.aclose()
    for one in pool.sentinel_manager.sentinels if redis_address.is_sentinel(url) else ():
        await one.aclose()
    return received


async def test_the_master_that_sentinels_name_and_the_one_after_it(
    sentinel: tuple[str, subprocess.Popen[bytes]],
) -> None:
    url, master = sentinel
    cache = build_cache(url)
    cache.set("a", 1)
    assert (cache.ping(), cache.get("a")) == (True, 1)
    assert await pass_a_message(url) == {"type": "news"}
    master.kill()
    await asyncio.to_thread(wait_until, cache.ping, 20)
    cache.set("a", 2)
    assert cache.get("a") == 2


@pytest.mark.parametrize("url", ["redis+sentinel://one", "redis+sentinel:///name", "redis+sentinel://one/name/x"])
def test_an_address_that_names_no_master(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="needs hosts and the name of the master"):
        redis_address.build_server(url)


def test_what_an_address_says() -> None:
    master = redis_address.parse_master("rediss+sentinel://me:p%40ss@one,two:7/site/3", "/ca.pem")
    tls = {"ssl": True, "ssl_ca_certs": "/ca.pem"}
    assert master.sentinels == (("one", 26379), ("two", 7))
    assert master.options == {"db": 3, "username": "me", "password": "p@ss", **tls}
    assert master.sentinel_options == {"socket_timeout": redis_address.ASK_SEC, **tls}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a certificate for localhost that nobody else has signed, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, SHA256())
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(signed.public_bytes(Encoding.PEM) + private)
    return file


@pytest.fixture
async def tls_url(certificate: Path, redis_url: str) -> AsyncIterator[str]:
    """The address of a real server behind one that ends TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    tasks: set[asyncio.Task[None] | None] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        from_redis, to_redis = await asyncio.open_unix_connection(redis_url.removeprefix("unix://"))
        try:
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(pass_on(reader, to_redis), pass_on(from_redis, writer))
        finally:
            writer.transport.abort()
            to_redis.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        yield f"rediss://localhost:{server.sockets[0].getsockname()[1]}/0"
        for task in tasks:
            if task:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


async def test_tls_with_an_authority_of_ones_own(tls_url: str, certificate: Path) -> None:
    cache = build_cache(tls_url, str(certificate))
    await asyncio.to_thread(cache.set, "a", 1)
    assert await asyncio.to_thread(cache.ping)
    assert await pass_a_message(tls_url, str(certificate)) == {"type": "news"}
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        await asyncio.to_thread(build_cache(f"{tls_url[:-1]}1").ask_server)
    cache._cache.get_client().connection_pool.disconnect()
