"""During an upgrade, a migrated copy replaces the database at once, which can be undone."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from pytest_django import Settings

from blog.models import Post
from comments.models import Comment
from config.database import databases
from operations.backups.work import work_folder
from operations.upgrading.copies import ChangedError, Copies
from operations.upgrading.postgresql import PostgresqlCopies, delete_leftovers
from operations.upgrading.sqlite import SqliteCopies
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def copies(own_file: None, tmp_path: Path) -> Iterator[Copies]:
    if connection.vendor == "sqlite":
        yield SqliteCopies(tmp_path)
        return
    values = connection.settings_dict
    url = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    found = PostgresqlCopies(url)
    found.clear()
    yield found
    found.clear()


def in_copy(url: str, *statements: str) -> list[Any]:
    """Execute statements in a copy, as processes with this DATABASE_URL would, and return the rows of the last one."""
    other = connection.copy()
    options = databases(url, [], Path("unused"), pool=0, max_age=0, prepare=True)["default"]
    other.settings_dict = {**other.settings_dict, **options}
    try:
        with other.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        other.close()


def columns(table: str) -> set[str]:
    with connection.cursor() as cursor:
        return {column.name for column in connection.introspection.get_table_description(cursor, table)}


def quiet(done: int, total: int) -> None:
    pass


CHANGE = ("ALTER TABLE tags_tag ADD COLUMN planted integer", "CREATE TABLE planted (id integer)")


def test_a_copy_has_everything_and_changes_nothing(copies: Copies) -> None:
    post = PostFactory(title="Here", tags=["one"])
    url = copies.copy(quiet)
    assert in_copy(url, *CHANGE, "UPDATE blog_entry SET title = 'There'", "SELECT title FROM blog_entry") == [
        ("There",)
    ]
    post.refresh_from_db()
    assert post.title == "Here"
    assert "planted" not in columns("tags_tag")


def test_a_copy_replaces_the_database_and_can_be_undone(copies: Copies) -> None:
    PostFactory(title="Here", tags=["one"])
    with copies.held():
        url = copies.copy(quiet)
        in_copy(url, *CHANGE, "UPDATE blog_entry SET title = 'There'")
        copies.replace()
    connection.close()
    found = Post.objects.get()
    assert (found.title, "planted" in columns("tags_tag")) == ("There", True)
    # New keys continue after the existing ones.
    assert PostFactory().pk > found.pk
    copies.undo()
    connection.close()
    assert Post.objects.get().title == "Here"
    assert "planted" not in columns("tags_tag")
    assert "planted" not in connection.introspection.table_names()
    assert PostFactory().pk


def test_leftovers_of_a_killed_upgrade_are_deleted_at_night(copies: Copies, settings: Settings) -> None:
    work = Path(settings.BROADSIDE_BACKUP_WORK_DIR, "work")

    def left() -> bool:
        if connection.vendor == "sqlite":
            return (work / "copy.sqlite3").exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regnamespace('upgrade_copy') IS NOT NULL")
            return bool(cursor.fetchone()[0])

    with work_folder():
        copies = SqliteCopies(work) if connection.vendor == "sqlite" else copies
        copies.copy(quiet)
        # The upgrade is still running.
        delete_leftovers()
        assert left()
        if connection.vendor == "sqlite":
            shutil.copytree(work, work.with_name("kept"))
    if connection.vendor == "sqlite":
        work.with_name("kept").rename(work)
    assert left()
    delete_leftovers()
    assert not left()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="The copy of a SQLite database is a file.")
def test_a_copy_is_deleted_even_if_a_reader_is_in_the_way(copies: Copies) -> None:
    deadlocks = iter([OperationalError("deadlock detected")])

    def fail_once(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("DROP SCHEMA") and (error := next(deadlocks, None)):
            raise error
        return execute(sql, *arguments)

    copies.copy(quiet)
    with connection.execute_wrapper(fail_once):
        copies.clear()
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('upgrade_copy')")
        assert cursor.fetchone() == (None,)


def test_readers_can_keep_reading_during_the_upgrade(copies: Copies) -> None:
    PostFactory(title="Here")
    reader = connection.copy()
    try:
        with reader.cursor() as cursor:
            cursor.execute("SELECT title FROM blog_entry")
            assert cursor.fetchall() == [("Here",)]
            with copies.held():
                url = copies.copy(quiet)
                in_copy(url, *CHANGE, "UPDATE blog_entry SET title = 'There'")
                cursor.execute("SELECT title FROM blog_entry")
                assert cursor.fetchall() == [("Here",)]
                copies.replace()
            cursor.execute("SELECT title FROM blog_entry")
            assert cursor.fetchall() == [("There",)]
    finally:
        reader.close()
        copies.undo()


def test_writing_is_blocked_during_the_upgrade(copies: Copies) -> None:
    post = PostFactory()
    results: list[str] = []

    def write() -> None:
        try:
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    # On SQLite, a transaction waits when it begins.
                    cursor.execute("PRAGMA busy_timeout = 1")
                with transaction.atomic():
                    if connection.vendor == "postgresql":
                        # Only for this transaction: the connection returns to the pool, and other tests use it.
                        cursor.execute("SET LOCAL lock_timeout = '1ms'")
                    cursor.execute("DELETE FROM comments_comment")
            results.append("written")
        except DatabaseError as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    CommentFactory(entry=post)
    with copies.held():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert results == ["OperationalError"]
    assert Comment.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="On PostgreSQL, the locks are held until the end.")
def test_changes_made_after_the_copy_are_not_lost(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    from operations.upgrading import sqlite

    PostFactory(title="Here")
    copy = sqlite._copy

    def copy_later(*arguments: Any) -> None:
        Post.objects.update(title="Changed")
        copy(*arguments)

    with copies.held():
        url = copies.copy(quiet)
        in_copy(url, *CHANGE)
        monkeypatch.setattr(sqlite, "_copy", copy_later)
        with pytest.raises(ChangedError):
            copies.replace()
    connection.close()
    assert Post.objects.get().title == "Changed"
    assert "planted" not in columns("tags_tag")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles.")
def test_roles_keep_their_privileges(copies: Copies) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE planted_reader")
        try:
            cursor.execute("GRANT SELECT ON blog_entry TO planted_reader")
            with copies.held():
                copies.copy(quiet)
                copies.replace()
            cursor.execute(
                "SELECT has_table_privilege('planted_reader', 'blog_entry', 'SELECT'), "
                "has_table_privilege('planted_reader', 'blog_entry', 'UPDATE')"
            )
            assert cursor.fetchall() == [(True, False)]
        finally:
            copies.undo()
            cursor.execute("DROP OWNED BY planted_reader")
            cursor.execute("DROP ROLE planted_reader")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="On SQLite, it is a file.")
def test_the_url_of_a_copy_keeps_its_options(copies: Copies) -> None:
    from operations.upgrading.postgresql import _url_of_schema

    url = _url_of_schema("postgres://a:b%40c@h:1/d?options=-c%20x%3D1&sslmode=require", "other")
    assert urlsplit(url).netloc == "a:b%40c@h:1"
    assert databases(url, [], Path("unused"), pool=0, max_age=0, prepare=False)["default"]["OPTIONS"] == {
        "connect_timeout": 5,
        "options": "-c x=1 -c search_path=other",
        "sslmode": "require",
    }
