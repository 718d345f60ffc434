from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.keys import api_keys
from accounts.models import Invitation, Scope, User
from tests.support.factories import make_user
from tests.support.live import manage


def _run_command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_create_api_key(user: User) -> None:
    token = _run_command("create_api_key", user.email.upper(), "--name", "radio")
    key = api_keys.authenticate(token.removesuffix("\n"))
    assert key
    assert (key.user, key.name, key.scopes) == (user, "radio", Scope.values)


def test_create_api_key_with_few_scopes(user: User) -> None:
    token = _run_command("create_api_key", user.email, "--scope", "realtime", "--scope", "conversations.read")
    key = api_keys.authenticate(token.removesuffix("\n"))
    assert key
    assert key.scopes == [Scope.REALTIME, Scope.CONVERSATIONS_READ]
    with pytest.raises(CommandError, match="choose from 'realtime', 'conv"):
        _run_command("create_api_key", user.email, "--scope", "all")


def test_create_api_key_for_nobody(user: User) -> None:
    with pytest.raises(CommandError, match="no user"):
        _run_command("create_api_key", "nobody@example.com", "--name", "radio")
    for name in ("", " ", "x" * 101):
        with pytest.raises(CommandError, match="1 to 100"):
            _run_command("create_api_key", user.email, "--name", name)
    with pytest.raises(CommandError, match="deactivated"):
        _run_command("create_api_key", make_user(is_active=False).email, "--name", "radio")


def test_standard_output_holds_the_key_alone(committed_db: None, database_url: str) -> None:
    user = make_user()
    done = manage("create_api_key", user.email, "--name", "radio", env={"DATABASE_URL": database_url})
    assert done.returncode == 0
    assert api_keys.authenticate(done.stdout.removesuffix("\n"))
    failed = manage("create_api_key", "nobody@example.com", "--name", "radio", env={"DATABASE_URL": database_url})
    assert failed.returncode != 0
    assert failed.stdout == ""
    assert "There is no user nobody@example.com." in failed.stderr
    assert "Traceback" not in failed.stderr


def test_invite(db: None) -> None:
    link = _run_command("invite", "Guest@example.com", "--site", "https://voice.example.com/")
    assert link.startswith("https://voice.example.com/accounts/invitation/")
    _run_command("invite", "guest@example.com")
    assert Invitation.objects.count() == 1
    for email in ("no address", make_user().email):
        with pytest.raises(CommandError):
            _run_command("invite", email)
