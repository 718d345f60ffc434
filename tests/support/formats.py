"""Sound in the wire's formats, and whether two sounds are the same."""

import numpy as np

from conversations.audio.g711 import A_LAW, MU_LAW, Decoder, Encoder, Law

PCM, PCMU, PCMA = "audio/pcm", "audio/pcmu", "audio/pcma"
LAWS = {PCMU: MU_LAW, PCMA: A_LAW}


def encode_g711(law: Law, pcm: bytes) -> bytes:
    encoder = Encoder(law)
    return encoder.encode(pcm) + encoder.flush()


def decode_pcm(kind: str, data: bytes) -> bytes:
    if kind == PCM:
        return data
    decoder = Decoder(LAWS[kind])
    return decoder.decode(data) + decoder.flush()


def measure_likeness(heard: bytes, said: bytes) -> float:
    """Return 1 for the same sound, wherever within `heard` it begins, and less for another."""
    a, b = (np.frombuffer(pcm, np.int16).astype(float) for pcm in (heard, said))
    size = len(a) + len(b)
    found = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)))
    return float(found.max() / np.sqrt((a**2).sum() * (b**2).sum()))
