"""Migrations can be reversed, and on PostgreSQL they don't lock a table while they go through its rows."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connection, migrations, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from core.online_migrations import AddConstraintOnline, AddFieldOnline, AddIndexOnline, RemoveIndexOnline
from tests.factories.made_once import CopyDatabase
from tests.factories.migrations import our_apps
from tests.factories.programs import run

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks the whole database.")

# The last migration of each app in the first release. Up to it, migrations have only run on empty tables.
FIRST_RELEASE: Final = {
    "accounts": "0008",
    "blog": "0024",
    "comments": "0003",
    "core": "0004",
    "mail": "0001",
    "media": "0006",
    "newsletter": "0001",
    "operations": "0004",
    "readers": "0001",
    "search": "0002",
    "tags": "0006",
    "wordpress": "0008",
}
# Rules of squawk (https://squawkhq.com/docs/rules) about statements that lock a table while they go through its rows.
SLOW: Final = {
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "adding-serial-primary-key-field",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
}
# Rules about changes that the previous version, which runs until the new one takes over, doesn't expect: among others,
# a column that it leaves out of its INSERT.
UNEXPECTED: Final = {
    *("ban-drop-column", "ban-drop-default", "ban-drop-table", "renaming-column", "renaming-object", "renaming-table"),
}
# Harmless statements that these rules find: the beginning of each, and the reason.
ALLOWED: Final[dict[str, str]] = {}
# Operations that can be repeated, as those of a non-atomic migration must be. The code of a RunPython has to allow it.
REPEATABLE: Final = (AddConstraintOnline, AddFieldOnline, AddIndexOnline, RemoveIndexOnline, migrations.RunPython)
CODE: Final = "import django; django.setup(); from tests.factories.migrations import main; main()"


@pytest.fixture(scope="module")
def migrated(
    own_database: dict[str, str], tmp_path_factory: pytest.TempPathFactory, copy_database: CopyDatabase
) -> Any:
    folder = tmp_path_factory.mktemp("migrated")
    # On PostgreSQL, the program migrates its own database.
    copy_database(folder / "data")
    result = run(folder / "data", CODE, SECRET_KEY="x", **own_database)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def ours() -> list[migrations.Migration]:
    loader = MigrationLoader(None)
    return [migration for (app, _name), migration in sorted(loader.disk_migrations.items()) if app in our_apps()]


def is_of_first_release(app: str, name: str) -> bool:
    return name[:4] <= FIRST_RELEASE.get(app, "")


def problems(statements: list[str], folder: Path) -> list[tuple[str, str]]:
    """Return the rules that the statements of a migration break, each with the statement."""
    path = folder / "migration.sql"
    path.write_text("".join(f"{' '.join(statement.split())};\n" for statement in statements), encoding="utf-8")
    squawk = [str(Path(sys.executable).with_name("squawk")), "--assume-in-transaction", "--reporter", "json", str(path)]
    found = json.loads(subprocess.run(squawk, capture_output=True, check=False).stdout)  # noqa: S603  # our own command
    lines = path.read_text(encoding="utf-8").splitlines()
    new = set(re.findall(r'CREATE TABLE (?:IF NOT EXISTS )?("?\w+"?)', "\n".join(lines)))
    return [
        (item["rule_name"], lines[item["line"]])
        for item in found
        if item["rule_name"] in SLOW | UNEXPECTED
        and not re.match(rf"ALTER TABLE ({'|'.join(new) or '^'}) ", lines[item["line"]])
        and not lines[item["line"]].startswith(tuple(ALLOWED))
    ]


@pytest.mark.long
class TestOurMigrations:
    def test_can_be_reversed(self, migrated: Any, ours: list[migrations.Migration]) -> None:
        assert migrated["applied"] == [f"{each.app_label}.{each.name}" for each in ours]
        assert len(ours) > 50
        assert migrated["left"] == []

    @on_postgresql
    def test_do_not_block_the_site(self, migrated: Any, ours: list[migrations.Migration], tmp_path: Path) -> None:
        found = {}
        for each in ours:
            name = f"{each.app_label}.{each.name}"
            if not is_of_first_release(each.app_label, each.name):
                found[name] = problems(migrated["statements"][name], tmp_path)
        assert {name: each for name, each in found.items() if each} == {}

    def test_change_rows_in_short_transactions(self, ours: list[migrations.Migration]) -> None:
        """An atomic migration holds its row locks until it ends, even if it fills a new table in one statement."""
        found = [
            f"{each.app_label}.{each.name}"
            for each in ours
            if each.atomic
            and not is_of_first_release(each.app_label, each.name)
            and any(map(has_code, each.operations))
        ]
        assert found == []

    def test_can_be_repeated_if_they_are_not_atomic(self, ours: list[migrations.Migration]) -> None:
        found = [
            f"{each.app_label}.{each.name}: {operation}"
            for each in ours
            if not each.atomic
            for operation in each.operations
            if not isinstance(operation, REPEATABLE)
        ]
        assert found == []


def has_code(operation: Any) -> bool:
    """Return whether the operation runs our own code when it is applied."""
    if isinstance(operation, migrations.RunPython):
        return operation.code is not migrations.RunPython.noop
    return isinstance(operation, migrations.RunSQL) and operation.sql != migrations.RunSQL.noop


class TestRules:
    @pytest.mark.parametrize(
        "statement",
        [
            'CREATE INDEX "x" ON "blog_entry" ("title")',
            'CREATE UNIQUE INDEX "x" ON "blog_entry" ("title")',
            'DROP INDEX "x"',
            'ALTER TABLE "blog_entry" ADD CONSTRAINT "x" CHECK ("title" > \'\')',
            'ALTER TABLE "blog_entry" ADD CONSTRAINT "x" UNIQUE ("title")',
            'ALTER TABLE "blog_entry" ADD CONSTRAINT "x" FOREIGN KEY ("y") REFERENCES "y" ("id")',
            'ALTER TABLE "blog_entry" ALTER COLUMN "title" SET NOT NULL',
            'ALTER TABLE "blog_entry" ALTER COLUMN "title" TYPE bigint USING "title"::bigint',
            'ALTER TABLE "blog_entry" ADD COLUMN "x" uuid DEFAULT gen_random_uuid() NOT NULL',
            'ALTER TABLE "blog_entry" ADD COLUMN "x" bigint NOT NULL',
            'ALTER TABLE "blog_entry" ALTER COLUMN "x" DROP DEFAULT',
            'ALTER TABLE "blog_entry" RENAME COLUMN "x" TO "y"',
            'ALTER TABLE "blog_entry" DROP COLUMN "x" CASCADE',
        ],
    )
    def test_find_statements_that_block_the_site(self, statement: str, tmp_path: Path) -> None:
        assert problems([statement], tmp_path)

    @pytest.mark.parametrize(
        "statements",
        [
            ['CREATE TABLE "x" ("id" bigint NOT NULL PRIMARY KEY)', 'CREATE INDEX "y" ON "x" ("id")'],
            ['CREATE TABLE "x" ("id" bigint NOT NULL PRIMARY KEY)', 'ALTER TABLE "x" ADD COLUMN "y" bigint NOT NULL'],
            ['ALTER TABLE "blog_entry" ADD COLUMN "x" bigint NULL'],
            ['ALTER TABLE "blog_entry" ADD COLUMN "x" varchar(9) DEFAULT \'\' NOT NULL'],
            ['CREATE INDEX CONCURRENTLY "x" ON "blog_entry" ("title")'],
            ['ALTER TABLE "blog_entry" ADD CONSTRAINT "x" CHECK ("title" > \'\') NOT VALID'],
            ['ALTER TABLE "blog_entry" VALIDATE CONSTRAINT "x"'],
            ['ALTER TABLE "blog_entry" ADD CONSTRAINT "x" UNIQUE USING INDEX "x"'],
        ],
    )
    def test_allow_statements_that_do_not(self, statements: list[str], tmp_path: Path) -> None:
        assert problems(statements, tmp_path) == []


class TestOnlineOperations:
    """Each operation can be repeated after an attempt that was killed."""

    @pytest.fixture
    def state(self, transactional_db: None) -> Iterator[ProjectState]:
        """A table with two rows."""
        state = ProjectState()
        create = migrations.CreateModel(
            "Thing", [("id", models.BigAutoField(primary_key=True)), ("size", models.IntegerField())]
        )
        after = state.clone()
        create.state_forwards("core", after)
        with connection.schema_editor() as editor:
            create.database_forwards("core", editor, state, after)
        after.apps.get_model("core", "Thing").objects.bulk_create(
            after.apps.get_model("core", "Thing")(size=size) for size in (1, 2)
        )
        yield after
        with connection.schema_editor() as editor:
            create.database_backwards("core", editor, after, state)

    @pytest.mark.parametrize(
        "operation",
        [
            AddIndexOnline("thing", models.Index(fields=["size"], name="thing_size")),
            AddConstraintOnline("thing", models.UniqueConstraint(fields=["size"], name="thing_size")),
            AddConstraintOnline("thing", models.CheckConstraint(condition=models.Q(size__gt=0), name="thing_size")),
        ],
        ids=["index", "unique", "check"],
    )
    def test_add_and_remove_an_index_or_constraint(self, state: ProjectState, operation: Any) -> None:
        after = state.clone()
        operation.state_forwards("core", after)
        for _ in range(2):
            with connection.schema_editor(atomic=False) as editor:
                operation.database_forwards("core", editor, state, after)
            assert self.names() == {"thing_size"}
        for _ in range(2):
            with connection.schema_editor(atomic=False) as editor:
                operation.database_backwards("core", editor, after, state)
            assert self.names() == set()

    def test_remove_and_restore_an_index(self, state: ProjectState) -> None:
        addition = AddIndexOnline("thing", models.Index(fields=["size"], name="thing_size"))
        removal = RemoveIndexOnline("thing", "thing_size")
        added = state.clone()
        addition.state_forwards("core", added)
        removed = added.clone()
        removal.state_forwards("core", removed)
        with connection.schema_editor(atomic=False) as editor:
            addition.database_forwards("core", editor, state, added)
        for _ in range(2):
            with connection.schema_editor(atomic=False) as editor:
                removal.database_forwards("core", editor, added, removed)
            assert self.names() == set()
        for _ in range(2):
            with connection.schema_editor(atomic=False) as editor:
                removal.database_backwards("core", editor, removed, added)
            assert self.names() == {"thing_size"}

    def test_add_a_field_only_once(self, state: ProjectState) -> None:
        operation = AddFieldOnline(
            "thing", "name", models.CharField(max_length=9, default="new"), preserve_default=False
        )
        after = state.clone()
        operation.state_forwards("core", after)
        thing = after.apps.get_model("core", "Thing")
        for name in ("new", "filled in"):
            with connection.schema_editor(atomic=False) as editor:
                operation.database_forwards("core", editor, state, after)
            assert set(thing.objects.values_list("name", flat=True)) == {name}
            thing.objects.update(name="filled in")

    @on_postgresql
    @pytest.mark.parametrize(
        "operation",
        [
            AddIndexOnline("thing", models.Index(fields=["size"], name="thing_size")),
            AddConstraintOnline("thing", models.UniqueConstraint(fields=["size"], name="thing_size")),
        ],
        ids=["index", "unique"],
    )
    def test_rebuild_an_index_that_was_not_completed(self, state: ProjectState, operation: Any) -> None:
        thing = state.apps.get_model("core", "Thing")
        thing.objects.update(size=1)
        with pytest.raises(Exception, match="could not create unique index"), connection.cursor() as cursor:
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY thing_size ON core_thing (size)")
        thing.objects.filter(pk=thing.objects.latest("pk").pk).update(size=2)
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("core", editor, state, state)
        with connection.cursor() as cursor:
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'thing_size'::regclass")
            assert cursor.fetchall() == [(True,)]
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchall() == [("0",)]

    def names(self) -> set[str]:
        with connection.cursor() as cursor:
            return {*connection.introspection.get_constraints(cursor, "core_thing")} & {"thing_size"}


@on_postgresql
class TestMigrateCommand:
    @pytest.fixture
    def sleep(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[float]]:
        """Return a function that sets the action during each pause between attempts, and returns the pauses."""

        def sleep(action: Callable[[], object]) -> list[float]:
            pauses: list[float] = []

            def pause(seconds: float) -> None:
                pauses.append(seconds)
                action()

            monkeypatch.setattr(time, "sleep", pause)
            return pauses

        return sleep

    @pytest.fixture
    def other(self, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """A connection whose open transaction has read a table that a migration locks."""

        def change(self: Any, *args: Any, **options: Any) -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE core_sitesettings IN ACCESS EXCLUSIVE MODE")

        monkeypatch.setattr(migrate.Command, "handle", change)
        monkeypatch.setattr("operations.management.commands.migrate._LOCK_TIMEOUT", "10ms")
        other: Any = connection.copy()
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM core_sitesettings")
        yield other
        other.close()

    def test_tries_again_until_the_table_is_free(self, other: Any, sleep: Any) -> None:
        pauses: list[float] = sleep(lambda: other.rollback() if len(pauses) == 3 else None)
        call_command("migrate")
        assert pauses == [1, 2, 4]
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchall() == [("0",)]

    def test_gives_up_eventually(self, other: Any, sleep: Any) -> None:
        pauses = sleep(lambda: None)
        with pytest.raises(CommandError, match="continues from here"):
            call_command("migrate")
        assert 120 < sum(pauses) < 600

    def test_other_errors_are_not_hidden(self, other: Any, sleep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(self: Any, *args: Any, **options: Any) -> None:
            raise OperationalError("disk full")

        monkeypatch.setattr(migrate.Command, "handle", fail)
        with pytest.raises(OperationalError, match="disk full"):
            call_command("migrate")
