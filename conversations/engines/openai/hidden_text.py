"""Remove from a model's text what is not meant for the user: thoughts, and special tokens that the server let through.

Thoughts are between tags (`<think>`, `[THINK]`, Gemma's `<|channel>`), or in channels other than “final” (gpt-oss). A
tag within a sentence may be one that the model writes about, so the text after it is held until the closing tag comes;
without a closing tag it was no thought. A tag in backticks is text.

Where the prompt ends with the opening tag, only the closing tag comes, and all text before it was a thought.
"""

import re
from enum import Enum, auto

THOUGHTS = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "seed:think", "tool_call")
LEFTOVERS = ("s", "bos", "eos", "pad", "unk", "start_of_turn", "end_of_turn", "channel|", "turn|")
SQUARE = ("THINK", "INST")
MARKER = re.compile(
    r"<(?:"
    r"\|[^|<>\s]{1,40}\|?>"  # <|im_end|>, and Gemma's <|channel>
    r"|｜[^｜<>]{1,40}｜>"  # DeepSeek's
    rf"|/?(?:{'|'.join(THOUGHTS)})(?:\s[^<>]{{0,200}})?>"
    rf"|/?(?:{'|'.join(map(re.escape, LEFTOVERS))})>"
    r")"
    rf"|\[/?(?:{'|'.join(SQUARE)})\]"
    r"|◁/?think▷",
    re.IGNORECASE,
)
LONGEST_MARKER = 240
OPENERS = "<[◁"
MAX_ROLE = 40
MAX_KEPT = 20_000  # characters held after an opening tag within a sentence; if more come, they are a thought

OPENS = {"<|channel>", "◁think▷", "[think]", "<|begin_of_thought|>", "<|start_thinking|>"}
CLOSES = {"<channel|>", "◁/think▷", "[/think]", "<|end_of_thought|>", "<|end_thinking|>"}
STARTS = {
    "<|start|>",
    "<|im_start|>",
    "<|start_header_id|>",
    "<start_of_turn>",
    "<|turn>",
}  # of a message; its role follows
HEADER_ENDS = {"<|message|>", "<|end_header_id|>"}
ENDS = {"<|end|>", "<|im_end|>", "<|return|>", "<|call|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<turn|>"}
CLOSES_OTHERS = {"<channel|>", "</tool_call>"}  # these never close a thought that a prompt has opened
OWN_ROLES = ("", "assistant", "model")


class Mode(Enum):
    """Which kind of text comes next."""

    SAID = auto()
    THOUGHT = auto()  # between tags
    ROLE = auto()  # the role of a message that begins
    CHANNEL = auto()  # the name of a channel
    HIDDEN = auto()  # the content of a channel or message that is not for the user


