"""What the worker process of text to speech does: it keeps voices loaded, and turns texts to PCM."""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr

from conversations.engines.demo.espeak import UnknownVoiceError
from conversations.engines.errors import EngineRejected
from conversations.engines.local.english.normalise import normalise
from conversations.engines.local.english.sentences import split_sentences
from conversations.engines.local.errors import build_model_error, build_not_installed_error
from conversations.engines.local.voices import catalogue
from conversations.engines.local.voices.catalogue import HIBARI, KOKORO, Asked, LocalVoice
from conversations.engines.local.voices.kokoro import KokoroModel, KokoroVoice
from conversations.engines.local.voices.onnx_runs import Array
from conversations.engines.local.voices.piper import PiperVoice
from conversations.engines.local.workers.worker_process import Check, Work
from conversations.local_models.errors import ModelError
from conversations.local_models.manifest import load_manifest
from conversations.local_models.store import Store
from conversations.pcm import SAMPLE_BYTES, SAMPLE_RATE

log = logging.getLogger(__name__)

PIECE_BYTES = SAMPLE_RATE * SAMPLE_BYTES // 5  # 0.2 s
SLOWEST, FASTEST = 0.5, 2.0
# Kokoro speaks where no voice is named if it takes at most so long for a second of speech.
MAX_WALL_SEC, MAX_CPU_SEC = 0.35, 0.25
MEASURED_TEXT = "good morning, how are you today?"


class Voice(Protocol):
    """A loaded voice."""

    sample_rate: int

    def synthesise(self, sentence: str, speed: float, check: Check) -> Iterator[Array]:
        """Yield the sound of a sentence that is written in words, as floats between -1 and 1."""
        ...


def load_voices(folder: str, model: str) -> Work:
    """Return what speaks, with the voice loaded that will be asked for first. It runs in the worker process."""
    speaker = Speaker(Path(folder))
    with suppress(EngineRejected):  # it is raised again when something is to be said
        voices = catalogue.choose_voices(catalogue.list_local_voices(Path(folder)), model, "", "")
        for _ in speaker.speak(Asked("Hello.", tuple(voices), "", 1.0), lambda: None):
            pass
    return speaker.speak


class Speaker:
    """The voices that are loaded: hibari's, which is small, and one of another model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hibari: Voice | None = None
        self._other: tuple[str, PiperVoice | KokoroModel] | None = None  # the model's name, and what is loaded of it
        self._is_kokoro_fast: bool | None = None  # None: not measured

    def speak(self, asked: Asked, check: Check) -> Iterator[bytes | str]:
        """Yield PCM; where there was a choice, the model that speaks before it. Raise EngineError."""
        try:
            yield from self._speak(asked, check)
        except ModelError as error:
            raise build_model_error("tts", str(error)) from error
        except UnknownVoiceError as error:
            raise build_model_error("tts", f"espeak-ng does not know its language “{error}”.") from error
        except ModuleNotFoundError as error:
            raise build_not_installed_error("tts", (error.name or "").replace("_", "-")) from error

    def _speak(self, asked: Asked, check: Check) -> Iterator[bytes | str]:
        chosen, voice = self._choose(asked.voices)
        if len(asked.voices) > 1:
            yield chosen.model
        speed = min(max(asked.speed, SLOWEST), FASTEST)
        encoder = Encoder(voice.sample_rate)
        for sentence in split_sentences(write_out(asked.text, asked.language or chosen.language)):
            for samples in voice.synthesise(sentence, speed, check):
                yield from encoder.encode(samples)
        yield from encoder.finish()

    def _choose(self, voices: tuple[LocalVoice, ...]) -> tuple[LocalVoice, Voice]:
        """Return the first of the voices, loaded. Where there is a choice, Kokoro is measured, and given up if slow."""
        first = voices[0]
        if len(voices) > 1 and first.model == KOKORO:
            if self._is_kokoro_fast is None:
                self._is_kokoro_fast = self._can_use_kokoro(first)
            if not self._is_kokoro_fast:
                return self._choose(voices[1:])
        return first, self._load(first)

    def _can_use_kokoro(self, voice: LocalVoice) -> bool:
        """Return whether Kokoro is whole and fast. It gives its memory back if it is slow."""
        try:
            is_usable = is_fast(self._load(voice))
        except ModelError as error:
            log.warning("%s. Another voice speaks in its place.", error)
            is_usable = False
        if not is_usable:
            self._other = None
        return is_usable

    def _load(self, voice: LocalVoice) -> Voice:
        if voice.model == HIBARI:
            from conversations.engines.local.voices.hibari import HibariVoice

            self._hibari = self._hibari or HibariVoice()
            return self._hibari
        if self._other is None or self._other[0] != voice.model:
            self._other = None  # its memory is free before the next one takes some
            self._other = voice.model, self._load_other(voice.model)
        loaded = self._other[1]
        return KokoroVoice(loaded, voice.id) if isinstance(loaded, KokoroModel) else loaded

    def _load_other(self, name: str) -> PiperVoice | KokoroModel:
        """Load a model from its folder, or raise ModelError. Files of the manifest have to have their hashes."""
        if model := load_manifest().get(name):
            Store(self._folder).verify(model)
        path = self._folder / name
        try:
            return KokoroModel(path) if name == KOKORO else PiperVoice(path)
        except MemoryError:
            raise
        except Exception as error:  # a user's own folder holds anything, and ONNX Runtime's exceptions have no base
            raise ModelError(f"{path} holds no voice that can be used ({error})") from error


class Encoder:
    """Turns samples of a voice to pieces of PCM."""

    def __init__(self, rate: int) -> None:
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")

    def encode(self, samples: Array) -> Iterator[bytes]:
        """Yield the PCM that is ready."""
        samples = samples.astype(np.float32)
        return _cut(self._resampler.resample_chunk(samples) if self._resampler else samples)

    def finish(self) -> Iterator[bytes]:
        """Yield what the resampler has kept back."""
        if self._resampler:
            yield from _cut(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))


def _cut(samples: Array) -> Iterator[bytes]:
    pcm = (np.clip(samples, -1.0, 1.0) * 32_767).astype("<i2").tobytes()
    for start in range(0, len(pcm), PIECE_BYTES):
        yield pcm[start : start + PIECE_BYTES]


def write_out(text: str, language: str) -> str:
    """Return the text as it is spoken. Other languages than English are left to espeak-ng."""
    spoken, _, region = language.lower().replace("_", "-").partition("-")
    return normalise(text, is_day_first=region not in ("", "us")) if spoken in ("", "en") else text


def is_fast(voice: Voice) -> bool:
    """Return whether a voice takes little enough time and CPU for a second of speech, on this machine now."""
    list(voice.synthesise("hello", 1.0, lambda: None))  # the first run prepares the model
    wall_sec, cpu_sec = time.perf_counter(), time.process_time()
    samples = sum(len(part) for part in voice.synthesise(MEASURED_TEXT, 1.0, lambda: None))
    wall_sec, cpu_sec = time.perf_counter() - wall_sec, time.process_time() - cpu_sec
    speech_sec = samples / voice.sample_rate
    return wall_sec <= MAX_WALL_SEC * speech_sec and cpu_sec <= MAX_CPU_SEC * speech_sec
