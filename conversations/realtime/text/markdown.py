"""Read Markdown as a voice would: the words, without the marks.

The parser is markdown-it-py: pure, without input or output. It takes milliseconds for some floods of marks, and no more
than that, since it is given a clause at a time.
"""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

# A clause is no page: an indented line in it is the next entry of a list, and a line that looks like a definition of a
# reference ("[Note]: Stop.") is said.
PARSER = MarkdownIt("commonmark").enable("strikethrough").disable(["code", "reference"])
# Only an attribute with a value makes a tag of more than a name: "a <b and c> d" is a comparison.
TAG = re.compile(r"""<!--.*?-->|</?[a-z][\w-]*(?:\s+[\w:-]+=(?:"[^"]*"|'[^']*'|[^\s"'<>]+))*\s*/?>""", re.S | re.I)
LINE_BREAK = re.compile(r"</?(?:br|p|div|li|tr|t[dh]|h\d|summary|details)\b", re.IGNORECASE)


def extract_words(text: str) -> str:
    """Return the words of a clause in Markdown that are read aloud.

    Links are reduced to their labels, and lists keep their numbers. Blocks of code are left out.
    """
    return "".join(_read_blocks(PARSER.parse(text)))


def _read_blocks(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "inline":
                yield from _read_inline(token.children or ())
            case "html_block":
                yield TAG.sub(_replace_tag, token.content)
            case "list_item_open" if token.info:
                yield f"{token.info}{token.markup} "
            case kind if kind.endswith("_close"):
                yield " "


def _read_inline(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "text" | "code_inline":
                yield token.content
            case "softbreak" | "hardbreak":
                yield " "
            case "image":
                yield from _read_inline(token.children or ())
            case "html_inline":
                yield TAG.sub(_replace_tag, token.content)


def _replace_tag(tag: re.Match[str]) -> str:
    """Return what stands in place of an HTML tag: a space where it begins a new line, else nothing."""
    return " " if LINE_BREAK.match(tag[0]) else ""
