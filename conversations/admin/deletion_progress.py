"""How far the background has come with deleting: told on the admin's first page, and after each deletion."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from conversations.storage import deletion


def tell_progress(request: HttpRequest) -> None:
    """Tell how much is still to be deleted; if nothing is, say nothing."""
    if counts := deletion.count_remaining():
        left = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        messages.info(request, f"Still being deleted in the background: {left}.")


def add_to_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Tell the progress to staff who may delete. Unfold calls it for the admin's first page."""
    if request.user.has_perm("conversations.delete_conversation"):
        tell_progress(request)
    return context
