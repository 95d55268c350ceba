"""While a PostgreSQL server is unreachable, one thread at a time waits for it, and the others fail immediately."""

from typing import Any

import pytest
from django.db.backends.postgresql import base as django_base
from psycopg import OperationalError

from core.postgresql import base
from core.postgresql.base import PAUSE, DatabaseWrapper


class Server:
    """A server that takes `seconds` to answer or to fail, with the clock that this advances."""

    def __init__(self) -> None:
        self.now, self.seconds, self.is_away, self.attempts = 100.0, 0.01, False, 0

    def connect(self, *args: Any) -> str:
        self.attempts += 1
        self.now += self.seconds
        if self.is_away:
            raise OperationalError("connection refused")
        return "a connection"


class Pool:
    def __init__(self) -> None:
        self.failures = 0

    def get_stats(self) -> dict[str, int]:
        return {"connections_errors": self.failures}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(django_base.DatabaseWrapper, "get_new_connection", server.connect)
    monkeypatch.setattr(django_base.DatabaseWrapper, "pool", None)
    monkeypatch.setattr("core.postgresql.base.time.monotonic", lambda: server.now)
    monkeypatch.setattr(base, "_away_until", {})
    monkeypatch.setattr(base, "_seen_failures", {})
    return server


def connect() -> Any:
    return DatabaseWrapper({"OPTIONS": {}}, "default").get_new_connection({"connect_timeout": 5})


def test_after_a_slow_failure_other_requests_fail_immediately(server: Server) -> None:
    server.is_away, server.seconds = True, 5
    for _request in range(10):
        with pytest.raises(OperationalError):
            connect()
    assert server.attempts == 1


def test_after_a_while_one_request_tries_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.is_away, server.seconds = True, 5
    with pytest.raises(OperationalError):
        connect()
    server.now += PAUSE

    def connect_while_another_does(*args: Any) -> Any:
        # The first request is still waiting, so another one does not even try.
        with pytest.raises(OperationalError, match="a moment ago"):
            connect()
        return server.connect()

    monkeypatch.setattr(django_base.DatabaseWrapper, "get_new_connection", connect_while_another_does)
    server.is_away = False
    assert connect() == "a connection"
    assert server.attempts == 2
    # From now on, every request connects.
    monkeypatch.setattr(django_base.DatabaseWrapper, "get_new_connection", server.connect)
    assert connect() == connect() == "a connection"


def test_a_server_that_refuses_immediately_is_tried_each_time(server: Server) -> None:
    server.is_away = True
    for _request in range(10):
        with pytest.raises(OperationalError):
            connect()
    assert server.attempts == 10


def test_an_exhausted_pool_is_not_taken_for_an_unreachable_server(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool()
    monkeypatch.setattr(django_base.DatabaseWrapper, "pool", pool)
    server.is_away, server.seconds = True, 5
    for _request in range(3):
        with pytest.raises(OperationalError, match="refused"):
            connect()
    pool.failures = 1
    with pytest.raises(OperationalError, match="refused"):
        connect()
    with pytest.raises(OperationalError, match="a moment ago"):
        connect()
