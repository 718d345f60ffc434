"""Imports run downwards only: transport > session > {realtime, engines, storage, audio, tools} > models."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The shapes of the protocol's events, and what they raise; a parser of Markdown and the properties of characters, which
# do nothing but read text.
PURE_EXCEPTIONS = ("openai.types", "pydantic", "pydantic_core", "markdown_it", "regex")
OURS = ("accounts", "conversations", "voiceproject")
# What many rooms tell or wake.
TELLS = ("conversations.background_jobs", "conversations.loop_lag", "conversations.metrics", "conversations.tracing")
PCM = "conversations.pcm"  # the audio format, which imports nothing
CLOSE_CODES = "conversations.close_codes"  # so does this
LOCAL_CHOICE = "conversations.local_choice"
SITE_ENGINES = "conversations.site_engines"
ENGINE_NAMES = "conversations.engine_names"
LOG_CONTEXT = "voiceproject.log_context"
ENGINE_ERRORS = ("conversations.engines.engine_kinds", "conversations.engines.errors",
                 "conversations.engines.incidents", "conversations.engines.local.errors")  # fmt: skip
PURE = (PCM, "conversations.realtime", "conversations.audio")
STORED = ("accounts", "conversations.models", "conversations.storage", "conversations.history", *PURE)

BELOW_THE_SPOOL = ("changes", "clips", "leases", "saving", "store")  # of storage

# What of this project each room may import, beside itself. Whoever adds a room says here what stands below it.
ROOMS = {
    "accounts": ("voiceproject.database",),
    "accounts.outbound": (),
    "accounts.security": ("accounts.models",),
    "accounts.sign_in": ("accounts.models", "accounts.security", "voiceproject.database"),
    "accounts.provider_keys": ("accounts.models", "accounts.outbound", "accounts.security", "voiceproject.database"),
    "accounts.keys": ("accounts.connection_grants", "accounts.models", "accounts.security", "accounts.sign_in.adapter"),
    "conversations.realtime": (PCM,),
    "conversations.audio": (PCM, "conversations.realtime"),
    "conversations.local_models": (),
    "conversations.network": ("accounts",),
    "conversations.engines": ("accounts", PCM, "conversations.audio", "conversations.local_models",
                              "conversations.network"),
    "conversations.engines.local.english": (),
    "conversations.engines.local.workers": (*ENGINE_ERRORS, "conversations.engines.deadline"),
    "conversations.engines.local.whisper": (*ENGINE_ERRORS, "conversations.engines.base", PCM,
                                            "conversations.engines.local.workers", "conversations.local_models"),
    "conversations.engines.local.voices": (*ENGINE_ERRORS, "conversations.engines.base", PCM,
                                           "conversations.engines.demo.espeak", "conversations.engines.voices",
                                           "conversations.engines.local.english",
                                           "conversations.engines.local.workers", "conversations.local_models"),
    "conversations.models": ("accounts.models", "conversations.keywords", "conversations.realtime.protocol.ids"),
    "conversations.storage": (
        "accounts", CLOSE_CODES, LOCAL_CHOICE, SITE_ENGINES, "conversations.keywords", "conversations.models",
        "conversations.engines", *PURE, *TELLS, "voiceproject.database",
    ),
    "conversations.storage.clips": ("conversations.background_jobs", "conversations.models",
                                    "conversations.realtime.protocol.ids", "voiceproject.database.outages"),
    "conversations.storage.spool": ("accounts.models", "conversations.background_jobs", "conversations.models",
                                    *PURE, *(f"conversations.storage.{name}" for name in BELOW_THE_SPOOL),
                                    "voiceproject.database.outages"),
    "conversations.history": ("accounts.models", "conversations.models", "conversations.storage", *PURE,
                              "voiceproject.database"),
    "conversations.tools": (*STORED, "conversations.engines.base", "conversations.engines.untrusted_text",
                            "conversations.network", "voiceproject.database"),
    "conversations.session": ("accounts.connection_grants", CLOSE_CODES, "conversations.engines",
                              "conversations.storage", "conversations.tools", *PURE, *TELLS, LOG_CONTEXT),
    "conversations.session.dispatch": PURE,
    "conversations.session.engine_calls": (LOG_CONTEXT, "conversations.engines", "conversations.metrics",
                                           "conversations.storage.engine_selection", "conversations.storage.store",
                                           "conversations.tools", *PURE),
    "conversations.transport": ("accounts", CLOSE_CODES, "conversations.engines.errors", "conversations.session",
                                "conversations.storage", *PURE, *TELLS, LOG_CONTEXT, "voiceproject.cache.user_places",
                                "voiceproject.database.outages", "voiceproject.http.refusals"),
    "conversations.api": (*STORED, "conversations.engines.errors", "conversations.session", "conversations.transport",
                          "voiceproject"),
    "conversations.views": (*STORED, SITE_ENGINES, ENGINE_NAMES, "conversations.engines", "conversations.local_models",
                            "voiceproject.database"),
    "conversations.admin": (*STORED, "conversations.engines", "conversations.tools", "conversations.templatetags"),
    "conversations.templatetags": (ENGINE_NAMES, "conversations.history"),
    "conversations.management": (*STORED, LOCAL_CHOICE, "conversations.local_models"),
    "conversations.migrations": ("conversations.keywords", "conversations.models",
                                 "conversations.realtime.protocol.ids"),
}  # fmt: skip
# Within a room: a module, and those above it.
WITHIN = {
    "conversations.session.base": ("cascade", "s2s", "factory"),
    "conversations.session.cascade": ("s2s", "factory"),
    "conversations.session.s2s": ("cascade", "factory"),
    **{f"conversations.storage.{name}": ("spool", "recorder") for name in BELOW_THE_SPOOL},
}
DJANGO_FREE = ("conversations.realtime", "conversations.engines", "conversations.network", "conversations.audio",
               "conversations.local_models")  # fmt: skip
ORM = ("django.db.connection", "django.db.models", "django.db.transaction", "conversations.models")
ASYNC = ("conversations.session", "conversations.transport")  # whose only door to the database is `storage`


def list_imports(package: str) -> Iterator[tuple[str, str]]:
    """Yield the file and the name of every import in a module or a package, those within functions too."""
    path = ROOT.joinpath(*package.split("."))
    for file in path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
        yield from ((str(file.relative_to(ROOT)), name) for name in parse_imports(file))


@cache
def parse_imports(file: Path) -> list[str]:
    """Return the names of a file's imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(("room", "below"), ROOMS.items())
