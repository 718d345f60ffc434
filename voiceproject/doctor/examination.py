"""The whole examination: each area in order, with a guard around it, and no secret in what is said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from voiceproject.doctor import (
    address,
    clips,
    configuration,
    database,
    folders,
    mail_server,
    program,
    providers,
    redis_server,
    stored,
)
from voiceproject.doctor.findings import Check, Finding, Level, Options, note, problem

FIRST: dict[str, Check] = {
    "Program": program.check,
    "Settings": configuration.check,
    "Address": address.check,
    "Redis": redis_server.check,
    "Mail": mail_server.check,
    "Disks": folders.check,
    "Database": database.check,
}
WITH_TABLES: dict[str, Check] = {"Stored": stored.check, "Sound": clips.check, "Engines": providers.check}
SHORTEST_SECRET = 6  # anything shorter stands in too many words
SECRET_WORDS = ("key", "secret", "password", "token")


@dataclass(frozen=True, slots=True)
class Area:
    """What was found in one part of the site."""

    name: str
    findings: list[Finding]

    @property
    def problem_count(self) -> int:
        return sum(finding.level is Level.PROBLEM for finding in self.findings)


def examine(options: Options) -> Iterator[Area]:
    """Yield each area as soon as it was looked at."""
    for name, check in FIRST.items():
        yield _look(name, check, options)
    if database.is_usable():
        for name, check in WITH_TABLES.items():
            yield _look(name, check, options)
    else:
        names = ", ".join(WITH_TABLES).lower()
        yield Area("The rest", [note(f"Not looked at without the database: {names}.")])


def _look(name: str, check: Check, options: Options) -> Area:
    findings: list[Finding] = []
    try:
        findings.extend(check(options))
    except Exception as error:  # one area that cannot be looked at must not hide the others
        text = f"This could not be looked at: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        findings.append(problem(text, "If what is above is in order, it is a defect of the doctor: report it."))
    secrets = list_secrets()
    return Area(name, [_redact(finding, secrets) for finding in findings])


def _redact(finding: Finding, secrets: list[str]) -> Finding:
    text, advice = finding.text, finding.advice
    for secret in secrets:
        text, advice = text.replace(secret, "…"), advice.replace(secret, "…")
    return replace(finding, text=text, advice=advice)


def list_secrets() -> list[str]:
    """Return the secrets of the settings, the longest first: an error of a library may repeat one."""
    named = [
        settings.SECRET_KEY,
        *settings.FIELD_ENCRYPTION_KEY.split(","),
        settings.OPENAI_API_KEY,
        settings.GOOGLE_API_KEY,
        settings.EMAIL_HOST_PASSWORD,
        settings.METRICS_TOKEN,
        settings.DATABASES["default"].get("PASSWORD", ""),
        urlsplit(settings.REDIS_URL).password,
        *_list_secret_options(settings.STORAGES["clips"]),
    ]
    found = {str(one).strip() for one in named if one}
    return sorted((one for one in found if len(one) >= SHORTEST_SECRET), key=len, reverse=True)


def _list_secret_options(storage: Any) -> list[str]:
    return [
        value
        for name, value in storage.get("OPTIONS", {}).items()
        if isinstance(value, str) and any(word in name.lower() for word in SECRET_WORDS)
    ]
