"""Runs the tests of the page's pure modules in the node that Playwright brings along."""

import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

HERE = Path(__file__).parent


def test_pure_modules() -> None:
    node, _ = compute_driver_executable()
    tests = sorted(str(path) for path in HERE.rglob("*.test.mjs"))
    run = subprocess.run([node, "--test", *tests], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
