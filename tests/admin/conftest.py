import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.support.factories import make_user
from tests.support.people import Staff


@pytest.fixture
def staff(db: None) -> Staff:
    """`staff("view_conversation", …)` signs in as staff with just those permissions."""

    def make(*codenames: str) -> Client:
        user = make_user(is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def reviewer(staff: Staff) -> Client:
    return staff("view_conversation")
