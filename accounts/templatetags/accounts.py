"""What the templates ask about signing up and mail."""

from django import template
from django.conf import settings
from django.http import HttpRequest

from accounts.sign_in.adapter import AccountAdapter

register = template.Library()


@register.simple_tag
def is_sign_up_open(request: HttpRequest) -> bool:
    """Return whether this visitor may sign up: everybody if sign-up is open, else only with an invitation."""
    return AccountAdapter(request).is_open_for_signup(request)


@register.simple_tag
def is_sign_up_by_invitation() -> bool:
    """Return whether one may only sign up with an invitation."""
    return bool(settings.SIGN_UP == "invitation")


@register.simple_tag
def has_mail_server() -> bool:
    """Return whether the site can send mail."""
    return bool(settings.EMAIL_HOST)
