from django import template
from django.conf import settings
from django.http import HttpRequest

from accounts.sign_in.adapter import AccountAdapter

register = template.Library()


@register.simple_tag
def sign_up_is_open(request: HttpRequest) -> bool:
    """Return whether this visitor may sign up: everybody where sign-up is open, else who holds an invitation."""
    return AccountAdapter(request).is_open_for_signup(request)


@register.simple_tag
def sign_up_is_by_invitation() -> bool:
    return bool(settings.SIGN_UP == "invitation")


@register.simple_tag
def site_sends_mail() -> bool:
    return bool(settings.EMAIL_HOST)
