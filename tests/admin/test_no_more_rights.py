"""No permission of the admin is a way to more rights than one had.

Staff with each single permission, with all of each model, and with everything but the superuser's star send what an
attacker would to every form, action and address of every registered admin. What counts are the rights, keys, passwords
and addresses of all who may enter the admin: they must be afterwards what they were.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django import forms
from django.contrib import admin
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, Permission
from django.contrib.messages.storage import default_storage
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Q
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from accounts.keys import api_keys
from accounts.models import APIKey, Invitation, ProviderKey, User
from accounts.security import encryption
from conversations.models import McpServer
from tests.support.factories import make_conversation, make_user

PASSWORD = "correct horse battery staple"
ATTACK = {
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "verified": "on",
    "primary": "on",
    "usable_password": "true",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "post": "yes",
    "_save": "Save",
    "_popup": "1",
}
EMAIL = "attacker@example.com"
Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attack:
    url: str
    action: str
    body: str

    @classmethod
    def build(cls, url: str, data: Data) -> "Attack":
        return cls(url, data.get("action", ""), urlencode(data, doseq=True))

    def __str__(self) -> str:
        return f"{self.url} {self.action}".strip()


@pytest.fixture
def root(db: None, settings: Any) -> User:
    """A superuser, beside whom the site has other staff and somebody without rights, each with keys of their own."""
    root = make_user(email="root@example.com", is_staff=True, is_superuser=True)
    other, plain = make_user(email="other@example.com", is_staff=True), make_user(email="plain@example.com")
    group = Group.objects.create(name="everything")
    group.permissions.set(Permission.objects.all())
    other.groups.add(group)
    for user in (root, other, plain):
        _furnish(user)
    Invitation.objects.create(email="guest@example.com", invited_by=root)
    McpServer.objects.create(label="lamps", url="http://127.0.0.1:1/mcp")
    make_conversation(root, "Hello")
    return root


def _furnish(user: User) -> None:
    user.vouch_for_email()
    api_keys.create(user, "radio")
    secret = encryption.encrypt("sk-secret")
    fields = {"secret_encrypted": secret, "base_url": "http://127.0.0.1:1/v1", "tested_at": user.date_joined}
    ProviderKey.objects.create(user=user, provider="openai", **fields)
    Client().force_login(user)


def _list_permission_sets() -> Iterator[tuple[str, list[Permission]]]:
    everything = list(Permission.objects.select_related("content_type"))
    registered = {(m._meta.app_label, m._meta.model_name) for m in [*admin.site._registry, EmailAddress]}
    by_model: dict[tuple[str, str], list[Permission]] = {}
    for permission in everything:
        kind = (permission.content_type.app_label, permission.content_type.model)
        by_model.setdefault(kind if kind in registered else ("what has", "no admin"), []).append(permission)
    for kind, permissions in by_model.items():
        if kind in registered:
            yield from ((permission.codename, [permission]) for permission in permissions)
        yield f"all of {'.'.join(kind)}", permissions
    yield "everything", everything


def _read_rights(actor: User) -> dict[str, Any]:
    """Return the rights of all who may enter the admin, and who they are."""
    insiders = Q(is_staff=True) | Q(is_superuser=True)
    users = User.objects.filter(insiders)
    of_insiders = {"user__in": users}
    return {
        "users": set(users.values_list("pk", "email", "password", "is_staff", "is_superuser", "is_active")),
        "groups": set(User.groups.through.objects.values_list("user_id", "group_id")),
        "permissions": set(User.user_permissions.through.objects.values_list("user_id", "permission_id")),
        "permissions of groups": set(Group.permissions.through.objects.values_list("group_id", "permission_id")),
        "addresses": set(
            EmailAddress.objects.filter(**of_insiders).values_list("user_id", "email", "verified", "primary")
        ),
        "keys": set(APIKey.objects.filter(**of_insiders).values_list("pk", "digest", "name", "revoked_at")),
        "provider keys": {
            (user, bytes(secret), url, verdict)
            for user, secret, url, verdict in ProviderKey.objects.filter(**of_insiders).values_list(
                "user_id", "secret_encrypted", "base_url", "verdict"
            )
        },
        "signed in": {
            (one.session_key, who) for one in Session.objects.all() if (who := one.get_decoded().get(SESSION_KEY))
        },
        "who may": set(actor.get_all_permissions()),
    }


def _choose_value(field: forms.Field, root: User) -> Any:
    match field:
        case forms.BooleanField():
            return "on"
        case forms.ModelMultipleChoiceField(queryset=queryset):
            return [one.pk for one in queryset.all()[:200]] if queryset is not None else []
        case forms.ModelChoiceField():
            return root.pk
        case forms.MultipleChoiceField():
            return [value for value, _ in field.widget.choices]
        case forms.EmailField():
            return EMAIL
        case forms.ChoiceField():
            return ""
    return field.initial if isinstance(field.initial, str | int | float) else "attack"


def _fill_forms(model_admin: Any, root: User, obj: models.Model | None, owner: User) -> Data:
    """Return the greediest answer to the form, and to its inlines, as a superuser would see them."""
    request = RequestFactory().get("/")
    request.user = root
    may = model_admin.has_change_permission(request, obj) if obj else model_admin.has_add_permission(request)
    fields = model_admin.get_form(request, obj)().fields if may else {}
    data = {name: _choose_value(field, owner) for name, field in fields.items()}
    for formset, _ in model_admin.get_formsets_with_inlines(request, obj):
        prefix = formset.get_default_prefix()
        inline = {name: _choose_value(field, owner) for name, field in formset.form().fields.items()}
        data |= {f"{prefix}-TOTAL_FORMS": 1, f"{prefix}-INITIAL_FORMS": 0}
        data |= {f"{prefix}-0-{name}": value for name, value in inline.items()}
    everybodys = {"groups": list(Group.objects.values_list("pk", flat=True)), "user": owner.pk}
    permissions = list(Permission.objects.values_list("pk", flat=True))
    return {**ATTACK, **everybodys, "user_permissions": permissions, "permissions": permissions, **data}


def _list_attacks(model: type[models.Model], model_admin: Any, root: User) -> list[tuple[str, Data]]:
    """Return every address of one admin with what to send there."""
    objects = list(model._default_manager.order_by("pk")[:3])
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    insiders = list(User.objects.filter(is_staff=True, email__in=["root@example.com", "other@example.com"]))
    found = [(reverse(f"{base}_add"), _fill_forms(model_admin, root, None, one)) for one in insiders]
    for pattern in model_admin.get_urls():
        kind = (pattern.name or "").rpartition("_")[2] if (pattern.name or "").startswith(base[6:]) else pattern.name
        if kind in (None, "add", "changelist", "history"):
            continue
        for one in objects if pattern.pattern.converters else [None]:
            data = _fill_forms(model_admin, root, one, root)
            url = reverse(f"admin:{pattern.name}", args=[one.pk] if one else [])
            found.append((url, data))
    request = RequestFactory().get("/")
    request.user = root
    list_url, chosen = reverse(f"{base}_changelist"), {**ATTACK, "_selected_action": [one.pk for one in objects]}
    found += [(list_url, {**chosen, "action": action}) for action in model_admin.get_actions(request)]
    return [*found, (list_url, _fill_list(model_admin, root, objects))]


def _fill_list(model_admin: Any, root: User, objects: list[models.Model]) -> Data:
    data: Data = {"form-TOTAL_FORMS": len(objects), "form-INITIAL_FORMS": len(objects), "_save": "Save"}
    for number, one in enumerate(objects):
        fields = _fill_forms(model_admin, root, one, root)
        data |= {f"form-{number}-{name}": value for name, value in fields.items()} | {f"form-{number}-id": one.pk}
    return data


def test_no_permission_leads_to_more(root: User) -> None:
    attacks = [
        Attack.build(*one) for model, its in admin.site._registry.items() for one in _list_attacks(model, its, root)
    ]
    assert len(attacks) > 60
    ways = []
    for name, permissions in _list_permission_sets():
        actor = make_user(email=f"{name.replace(' ', '-')}@example.com", is_staff=True)
        actor.user_permissions.set(permissions)
        ways += [f"{name}: {way}" for way in _try(actor, attacks)]
    assert ways == []


def _try(actor: User, attacks: list[Attack]) -> Iterator[str]:
    names = ("accounts_user_change", "auth_user_password_change", "accounts_user_delete")
    own = [Attack.build(reverse(f"admin:{name}", args=[actor.pk]), {**ATTACK, "email": EMAIL}) for name in names]
    before, links = _read_rights(actor), _build_links()
    for attack in [*attacks, *own]:
        point = transaction.savepoint()
        with suppress(PermissionDenied, Http404):
            shown = _post(actor, attack)
            after = _read_rights(User.objects.filter(pk=actor.pk).first() or actor)
            if changed := [kind for kind in before if before[kind] != after[kind]]:
                yield f"{attack} changes {', '.join(changed)}"
            if any(link in shown for link in links):
                yield f"{attack} shows a link to a new password"
        transaction.savepoint_rollback(point)


def _post(actor: User, attack: Attack) -> str:
    """Send the attack, and return all that is then shown.

    It goes straight to the view: the middleware would ask thousands of times who that is.
    """
    request = RequestFactory().post(attack.url, attack.body, content_type="application/x-www-form-urlencoded")
    request.user, request.session = actor, SessionStore()
    request._messages = default_storage(request)  # type: ignore[attr-defined]
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    found = resolve(attack.url)
    request.resolver_match = found
    answer = found.func(request, *found.args, **found.kwargs)
    if hasattr(answer, "render"):
        answer.render()
    messages = "".join(str(message) for message in request._messages)  # type: ignore[attr-defined]
    return f"{answer.content.decode()}{messages}"


def _build_links() -> list[str]:
    insiders = User.objects.filter(Q(is_staff=True) | Q(is_superuser=True))
    return [f"/password/reset/key/{user_pk_to_url_str(user)}-" for user in insiders]
