"""Bounds of live conversations, of tools and of the HTTP API."""

from voiceproject.server.cpu_quota import read_core_share
from voiceproject.server.worker_count import read_worker_count
from voiceproject.settings.env import env_float, env_int, env_origins

# Bounds of the socket at /v1/realtime.
REALTIME: dict[str, int] = {
    # Live conversations in one process; further callers are told that the server is busy.
    # Unset: 40, which is what one core holds when all of them talk, and one process uses one core; fewer where the
    # process may use but a part of one. See voiceproject/server/cpu_quota.py.
    "MAX_SESSIONS": env_int(
        "MAX_SESSIONS", max(1, round(40 * read_core_share(workers=read_worker_count()))), lowest=1, highest=10_000
    ),
    # Newcomers are told that the server is busy, however few there are, while the event loop is later than this on the
    # average of a second: those who talk wait as long at every step.
    "MAX_LOOP_LAG_MS": env_int("MAX_LOOP_LAG_MS", 250, lowest=10, highest=60_000),
    "MAX_SESSIONS_PER_USER": env_int("MAX_SESSIONS_PER_USER", 10, lowest=1, highest=10_000),
    # One session at the longest; a client connects again to go on.
    "MAX_SESSION_SEC": env_int("MAX_SESSION_SEC", 3600, lowest=60, highest=86_400),
    # How long a session goes on for a client that has lost its connection and may come back to it. 0: not at all.
    "RESUME_SEC": env_int("RESUME_SEC", 30, highest=600),
    # What of a long conversation the model is shown, about, in tokens; its oldest items are left out first.
    "CONTEXT_TOKENS": env_int("LLM_CONTEXT_TOKENS", 28_000, lowest=500, highest=2_000_000),
    # Responses of one session in a minute; further ones fail and say so.
    "MAX_RESPONSES_PER_MIN": env_int("MAX_RESPONSES_PER_MIN", 60, lowest=1, highest=10_000),
    # Threads that store what sessions say; each holds a database connection while it writes.
    "DB_THREADS": env_int("DB_THREADS", 8, lowest=1, highest=100),
}

# From the end of speech to the first sound of the reply, whichever engine is slow; then the response fails. While a
# tool of the site runs the time stands still: it has a limit of its own.
TURN_BUDGET_SEC = env_float("TURN_BUDGET_SEC", 12.0, lowest=1.0, highest=300.0)
# While the model thinks it stands still, too, for so long at most; 0: what it thinks is part of the budget.
THINKING_SEC = env_float("THINKING_SEC", 60.0, lowest=0.0, highest=600.0)
# After so much silence a word bridges it ("One moment."); 0 says nothing.
FILLER_AFTER_SEC = env_float("FILLER_AFTER_SEC", 3.0, lowest=0.0, highest=60.0)

# The tools that models call.
TOOLS = {
    # How long one of the site's may take; each MCP server has a limit of its own.
    "TIMEOUT_SEC": env_float("TOOL_TIMEOUT_SEC", 10.0, lowest=0.1, highest=300.0),
    # Of what a tool says, the most that the model is shown: all of it is input, turn after turn.
    "OUTPUT_CHARS": env_int("TOOL_OUTPUT_CHARS", 10_000, lowest=100, highest=1_000_000),
    # In which tools run that are no coroutines.
    "THREADS": env_int("TOOL_THREADS", 8, lowest=1, highest=100),
}

# A spoken turn over HTTP: the largest sound file.
TURN_MAX_BYTES = env_int("TURN_MAX_MB", 25, lowest=1, highest=50) * 1_000_000

# Requests under way at once. What comes beyond them waits, and is refused after some seconds. Answers count until they
# are read.
REQUESTS_AT_ONCE = {
    "USER": env_int("REQUESTS_AT_ONCE_PER_USER", 16, lowest=1, highest=1000),
    "ADDRESS": env_int("REQUESTS_AT_ONCE_PER_ADDRESS", 128, lowest=1, highest=1000),
}

# Wrong API keys and client secrets that one address may show to a process in a minute; then it is refused unlooked at,
# but for keys that were right lately.
WRONG_KEYS_PER_MIN = env_int("WRONG_KEYS_PER_MIN", 30, lowest=1, highest=1_000_000)

# Requests that one user may make of the HTTP API in a minute.
API_REQUESTS_PER_MIN = env_int("API_REQUESTS_PER_MIN", 600, lowest=1, highest=1_000_000)
# Other sites whose pages may use the API from the browser, with their visitors' keys or client secrets: origins such as
# https://app.example.com, with commas. Unset: none may use it over HTTP, and any may connect to the socket with a key.
API_ALLOWED_ORIGINS = env_origins("API_ALLOWED_ORIGINS")
CORS_ALLOWED_ORIGINS = API_ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/v1/"
CORS_ALLOW_HEADERS = ["*", "authorization"]  # the star is for all others; credentials are none, so it counts
CORS_EXPOSE_HEADERS = [
    *(f"x-ratelimit-{name}-requests" for name in ("limit", "remaining", "reset")),
    *(f"x-{name}-id" for name in ("conversation", "input-item", "response", "output-item")),
]
