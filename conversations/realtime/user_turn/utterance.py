"""One utterance while it is spoken, before it becomes an item of the conversation."""

from dataclasses import dataclass, field

from conversations.realtime.protocol.items import Usage


@dataclass(slots=True)
class Utterance:
    """What is known of an utterance while it is spoken. Positions are samples since the session began."""

    item_id: str
    start: int  # position of its first sample, pre-roll included
    usage: Usage = field(default_factory=Usage)
    speech_windows: int = 0  # in which the VAD heard speech
    revision: int = 0  # of the transcript asked for last
    is_requested: bool = False  # for the words up to the present pause
    has_failed: bool = False  # speech to text, in the present pause
    words: str | None = None  # up to the present pause; None while not known
    partial: str = ""  # all words so far, from an engine that hears while one speaks
    caption: str = ""  # what of it the client was told
    preemptive_tries: int = 0  # to answer ahead of the endpoint
    spoken_over: str | None = None  # the assistant's words around its onset; None when it had nothing to say
    is_interruption: bool = False  # it ended the reply over which it began
    is_ignored: bool = False  # a “mhm” or an echo, which nothing answers

    @property
    def known_words(self) -> str | None:
        """Return the words so far: the final transcript if there is one, else the partial one, else None."""
        return self.words if self.words is not None else (self.partial or None)

    def continue_speech(self) -> None:
        """Drop the transcript of the pause that just ended, since it misses what is said now."""
        self.is_requested = self.has_failed = False
        self.words = None


@dataclass(frozen=True, slots=True)
class PendingTranscript:
    """A committed item that waits for its transcript.

    `utterance` is None for audio that came in one piece.
    """

    committed_at: float
    utterance: Utterance | None = None
