"""`python -m tests.support.fork_server FD`: fork a Python process for each request, with the packages imported already.

Most of what a site needs to start is the import of other people's packages, which is the same each time. Nothing of the
project's own is imported here, nor what opens a file, an event loop or a thread of its own.
"""

import gc
import json
import os
import runpy
import signal
import socket
import sys
from importlib import import_module
from select import select
from typing import Any

PACKAGES = (
    "asyncio", "django.contrib.admin.options", "django.core.management", "django.db.backends.postgresql.base",
    "psycopg_pool", "openai.types.realtime", "google.cloud.texttospeech", "av", "redis.asyncio",
    "channels_redis.core", "twisted.internet.posixbase", "autobahn.twisted.websocket", "twisted.web.http", "mcp",
    "jsonschema", "markdown_it", "httpcore2", "h11", "regex", "dotenv", "django.contrib.postgres.search",
    "uvicorn.server", "websockets.server",
)  # fmt: skip
MAX_REQUEST = 1 << 20
FDS = 3  # of each request: its output, its errors, and where to tell of the process


def serve(requests: socket.socket) -> list[str]:
    """Fork for each request until no more can come; in the process that was forked, return its arguments."""
    told: dict[int, int] = {}  # by the id of a process, where its end is told
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select([requests.fileno(), reader], [], [])
        if reader in ready:
            os.read(reader, 1024)
            tell_ends(told)
        if requests.fileno() in ready:
            message, fds, _, _ = socket.recv_fds(requests, MAX_REQUEST, FDS)
            if not message:
                sys.exit()
            *outputs, status = fds
            if pid := os.fork():
                os.write(status, f"{pid}\n".encode())
                told[pid] = status
                for fd in outputs:
                    os.close(fd)
                continue
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
            for fd in (reader, writer, status, *told.values()):
                os.close(fd)
            requests.close()
            return become(json.loads(message), *outputs)


def tell_ends(told: dict[int, int]) -> None:
    """Tell of the processes that have ended."""
    for pid in list(told):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            os.write(told[pid], f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(told.pop(pid))


def become(request: dict[str, Any], output: int, errors: int) -> list[str]:
    """Take over the folder, the environment and the outputs that were asked for, and return the arguments."""
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.close(output)
    os.close(errors)
    os.environ.clear()
    os.environ.update(request["env"])
    arguments: list[str] = request["arguments"]
    return arguments


def run(arguments: list[str]) -> None:
    """Run a module (`-m NAME …`) or a file, as Python would."""
    sys.argv = arguments[1:] if arguments[0] == "-m" else arguments
    if arguments[0] == "-m":
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    gc.disable()
    for package in PACKAGES:
        import_module(package)
    gc.freeze()  # what is imported stays: no process has to look whether it is garbage
    gc.enable()
    run(serve(socket.socket(fileno=int(sys.argv[1]))))
