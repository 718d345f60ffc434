"""What is stored: secrets that can still be read, conversations that nobody closes, what is still to be deleted."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.db.models.functions import Now

from accounts.models import ProviderKey, User
from accounts.security import encryption
from conversations.models import Conversation, McpServer
from conversations.storage import deletion
from conversations.storage.leases import LEASE
from voiceproject.doctor.findings import Finding, Options, count, fine, note, problem

CLOSED_AFTER = LEASE + timedelta(minutes=1)  # by then another process has closed what a killed one held
TRIED = 1000  # secrets, the newest


def check(_: Options) -> Iterator[Finding]:
    """Look at what is stored."""
    if not User.objects.filter(is_superuser=True, is_active=True).exists():
        yield note("Nobody can open the admin yet.", "manage.py createsuperuser makes the first admin.")
    yield from _check_secrets()
    yield from _check_conversations()
    if rest := deletion.count_remaining():
        parts = [count(number, name.removesuffix("s")) for name, number in rest.items()]
        yield note(
            f"Still to be deleted: {', '.join(parts)}.",
            "A running site does it by itself, and so does manage.py background.",
        )


def _check_secrets() -> Iterator[Finding]:
    keys = ProviderKey.objects.order_by("-pk").values_list("secret_encrypted", flat=True)[:TRIED]
    grants = McpServer.objects.exclude(authorization_encrypted=b"").values_list("authorization_encrypted", flat=True)
    tokens = [*keys, *grants[:TRIED]]
    if lost := _count_unreadable(tokens):
        yield problem(
            f"{lost:,} of {count(len(tokens), 'stored provider key')} cannot be decrypted with FIELD_ENCRYPTION_KEY.",
            "Add the key they were encrypted with, behind a comma. If it is lost, their owners must save them again.",
        )
    elif tokens:
        yield fine(f"{count(len(tokens), 'stored provider key')} can be decrypted.")


def _count_unreadable(tokens: Iterable[bytes | memoryview]) -> int:
    lost = 0
    for token in tokens:
        try:
            encryption.decrypt(bytes(token))
        except encryption.DecryptionError:
            lost += 1
    return lost


def _check_conversations() -> Iterator[Finding]:
    live = Conversation.objects.filter(status=Conversation.Status.LIVE)
    if stale := live.filter(held_until__lt=Now() - CLOSED_AFTER).count():
        yield problem(
            f"Live, though the process that held them is gone: {count(stale, 'conversation')}.",
            "A running site closes them within a minute. If one runs, look into its log: it cannot write to Postgres.",
        )
    total = Conversation.objects.owned().count()
    yield fine(f"Stored: {count(total, 'conversation')}, of which {live.count() - stale:,} live.")
