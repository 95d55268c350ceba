"""Pages that nginx serves on its own are counted from a log in memory, which is deleted once it is read."""

import datetime as dt
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from readers.models import KindCount, ReaderSettings, ReferrerCount
from readers.nginx_log import NginxLog, parse
from readers.recording import Recorder
from tests.factories import PostFactory

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def line(
    path: str = "/", status: str = "200", referrer: str = "", agent: str = AGENT, purpose: str = "", tags: str = ""
) -> bytes:
    values = [status, f"/current{path}index.html", referrer, agent, purpose, tags, "document"]
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def log(tmp_path: Path) -> NginxLog:
    log = NginxLog(tmp_path / "pages")
    log.open()
    return log


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file as nginx would have done some seconds ago."""

    def write(content: bytes, name: str = "120000.log", *, seconds_ago: float = 10) -> Path:
        path = tmp_path / "pages" / "requests" / name
        path.write_bytes(content)
        then = time.time() - seconds_ago
        os.utime(path, (then, then))
        return path

    return write


class TestFiles:
    def test_are_read_once_and_removed(self, log: NginxLog, write: Callable[..., Path]) -> None:
        path = write(line("/a/") + line("/b/", "304"))
        assert [(day, reading.path) for day, reading in log.take()] == [
            (timezone.localdate(), "/a/"),
            (timezone.localdate(), "/b/"),
        ]
        assert not path.exists()
        assert list(log.take()) == []

    def test_that_are_still_being_written_are_left_alone(self, log: NginxLog, write: Callable[..., Path]) -> None:
        path = write(line(), seconds_ago=1)
        assert list(log.take()) == []
        assert path.exists()

    def test_with_times_in_the_future_are_read_too(self, log: NginxLog, write: Callable[..., Path]) -> None:
        write(line(), seconds_ago=-1_000_000)
        assert len(list(log.take())) == 1

    def test_belong_to_the_day_on_which_they_were_written(self, log: NginxLog, write: Callable[..., Path]) -> None:
        write(line(), seconds_ago=3 * 24 * 60 * 60)
        assert [day for day, _reading in log.take()] == [timezone.localdate() - dt.timedelta(days=3)]

    def test_are_each_read_by_only_one_of_several_processes(self, log: NginxLog, write: Callable[..., Path]) -> None:
        for number in range(60):
            write(line() * 5, f"{number}.log")
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda _process: len(list(log.take())), range(4)))
        assert sum(found) == 300

    def test_that_are_too_large_are_read_only_in_part(
        self, log: NginxLog, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("readers.nginx_log._MAX_BYTES", 10 * len(line()) + 5)
        path = write(line() * 1_000)
        assert len(list(log.take())) == 10
        assert not path.exists()

    def test_that_are_links_pipes_or_folders_are_not_opened(self, log: NginxLog, tmp_path: Path) -> None:
        folder = tmp_path / "pages" / "requests"
        secret = tmp_path / "secret"
        secret.write_bytes(line())
        (folder / "link.log").symlink_to(secret)
        (folder / "folder.log").mkdir()
        os.mkfifo(folder / "pipe.log")
        assert list(log.take()) == []
        assert secret.exists()

    def test_are_in_a_folder_that_nginx_can_write_to_but_not_list(self, log: NginxLog, tmp_path: Path) -> None:
        folder = tmp_path / "pages" / "requests"
        assert folder.stat().st_mode & 0o7777 == 0o1733
        log.open()
        log.close()
        assert not folder.exists()
        assert list(log.take()) == []


class TestLines:
    def test_are_parsed_as_readings_of_pages(self) -> None:
        reading = parse(line("/2020/05/é/", referrer="https://news.example"))
        assert reading is not None
        # As in a WSGI environment, each byte is a character.
        assert reading.path.encode("latin-1").decode() == "/2020/05/é/"
        assert (reading.referrer, reading.agent) == ("https://news.example", AGENT)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            line()[:-20],
            line()[20:],
            b'["200", "/current/index.html"]',
            b"[" * 100_000,
            b'{"status": "200"}',
            b'["200", 7, "", "", "", "", ""]',
            b'["200", "/etc/passwd", "", "", "", "", ""]',
            b"\xff\xfe\x00",
            line(status="404"),
            line(status="206"),
            line(purpose="prefetch", tags="null"),
        ],
    )
    def test_that_are_not_readings_are_ignored(self, content: bytes) -> None:
        assert parse(content) is None

    @given(st.binary() | st.lists(st.text(), min_size=7, max_size=7).map(lambda values: json.dumps(values).encode()))
    def test_of_arbitrary_bytes_cause_no_error(self, content: bytes) -> None:
        parse(content)

    def test_that_are_broken_do_not_affect_others(self, log: NginxLog, write: Callable[..., Path]) -> None:
        write(line("/a/") + line("/b/")[:30] + b"\n\xff\xff\n" + line("/c/") + line("/d/")[:-9])
        assert [reading.path for _day, reading in log.take()] == ["/a/", "/c/"]


@pytest.mark.django_db
class TestRecording:
    @pytest.fixture
    def recorder(self, tmp_path: Path, settings: Settings) -> Recorder:
        settings.BROADSIDE_PAGES_FOLDER = tmp_path / "pages"
        return Recorder()

    def test_counts_the_same_requests_as_the_application(
        self, recorder: Recorder, write: Callable[..., Path], tmp_path: Path
    ) -> None:
        ReaderSettings.objects.update(count_readers=True)
        recorder.record()
        url = PostFactory().get_absolute_url()
        write(
            line(url, referrer="https://news.example")
            + line(url, agent="curl/8")
            + line("/feed/")
            + line("/nothing/x/")
        )
        recorder.record()
        assert list(KindCount.objects.values_list("kind", "count")) == [("entry", 1)]
        assert list(ReferrerCount.objects.values_list("host", "count")) == [("news.example", 1)]

    def test_has_a_folder_only_while_readers_are_counted(self, recorder: Recorder, tmp_path: Path) -> None:
        folder = tmp_path / "pages" / "requests"
        recorder.record()
        assert not folder.exists()
        ReaderSettings.objects.update(count_readers=True)
        recorder.record()
        assert folder.exists()
        ReaderSettings.objects.update(count_readers=False)
        recorder.record()
        assert not folder.exists()

    def test_survives_a_folder_that_cannot_be_created(self, settings: Settings, tmp_path: Path) -> None:
        blocked: Any = tmp_path / "file"
        blocked.write_text("")
        ReaderSettings.objects.update(count_readers=True)
        settings.BROADSIDE_PAGES_FOLDER = blocked
        Recorder()._try_to_record()
