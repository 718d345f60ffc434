"""A network cable between the browser and the site that can be pulled out and put in again."""

import socket
from contextlib import suppress
from threading import Event, Thread


class Cable:
    """Forwards `url` (http://127.0.0.1:PORT here) to the site's port, while it is plugged in."""

    def __init__(self, target_port: int) -> None:
        self._target = ("127.0.0.1", target_port)
        self._open: list[socket.socket] = []
        self._lost = Event()  # for those connections that are made until it is set
        self._plugged_in = self._carries_websockets = True
        self._answering = Event()
        self._answering.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def pull(self) -> None:
        self._plugged_in = False
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()
        self._answering.set()

    def hold_answers(self) -> None:
        """From here on the site hears the browser, and the browser nothing of the site until the cable is pulled."""
        self._answering.clear()

    def lose_packets(self) -> None:
        """From here on all of the open connections vanishes on its way, their ends too. New ones work."""
        self._lost.set()
        self._lost = Event()

    def plug_in(self, *, carries_websockets: bool = True) -> None:
        """From here on new connections work, of which the site may not hear those that ask for a WebSocket."""
        self._carries_websockets = carries_websockets
        self._plugged_in = True

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.pull()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self._plugged_in:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                self._open += [near, far]
                Thread(target=self._forward_requests, args=(near, far, self._lost), daemon=True).start()
                Thread(target=_forward, args=(far, near, self._lost, self._answering), daemon=True).start()

    def _forward_requests(self, near: socket.socket, far: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            is_websocket = b"upgrade: websocket" in near.recv(65_536, socket.MSG_PEEK).lower()
            if is_websocket and not self._carries_websockets:
                far.shutdown(socket.SHUT_RDWR)  # which ends the connection to the browser, too
            else:
                _forward(near, far, lost)


def _forward(source: socket.socket, sink: socket.socket, lost: Event, let_through: Event | None = None) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            if let_through:
                let_through.wait()
            if not lost.is_set():
                sink.sendall(data)
    with suppress(OSError):
        if not lost.is_set():
            sink.shutdown(socket.SHUT_WR)
