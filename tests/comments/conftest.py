import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def _no_warnings_in_the_log() -> Iterator[None]:
    """Silence Django's log of refused requests, because these tests provoke them."""
    logging.getLogger("django.request").setLevel(logging.ERROR)
    yield
    logging.getLogger("django.request").setLevel(logging.NOTSET)


@pytest.fixture
def moderator(client: Client) -> User:
    """Return a moderator who is logged in with `client`."""
    user: User = UserFactory.create(role="Moderator", display_name="Mo")
    client.force_login(user)
    return user
