"""The pages that monitoring requests, and what they reveal to strangers."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from core.updating import closed
from operations import health
from operations.backups.creating import version
from operations.health import HealthPages
from operations.models import PRESUMED_DEAD, WorkerHeartbeat
from tests.factories.reader import Reader, Response

TOKEN = "a-token-for-monitoring-0123"


@pytest.fixture(autouse=True)
def _alive(db: None, settings: Settings) -> None:
    """A site on which nothing is missing."""
    settings.BROADSIDE_MONITORING_TOKEN = TOKEN
    WorkerHeartbeat.beat("worker")


def ask(path: str = "/readyz", method: str = "GET", host: str = "10.0.0.7:8000", **headers: str) -> Response:
    """Send a request to a process that has just started."""
    reader = Reader(host)
    reader.application = HealthPages(reader.application)
    response = reader.request(method, path, **headers)
    assert reader.rendered == []
    return response


def details(path: str = "/readyz") -> dict[str, str]:
    """Return the reported problems by name."""
    body = json.loads(ask(path, authorization=f"Bearer {TOKEN}").text)
    return {name: problem for name, problem in body["problems"].items() if problem}


class TestLiveness:
    def test_is_constant_and_needs_no_database(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            response = ask("/healthz")
        assert (response.status, response.text) == (200, "alive\n")
        assert response.headers["Cache-Control"] == "no-store"

    def test_is_answered_for_any_host_and_without_a_redirect(self, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        settings.ALLOWED_HOSTS = ["blog.example.org"]
        for host in ("10.0.0.7:8000", "[2001:db8::7]", "blog.example.org", "", "not a host"):
            for path in ("/healthz", "/readyz", "/readyz/web"):
                assert ask(path, host=host).status == 200

    def test_head_has_no_body(self) -> None:
        response = ask("/healthz", "HEAD")
        assert (response.status, response.body, response.headers["Content-Length"]) == (200, b"", "6")

    @pytest.mark.parametrize(("method", "path"), [("POST", "/healthz"), ("GET", "/healthz/"), ("GET", "/readyz/all")])
    def test_everything_else_is_left_to_the_site(self, method: str, path: str) -> None:
        reader = Reader()
        reader.application = HealthPages(reader.application)
        assert reader.request(method, path).status != 200
        assert reader.rendered == [path]


class TestReadiness:
    def test_is_reported_if_nothing_is_missing(self, django_assert_max_num_queries: Any) -> None:
        ask()
        with django_assert_max_num_queries(4 if connection.vendor == "sqlite" else 5):
            response = ask()
        assert (response.status, response.text) == (200, "ready\n")
        assert response.headers["Cache-Control"] == "no-store"
        assert details() == {}

    def break_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> int:
            raise OperationalError("no connection to 'MARKER'")

        monkeypatch.setattr(health, "content_version", fail)

    def break_writing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if connection.vendor == "sqlite":
            monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
        else:
            connection.cursor().execute("SET TRANSACTION READ ONLY")

    def break_migrations(self, monkeypatch: pytest.MonkeyPatch) -> None:
        MigrationRecorder(connection).record_unapplied("operations", "0001_initial")

    def break_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(caches["default"]), "set", lambda *args, **options: None)

    def break_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "RESERVE", 2**62)

    def break_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        WorkerHeartbeat.objects.update(at=timezone.now() - PRESUMED_DEAD - dt.timedelta(seconds=1))

    @pytest.mark.parametrize(
        ("name", "sentence", "of_web"),
        [
            ("database", "OperationalError: no connection to …", True),
            ("writing", "The database can only be read.", False),
            ("migrations", "The database lacks 1 migration: run “manage.py migrate”.", True),
            ("cache", "does not keep", False),
            ("disk", "The disk is full.", False),
            ("worker", "The worker is not running.", False),
        ],
    )
    def test_is_not_reported_if_something_is_missing(
        self, name: str, sentence: str, *, of_web: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        getattr(self, f"break_{name}")(monkeypatch)
        response = ask()
        assert (response.status, response.text) == (503, "not ready\n")
        assert sentence in details()[name]
        others = {"writing", "migrations", "worker"} if name == "database" else set()
        assert set(details()) - others == {name}
        # A load balancer keeps sending readers to a web server that can answer them.
        assert ask("/readyz/web").status == (503 if of_web else 200)

    def test_is_not_reported_if_no_worker_has_ever_run(self) -> None:
        WorkerHeartbeat.objects.all().delete()
        assert set(details()) == {"worker"}

    def test_a_disk_without_free_inodes_counts_as_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "_MIN_FREE_FILES", 2**62)
        assert "can't hold any more files" in details().get("disk", "can't hold any more files")

    def test_frequent_requests_cost_no_queries(self, django_assert_num_queries: Any) -> None:
        reader = Reader()
        reader.application = HealthPages(reader.application)
        reader.get("/readyz")
        with django_assert_num_queries(0):
            for _attempt in range(20):
                assert reader.get("/readyz").status == 200


class TestStrangers:
    @pytest.mark.parametrize(
        "authorization",
        ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"bearer  x{TOKEN}"],
    )
    def test_only_learn_whether_the_site_is_ready(self, authorization: str) -> None:
        WorkerHeartbeat.objects.all().delete()
        assert ask(authorization=authorization).text == "not ready\n"

    def test_get_no_details_if_no_token_is_set(self, settings: Settings) -> None:
        settings.BROADSIDE_MONITORING_TOKEN = ""
        for authorization in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
            assert ask(authorization=authorization).text == "ready\n"

    def test_the_authorization_scheme_is_case_insensitive(self) -> None:
        assert json.loads(ask(authorization=f"bearer {TOKEN}").text)["ready"] is True


class TestUpgrades:
    def test_only_the_upgrading_program_learns_the_version_and_only_during_the_upgrade(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        settings.DATA_DIR, settings.BROADSIDE_MONITORING_TOKEN = tmp_path, ""
        with closed("of-the-upgrade", 0):
            body = json.loads(ask("/readyz/web", authorization="Bearer of-the-upgrade").text)
            assert (body["ready"], body["version"]) == (True, version())
            for authorization in ("", "Bearer", "Bearer ", "Bearer another"):
                assert ask("/readyz/web", authorization=authorization).text == "ready\n"
        assert ask("/readyz/web", authorization="Bearer of-the-upgrade").text == "ready\n"
