"""What those who run the site see of it: mail, logs, metrics, traces."""

from django.core.exceptions import ImproperlyConfigured

from voiceproject.settings.env import env, env_bool, env_choice, env_int, env_url
from voiceproject.settings.site import HTTPS

# The mail server. Unset: mail is printed on the terminal of a local site, and dropped by an HTTPS one, whose log must
# not hold the links that let people in.
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = env_int("EMAIL_PORT", 587, lowest=1, highest=65535)
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL", EMAIL_PORT == 465)
EMAIL_USE_TLS = env_bool("EMAIL_USE_TLS", EMAIL_PORT == 587 and not EMAIL_USE_SSL)  # STARTTLS
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured(
        "EMAIL_USE_TLS and EMAIL_USE_SSL are both on. Turn one off: the mail server speaks only one of them."
    )
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = f"django.core.mail.backends.{'dummy' if HTTPS else 'console'}.EmailBackend"
if EMAIL_HOST:
    EMAIL_BACKEND = "voiceproject.mail.EmailBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", "Voiceproject <voiceproject@localhost>")

# debug, info, warning or error. access lines have neither query strings nor whole one-time links.
LOG_LEVEL = env_choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info").upper()
ACCESS_LOG = env_bool("ACCESS_LOG", False)
# line, for people, or json, for what collects logs. Both name the conversation, turn and user by their ids, and neither
# holds a word of a conversation: docs/observability.md.
LOG_FORMAT = env_choice("LOG_FORMAT", ("line", "json"), "line")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "voiceproject.log_formatting.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
        "json": {"class": "voiceproject.log_formatting.JSONFormatter"},
    },
    "handlers": {
        "terminal": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
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

# Lets Prometheus read /metrics, with "Authorization: Bearer" and this value. Unset: there is no such page. It tells the
# numbers of one process, or of all that share the folder below; scrape each, past whatever shares the load out.
METRICS_TOKEN = env("METRICS_TOKEN")
# The folder in which several processes of one machine keep their numbers, so that each tells those of all. What starts
# them makes it anew each time: `make run WORKERS=4` does. Unset: each process keeps its own in memory.
METRICS_DIR = env("PROMETHEUS_MULTIPROC_DIR")

# Where traces of turns are sent, over HTTP as protobuf: http://collector:4318, or with its whole path. Unset: none are
# made. OpenTelemetry reads the other variables of its standard itself: OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME,
# OTEL_TRACES_SAMPLER and so on.
OTLP_ENDPOINT = env_url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http", "https") or env_url(
    "OTEL_EXPORTER_OTLP_ENDPOINT", "http", "https"
)
env_choice("OTEL_EXPORTER_OTLP_PROTOCOL", ("http/protobuf",), "http/protobuf")

# A folder in which each call leaves a recording that `manage.py replay` plays: docs/debugging.md. It holds all that was
# said, as words, and with the second also as sound. Unset: nothing is recorded. Once the folder holds the third, in MB,
# no more is recorded until somebody makes room.
RECORD_DIR = env("VOICE_RECORD_DIR")
RECORD_SOUND = env_bool("VOICE_RECORD_SOUND", False)
RECORD_MAX_BYTES = env_int("VOICE_RECORD_MAX_MB", 1_000, lowest=1, highest=1_000_000) * 1_000_000
