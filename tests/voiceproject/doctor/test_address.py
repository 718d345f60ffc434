"""How the site is reached. A proxy on a real socket, with a certificate, stands in for the one in front."""

import datetime
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django.fixtures import Settings

from tests.support.diagnosis import list_fine, list_notes, list_problems
from voiceproject.doctor import address
from voiceproject.doctor.findings import Finding, Options

HOST = "127.0.0.1"
OFFLINE = Options(offline=True)
Visit = Callable[..., list[Finding]]


def make_certificate(folder: Path, days: int) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(text)
    return path


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    """`visit(days=…, health=…, socket=…)`: what is said of a proxy that answers so, with a certificate for so long."""
    servers: list[ThreadingHTTPServer] = []

    def begin(days: int = 90, health: int = 200, socket: int = 101, trusted: bool = True) -> list[Finding]:
        class Proxy(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(health if self.path == "/healthz" else socket)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        path = make_certificate(tmp_path, days)
        server = ThreadingHTTPServer((HOST, 0), Proxy)
        servers.append(server)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        trust = ssl.create_default_context(cafile=str(path) if trusted else None)
        return list(address.visit(HOST, server.server_address[1], trust))

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def test_it_works(visit: Visit) -> None:
    found = visit()
    assert not list_problems(found)
    assert "takes WebSockets" in list_fine(found)[0]


def test_a_certificate_that_ends_soon(visit: Visit) -> None:
    [text] = list_problems(visit(days=3))
    assert "ends in 2 days" in text


def test_a_certificate_that_nobody_trusts(visit: Visit) -> None:
    [text] = list_problems(visit(trusted=False))
    assert "Browsers refuse the certificate" in text


def test_a_proxy_without_the_site_behind_it(visit: Visit) -> None:
    [text] = list_problems(visit(health=502))
    assert text.endswith("/healthz answers 502.")


@pytest.mark.parametrize("status", [200, 400, 404, 426])
def test_a_proxy_that_passes_no_websockets_on(visit: Visit, status: int) -> None:
    [text] = list_problems(visit(socket=status))
    assert text.endswith(f" answers a WebSocket with {status}.")


def test_nobody_is_there() -> None:
    found = list(address.visit(HOST, 1, ssl.create_default_context()))
    assert "cannot be reached from here" in list_notes(found)[0]


def test_a_site_of_this_machine(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    assert "give the microphone to localhost" in list_fine(address.check(OFFLINE))[0]


def test_plain_http_for_others(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["voice.example.com"]
    assert "Browsers give a microphone only to https" in list_problems(address.check(OFFLINE))[0]


def test_no_proxy_is_believed(settings: Settings) -> None:
    settings.HTTPS, settings.ALLOWED_HOSTS = True, ["voice.example.com"]
    assert "TRUSTED_PROXY_COUNT is 0" in list_problems(address.check(OFFLINE))[0]
    settings.TRUSTED_PROXY_COUNT = 1
    assert list_fine(address.check(OFFLINE)) == ["Browsers reach it at https://voice.example.com, behind 1 proxy."]


def test_another_port_than_usual(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://other.example.com:8444", "https://voice.example.com:8443"]
    assert address._find_port("voice.example.com") == 8443
    assert address._find_port("elsewhere.example.com") == 443


def test_no_name(settings: Settings) -> None:
    settings.HTTPS, settings.TRUSTED_PROXY_COUNT, settings.ALLOWED_HOSTS = True, 1, [".example.com"]
    assert "names no host" in list_problems(address.check(OFFLINE))[0]
