"""What the documents name is there: links, paths, classes. Whoever moves something learns where it is told of."""

import ast
import re
import subprocess

import pytest

from tests.support.live import ROOT

PAGES = sorted(["README.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
EXPLAINED = [f"docs/{name}.md" for name in ("architecture", "browser", "engines", "glossary", "storage", "turn-taking")]
TOP = ("accounts", "bench", "conversations", "deploy", "docs", "static", "templates", "tests", "voiceproject")
PLACEHOLDER = re.compile(r"NAME|[*…<{]")


def read(page: str) -> str:
    return (ROOT / page).read_text()


def find_quoted(page: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", read(page)))


def list_anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def list_tracked() -> set[str]:
    """Return each file of the repository, and each folder that holds one."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    paths = [ROOT.__class__(file) for file in files if file]
    return {str(part) for path in paths for part in (path, *path.parents)}


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)#?([^)\s]*)\)", read(page)):
            there = ((ROOT / page).parent / target) if target else ROOT / page
            if not there.exists() or (anchor and anchor not in list_anchors(there.read_text())):
                broken.append((page, target, anchor))
    assert broken == []


def test_links_are_found() -> None:
    assert list_anchors("# A b\n\n## Who calls whom in realtime/\n") == {"a-b", "who-calls-whom-in-realtime"}
    assert all("](" in read(page) for page in ("README.md", "docs/architecture.md"))


def test_paths_are_there() -> None:
    there = list_tracked()
    missing = []
    for page in PAGES:
        for quoted in find_quoted(page):
            path = quoted.partition("::")[0].rstrip("/")
            if path.partition("/")[0] in TOP and "/" in quoted and " " not in path and not PLACEHOLDER.search(path):
                missing += [(page, quoted)] * (path not in there)
    assert missing == []


@pytest.mark.parametrize("page", EXPLAINED)
def test_classes_are_there(page: str) -> None:
    diagrams = "".join(re.findall(r"(?ms)^flowchart .*?^```", read(page)))
    quoted = {name for name in find_quoted(page) if re.fullmatch(r"[A-Z]\w*[a-z]", name)}
    drawn = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", diagrams))
    defined = {
        node.name
        for path in (ROOT / "conversations").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    assert (quoted | drawn) - defined == set()
