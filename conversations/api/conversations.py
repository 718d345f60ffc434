"""/v1/conversations and below: the official Conversations API, and the list that it lacks."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import Scope
from conversations.api import auth, items, requests
from conversations.api.errors import APIError, not_found
from conversations.api.paging import page
from conversations.api.shapes import inputs, outputs
from conversations.models import Conversation, Item
from conversations.storage import changes, store
from conversations.storage.deletion import delete_conversations
from conversations.storage.leases import ConversationDeletedError


def listed(request: HttpRequest) -> HttpResponse:
    caller = auth.caller(request, Scope.CONVERSATIONS_READ)
    asked = requests.query(request, inputs.ListQuery)
    mine = Conversation.objects.filter(user=caller.user_id).select_related("assistant")
    rows, has_more = page(mine, asked, "pk")
    return _page(outputs.ConversationPage, [shown(row) for row in rows], has_more)


def created(request: HttpRequest) -> HttpResponse:
    caller = auth.caller(request, Scope.CONVERSATIONS_WRITE)
    asked = requests.body(request, inputs.NewConversation)
    first = items.taken(asked.items or [])
    items.check_outputs(first)
    with transaction.atomic():
        made = Conversation.objects.create(user_id=caller.user_id, metadata=asked.metadata or {})
        _change(made, [changes.Put(item) for item in first])
    return requests.answer(shown(owned(caller, made.public_id)))


def retrieved(request: HttpRequest, conversation_id: str) -> HttpResponse:
    caller = auth.caller(request, Scope.CONVERSATIONS_READ)
    return requests.answer(shown(owned(caller, conversation_id)))


def updated(request: HttpRequest, conversation_id: str) -> HttpResponse:
    caller = auth.caller(request, Scope.CONVERSATIONS_WRITE)
    found = owned(caller, conversation_id)
    found.metadata = requests.body(request, inputs.ConversationUpdate).metadata or {}
    # Only this column: a live session may be counting up the others at the same moment.
    found.save(update_fields=["metadata"])
    return requests.answer(shown(found))


def deleted(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """With its items and their sound, other than officially, where the items stay."""
    caller = auth.caller(request, Scope.CONVERSATIONS_WRITE)
    delete_conversations([owned(caller, conversation_id)])
    return requests.answer(outputs.DeletedConversation(id=conversation_id))


# Its items.


def items_listed(request: HttpRequest, conversation_id: str) -> HttpResponse:
    caller = auth.caller(request, Scope.CONVERSATIONS_READ)
    asked = requests.query(request, inputs.ListQuery)
    rows, has_more = page(owned(caller, conversation_id).items.as_dialogue(), asked, "position")
    return _page(outputs.ItemPage, [items.shown(row) for row in rows], has_more)


def items_created(request: HttpRequest, conversation_id: str) -> HttpResponse:
    """Behind the last. A live session goes on with what it knew; the next one sees them."""
    caller = auth.caller(request, Scope.CONVERSATIONS_WRITE)
    found = owned(caller, conversation_id)
    new = items.taken(requests.body(request, inputs.NewItems).items)
    items.check_outputs(new, found)
    _change(found, [changes.Put(item) for item in new])
    rows = found.items.as_dialogue().filter(public_id__in=[item.id for item in new])
    return _page(outputs.ItemPage, [items.shown(row) for row in rows], has_more=False)


def item_retrieved(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponse:
    caller = auth.caller(request, Scope.CONVERSATIONS_READ)
    return requests.answer(items.shown(item_of(owned(caller, conversation_id), item_id)))


def item_deleted(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponse:
    """Answers with the conversation, as officially."""
    caller = auth.caller(request, Scope.CONVERSATIONS_WRITE)
    found = owned(caller, conversation_id)
    _change(found, [changes.Drop(item_of(found, item_id).public_id)])
    return requests.answer(shown(owned(caller, conversation_id)))


def owned(caller: store.Caller, conversation_id: str) -> Conversation:
    mine = Conversation.objects.filter(user=caller.user_id).select_related("assistant")
    found = mine.filter(public_id=conversation_id).first() if "\0" not in conversation_id else None
    if found is None:
        raise _unknown(conversation_id)
    return found


def item_of(conversation: Conversation, item_id: str) -> Item:
    found = conversation.items.as_dialogue().filter(public_id=item_id).first() if "\0" not in item_id else None
    if found is None:
        raise not_found(f"There is no item {item_id!r} in this conversation.")
    return found


def _change(conversation: Conversation, wanted: Sequence[changes.Change]) -> None:
    try:
        changes.apply_changes(conversation.pk, wanted)
    except ConversationDeletedError:  # a moment ago
        raise _unknown(conversation.public_id) from None


def _unknown(conversation_id: str) -> APIError:
    return not_found(f"There is no conversation {conversation_id!r} of yours.")


def shown(row: Conversation) -> outputs.Conversation:
    return outputs.Conversation(
        id=row.public_id,
        created_at=int(row.created_at.timestamp()),
        metadata=row.metadata,
        title=row.title,
        model=row.assistant.slug if row.assistant else None,
        item_count=row.item_count,
        updated_at=int(row.updated_at.timestamp()),
        status="live" if row.is_live else "ended",
    )


def _page(
    kind: type[outputs.ItemPage] | type[outputs.ConversationPage], data: list[Any], has_more: bool
) -> HttpResponse:
    ids = [one.id for one in data] or [""]
    return requests.answer(kind(data=data, first_id=ids[0], last_id=ids[-1], has_more=has_more))
