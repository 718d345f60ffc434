"""How many mails strangers may cause: the part of the account adapter that counts them.

By kind, recipient and address; and, for recipients who have no account here, for the whole site: nobody's server should
be used to fill strangers' mailboxes. What is not sent looks, and takes as long, as what is.
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
    _send_sec = 0.0  # what the last mail took, in this process

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail. Unlike allauth's, this survives a mail server that does not answer, and says so.

        A mail is tried whether or not the address has an account, so that the message tells a stranger nothing.
        """
        kind = template_prefix.rpartition("/")[2]
        if spent := _spent(kind, email):
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


def _spent(kind: str, email: str) -> str:
    """Return which limit forbids this mail; "" for none. Notices to owners about what was done are never forbidden."""
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
