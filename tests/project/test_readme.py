import re

from tests.support.live import ROOT

SETTINGS = "".join(path.read_text() for path in sorted((ROOT / "voiceproject/settings").glob("*.py")))
NAMES = {"WORKERS", *re.findall(r"env(?:_\w+)?\(\s*\"([A-Z_]+)\"", SETTINGS)}  # the first is read ahead of the settings


def test_every_setting_is_in_the_table() -> None:
    assert len(NAMES) > 40
    table = (ROOT / "README.md").read_text().partition("## Settings")[2]
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", table)) == NAMES


def test_what_it_shows_and_links_to_is_there() -> None:
    places = re.findall(r"\]\((?!https?://)([^)#]+)", (ROOT / "README.md").read_text())
    assert places
    assert [place for place in places if not (ROOT / place).exists()] == []
