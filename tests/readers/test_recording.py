"""Requests are kept in memory for seconds, then stored as mere counts, and only if the owner wants them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from core.changes import ContentVersion
from core.updating import closed
from readers import recording
from readers.bots import is_bot
from readers.models import EntryCount, KindCount, ReaderSettings
from readers.recording import Recorder
from readers.requests import Notebook
from tests.factories import PostFactory
from tests.factories.reader import Reader

type Counted = Callable[[], dict[str, dict[Any, int]]]


@pytest.mark.usefixtures("counting")
class TestStoring:
    def test_does_not_happen_during_a_request(self, reader: Reader) -> None:
        url = PostFactory().get_absolute_url()
        reader.get(url)
        with CaptureQueriesContext(connection) as queries:
            reader.get(url)
        # It reads the content version.
        assert len(queries) == 1
        assert not KindCount.objects.exists()

    def test_takes_few_statements_for_any_number_of_requests(self, reader: Reader, recorder: Recorder) -> None:
        url = PostFactory().get_absolute_url()
        for number in range(50):
            reader.get(url, referer=f"https://news-{number}.example/")
        with CaptureQueriesContext(connection) as queries:
            recorder.record()
        statements = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        # Reading the settings and the page, three that store counts, and two that count the stored rows.
        assert len(statements) <= 8

    def test_does_not_expire_cached_pages(self, reader: Reader, counted: Counted) -> None:
        url = PostFactory().get_absolute_url()
        before = list(ContentVersion.objects.values())
        for _again in range(2):
            reader.get(url)
            counted()
        assert reader.rendered == [url]
        assert list(ContentVersion.objects.values()) == before

    def test_is_retried_if_it_fails(
        self, reader: Reader, recorder: Recorder, counted: Counted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_arguments: Any) -> None:
            raise OperationalError("database is locked")

        reader.get("/")
        with monkeypatch.context() as patched:
            patched.setattr(recording, "store", fail)
            with pytest.raises(OperationalError):
                recorder.record()
        reader.get("/")
        assert counted()["kinds"] == {"front": 2}

    def test_waits_until_an_upgrade_is_over(self, reader: Reader, recorder: Recorder, counted: Counted) -> None:
        reader.get("/")
        with closed("x", patience=1):
            recorder.record()
            assert not KindCount.objects.exists()
        assert counted()["kinds"] == {"front": 1}

    def test_forgets_user_agents(self, reader: Reader, counted: Counted) -> None:
        reader.get("/")
        counted()
        assert is_bot.cache_info().currsize == 0

    def test_adds_up_the_counts_of_several_processes(self) -> None:
        for _process in range(2):
            recorder = Recorder()
            reader = Reader(environ={"HTTP_USER_AGENT": "Firefox"})
            watched: Any = recorder.watched(reader.application)
            reader.application = watched
            reader.get("/")
            recorder.record()
        assert list(KindCount.objects.values_list("kind", "count")) == [("front", 2)]


@pytest.mark.django_db
class TestSetting:
    def test_is_off_by_default(self, reader: Reader, counted: Counted) -> None:
        assert not ReaderSettings.current().count_readers
        reader.get(PostFactory().get_absolute_url(), referer="https://news.example/")
        assert counted() == {"kinds": {}, "entries": {}, "hosts": {}}

    def test_does_not_count_requests_from_before_it_was_turned_on(self, reader: Reader, counted: Counted) -> None:
        reader.get("/")
        counted()
        ReaderSettings.objects.update(count_readers=True)
        assert counted()["kinds"] == {}
        reader.get("/")
        assert counted()["kinds"] == {"front": 1}

    def test_is_not_read_from_the_database_without_requests(self, recorder: Recorder) -> None:
        with CaptureQueriesContext(connection) as queries:
            recorder.record()
        assert len(queries) == 0


class TestFlood:
    def test_the_memory_for_unstored_requests_is_bounded(self) -> None:
        notebook = Notebook()

        def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
            start_response("200 OK", [])
            return []

        watched = notebook.watched(answer)
        for number in range(25_000):
            watched(
                {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{number}/", "HTTP_REFERER": "x" * 8_000}, lambda *start: None
            )
        assert notebook.is_full_enough.is_set()
        waiting = notebook.take()
        assert len(waiting) == 20_000
        assert max(len(reading.referrer) for reading in waiting) == 1_000
        assert not notebook.is_full_enough.is_set()
        assert notebook.take() == []


@pytest.mark.usefixtures("counting")
def test_the_number_of_stored_entries_is_bounded_even_if_the_whole_site_is_read(
    reader: Reader, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readers.counting._MAX_ENTRIES", 3)
    posts = PostFactory.create_batch(7)
    popular = posts[3]
    for post in [*posts, popular]:
        reader.get(post.get_absolute_url())
    found = counted()
    assert found["kinds"] == {"entry": 8}
    assert len(found["entries"]) == 3
    assert found["entries"][popular.pk] == 2
    assert EntryCount.objects.count() == 3
