"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import transaction
from pytest_django import DjangoDbBlocker, Settings


@pytest.fixture(autouse=True)
def _own_surroundings(settings: Settings, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has its own folders for media and imports, and an empty cache."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BROADSIDE_IMPORTS_DIR = settings.FILE_UPLOAD_TEMP_DIR = tmp_path_factory.mktemp("imports")
    cache.clear()


@pytest.fixture(scope="class")
def class_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database for a fixture that is made once for the tests of a class.

    What a test changes is taken back after it as ever, what the fixture made after the last of them.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
