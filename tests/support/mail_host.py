"""A mail server on a real socket, which speaks as much SMTP as a client needs to hand over a mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class MailServer(ThreadingTCPServer):
    """`mails` are those that came; `refused` is what it answers to a sign-in, or to a recipient, in place of yes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.mails: list[str] = []
        self.refused: dict[str, str] = {}

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hung up."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Talk(StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mail")
        while line := self.rfile.readline().decode().strip():
            word = line.partition(" ")[0].upper()
            if word in self.server.refused:
                self._say(self.server.refused[word])
            elif word == "EHLO":
                self._say("250-mail\r\n250 AUTH PLAIN")
            elif word == "DATA":
                self._say("354 go on")
                self.server.mails.append(self._read_mail())
                self._say("250 ok")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("235 in" if word == "AUTH" else "250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _read_mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)


@contextmanager
def run_mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
