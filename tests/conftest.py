"""What all tests share."""

from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _own_surroundings(settings: Settings, tmp_path: Path) -> None:
    """Each test has its own folders for media and imports, and an empty cache."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BROADSIDE_IMPORTS_DIR = tmp_path / "imports"
    settings.BROADSIDE_IMPORTS_DIR.mkdir()
    cache.clear()
