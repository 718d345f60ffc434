"""The AsyncAPI document names what the socket tells and takes, and its references lead somewhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.test import Client

from conversations.api.documents import asyncapi
from conversations.realtime.protocol import client_events
from tests.support.realtime.wire import SHAPES

REALTIME = Path(client_events.__file__).parents[1]
NOT_READ = ("beta.py", "relay")  # the other dialect; what an upstream tells
WORD = "[a-z_]+"
# In the code, and yet not told to a client of this dialect.
NOT_TOLD = {"conversation.item.created"}


def list_patterns(path: Path) -> Iterator[str]:
    """Yield every text of a module as a pattern.

    What an f-string takes in may be any word, or one of the module's texts.
    """
    tree = ast.parse(path.read_text())
    texts: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            texts |= {target.id: node.value.value for target in node.targets if isinstance(target, ast.Name)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in inner:
            yield re.escape(part.value)
        elif isinstance(part, ast.JoinedStr):
            yield "".join(_build_pattern(one, texts) for one in part.values)


def _build_pattern(part: ast.expr, texts: dict[str, object]) -> str:
    if isinstance(part, ast.Constant):
        return re.escape(str(part.value))
    value = part.value if isinstance(part, ast.FormattedValue) else None
    known = texts.get(value.id) if isinstance(value, ast.Name) else None
    return re.escape(known) if isinstance(known, str) else WORD


def test_all_that_the_code_tells_and_nothing_else() -> None:
    files = [path for path in REALTIME.rglob("*.py") if not {path.name, path.parent.name} & set(NOT_READ)]
    patterns = {pattern for path in files for pattern in list_patterns(path)}
    telling = [pattern for pattern in patterns if re.search("[a-z]", pattern.replace(WORD, ""))]
    any_of_them = re.compile("|".join(telling))
    told = {name for name in SHAPES if any_of_them.fullmatch(name)}
    assert set(asyncapi.SERVER_EVENTS) == told - NOT_TOLD


def test_it_is_served(client: Client) -> None:
    answer = client.get("/v1/asyncapi.json").json()
    assert answer["asyncapi"] == "3.0.0"
    assert answer["servers"]["site"]["host"] == "testserver"
    assert answer["channels"]["realtime"]["address"] == "/v1/realtime"
    heard = {ref["$ref"].rpartition("/client.")[2] for ref in answer["operations"]["hear"]["messages"]}
    assert heard == {"session.update", client_events.APPEND, *client_events.SHAPES}


def test_every_reference_leads_somewhere() -> None:
    document = {**asyncapi.build_document(), "servers": {}}
    refs = set(_list_refs(document))
    assert refs
    for ref in refs:
        found: Any = document
        for key in ref.removeprefix("#/").split("/"):
            found = found[key]


def _list_refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref" and isinstance(value, str))
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        yield from _list_refs(inner)
