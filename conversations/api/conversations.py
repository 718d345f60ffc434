"""/v1/conversations and below: the official Conversations API, and the list of conversations that it lacks."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import Scope
from conversations.api import auth, items, requests
from conversations.api.errors import APIError, build_not_found_error
from conversations.api.paging import fetch_page
from conversations.api.shapes import inputs, outputs
from conversations.models import Conversation, Item
from conversations.storage import callers, changes, saving
from conversations.storage.deletion import delete_conversations
from conversations.storage.leases import ConversationDeletedError


def list_conversations(request: HttpRequest) -> HttpResponse:
    """Answer with one page of the caller's conversations."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_READ)
    asked = requests.parse_query(request, inputs.ListQuery)
    mine = Conversation.objects.filter(user=caller.user_id).select_related("assistant")
    rows, has_more = fetch_page(mine, asked, "pk")
    return _answer_page(outputs.ConversationPage, [serialize_conversation(row) for row in rows], has_more)


def create_conversation(request: HttpRequest) -> HttpResponse:
    """Make a conversation with its first items, and answer with it."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_WRITE)
    asked = requests.parse_body(request, inputs.NewConversation)
    first = items.parse_items(asked.items or [])
    items.check_outputs(first)
    with transaction.atomic():
        made = Conversation.objects.create(user_id=caller.user_id, metadata=asked.metadata or {})
        _apply(made, [changes.Put(item) for item in first])
    return requests.build_response(serialize_conversation(find_conversation(caller, made.public_id)))


def retrieve_conversation(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """Answer with one conversation."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_READ)
    return requests.build_response(serialize_conversation(find_conversation(caller, conversation_id)))


def update_conversation(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """Replace the metadata of a conversation, and answer with it."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_WRITE)
    found = find_conversation(caller, conversation_id)
    found.metadata = requests.parse_body(request, inputs.ConversationUpdate).metadata or {}
    # Only this column: a live session may be counting up the others at the same moment.
    found.save(update_fields=["metadata"])
    return requests.build_response(serialize_conversation(found))


def delete_conversation(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """Delete a conversation with its items and their sound. Officially the items would stay."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_WRITE)
    delete_conversations([find_conversation(caller, conversation_id)])
    return requests.build_response(outputs.DeletedConversation(id=conversation_id))


# Its items.


def list_items(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """Answer with one page of the conversation's items."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_READ)
    asked = requests.parse_query(request, inputs.ListQuery)
    rows, has_more = fetch_page(find_conversation(caller, conversation_id).items.as_dialogue(), asked, "position")
    return _answer_page(outputs.ItemPage, [items.serialize_item(row) for row in rows], has_more)


def create_items(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """Add items behind the last, and answer with them.

    A live session goes on with what it knew; the next session sees them.
    """
    caller = auth.authenticate(request, Scope.CONVERSATIONS_WRITE)
    found = find_conversation(caller, conversation_id)
    new = items.parse_items(requests.parse_body(request, inputs.NewItems).items)
    items.check_outputs(new, found)
    _apply(found, [changes.Put(item) for item in new])
    rows = found.items.as_dialogue().filter(public_id__in=[item.id for item in new])
    return _answer_page(outputs.ItemPage, [items.serialize_item(row) for row in rows], has_more=False)


def retrieve_item(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponse:
    """Answer with one item."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_READ)
    return requests.build_response(items.serialize_item(find_item(find_conversation(caller, conversation_id), item_id)))


def delete_item(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponse:
    """Delete an item with its sound, and answer with the conversation, as officially."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_WRITE)
    found = find_conversation(caller, conversation_id)
    _apply(found, [changes.Drop(find_item(found, item_id).public_id)])
    return requests.build_response(serialize_conversation(find_conversation(caller, conversation_id)))


def find_conversation(caller: callers.Caller, conversation_id: str) -> Conversation:
    """Return the caller's conversation of this id, or raise APIError with 404."""
    mine = Conversation.objects.filter(user=caller.user_id).select_related("assistant")
    found = mine.filter(public_id=conversation_id).first() if "\0" not in conversation_id else None
    if found is None:
        raise _build_unknown_error(conversation_id)
    return found


def find_item(conversation: Conversation, item_id: str) -> Item:
    """Return the item of this id in the conversation, or raise APIError with 404."""
    found = conversation.items.as_dialogue().filter(public_id=item_id).first() if "\0" not in item_id else None
    if found is None:
        raise build_not_found_error(f"There is no item {item_id!r} in this conversation.")
    return found


def _apply(conversation: Conversation, wanted: Sequence[changes.Change]) -> None:
    """Apply changes to the items. Raise APIError with 404 if the conversation was deleted a moment ago."""
    try:
        saving.apply_changes(conversation.pk, wanted)
    except ConversationDeletedError:
        raise _build_unknown_error(conversation.public_id) from None


def _build_unknown_error(conversation_id: str) -> APIError:
    """Return the 404 of a conversation that does not exist or is another user's."""
    return build_not_found_error(f"There is no conversation {conversation_id!r} of yours.")


def serialize_conversation(row: Conversation) -> outputs.Conversation:
    """Return the conversation in the shape that the API answers with."""
    return outputs.Conversation(
        id=row.public_id,
        created_at=int(row.created_at.timestamp()),
        metadata=row.metadata,
        title=row.title,
        model=row.assistant.slug if row.assistant else None,
        item_count=row.item_count,
        updated_at=int(row.updated_at.timestamp()),
        status="live" if row.is_live else "broke_off" if row.has_broken_off else "ended",
    )


def _answer_page(
    kind: type[outputs.ItemPage] | type[outputs.ConversationPage], data: list[Any], has_more: bool
) -> HttpResponse:
    """Answer with one page of a list."""
    ids = [one.id for one in data] or [""]
    return requests.build_response(kind(data=data, first_id=ids[0], last_id=ids[-1], has_more=has_more))
