"""Who may touch whom. Staff look after people without rights; staff and superusers are for superusers alone.

Otherwise a permission such as “may change users” would be the way to every other one: to a colleague's password, keys
or address.
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import User

PRIVILEGED = Q(is_staff=True) | Q(is_superuser=True)


def is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Whether the request's user may change this one, or what is theirs; None: anyone at all."""
    return user is None or is_superuser(request) or not (user.is_staff or user.is_superuser)


def filter_touchable(request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
    return users if is_superuser(request) else users.exclude(PRIVILEGED)


class OwnedAdminMixin:
    """For an admin of what has a `user`: what staff and superusers own is changed and deleted by superusers alone."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_touch(request, obj and obj.user) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_touch(request, obj and obj.user) and super().has_delete_permission(request, obj)  # type: ignore[misc]

    def filter_touchable(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the part of a selection that the request's user may act on."""
        if is_superuser(request):
            return queryset
        return queryset.exclude(user__in=User.objects.filter(PRIVILEGED))
