"""`python -m tests.support.chaos.probed_site run`: the site, whose processes tell what they hold twice a second.

Each that serves writes a file of its own into the folder PROBE_DIR, with its number among them as its name.
"""

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import django

import manage

EVERY_SEC = 0.5


def watch(loop: asyncio.AbstractEventLoop, file: Path) -> None:
    """Write the numbers for ever."""
    draft = file.with_suffix(".new")
    while True:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        held = {
            "pid": os.getpid(),
            "memory_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
            "files": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks(loop)),
        }
        draft.write_text(json.dumps(held))
        draft.rename(file)
        time.sleep(EVERY_SEC)


def probe_workers() -> None:
    """Let the supervisor start processes that are watched like this one."""
    from voiceproject.server import supervisor

    class ProbingSupervisor(supervisor.Supervisor):
        def __init__(self, listener: Any, count: int, command: Any, *others: Any) -> None:
            super().__init__(listener, count, [sys.executable, "-m", __spec__.name, "run"], *others)

    supervisor.Supervisor = ProbingSupervisor  # type: ignore[assignment,misc]


if __name__ == "__main__":
    manage.prepare(sys.argv[1])
    django.setup()
    from conversations.transport import admission
    from voiceproject.server import worker_count

    file = Path(os.environ["PROBE_DIR"]) / f"{worker_count.read_worker_number()}.json"
    start = admission.start

    def start_and_watch() -> None:
        start()
        threading.Thread(target=watch, args=(asyncio.get_running_loop(), file), daemon=True).start()

    probe_workers()
    admission.start = start_and_watch
    manage.main()
