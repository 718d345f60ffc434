"""Text that providers and tools send: without what cannot be stored, and without what tells of an account."""

import re

# What tells of an account: its ids, and keys, even if the provider masked their middle with stars. Names of
# parameters are spared, since they have no digits. Each unbroken run of characters is searched once: a look-ahead from
# every "sk-" in it would take time quadratic in its length.
RUN = re.compile(r"[\w*-]{9,}")
ACCOUNT_PREFIX = re.compile(r"\b(?:org|proj|user|sk|ek|sess)[-_]")
ACCOUNT_FACT = re.compile(r"(?=.*[0-9A-Z]).{6,}")
MAX_DETAIL = 300  # characters of a provider's own words
MAX_SCRUBBED = 2_000  # characters of them that are searched


def make_storable(text: str) -> str:
    """Return `text` without NUL and lone surrogates: JSON can carry them, but neither UTF-8 nor Postgres can."""
    return text.replace("\0", "").encode(errors="ignore").decode()


def scrub(text: str, secret: str) -> str:
    """Return a provider's own words, shortened, without the key `secret` or anything that identifies the account."""
    plain = " ".join(make_storable(text).split())
    if secret:
        plain = plain.replace(secret, "…")
    plain = RUN.sub(_hide_account, _cut_at_word(plain))
    return plain if len(plain) <= MAX_DETAIL else plain[:MAX_DETAIL] + "…"


def _cut_at_word(text: str) -> str:
    """Return the part that is searched, cut between words: half a key would not be recognised as one."""
    return text if len(text) <= MAX_SCRUBBED else (text[:MAX_SCRUBBED].rpartition(" ")[0] + " …").strip()


def _hide_account(run: re.Match[str]) -> str:
    begun = ACCOUNT_PREFIX.search(run[0])
    if begun is None or not ACCOUNT_FACT.fullmatch(run[0], begun.end()):
        return run[0]
    return run[0][: begun.start()] + "…"
