"""How long a test waits for what another process does."""

import os

PATIENCE_SEC = 20.0


def stretch(sec: float = PATIENCE_SEC) -> float:
    """Return so many seconds, as many times over as there are processes for each core just now.

    On a machine that others keep busy all takes that much longer. On a quiet one nothing waits longer for it.
    """
    return sec * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
