"""Imports run downwards only: consumers > session > {realtime, engines, store} > models."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The shapes of the protocol's events, and what they raise; a parser of Markdown and the properties of characters, which
# do nothing but read text.
PURE_EXCEPTIONS = ("openai.types", "pydantic", "pydantic_core", "markdown_it", "regex")
ORM = ("django.db.connection", "django.db.models", "django.db.transaction", "conversations.models")

# A module may import nothing that starts with one of these names.
FORBIDDEN = {
    "accounts": ("conversations",),
    "conversations.engines": ("django", "channels", "voiceproject", "accounts.models", "conversations.models"),
    "conversations.models": (
        "conversations.storage.store",
        "conversations.session.cascade",
        "conversations.transport.websocket",
    ),
    "conversations.storage.store": (
        "conversations.tools",
        "conversations.session.cascade",
        "conversations.transport.websocket",
        "channels",
    ),
    "conversations.session.base": (
        "conversations.session.cascade",
        "conversations.session.s2s",
        "conversations.session.factory",
        *ORM,
    ),
    "conversations.session.factory": (
        "conversations.transport.websocket",
        "conversations.transport.admission",
        "conversations.transport.http_turn",
        *ORM,
    ),
    "conversations.session.cascade": (
        "conversations.transport.websocket",
        "conversations.session.factory",
        "conversations.session.s2s",
        *ORM,
    ),
    "conversations.session.s2s": (
        "conversations.transport.websocket",
        "conversations.session.factory",
        "conversations.session.cascade",
        *ORM,
    ),
    "conversations.transport.admission": (
        "conversations.transport.websocket",
        "conversations.api",
        "conversations.transport.http_turn",
        *ORM,
    ),
    "conversations.transport.http_turn": ("conversations.transport.websocket", "conversations.api", *ORM),
    "conversations.transport.websocket": ORM,
    "conversations.tools": ("conversations.session.cascade", "conversations.transport.websocket", "channels"),
    "conversations.views": ("conversations.session.cascade", "conversations.transport.websocket"),
    "conversations.api": ("conversations.transport.websocket", "conversations.views"),
}


def imports(package: str) -> Iterator[tuple[str, str]]:
    """(file, imported name) of every import of a module or of all modules of a package, those in functions too."""
    path = ROOT.joinpath(*package.split("."))
    files = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((str(file.relative_to(ROOT)), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{file}: a relative import"
                yield from ((str(file.relative_to(ROOT)), f"{node.module}.{alias.name}") for alias in node.names)


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(("package", "forbidden"), FORBIDDEN.items())
def test_imports_run_downwards(package: str, forbidden: tuple[str, ...]) -> None:
    found = list(imports(package))
    assert found
    assert not [pair for pair in found if is_within(pair[1], forbidden)]


def test_engines_load_without_django() -> None:
    """Not even through what they import."""
    load_all = "import sys; from conversations.engines.registry import ENGINES, load; [load(*key) for key in ENGINES]"
    check = f"{load_all}; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_the_decoder_loads_nothing_of_the_site() -> None:
    """It is started for each file, and what it reads may be made to harm."""
    assert not [
        pair
        for pair in imports("conversations.audio.decoder")
        if not is_within(pair[1], (*sys.stdlib_module_names, "av"))
    ]


def test_realtime_is_pure() -> None:
    allowed = (*sys.stdlib_module_names, *PURE_EXCEPTIONS, "conversations.realtime")
    assert not [pair for pair in imports("conversations.realtime") if not is_within(pair[1], allowed)]


def test_realtime_reads_no_clock_and_no_chance() -> None:
    """Ids come from one place, which is passed in."""
    impure = ("asyncio", "time", "random", "secrets", "logging", "threading")
    found = [pair for pair in imports("conversations.realtime") if is_within(pair[1], impure)]
    assert not [pair for pair in found if not pair[0].endswith("realtime/protocol/ids.py")]
