"""Preemptive generation: a response begun in a short pause, before the endpoint is confirmed.

Nothing of it is sent or stored. What the engines bring is kept. When the endpoint is confirmed and the user's words are
still the same, the response receives the kept events in order; otherwise the draft is dropped, its upstream streams
are closed, and what it cost is counted.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unicodedata import category

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import CHARS_PER_TOKEN, ContextMessage
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.engine_events import GenerationEvent
from conversations.realtime.measurements import DecisionOutcome, DiscardedUsage
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.response_options import ResponseOptions, choose_context
from conversations.realtime.text.clauses import SpeechScript
from conversations.realtime.user_turn.utterance import Utterance

MAX_TRIES = 3  # drafts in one turn
# This much text is synthesised before the endpoint: it plays long enough for the next clause to arrive.
SPOKEN_CHARS = 40
# The endpoint is confirmed this long before the first sound is expected: storing the utterance takes that long.
STORE_SEC = 0.05
SOUNDS_KEPT = 4  # how many times to the first sound are remembered
Messages = Sequence[ContextMessage]


@dataclass(slots=True)
class Draft:
    """A response that was begun before the endpoint, with all that the engines brought for it."""

    response_id: str
    options: ResponseOptions
    messages: Messages
    began_at: float
    utterance: Utterance  # the utterance it answers
    script: SpeechScript
    spoken: int = 0  # how many clauses text to speech was given
    spoken_chars: int = 0
    is_due: bool = False  # the first sound is about to arrive
    events: list[tuple[float, GenerationEvent]] = field(default_factory=list)

    def is_valid_for(self, options: ResponseOptions, messages: Messages) -> bool:
        """Return whether the draft answers this context: the user's words may differ in case and punctuation only."""
        has_failed = any(isinstance(event, engine_events.GenerationFailed) for _, event in self.events)
        same_context = options == self.options and messages[:-1] == self.messages[:-1]
        return not has_failed and same_context and messages[-1].role == "user" and self.is_answer_to(messages[-1].words)

    @property
    def is_ready(self) -> bool:
        """Return whether the endpoint need not wait for the draft any longer.

        Its first sound, or the first word of a text response, is there or about to come, or waiting would gain nothing.
        """
        first = engine_events.SpeechAudio if self.options.is_audio else engine_events.TextDelta
        last = engine_events.ToolCallDelta | engine_events.GenerationDone | engine_events.GenerationFailed
        return self.is_due or any(isinstance(event, first | last) for _, event in self.events)

    def is_answer_to(self, words: str) -> bool:
        """Return whether the draft answers these words of the user."""
        return has_same_words(words, self.messages[-1].words)

    @property
    def cost(self) -> DiscardedUsage:
        """Return the tokens and characters that the draft used.

        They are an estimate if the stream was closed early, since providers report usage only at its end.
        """
        done = next((event for _, event in self.events if isinstance(event, engine_events.GenerationDone)), None)
        if done is not None and done.input_tokens:
            return DiscardedUsage(done.input_tokens, done.output_tokens, self.spoken_chars)
        asked = sum(len(message.words) for message in self.messages)
        written = sum(len(event.text) for _, event in self.events if isinstance(event, engine_events.TextDelta))
        return DiscardedUsage(asked // CHARS_PER_TOKEN, -(-written // CHARS_PER_TOKEN), self.spoken_chars)


class PreemptiveGeneration:
    """The draft of the current turn, if there is one."""

    def __init__(self, state: CascadeState) -> None:
        self.state = state
        self.draft: Draft | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self._first_sounds: deque[float] = deque(maxlen=SOUNDS_KEPT)  # in seconds after the first word
        self._first_word: tuple[str, float] | None = None  # the response's id, and when the word came

    def begin(self, options: ResponseOptions, words: str, utterance: Utterance) -> None:
        """Start a draft that answers the utterance as `words`, in place of the draft before it."""
        self.drop()
        try:
            messages = [*choose_context(self.state, options), ContextMessage("user", words)]
        except ProtocolError:
            return  # the error is reported when the response itself is begun
        response_id = self.state.make_id("resp")
        script = SpeechScript(response_id, options.voice, options.speed)
        self.draft = Draft(response_id, options, messages, self.state.now, utterance, script)
        asked = (messages, options.max_tokens, options.tools, options.tool_choice)
        self.state.do(commands.Generate(response_id, *asked, is_preemptive=True, is_spoken=options.is_audio))

    def is_drafting(self, response_id: str) -> bool:
        """Return whether this response is the current draft."""
        return self.draft is not None and self.draft.response_id == response_id

    def receive(self, event: GenerationEvent) -> None:
        """Keep what an engine brings for the draft, and call `on_ready` when the draft has become ready."""
        draft = self.draft
        if isinstance(event, engine_events.TextWithdrawn):
            self.drop()
        if draft is None or isinstance(
            event, engine_events.TextWithdrawn | engine_events.Thinking
        ):  # no budget runs yet
            return
        was_ready = draft.is_ready
        if isinstance(event, engine_events.TextDelta) and not draft.events:
            self._expect_sound(draft)
        draft.events.append((self.state.now, event))
        if draft.options.is_audio and isinstance(event, engine_events.TextDelta):
            self._speak_clauses(draft, draft.script.feed(event.text))
        elif draft.options.is_audio and isinstance(event, engine_events.GenerationDone):
            self._speak_clauses(draft, draft.script.flush())
        if draft.is_ready and not was_ready:
            self.on_ready()

    def _speak_clauses(self, draft: Draft, clauses: list[commands.SpeakClause]) -> None:
        for clause in clauses:
            if draft.spoken_chars >= SPOKEN_CHARS:
                return
            draft.spoken += 1
            draft.spoken_chars += len(clause.text)
            self.state.do(clause)

    def _expect_sound(self, draft: Draft) -> None:
        self._first_word = draft.response_id, self.state.now
        if self._first_sounds:
            self.state.set_deadline("preemptive", self.state.now + max(0.0, min(self._first_sounds) - STORE_SEC))

    def note_first_sound(self, response_id: str) -> None:
        """Learn how long after its first word a response's first sound came, also if it is no longer a draft."""
        if self._first_word is not None and self._first_word[0] == response_id:
            self._first_sounds.append(self.state.now - self._first_word[1])
            self._first_word = None

    def expect_sound_now(self) -> None:
        """Treat the draft as ready: its first sound is about to arrive."""
        if self.draft is not None and not self.draft.is_ready:
            self.draft.is_due = True
            self.on_ready()

    def take(self, options: ResponseOptions) -> Draft | None:
        """Return the draft if it answers what is to be answered now, else drop it and return None."""
        draft = self.draft
        if draft is None or not self._is_valid(draft, options):
            self.drop()
            return None
        self.draft = None
        self.state.set_deadline("preemptive", None)
        self.state.do(DecisionOutcome("preemptive_generation", "hit"))
        return draft

    def _is_valid(self, draft: Draft, options: ResponseOptions) -> bool:
        try:
            messages = choose_context(self.state, options)
        except ProtocolError:
            return False
        return bool(messages) and draft.is_valid_for(options, messages)

    def drop(self) -> None:
        """Abort the draft, if there is one, and count what it cost on the utterance."""
        draft, self.draft = self.draft, None
        if draft is None:
            return
        self.state.set_deadline("preemptive", None)
        cost, usage = draft.cost, draft.utterance.usage
        usage.discarded_input_tokens += cost.input_tokens
        usage.discarded_output_tokens += cost.output_tokens
        usage.discarded_tts_characters += cost.tts_characters
        if item := self.state.log.get(draft.utterance.item_id):  # the utterance has ended and is stored already
            self.state.save(item, in_background=True)
        self.state.do(commands.Abort(draft.response_id))
        self.state.do(DecisionOutcome("preemptive_generation", "miss"))
        self.state.do(cost)


def has_same_words(one: str, other: str) -> bool:
    """Return whether two texts have the same words, apart from case and punctuation."""
    return _normalize_words(one) == _normalize_words(other)


def _normalize_words(text: str) -> list[str]:
    """Return the words in lower case without punctuation.

    Vowel signs and currency signs stay: in Hindi the words for girl and boy differ by a vowel sign only.
    """
    return "".join(" " if category(char)[0] in "PZC" else char for char in text.casefold()).split()
