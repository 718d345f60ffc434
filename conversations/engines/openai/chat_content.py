"""The content of a chunk of a chat completion: words, thoughts and tool calls, in the shapes of different servers."""

from typing import Any


def extract_text(content: object) -> str:
    """Return the words of a content: a string, or parts, of which thoughts, pictures and references are left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(extract_text(part) for part in content if isinstance(part, str | dict))
    if isinstance(content, dict) and content.get("type", "text") in ("text", "output_text", "refusal"):
        text = content.get("text") or content.get("refusal")
        return text if isinstance(text, str) else ""
    return ""


def is_thought(delta: dict[str, Any]) -> bool:
    """Return whether the content of a delta is a thought: Gemini marks it so."""
    extra = delta.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    return isinstance(google, dict) and google.get("thought") is True


def has_thoughts(content: object) -> bool:
    """Return whether a part of the content is a thought, as with Mistral."""
    return isinstance(content, list) and any(isinstance(part, dict) and part.get("thinking") for part in content)


def find_calls(delta: dict[str, Any]) -> object:
    """Return the tool calls of a delta, in their present form or in that of 2023 (`function_call`)."""
    if isinstance(calls := delta.get("tool_calls"), list):
        return calls
    function = delta.get("function_call")
    return [{"index": 0, "function": function}] if isinstance(function, dict) else []
