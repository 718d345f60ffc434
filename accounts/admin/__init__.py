"""The admin of people and their credentials. No page of it shows a secret, except a new API key, once."""

from accounts.admin.invitations import InvitationAdmin
from accounts.admin.keys import APIKeyAdmin, ProviderKeyAdmin
from accounts.admin.users import UserAdmin

__all__ = ["APIKeyAdmin", "InvitationAdmin", "ProviderKeyAdmin", "UserAdmin"]
