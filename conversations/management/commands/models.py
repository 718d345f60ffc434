"""`manage.py models`: the models that hear and speak on this machine."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.local_models.errors import ModelError
from conversations.local_models.manifest import Model, load_manifest
from conversations.local_models.store import FileState, Store
from conversations.management.model_fetching import Progress, fetch_models


class Command(BaseCommand):
    requires_system_checks = []
    help = "List, fetch, check or remove the models of this site's own speech recognition and voices."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="what there is, with sizes and licences")
        for name, text in {
            "fetch": "download what is missing or damaged; without names, those of LOCAL_MODELS",
            "check": "compare each file with its hash; without names, all that are here",
            "remove": "remove these models",
        }.items():
            action = actions.add_parser(name, help=text)
            action.add_argument("names", nargs="+" if name == "remove" else "*", metavar="model")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it. Raise CommandError with what went wrong, in one line."""
        self.manifest, self.store = load_manifest(), Store(settings.LOCAL_MODELS_DIR)
        actions = {
            "list": self.list_models,
            "fetch": self.fetch_models,
            "check": self.check_models,
            "remove": self.remove_models,
        }
        try:
            actions[options["action"]](self._find_models(options.get("names", [])))
        except ModelError as error:
            raise CommandError(str(error)) from None

    def list_models(self, _: list[Model]) -> None:
        for model in self.manifest.values():
            mark = "here" if self.store.is_complete(model) else "-"
            chosen = "*" if model.name in settings.LOCAL_MODELS else " "
            size = f"{model.size_bytes / 1e6:,.0f} MB"
            self.stdout.write(f"{chosen} {model.name:<24} {mark:<5} {size:>8}  {model.licence}. {model.licence_notes}")
        self.stdout.write(f"* is fetched when no name is given (LOCAL_MODELS). Folder: {self.store.folder}")

    def fetch_models(self, models: list[Model]) -> None:
        models = models or [self.manifest[name] for name in settings.LOCAL_MODELS]
        if not models:
            self.stdout.write("Nothing to fetch: LOCAL_MODELS is none.")
        if missing := sum(model.download_bytes for model in models if not self.store.is_complete(model)):
            self.stdout.write(f"To download: {missing / 1e6:,.0f} MB.")
        if problems := fetch_models(models, self.store, Progress(self.stdout, self.stderr)):
            raise CommandError("\n".join(problems))

    def check_models(self, models: list[Model]) -> None:
        wrong = 0
        for model in models or [one for one in self.manifest.values() if (self.store.folder / one.name).is_dir()]:
            for file, state in self.store.check(model).items():
                wrong += state is not FileState.RIGHT
                self.stdout.write(f"{model.name}/{file.name}: {state.value}")
        if wrong:
            raise CommandError(f"Files that are missing or damaged: {wrong}. manage.py models fetch brings them.")

    def remove_models(self, models: list[Model]) -> None:
        for model in models:
            freed = self.store.remove(model)
            self.stdout.write(f"{model.name}: {f'removed, {freed / 1e6:,.1f} MB' if freed else 'was not here'}.")

    def _find_models(self, names: list[str]) -> list[Model]:
        unknown = [name for name in names if name not in self.manifest]
        if unknown:
            raise CommandError(f"There is no model {unknown[0]!r}. There are: {', '.join(self.manifest)}.")
        return [self.manifest[name] for name in names]
