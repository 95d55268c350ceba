"""What each check finds on a site with the problem and on a site without it."""

import datetime as dt
import errno
import io
import json
import os
import socket
import ssl
import sys
import zipfile
from collections.abc import Callable
from http.client import HTTPMessage
from pathlib import Path
from smtplib import SMTPAuthenticationError, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings as current_settings
from django.core import mail
from django.core.cache import BaseCache
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.tasks import TaskResultStatus
from django.templatetags.static import static
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from comments.models import Notification, NotificationPreference
from comments.models.notifications import Event
from core.changes import content_version
from core.http import CertificateError, FetchError, HTTPClient, Probe
from media.models import Picture
from media.storage import MediaStorage, StorageUnavailableError
from operations.checks import backups, configuration, database, machine, outcomes, outside, vulnerabilities, work
from operations.checks.catalogue import CHECKS
from operations.checks.diagnoses import NO_OPTIONS, CheckOptions, Diagnosis, Severity
from operations.models import BackupRun, FreeSpace, RunKind, WorkerHeartbeat
from operations.tasks import back_up_if_due
from operations.worker.running import enqueue_due
from tests.factories import CommentFactory, UserFactory
from tests.factories.servers import StubServer
from tests.factories.types import MailServerDown, OwnTemplates

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
SECRET = "k9Z-" * 20 + "another"
type Find = Callable[[CheckOptions], Any]


def severities(find: Find, options: CheckOptions = NO_OPTIONS) -> list[str]:
    return [diagnosis.severity.value for diagnosis in find(options)]


def only(find: Find, options: CheckOptions = NO_OPTIONS) -> Diagnosis:
    """Return the only diagnosis."""
    (diagnosis,) = find(options)
    return diagnosis


def test_every_warning_and_problem_comes_with_advice(settings: Settings) -> None:
    settings.SITE_URL = "http://127.0.0.1:1"
    found = [diagnosis for check in CHECKS.values() for diagnosis in check.find(NO_OPTIONS)]
    assert {diagnosis.severity for diagnosis in found} == set(Severity)
    for diagnosis in found:
        assert diagnosis.text.endswith((".", ")"))
        assert bool(diagnosis.advice) == (diagnosis.severity != Severity.OK)


