"""Filters of the list of conversations: by days, and by whether there were errors."""

from datetime import date, datetime, time, timedelta

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.utils import parse_date_str

from conversations.models import Conversation


class DayRangeFilter(RangeDateFilter):
    """A filter by days, the last included. Unfold's own compares a time with a bare date, which leaves it out."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        """Return the conversations between both days."""
        first, last = (self._parse_day(edge) for edge in ("from", "to"))
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": _find_midnight(first)})
        if last and last < date.max:  # which no day comes after
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": _find_midnight(last + timedelta(days=1))})
        return queryset

    def _parse_day(self, edge: str) -> date | None:
        """Return the day that was entered for an edge of the range, or None."""
        day: date | None = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_{edge}") or "")
        return day


def _find_midnight(day: date) -> datetime:
    """Return the moment at which a day begins in the site's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


class ErrorsFilter(DropdownFilter):
    """A filter by whether a conversation had errors."""

    title = "errors"
    parameter_name = "errors"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Conversation]) -> list[tuple[str, str]]:
        """Return the choices and their labels."""
        return [("yes", "With errors"), ("no", "Without errors")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        """Return the conversations of the choice."""
        match self.value():
            case "yes":
                return queryset.filter(error_count__gt=0)
            case "no":
                return queryset.filter(error_count=0)
        return queryset
