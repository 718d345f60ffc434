"""What Django is made of here: apps, middleware, templates, static files."""

from pathlib import Path

from voiceproject.settings.env import BASE_DIR, env, env_bool

INSTALLED_APPS = [
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
    "voiceproject.http.headers.policies",
    "corsheaders.middleware.CorsMiddleware",
    "conversations.api.middleware.APIMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "voiceproject.http.headers.no_store",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "voiceproject.http.csp.SitePolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "voiceproject.http.request_handling.OfUserMiddleware",
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

# Serve what collectstatic gathered, under names that change with the content, compressed and cached for ever (the
# image does). Off: straight from static/, as it is edited.
STATIC_HASHED = env_bool("STATIC_HASHED", False)
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Where collectstatic gathers them.
STATIC_ROOT = Path(env("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = not STATIC_HASHED

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