class TestConfiguration:
    def test_debug_mode_is_a_problem(self, settings: Settings) -> None:
        assert severities(configuration.debug) == ["ok"]
        settings.DEBUG = True
        assert only(configuration.debug).severity == Severity.PROBLEM

    @pytest.mark.parametrize(
        ("key", "is_weak"),
        [
            (SECRET, False),
            ("only-for-tests", True),
            ("a" * 80, True),
            (f"django-insecure-{SECRET}", True),
            (f"changeme{SECRET}", True),
        ],
    )
    def test_a_weak_secret_key_is_a_problem(self, key: str, *, is_weak: bool, settings: Settings) -> None:
        settings.SECRET_KEY = key
        assert severities(configuration.secret_key) == (["problem"] if is_weak else ["ok"])
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = SECRET, [key]
        assert severities(configuration.secret_key) == (["problem"] if is_weak else ["ok"])

    @pytest.mark.parametrize(
        ("url", "allowed", "found"),
        [
            ("https://blog.example.org", ["blog.example.org"], ["ok"]),
            ("https://blog.example.org", [".example.org"], ["ok"]),
            ("https://blog.example.org", ["www.example.org"], ["problem"]),
            ("https://blog.example.org", ["*"], ["warning"]),
            ("http://blog.example.org", ["blog.example.org"], ["problem"]),
            ("http://localhost:8000", ["localhost"], ["ok"]),
            ("http://abcdefghij234567.onion", ["abcdefghij234567.onion"], ["ok"]),
        ],
    )
    def test_allowed_hosts_must_match_the_url_of_the_site(
        self, url: str, allowed: list[str], found: list[str], settings: Settings
    ) -> None:
        settings.SITE_URL, settings.ALLOWED_HOSTS = url, allowed
        settings.SITE_HOST, settings.HTTPS = url.split("/")[2].split(":")[0], url.startswith("https")
        assert severities(configuration.hosts) == found

    @pytest.mark.parametrize(
        ("header", "proxies", "found"),
        [(None, 0, "warning"), (("HTTP_X_FORWARDED_PROTO", "https"), 0, "warning"), (("X", "https"), 1, "ok")],
    )
    def test_https_needs_a_trusted_proxy_that_announces_it(
        self, header: Any, proxies: int, found: str, settings: Settings
    ) -> None:
        settings.HTTPS, settings.SECURE_PROXY_SSL_HEADER, settings.BROADSIDE_TRUSTED_PROXIES = True, header, proxies
        assert severities(configuration.proxy) == [found]

    def test_the_owner_can_compare_the_number_of_proxies(self, settings: Settings) -> None:
        settings.BROADSIDE_TRUSTED_PROXIES = 2
        assert "exactly 2 proxies" in only(configuration.proxy).text

    def test_broken_templates_are_named(self, own_templates: OwnTemplates) -> None:
        assert severities(configuration.templates) == ["ok"]
        own_templates({"base.html": "{% extends 'base.html' %}"})
        assert "1 template" in only(configuration.templates).text
        folder = own_templates({"404.html": "\n{% nonsense %}"})
        diagnosis = only(configuration.templates)
        assert diagnosis.severity == Severity.WARNING
        assert "404.html" in diagnosis.text
        assert "line 2" in diagnosis.text
        assert str(folder) in diagnosis.advice
        assert "404.html" not in only(configuration.deployment).text

    def test_warnings_of_the_deployment_checks_are_passed_on(self, settings: Settings) -> None:
        settings.SECRET_KEY = SECRET
        # The test site has no HTTPS, which another check reports.
        assert "security.W012" not in only(configuration.deployment).text
        settings.HTTPS = True
        diagnosis = only(configuration.deployment)
        assert diagnosis.severity == Severity.WARNING
        assert "security.W012" in diagnosis.text
        # Settings with their own checks are not reported twice.
        settings.DEBUG, settings.SECRET_KEY = True, "weak"
        assert "SECRET_KEY" not in only(configuration.deployment).text
        assert "DEBUG" not in only(configuration.deployment).text


