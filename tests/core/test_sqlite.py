"""The connection to SQLite, which converts placeholders itself."""

from typing import Any

import pytest
from django.db import connection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has placeholders of its own."),
]


@pytest.mark.parametrize(
    ("statement", "values", "expected"),
    [
        pytest.param("SELECT %s, %s", ["a", 1], ("a", 1), id="in order"),
        pytest.param("SELECT %(b)s, %(a)s", {"a": 1, "b": 2}, (2, 1), id="by name"),
        pytest.param("SELECT %s LIKE 'a%%'", ["abc"], (1,), id="with a percent sign"),
        pytest.param("SELECT 'a%%s', %s", [1], ("a%s", 1), id="with an escaped placeholder"),
        pytest.param("SELECT 'a%%s'", None, ("a%%s",), id="without values"),
    ],
)
def test_a_statement_gets_its_values_each_time(statement: str, values: Any, expected: object) -> None:
    with connection.cursor() as cursor:
        for _time in range(2):
            cursor.execute(statement, values)
            assert cursor.fetchone() == expected
