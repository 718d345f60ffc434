"""The secret keys of a site that was given none.

They are made once, and kept in files that only their owner may read.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEY": lambda: Fernet.generate_key().decode(),
}


def read(folder: Path, name: str) -> str:
    """Return the key, or "" if none was made. Raise ImproperlyConfigured if it cannot be read."""
    try:
        return (folder / name.lower()).read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ImproperlyConfigured(f"{name} cannot be read from {error.filename}: {error.strerror}.") from None


def make_missing(folder: Path) -> None:
    """Make the keys that neither the environment nor the folder has. Raise ImproperlyConfigured if that fails."""
    missing = [name for name in MAKERS if not os.environ.get(name) and not (folder / name.lower()).exists()]
    try:
        for name in missing:
            folder.mkdir(exist_ok=True)
            _write(folder / name.lower(), MAKERS[name]())
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot write to {folder}: {error.strerror}: {error.filename}") from None


def _write(path: Path, text: str) -> None:
    """Write the key whole or not at all: two commands may start at once, and the first to finish wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