class TestDatabase:
    def test_missing_migrations_are_counted_and_some_are_named(self) -> None:
        assert severities(database.migrations) == ["ok"]
        MigrationRecorder(connection).record_unapplied("operations", "0001_initial")
        assert "1 migration is missing (operations.0001_initial)" in only(database.migrations).text
        for name in ("0002_worker", "0003_withdrawals", "0004_checks"):
            MigrationRecorder(connection).record_unapplied("operations", name)
        # For an empty database, there would be a hundred names.
        assert "4 migrations are missing" in only(database.migrations).text
        assert only(database.migrations).text.endswith(", …).")

    def test_an_empty_database_may_be_the_wrong_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        MigrationRecorder.Migration.objects.all().delete()
        monkeypatch.setattr(connection.introspection, "table_names", lambda *args: [])
        diagnosis = only(database.migrations)
        assert diagnosis.text == "The database is empty."
        assert "BROADSIDE_DATA" in diagnosis.advice
        assert "mounted" in diagnosis.advice

    def test_an_outdated_version_of_the_database_is_a_warning(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert severities(database.version) == ["ok"]
        monkeypatch.setattr(database, "_GOOD_SQLITE", (99,))
        monkeypatch.setattr(database, "_POSTGRESQL_ENDS", {})
        assert severities(database.version) == ["warning"]

    def test_the_write_test_leaves_nothing_behind(self) -> None:
        before = content_version()
        assert severities(database.writable) == ["ok"]
        assert content_version() == before

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="a server has a disk of its own")
    def test_a_database_on_a_full_disk_is_reported_with_advice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Rolling back a small change succeeds there, because SQLite writes it to the disk only when it commits."""

        class FullDisk(io.RawIOBase):
            def write(self, data: object) -> int:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(database, "TemporaryFile", lambda **options: FullDisk())
        (outcome,) = outcomes.run_checks(["writing"])
        (diagnosis,) = outcome.diagnoses
        assert diagnosis.severity is Severity.PROBLEM
        assert "No space left on device" in diagnosis.text
        assert "Check that the disk is neither full nor read-only" in diagnosis.advice

    def test_rows_dated_in_the_future_are_reported(self) -> None:
        comment = CommentFactory()
        assert severities(database.clock) == ["ok"]
        type(comment).objects.update(created_at=timezone.now() + DAY)
        assert "comments are dated in the future" in only(database.clock).text

    def test_that_old_data_is_not_deleted_because_the_clock_was_set_is_reported(self) -> None:
        enqueue_due(timezone.now() - 365 * DAY)
        assert severities(database.clock) == ["ok"]
        enqueue_due(timezone.now())
        assert severities(database.clock) == ["warning"]
        assert "So old data is not deleted before" in only(database.clock).text


class TestMachine:
    def test_a_settings_file_that_others_can_read_or_change_is_a_problem(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        settings.BASE_DIR = tmp_path
        assert severities(machine.permissions) == ["ok"]
        (tmp_path / ".env").write_text("SECRET_KEY=x")
        for mode, found in ((0o600, "ok"), (0o644, "problem"), (0o620, "problem"), (0o602, "problem")):
            (tmp_path / ".env").chmod(mode)
            assert severities(machine.permissions) == [found]
        assert f"chmod 600 {tmp_path / '.env'}" in only(machine.permissions).advice

    def test_a_data_folder_that_others_can_read_is_reported(self, settings: Settings, tmp_path: Path) -> None:
        settings.BASE_DIR = tmp_path
        settings.DATA_DIR = tmp_path / "the data"
        settings.DATA_DIR.mkdir()
        settings.DATA_DIR.chmod(0o755)
        # In quotation marks, between which the dashboard shows everything from left to right.
        assert f"“{settings.DATA_DIR}”" in only(machine.permissions).text
        # As a shell needs it.
        assert f"“chmod 700 '{settings.DATA_DIR}'”" in only(machine.permissions).advice

    @pytest.mark.parametrize(
        ("user", "writable", "found"), [(0, True, "warning"), (1000, True, "warning"), (1000, False, "ok")]
    )
    def test_code_that_the_site_can_change_is_a_warning(
        self, user: int, found: str, *, writable: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setattr(os, "access", lambda path, mode: writable)
        assert severities(machine.code) == [found]

    @pytest.mark.parametrize(
        ("free", "a_week_ago", "found"),
        [
            (2**35, None, "ok"),
            (2**35, 2**35 - 1, "ok"),
            (2**29, None, "warning"),
            (2**20, None, "problem"),
            (10 * 2**30, 17 * 2**30, "problem"),
            (40 * 2**30, 47 * 2**30, "warning"),
            (200 * 2**30, 207 * 2**30, "ok"),
        ],
    )
    def test_a_disk_that_is_or_will_soon_be_full_is_reported(
        self, free: int, a_week_ago: int | None, found: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": free}))
        if a_week_ago:
            FreeSpace.objects.create(day=timezone.localdate() - 7 * DAY, bytes=a_week_ago)
        assert severities(machine.disk)[0] == found

    def test_the_days_until_the_disk_is_full_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        FreeSpace.objects.create(day=timezone.localdate() - 10 * DAY, bytes=30 * 2**30)
        assert machine.days_until_full(20 * 2**30) == 20
        assert machine.days_until_full(40 * 2**30) is None
        monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 20 * 2**30}))
        assert "will be full in 20 days" in next(machine.disk(NO_OPTIONS)).text

    def test_a_cache_that_fails_or_forgets_is_a_problem(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert severities(machine.cache) == ["ok"]
        monkeypatch.setattr(BaseCache, "make_and_validate_key", lambda *args, **options: 1 / 0)
        assert "(ZeroDivisionError)" in only(machine.cache).text
        monkeypatch.setattr(machine, "is_cache_working", lambda: False)
        assert "does not keep" in only(machine.cache).text

    @pytest.mark.parametrize(
        "error", [PermissionError(errno.EACCES, "Permission denied"), StorageUnavailableError("The storage failed.")]
    )
    def test_media_that_cannot_be_stored_are_a_problem(
        self, error: OSError, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        assert severities(machine.media) == ["ok"]
        assert not [path for path in settings.MEDIA_ROOT.rglob("*check*") if path.is_file()]
        monkeypatch.setattr(MediaStorage, "_save", Mock(side_effect=error))
        found = only(machine.media)
        assert found.severity == Severity.PROBLEM
        assert (error.strerror or "StorageUnavailableError") in found.text
        assert str(settings.MEDIA_ROOT) in found.advice

    def test_what_an_interrupted_check_of_the_media_has_left_is_deleted_by_the_next(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        with monkeypatch.context() as interrupted:
            # When it deletes what it has stored.
            interrupted.setattr(MediaStorage, "delete", Mock(side_effect=[None, KeyboardInterrupt]))
            with pytest.raises(KeyboardInterrupt):
                only(machine.media)
        assert [path.name for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == ["check"]
        assert severities(machine.media) == ["ok"]
        assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]

    @pytest.mark.parametrize(("state", "found"), [(0, "ok"), (5, "warning"), (-1, "ok")])
    def test_an_unsynchronised_clock_is_a_warning(
        self, state: int, found: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library = type("Library", (), {"adjtimex": staticmethod(lambda argument: state)})
        monkeypatch.setattr("ctypes.CDLL", lambda name: library)
        assert severities(machine.clock) == [found]

    @pytest.mark.parametrize(("days", "found"), [(365, "ok"), (30, "warning"), (-1, "problem"), (None, "warning")])
    def test_a_version_of_python_near_its_end_of_life_is_reported(
        self, days: int | None, found: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ends = {} if days is None else {sys.version_info[:2]: timezone.localdate() + days * DAY}
        monkeypatch.setattr(machine, "_PYTHON_ENDS", ends)
        assert severities(machine.versions)[0] == found

    def test_the_end_of_life_of_the_versions_in_use_is_known(self) -> None:
        assert set(severities(machine.versions)) <= {"ok", "warning"}
        assert "doesn't know" not in " ".join(diagnosis.text for diagnosis in machine.versions(NO_OPTIONS))


class TestWork:
    def test_a_worker_that_is_not_running_is_reported(self) -> None:
        assert "It hasn't been seen for a day." in only(work.worker).text
        WorkerHeartbeat.objects.create(name="a", at=timezone.now() - dt.timedelta(hours=3))
        assert "last seen 3\xa0hours ago" in only(work.worker).text
        WorkerHeartbeat.beat("b")
        assert severities(work.worker) == ["ok"]

    @pytest.mark.parametrize(("hours", "found"), [(0, "ok"), (1, "warning"), (7, "problem")])
    @pytest.mark.parametrize("is_planned", [True, False])
    def test_tasks_that_have_waited_for_hours_are_reported(self, hours: int, found: str, *, is_planned: bool) -> None:
        ago = timezone.now() - dt.timedelta(hours=hours)
        # A task that is not due yet doesn't count.
        back_up_if_due.using(run_after=timezone.now() + DAY).enqueue()
        back_up_if_due.using(run_after=ago if is_planned else None).enqueue()
        DBTaskResult.objects.update(enqueued_at=ago)
        assert severities(work.tasks) == [found]

    def test_failed_tasks_are_counted(self) -> None:
        back_up_if_due.enqueue()
        DBTaskResult.objects.update(status=TaskResultStatus.FAILED)
        assert only(work.tasks).text == "1 task of the worker failed."

    def test_mail_that_has_waited_for_hours_is_reported(self, settings: Settings) -> None:
        preference = NotificationPreference.objects.create(user=UserFactory(), not_before=timezone.now())
        Notification.objects.create(comment=CommentFactory(), moderator=preference, event=Event.PENDING)
        for hours, found in ((0, "ok"), (1, "warning"), (7, "problem")):
            NotificationPreference.objects.update(not_before=timezone.now() - dt.timedelta(hours=hours))
            assert severities(work.outbox) == [found]
        settings.MAILERS = {}
        assert "nothing is sent" in only(work.outbox).text

    def test_an_unavailable_mail_server_is_a_problem(self, mail_server_down: MailServerDown) -> None:
        UserFactory(is_superuser=True, email="owner@example.org")
        assert severities(work.mail) == ["ok"]
        assert mail.outbox == []
        with mail_server_down():
            diagnosis = only(work.mail, CheckOptions(mail=True))
        assert (diagnosis.severity, "ConnectionRefusedError" in diagnosis.text) == (Severity.PROBLEM, True)

    @pytest.mark.parametrize(
        ("error", "advice"),
        [
            (socket.gaierror(), "or DNS doesn't work"),
            (ConnectionRefusedError(), "Nothing answers"),
            (TimeoutError(), "Nothing answers"),
            (SMTPAuthenticationError(535, b"5.7.8 no"), "refuses the name or password"),
            (SMTPSenderRefused(550, b"5.7.1 not yours", "noreply@example.org"), "EMAIL_FROM has to be"),
            (SMTPRecipientsRefused({"owner@example.org": (553, b"5.7.1 not yours")}), "EMAIL_FROM has to be"),
            (ssl.SSLError(), "smtp+ssl:// is for port 465"),
            (OSError(), "Check EMAIL_URL"),
        ],
    )
    def test_the_advice_depends_on_how_the_mail_server_failed(
        self, error: OSError, advice: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(connection: object) -> None:
            raise error

        UserFactory(is_superuser=True, email="owner@example.org")
        monkeypatch.setattr(type(mail.mailers.default), "__enter__", fail)
        assert advice in only(work.mail).advice

    def test_with_the_mail_option_each_owner_gets_a_message(self) -> None:
        for number in range(2):
            UserFactory(is_superuser=True, email=f"owner{number}@example.org")
        UserFactory(is_superuser=True, is_active=False, email="former@example.org")
        UserFactory(email="editor@example.org")
        assert "sent to 2 owners" in only(work.mail, CheckOptions(mail=True)).text
        assert sorted(message.to[0] for message in mail.outbox) == ["owner0@example.org", "owner1@example.org"]
        assert "http://testserver" in str(mail.outbox[0].body)

    def test_no_owner_with_an_e_mail_address_is_a_warning(self) -> None:
        UserFactory(is_superuser=True, email="")
        assert severities(work.mail) == ["warning", "ok"]


class TestBackups:
    def test_a_site_without_backups_is_reported(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_URL = ""
        assert only(backups.backups).text == "This site is not backed up."

    def test_the_time_of_the_last_backup_is_reported(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_URL, settings.BROADSIDE_BACKUP_PUBLIC_KEY = "s3://key:secret@host/bucket", "age1"
        for kind in RunKind:
            BackupRun.objects.create(kind=kind, finished_at=timezone.now() - dt.timedelta(hours=2))
        assert "made 2\xa0hours ago" in only(backups.backups).text

    def test_backups_on_the_disk_of_the_site_are_reported(self, settings: Settings) -> None:
        settings.BROADSIDE_BACKUP_URL, settings.BROADSIDE_BACKUP_PUBLIC_KEY = str(current_settings.DATA_DIR), "age1"
        for kind in RunKind:
            BackupRun.objects.create(kind=kind)
        assert "on the same disk as the site" in only(backups.backups).text


@pytest.fixture
def site(web_server: StubServer, settings: Settings) -> StubServer:
    """A server in place of the site, which sends the expected headers."""
    settings.SITE_URL = f"http://{web_server.host}"
    settings.SITE_HOST = "127.0.0.1"
    web_server.answer(
        "/",
        Content_Security_Policy="default-src 'none'; script-src 'self'",
        X_Content_Type_Options="nosniff",
        Referrer_Policy="no-referrer",
        X_Frame_Options="DENY",
    )
    return web_server


class TestOutside:
    def test_the_expected_headers_are_fine(self, site: StubServer) -> None:
        assert severities(outside.headers) == ["ok"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Content-Security-Policy", ""),
            ("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'"),
            ("X-Content-Type-Options", ""),
            ("Referrer-Policy", "unsafe-url"),
            ("X-Frame-Options", "ALLOWALL"),
            ("Set-Cookie", "track=1"),
            ("Strict-Transport-Security", "max-age=60"),
        ],
    )
    def test_missing_and_changed_headers_are_named(
        self, name: str, value: str, site: StubServer, settings: Settings
    ) -> None:
        settings.HTTPS, settings.SECURE_HSTS_SECONDS = name == "Strict-Transport-Security", 31_536_000
        ((status, headers, body),) = site.answers["/"]
        site.answers["/"] = [(status, headers | {name: value}, body)]
        assert name in only(outside.headers).text

    def test_an_unreachable_site_is_a_problem(self, settings: Settings) -> None:
        settings.SITE_URL, settings.SITE_HOST = "http://127.0.0.1:1", "127.0.0.1"
        assert only(outside.headers).severity == Severity.PROBLEM
        assert severities(outside.files) == severities(outside.clock) == ["warning"]

    def test_a_page_with_the_path_of_a_private_file_is_fine(self, site: StubServer) -> None:
        assert severities(outside.files) == ["ok"]
        # A page can have any path.
        site.answer("/.env", 200, b"<h1>About .env</h1>")
        assert severities(outside.files) == ["ok"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/.env", b"# Settings\nSECRET_KEY=x\n"),
            ("/var/broadside.sqlite3", b"SQLite format 3\0"),
            ("/static/../.env", b"SITE_URL=x"),
            ("/.git/config", b"[core]\n\tbare = false"),
        ],
    )
    def test_private_files_that_are_served_are_named(self, path: str, body: bytes, site: StubServer) -> None:
        site.answer(path, 200, body)
        assert f"private: {path}" in only(outside.files).text

    def test_a_media_folder_that_is_listed_is_reported(self, site: StubServer) -> None:
        site.answer("/media/", 200, b"<title>Index of /media/</title>")
        assert "list all media" in only(outside.files).text

    @pytest.mark.parametrize(("policy", "found"), [("sandbox; default-src 'none'", "ok"), ("", "problem")])
    def test_media_sent_by_the_web_server_need_the_security_policy(
        self, policy: str, found: str, site: StubServer
    ) -> None:
        Picture.objects.create(file="2020/05/crowd.webp", width=1, height=1)
        site.answer("/media/2020/05/crowd.webp", Content_Security_Policy=policy)
        assert severities(outside.files) == [found]

    @pytest.mark.parametrize("status", [403, 404, 500])
    def test_media_that_can_not_be_read_are_reported(self, status: int, site: StubServer) -> None:
        Picture.objects.create(file="2020/05/crowd.webp", width=1, height=1)
        site.answer("/media/2020/05/crowd.webp", status)
        assert f"(status {status})" in only(outside.files).text

    @pytest.mark.parametrize(
        ("status", "kind", "found"),
        [(200, "text/css", "ok"), (200, "text/html", "problem"), (404, "text/css", "problem")],
    )
    def test_styles_that_browsers_do_not_get_are_a_problem(
        self, status: int, kind: str, found: str, site: StubServer
    ) -> None:
        site.answer(static("css/site.css"), status, Content_Type=kind)
        assert severities(outside.styles) == [found]

    @pytest.mark.parametrize(("hours", "found"), [(0, "ok"), (2, "warning")])
    def test_a_clock_that_differs_from_the_web_server_is_a_warning(
        self, hours: int, found: str, monkeypatch: pytest.MonkeyPatch, site: StubServer
    ) -> None:
        later = timezone.now() + dt.timedelta(hours=hours)
        monkeypatch.setattr(timezone, "now", lambda: later)
        assert severities(outside.clock) == [found]

    @pytest.mark.parametrize(("days", "found"), [(60, "ok"), (10, "warning"), (1, "problem")])
    def test_a_certificate_that_expires_soon_is_reported(self, days: int, found: str) -> None:
        answer = Probe(200, HTTPMessage(), b"", timezone.now() + days * DAY)
        assert [diagnosis.severity.value for diagnosis in outside._about_expiry(answer)] == [found]

    def test_a_certificate_that_can_not_be_trusted_is_reported_once(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        def refuse(*args: Any, **kwargs: Any) -> Probe:
            raise CertificateError("certificate has expired")

        monkeypatch.setattr(outside, "_get", refuse)
        settings.HTTPS = True
        diagnosis = only(outside.https)
        assert "certificate has expired" in diagnosis.text
        assert "certbot renew" in diagnosis.advice
        assert "systemctl reload nginx" in diagnosis.advice
        for check in (outside.headers, outside.styles, outside.files, outside.clock):
            assert only(check).severity == Severity.WARNING
            assert "“HTTPS”" in only(check).advice

    def test_without_https_no_certificate_is_expected(self, site: StubServer) -> None:
        assert severities(outside.https) == ["ok"]


ADVISORY: dict[str, Any] = {
    "id": "PYSEC-1",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Some_Library"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "1.0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"fixed": "2.1"}],
                }
            ],
        }
    ],
}


class TestVulnerabilities:
    @pytest.mark.parametrize(
        ("version", "fixed"),
        [
            ("0.9", None),
            ("1.0", "1.2"),
            ("1.1.9", "1.2"),
            ("1.2", None),
            ("1.10", None),
            ("2.0rc1", None),
            ("2.0", "2.1"),
            ("2.1", None),
            ("nonsense", None),
        ],
    )
    def test_versions_within_the_ranges_of_an_advisory_are_affected(self, version: str, fixed: str | None) -> None:
        found = list(vulnerabilities.look_up([ADVISORY], {"some-library": version}))
        assert [each.fixed_in for each in found] == ([] if fixed is None else [fixed])

    @pytest.mark.parametrize(
        ("events", "is_affected"),
        [
            ([{"introduced": "0"}], True),
            ([{"introduced": "0"}, {"last_affected": "1.5"}], True),
            ([{"introduced": "0"}, {"last_affected": "1.4"}], False),
            ([{"fixed": "1.6"}, {"introduced": "0"}], True),
            ([], False),
        ],
    )
    def test_ranges_may_be_open_or_end_with_an_affected_version(
        self, events: list[dict[str, str]], *, is_affected: bool
    ) -> None:
        affected = {"package": {"ecosystem": "PyPI", "name": "a"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}
        assert bool(list(vulnerabilities.look_up([{"id": "X", "affected": [affected]}], {"a": "1.5"}))) == is_affected

    @pytest.mark.parametrize(
        "change",
        [
            {"withdrawn": "2026-01-01T00:00:00Z"},
            {"affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0"]}]},
            {"affected": [{"package": {"ecosystem": "PyPI", "name": "b"}, "versions": ["1.0"]}]},
            {"affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1.1"]}]},
            {"affected": None},
        ],
    )
    def test_withdrawn_advisories_and_other_packages_are_ignored(self, change: dict[str, Any]) -> None:
        affected = [{"package": {"ecosystem": "PyPI", "name": "A"}, "versions": ["1.0"]}]
        advisory = {"id": "X", "affected": affected}
        assert len(list(vulnerabilities.look_up([advisory], {"a": "1.0"}))) == 1
        assert list(vulnerabilities.look_up([advisory | change], {"a": "1.0"})) == []

    def archive(self, path: Path, *records: Any) -> CheckOptions:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("README.txt", "not JSON")
            for number, record in enumerate(records):
                archive.writestr(f"{number}.json", record if isinstance(record, str) else json.dumps(record))
        return CheckOptions(advisories=str(path))

    def test_affected_packages_in_a_downloaded_list_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vulnerabilities, "installed_versions", lambda: {"some-library": "1.1", "other": "1.0"})
        options = self.archive(tmp_path / "list.zip", "not JSON", [1], ADVISORY)
        diagnosis = only(vulnerabilities.vulnerabilities, options)
        assert diagnosis.severity == Severity.PROBLEM
        assert "some-library 1.1 (PYSEC-1, fixed in 1.2)" in diagnosis.text
        os.utime(tmp_path / "list.zip", (0, 0))
        assert severities(vulnerabilities.vulnerabilities, options) == ["warning", "problem"]

    def test_a_damaged_list_is_a_warning(self, tmp_path: Path) -> None:
        options = self.archive(tmp_path / "list.zip", ADVISORY)
        assert severities(vulnerabilities.vulnerabilities, options) == ["ok"]
        (tmp_path / "list.zip").write_bytes(b"damaged")
        assert severities(vulnerabilities.vulnerabilities, options) == ["warning"]
        folder = only(vulnerabilities.vulnerabilities, CheckOptions(advisories=str(tmp_path)))
        assert folder.text == f"The list of vulnerabilities can't be read: {tmp_path}: Is a directory."

    def test_without_a_list_or_the_online_option_no_server_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(HTTPClient, "download", lambda *args, **options: pytest.fail("It asked."))
        assert list(vulnerabilities.vulnerabilities(NO_OPTIONS)) == []

    def test_pypi_is_asked_only_about_versions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def download(client: HTTPClient, url: str, file: io.BytesIO, *, max_bytes: int) -> None:
            asked.append((client.hosts, url))
            if "own" in url:
                raise FetchError("There is nothing.", is_gone=True)
            known = [{"id": "PYSEC-1", "fixed_in": ["0.9", "1.3"]}, {"id": "PYSEC-2", "withdrawn": "2026-01-01"}]
            file.write(json.dumps({"vulnerabilities": known}).encode())

        monkeypatch.setattr(HTTPClient, "download", download)
        found = list(vulnerabilities.ask_pypi({"a": "1.1", "own": "1"}))
        assert asked == [({"pypi.org"}, f"https://pypi.org/pypi/{each}/json") for each in ("a/1.1", "own/1")]
        assert [str(each) for each in found] == ["a 1.1 (PYSEC-1, fixed in 1.3)"]

    def test_installed_versions_are_found(self) -> None:
        assert vulnerabilities.installed_versions()["django"].startswith("6.")


def test_an_error_in_a_check_is_reported_as_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("the table 'x' is gone")

    monkeypatch.setattr(database, "unapplied_migrations", fail)
    (outcome,) = outcomes.run_checks(["migrations"])
    assert outcome.severity == Severity.PROBLEM
    assert "OperationalError: the table …" in outcome.diagnoses[0].text
    advice = "chown" if connection.vendor == "sqlite" else "DATABASE_URL"
    assert advice in outcome.diagnoses[0].advice
