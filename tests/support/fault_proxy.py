"""A network between a client and a site that delays, stalls, throttles, loses and resets, as bad ones do."""

import socket
import struct
import time
from contextlib import suppress
from threading import Event, Lock, Thread

RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
CHUNK = 4096


class FaultProxy:
    """Forwards `url` (http://127.0.0.1:PORT here) to the site's port. What is set holds for both directions.

    `delay_sec` is how long each piece of data is on its way, `bytes_per_sec` how fast it goes.
    """

    def __init__(self, target_port: int) -> None:
        self.delay_sec = 0.0
        self.bytes_per_sec = 0.0
        self._target = ("127.0.0.1", target_port)
        self._flowing = Event()
        self._flowing.set()
        self._connections: list[Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.ws_url = self.url.replace("http", "ws", 1)
        Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Let nothing pass, of new connections neither, as while a link is down. Nothing is lost."""
        self._flowing.clear()

    def go_on(self) -> None:
        """End the stall."""
        self._flowing.set()

    def reset(self) -> None:
        """Reset all open connections."""
        self.reset_after(0)

    def reset_after(self, size: int) -> None:
        """Reset each open connection once so many further bytes of the site have passed."""
        for connection in self._connections:
            connection.limit(size, is_reset=True)

    def lose_after(self, size: int) -> None:
        """Lose all of the open connections, without a word to either end, once so many further bytes have passed."""
        for connection in self._connections:
            connection.limit(size, is_reset=False)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.go_on()
        self.reset()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                connection = Connection(self, near, far)
                self._connections.append(connection)
                Thread(target=connection.forward, args=(near, far), daemon=True).start()
                Thread(target=connection.forward, args=(far, near), daemon=True).start()

    def carry(self, size: int) -> None:
        """Wait until so many bytes have come through."""
        self._flowing.wait()
        if self.delay_sec or self.bytes_per_sec:
            time.sleep(self.delay_sec + (size / self.bytes_per_sec if self.bytes_per_sec else 0))


class Connection:
    """One connection, of which only so many bytes of the site may still pass; None: all."""

    def __init__(self, proxy: FaultProxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy, self._near, self._far = proxy, near, far
        self._left: int | None = None
        self._is_reset = self._is_lost = False
        self._lock = Lock()

    def limit(self, size: int, *, is_reset: bool) -> None:
        with self._lock:
            self._left, self._is_reset = size, is_reset
        if not size:
            self._break()

    def forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._proxy.carry(len(data))
                passed = self._pass(data) if source is self._far else data
                if not self._is_lost:
                    sink.sendall(passed)
                if len(passed) < len(data):
                    self._break()
        with suppress(OSError):
            if not self._is_lost:
                sink.shutdown(socket.SHUT_WR)

    def _pass(self, data: bytes) -> bytes:
        with self._lock:
            if self._left is None:
                return data
            passed = data[: self._left]
            self._left -= len(passed)
            return passed

    def _break(self) -> None:
        self._is_lost = True
        if self._is_reset:
            for end in (self._near, self._far):
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                    end.shutdown(socket.SHUT_RD)
                end.close()
