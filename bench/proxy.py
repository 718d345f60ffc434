"""Caddy before several processes, with the Caddyfile that the project ships, but for where it finds them."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

from bench.server_process import ROOT, await_output, run_process

REPLICAS = re.compile(r"\bdynamic a \{.*?\n\t\}", re.DOTALL)
GLOBAL = re.compile(r"^\{\n", re.MULTILINE)
# Debian 12 has Caddy 2.6, which does not know it; it only matters where the file is loaded anew amid calls.
SINCE_2_7 = re.compile(r"^\s*stream_close_delay .*\n", re.MULTILINE)


@contextmanager
def run_proxy(urls: Sequence[str]) -> Iterator[str]:
    """Run Caddy before sites at these addresses, and return its own. Raise SystemExit if there is none."""
    if not (program := shutil.which("caddy")):
        raise SystemExit("There is no caddy: install Debian's package of that name.")
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Caddyfile"
        file.write_text(build_caddyfile((ROOT / "Caddyfile").read_text(), urls))
        env = {"SITE_NAME": url, "HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
        command = [program, "run", "--adapter", "caddyfile", "--config", str(file)]
        with run_process("caddy", command, env, pinned=False) as process:
            await_output(process, "(serving initial configuration)")
            yield url


def build_caddyfile(shipped: str, urls: Sequence[str]) -> str:
    """Return the file that the project ships, which finds the replicas at these addresses."""
    addresses = " ".join(urlsplit(url).netloc for url in urls)
    text, count = REPLICAS.subn(f"to {addresses}", shipped)
    text, more = GLOBAL.subn("{\n\tadmin off\n", text, count=1)
    assert (count, more) == (1, 1), "the Caddyfile is not the one that this knows"
    return SINCE_2_7.sub("", text)
