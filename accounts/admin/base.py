"""What every admin of the site adds to Django's: entries in the security log, and no searching by hidden fields."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.security.security_log import Event, record

TOLD_IDS = 20


class RecordedAdmin(ModelAdmin):  # type: ignore[misc]
    """An admin whose changes are written to Django's own log and to the security log.

    Django's log is what the object's history shows.
    """

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, Event.ADMIN_ADDED, [obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, Event.ADMIN_CHANGED, [obj], fields=_list_changed_fields(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> Any:
        _record(request, Event.ADMIN_DELETED, list(queryset))
        return super().log_deletions(request, queryset)

    def record_action(self, request: HttpRequest, objects: Sequence[Model], action: str, text: str) -> None:
        """Record an action that changed `objects`. `text` is what their history says, such as "Revoked."."""
        if not objects or request.user.pk is None:
            return
        _record(request, Event.ADMIN_ACTED, objects, action=action)
        LogEntry.objects.log_actions(request.user.pk, objects, CHANGE, text)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether a list may be filtered by this field.

        Django would allow any field, so that a key's digest could be guessed one character after another.
        """
        filters = (one[0] if isinstance(one, tuple) else one for one in self.get_list_filter(request))
        hidden = {field.name for field in self.model._meta.get_fields()} - {"id", *filters}
        return lookup.partition("__")[0] not in hidden and bool(super().lookup_allowed(lookup, value, request))


def _record(request: HttpRequest, event: Event, objects: Sequence[Model], **details: str) -> None:
    """Write a change into the security log. `user` is who made it; a long list of ids is cut short."""
    if not objects:
        return
    ids = ",".join(str(one.pk) for one in objects[:TOLD_IDS])
    label = objects[0]._meta.label_lower
    told = {name: value for name, value in details.items() if value}
    record(event, user=request.user.pk, model=label, objects=ids, count=len(objects), **told)


def _list_changed_fields(message: Any) -> str:
    """Return the names of the changed fields, from Django's message about the change; never their values.

    Of rows below the object that were added or deleted it is the name of such a row.
    """
    parts = [part for part in message if isinstance(part, dict)] if isinstance(message, list) else []
    changes = [change for part in parts for change in part.values()]
    names = [change.get("fields") or [change["name"]] for change in changes if change.get("fields") or "name" in change]
    return ",".join(str(name) for group in names for name in group)
