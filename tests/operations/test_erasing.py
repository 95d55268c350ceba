"""Deleted content is erased from the files of the database. `test_seizure` examines the disk of a whole site."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from io import StringIO
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blog.caching.files import delete_stale_folders
from core.changes import content_version
from operations import erasing
from tags.models import Tag
from tests.factories import PostFactory, TagFactory

WORD = "vqjxkquill"

on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has no such file")
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no such lock")


def stored_bytes() -> bytes:
    """Return the content of the database files; on PostgreSQL, of those for tables and indexes."""
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_read_binary_file(path) FROM pg_class, pg_relation_filepath(oid) AS path "
            "WHERE relkind IN ('r', 'i', 't') AND path IS NOT NULL AND relnamespace <> 'pg_catalog'::regnamespace"
        )
        return b"".join(bytes(content) for (content,) in cursor.fetchall())


def busy_timeout() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        timeout: int = cursor.fetchone()[0]
        return timeout


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewrite tables until nothing of them is left. On a busy machine, PostgreSQL may take its samples for long."""
    monkeypatch.setattr(erasing, "_ATTEMPTS", 60)


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    """Use the cache of a site without a cache server."""
    settings.CACHES = {
        "default": {"BACKEND": "core.cache.FailSafeCache", "LOCATION": "backend"},
        "backend": {"BACKEND": "core.cache.FileCache", "LOCATION": str(tmp_path / "cache")},
    }


@pytest.fixture
def deleted(own_file: None) -> None:
    """Delete a post, and keep another one."""
    PostFactory(title="Remains", source="It stays.")
    PostFactory(title=WORD, source=f"{WORD}\n\n" + "Others. " * 5_000).delete()
    assert WORD.encode() in stored_bytes()


class TestEveryHour:
    @on_sqlite
    def test_the_write_ahead_log_is_emptied(self, deleted: None) -> None:
        log = Path(f"{connection.settings_dict['NAME']}-wal")
        assert log.stat().st_size > 0
        erasing.truncate_log()
        assert log.stat().st_size == 0

    @on_sqlite
    def test_erasing_does_not_wait_for_readers(self, deleted: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(erasing, "_PATIENCE", 1)
        before = busy_timeout()
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM blog_entry").fetchone()
            PostFactory(title="Written meanwhile")
            erasing.truncate_log()
            assert Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size > 0
        assert busy_timeout() == before

    def test_pages_of_earlier_states_are_deleted(self, db: None, settings: Settings, tmp_path: Path) -> None:
        settings.BROADSIDE_PAGES_FOLDER = tmp_path / "pages"
        version = content_version()
        for number in (version - 1, version):
            cache.set("page", "x", version=number)
            (tmp_path / "pages" / f"{number}-99-release" / "about").mkdir(parents=True)
        erasing.forget_copies()
        assert [cache.get("page", version=number) for number in (version - 1, version)] == [None, "x"]
        assert [path.name for path in (tmp_path / "pages").iterdir()] == [f"{version}-99-release"]

    def test_a_folder_of_pages_may_be_missing(self, settings: Settings, tmp_path: Path) -> None:
        settings.BROADSIDE_PAGES_FOLDER = tmp_path / "pages"
        delete_stale_folders(1)
        settings.BROADSIDE_PAGES_FOLDER = None
        delete_stale_folders(1)


def by_command() -> None:
    # The command rewrites tables of any size.
    with mock.patch.object(erasing, "MAX_NIGHTLY", 0):
        call_command("rewrite_database", stdout=StringIO())


class TestEveryNight:
    @pytest.mark.parametrize("rewrite", [erasing.rewrite_if_small, by_command])
    def test_deleted_content_is_gone_from_the_database(self, deleted: None, rewrite: Callable[[], None]) -> None:
        rewrite()
        found = stored_bytes()
        assert WORD.encode() not in found
        assert b"Remains" in found

    @on_sqlite
    def test_the_database_is_copied_on_its_own_disk(self, deleted: None) -> None:
        """The folder for temporary files may be on a small or unencrypted disk."""
        opened: set[Path] = set()

        def look() -> None:
            links = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
            opened.update(path.parent for path in links if path.name.startswith("etilqs_"))

        with connection.cursor() as cursor:
            # Otherwise, a small database would stay in memory.
            cursor.execute("PRAGMA cache_size = 5")
        connection.connection.set_progress_handler(look, 100)
        erasing.rewrite_if_small()
        assert opened == {Path(connection.settings_dict["NAME"]).parent}

    def test_a_large_database_is_not_rewritten(self, deleted: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(erasing, "MAX_NIGHTLY", 0)
        with CaptureQueriesContext(connection) as queries:
            erasing.rewrite_if_small()
        vacuums = {query["sql"].partition('"')[0].strip() for query in queries if '"' in query["sql"]}
        assert "VACUUM (FULL)" not in vacuums
        assert "VACUUM" not in {query["sql"] for query in queries}

    @on_postgresql
    def test_erasing_waits_for_transactions_that_can_still_read_deleted_rows(
        self, own_file: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post = PostFactory(title=WORD)
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        with psycopg.connect(**parameters) as other:
            other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM core_sitesettings")
            post.delete()
            pause = time.sleep

            def finish_and_pause(seconds: float) -> None:
                other.rollback()
                # PostgreSQL itself may be reading to collect statistics.
                pause(seconds)

            monkeypatch.setattr("operations.erasing.time.sleep", finish_and_pause)
            erasing.rewrite_if_small()
        assert WORD.encode() not in stored_bytes()

    @on_postgresql
    def test_statistics_about_an_empty_table_are_erased(self, own_file: None) -> None:
        def statistics() -> str:
            with connection.cursor() as cursor:
                cursor.execute("SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'tags_tag'")
                return str(cursor.fetchall())

        for number in range(20):
            TagFactory(name=f"{WORD} {number}")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tags_tag")
        Tag.objects.all().delete()
        assert WORD in statistics()
        erasing.rewrite_if_small()
        assert WORD not in statistics()

    @on_postgresql
    def test_a_table_that_is_in_use_is_left_for_the_next_night(
        self, deleted: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(erasing, "_LOCK_TIMEOUT", "0.1")
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        with psycopg.connect(**parameters) as other:
            other.execute("LOCK TABLE blog_entry IN ACCESS SHARE MODE")
            erasing.rewrite_if_small()
        assert [record.getMessage() for record in caplog.records] == [
            "The table blog_entry could not be rewritten. OperationalError"
        ]


@on_postgresql
@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_new_log_is_started_if_the_role_is_allowed_to(deleted: None, *, is_allowed: bool) -> None:
    # Roles belong to all databases of a server, and so to all processes of this run.
    role = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        try:
            if not is_allowed:
                cursor.execute(f"SET ROLE {role}")
            # The name of the log's file isn't compared, because other tests write to the log and start new files too.
            with CaptureQueriesContext(connection) as queries:
                erasing._forget_log_and_samples()
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP ROLE {role}")
    assert ("SELECT pg_switch_wal()" in {query["sql"] for query in queries}) == is_allowed


@on_sqlite
def test_sqlite_overwrites_deleted_content(db: None) -> None:
    """Not every build of SQLite does so by default."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)
