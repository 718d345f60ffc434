from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.keys import api_keys, notices
from accounts.models import APIKey, Scope, User


class Command(BaseCommand):
    help = "Make an API key for a user. The key alone goes to standard output, and is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the user's e-mail address")
        parser.add_argument("--name", default="command line", help="what the key is for (%(default)s)")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            dest="scopes",
            help="what it may do: %(choices)s; give it once for each (all of them)",
            metavar="SCOPE",
        )

    def handle(self, *args: Any, email: str, name: str, scopes: list[str] | None, **options: Any) -> None:
        user = User.objects.filter(email=email).first()
        if user is None:
            raise CommandError(f"There is no user {email}.")
        if not user.is_active:
            raise CommandError(f"{email} is deactivated.")
        longest = APIKey._meta.get_field("name").max_length or 0
        if not 0 < len(name.strip()) <= longest:
            raise CommandError(f"A name has 1 to {longest} characters.")
        key, token = api_keys.create(user, name.strip(), scopes or Scope.values)
        self.stdout.write(token)
        notices.api_key_made_by_command(key)
