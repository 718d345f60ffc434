"""Read what servers say of their models. Pure.

`/v1/models` is what all of them have. Ollama's `/api/tags` tells when a model was brought here and whether it runs
elsewhere, and its `/api/ps` what is loaded. LM Studio's `/api/v0/models` tells what a model is for and whether it is
loaded.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from conversations.engines.local_servers.found import LocalModel

MAX_MODELS = 200  # of one server
MAX_NAME_CHARS = 200
OWNERS = {"library": "Ollama", "llamacpp": "llama.cpp", "vllm": "vLLM", "organization_owner": "LM Studio"}
ALWAYS_LOADED = ("llama.cpp", "vLLM")  # they load what they serve when they start
# Models that only compare texts, hear or speak; LM Studio says so, and elsewhere the name tells.
NO_CHAT = re.compile(r"embed|rerank|minilm|whisper|(?:^|[/_-])(?:bge|gte|e5|tts)(?:[-_:.]|$)", re.IGNORECASE)
NO_CHAT_FAMILIES = {"bert", "nomic-bert", "nomic-bert-moe", "xlm-roberta"}
CLOUD = re.compile(r"[:-]cloud$")  # Ollama passes these on to its maker's computers


def read_models(answer: Any) -> tuple[str, tuple[LocalModel, ...]] | None:
    """Return the software and the models of an answer to `/v1/models`, or None if it is no list of models."""
    if not isinstance(answer, dict) or answer.get("object") != "list" or "data" not in answer:
        return None
    rows: Any = answer["data"]
    if rows is None:  # Ollama without a model
        return "", ()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    owners = (row.get("owned_by") for row in rows)
    software = next((OWNERS[owner] for owner in owners if isinstance(owner, str) and owner in OWNERS), "")
    models = [
        LocalModel(name, software in ALWAYS_LOADED, _read_number(row.get("created")))
        for row in rows[:MAX_MODELS]
        if (name := _read_name(row.get("id"))) and _can_chat(name)
    ]
    return software, tuple(models)


def read_tags(answer: Any) -> dict[str, float] | None:
    """Return when each model of Ollama was brought here, by name, or None if this is not Ollama's answer.

    Models that run elsewhere, and those that only compare texts, are not among them.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("models"), list):
        return None
    return {
        name: _read_moment(row.get("modified_at"))
        for row in _list_rows(answer)
        if (name := _read_name(row.get("name"))) and _can_chat(name) and _is_local(name, row) and _has_words(row)
    }


def read_loaded(answer: Any) -> dict[str, float]:
    """Return when each model that Ollama has loaded will be let go if it is not used, by name: later is used later."""
    return {
        name: _read_moment(row.get("expires_at")) for row in _list_rows(answer) if (name := _read_name(row.get("name")))
    }


def mark_loaded(
    models: tuple[LocalModel, ...], tags: dict[str, float], loaded: dict[str, float]
) -> tuple[LocalModel, ...]:
    """Return Ollama's models with what its own lists say of them, without those that are not in `tags`."""
    return tuple(
        replace(model, is_loaded=model.name in loaded, used_at=loaded.get(model.name, tags[model.name]))
        for model in models
        if model.name in tags
    )


def read_states(answer: Any) -> dict[str, bool] | None:
    """Return whether each model of LM Studio is loaded, by name, or None if this is not LM Studio's answer."""
    rows: Any = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not any(isinstance(row, dict) and "state" in row for row in rows):
        return None
    return {
        name: row.get("state") == "loaded"
        for row in rows[:MAX_MODELS]
        if isinstance(row, dict) and row.get("type") != "embeddings" and (name := _read_name(row.get("id")))
    }


def _list_rows(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield the entries of one of Ollama's lists."""
    rows = answer.get("models") if isinstance(answer, dict) else None
    yield from (row for row in (rows if isinstance(rows, list) else [])[:MAX_MODELS] if isinstance(row, dict))


def _read_name(value: Any) -> str:
    """Return a name that can be shown and asked for, or ""."""
    return value if isinstance(value, str) and len(value) <= MAX_NAME_CHARS and value.isprintable() else ""


def _read_number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e12 else 0.0


def _read_moment(value: Any) -> float:
    """Return an ISO time in seconds since 1970; 0 for anything else."""
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError, OverflowError, OSError):
        return 0.0


def _can_chat(name: str) -> bool:
    return not NO_CHAT.search(name) and not CLOUD.search(name)


def _is_local(name: str, row: dict[str, Any]) -> bool:
    return not (row.get("remote_host") or row.get("remote_model"))


def _has_words(row: dict[str, Any]) -> bool:
    details = row.get("details")
    return not (isinstance(details, dict) and details.get("family") in NO_CHAT_FAMILIES)