class HiddenTextFilter:
    """Filter one reply: `feed` takes the text as it comes, and `finish` ends it. Both return the text for the user."""

    def __init__(self, *, expects_thought: bool = False) -> None:
        """Expect the text to begin in a thought without an opening tag, if `expects_thought`.

        If no closing tag follows, the text is an answer all the same.
        """
        self._mode = Mode.THOUGHT if expects_thought else Mode.SAID
        self._held = ""  # text that may be the beginning of a marker
        self._name = ""  # the name of a role or channel, so far
        self._depth = 1 if expects_thought else 0  # of nested thoughts
        self._is_presumed = expects_thought
        self._has_opened = False
        self._kept: list[str] | None = [] if expects_thought else None  # text since an opening tag within a sentence
        self._kept_chars = 0
        self._last = ""  # the last character for the user
        self._has_words = False
        self._follows_marker = False
        self._has_returned = False  # whether any text was returned for the user
        self.has_unopened_thought = False  # whether a thought without an opening tag was seen
        self.withdraws = False  # whether the last `feed` found that all text returned before was a thought

    @property
    def is_thinking(self) -> bool:
        """Return whether the text that comes now is not for the user."""
        return self._mode in (Mode.THOUGHT, Mode.CHANNEL, Mode.HIDDEN)

    def feed(self, text: str) -> str:
        """Return what is for the user, as far as it is certain."""
        text, self._held = self._held + text, ""
        said, place = [], 0
        self.withdraws = False
        for marker in MARKER.finditer(text):
            said.append(self._take_text(text[place : marker.start()]))
            if self._is_end_of_unopened_thought(marker[0]):
                said = [self._withdraw()]
            said.append(self._take_marker(marker[0]))
            place = marker.end()
        end = _find_end_of_text(text, place)
        self._held = text[end:]
        said.append(self._take_text(text[place:end]))
        self._has_returned = self._has_returned or any(said)
        return "".join(said)

    def _is_end_of_unopened_thought(self, marker: str) -> bool:
        name = marker.lower()
        if not _is_closing(name) or name in CLOSES_OTHERS or self._has_opened:
            return False
        return self._is_presumed or (self._mode is Mode.SAID and self._last != "`")

    def _withdraw(self) -> str:
        """Take back all text so far: it was a thought."""
        self.has_unopened_thought = True
        self.withdraws, self._has_returned = self.withdraws or self._has_returned, False
        self._has_words, self._last = False, ""
        return ""

    def finish(self, *, is_cut: bool = False) -> str:
        """Return the rest of the text. If the reply `is_cut`, an open thought remains a thought."""
        rest, self._held = self._take_text(self._held), ""
        if self._mode is Mode.THOUGHT and self._kept is not None and not is_cut:
            rest += "".join(self._kept)
        return rest

    def _take_text(self, text: str) -> str:
        if not text or self._mode is Mode.HIDDEN:
            return ""
        match self._mode:
            case Mode.THOUGHT:
                self._keep(text)
                return ""
            case Mode.CHANNEL:
                self._name = (self._name + text)[:MAX_ROLE]
                return ""
            case Mode.ROLE:
                return self._take_role(text)
        return self._say(text)

    def _say(self, text: str) -> str:
        if self._follows_marker and not self._has_words:
            text = text.lstrip()
        self._has_words = self._has_words or bool(text.strip())
        self._last = text[-1:] or self._last
        return text

    def _keep(self, text: str) -> None:
        if self._kept is not None:
            self._kept.append(text)
            self._kept_chars += len(text)
            if self._kept_chars > MAX_KEPT:
                self._kept = None

    def _take_role(self, text: str) -> str:
        """Read the role of a message, which ends with its line in ChatML and with Gemma."""
        name, newline, rest = (self._name + text).partition("\n")
        self._name = name
        if newline or len(name) > MAX_ROLE:
            self._begin_message()
            return self._take_text(rest if newline else name)
        return ""

    def _begin_message(self) -> None:
        is_own = self._name.strip() in OWN_ROLES or len(self._name) > MAX_ROLE
        self._mode, self._name = Mode.SAID if is_own else Mode.HIDDEN, ""

    def _take_marker(self, marker: str) -> str:
        name = marker.lower()
        if self._mode is Mode.SAID and self._last == "`":
            return self._say(marker)
        self._follows_marker = True
        if _is_closing(name):
            self._close_thought()
        elif name in OPENS or _parse_tag_name(name) in THOUGHTS:
            self._open_thought(marker)
        elif self._mode is Mode.THOUGHT:
            pass  # other markers within a thought mean nothing
        elif name in STARTS:
            self._mode, self._name = Mode.ROLE, ""
        elif name == "<|channel|>":
            self._mode, self._name = Mode.CHANNEL, ""
        elif name in HEADER_ENDS:
            self._end_header()
        elif name in ENDS:
            self._mode = Mode.SAID
        return ""

    def _end_header(self) -> None:
        if self._mode is Mode.CHANNEL:
            is_final = self._name.strip().lower().startswith("final")
            self._mode, self._name = Mode.SAID if is_final else Mode.HIDDEN, ""
        elif self._mode is Mode.ROLE:
            self._begin_message()

    def _open_thought(self, marker: str) -> None:
        self._has_opened = True
        if self._is_presumed and not "".join(self._kept or ()).strip():
            self._kept = None  # this server does send the opening tag
        elif self._mode is Mode.THOUGHT:
            self._depth += 0 if self._is_presumed else 1
            self._keep(marker)
        elif self._mode is Mode.SAID:
            is_amid = self._has_words and self._last != "\n"
            self._mode, self._depth = Mode.THOUGHT, 1
            self._kept, self._kept_chars = ([marker], len(marker)) if is_amid else (None, 0)

    def _close_thought(self) -> None:
        self._depth = max(0, self._depth - 1)
        if self._mode is Mode.THOUGHT and not self._depth:
            self._mode, self._kept, self._is_presumed = Mode.SAID, None, False


def _is_closing(name: str) -> bool:
    return name in CLOSES or (name.startswith("</") and _parse_tag_name(name) in THOUGHTS)


def _parse_tag_name(marker: str) -> str:
    """Return the name of a tag, such as “think” for <think> and </think x="y">; "" for what is not a tag."""
    words = marker.strip("</>").split(maxsplit=1) if marker.startswith("<") else []
    return words[0] if words else ""


def _find_end_of_text(text: str, start: int) -> int:
    """Return the index up to which the text cannot be the beginning of a marker."""
    place = max(text.rfind(opener, max(start, len(text) - LONGEST_MARKER)) for opener in OPENERS)
    return place if place >= start and _may_be_marker(text[place:]) else len(text)


def _may_be_marker(tail: str) -> bool:
    if tail.startswith(("<|", "<｜")):
        return not any(map(str.isspace, tail))
    name = tail[1:].removeprefix("/").lower()
    known = {"<": (*THOUGHTS, *LEFTOVERS), "[": tuple(map(str.lower, SQUARE)), "◁": ("think",)}[tail[0]]
    if len(tail) == 1:
        return True
    tag = name.split(maxsplit=1)[0] if name.strip() else name
    return any(one.startswith(name) for one in known) or (tail[0] == "<" and tag in THOUGHTS)
