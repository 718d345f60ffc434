"""`python -m tests.support.chaos.probed_site run`: the site, which tells what it holds twice a second in PROBE_FILE."""

import asyncio
import gc
import json
import os
import sys
import threading
import time
from pathlib import Path

import django

import manage

EVERY_SEC = 0.5


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Write the numbers for ever."""
    file, draft = Path(os.environ["PROBE_FILE"]), Path(os.environ["PROBE_FILE"] + ".new")
    while True:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        held = {
            "memory_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
            "files": len(os.listdir("/proc/self/fd")),
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks(loop)),
            "objects": len(gc.get_objects()),
        }
        draft.write_text(json.dumps(held))
        draft.rename(file)
        time.sleep(EVERY_SEC)


if __name__ == "__main__":
    manage.prepare(sys.argv[1])
    django.setup()
    from conversations.transport import admission

    start = admission.start

    def start_and_watch() -> None:
        start()
        threading.Thread(target=watch, args=(asyncio.get_running_loop(),), daemon=True).start()

    admission.start = start_and_watch
    manage.main()