def test_imports_run_downwards(room: str, below: tuple[str, ...]) -> None:
    found = list(list_imports(room))
    assert found
    ours = [pair for pair in found if is_within(pair[1], OURS)]
    assert not [pair for pair in ours if not is_within(pair[1], (room, *below))]


def test_every_room_is_known() -> None:
    inits = [path for folders in ("*", "session/*", "storage/*", "engines/local/*")
             for path in ROOT.glob(f"conversations/{folders}/__init__.py")]  # fmt: skip
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in inits}
    assert there == {room for room in ROOMS if is_within(room, ("conversations",))}


def test_each_room_is_on_the_map() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    on_the_map = set(re.findall(r"`([^`]+)/`", "".join(rows)))
    assert {room.replace(".", "/") for room in ROOMS} <= on_the_map


def test_each_arrow_of_the_map_is_an_import() -> None:
    """Another test holds that each runs downwards."""
    diagram = (ROOT / "docs/architecture.md").read_text().partition("flowchart TD\n")[2].partition("```")[0]
    lines = [[part.split("&") for part in line.split("-->")] for line in diagram.splitlines()]
    arrows = [pair for line in lines for sides in pairwise(line) for pair in product(*sides)]
    assert len(arrows) > 10
    for arrow in arrows:
        room, below = (name.strip() if name.strip() in ROOMS else f"conversations.{name.strip()}" for name in arrow)
        assert [name for _, name in list_imports(room) if is_within(name, (below,))], f"{room} --> {below}"


