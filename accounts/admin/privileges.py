"""Decide which accounts an admin may change.

Staff may change people without rights; only superusers may change the rest.

Otherwise a permission such as “may change users” would lead to every other: to a colleague's password, keys or address.
"""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.models import User

PRIVILEGED = Q(is_staff=True) | Q(is_superuser=True)


def is_superuser(request: HttpRequest) -> bool:
    """Return whether the request's user is a superuser."""
    return isinstance(request.user, User) and request.user.is_superuser


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Return whether the request's user may change this user and what belongs to them.

    Return True if `user` is None.
    """
    return user is None or is_superuser(request) or not (user.is_staff or user.is_superuser)


def filter_touchable(request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
    """Return the users whom the request's user may change."""
    return users if is_superuser(request) else users.exclude(PRIVILEGED)


class OwnedAdminMixin:
    """An admin of a model with a `user`: only superusers change or delete what belongs to staff and superusers."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_touch(request, obj and obj.user) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_touch(request, obj and obj.user) and super().has_delete_permission(request, obj)  # type: ignore[misc]

    def filter_touchable(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the part of a selection that the request's user may act on."""
        if is_superuser(request):
            return queryset
        return queryset.exclude(user__in=User.objects.filter(PRIVILEGED))
