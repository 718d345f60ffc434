from dataclasses import dataclass
from typing import Literal

Eagerness = Literal["low", "medium", "high"]


PATIENCE_EAGERNESS: dict[str, Eagerness] = {"patient": "low", "balanced": "medium", "quick": "high"}


@dataclass
class Pauses:
    def learn(self, pause_ms: int) -> None: ...


def wait_ms(words: str | None, eagerness: Eagerness, pauses: Pauses, language: str = "") -> int:
    if words is None:
        return 900
    return 480 if words.rstrip().endswith((".", "?", "!")) else 1600


def short_silence_ms(tries: int, pauses: Pauses) -> int:
    return (128, 192, 320)[min(tries, 2)]
