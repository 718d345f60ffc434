"""Whisper's tokens: text to numbers and back, by the file `tokenizer.json` that comes with a model.

A token is a piece of UTF-8, in which each byte is written as a character that can be printed (GPT-2's byte-level BPE).
"""

import itertools
import json
from functools import cache
from pathlib import Path
from typing import Any

import regex

# Where GPT-2 lets no token go across: between words, numbers and signs.
WORDS = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
MAX_WORD = 200  # characters; joining pieces takes the square of it
LANGUAGE = regex.compile(r"<\|([a-z]{2,3})\|>")
# Codes that others write and Whisper does not.
OTHER_CODES = {"nb": "no", "fil": "tl", "iw": "he", "jv": "jw", "cmn": "zh", "in": "id"}


class Tokens:
    """The tokens of one model."""

    def __init__(self, document: Any) -> None:
        """Read the content of tokenizer.json. Raise ValueError, TypeError or LookupError for another document."""
        merges = [
            tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in document["model"]["merges"]
        ]
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._ids: dict[str, int] = document["model"]["vocab"]
        self._special: dict[str, int] = {token["content"]: token["id"] for token in document["added_tokens"]}
        self._texts = {number: text for text, number in self._ids.items()}
        self.end = self._special["<|endoftext|>"]
        self.languages = frozenset(match[1] for text in self._special if (match := LANGUAGE.fullmatch(text)))

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, as the model itself would write it."""
        words = [word[at : at + MAX_WORD] for word in WORDS.findall(text) for at in range(0, len(word), MAX_WORD)]
        return [self._ids[piece] for word in words for piece in self._join(word) if piece in self._ids]

    def decode(self, tokens: list[int]) -> str:
        """Return the text of tokens. What is no text, and characters that are not complete, are left out."""
        pieces = "".join(self._texts[token] for token in tokens if token < self.end and token in self._texts)
        table = _map_characters()
        return bytes(table[character] for character in pieces if character in table).decode(errors="ignore")

    def build_start(self, language: str) -> list[int]:
        """Return what a transcript begins with. `language` is "" for a model that knows only English."""
        task = [f"<|{language}|>", "<|transcribe|>"] if language else []
        return [self._special[name] for name in ("<|startoftranscript|>", *task, "<|notimestamps|>")]

    def build_prompt(self, text: str, most: int) -> list[int]:
        """Return what stands before the transcript, to be continued in its style: the last tokens of `text`."""
        tokens = self.encode(f" {text.strip()}")[-most:] if text.strip() else []
        return [self._special["<|startofprev|>"], *tokens] if tokens else []

    def find_language(self, code: str) -> str:
        """Return Whisper's code for a language such as de-AT, or "" if it has none."""
        first = code.replace("_", "-").partition("-")[0].lower()
        found = OTHER_CODES.get(first, first)
        return found if found in self.languages else ""

    def _join(self, word: str) -> list[str]:
        """Join the bytes of a word, the pair that was learnt first first."""
        characters = _map_bytes()
        pieces = [characters[byte] for byte in word.encode(errors="ignore")]
        while len(pieces) > 1:
            ranked = [
                (self._ranks.get(pair, len(self._ranks)), at) for at, pair in enumerate(itertools.pairwise(pieces))
            ]
            rank, at = min(ranked)
            if rank == len(self._ranks):
                break
            pieces[at : at + 2] = ["".join(pieces[at : at + 2])]
        return pieces


def read_tokens(path: Path) -> Tokens:
    """Read tokenizer.json. Raise OSError, ValueError, TypeError or LookupError."""
    return Tokens(json.loads(path.read_text()))


@cache
def _map_bytes() -> dict[int, str]:
    """Return the character of each byte: its own in Latin 1 where that can be seen, else one from 256 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(256 + at) for at, byte in enumerate(others)}


@cache
def _map_characters() -> dict[str, int]:
    return {character: byte for byte, character in _map_bytes().items()}
