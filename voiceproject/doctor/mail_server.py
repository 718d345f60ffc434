"""Mail: whether the server takes the site's, and, if one asks for it, a mail that arrives."""

import smtplib
import ssl
from collections.abc import Iterator
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from voiceproject.doctor.findings import Finding, Options, fine, note, problem


def check(options: Options) -> Iterator[Finding]:
    """Look at the mail server."""
    if not settings.EMAIL_HOST:
        yield from _judge_none(options)
        return
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    if sender.endswith("@localhost"):
        yield problem(f"Mails come from {sender}, which most servers refuse.", "Set DEFAULT_FROM_EMAIL.")
    server = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    connection = get_connection()
    try:
        connection.open()
        if options.mail_to:
            _send(options.mail_to)
    except (OSError, smtplib.SMTPException, ssl.SSLError) as error:
        yield problem(f"The mail server {server} {_describe(error)}", "Mend the EMAIL_… settings.")
    else:
        sent = f", and took a mail to {options.mail_to}: see whether it arrives" if options.mail_to else ""
        yield fine(f"The mail server {server} lets the site in{sent}.")
    finally:
        connection.close()


def _judge_none(options: Options) -> Iterator[Finding]:
    if options.mail_to:
        yield problem("No mail can be sent: there is no mail server.", "Set EMAIL_HOST.")
    elif settings.HTTPS:
        yield note(
            "There is no mail server: addresses are not verified, and nobody can reset a password.", "Set EMAIL_HOST."
        )
    else:
        yield fine("There is no mail server; mails are printed in the log.")


def _send(recipient: str) -> None:
    host = settings.ALLOWED_HOSTS[0]
    EmailMessage(
        f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}A mail from the doctor",
        f"This mail shows that the voice assistant at {host} can send mail. Nothing else is to be done.",
        to=[recipient],
    ).send()


def _describe(error: Exception) -> str:
    """Return what went wrong. What the server answers may repeat the user's name, never the password."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"refuses the user or the password ({error.smtp_code})."
        case smtplib.SMTPRecipientsRefused():
            return "refuses that recipient."
        case smtplib.SMTPSenderRefused():
            return f"refuses the sender {error.sender}."
        case smtplib.SMTPNotSupportedError():
            return "does not offer what the settings ask for (STARTTLS, or signing in)."
        case smtplib.SMTPServerDisconnected():
            is_late = isinstance(error.__context__, TimeoutError)
            return "does not answer in time." if is_late else "ended the connection."
        case smtplib.SMTPException():  # which is an OSError, too
            return f"answers with an error ({type(error).__name__})."
        case ssl.SSLCertVerificationError():
            return f"has a certificate that is not valid: {error.verify_message}."
        case ssl.SSLError():
            return "speaks no TLS at this port, or another kind (EMAIL_USE_TLS, EMAIL_USE_SSL)."
        case TimeoutError():
            return "does not answer in time."
    return f"cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}."
