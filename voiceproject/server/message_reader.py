"""The messages in what a client sends over a WebSocket: frames put together, a piece at a time, at a bounded pace."""

from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.server import ServerProtocol

from voiceproject.server.process import MAX_FRAMES_AHEAD, MAX_FRAMES_PER_SEC

# Read at a time. All frames in it are handled before another socket has its turn: of the smallest, a thousand.
READ_BYTES = 8192
NOT_TEXT = 1007


class MessageReader:
    """Reads messages as `protocol` takes them apart; `now` is in seconds, of one clock."""

    def __init__(self, protocol: ServerProtocol, now: float) -> None:
        self._protocol, self._opened_at = protocol, now
        self._waiting, self._position = b"", 0
        self._frames = 0
        self._opcode = Opcode.TEXT  # of the message in several frames
        self._begun = bytearray()  # that message

    @property
    def is_waiting(self) -> bool:
        """Whether there is something that came and is not read."""
        return bool(self._waiting)

    def put_aside(self, data: bytes) -> None:
        """Keep what came behind all that waits."""
        self._waiting = self._waiting[self._position :] + data
        self._position = 0

    def take_piece(self) -> bytes:
        """Return the next piece of what waits, of READ_BYTES at most."""
        piece = self._waiting[self._position : self._position + READ_BYTES]
        self._position += READ_BYTES
        if self._position >= len(self._waiting):
            self._waiting, self._position = b"", 0
        return piece

    def read(self, data: bytes) -> list[str | bytes]:
        """Return the messages that end in these bytes. The protocol has an answer to all else, pings and mistakes."""
        self._protocol.receive_data(data)
        messages = []
        for frame in self._protocol.events_received():
            self._frames += 1
            if not isinstance(frame, Frame) or frame.opcode not in DATA_OPCODES:
                continue
            try:
                if (message := self._join(frame)) is not None:
                    messages.append(message)
            except UnicodeDecodeError:
                self._protocol.fail(NOT_TEXT)
                break
        return messages

    def _join(self, frame: Frame) -> str | bytes | None:
        """Return the message that ends with this frame, or None. Raise UnicodeDecodeError."""
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
        content: bytes | bytearray | memoryview = frame.data
        if frame.opcode is Opcode.CONT or not frame.fin:
            self._begun += frame.data
            if not frame.fin:
                return None
            content, self._begun = self._begun, bytearray()
        return str(content, "utf-8") if self._opcode is Opcode.TEXT else bytes(content)

    def is_too_fast(self, now: float) -> bool:
        """Return whether more frames have come by now than any client of ours has reason to send."""
        ahead = self._frames - MAX_FRAMES_AHEAD
        return ahead > 0 and ahead > MAX_FRAMES_PER_SEC * (now - self._opened_at)
