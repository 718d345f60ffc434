"""The dashboard and the alerts name only metrics and labels that the site has, in PromQL that can be read."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY, Gauge, Histogram

from tests.support.live import ROOT
from voiceproject.metrics import exposition

RULES = ROOT / "ops/prometheus/rules.yml"
DASHBOARD = ROOT / "ops/grafana/voiceproject.json"
FROM_PROMETHEUS = {"instance", "job", "worker"}  # and of several processes of a machine
COMMON = {"up": FROM_PROMETHEUS}


@cache
def collect_known() -> dict[str, set[str]]:
    """Return the labels of all that the site tells, by the names of the samples."""
    assert exposition.render()
    known = dict(COMMON)
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            known.setdefault(sample.name, set(FROM_PROMETHEUS)).update(sample.labels)
    for collector, names in REGISTRY._collector_to_names.items():
        labels = {*getattr(collector, "_labelnames", ()), *({"le"} if isinstance(collector, Histogram) else ())}
        for name in names:
            known.setdefault(name, set(FROM_PROMETHEUS)).update(labels)
    return known


def list_rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def list_panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def list_expressions() -> Iterator[tuple[str, str]]:
    for rule in list_rules():
        yield rule["alert"], rule["expr"]
    for panel in list_panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")


def list_selectors(expression: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def look(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), look)
    return found


def list_groupings(expression: str) -> set[str]:
    return {label.strip() for found in re.findall(r"\bby \(([^)]*)\)", expression) for label in found.split(",")}


@pytest.mark.parametrize(("name", "expression"), list(list_expressions()))
def test_each_names_what_there_is(name: str, expression: str) -> None:
    selectors, known = list_selectors(expression), collect_known()
    assert selectors, name
    labels: set[str] = set()
    for selector in selectors:
        assert selector.name in known, selector.name
        assert {matcher.name for matcher in selector.matchers.matchers} <= known[selector.name], selector
        labels |= known[selector.name]
    assert list_groupings(expression) <= labels


def test_a_wrong_name_is_found() -> None:
    """What holds the others holds."""
    assert list_selectors("rate(voiceproject_turn_total[5m]) > 1")[0].name not in collect_known()
    with pytest.raises(ValueError, match="parenthesis"):
        promql_parser.parse("sum by (le (x)")


def test_counters_are_rated_and_gauges_are_not() -> None:
    gauges = {collector._name for collector in REGISTRY._collector_to_names if isinstance(collector, Gauge)}
    assert "voiceproject_live_sessions" in gauges
    for name, expression in list_expressions():
        rated = re.findall(r"(?:rate|increase)\((\w+)", expression)
        assert not set(rated) & gauges, name
        bare = {str(selector.name) for selector in list_selectors(expression)} - set(rated)
        assert not [one for one in bare if one.endswith(("_total", "_bucket", "_count"))], name


def test_every_metric_is_shown_and_explained() -> None:
    """Whoever adds one shows it, and tells what it is."""
    shown = {str(selector.name) for _, expression in list_expressions() for selector in list_selectors(expression)}
    told = (ROOT / "docs/observability.md").read_text()
    for name in {name for name in collect_known() if name.startswith("voiceproject_")}:
        base = re.sub(r"_(bucket|count|sum|created)$", "", name)
        if name == base or f"{base}_bucket" not in collect_known():
            assert base in told, base
            variants = {base, f"{base}_total", f"{base}_bucket", f"{base}_count"}
            assert variants & shown or base.removesuffix("_total") in shown or "_spool_bytes" in base, base


def test_alerts_say_what_to_do() -> None:
    rules = list_rules()
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description"}
        named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        groupings = list_groupings(rule["expr"])
        kept = {label for one in list_selectors(rule["expr"]) for label in collect_known()[str(one.name)]}
        assert named <= (groupings or kept if "sum(" not in rule["expr"] else groupings), rule["alert"]


def test_the_dashboard_can_be_imported() -> None:
    board = json.loads(DASHBOARD.read_text())
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= board.keys()
    variables = {variable["name"] for variable in board["templating"]["list"]}
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in list_panels():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])
        used = {name for target in panel["targets"] for name in re.findall(r"\$(\w+)", target["expr"])}
        assert used <= variables | {"__rate_interval"}
        for target in panel["targets"]:
            grouped = list_groupings(target["expr"])
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= grouped, panel["title"]


def test_no_panel_lies_upon_another() -> None:
    places = [panel["gridPos"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y
