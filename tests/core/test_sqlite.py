"""The connection to SQLite, which converts placeholders itself and leaves gaps for other writers."""

import time
from typing import Any

import pytest
from django.db import connection, transaction

from core.sqlite.base import DatabaseWrapper

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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("held", "between", "expected"),
    [
        ([0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.1], 0, [0.12, 0.12]),
        ([1.1, 0.1], 0.04, [0.08]),
        ([0.5, 0.5, 0.5], 0.2, []),
        ([10, 0.1, 0.1], 0, [0.12]),
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_the_database_is_free_regularly_for_long_enough_to_be_noticed(
    held: list[float], between: float, expected: list[float], fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, slept = [time.monotonic() + 1], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("core.sqlite.base.time.monotonic", lambda: now[0])
    monkeypatch.setattr("core.sqlite.base.time.sleep", sleep)
    monkeypatch.setattr(DatabaseWrapper, "max_held", 1.0)
    for seconds in held:
        with transaction.atomic():
            now[0] += seconds
            transaction.set_rollback(fails)
        now[0] += between
    assert [round(seconds, 6) for seconds in slept] == expected
