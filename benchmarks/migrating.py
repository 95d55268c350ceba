"""Migrates a large database from the first schema to the newest and back, while others read and write. See README.md.

Prints how long each migration takes, and the longest wait of a reader and of a writer during that time.
"""

import argparse
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import scratch_site  # noqa: F401  # sets up Django
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate

from operations.management.commands.migrate import Command

# The first schema that a site could have had content in.
FIRST = ("accounts", "core", "media", "blog", "tags", "comments", "wordpress")
# From then on, revisions have a table.
WITH_REVISIONS = ("blog", "0005")
TEXT = "<p>" + "Some words of a text about a march. " * 12 + "</p>"
TIME = "'2020-01-02 03:04:05+00:00'"
ENTRY_COLUMNS = """id, kind, title, slug, status, published_at, source, markup, excerpt, language, comments_open, guid,
    created_at, modified_at, sticky, published_on, menu_order, lead_html, body_html, auto_excerpt, has_more,
    source_digest, render_version, comment_count, author_id"""
ENTRY = f"""n, 'post', 'Post ' || n, 'post-' || n, 'published', {TIME}, '{TEXT}', 'html', '', '', TRUE, 'guid-' || n,
    {TIME}, {TIME}, FALSE, '2020-01-02', 0, '', '{TEXT}', '', FALSE, '', 1, 0, 1"""
COMMENT_COLUMNS = """id, kind, status, name, email, website, text, is_html, is_imported, html, created_at, status_since,
    reasons, entry_id"""
COMMENT = f"""n, 'comment', 'approved', 'Reader', '', '', 'I agree.', FALSE, FALSE, '<p>I agree.</p>', {TIME}, {TIME},
    '[]', n"""
PERSON_COLUMNS = """id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
    date_joined, display_name, slug, bio"""
PERSON = f"1, '', FALSE, 'writer', '', '', '', TRUE, TRUE, {TIME}, 'Writer', 'writer', ''"
# For each table, its columns and their values in row n.
ROWS = {
    "tags_tag": ("id, name, key, slug, description", "n, 'Tag ' || n, 'tag ' || n, 'tag-' || n, ''"),
    "blog_entry": (ENTRY_COLUMNS, ENTRY),
    "blog_entry_categories": ("entry_id, category_id", "n, 1"),
    "tags_taggedpost": ("published_at, content_object_id, tag_id", f"{TIME}, n, (n - 1) % {{tags}} + 1"),
    "comments_comment": (COMMENT_COLUMNS, COMMENT),
}
REVISIONS = (
    "created_at, title, source, markup, settings, digest, entry_id",
    f"{TIME}, 'Post ' || n, '{TEXT}', 'html', '{{}}', 'digest', n",
)
# The columns that readers fetch and writers change, by the ID of a row. Every schema has them.
COLUMNS = {"blog_entry": "title", "tags_tag": "name", "tags_taggedpost": "tag_id", "comments_comment": "name"}


@dataclass
class Measured:
    """The duration of a migration, and the longest waits during it, in seconds."""

    seconds: float = 0.0
    reader: float = 0.0
    writer: float = 0.0


