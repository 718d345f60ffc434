"""`manage.py invite`: invite an e-mail address to sign up."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.models import Invitation, User
from accounts.sign_in import invitations
from accounts.sign_in.email_addresses import canonicalise


class Command(BaseCommand):
    help = "Invite an email address to sign up. Prints the link, for you to pass on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--site", default="http://127.0.0.1:8000", help="the site's address (default: %(default)s)")

    def handle(self, *args: Any, email: str, site: str, **options: Any) -> None:
        email = canonicalise(email)
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email} is not an email address.") from None
        if User.objects.filter(email=email).exists():
            raise CommandError(f"{email} already has an account.")
        invitation, _ = Invitation.objects.get_or_create(email=email)
        self.stdout.write(invitations.make_link(invitation, site.rstrip("/")))
