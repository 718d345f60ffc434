"""`manage.py create_api_key`: make an API key for a user, and print it once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.keys import api_keys, mail_notices
from accounts.models import APIKey, Scope, User


class Command(BaseCommand):
    help = "Create an API key for a user. Prints the key and nothing else; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the user's email address")
        parser.add_argument("--name", default="command line", help="what the key is for (default: %(default)s)")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            dest="scopes",
            help="what the key can do: %(choices)s; repeat the option for more than one (default: all)",
            metavar="SCOPE",
        )

    def handle(self, *args: Any, email: str, name: str, scopes: list[str] | None, **options: Any) -> None:
        user = User.objects.filter(email=email).first()
        if user is None:
            raise CommandError(f"There is no user {email}.")
        if not user.is_active:
            raise CommandError(f"The account of {email} is deactivated. Activate it in the admin first.")
        longest = APIKey._meta.get_field("name").max_length or 0
        if not 0 < len(name.strip()) <= longest:
            raise CommandError(f"The name must have 1 to {longest} characters.")
        key, token = api_keys.create(user, name.strip(), scopes or Scope.values)
        self.stdout.write(token)
        mail_notices.notify_api_key_created_by_command(key)
