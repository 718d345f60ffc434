"""The formats that a session's audio may have on the wire."""

from enum import StrEnum
from typing import Any

from conversations.pcm import SAMPLE_RATE


class AudioFormat(StrEnum):
    """A wire format by the protocol's name. Inside the site all audio is PCM."""

    PCM = "audio/pcm"  # signed 16 bit, little-endian, mono, 24 kHz
    PCMU = "audio/pcmu"  # G.711 µ-law, 8 kHz
    PCMA = "audio/pcma"  # G.711 A-law, 8 kHz

    def to_wire(self) -> dict[str, Any]:
        """Return the format as events show it; only PCM has its rate with it."""
        shown: dict[str, Any] = {"type": self.value}
        return shown | {"rate": SAMPLE_RATE} if self is AudioFormat.PCM else shown
