"""A database with any earlier schema can be migrated to the current one and keeps its content.

`.ci/keep-schema` makes the files in tests/schemas, once for each release. Those that begin with `unreleased` come from
a commit before the first release, whose ID is in their name.
"""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest
import zstandard
from django.db import connection

from tests.factories.postgresql import find_programs
from tests.factories.programs import ROOT, run

type Rows = Callable[[str], list[tuple[Any, ...]]]

SCHEMAS: Final = sorted({path.name.partition(".sql")[0] for path in (ROOT / "tests" / "schemas").glob("*.zst")})
# For each kind of content, the columns that must not change: those that readers or owners would miss.
CONTENT: Final = {
    "posts and pages": "SELECT id, kind, title, slug, path, status, source, markup, excerpt, language, published_at, "
    "published_on, password, author_id, parent_id, featured_picture_id FROM blog_entry",
    "what readers see of them": "SELECT id, body_html, lead_html, comment_count FROM blog_entry",
    "categories": "SELECT id, name, slug, parent_id FROM blog_category",
    "posts in categories": "SELECT entry_id, category_id FROM blog_entry_categories",
    "tags": "SELECT id, name, slug, description FROM tags_tag",
    "posts with tags": "SELECT content_object_id, tag_id FROM tags_taggedpost",
    "comments": "SELECT id, kind, status, name, email, website, text, created_at, entry_id, user_id, parent_id "
    "FROM comments_comment",
    "people": "SELECT id, username, email, password, display_name, slug, is_active, is_superuser FROM accounts_user",
    "roles": "SELECT user_id, name FROM accounts_user_groups JOIN auth_group ON group_id = auth_group.id",
    "images": "SELECT id, title, file, alt, caption, width, height, deleted_at FROM media_picture",
    "documents": "SELECT id, title, file, size, deleted_at FROM media_document",
    "images in texts": "SELECT entry_id, picture_id FROM blog_entry_pictures",
    "notes on texts": "SELECT id, text FROM blog_reviewnote",
}
MIGRATE: Final = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("migrate", check_unapplied=True)
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
call_command("rebuild_search", check=True, verbosity=0)
from django.test import Client
from blog.models import Post
for path in ("/", Post.objects.published().first().get_absolute_url(), "/feed/", "/?s=the", "/admin/login/"):
    assert Client(headers={"host": "localhost"}).get(path).status_code == 200, path
"""


def unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


@pytest.fixture
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Rows]]:
    """The URL of a database with an earlier schema, and a function that returns the result of a query on it."""
    file = ROOT / "tests" / "schemas" / f"{request.param}.sqlite3.zst"
    if connection.vendor == "sqlite":
        path = tmp_path / "earlier.sqlite3"
        path.write_bytes(unpacked(file))

        def rows(sql: str) -> list[tuple[Any, ...]]:
            with closing(sqlite3.connect(path)) as database:
                return sorted(database.execute(sql).fetchall(), key=repr)

        yield f"sqlite:///{path}", rows
        return
    name = f"earlier_{uuid4().hex}"
    values = connection.settings_dict
    server = {"host": values["HOST"], "port": values["PORT"], "user": values["USER"], "password": values["PASSWORD"]}
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as database:
        database.execute(f"CREATE DATABASE {name}".encode())
    url = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{name}"
    programs = find_programs()
    assert programs
    subprocess.run(  # noqa: S603  our own file
        [programs / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null", url],
        input=unpacked(file.with_name(f"{request.param}.sql.zst")),
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        check=True,
    )

    def rows_of_server(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(dbname=name, **server) as database:
            return sorted(database.execute(sql.encode()).fetchall(), key=repr)

    yield url, rows_of_server
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as database:
        database.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.django_db
@pytest.mark.parametrize("earlier", SCHEMAS, indirect=True)
def test_migrations_keep_the_content_of_an_earlier_schema(earlier: tuple[str, Rows], tmp_path: Path) -> None:
    url, rows = earlier
    before = {name: rows(sql) for name, sql in CONTENT.items()}
    assert [name for name, found in before.items() if not found] == []
    done = run(tmp_path, MIGRATE, DATABASE_URL=url, SECRET_KEY="x", SITE_URL="http://localhost", LOG_LEVEL="ERROR")
    assert done.returncode == 0, done.stderr
    after = {name: rows(sql) for name, sql in CONTENT.items()}
    assert [name for name in CONTENT if after[name] != before[name]] == []


def test_each_schema_is_kept_for_both_kinds_of_database() -> None:
    files = {path.name for path in (ROOT / "tests" / "schemas").iterdir()}
    assert files == {f"{name}.{kind}.zst" for name in SCHEMAS for kind in ("sqlite3", "sql")}
    assert files
