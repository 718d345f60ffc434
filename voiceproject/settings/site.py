"""Where the site listens, its secrets, and how browsers and proxies reach it."""

from csp.constants import NONE, SELF

from voiceproject.server.worker_count import read_worker_count
from voiceproject.settings.env import (
    env,
    env_bool,
    env_choice,
    env_fernet_keys,
    env_int,
    env_key,
    env_list,
    env_origins,
)

# Where the site listens. Any free port: 0.
HOST = env("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, highest=65535)
# The ASGI server that runs there. With uvicorn a frame of sound takes 60 to 76 % of the CPU that it takes with Daphne.
ASGI_SERVER = env_choice("ASGI_SERVER", ("uvicorn", "daphne"), "uvicorn")
# How many processes share that port, each of which uses one core; auto: one for each core. With more than one they need
# Redis: REDIS_URL, or a server on this machine that `make run` starts beside them.
WORKERS = read_worker_count()

# Signs sessions and links. `make run` makes one in var/ when there is none; elsewhere it must be given.
SECRET_KEY = env_key("SECRET_KEY")
# Encrypts the provider keys that users save: a Fernet key, or several with commas while they are rotated (the first
# one encrypts, all decrypt). Without it those keys are lost. Made in var/ like SECRET_KEY.
FIELD_ENCRYPTION_KEY = env_fernet_keys("FIELD_ENCRYPTION_KEY")

# Shows tracebacks, with settings in them, to every visitor. Never on a site that others reach.
DEBUG = env_bool("DEBUG", False)

# The names under which the site is reached, with commas.
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
# Only where a proxy hides the name or the scheme: the origins of its pages, such as https://voice.example.com.
CSRF_TRUSTED_ORIGINS = env_origins("CSRF_TRUSTED_ORIGINS")
# How many proxies stand in front and set X-Forwarded-For and X-Forwarded-Proto. 0: those headers are not believed.
TRUSTED_PROXY_COUNT = env_int("TRUSTED_PROXY_COUNT", 0, highest=10)
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# On for every site but one on this machine: cookies only over TLS, http:// redirected, and HSTS.
HTTPS = env_bool("HTTPS", False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# How long browsers refuse plain http:// for this name; set it to 0 before you give up TLS.
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000 if HTTPS else 0)
# Off: one service has no business deciding for its whole domain, nor for ever in the browsers' own lists.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env_bool("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # the two switches above

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "media-src": [SELF, "blob:"],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
