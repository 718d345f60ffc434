"""The real models of this site's own engines, fetched once for a checkout and shared by all tests."""

import fcntl
import os
from pathlib import Path

from django.conf import settings

from conversations.local_models.fetching import fetch
from conversations.local_models.manifest import load_manifest
from conversations.local_models.sources import build_sources
from conversations.local_models.store import Store

FOLDER = Path(os.environ["TEST_MODELS_DIR"])  # set in conftest


class Quiet:
    """Hear of the progress, and say nothing."""

    def show_progress(self, what: str, done_bytes: int, total_bytes: int) -> None: ...

    def note(self, text: str) -> None: ...


def fetch_model(name: str) -> Path:
    """Return the folder of all models, with this one in it. Other workers wait while one fetches it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    model, store = load_manifest()[name], Store(FOLDER)
    with (FOLDER / ".tests").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not store.is_complete(model):
            fetch(model, store, build_sources(None, settings.HF_ENDPOINT, settings.NPM_CONFIG_REGISTRY), Quiet())
    return FOLDER
