"""The progress that long commands show."""

import io
from itertools import count

import pytest
from django.core.management.base import OutputWrapper

from core.progress import show_progress


def test_the_time_left_is_shown_once_one_percent_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    # Forty seconds pass each time the clock is read.
    monkeypatch.setattr("core.progress.monotonic", count(0, 40).__next__)
    stderr = io.StringIO()
    with show_progress(OutputWrapper(stderr)) as progress:
        for done in (0, 1, 100):
            progress("Importing", done, 10_000)
    assert stderr.getvalue() == "Importing: 0%\nImporting: 1%, 2:12:00 left\n"
