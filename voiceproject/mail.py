"""Mail over SMTP, without holding a connection to Postgres while the mail server takes its time."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from voiceproject.database import give_back


class EmailBackend(smtp.EmailBackend):
    """Django's SMTP backend, which gives the thread's database connection back first."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        give_back()
        return super().send_messages(email_messages)
