"""The type of a request whose user is signed in."""

from django.http import HttpRequest

from accounts.models import User


class SignedInRequest(HttpRequest):
    """The request that a view behind login_required is given; for the type checker."""

    user: User
