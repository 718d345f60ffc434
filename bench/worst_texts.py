"""The texts that are worst for a reader, of any length: what is repeated, nested, or closed too late."""

from collections.abc import Callable, Iterator

MEGABYTE = 1_000_000
SAID = "The library closes at six today, and it opens again on Monday. " * 20

# Each is repeated to the length that is asked for. Marks of letters, and what joins them; scripts without spaces; keys;
UNITS = (
    "\u0301", "e\u0301", "👍🏽\u200d", "\U0001f1e9", "\u0e33", "अ\u094d\u200d", "我", "か", "ก", "sk-", "sk-A",
    # Markdown, TeX, HTML and marks of a source;
    "[", "![](", "](", "(", "<a ", "<!--", "```\n", "`", "*a", "**", "__", "~~", "$$", "\\(", "$a", "|", "|-", "> ",
    "- ", "1. ", "#", "&amp;", "&#1;", "[1]", "【", "【4†", "\ue200", "http://", "www.",
    # addresses, figures, blanks, stops, words, and what JSON escapes.
    "<think>", "<think ", "</think>", "<|", "<|a", "<|a|>", "[THINK]", "<|channel|>",
    "a@", "a.", "a-", "a'", "'", "1", "1,", "1.", "$1", "1/", " ", "\n", "\t\n", ".", ". ", "?", "? ", "。", "…", "—",
    "« ", "a", "a ", "word ", "my a ", "Dr. ", "and ", "\\ud800", "\\", '"',
)  # fmt: skip


def build_worst_texts(chars: int) -> Iterator[tuple[str, str]]:
    """Yield the name of each kind of text, and a text of it with so many characters."""
    for unit in UNITS:
        yield repr(unit), (unit * chars)[:chars]
    for opening, closing in ("(]", "[)", "<)", "（]", "【)"):
        yield f"{opening} that only {closing} closes", (opening * chars)[: chars - 1] + closing
    yield "different words", " ".join(f"w{number:x}ord" for number in range(chars // 6))[:chars]
    yield "letters and marks", "".join(map("".join, zip(SAID * chars, "*_[`(" * chars, strict=False)))[:chars]
    yield "what is said", (SAID * (chars // len(SAID) + 1))[:chars]


SHAPES: dict[str, Callable[[str, int], str]] = {
    "lists in one another": lambda one, count: "[" * count + one + "]" * count,
    "words deep down": lambda one, count: "[" * 400 + one + f",{one}" * count + r',"\u0000"' + "]" * 400,
    "tools": lambda one, count: _build_request("tools", one, count),
    "modalities": lambda one, count: _build_request("output_modalities", one, count),
    "input": lambda one, count: _build_request("input", one, count),
    "metadata": lambda one, count: '{"type":"response.create","response":{"metadata":{'
    + ",".join(f'"k{place}":{one}' for place in range(count)) + "}}}",
    "another key": lambda one, count: '{"type":"response.cancel","x":[' + ",".join([one] * count) + "]}",
}  # fmt: skip
VALUES = (
    "1",
    "1e5",
    '""',
    "{}",
    "[]",
    "[[[]]]",
    '{"type":"function"}',
    '{"type":"message","role":"user","content":[1]}',
)


def _build_request(key: str, one: str, count: int) -> str:
    return f'{{"type":"response.create","response":{{"{key}":[' + ",".join([one] * count) + "]}}"


def build_shaped_text(shape: str, value: str, chars: int) -> str:
    return SHAPES[shape](value, max(1, chars // (len(value) + 1)))
