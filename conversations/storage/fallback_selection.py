"""Choose which engines answer in place of those that fail, in their order, and with whose credentials.

An assistant's own list comes before the site's (`STT_FALLBACK` …); with LOCAL_FALLBACK this machine ends every list.
What cannot answer is left out: an engine without a credential, or whose model is not here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.conf import settings

from accounts.models import User
from conversations import local_choice
from conversations.engines import demo
from conversations.engines.base import EngineSpec
from conversations.engines.choices import MOST_FALLBACKS, EngineChoice, list_providers
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local_servers.found import choose_model
from conversations.models import Assistant, EngineFallback
from conversations.site_engines import get_local_servers, get_site_fallbacks
from conversations.storage.engine_specs import Credentials, build_spec, pick_credential

KINDS: tuple[EngineKind, ...] = ("stt", "llm", "tts")
LOCAL = EngineChoice("local")
Lists = dict[EngineKind, tuple[EngineChoice, ...]]


def list_own_fallbacks(assistants: Iterable[Assistant | None]) -> dict[int, Lists]:
    """Return the assistants' own lists, by assistant and kind. Takes one query."""
    found: dict[int, Lists] = {}
    ids = [assistant.pk for assistant in assistants if assistant and assistant.pk]
    for row in EngineFallback.objects.filter(assistant__in=ids) if ids else ():
        lists = found.setdefault(row.assistant_id, {})
        kind = next((kind for kind in KINDS if kind == row.kind), None)
        if kind and row.provider in list_providers(kind):
            lists[kind] = (*lists.get(kind, ()), EngineChoice(row.provider, row.model, row.voice))
    return found


def choose_fallbacks(
    user: User, chosen: dict[EngineKind, EngineSpec], language: str, own: Lists, credentials: Credentials
) -> dict[EngineKind, tuple[EngineSpec, ...]]:
    """Return the engines behind the `chosen` ones, by kind; kinds without any are missing."""
    found = {
        kind: _drop_repeats(spec, _build_chain(user, kind, _list_choices(kind, spec, own), language, credentials))
        for kind, spec in chosen.items()
    }
    return {kind: specs for kind, specs in found.items() if specs}


def _list_choices(kind: EngineKind, chosen: EngineSpec, own: Lists) -> tuple[EngineChoice, ...]:
    choices = (own.get(kind) or get_site_fallbacks(kind))[:MOST_FALLBACKS]
    if settings.LOCAL_FALLBACK and chosen.provider not in ("local", "demo") and LOCAL not in choices:
        return (*choices, LOCAL)
    return choices


def _build_chain(
    user: User, kind: EngineKind, choices: Sequence[EngineChoice], language: str, credentials: Credentials
) -> list[EngineSpec]:
    specs = (_build_fallback(user, kind, choice, language, credentials) for choice in choices)
    return [spec for spec in specs if spec is not None]


def _build_fallback(
    user: User, kind: EngineKind, choice: EngineChoice, language: str, credentials: Credentials
) -> EngineSpec | None:
    """Return the spec of a fallback, or None if it could not answer."""
    if choice.provider == "local":
        return _build_local_fallback(user, kind, choice, language, credentials)
    if choice.provider == "demo":
        can_answer = demo.can_serve(kind, language)
    else:
        can_answer = pick_credential(choice.provider, credentials) is not None
    return build_spec(kind, choice, language, credentials) if can_answer else None


def _build_local_fallback(
    user: User, kind: EngineKind, choice: EngineChoice, language: str, credentials: Credentials
) -> EngineSpec | None:
    spec = build_spec(kind, choice, language, credentials)
    if kind == "stt" or kind == "tts":
        is_here = local_choice.can_use(kind, choice.model, language)
        return spec if is_here else None
    found = choose_model(get_local_servers(), (choice.model, user.local_model))
    return replace(spec, model=found.model.name, base_url=found.server.base_url) if found else None


def _drop_repeats(chosen: EngineSpec, specs: Sequence[EngineSpec]) -> tuple[EngineSpec, ...]:
    """Return the specs without the chosen engine itself, and without those that came before."""
    kept = [chosen]
    for spec in specs:
        if not any(_is_same(spec, other) for other in kept):
            kept.append(spec)
    return tuple(kept[1:])


def _is_same(one: EngineSpec, other: EngineSpec) -> bool:
    parts = [(spec.provider, spec.model, spec.voice, spec.base_url, spec.api_key) for spec in (one, other)]
    return parts[0] == parts[1]
