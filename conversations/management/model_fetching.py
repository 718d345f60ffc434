"""Fetch models while somebody watches: `manage.py models fetch`, and `manage.py run` before its first conversation."""

from collections.abc import Sequence
from contextlib import suppress

from django.conf import settings
from django.core.management.base import OutputWrapper

from conversations import local_choice
from conversations.local_models.errors import BusyError, DiskFullError, ModelError, NoNetworkError
from conversations.local_models.fetching import fetch
from conversations.local_models.manifest import Model
from conversations.local_models.sources import Sources, build_sources
from conversations.local_models.store import Store
from conversations.storage.engine_selection import is_served_by_this_machine

STEP_PERCENT = 10  # between two lines of progress where nobody watches a terminal


class Progress:
    """Tells on the outputs of a command how far a fetch is."""

    def __init__(self, stdout: OutputWrapper, stderr: OutputWrapper) -> None:
        self.stdout = stdout
        self._stderr = stderr
        self._step = ("", 0)
        self._is_line_open = False

    def show_progress(self, what: str, done_bytes: int, total_bytes: int) -> None:
        """Write over the line on a terminal, and a line at each tenth elsewhere."""
        text = f"{what}: {done_bytes / 1e6:,.1f} of {total_bytes / 1e6:,.1f} MB"
        if self.stdout.isatty():
            self._is_line_open = done_bytes < total_bytes
            self.stdout.write(f"\r{text}", ending="" if self._is_line_open else "\n")
            self.stdout.flush()
        elif (step := (what, done_bytes * 100 // total_bytes // STEP_PERCENT)) != self._step:
            self._step = step
            self.stdout.write(text)

    def note(self, text: str) -> None:
        """Tell of a source that did not serve."""
        if self._is_line_open:
            self.stdout.write("")
            self._is_line_open = False
        self._stderr.write(text)


def fetch_models(models: Sequence[Model], store: Store, progress: Progress) -> list[str]:
    """Bring the models that are missing or damaged, and return what went wrong, a line for each.

    Raise ModelError, also with one line, where the next model would fail in the same way.
    """
    sources = build_sources(settings.LOCAL_MODELS_FROM, settings.HF_ENDPOINT, settings.NPM_CONFIG_REGISTRY)
    return [problem for model in models if (problem := _fetch_one(model, store, sources, progress))]


def _fetch_one(model: Model, store: Store, sources: Sources, progress: Progress) -> str:
    try:
        is_new = fetch(model, store, sources, progress)
    except (BusyError, DiskFullError, NoNetworkError):
        raise
    except ModelError as error:
        return str(error)
    size = f"{model.size_bytes / 1e6:,.1f} MB"
    progress.stdout.write(f"{model.name}: fetched, {size}." if is_new else f"{model.name}: already here.")
    return ""


def fetch_what_this_site_needs(stdout: OutputWrapper, stderr: OutputWrapper) -> None:
    """Bring the models that hear and speak where nobody else does. Whatever goes wrong is told, and the site can start.

    Ctrl-C ends it, and what has come is kept for the next time.
    """
    kinds = [kind for kind in local_choice.KINDS if is_served_by_this_machine(kind)]
    if not (models := [model for kind in kinds for model in local_choice.list_missing_models(kind)]):
        return
    store, progress = Store(settings.LOCAL_MODELS_DIR), Progress(stdout, stderr)
    size = sum(model.download_bytes for model in models) / 1e6
    names = ", ".join(model.name for model in models)
    stdout.write(f"Fetching {names}, to hear and speak without a key: {size:,.0f} MB. Ctrl-C starts the site without.")
    try:
        problems = fetch_models(models, store, progress)
    except ModelError as error:
        problems = [str(error)]
    except KeyboardInterrupt:
        problems = ["Skipped."]
    for problem in problems:
        progress.note(f"{problem} The demo stands in; `manage.py models fetch` tries again.")
    _remove_what_is_damaged(models, store)


def _remove_what_is_damaged(models: Sequence[Model], store: Store) -> None:
    """Keep engines from files that are not what they should be. Those of a fetch that goes on elsewhere are let be."""
    for model in models:
        with suppress(ModelError):
            store.remove_damaged(model)
