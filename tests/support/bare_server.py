"""The site's ASGI servers without the site: with an application of a few lines, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tests.support.live import ROOT

NAMES = ("uvicorn", "daphne")
BEGIN = """
import sys
from importlib import import_module

from voiceproject.server import connection_bounds, process

server = import_module(f"voiceproject.server.{sys.argv[1]}_server")
"""
END = """
listener = process.bind("127.0.0.1", 0)
port = listener.getsockname()[1]
server.serve(listener, application, lambda: print(port, flush=True))
"""


@contextmanager
def run_bare_server(name: str, program: str) -> Iterator[tuple[int, IO[str]]]:
    """Run a server with a program that defines `application`; its port, and what it prints."""
    command = [sys.executable, "-c", BEGIN + program + END, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.stdout
        finally:
            process.kill()
