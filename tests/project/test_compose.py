"""compose.yaml, the Dockerfile and .env.example fit together. `make lint` compares the first with its schema."""

import re
from typing import Any

import yaml

from tests.support.live import ROOT, manage

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
EXAMPLE = (ROOT / ".env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def list_mounted(service: dict[str, Any]) -> set[str]:
    return {volume.partition(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")}


def test_every_volume_is_mounted() -> None:
    mounted = set().union(*(list_mounted(service) for service in COMPOSE["services"].values()))
    assert mounted == set(COMPOSE["volumes"])


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["caddy"]


def test_the_language_model_is_there_where_it_is_asked_for() -> None:
    services = COMPOSE["services"]
    assert {name: service["profiles"] for name, service in services.items() if "profiles" in service} == {
        "ollama": ["local"]
    }
    assert {"mem_limit", "pids_limit", "healthcheck"} <= services["ollama"].keys()
    assert "ollama" not in services["web"]["depends_on"]


def test_each_variable_of_compose_is_explained() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    assert {name for name in used if not re.search(rf"^#?{name}=", EXAMPLE, re.M)} == set()


def test_the_image_has_a_folder_for_the_models() -> None:
    folder = re.search(r"LOCAL_MODELS_DIR=(\S+)", DOCKERFILE)
    assert folder
    assert f"models:{folder[1]}" in [volume.partition(" ")[0] for volume in COMPOSE["services"]["web"]["volumes"]]


def test_the_image_is_given_what_it_copies() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M)
    assert [name for names in copied for name in names.split() if f"!{name}" not in allowed] == []


def test_the_settings_for_everything_on_this_machine_hold() -> None:
    block = EXAMPLE.partition("# --- Everything on this machine")[2].partition("# ---")[0]
    env = dict(re.findall(r"^#([A-Z_]+)=(.+)$", block, re.M))
    assert env["OPENAI_BASE_URL"] == "http://ollama:11434/v1"
    assert env["COMPOSE_PROFILES"] in COMPOSE["services"]["ollama"]["profiles"]
    result = manage("check", env=env)
    assert result.returncode == 0, result.stderr
