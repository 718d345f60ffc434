"""What chat completions stream: words, and calls of tools.

A script is a text, or a dict of
  text      said before the calls
  calls     [{"name", "arguments"}], streamed as OpenAI does; arguments are a dict, or a text that may be no JSON
  deltas    the deltas themselves, for servers that stream otherwise
  pieces    the bytes of the answer, as `raw_answers` has them
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.upstream.behaviour import Script

PIECE = 12  # characters of arguments


def answer_unscripted(messages: list[dict[str, Any]]) -> str:
    last = messages[-1] if messages else {"role": "user", "content": "nothing"}
    if last["role"] == "tool":
        return f"The tool said: {last['content']}"
    said = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "nothing")
    return f"You said: {said}"


def build_deltas(script: Script) -> list[dict[str, Any]]:
    """Return the deltas of a reply. Each counts as one token for `max_tokens`."""
    if isinstance(script, str):
        script = {"text": script}
    if "deltas" in script:
        found: list[dict[str, Any]] = script["deltas"]
        return found
    words = script["text"].split(" ") if "text" in script else []
    said = [{"content": f" {word}" if number else word} for number, word in enumerate(words)]
    return said + [
        delta for index, call in enumerate(script.get("calls", ())) for delta in _build_call_deltas(index, **call)
    ]


def choose_finish_reason(whole: list[dict[str, Any]], kept: list[dict[str, Any]]) -> str:
    if len(kept) < len(whole):
        return "length"
    return "tool_calls" if any("tool_calls" in delta for delta in whole) else "stop"


def _build_call_deltas(index: int, name: str, arguments: object) -> Iterator[dict[str, Any]]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    begin = {"index": index, "id": f"call_{name}_{index}", "type": "function"}
    yield {"tool_calls": [{**begin, "function": {"name": name, "arguments": ""}}]}
    for start in range(0, len(text), PIECE):
        yield {"tool_calls": [{"index": index, "function": {"arguments": text[start : start + PIECE]}}]}
