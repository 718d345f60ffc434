"""Recognise browsers in which an account was signed in before, by a cookie, and count their tries apart.

So strangers' wrong passwords lock nobody out, while strange browsers can be slowed down.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.models import User

COOKIE = "known_browser"
SALT = "accounts.known_browser"
MAX_AGE_SEC = 180 * 86_400
MOST_ACCOUNTS = 5  # of one browser, the latest


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Add the user to the cookie of this browser."""
    marks = [mark for mark in _read_marks(request) if mark != _compute_mark(user)]
    response.set_cookie(
        COOKIE,
        signing.dumps([*marks, _compute_mark(user)][-MOST_ACCOUNTS:], salt=SALT),
        max_age=MAX_AGE_SEC,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known(request: HttpRequest, user: User) -> bool:
    """Return whether the user was signed in with this browser before."""
    return _compute_mark(user) in _read_marks(request)


def _read_marks(request: HttpRequest) -> list[str]:
    """Return the marks of the accounts in the cookie."""
    try:
        marks = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE_SEC)
    except signing.BadSignature:
        return []
    return [str(mark) for mark in marks]


def _compute_mark(user: User) -> str:
    """Return the mark of a user that is kept in the cookie."""
    return salted_hmac(SALT, str(user.pk)).hexdigest()[:16]
