"""How a caller's microphone comes over the wire: how much sound is in a frame, and how it is written."""

from dataclasses import dataclass

BINARY, JSON = "binary", "json"


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of so many milliseconds: raw samples, as the page sends them, or base64 in JSON, as official SDKs do."""

    encoding: str
    ms: int

    @property
    def name(self) -> str:
        return f"{self.encoding}-{self.ms}"

    @property
    def sentence(self) -> str:
        """Say in words what the callers send."""
        written = {JSON: "base64 in JSON, as official SDKs send it", BINARY: "binary, as the page sends it"}
        return f"{self.ms} ms a frame, {written[self.encoding]}"


PAGE = Frames(BINARY, 40)
KINDS = {kind.name: kind for kind in (PAGE, Frames(BINARY, 20), *(Frames(JSON, ms) for ms in (20, 40, 100)))}
