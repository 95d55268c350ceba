"""A site that counts its readers, and a process of its web server."""

from collections.abc import Callable
from typing import Any

import pytest

from readers.models import EntryCount, KindCount, ReaderSettings, ReferrerCount
from readers.recording import Recorder
from tests.factories.reader import Reader

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def counting(db: None) -> None:
    ReaderSettings.objects.update(count_readers=True)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def reader(recorder: Recorder) -> Reader:
    """A reader with a browser, whose requests the recorder sees."""
    reader = Reader(environ={"HTTP_USER_AGENT": FIREFOX})
    watched: Any = recorder.watched(reader.application)
    reader.application = watched
    return reader


@pytest.fixture
def counted(recorder: Recorder) -> Callable[[], dict[str, dict[Any, int]]]:
    """Return a function that stores what was recorded, and returns the stored counts by kind, entry and host."""

    def counted() -> dict[str, dict[Any, int]]:
        recorder.record()
        return {
            "kinds": dict(KindCount.objects.values_list("kind", "count")),
            "entries": dict(EntryCount.objects.values_list("entry_id", "count")),
            "hosts": dict(ReferrerCount.objects.values_list("host", "count")),
        }

    return counted
