"""What the callers say: a person's voice (Debian's asterisk-core-sounds-en-wav), and espeak-ng's for scripts."""

import wave
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from bench.marks import EVERY_MS, MARK_BITS, Mark, Samples, write_mark
from bench.noises import make_mhm
from bench.replies import STORIES
from bench.scripts import PROMPTS, SCRIPTS
from conversations.engines.demo import espeak

SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
RATE = 24_000
VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m3")
LOUDNESS = 3_000.0  # root mean square of speech, a person near a microphone
ROOM_NOISE = 16.0  # -60 dB of full scale, root mean square
MHM, MHM_NUMBER, MHMS = "Mhm.", len(PROMPTS) + len(SCRIPTS), 3
BEGUN, AUDIBLE = 0.06, 0.02  # of the loudest 10 ms: a breath before the first word is not yet speech


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an utterance: its first character and sample, and those after its last, at 24 kHz."""

    first_char: int
    end_char: int
    start: int
    end: int


@dataclass(frozen=True, eq=False, slots=True)
class Utterance:
    """What a caller says: `samples` from the first audible one to the last, at 24 kHz."""

    number: int  # of its text
    text: str
    samples: Samples
    pieces: tuple[Piece, ...]

    @property
    def pauses(self) -> int:
        return len(self.pieces) - 1

    def build_marked(self, rate: int) -> Samples:
        """Return the samples at `rate` Hz, in the noise of a room, with the marks for the emulated speech to text."""
        samples = resample(self.samples, rate) + make_room_noise(len(resample(self.samples, rate)))
        for at in range(0, len(samples) - MARK_BITS, EVERY_MS * rate // 1000):
            if (chars := self._count_said_chars(at * RATE // rate)) is not None:
                write_mark(samples, at, Mark(self.number, chars))
        return samples

    def _count_said_chars(self, position: int) -> int | None:
        for piece in self.pieces:
            if piece.start <= position < piece.end:
                share = (position - piece.start) / (piece.end - piece.start)
                return piece.first_char + round(share * (piece.end_char - piece.first_char))
        return None


@cache
def load_prompts() -> list[Utterance]:
    """Return the utterances of a person's voice, some in one breath, some with pauses."""
    return [_build_utterance(number, script, _load_recording) for number, script in enumerate(PROMPTS)]


@cache
def load_scripts() -> list[Utterance]:
    """Return the utterances of synthetic voices, all with pauses inside."""
    return [_build_utterance(len(PROMPTS) + number, script, _synthesise_words) for number, script in enumerate(SCRIPTS)]


@cache
def load_backchannels() -> list[Utterance]:
    """Return hums of agreement, which speech to text writes as “Mhm.”"""
    sounds = (make_mhm(seed) for seed in range(MHMS))
    return [Utterance(MHM_NUMBER, MHM, sound, (Piece(0, len(MHM), 0, len(sound)),)) for sound in sounds]


def number_story(story: int) -> int:
    """Return the number of the text of a reply that the microphone may pick up."""
    return MHM_NUMBER + 1 + story


def list_texts() -> list[str]:
    """Return all texts; the index of each is its number."""
    return [*(" ".join(words for _, words, _ in script) for script in (*PROMPTS, *SCRIPTS)), MHM, *STORIES]


def resample(samples: Samples, rate: int) -> Samples:
    return samples if rate == RATE else np.asarray(soxr.resample(samples, RATE, rate), np.int16)


def make_room_noise(length: int, seed: int | None = None) -> Samples:
    return (np.random.default_rng(seed).standard_normal(length) * ROOM_NOISE).astype(np.int16)


def synthesise(text: str, voice: str, speed: float = 1.0) -> Samples:
    """Return text spoken by espeak-ng, as samples at 24 kHz."""
    chunks: list[bytes] = []

    def take(pcm: bytes) -> bool:
        chunks.append(pcm)
        return True

    def render() -> int:
        espeak.load_library().render(text, voice, speed, take)
        return espeak.load_library().rate

    rate = espeak.thread.submit(render).result()
    return np.asarray(soxr.resample(np.frombuffer(b"".join(chunks), np.int16), rate, RATE), np.int16)


def _build_utterance(
    number: int, script: Iterable[tuple[str, str, int]], sound: Callable[[str, str], Samples]
) -> Utterance:
    parts: list[Samples] = []
    pieces: list[Piece] = []
    at = chars = 0
    for source, words, pause_ms in script:
        part = trim_silence(sound(source or VOICES[number % len(VOICES)], words))
        pieces.append(Piece(chars, chars + len(words), at, at + len(part)))
        chars += len(words) + 1
        pause = np.zeros(pause_ms * RATE // 1000, np.int16)
        parts += [part, pause]
        at += len(part) + len(pause)
    text = " ".join(words for _, words, _ in script)
    return Utterance(number, text, np.concatenate(parts), tuple(pieces))


def _load_recording(source: str, words: str) -> Samples:
    """Return a recording at 24 kHz, or raise FileNotFoundError, which names the package to install."""
    path = SOUNDS / f"{source}.wav"
    if not path.exists():
        raise FileNotFoundError(f"{path}: install Debian's asterisk-core-sounds-en-wav, the benchmark's real voices")
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return np.asarray(soxr.resample(samples, file.getframerate(), RATE), np.int16)


def _synthesise_words(voice: str, words: str) -> Samples:
    return synthesise(words, voice)


def trim_silence(samples: Samples) -> Samples:
    """Return the samples without the silence around them, at one loudness."""
    block = RATE // 100
    blocks = samples[: len(samples) // block * block].reshape(-1, block).astype(np.float64)
    power = np.sqrt((blocks**2).mean(axis=1))
    loud = np.flatnonzero(power > AUDIBLE * power.max())
    begun = int(np.argmax(power > BEGUN * power.max()))
    kept = samples[begun * block : (loud[-1] + 1) * block].astype(np.float64)
    speech = power[power > 0.1 * power.max()]
    return np.asarray(np.clip(kept * LOUDNESS / np.sqrt((speech**2).mean()), -32_000, 32_000), np.int16)
