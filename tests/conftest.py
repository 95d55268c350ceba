"""What all tests share."""

from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _own_surroundings(settings: Settings, tmp_path: Path) -> None:
    """Each test has its own media folder and an empty cache."""
    settings.MEDIA_ROOT = tmp_path / "media"
    cache.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After a test that commits, the database is emptied: the next one gets back what migrations put there.

    All of them or none: a test that asks for it leaves nothing behind for one that does not.
    """
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark is not None and mark.kwargs.get("transaction"):
            item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=True), append=False)
