"""`copy_from_sqlite`: moving a whole site from SQLite to PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client

from accounts.models import Portrait
from blog.models import Entry, Post
from operations import copying
from tests.factories.models import PostFactory
from tests.factories.programs import run

type CopyDatabase = Callable[[Path], None]

_CONTENT = """
import django
django.setup()
from django.core.management import call_command
from accounts.models import Portrait, User
from blog.models import Post
call_command("load_demo", verbosity=0)
Portrait.objects.all().delete()
Portrait.objects.create(person=User.objects.get(username="owner"), image=bytes(range(256)))
# This post has the highest ID.
Post.objects.create(title="Deleted", author=User.objects.first()).delete()
"""


def copy(path: Path) -> str:
    output = StringIO()
    call_command("copy_from_sqlite", path, stdout=output, stderr=StringIO())
    return output.getvalue()


@pytest.fixture
def empty_site(copy_database: CopyDatabase, tmp_path: Path) -> Path:
    """The database of a site without content."""
    copy_database(tmp_path / "old")
    return tmp_path / "old" / "broadside.sqlite3"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="It copies into PostgreSQL.")
@pytest.mark.django_db(transaction=True)
class TestCopying:
    @pytest.fixture(autouse=True)
    def _types_of_content(self) -> Iterator[None]:
        yield
        ContentType.objects.clear_cache()

    def rows(self, model: type[models.Model], alias: str) -> list[tuple[Any, ...]]:
        rows = model._base_manager.using(alias).order_by("pk").values_list()
        # PostgreSQL's driver returns binary data as views.
        return [tuple(bytes(each) if isinstance(each, memoryview) else each for each in row) for row in rows]

    def test_every_row_of_every_table_is_the_same(self, empty_site: Path) -> None:
        result = run(empty_site.parent, _CONTENT, SECRET_KEY="x", SITE_URL="http://localhost")
        assert result.returncode == 0, result.stderr
        output = copy(empty_site)
        filled = 0
        with copying._opened(empty_site):
            for model in apps.get_models(include_auto_created=True):
                if model._meta.can_migrate(connection) and model._meta.label != "core.ContentVersion":
                    rows = self.rows(model, "default")
                    assert rows == self.rows(model, copying._FILE), model
                    filled += bool(rows)
        assert filled > 30
        assert "rows copied" in output
        assert bytes(Portrait.objects.get().image) == bytes(range(256))
        # The site works: texts are found, and new rows get IDs that were never used.
        call_command("rebuild_search", check=True, stdout=StringIO())
        post = Post.objects.published().first()
        assert post is not None
        assert post.get_absolute_url() in Client().get("/", {"s": post.title}).text
        highest = max(Entry.objects.values_list("pk", flat=True))
        assert PostFactory.create().pk > highest + 1

    def test_a_database_with_content_is_not_overwritten(self, empty_site: Path) -> None:
        PostFactory.create(title="Kept")
        with pytest.raises(CommandError, match="already has accounts or posts"):
            copy(empty_site)
        assert Post.objects.get().title == "Kept"

    def test_a_file_of_another_release_is_refused(self, empty_site: Path) -> None:
        with sqlite3.connect(empty_site) as database:
            database.execute("DELETE FROM django_migrations WHERE app = 'blog' AND name != '0001_initial'")
        database.close()
        with pytest.raises(CommandError, match="different releases"):
            copy(empty_site)

    # SQLite stores longer texts than a column allows, and any value in any column.
    @pytest.mark.parametrize(
        ("place", "value", "error"),
        [
            ("auth_group.name", "x" * 1000, "too long"),
            ("auth_group.name", "a\0b", "NUL"),
            ("accounts_session.public_id", "no-uuid", "UUID"),
            ("operations_backuprun.missing", float("inf"), "infinity"),
            ("operations_backuprun.missing", 2**40, "out of range"),
        ],
    )
    def test_nothing_is_copied_if_a_value_can_not_be(
        self, empty_site: Path, place: str, value: object, error: str
    ) -> None:
        before = [*Group.objects.order_by("pk").values_list()]
        table, column = place.split(".")
        with sqlite3.connect(empty_site) as database:
            for number in range(3):
                database.execute(
                    "INSERT INTO accounts_session (session_key, session_data, expire_date, public_id, device, "
                    "started_at, last_used_at) VALUES (?, '', '2026-01-01', ?, '', '2026-01-01', '2026-01-01')",
                    [f"key{number}", f"{number:032}"],
                )
                database.execute(
                    "INSERT INTO operations_backuprun (kind, backup, finished_at, missing, error) "
                    "VALUES ('backup', '', '2026-01-01', 0, '')"
                )
            ((row,),) = database.execute(f"SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET 1")  # noqa: S608  # our own
            database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [value, row])  # noqa: S608  # our own
        database.close()
        with pytest.raises(CommandError, match=rf"{place} where rowid = {row}: .*{error}"):
            copy(empty_site)
        assert [*Group.objects.order_by("pk").values_list()] == before

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"no file .*missing\.sqlite3"):
            copy(tmp_path / "missing.sqlite3")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="It copies into PostgreSQL.")
@pytest.mark.django_db
def test_a_site_on_sqlite_is_no_target(empty_site: Path) -> None:
    with pytest.raises(CommandError, match="Set DATABASE_URL"):
        copy(empty_site)
