"""The connection to SQLite: placeholders, polling while others write, and gaps in which others can write."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from blog.models import Category
from core.database import pragma
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


def in_one_statement() -> None:
    Category.objects.filter(pk=0).update(description="")


def in_a_transaction() -> None:
    with transaction.atomic():
        pass


@pytest.mark.django_db(transaction=True)
class TestWhileAnotherProcessWrites:
    @pytest.fixture(params=[in_one_statement, in_a_transaction])
    def write(self, request: pytest.FixtureRequest) -> Callable[[], None]:
        write: Callable[[], None] = request.param
        return write

    @pytest.fixture
    def other(self) -> Iterator[sqlite3.Connection]:
        connection.ensure_connection()
        with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield other

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """Return the times at which the clock was read. Seven seconds pass each time."""
        times: list[float] = []

        def monotonic() -> float:
            times.append(7.0 * len(times))
            return times[-1]

        monkeypatch.setattr("core.sqlite.base.time.monotonic", monotonic)
        return times

    def test_a_writer_polls_often_until_the_other_one_has_finished(
        self, write: Callable[[], None], other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        timeouts = []

        def monotonic() -> float:
            # It is called whenever SQLite has stopped waiting.
            timeouts.extend(connection.connection.execute("PRAGMA busy_timeout").fetchone())
            if len(timeouts) == 3:
                other.execute("ROLLBACK")
            return 1.0

        monkeypatch.setattr("core.sqlite.base.time.monotonic", monotonic)
        write()
        assert len(timeouts) >= 3
        assert set(timeouts) == {100}

    def test_a_writer_gives_up_after_the_timeout_in_the_settings(
        self, write: Callable[[], None], other: sqlite3.Connection, clock: list[float]
    ) -> None:
        with pytest.raises(OperationalError, match="database is locked"):
            write()
        # It still waits after 7 and 14 seconds.
        assert len(clock) >= 4

    def test_a_timeout_of_its_own_is_all_that_a_writer_waits(
        self, write: Callable[[], None], other: sqlite3.Connection, clock: list[float]
    ) -> None:
        with pragma("busy_timeout", 1), pytest.raises(OperationalError, match="database is locked"):
            write()
        assert len(clock) <= 2
