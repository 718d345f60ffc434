"""Turn the text of a reply, as the model writes it, into the clauses that are to be spoken."""

from conversations.realtime.commands import SpeakClause
from conversations.realtime.text.clauses import ClauseChunker
from conversations.realtime.text.speech_text import SpeechText


class SpeechScript:
    """The clauses of one response, as commands for text to speech.

    The same text always gives the same clauses, since a preemptive generation is fed a second time when it is released.
    """

    def __init__(self, response_id: str, voice: str, speed: float) -> None:
        self._response_id = response_id
        self._voice = voice
        self._speed = speed
        self._chunker = ClauseChunker()
        self._speech_text = SpeechText()
        self.clauses: list[str] = []

    def feed(self, text: str) -> list[SpeakClause]:
        """Add text of the model, and return the clauses that are complete by now."""
        return [self._speak(clause) for clause in self._chunker.feed(text)]

    def flush(self) -> list[SpeakClause]:
        """Return the last clause when the text has ended; [] if there is nothing left."""
        return [self._speak(clause) for clause in self._chunker.flush()]

    def drop(self, index: int) -> None:
        """Drop the clauses from `index` on, and the text that does not make a clause yet."""
        del self.clauses[index:]
        self._chunker, self._speech_text = ClauseChunker(), SpeechText()

    def _speak(self, clause: str) -> SpeakClause:
        self.clauses.append(clause)
        words = self._speech_text.filter_clause(clause)
        return SpeakClause(self._response_id, len(self.clauses) - 1, words, self._voice, self._speed)