class Measurement(Command):
    """The command `migrate`, recording when each migration begins and ends."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Measured] = {"": Measured()}
        self.current = ""
        self._began = 0.0

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:  # noqa: FBT001, FBT002, RUF100  # Django's own signature
        if action in {"apply_start", "unapply_start"}:
            self.current, self._began = f"{migration.app_label}.{migration.name}", time.perf_counter()
            self.found.setdefault(self.current, Measured())
        elif action in {"apply_success", "unapply_success"}:
            self.found[self.current].seconds += time.perf_counter() - self._began
            self.current = ""


class Prober:
    """Reads or writes random rows of each table in turn, and records the longest wait during each migration."""

    def __init__(self, measurement: Measurement, rows: int, *, writes: bool) -> None:
        self._measurement = measurement
        self._rows = rows
        self._writes = writes
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.errors = 0

    def __enter__(self) -> "Prober":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.005):
            for table, column in COLUMNS.items():
                # There may be fewer tags. Looking up a missing row takes just as long.
                self._probe(table, column, random.randint(1, self._rows))  # noqa: S311  # any row will do
        connection.close()

    def _probe(self, table: str, column: str, row: int) -> None:
        change = f"UPDATE {table} SET {column} = {column} WHERE id = %s"  # noqa: S608  # our own names
        query = f"SELECT {column} FROM {table} WHERE id = %s"  # noqa: S608  # as above
        found, began = self._measurement.found[self._measurement.current], time.perf_counter()
        try:
            with connection.cursor() as cursor:
                cursor.execute(change if self._writes else query, [row])
        except DatabaseError:
            self.errors += 1
        waited = time.perf_counter() - began
        if self._writes:
            found.writer = max(found.writer, waited)
        else:
            found.reader = max(found.reader, waited)


def fill(table: str, columns: str, values: str, rows: int) -> None:
    """Insert rows numbered from 1."""
    series = f"WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {rows})"  # noqa: S608  # our own
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The rows to which these rows refer exist, and checking each would take long.
            cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"INSERT INTO {table} ({columns}) {series} SELECT {values} FROM series")  # noqa: S608  # our own
        if connection.vendor == "postgresql":
            cursor.execute("RESET session_replication_role")
            cursor.execute(f"VACUUM ANALYZE {table}")


def prepare(rows: int, tags: int) -> None:
    """Create the first schema, and fill it."""
    executor = MigrationExecutor(connection)
    executor.migrate([(app, executor.loader.get_migration_by_prefix(app, "0001").name) for app in FIRST])
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO accounts_user ({PERSON_COLUMNS}) VALUES ({PERSON})")  # noqa: S608  # our own
        cursor.execute(
            "INSERT INTO blog_category (id, name, slug, path, description) VALUES (1, 'All', 'all', 'all', '')"
        )
    for table, (columns, values) in ROWS.items():
        fill(table, columns, values.replace("{tags}", str(tags)), tags if table == "tags_tag" else rows)


def measure(rows: int, migrate: Callable[[Measurement], object]) -> Measurement:
    """Migrate while one reads and another writes."""
    measurement = Measurement()
    reading, writing = (Prober(measurement, rows, writes=writes) for writes in (False, True))
    with reading, writing:
        # Measure how long they wait without any migration.
        time.sleep(min(2.0, rows / 1000))
        migrate(measurement)
    print(f"Failed: {reading.errors} reads, {writing.errors} writes.")
    return measurement


def report(title: str, measurement: Measurement, shown: float) -> None:
    print(f"\n{title}\n")
    print("| migration | seconds | longest wait of a reader | of a writer |\n| --- | ---: | ---: | ---: |")
    rest = Measured()
    for name, found in measurement.found.items():
        if name and max(found.seconds, found.reader, found.writer) < shown:
            rest.seconds += found.seconds
            rest.reader, rest.writer = max(rest.reader, found.reader), max(rest.writer, found.writer)
            continue
        line = name or "between migrations"
        print(f"| {line} | {found.seconds:.2f} | {found.reader:.3f} | {found.writer:.3f} |")
    print(f"| all others | {rest.seconds:.2f} | {rest.reader:.3f} | {rest.writer:.3f} |")


def forwards(measurement: Measurement) -> None:
    call_command(measurement, verbosity=0)


def backwards(measurement: Measurement) -> None:
    for app in reversed(FIRST):
        call_command(measurement, app, "0001", verbosity=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="in each table except that of tags (default: %(default)s)"
    )
    parser.add_argument("--tags", type=int, default=100_000, help="how many tags at most (default: %(default)s)")
    parser.add_argument(
        "--shown", type=float, default=0.1, help="leave out migrations below this many seconds (default: %(default)s)"
    )
    parser.add_argument("--forwards-only", action="store_true", help="don't migrate back")
    options = parser.parse_args()
    # Filling the search index is not a migration: new sites do it as well, and readers don't wait for it.
    if not post_migrate.disconnect(sender=apps.get_app_config("search"), dispatch_uid="search.fill_index"):
        raise SystemExit("The search index would be filled.")
    prepare(options.rows, min(options.rows, options.tags))
    first = measure(options.rows, lambda measurement: call_command(measurement, *WITH_REVISIONS, verbosity=0))
    fill("blog_revision", *REVISIONS, options.rows)
    rest = measure(options.rows, forwards)
    rest.found = {**first.found, **rest.found}
    print(f"\n{connection.vendor}, {options.rows:,} rows in each table")
    report("Forwards", rest, options.shown)
    if not options.forwards_only:
        report("Backwards", measure(options.rows, backwards), options.shown)


if __name__ == "__main__":
    main()
