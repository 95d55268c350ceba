"""What the tests of moving in share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.wordpress.exports import export, write
from wordpress.importing import import_export
from wordpress.media import Media
from wordpress.reports import Report

type Bring = Callable[..., Report]


@pytest.fixture
def bring(tmp_path: Path, db: None) -> Bring:
    """Imports an export of the parts it is given, and returns the report."""

    def bring_in(*parts: str, dry_run: bool = False, media: Media | None = None, **options: Any) -> Report:
        return import_export([write(tmp_path, export(*parts, **options))], dry_run=dry_run, media=media)

    return bring_in
