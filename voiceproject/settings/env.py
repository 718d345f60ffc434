"""Readers of the environment, one for each type of value.

Each returns the value of a variable or its default. It raises ImproperlyConfigured with the variable's name and what to
write instead. A value that may hold a secret is never repeated in the message.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dj_database_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

from voiceproject.local import embedded_postgres, generated_keys

BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = BASE_DIR / "var"
Number = TypeVar("Number", int, float)


def env(name: str, default: str = "") -> str:
    """Return the value as text, without spaces around it."""
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool) -> bool:
    """Return the value as a boolean."""
    value = env(name, str(default)).lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; use true or false.")
    return value in {"true", "1", "yes"}


def env_number(name: str, kind: Callable[[str], Number], default: Number, lowest: Number, highest: Number) -> Number:
    """Return the value as a number from `lowest` to `highest`."""
    try:
        value = kind(env(name, str(default)))
    except ValueError:
        value = highest + 1
    if not lowest <= value <= highest:
        whole = "a whole number" if kind is int else "a number"
        raise ImproperlyConfigured(f"{name} is {env(name)!r}; use {whole} from {lowest} to {highest}.")
    return value


def env_int(name: str, default: int, lowest: int = 0, highest: int = 2**31 - 1) -> int:
    """Return the value as a whole number from `lowest` to `highest`."""
    return env_number(name, int, default, lowest, highest)


def env_float(name: str, default: float, lowest: float = 0.0, highest: float = 1e9) -> float:
    """Return the value as a number from `lowest` to `highest`."""
    return env_number(name, float, default, lowest, highest)


def env_choice(name: str, choices: tuple[str, ...], default: str) -> str:
    """Return the value, which must be one of `choices`."""
    value = env(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; use one of: {', '.join(c for c in choices if c)}.")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    """Return the parts of the value, which commas separate."""
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def env_url(name: str, *schemes: str) -> str:
    """Return the value, a URL with one of these schemes. The message never repeats it, since it may hold a password."""
    value = env(name)
    if value and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return value


def env_file(name: str) -> str:
    """Return the value, the path of a file that can be read."""
    if (path := env(name)) and not os.access(path, os.R_OK):
        raise ImproperlyConfigured(f"{name} is {path!r}, which cannot be read.")
    return path


def env_json(name: str) -> dict[str, Any]:
    """Return the value, a JSON object."""
    try:
        value = json.loads(env(name, "{}"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object.")  # it may hold a secret, so it is not repeated
    return value


def env_origins(name: str) -> list[str]:
    """Return the value, origins that commas separate."""
    for origin in (origins := env_list(name)):
        if urlsplit(origin).scheme not in ("http", "https"):
            raise ImproperlyConfigured(
                f"{name} contains {origin!r}; write each with its scheme, such as https://example.com."
            )
    return origins


def env_key(name: str) -> str:
    """Return a secret key, from the environment or from the site's own files."""
    if key := env(name) or generated_keys.read(VAR_DIR, name):
        return key
    raise ImproperlyConfigured(f"{name} is not set. See .env.example for how to make one.")


def env_fernet_keys(name: str) -> str:
    """Return the value, Fernet keys that commas separate."""
    keys = env_key(name)
    try:
        [Fernet(key.strip()) for key in keys.split(",")]
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be 32 random bytes in URL-safe base64. See .env.example for how to make one."
        ) from None
    return keys


def env_database(name: str) -> dict[str, Any]:
    """Return Django's setting for the database at the value, a URL; without one, for the embedded Postgres."""
    if not (url := env(name)):
        if not embedded_postgres.is_installed():
            raise ImproperlyConfigured(f"{name} is not set. It looks like postgres://user:password@host:5432/database")
        url = embedded_postgres.build_url(VAR_DIR / "postgres")
    try:
        database: dict[str, Any] = {**dj_database_url.parse(url, conn_health_checks=True)}
    except ValueError:
        database = {}
    if database.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{name} must look like postgres://user:password@host:5432/database")
    return database


# A file of NAME=value lines, for development. What the environment already has goes first.
load_dotenv(BASE_DIR / env("ENV_FILE", ".env"))
