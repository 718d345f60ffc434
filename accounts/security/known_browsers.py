"""Browsers in which somebody was signed in before, known by a cookie: whatever strangers try, theirs are counted apart.

So nobody is locked out by others' wrong passwords, and a strange browser can be slowed for an account.
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
    marks = [mark for mark in _marks(request) if mark != _mark(user)]
    response.set_cookie(
        COOKIE,
        signing.dumps([*marks, _mark(user)][-MOST_ACCOUNTS:], salt=SALT),
        max_age=MAX_AGE_SEC,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known(request: HttpRequest, user: User) -> bool:
    return _mark(user) in _marks(request)


def _marks(request: HttpRequest) -> list[str]:
    try:
        marks = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE_SEC)
    except signing.BadSignature:
        return []
    return [str(mark) for mark in marks]


def _mark(user: User) -> str:
    return salted_hmac(SALT, str(user.pk)).hexdigest()[:16]
