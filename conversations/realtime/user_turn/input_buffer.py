"""The audio that the user has sent and that no item holds yet. Bounded."""

from conversations.pcm import SAMPLE_BYTES, count_samples


class BufferFullError(Exception):
    pass


class InputBuffer:
    """Positions are samples since the session began: the session's one clock of input."""

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.received = 0
        self._pcm = bytearray()
        self._odd = b""

    @property
    def start(self) -> int:
        """Position of the first sample still held."""
        return self.received - count_samples(self._pcm)

    @property
    def is_split(self) -> bool:
        """Half a sample waits for its other half."""
        return bool(self._odd)

    def append(self, data: bytes) -> bytes:
        """Takes audio in, returns its whole samples. An append may split a sample: the odd byte waits for the next.

        Raises BufferFullError, and then holds what it held.
        """
        whole = self._odd + data
        if count_samples(self._pcm) + count_samples(whole) > self.max_samples:
            raise BufferFullError
        end = len(whole) - len(whole) % SAMPLE_BYTES
        self._odd = whole[end:]
        pcm = whole[:end]
        self._pcm += pcm
        self.received += count_samples(pcm)
        return pcm

    def drop_half_sample(self) -> None:
        self._odd = b""

    def keep_from(self, position: int) -> None:
        """Forgets everything before `position`."""
        surplus = min(max(0, position - self.start), count_samples(self._pcm))
        del self._pcm[: surplus * SAMPLE_BYTES]

    def take(self, until: int | None = None) -> bytes:
        """Removes and returns the audio up to the position `until` (all of it without one)."""
        end = len(self._pcm) if until is None else max(0, until - self.start) * SAMPLE_BYTES
        pcm = bytes(self._pcm[:end])
        del self._pcm[:end]
        return pcm

    def peek(self) -> bytes:
        """All of it, which stays."""
        return bytes(self._pcm)

    def clear(self) -> None:
        self._pcm.clear()
        self._odd = b""

    def __len__(self) -> int:
        return count_samples(self._pcm)
