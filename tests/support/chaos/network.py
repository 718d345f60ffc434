"""A network namespace beside this one, and the link between both, which can be taken down. Linux only, and for root."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PREFIX = "10.213.77"  # of the two addresses
RUN_MODULE = (
    "import django, runpy, sys; django.setup(); del sys.argv[0]; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)
HOST_ADDRESS, OTHER_ADDRESS = f"{PREFIX}.1", f"{PREFIX}.2"


class NotPermittedError(Exception):
    """This machine lets nobody make networks."""


@dataclass(frozen=True, slots=True)
class Network:
    """`name` is that of the namespace; HOST_ADDRESS reaches this machine from there."""

    name: str

    def start(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a module of Python inside, which may import models."""
        command = ["ip", "netns", "exec", self.name, sys.executable, "-c", RUN_MODULE, module, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def set_link(self, *, up: bool) -> None:
        """Take the link up or down, as a lost wireless network does it to a device."""
        _run("-n", self.name, "link", "set", f"{self.name}b", "up" if up else "down")


@contextmanager
def make_network() -> Iterator[Network]:
    """Make a namespace and a link to it, or raise NotPermittedError."""
    name = f"vp{os.getpid()}"
    if shutil.which("ip") is None:
        raise NotPermittedError("there is no `ip`")
    try:
        _run("netns", "add", name)
        _run("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        _run("addr", "add", f"{HOST_ADDRESS}/30", "dev", f"{name}a")
        _run("link", "set", f"{name}a", "up")
        _run("-n", name, "addr", "add", f"{OTHER_ADDRESS}/30", "dev", f"{name}b")
        _run("-n", name, "link", "set", f"{name}b", "up")
        yield Network(name)
    finally:
        subprocess.run(["ip", "link", "del", f"{name}a"], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)


def _run(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise NotPermittedError(done.stderr.strip())
