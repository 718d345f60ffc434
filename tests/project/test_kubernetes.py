"""The manifests of deploy/kubernetes fit together, and to the site. `make lint` compares them with their schemas."""

import re
import subprocess
from typing import Any

import yaml
from django.conf import settings

from conversations.transport.admission import DRAIN_SEC
from tests.support.live import ROOT
from voiceproject.cache.redis_address import SENTINEL_PORT

FOLDER = ROOT / "deploy/kubernetes"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS: dict[str, dict[str, Any]] = {
    name: yaml.safe_load((FOLDER / name).read_text()) for name in KUSTOMIZATION["resources"]
}
POD = MANIFESTS["deployment.yaml"]["spec"]["template"]
(WEB,) = POD["spec"]["containers"]


OUTBOUND: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted((FOLDER / "outbound").glob("*.yaml"))
}


def list_ports(policy: dict[str, Any]) -> set[int]:
    return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}


def test_what_only_some_need_is_let_out_by_a_line_and_not_before() -> None:
    """Each has a commented line in the kustomization, adds to the policy of the same pods, and is told of."""
    base = MANIFESTS["network.yaml"]
    assert list_ports(base) == {53, 443, 5432, 6379, 587}
    assert base["spec"]["policyTypes"] == ["Ingress", "Egress"]  # so that all else is denied
    text, told = (FOLDER / "kustomization.yaml").read_text(), (ROOT / "docs/scaling.md").read_text()
    for name, policy in OUTBOUND.items():
        assert f"  # - outbound/{name}.yaml\n" in text
        assert policy["spec"]["podSelector"] == base["spec"]["podSelector"]
        assert policy["spec"]["policyTypes"] == ["Egress"]
        assert not list_ports(policy) & list_ports(base)
        assert f"`{name}`" in told
    assert list_ports(OUTBOUND["sentinels"]) == {SENTINEL_PORT}
    assert list_ports(OUTBOUND["collector"]) == {4317, 4318}
    names = [policy["metadata"]["name"] for policy in (base, *OUTBOUND.values())]
    assert len(set(names)) == len(names) == 5


def test_every_manifest_is_compared_with_its_schema() -> None:
    command = ["make", "--dry-run", "lint"]
    lint = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in lint.splitlines() if "kubernetes-validate" in line]
    manifests = {str(path.relative_to(ROOT)) for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert manifests <= set(line.split())


def test_each_manifest_is_applied() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}


def test_what_selects_pods_finds_those_of_the_site() -> None:
    labels = POD["metadata"]["labels"]
    assert MANIFESTS["deployment.yaml"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["service.yaml"]["spec"]["selector"] == labels
    assert MANIFESTS["disruption.yaml"]["spec"]["selector"]["matchLabels"] == labels
    policy = MANIFESTS["network.yaml"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert [port["port"] for port in policy["ingress"][0]["ports"]] == [WEB["ports"][0]["containerPort"]]
    assert (
        MANIFESTS["autoscaling.yaml"]["spec"]["scaleTargetRef"]["name"]
        == MANIFESTS["deployment.yaml"]["metadata"]["name"]
    )


def test_turns_may_end_before_a_pod_is_killed() -> None:
    waits_sec = WEB["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["spec"]["terminationGracePeriodSeconds"] >= waits_sec + DRAIN_SEC + 15


def test_probes_are_for_the_cluster_only() -> None:
    asked = {WEB[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert asked == {"/healthz", "/readyz"}
    (rule,) = MANIFESTS["ingress.yaml"]["spec"]["rules"]
    leading = {one["path"]: one["backend"]["service"]["name"] for one in rule["http"]["paths"]}
    assert {path for path, service in leading.items() if service == "web"} == {"/"}
    assert asked | {"/metrics"} <= leading.keys()


def test_it_scales_by_a_metric_that_there_is() -> None:
    (metric,) = MANIFESTS["autoscaling.yaml"]["spec"]["metrics"]
    name = metric["pods"]["metric"]["name"]
    assert f"`{name}`" in (ROOT / "docs/observability.md").read_text()
    assert f"name: {{ as: {name} }}" in (ROOT / "docs/scaling.md").read_text()


def test_no_pod_has_more_rights_than_it_needs() -> None:
    for pod in (POD["spec"], MANIFESTS["migrate.yaml"]["spec"]["template"]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"]
        assert f"--uid {pod['securityContext']['runAsUser']} " in (ROOT / "Dockerfile").read_text()
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"]
            assert not rights["allowPrivilegeEscalation"]
            assert rights["capabilities"] == {"drop": ["ALL"]}


def test_the_settings_are_those_of_the_site() -> None:
    named = {line.partition("=")[0] for line in (FOLDER / "site.env.example").read_text().splitlines()}
    named = {name for name in named if not name.startswith("#")} | {one["name"] for one in WEB["env"]}
    table = (ROOT / "README.md").read_text().partition("## Settings")[2]
    assert named <= set(re.findall(r"`([A-Z][A-Z_0-9]+)`", table))


def test_the_spool_holds_what_the_settings_allow() -> None:
    (spool,) = [volume for volume in POD["spec"]["volumes"] if volume["name"] == "spool"]
    gibibytes = re.fullmatch(r"(\d+)Gi", spool["emptyDir"]["sizeLimit"])
    assert gibibytes
    assert int(gibibytes[1]) * 2**30 > settings.SPOOL_MAX_BYTES + settings.UTTERANCE_JOURNAL_BYTES
