"""The engines: whether the site's keys work, its models exist and live on, and every assistant has what it needs."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from accounts.models import User
from accounts.provider_keys.credentials import OPENAI_URL
from accounts.provider_keys.keyring import get_site_credential
from accounts.provider_keys.verification import verify_key
from conversations import site_engines
from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import KIND_NAMES, EngineKind
from conversations.models import Assistant
from conversations.storage.engine_selection import EngineSet, choose_engines_of_each
from voiceproject.doctor.findings import Finding, Options, fine, note, problem

KINDS: tuple[EngineKind, ...] = ("stt", "llm", "tts", "s2s")
OPENAI = ("openai", "openai-realtime")
WARNED_BEFORE = timedelta(days=60)
NOBODY = User(pk=0)  # has no keys, so the site's count


def check(options: Options) -> Iterator[Finding]:
    """Look at the engines of somebody who brings no key."""
    if not options.offline:
        site_engines.look_for_local_servers()
    assistants: list[Assistant | None] = list(Assistant.objects.filter(owner=None).order_by("pk"))
    chosen = choose_engines_of_each(NOBODY, assistants or [None])
    found = list(_find_gaps(assistants or [None], chosen))
    yield from found
    if options.offline:
        yield note("Keys and models were not tried (--offline).")
        return
    yield from _try_keys(chosen)


def _find_gaps(assistants: list[Assistant | None], chosen: list[EngineSet]) -> Iterator[Finding]:
    """Yield what assistants lack: a key for a provider that is named, or any engine at all."""
    said = set[str]()
    for assistant, engines in zip(assistants, chosen, strict=True):
        who = f"The assistant “{assistant.name}”" if assistant else "The site"
        for kind, spec in _list_specs(engines):
            if _lacks_key(spec) and (text := f"{KIND_NAMES[kind].lower()} is to come from {spec.provider}") not in said:
                said.add(text)
                yield problem(
                    f"{who}: {text}, and the site has no key for it.",
                    "Set OPENAI_API_KEY, or GOOGLE_APPLICATION_CREDENTIALS for google, or choose another engine.",
                )
    first = chosen[0]
    names = [KIND_NAMES[kind].lower() for kind in first.missing_kinds]
    if names:
        yield problem(
            f"Nothing serves {', '.join(names)} for people without a key of their own.",
            "Set OPENAI_API_KEY or OPENAI_BASE_URL, or let this machine do it: docs/local-models.md.",
        )
    elif first.demo_kinds:
        demo = ", ".join(KIND_NAMES[kind].lower() for kind in first.demo_kinds)
        yield note(f"The demo serves {demo}.", "A key, or models of this machine, do better: docs/local-models.md.")


def _list_specs(engines: EngineSet) -> list[tuple[EngineKind, EngineSpec]]:
    if engines.s2s:
        return [("s2s", engines.s2s)]
    return [("stt", engines.stt), ("llm", engines.llm), ("tts", engines.tts)]


def _lacks_key(spec: EngineSpec) -> bool:
    return spec.provider in (*OPENAI, "google") and not spec.api_key and not spec.base_url


def _try_keys(chosen: list[EngineSet]) -> Iterator[Finding]:
    for provider, name in {"openai": "OPENAI_API_KEY", "google": "GOOGLE_APPLICATION_CREDENTIALS"}.items():
        if credential := get_site_credential(provider):
            verdict = verify_key(provider, credential)
            if not verdict.works:
                yield problem(verdict.text, f"Mend {name}, or its base URL, and try again.")
                continue
            yield fine(verdict.text)
            if provider == "openai":
                is_own = credential.base_url.rstrip("/") in ("", OPENAI_URL)
                yield from judge_models(_list_models(chosen), verdict.models, datetime.now(UTC).date(), is_own)


def _list_models(chosen: list[EngineSet]) -> set[str]:
    """Return the models that the site's key at OpenAI, or a compatible server, is used for."""
    specs = [spec for engines in chosen for _, spec in _list_specs(engines) if spec.provider in OPENAI]
    return {name for spec in specs for name in (spec.model, spec.stream_model) if name}


def judge_models(wanted: set[str], offered: Mapping[str, str], today: date, is_own: bool) -> Iterator[Finding]:
    """Yield which of the models are not offered, or end soon.

    `offered` maps names to the day that they end, or "". `is_own` says that it is OpenAI's own server: others often
    serve models that they do not list.
    """
    for name in sorted(wanted):
        if name not in offered:
            text, advice = f"The model {name} is not among those that are offered.", "Choose another in the settings."
            yield problem(text, advice) if is_own else note(text, "Some servers do not list all they have.")
        elif end := _read_day(offered[name]):
            if end <= today:
                yield problem(f"The model {name} ended on {end}.", "Choose another in the settings or the admin.")
            elif end - today < WARNED_BEFORE:
                yield note(f"The model {name} ends on {end}.", "Choose another in the settings or the admin by then.")


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
