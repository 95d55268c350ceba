"""What all tests share."""

from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _own_surroundings(settings: Settings, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has its own folders for media and imports, and an empty cache."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BROADSIDE_IMPORTS_DIR = settings.FILE_UPLOAD_TEMP_DIR = tmp_path_factory.mktemp("imports")
    cache.clear()
