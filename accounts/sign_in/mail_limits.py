"""Limit how many mails strangers may cause: the part of the account adapter that counts them.

Mails are counted by kind, recipient and address. Mails to people without an account here are also counted for the whole
site, so that nobody can use it to fill strangers' mailboxes. A mail that is not sent looks, and takes as long, as one
that is.
"""

import logging
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib import messages

from accounts.security import client_addresses, throttles
from accounts.security.security_log import Event, record
from voiceproject.database import give_back

logger = logging.getLogger(__name__)

# What somebody who is not signed in can have sent, and to whom it goes: to an account here, or to anybody.
TO_OWNERS = {"password_reset_key", "login_code", "account_already_exists"}
TO_STRANGERS = {"unknown_account", "email_confirmation", "email_confirmation_signup"}
LONGEST_WAIT_SEC = 2.0


class GuardedMail(DefaultAccountAdapter):  # type: ignore[misc]
    """The part of the account adapter that sends mails within the limits."""

    _send_sec = 0.0  # what the last mail took, in this process

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail. Unlike allauth's own method, survive a mail server that does not answer, and tell the user.

        The mail is tried whether or not the address has an account, so that the message reveals nothing to a stranger.
        """
        kind = template_prefix.rpartition("/")[2]
        if spent := _find_spent_limit(kind, email):
            record(Event.MAIL_LIMITED, mail=kind, limit=spent)
            give_back()  # nobody waits with a connection to Postgres
            time.sleep(min(GuardedMail._send_sec, LONGEST_WAIT_SEC))
            return
        began_at = time.monotonic()
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            logger.exception("The mail server did not take %s", template_prefix)
            text = "The email could not be sent. Try again later, or tell an admin of the site."
            messages.error(allauth_context.request, text)
        GuardedMail._send_sec = time.monotonic() - began_at


def _find_spent_limit(kind: str, email: str) -> str:
    """Return the name of the limit that forbids this mail, or "".

    Notices to owners about what was done with their account are never forbidden.
    """
    request = allauth_context.request
    if kind not in TO_OWNERS | TO_STRANGERS or request.user.is_staff:
        return ""
    address = client_addresses.group_address(client_addresses.read_request_address(request))
    recipient = email.lower()
    site = throttles.Limit("mail.strangers", settings.STRANGER_MAILS_PER_HOUR, 3600)
    hits = {
        "here": throttles.hit(throttles.MAIL_HERE, kind, recipient, address),
        "address": throttles.hit(throttles.MAIL_FROM_ADDRESS, address),
        "recipient": throttles.hit(throttles.MAIL_TO_RECIPIENT, kind, recipient),
    }
    spent = next((name for name, one in hits.items() if not one.is_within), "")
    if not spent and kind in TO_STRANGERS and not throttles.hit(site).is_within:
        return "site"
    return spent
