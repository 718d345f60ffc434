"""Conversations in the admin: what was said, how it sounded, how long each step took, what went wrong. Read-only."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from accounts.admin.base import RecordedAdmin
from conversations.admin import deletion_progress
from conversations.admin.filters import DayRangeFilter, ErrorsFilter
from conversations.history import summaries
from conversations.history.search import find_conversations
from conversations.models import AudioClip, Conversation, Item
from conversations.models.conversation import ConversationQuerySet
from conversations.storage import deletion
from conversations.templatetags.conversation_tags import format_clock

ITEMS_PER_PAGE = 100


class SummarisedChangeList(ChangeList):
    """A list whose conversations have their first words and length, looked up for the page only."""

    def get_results(self, request: HttpRequest) -> None:
        """Find the conversations of the page, and fill in their summaries."""
        super().get_results(request)
        self.result_list: list[Conversation] = list(self.result_list)
        summaries.add_summaries(self.result_list)


@admin.register(Conversation)
class ConversationAdmin(RecordedAdmin):
    """The list of conversations, and each as a dialogue. Nothing can be added or changed."""

    list_display = ["heading", "user", "assistant", "items_total", "length", "errors_total", "state", "updated_at"]
    list_select_related = ["user", "assistant"]
    list_per_page = 25  # drawing a row costs Unfold more than finding it costs Postgres
    list_filter = [
        ("updated_at", DayRangeFilter),
        ("assistant", RelatedDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ErrorsFilter,
    ]
    list_filter_submit = True
    # Counting a million rows would take longer than showing a page: forward and back, without a total.
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_disable_select_all = True
    search_fields = ["title"]  # shows the box; `get_search_results` says what it does
    search_help_text = "Search words said, titles and email addresses"
    ordering = ["-updated_at"]
    fields = [
        ("user", "assistant"),
        ("created_at", "updated_at"),
        ("status", "public_id"),
    ]
    change_form_outer_after_template = "admin/conversations/dialogue.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Return the conversations that have an owner."""
        queryset: ConversationQuerySet = super().get_queryset(request)
        return queryset.owned()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell that nobody adds conversations here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        """Tell that nobody changes conversations here."""
        return False

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Return the filters; the one by user is for staff who may look users up."""
        by_user = ("user", AutocompleteSelectFilter)
        return [*([by_user] if request.user.has_perm("accounts.view_user") else []), *self.list_filter]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SummarisedChangeList]:
        """Return the list that fills in summaries."""
        return SummarisedChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Conversation | None:
        """Return the conversation with its summary."""
        found: Conversation | None = super().get_object(request, object_id, from_field)
        summaries.add_summaries([found] if found else [])
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        """Return the conversations with these words, or all of them."""
        return (find_conversations(queryset, search_term) if search_term.strip() else queryset), False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Conversation | None = None, **kwargs: Any
    ) -> HttpResponse:
        """Render the conversation with a page of its items. The permission was checked before."""
        if obj:
            page = Paginator(obj.items.as_dialogue(), ITEMS_PER_PAGE).get_page(request.GET.get("page"))
            context |= {"page": page, "title": str(obj), "subtitle": None}
        response: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)
        return response

    def get_deleted_objects(
        self, objs: QuerySet[Conversation], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return counts in place of Django's list of every row, and one permission for the whole."""
        conversations = list(objs)
        summaries.add_summaries(conversations)
        items = Item.objects.filter(conversation__in=conversations)
        counts = {
            "conversations": len(conversations),
            "items": items.count(),
            "clips": AudioClip.objects.filter(item__in=items).aggregate(n=Count("pk"))["n"],
        }
        lacking = set() if self.has_delete_permission(request) else {"conversation"}
        return [str(conversation) for conversation in conversations], counts, lacking, []

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        """Delete the conversation, and tell how much is still to be deleted."""
        deletion.delete_conversations([obj])
        deletion_progress.tell_progress(request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        """Delete the conversations, and tell how much is still to be deleted."""
        deletion.delete_conversations(queryset)
        deletion_progress.tell_progress(request)

    @display(description="Conversation")
    def heading(self, obj: Conversation) -> str:
        """Return the title or the first words, shortened."""
        return Truncator(str(obj)).chars(60)

    @display(description="Items", ordering="item_count")
    def items_total(self, obj: Conversation) -> int:
        """Return how many items there are."""
        return obj.item_count

    @display(description="Length")
    def length(self, obj: Conversation) -> str | None:
        """Return how long the sound of all items is, as a clock shows it."""
        return format_clock(obj.audio_ms) if obj.audio_ms else None

    @display(description="Errors", ordering="error_count", label={"errors": "danger"})
    def errors_total(self, obj: Conversation) -> tuple[str, str] | None:
        """Return how many errors there were, as a label, or None."""
        return ("errors", str(obj.error_count)) if obj.error_count else None

    @display(description="Status", ordering="status", label={"live": "success", "broke_off": "warning"})
    def state(self, obj: Conversation) -> tuple[str, str]:
        """Return whether the conversation is live, has ended or broke off, as a label."""
        status = obj.present_status
        return status.value, str(status.label)