@pytest.mark.parametrize(("module", "above"), WITHIN.items())
def test_imports_run_downwards_within_a_room(module: str, above: tuple[str, ...]) -> None:
    room = module.rpartition(".")[0]
    assert not [pair for pair in list_imports(module) if is_within(pair[1], tuple(f"{room}.{name}" for name in above))]


@pytest.mark.parametrize("room", sorted(ROOMS.keys() - {"accounts", *ASYNC}))
def test_only_some_rooms_import_channels(room: str) -> None:
    """They are those that tell other processes of a change, and those that hear of it."""
    assert not [pair for pair in list_imports(room) if is_within(pair[1], ("channels",))]


@pytest.mark.parametrize("room", DJANGO_FREE)
def test_sound_engines_and_decisions_know_no_django(room: str) -> None:
    assert not [pair for pair in list_imports(room) if is_within(pair[1], ("django", "channels", "accounts.models"))]


@pytest.mark.parametrize("room", ASYNC)
def test_what_is_async_has_one_door_to_the_database(room: str) -> None:
    assert not [pair for pair in list_imports(room) if is_within(pair[1], ORM)]


def test_no_test_imports_from_another() -> None:
    """What tests share is a fixture, or lies in tests/support/."""
    found = [pair for pair in list_imports("tests") if is_within(pair[1], ("tests",))]
    parts = [(file, name.split(".")) for file, name in found]
    assert not [pair for pair in parts if any(part.startswith("test_") or part == "conftest" for part in pair[1])]


def test_engines_load_without_django() -> None:
    """What they import does not load it either."""
    load_all = "import sys; from conversations.engines.registry import ENGINES, load; [load(*key) for key in ENGINES]"
    check = f"{load_all}; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0


def test_engines_load_where_nothing_local_is_installed() -> None:
    """As in the image: who asks for such an engine is told by the engine itself what is missing."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(['ctranslate2', 'hibari', 'yaml', 'espeakng_loader'])); "
    load_all = "from conversations.engines.registry import ENGINES, load; [load(*key) for key in ENGINES]"
    assert subprocess.run([sys.executable, "-c", blocked + load_all], cwd=ROOT, check=False).returncode == 0


def test_the_bench_of_foreign_text_loads_without_settings() -> None:
    """It is run by hand, and reads no table."""
    without = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-c", "import bench.foreign_text"]
    assert subprocess.run(command, cwd=ROOT, env=without, check=False).returncode == 0


def test_the_decoder_loads_nothing_of_the_site() -> None:
    """It is started for each file, and a file may be made to do harm."""
    assert not [
        pair
        for pair in list_imports("conversations.audio.decoder_process")
        if not is_within(pair[1], (*sys.stdlib_module_names, "av"))
    ]


@pytest.mark.parametrize("module", [PCM, CLOSE_CODES])
def test_what_all_may_import_imports_nothing(module: str) -> None:
    assert not list(list_imports(module))


def test_realtime_is_pure() -> None:
    allowed = (*sys.stdlib_module_names, *PURE_EXCEPTIONS, PCM, "conversations.realtime")
    assert not [pair for pair in list_imports("conversations.realtime") if not is_within(pair[1], allowed)]


def test_realtime_reads_no_clock_and_no_chance() -> None:
    """Ids come from one place, which is passed in."""
    impure = ("asyncio", "time", "random", "secrets", "logging", "threading")
    found = [pair for pair in list_imports("conversations.realtime") if is_within(pair[1], impure)]
    assert not [pair for pair in found if not pair[0].endswith("realtime/protocol/ids.py")]
