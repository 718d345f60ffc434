"""Whisper in a worker process, by CTranslate2 alone.

`faster-whisper` is built on CTranslate2 too, but always shows the encoder 30 seconds, most of them silence. What people
say to an assistant takes a few: with a window of 12 seconds the same words cost a quarter of the time. Only so can the
words of a growing utterance be found again and again while it is spoken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from conversations.engines.local.errors import build_model_error, build_not_installed_error, build_rejected_error
from conversations.engines.local.whisper.filter import Found, filter_words
from conversations.engines.local.whisper.mel import RATE, compute_features, cut_at_quiet, read_pcm
from conversations.engines.local.whisper.tokens import Tokens, read_tokens
from conversations.engines.local.workers.worker_process import Check, OutOfMemory, Work
from conversations.local_models.errors import ModelError
from conversations.local_models.manifest import load_manifest
from conversations.local_models.store import Store

LOAD = f"{__name__}.load_whisper"
FINAL_BEAM = 5
PARTIAL_BEAM = 1
TOKENS_PER_SEC = 12  # more than anybody speaks
SPARE_TOKENS = 24
MAX_TOKENS = 200  # of a piece
MAX_PROMPT = 120  # tokens of what stands before the words
MAX_PROMPT_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a worker is asked: the words of this sound."""

    pcm: bytes
    language: str = ""  # such as de-AT; "" to detect it
    prompt: str = ""
    shown: str = ""  # words that the transcript begins with
    is_final: bool = True  # else it is enough to be quick


def load_whisper(folder: str, name: str) -> Work:
    """Load a model, and return what transcribes an Utterance: it yields the words of one piece after the other.

    `name` is that of a model in `folder`, or the path of any folder. Raise EngineError.
    """
    path = _find_model(Path(folder), name)
    try:
        library: Any = import_module("ctranslate2")
    except ModuleNotFoundError:
        raise build_not_installed_error("stt", "ctranslate2") from None
    device = "cuda" if library.get_cuda_device_count() else "cpu"
    compute_type = "auto" if device == "cuda" else "int8"
    try:
        tokens = read_tokens(path / "tokenizer.json")
        model = library.models.Whisper(str(path), device, compute_type=compute_type, inter_threads=1, intra_threads=1)
    except (OSError, ValueError, TypeError, LookupError, RuntimeError) as error:
        _raise_out_of_memory(error)
        raise build_model_error("stt", f"{path} holds no Whisper model of CTranslate2 ({error}).") from None
    return Whisper(library, model, tokens, name).transcribe


def _find_model(folder: Path, name: str) -> Path:
    """Return the folder of a model. One of the manifest is right by its hashes; the user's own is taken as it is."""
    model = load_manifest().get(name)
    try:
        path = Store(folder).verify(model) if model else folder / name
    except ModelError as error:
        raise build_model_error("stt", str(error)) from None
    if not path.is_dir() or not (model or Path(name).is_absolute() or path.resolve().parent == folder.resolve()):
        raise build_model_error("stt", f"There is no model “{name}”. See: manage.py models list")
    return path


class Whisper:
    """A loaded model."""

    def __init__(self, library: Any, model: Any, tokens: Tokens, name: str) -> None:
        self._library, self._model, self._tokens, self._name = library, model, tokens, name

    def transcribe(self, asked: Utterance, check: Check) -> Iterator[str]:
        """Yield the words of each piece, "" for none. Raise EngineRejected for a language that it does not know."""
        language, shown = self._choose_language(asked.language), asked.shown
        for piece in cut_at_quiet(read_pcm(asked.pcm)):
            check()
            features = self._library.StorageView.from_array(compute_features(piece, self._model.n_mels))
            check()
            try:
                encoded = self._model.encode(features)
                check()
                if not language and self._model.is_multilingual:
                    language = self._model.detect_language(encoded)[0][0][0].strip("<|>")
                found = self._decode(encoded, language, asked, shown, len(piece) / RATE)
            except RuntimeError as error:
                _raise_out_of_memory(error)
                raise
            yield filter_words(found, asked.prompt) or shown
            shown = ""

    def _choose_language(self, code: str) -> str:
        """Return Whisper's code for a language, "" to detect it or for a model that knows only English."""
        if self._model.is_multilingual:
            return self._tokens.find_language(code)
        if code and self._tokens.find_language(code) != "en":
            raise build_rejected_error(
                "stt",
                f"understands only English with the model {self._name}. For other languages, ask the administrator to "
                "run “manage.py models fetch whisper-base”.",
            )
        return ""

    def _decode(self, encoded: Any, language: str, asked: Utterance, shown: str, seconds: float) -> Found:
        """Return the words of a piece.

        CTranslate2 returns the tokens that it is given for the words, too, and at most half of `max_length`, or what
        the prompt leaves of it.
        """
        before = self._tokens.build_prompt(asked.prompt[-MAX_PROMPT_CHARACTERS:], MAX_PROMPT)
        given = self._tokens.encode(f" {shown}") if shown else []
        prompt = [*before, *self._tokens.build_start(language), *given]
        most = min(MAX_TOKENS, len(given) + round(seconds * TOKENS_PER_SEC) + SPARE_TOKENS)
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=FINAL_BEAM if asked.is_final else PARTIAL_BEAM,
            max_length=max(2 * most, len(prompt) + most),
            suppress_blank=not given,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < self._tokens.end]
        logprob = result.scores[0] * len(result.sequences_ids[0]) / (max(0, len(tokens) - len(given)) + 1)
        return Found(self._tokens.decode(tokens), logprob, result.no_speech_prob, seconds)


def _raise_out_of_memory(error: Exception) -> None:
    if "memory" in str(error).lower():
        raise OutOfMemory from error
