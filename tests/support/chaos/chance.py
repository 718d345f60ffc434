"""The random moments and choices of the tests of chaos: CHAOS_SEED repeats those of an earlier run."""

import os
import random

SEED = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(10**9))
CHANCE = random.Random(SEED)  # noqa: S311  it is no secret
