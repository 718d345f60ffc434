"""The settings: what Django finds wrong with them, and what a site on the internet must not have."""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import run_checks

from voiceproject.doctor.address import list_public_hosts
from voiceproject.doctor.findings import Finding, Options, fine, note, problem

SHORTEST_TOKEN = 16


def check(_: Options) -> Iterator[Finding]:
    """Look at the settings."""
    found = [*_list_django_findings(), *_list_own_findings()]
    yield from found or [fine("The settings have nothing that Django or this site would warn of.")]


def _list_django_findings() -> Iterator[Finding]:
    """Yield what `manage.py check` says; of a site with HTTPS, what `check --deploy` does."""
    for message in run_checks(include_deployment_checks=settings.HTTPS):
        if not message.is_silenced():
            text = " ".join(str(message.msg).split())
            yield problem(f"{text} ({message.id})", message.hint or "Mend the setting that it names.")


def _list_own_findings() -> Iterator[Finding]:
    if settings.DEBUG and list_public_hosts():
        yield problem("DEBUG shows tracebacks, with settings in them, to every visitor.", "Set DEBUG=false.")
    if "*" in settings.ALLOWED_HOSTS:
        yield problem(
            "ALLOWED_HOSTS takes every host name, so links in mails may lead to a stranger's site.",
            "Name the site's own hosts in ALLOWED_HOSTS.",
        )
    if settings.HTTPS and settings.SIGN_UP == "open" and not settings.EMAIL_HOST:
        yield note(
            "Anybody can make an account, and no address is verified, since there is no mail server.",
            "Set EMAIL_HOST, or SIGN_UP=invitation.",
        )
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        yield problem(
            f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters, so it can be guessed.",
            "Make a long one: openssl rand -hex 24.",
        )
    if settings.RECORD_DIR:
        sound = " and their sound" if settings.RECORD_SOUND else ""
        yield note(
            f"The words{sound} of every call are recorded in {settings.RECORD_DIR}.",
            "Unset VOICE_RECORD_DIR once you have found what you were looking for.",
        )
    if settings.LOG_LEVEL == "ERROR":
        yield note("The log leaves out warnings, such as why a call failed.", "Set LOG_LEVEL=info.")
