"""A reply begun ahead of the endpoint: in a short pause, on the words so far.

Nothing of it is sent or stored. What the engines bring is kept, and told to the response once more, in order, when the
endpoint is confirmed and the reply still fits; else it is dropped, upstream too, and what it cost is counted.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from unicodedata import category

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import CHARS_PER_TOKEN, ContextMessage
from conversations.realtime.agent_turn.generation import Produced
from conversations.realtime.figures import Discard, Tally
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.response_options import ResponseOptions, choose_context
from conversations.realtime.state import Core
from conversations.realtime.text.script import SpeechScript
from conversations.realtime.user_turn.utterance import Utterance

MAX_TRIES = 3  # a turn
# What is synthesised before the endpoint: enough to sound until the next clause is there.
SPOKEN_CHARS = 40
# Before the first sound is expected the endpoint is confirmed: until it is there, the utterance is stored.
STORE_SEC = 0.05
SOUNDS_KEPT = 4
Messages = Sequence[ContextMessage]
GenerationEvent = Produced | engine_events.GenerationFailed


@dataclass(slots=True)
class Draft:
    response_id: str
    options: ResponseOptions
    messages: Messages
    began_at: float
    utterance: Utterance  # that it answers
    script: SpeechScript
    spoken: int = 0  # clauses given to be synthesised
    spoken_chars: int = 0
    is_due: bool = False  # its first sound is about to come
    events: list[tuple[float, GenerationEvent]] = field(default_factory=list)

    def fits(self, options: ResponseOptions, messages: Messages) -> bool:
        """The words may differ in case and punctuation only, all else not at all."""
        has_failed = any(isinstance(event, engine_events.GenerationFailed) for _, event in self.events)
        same_context = options == self.options and messages[:-1] == self.messages[:-1]
        return not has_failed and same_context and messages[-1].role == "user" and self.answers(messages[-1].words)

    @property
    def is_ready(self) -> bool:
        """Its first sound, or its first word where it is read, is as good as there; or it will not be ahead."""
        first = engine_events.SpeechAudio if self.options.is_audio else engine_events.TextDelta
        last = engine_events.ToolCallDelta | engine_events.GenerationDone | engine_events.GenerationFailed
        return self.is_due or any(isinstance(event, first | last) for _, event in self.events)

    def answers(self, words: str) -> bool:
        return same_words(words, self.messages[-1].words)

    @property
    def cost(self) -> Discard:
        """As told at the end of the words; else an estimate, since no provider tells for a stream that was closed."""
        done = next((event for _, event in self.events if isinstance(event, engine_events.GenerationDone)), None)
        if done is not None and done.input_tokens:
            return Discard(done.input_tokens, done.output_tokens, self.spoken_chars)
        asked = sum(len(message.words) for message in self.messages)
        written = sum(len(event.text) for _, event in self.events if isinstance(event, engine_events.TextDelta))
        return Discard(asked // CHARS_PER_TOKEN, -(-written // CHARS_PER_TOKEN), self.spoken_chars)


class PreemptiveGeneration:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.draft: Draft | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self._first_sounds: deque[float] = deque(maxlen=SOUNDS_KEPT)  # seconds after the first word
        self._first_word: tuple[str, float] | None = None  # of which response, and when

    def begin(self, options: ResponseOptions, words: str, utterance: Utterance) -> None:
        self.drop()
        try:
            messages = [*choose_context(self.core, options), ContextMessage("user", words)]
        except ProtocolError:
            return  # said when it is to be answered
        response_id = self.core.make_id("resp")
        script = SpeechScript(response_id, options.voice, options.speed)
        self.draft = Draft(response_id, options, messages, self.core.now, utterance, script)
        asked = (messages, options.max_tokens, options.tools, options.tool_choice)
        self.core.do(commands.Generate(response_id, *asked, is_preemptive=True))

    def holds(self, response_id: str) -> bool:
        return self.draft is not None and self.draft.response_id == response_id

    def receive(self, event: GenerationEvent) -> None:
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
        draft.events.append((self.core.now, event))
        if draft.options.is_audio and isinstance(event, engine_events.TextDelta):
            self._speak(draft, draft.script.feed(event.text))
        elif draft.options.is_audio and isinstance(event, engine_events.GenerationDone):
            self._speak(draft, draft.script.flush())
        if draft.is_ready and not was_ready:
            self.on_ready()

    def _speak(self, draft: Draft, clauses: list[commands.SpeakClause]) -> None:
        for clause in clauses:
            if draft.spoken_chars >= SPOKEN_CHARS:
                return
            draft.spoken += 1
            draft.spoken_chars += len(clause.text)
            self.core.do(clause)

    def _expect_sound(self, draft: Draft) -> None:
        self._first_word = draft.response_id, self.core.now
        if self._first_sounds:
            self.core.set_deadline("preemptive", self.core.now + max(0.0, min(self._first_sounds) - STORE_SEC))

    def sound_came(self, response_id: str) -> None:
        """Of any response, also one that is no longer ahead: how long its first sound takes is learned."""
        if self._first_word is not None and self._first_word[0] == response_id:
            self._first_sounds.append(self.core.now - self._first_word[1])
            self._first_word = None

    def sound_is_due(self) -> None:
        if self.draft is not None and not self.draft.is_ready:
            self.draft.is_due = True
            self.on_ready()

    def take(self, options: ResponseOptions) -> Draft | None:
        """The reply, if it fits what is to be answered now; it is the response's from here on."""
        draft = self.draft
        if draft is None or not self._fits(draft, options):
            self.drop()
            return None
        self.draft = None
        self.core.set_deadline("preemptive", None)
        self.core.do(Tally("speculation", "hit"))
        return draft

    def _fits(self, draft: Draft, options: ResponseOptions) -> bool:
        try:
            messages = choose_context(self.core, options)
        except ProtocolError:
            return False
        return bool(messages) and draft.fits(options, messages)

    def drop(self) -> None:
        draft, self.draft = self.draft, None
        if draft is None:
            return
        self.core.set_deadline("preemptive", None)
        cost, usage = draft.cost, draft.utterance.usage
        usage.discarded_input_tokens += cost.input_tokens
        usage.discarded_output_tokens += cost.output_tokens
        usage.discarded_tts_characters += cost.tts_characters
        if item := self.core.log.get(draft.utterance.item_id):  # the utterance has ended and is stored already
            self.core.save(item, in_background=True)
        self.core.do(commands.Abort(draft.response_id))
        self.core.do(Tally("speculation", "miss"))
        self.core.do(cost)


def same_words(one: str, other: str) -> bool:
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    """Without punctuation, but with vowel signs and currencies: in Hindi a girl and a boy differ in a sign only."""
    return "".join(" " if category(char)[0] in "PZC" else char for char in text.casefold()).split()
