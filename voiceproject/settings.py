"""All settings. Every value a site may choose comes from the environment and is documented where it stands."""

import os
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool) -> bool:
    value = env(name, str(default)).lower()
    if value not in {"true", "false", "1", "0", "yes", "no"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; use true or false.")
    return value in {"true", "1", "yes"}


def env_float(name: str, default: float) -> float:
    try:
        return float(env(name, str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {env(name)!r}; use a number.") from None


def env_choice(name: str, choices: tuple[str, ...], default: str) -> str:
    value = env(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; use one of: {', '.join(c for c in choices if c)}.")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in env(name, default).split(",") if part.strip()]


# FOUNDATION-TODO: .env loading, SECRET_KEY policy, production switches, validation: see the foundation part.
SECRET_KEY = env("SECRET_KEY", "insecure-development-key")
DEBUG = env_bool("DEBUG", False)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost")

INSTALLED_APPS = [
    "daphne",
    "unfold",
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
    "csp",
    "allauth",
    "allauth.account",
    "accounts",
    "conversations",
    "voiceproject",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
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

DATABASES = {"default": dj_database_url.parse(env("DATABASE_URL", "postgres:///voiceproject"))}

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

# Engines of the default assistant; unset: the best that has a credential.
ENGINE_TIMEOUT_SEC = env_float("ENGINE_TIMEOUT_SEC", 15.0)
ENGINES = {
    "stt": {
        "engine": env_choice("STT_ENGINE", ("", "openai", "demo"), ""),
        "model": {"openai": env("STT_MODEL", "gpt-transcribe"), "demo": "pocketsphinx"},
    },
    "llm": {
        "engine": env_choice("LLM_ENGINE", ("", "openai", "demo"), ""),
        "model": {"openai": env("LLM_MODEL", "gpt-6-luna"), "demo": "eliza"},
    },
    "tts": {
        "engine": env_choice("TTS_ENGINE", ("", "openai", "google", "demo"), ""),
        "model": {"openai": env("TTS_MODEL", "gpt-4o-mini-tts"), "google": "", "demo": "espeak-ng"},
        "voice": {
            "openai": env("TTS_VOICE", "marin"),
            "google": env("TTS_VOICE", "en-US-Chirp3-HD-Kore"),
            "demo": "en-us",
        },
    },
}

OPENAI_API_KEY = env("OPENAI_API_KEY")
OPENAI_BASE_URL = env("OPENAI_BASE_URL")
GOOGLE_APPLICATION_CREDENTIALS = env("GOOGLE_APPLICATION_CREDENTIALS")
GOOGLE_API_KEY = env("GOOGLE_API_KEY")
GOOGLE_TTS_ENDPOINT = env("GOOGLE_TTS_ENDPOINT")

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "clips": {"BACKEND": "conversations.clip_storage.PostgresStorage"},
}
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
