import ipaddress
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx2
import pytest

from accounts.outbound.public_addresses import AsyncPublicOnlyTransport, is_public

PRIVATE = """0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1 192.0.2.1 198.18.0.1 224.0.0.1
    240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:10.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 2001:db8::1 2002:a00:1::
    fc00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1"""
PUBLIC = "1.1.1.1 8.8.8.8 93.184.216.34 2001:4860:4860::8888 ::ffff:8.8.8.8 64:ff9b::808:808"


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server on this machine, which answers whoever gets through."""
    with HTTPServer(("127.0.0.1", 0), _Hello) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("address", PRIVATE.split())
def test_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", str(int(ipaddress.ip_address("127.0.0.1"))), "127.1"])
async def test_no_connection_to_this_machine(host: str, port: int) -> None:
    url = f"http://{host}:{port}/"
    with httpx2.Client() as anybody:
        assert anybody.get(url).status_code == 200
    async with httpx2.AsyncClient(transport=AsyncPublicOnlyTransport()) as client:
        with pytest.raises(httpx2.ConnectError, match="public"):
            await client.get(url)


async def test_a_name_that_does_not_exist() -> None:
    async with httpx2.AsyncClient(transport=AsyncPublicOnlyTransport()) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://nowhere.invalid/")
