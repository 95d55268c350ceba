import datetime as dt
from types import SimpleNamespace

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


@pytest.fixture
def a_second_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pages say “1 second ago” about all that happened, however long the test takes on a busy machine."""
    monkeypatch.setattr("core.dates.timezone", SimpleNamespace(now=lambda: dt.datetime.min.replace(tzinfo=dt.UTC)))
