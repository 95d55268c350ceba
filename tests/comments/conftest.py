import pytest
from django.test import Client

from accounts.models import User
from tests.factories import UserFactory


@pytest.fixture
def moderator(client: Client) -> User:
    """Return a moderator who is logged in with `client`."""
    user: User = UserFactory.create(role="Moderator", display_name="Mo")
    client.force_login(user)
    return user
