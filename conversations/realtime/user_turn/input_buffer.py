"""The audio that the user has sent and that belongs to no item yet. Its size is bounded."""

from conversations.pcm import SAMPLE_BYTES, count_samples


class BufferFullError(Exception):
    """The buffer cannot hold that much audio."""


class InputBuffer:
    """Audio by position. Positions are samples since the session began, and serve as the clock of all input."""

    def __init__(self, max_samples: int) -> None:
        self.max_samples = max_samples
        self.received = 0
        self._pcm = bytearray()
        self._odd = b""

    @property
    def start(self) -> int:
        """Return the position of the first sample that is still held."""
        return self.received - count_samples(self._pcm)

    @property
    def is_split(self) -> bool:
        """Return whether half a sample waits for its other half."""
        return bool(self._odd)

    def append(self, data: bytes) -> bytes:
        """Add audio, and return its whole samples.

        An append may split a sample: the odd byte waits for the next append.

        Raise BufferFullError without adding anything.
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
        """Drop the odd byte that waits."""
        self._odd = b""

    def keep_from(self, position: int) -> None:
        """Drop everything before `position`."""
        surplus = min(max(0, position - self.start), count_samples(self._pcm))
        del self._pcm[: surplus * SAMPLE_BYTES]

    def take(self, until: int | None = None) -> bytes:
        """Remove and return the audio up to the position `until`; without one, all of it."""
        end = len(self._pcm) if until is None else max(0, until - self.start) * SAMPLE_BYTES
        pcm = bytes(self._pcm[:end])
        del self._pcm[:end]
        return pcm

    def peek(self) -> bytes:
        """Return all audio without removing it."""
        return bytes(self._pcm)

    def clear(self) -> None:
        """Drop everything."""
        self._pcm.clear()
        self._odd = b""

    def __len__(self) -> int:
        return count_samples(self._pcm)
