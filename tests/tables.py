"""All that the database holds, as text: to look for what must not be in it."""

from django.db import connection

# What Django says about itself, and tests do not change.
_ABOUT_THE_CODE = {"django_migrations", "django_content_type", "auth_permission"}


def everything_stored() -> str:
    """Each value of each row of each table, those of no model included, in a fixed order."""
    lines = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in _ABOUT_THE_CODE:
                continue
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  (names of our own tables)
            lines += sorted(f"{table}: {row!r}" for row in cursor.fetchall())
    assert lines
    return "\n".join(lines)
