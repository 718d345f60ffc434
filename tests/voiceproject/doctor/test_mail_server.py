"""Mail, with a server on a real socket."""

import socket
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.support.diagnosis import list_fine, list_notes, list_problems
from tests.support.mail_host import MailServer, run_mail_server
from voiceproject.doctor import mail_server
from voiceproject.doctor.findings import Options

PASSWORD = "the-password-itself"


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with run_mail_server() as server:
        settings.EMAIL_BACKEND = "voiceproject.mail.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "voice", PASSWORD
        settings.DEFAULT_FROM_EMAIL = "Voice <voice@example.com>"
        yield server


def test_it_works(server: MailServer) -> None:
    assert list_fine(mail_server.check(Options())) == [f"The mail server 127.0.0.1:{server.port} lets the site in."]
    assert not server.mails


def test_a_mail_is_sent(server: MailServer) -> None:
    assert "see whether it arrives" in list_fine(mail_server.check(Options(mail_to="you@example.com")))[0]
    assert "To: you@example.com" in server.mails[0]


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ({"AUTH": "535 no, not " + PASSWORD}, "refuses the user or the password (535)"),
        ({"RCPT": "550 nobody"}, "refuses that recipient"),
        ({"MAIL": "550 not you"}, "refuses the sender"),
        ({"DATA": "554 no"}, "answers with an error"),
    ],
)
def test_what_it_refuses(server: MailServer, refused: dict[str, str], words: str) -> None:
    server.refused = refused
    [text] = list_problems(mail_server.check(Options(mail_to="you@example.com")))
    assert words in text
    assert PASSWORD not in text


def test_it_speaks_no_tls(server: MailServer, settings: Settings) -> None:
    settings.EMAIL_USE_TLS = True
    assert "does not offer what the settings ask for" in list_problems(mail_server.check(Options()))[0]
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = False, True
    assert "speaks no TLS at this port" in list_problems(mail_server.check(Options()))[0]


@pytest.mark.usefixtures("server")
def test_nobody_is_there(settings: Settings) -> None:
    settings.EMAIL_PORT = 1
    assert "cannot be reached" in list_problems(mail_server.check(Options()))[0]


@pytest.mark.usefixtures("server")
def test_it_does_not_answer(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = silent.getsockname()[1], 0.2
        assert "does not answer in time" in list_problems(mail_server.check(Options()))[0]


@pytest.mark.usefixtures("server")
def test_a_sender_that_servers_refuse(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Voiceproject <voiceproject@localhost>"
    assert "most servers refuse" in list_problems(mail_server.check(Options()))[0]


def test_there_is_none(settings: Settings) -> None:
    assert list_fine(mail_server.check(Options()))
    assert "No mail can be sent" in list_problems(mail_server.check(Options(mail_to="you@example.com")))[0]
    settings.HTTPS = True
    assert "nobody can reset a password" in list_notes(mail_server.check(Options()))[0]
