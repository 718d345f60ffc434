"""A user's conversations: the list, one as a dialogue, and the forms to rename and delete it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.forms import ModelForm, modelform_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations.history import summaries
from conversations.models import Conversation
from conversations.storage.deletion import delete_conversations

CONVERSATIONS_PER_PAGE = 25
ITEMS_PER_PAGE = 200

TitleForm = modelform_factory(Conversation, fields=["title"])


@require_safe
@login_required
def list_conversations(request: HttpRequest) -> HttpResponse:
    """Show a page of the user's conversations, the latest first."""
    mine = Conversation.objects.filter(user=request.user.pk, item_count__gt=0).select_related("assistant")
    paginator = Paginator(mine.order_by("-updated_at", "-pk"), CONVERSATIONS_PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    summaries.add_summaries(page)
    return render(request, "conversations/history.html", {"page": page})


@require_safe
@login_required
def show_conversation(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a conversation as a dialogue to its owner, or to staff who may review it."""
    readable = Conversation.objects.readable_by(request.user).select_related("assistant", "user")
    found = get_object_or_404(readable, public_id=public_id)
    return _render_conversation(request, found, TitleForm(instance=found))


@require_POST
@login_required
def rename_conversation(request: HttpRequest, public_id: str) -> HttpResponse:
    """Save a new title, or show the form again with what is wrong."""
    found = get_object_or_404(Conversation, public_id=public_id, user=request.user.pk)
    form = TitleForm(request.POST, instance=found)
    if not form.is_valid():
        return _render_conversation(request, found, form, status=422)
    # Only this column: a live session may be counting up the others at the same moment.
    found.save(update_fields=["title"])
    return redirect(found)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def delete_conversation(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask whether to delete the conversation, and delete it when that is confirmed."""
    found = get_object_or_404(Conversation, public_id=public_id, user=request.user.pk)
    if request.method != "POST":
        summaries.add_summaries([found])
        return render(request, "conversations/delete.html", {"conversation": found})
    delete_conversations([found])
    messages.success(request, "The conversation and its sound have been deleted.")
    return redirect("history")


def _render_conversation(
    request: HttpRequest, found: Conversation, form: "ModelForm[Conversation]", status: int = 200
) -> HttpResponse:
    """Render a page of the dialogue with the form for its title."""
    summaries.add_summaries([found])
    paginator = Paginator(found.items.as_dialogue(), ITEMS_PER_PAGE)
    context = {
        "conversation": found,
        "page": paginator.get_page(request.GET.get("page")),
        "form": form,
        "is_owner": found.user_id == request.user.pk,
    }
    return render(request, "conversations/conversation.html", context, status=status)
