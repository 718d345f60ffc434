"""How far the background has come with what is being deleted: told on the admin's first page, and after a deletion."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from conversations.storage import deletion


def tell(request: HttpRequest) -> None:
    """Nothing, where nothing is left to be deleted."""
    if counts := deletion.count_remaining():
        left = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        messages.info(request, f"Still being deleted in the background: {left}.")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold calls it for the first page."""
    if request.user.has_perm("conversations.delete_conversation"):
        tell(request)
    return context
