"""Operations of migrations that add or remove indexes and constraints of large tables while others read and write them.

On PostgreSQL, Django's own operations keep writers waiting for as long as it takes to read the whole table. These can't
be rolled back, so a migration that uses them has `atomic = False` and nothing but operations that can be repeated: what
an attempt that was killed has left is finished by the next one. On SQLite, they differ from Django's only in that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import migrations, models, transaction
from django.db.migrations.state import ProjectState

from core.database import lock_timeout

# Before PostgreSQL builds or removes an index, transactions that have begun must end. Meanwhile, others read and write.
_NO_LIMIT: Final = "0"


class AddFieldOnline(migrations.AddField):
    """Add a field to which the next operation gives values. It is no better than Django's, but can be repeated."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        column: Any = model._meta.get_field(self.name)
        connection = schema_editor.connection
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {schema_editor.quote_name(model._meta.db_table)} LIMIT 0")  # noqa: S608  # our own
            columns = {name for name, *_ in cursor.description}
        if column.column not in columns:
            with transaction.atomic(connection.alias):
                super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddIndexOnline(migrations.AddIndex):
    """Add an index."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor == "postgresql":
            with _build(schema_editor, self.index.name) as is_missing:
                if is_missing:
                    schema_editor.add_index(model, self.index, concurrently=True)
        elif not _is_there(schema_editor, model, self.index.name):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor == "postgresql":
            with lock_timeout(schema_editor.connection, _NO_LIMIT):
                schema_editor.remove_index(model, self.index, concurrently=True)
        elif _is_there(schema_editor, model, self.index.name):
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexOnline(migrations.RemoveIndex):
    """Remove an index."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._addition(app_label, from_state).database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._addition(app_label, to_state).database_forwards(app_label, schema_editor, from_state, to_state)

    def _addition(self, app_label: str, state: ProjectState) -> AddIndexOnline:
        index = state.models[app_label, self.model_name.lower()].get_index_by_name(self.name)
        return AddIndexOnline(self.model_name, index)


class AddConstraintOnline(migrations.AddConstraint):
    """Add a check, or make some fields unique. A unique constraint is one without conditions and expressions."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            if not _is_there(schema_editor, model, self.constraint.name):
                super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif isinstance(self.constraint, models.CheckConstraint):
            self._add_check(schema_editor, model, self.constraint)
        elif isinstance(self.constraint, models.UniqueConstraint):
            self._make_unique(schema_editor, model, self.constraint)
        else:
            raise NotImplementedError(f"{self.constraint!r} can't be added while others write.")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if _is_there(schema_editor, model, self.constraint.name):
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _add_check(self, schema_editor: Any, model: type[models.Model], constraint: models.CheckConstraint) -> None:
        if not _is_there(schema_editor, model, constraint.name):
            # From now on for what is written, and then for what is there.
            schema_editor.execute(f"{constraint.create_sql(model, schema_editor)} NOT VALID", params=None)
        table, name = map(schema_editor.quote_name, (model._meta.db_table, constraint.name))
        schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", params=None)

    def _make_unique(self, schema_editor: Any, model: type[models.Model], constraint: models.UniqueConstraint) -> None:
        if set(constraint.deconstruct()[2]) != {"fields", "name"}:
            raise NotImplementedError(f"{constraint!r} can't be added while others write.")
        if _is_there(schema_editor, model, constraint.name):
            return
        table, name = map(schema_editor.quote_name, (model._meta.db_table, constraint.name))
        fields: list[Any] = [model._meta.get_field(each) for each in constraint.fields]
        columns = ", ".join(schema_editor.quote_name(each.column) for each in fields)
        with _build(schema_editor, constraint.name) as is_missing:
            if is_missing:
                schema_editor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns})", params=None)
        schema_editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}", params=None)


def _is_there(schema_editor: Any, model: type[models.Model], name: str) -> bool:
    """Whether the table has a constraint of this name or, on SQLite, an index."""
    connection, table = schema_editor.connection, model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # An index without its constraint was left by an attempt that was killed.
            cursor.execute("SELECT FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass", [name, table])
        else:
            # Constraints are in the SQL of the table. Django would parse all of that.
            constraint = f"CONSTRAINT {schema_editor.quote_name(name)} "
            query = "SELECT 1 FROM sqlite_master WHERE tbl_name = %s AND (name = %s OR instr(sql, %s))"
            cursor.execute(query, [table, name, constraint])
        return cursor.fetchone() is not None


@contextmanager
def _build(schema_editor: Any, name: str) -> Iterator[bool]:
    """Prepare for making the index of this name on PostgreSQL. Yield whether it is missing.

    An attempt that failed leaves one that is not valid.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE relname = %s AND relnamespace = current_schema()::regnamespace",
            [name],
        )
        row = cursor.fetchone()
    with lock_timeout(schema_editor.connection, _NO_LIMIT):
        if row and not row[0]:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(name)}", params=None)
        yield not (row and row[0])
