"""espeak-ng through its C API (speak_lib.h of 1.52), from the shared library in the wheel `espeakng-loader`.

The library keeps its state in globals, so one thread of the process owns it and renders one text after the other, some
two hundred times faster than it is spoken.
"""

import ctypes
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module

log = logging.getLogger(__name__)

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1
PHONEMES_IPA, PHONEMES_TIE = 0x02, 0x80  # a tie's character stands in the bits from the ninth
POS_CHARACTER = 1
RATE = 1  # parameter number
BUFFER_MS = 100
WORDS_PER_MINUTE = 160
SLOWEST, FASTEST = 80, 450

Consumer = Callable[[bytes], bool]
"""Takes PCM at the library's rate, and returns whether to go on."""

thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class UnknownVoiceError(Exception):
    """espeak-ng has no such voice."""


class Library:
    """The library. Use it on `thread` only. Raise ModuleNotFoundError or OSError if it is not installed."""

    def __init__(self) -> None:
        loader = import_module("espeakng_loader")
        self._lib = ctypes.CDLL(loader.get_library_path())
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._lib.espeak_GetCurrentVoice.restype = ctypes.POINTER(_Voice)
        data = loader.get_data_path().encode()
        self.rate: int = self._lib.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, data, INITIALIZE_DONT_EXIT)
        if self.rate <= 0:
            raise OSError("espeak-ng could not read its data")
        self._consume: Consumer | None = None
        self._callback = _SynthCallback(self._on_samples)  # kept, or Python would free it while the library uses it
        self._lib.espeak_SetSynthCallback(self._callback)

    def render(self, text: str, voice: str, speed: float, consume: Consumer) -> None:
        """Render `text`, until `consume` returns False. Raise UnknownVoiceError. It blocks."""
        self._choose(voice)
        rate = min(max(round(WORDS_PER_MINUTE * speed), SLOWEST), FASTEST)
        self._lib.espeak_SetParameter(RATE, rate, 0)
        self._consume = consume
        data = text.replace("\0", " ").encode()
        self._lib.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, POS_CHARACTER, 0, CHARS_UTF8, None, None)
        self._consume = None

    def read_phonemes(self, text: str, voice: str, tie: str = "") -> str:
        """Return the phonemes of `text` in IPA, without its punctuation. Raise UnknownVoiceError.

        `tie` stands between the letters of one phoneme.
        """
        self._choose(voice)
        mode = PHONEMES_IPA | (PHONEMES_TIE | ord(tie) << 8 if tie else 0)
        rest = ctypes.c_char_p(text.replace("\0", " ").encode())
        clauses = []
        while rest.value:  # the library moves it behind the clause that it has read, and clears it at the end
            clauses.append(self._lib.espeak_TextToPhonemes(ctypes.byref(rest), CHARS_UTF8, mode).decode())
        return " ".join(clauses)

    def _choose(self, voice: str) -> None:
        """Choose a voice by its name or file, or by a language (“de”, “en-gb”) with a variant (“f3”) after “+”."""
        if self._lib.espeak_SetVoiceByName(voice.encode()) == 0:
            return
        language, _, variant = voice.partition("+")
        properties = _Voice(languages=language.lower().encode())
        if self._lib.espeak_SetVoiceByProperties(ctypes.byref(properties)) != 0:
            raise UnknownVoiceError(voice)
        # A choice by language ignores the variant, and would silently speak with the wrong voice.
        if variant and self._lib.espeak_SetVoiceByName(f"{self.voice_file}+{variant}".encode()) != 0:
            raise UnknownVoiceError(voice)

    @property
    def voice_file(self) -> str:
        """The file of the present voice, with its variant, such as “gmw/en-US+f3”."""
        identifier: bytes = self._lib.espeak_GetCurrentVoice().contents.identifier
        return identifier.decode()

    def _on_samples(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if not samples or self._consume is None:
            return 0
        try:
            return 0 if self._consume(ctypes.string_at(samples, count * 2)) else 1
        except RuntimeError:  # the consumer's event loop has closed; C code cannot carry an exception on
            log.debug("espeak-ng: nobody listens any more")
            return 1


@cache
def load_library() -> Library:
    """Return the library, loaded once."""
    return Library()
