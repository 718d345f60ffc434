"""Mail over SMTP, without a connection to Postgres in hand while the mail server takes its time."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from voiceproject.database import give_back


class EmailBackend(smtp.EmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        give_back()
        return super().send_messages(email_messages)
