"""The mark of tests that depend on the database, which the run on PostgreSQL selects (`-m database`).

All other tests have the same result on each database, so running them on one is enough.
"""

import threading
from collections.abc import Generator
from unittest.mock import patch

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import SimpleTestCase

# Fixtures that give access to a database. All of pytest-django's need the first one, except for the second one.
_FIXTURES = {"django_db_setup", "live_server", "own_database"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that use the database, and those that may be skipped, because this may depend on its kind."""
    uses_database = (
        not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        or item.get_closest_marker("django_db")
        or item.get_closest_marker("skipif")
        or issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
    )
    if uses_database:
        item.add_marker("database")


def _watch(item: pytest.Item) -> Generator[None]:
    """Have tests without the mark fail if they look at the kind of database, as Django does for each query."""
    if item.get_closest_marker("database"):
        return (yield)
    kind = type(connections[DEFAULT_DB_ALIAS])
    vendor = kind.vendor

    def unknown(connection: object) -> str:
        # Threads of earlier tests may still be running.
        if threading.current_thread() is threading.main_thread():
            pytest.fail("This test depends on the database. Mark it with pytest.mark.database.")
        return vendor

    with patch.object(kind, "vendor", property(unknown)):
        return (yield)


pytest_runtest_setup = pytest_runtest_call = pytest.hookimpl(wrapper=True)(_watch)
