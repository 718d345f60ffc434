"""All settings. Every value a site may choose comes from the environment and is documented where it stands.

A wrong value raises ImproperlyConfigured with the variable's name; `manage.py` shows it as one line.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dj_database_url
import django_stubs_ext
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv
from redis.backoff import NoBackoff
from redis.retry import Retry

from voiceproject import embedded_postgres, local_keys
from voiceproject.admin_look import UNFOLD as UNFOLD
from voiceproject.cores import share_of_core

# ONNX Runtime, which hears where speech begins, would tell its maker of every process that loads it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

django_stubs_ext.monkeypatch()  # lets ModelForm[Conversation] and its like, which the type checker wants, run

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
Number = TypeVar("Number", int, float)


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool) -> bool:
    value = env(name, str(default)).lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; use true or false.")
    return value in {"true", "1", "yes"}


def env_number(name: str, kind: Callable[[str], Number], default: Number, lowest: Number, highest: Number) -> Number:
    try:
        value = kind(env(name, str(default)))
    except ValueError:
        value = highest + 1
    if not lowest <= value <= highest:
        whole = "a whole number" if kind is int else "a number"
        raise ImproperlyConfigured(f"{name} is {env(name)!r}; use {whole} from {lowest} to {highest}.")
    return value


def env_int(name: str, default: int, lowest: int = 0, highest: int = 2**31 - 1) -> int:
    return env_number(name, int, default, lowest, highest)


def env_float(name: str, default: float, lowest: float = 0.0, highest: float = 1e9) -> float:
    return env_number(name, float, default, lowest, highest)


def env_choice(name: str, choices: tuple[str, ...], default: str) -> str:
    value = env(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; use one of: {', '.join(c for c in choices if c)}.")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


def env_url(name: str, *schemes: str) -> str:
    """The value itself is not repeated in the complaint: an address may hold a password."""
    value = env(name)
    if value and urlsplit(value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return value


def env_file(name: str) -> str:
    if (path := env(name)) and not os.access(path, os.R_OK):
        raise ImproperlyConfigured(f"{name} is {path!r}, which cannot be read.")
    return path


def env_json(name: str) -> dict[str, Any]:
    try:
        value = json.loads(env(name, "{}"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} is no JSON object.")  # it may hold a secret, so it is not repeated
    return value


def env_origins(name: str) -> list[str]:
    for origin in (origins := env_list(name)):
        if urlsplit(origin).scheme not in ("http", "https"):
            raise ImproperlyConfigured(f"{name} holds {origin!r}; write each with its scheme: https://example.com.")
    return origins


def env_key(name: str) -> str:
    if key := env(name) or local_keys.read(VAR_DIR, name):
        return key
    raise ImproperlyConfigured(f"{name} is not set. See .env.example for how to make one.")


def env_fernet_keys(name: str) -> str:
    keys = env_key(name)
    try:
        [Fernet(key.strip()) for key in keys.split(",")]
    except ValueError:
        raise ImproperlyConfigured(f"{name} is no Fernet key: 32 random bytes in URL-safe base64.") from None
    return keys


def env_database(name: str) -> dict[str, Any]:
    if not (url := env(name)):
        if not embedded_postgres.is_installed():
            raise ImproperlyConfigured(f"{name} is not set: postgres://user:password@host:5432/database")
        url = embedded_postgres.url(VAR_DIR / "postgres")
    try:
        database: dict[str, Any] = {**dj_database_url.parse(url, conn_health_checks=True)}
    except ValueError:
        database = {}
    if database.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{name} is not of the form postgres://user:password@host:5432/database")
    return database


# A file of NAME=value lines, for development; what the environment already has goes first.
load_dotenv(BASE_DIR / env("ENV_FILE", ".env"))

# Where the site listens. Any free port: 0.
HOST = env("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, highest=65535)

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

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "servestatic",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "csp",
    "allauth",
    "allauth.account",
    "accounts",
    "conversations",
    "voiceproject",
]

MIDDLEWARE = [
    "voiceproject.headers.policies",
    "corsheaders.middleware.CorsMiddleware",
    "conversations.api.middleware.APIMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "voiceproject.headers.no_store",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "voiceproject.csp.SitePolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "voiceproject.requests.OfUserMiddleware",
]

ROOT_URLCONF = "voiceproject.urls"
ASGI_APPLICATION = "voiceproject.asgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Postgres: postgres://user:password@host:5432/database. Unset: the embedded one, under var/, which manage.py starts.
DATABASES = {"default": env_database("DATABASE_URL")}
# A server whose machine or network is gone, without a word, is found out within half a minute. TCP alone takes hours.
for name, seconds in {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}.items():
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault(name, seconds)
DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 30_000)
# Every request and every store call runs in a thread of its own; the pool keeps their connections few and warm.
DATABASES["default"]["ENGINE"] = "voiceproject.database"
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    # Connections that one process may hold. Requests hold half of them at most; the rest is for live conversations.
    "max_size": env_int("DATABASE_POOL_SIZE", 20, lowest=2, highest=1000),
    # How long a caller waits for a free one before it fails.
    "timeout": 10,
    # Until an attempt to connect starts anew. Between its tries the pool waits ever longer, up to the default of 300 s,
    # and would find a database that was gone for 40 s another 23 s late; so it is a second.
    "reconnect_timeout": 2,
}

# Where the last words of calls are kept that cannot be stored since the database is away, until it is back: a folder
# that outlives the process, and a bound on what it holds.
SPOOL_DIR = Path(env("SPOOL_DIR", str(VAR_DIR / "spool")))
SPOOL_MAX_BYTES = env_int("SPOOL_MAX_MB", 500, lowest=1, highest=1_000_000) * 1_000_000

# Redis: redis://host:6379/0. Needed when more than one process serves the site; without it one process uses its memory.
REDIS_URL = env_url("REDIS_URL", "redis", "rediss", "unix")
if REDIS_URL:
    CACHES = {
        # While Redis is away each process has its own in memory. It is found gone at once, or within half a second.
        "default": {
            "BACKEND": "voiceproject.shared_cache.SharedCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 1)},
        },
        # A look-up that takes longer than this is given up by its caller, and must not hold a thread for long.
        "speech": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "speech",
            "OPTIONS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.5, "retry": Retry(NoBackoff(), 0)},
        },
    }
    # It waits 5 s for a message at a time, which is no silence of Redis yet.
    layer_host = {"address": REDIS_URL, "socket_timeout": 10, "socket_connect_timeout": 2}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [layer_host]}}
    }
else:
    CACHES = {
        "default": {"BACKEND": "voiceproject.bounded_cache.BoundedCache"},
        "speech": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "speech",
            "OPTIONS": {
                "MAX_ENTRIES": 2**31
            },  # its own number of places bounds it, see conversations/session/speech_cache.py
        },
    }
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# Short clauses that were spoken before, such as “Sure,”, and what was heard within the last minutes: the most that they
# take of the process's memory, or of Redis. 0 keeps nothing.
SPEECH_CACHE_MB = env_int("SPEECH_CACHE_MB", 64, highest=100_000)

# The mail server. Unset: mail is printed on the terminal of a local site, and dropped by an HTTPS one, whose log must
# not hold the links that let people in.
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = env_int("EMAIL_PORT", 587, lowest=1, highest=65535)
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL", EMAIL_PORT == 465)
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", EMAIL_PORT == 587 and not EMAIL_USE_SSL)  # STARTTLS
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured("EMAIL_USE_TLS and EMAIL_USE_SSL are both on; the mail server speaks one of them.")
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = f"django.core.mail.backends.{'dummy' if HTTPS else 'console'}.EmailBackend"
if EMAIL_HOST:
    EMAIL_BACKEND = "voiceproject.mail.EmailBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", "Voiceproject <voiceproject@localhost>")

# debug, info, warning or error. access lines have neither query strings nor whole one-time links.
LOG_LEVEL = env_choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info").upper()
ACCESS_LOG = env_bool("ACCESS_LOG", False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "voiceproject.log_lines.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {
        "terminal": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["terminal"], "level": "WARNING"},
    "loggers": {
        "voiceproject": {"level": LOG_LEVEL},
        # Who came in or was refused, what was done to accounts and keys: docs/security-log.md. LOG_LEVEL leaves it.
        "voiceproject.security": {"level": "INFO"},
        "voiceproject.access": {"level": "INFO" if ACCESS_LOG else "WARNING"},
        "accounts": {"level": LOG_LEVEL},
        "conversations": {"level": LOG_LEVEL},
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # Strangers who try host names are no news.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
    },
}

# Lets Prometheus read /metrics, with "Authorization: Bearer" and this value. Unset: there is no such page. Each process
# tells its own numbers, so scrape each, past whatever shares the load out.
METRICS_TOKEN = env("METRICS_TOKEN")

# A folder in which each call leaves a recording that `manage.py replay` plays: docs/debugging.md. It holds all that was
# said, as words, and with the second also as sound. Unset: nothing is recorded. Once the folder holds the third, in MB,
# no more is recorded until somebody makes room.
RECORD_DIR = env("VOICE_RECORD_DIR")
RECORD_SOUND = env_bool("VOICE_RECORD_SOUND", False)
RECORD_MAX_BYTES = env_int("VOICE_RECORD_MAX_MB", 1_000, lowest=1, highest=1_000_000) * 1_000_000

# Who may make an account: anybody, those invited, or nobody.
SIGN_UP = env_choice("SIGN_UP", ("open", "invitation", "closed"), "open")
# Where users may point an OpenAI-compatible base_url of their own: public addresses, any (also this machine and its
# private network), or none.
USER_BASE_URLS = env_choice("USER_BASE_URLS", ("public", "any", "none"), "public")

# Accounts (django-allauth): e-mail and password, no user name.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.InvitedSignupForm",
    "login": "accounts.entrance_forms.LoginForm",
    "add_email": "accounts.entrance_forms.AddEmailForm",
    "reset_password": "accounts.entrance_forms.ResetPasswordForm",
    "request_login_code": "accounts.entrance_forms.RequestLoginCodeForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_HOST else "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Voiceproject] "
ACCOUNT_EMAIL_NOTIFICATIONS = bool(EMAIL_HOST)  # tells the owner of a changed password or address
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # the password again before an address is changed: it can reset the password
# How long that counts before it is asked for again, also for API keys and provider keys.
ACCOUNT_REAUTHENTICATION_TIMEOUT = env_int("REAUTHENTICATION_SEC", 300, lowest=30, highest=86_400)
ACCOUNT_LOGIN_BY_CODE_ENABLED = True  # the way in while others' wrong passwords have the account slowed
# allauth's own rate limits are on, but for those by recipient, which let anybody use up somebody else's: the site
# counts wrong passwords and mails itself, see accounts/throttles.py.
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip", "request_login_code": "20/m/ip", "login_failed": None}
# Mails to people without an account here (that there is none, or to verify an address) in an hour, whoever asks.
STRANGER_MAILS_PER_HOUR = env_int("STRANGER_MAILS_PER_HOUR", 200, lowest=1, highest=1_000_000)
# How long an invitation's link is good for.
INVITATION_DAYS = env_int("INVITATION_DAYS", 14, lowest=1, highest=365)
# What other apps do before users are deleted: functions of a queryset of them.
USER_DELETION_STEPS = ["conversations.storage.deletion.delete_conversations_of"]

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

# The site's own credentials, for users who have none of theirs. A compatible server (vLLM, Ollama, a Whisper server)
# needs OPENAI_BASE_URL, such as http://10.0.0.5:8080/v1, and often no key.
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_API_KEY = env("OPENAI_API_KEY")
OPENAI_BASE_URL = env_url("OPENAI_BASE_URL", "http", "https")
# For Google's text to speech: a service account's JSON file, or an API key.
GOOGLE_APPLICATION_CREDENTIALS = env_file("GOOGLE_APPLICATION_CREDENTIALS")
GOOGLE_API_KEY = env("GOOGLE_API_KEY")
# Another address of it, such as a regional one; http:// is a plaintext gRPC channel, for tests.
GOOGLE_TTS_ENDPOINT = env("GOOGLE_TTS_ENDPOINT")

# How long an engine may take to its first byte, and between two pieces.
ENGINE_TIMEOUT_SEC = env_float("ENGINE_TIMEOUT_SEC", 15.0, lowest=1.0, highest=300.0)
# Engines of assistants that name none: openai, google (TTS only), openai-realtime (TTS only: a Realtime model that
# reads aloud) or demo. Unset: the best that has a credential. The models are those of OpenAI or of the compatible
# server at OPENAI_BASE_URL.
TTS_ENGINE = env_choice("TTS_ENGINE", ("", "openai", "openai-realtime", "google", "demo"), "")
TTS_VOICES = {"openai": "marin", "openai-realtime": "marin", "google": "en-US-Chirp3-HD-Kore", "demo": "en-us"}
# The voice of that engine; of Google where it begins like en-US-, else of OpenAI, where TTS_ENGINE is unset.
if TTS_VOICE := env("TTS_VOICE"):
    is_googles = re.match(r"[a-z]{2,3}-[A-Z]{2}-", TTS_VOICE)
    for name in (TTS_ENGINE,) if TTS_ENGINE else ("google",) if is_googles else ("openai", "openai-realtime"):
        TTS_VOICES[name] = TTS_VOICE
# The model of that engine. Where TTS_ENGINE is unset, a Realtime model is one of openai-realtime, and any other one of
# openai, which then goes before openai-realtime.
TTS_MODELS = {
    "openai": "gpt-4o-mini-tts",
    "openai-realtime": "gpt-realtime-2.1-mini",
    "google": "",
    "demo": "espeak-ng",
}
if TTS_MODEL := env("TTS_MODEL"):
    TTS_MODELS[TTS_ENGINE or ("openai-realtime" if "realtime" in TTS_MODEL else "openai")] = TTS_MODEL
    if not TTS_ENGINE and "realtime" not in TTS_MODEL:
        del TTS_MODELS["openai-realtime"]
# The model that hears while one speaks, over a WebSocket; `none` leaves it to STT_MODEL, which hears what was said.
# Unset: gpt-live-transcribe at OpenAI's own servers, and none at a compatible one, as few have such a WebSocket. A name
# is one of the server at OPENAI_BASE_URL. A server that a user named is asked for none; neither is one for an assistant
# that names a model of its own, unless it is this very one.
STT_STREAM_MODEL = env("STT_STREAM_MODEL")
STT_STREAM_MODELS = {} if STT_STREAM_MODEL == "none" else {OPENAI_URL: "gpt-live-transcribe"}
if STT_STREAM_MODEL and STT_STREAM_MODEL != "none":
    STT_STREAM_MODELS[(OPENAI_BASE_URL or OPENAI_URL).rstrip("/")] = STT_STREAM_MODEL
ENGINES = {
    "stt": {
        "engine": env_choice("STT_ENGINE", ("", "openai", "demo"), ""),
        "model": {"openai": env("STT_MODEL", "gpt-transcribe"), "demo": "pocketsphinx"},
        "stream_model": STT_STREAM_MODELS,  # by base URL
    },
    "llm": {
        "engine": env_choice("LLM_ENGINE", ("", "openai", "demo"), ""),
        "model": {"openai": env("LLM_MODEL", "gpt-6-luna"), "demo": "eliza"},
        # none, minimal, low, medium, high, or what else the model knows. Unset: none for OpenAI's own models, which
        # answers soonest, and nothing for compatible servers, which may not know it.
        "reasoning_effort": env("LLM_REASONING_EFFORT"),
    },
    "tts": {
        "engine": TTS_ENGINE,
        "model": TTS_MODELS,
        "voice": TTS_VOICES,
    },
    # Only for assistants that ask for it.
    "s2s": {
        "engine": "",
        "model": {"openai": env("S2S_MODEL", "gpt-realtime-2.1")},
        "voice": {"openai": TTS_VOICES["openai-realtime"]},
    },
}

# Bounds of the socket at /v1/realtime.
REALTIME: dict[str, int] = {
    # Live conversations in one process; further callers are told that the server is busy.
    # Unset: 40, which is what one core holds when all of them talk, and one process uses one core; fewer where the
    # process may use but a part of one. See voiceproject/cores.py.
    "MAX_SESSIONS": env_int("MAX_SESSIONS", max(1, round(40 * share_of_core())), lowest=1, highest=10_000),
    # Newcomers are told that the server is busy, however few there are, while the event loop is later than this on the
    # average of a second: those who talk wait as long at every step.
    "MAX_LOOP_LAG_MS": env_int("MAX_LOOP_LAG_MS", 250, lowest=10, highest=60_000),
    "MAX_SESSIONS_PER_USER": env_int("MAX_SESSIONS_PER_USER", 10, lowest=1, highest=10_000),
    # One session at the longest; a client connects again to go on.
    "MAX_SESSION_SEC": env_int("MAX_SESSION_SEC", 3600, lowest=60, highest=86_400),
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

# The tools that models call.
TOOLS = {
    # How long one of the site's may take; each MCP server has a limit of its own.
    "TIMEOUT_SEC": env_float("TOOL_TIMEOUT_SEC", 10.0, lowest=0.1, highest=300.0),
    # Of what a tool says, the most that the model is shown: all of it is input, turn after turn.
    "OUTPUT_CHARS": env_int("TOOL_OUTPUT_CHARS", 10_000, lowest=100, highest=1_000_000),
    # In which tools run that are no coroutines.
    "THREADS": env_int("TOOL_THREADS", 8, lowest=1, highest=100),
}

# Serve what collectstatic gathered, under names that change with the content, compressed and cached for ever (the
# image does). Off: straight from static/, as it is edited.
STATIC_HASHED = env_bool("STATIC_HASHED", False)
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Where collectstatic gathers them.
STATIC_ROOT = Path(env("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = not STATIC_HASHED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "voiceproject.static_files.HashedStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
    # Where the sound goes: Postgres, or any Django storage by its dotted path (django-storages' S3, say), with its
    # options as a JSON object. Clips that are stored already stay where they are: move them before you change it.
    "clips": {
        "BACKEND": env("CLIPS_STORAGE", "conversations.storage.clip_storage.PostgresStorage"),
        "OPTIONS": env_json("CLIPS_STORAGE_OPTIONS"),
    },
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
