"""Fixtures for all tests."""

import datetime as dt
import gc
import logging
import os
import shutil
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.conf import settings as all_settings
from django.core import mail
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.core.signals import setting_changed
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from hypothesis import settings as hypothesis_settings
from moto.server import ThreadedMotoServer
from pytest_django import DjangoDbBlocker, Settings

from accounts import throttle
from blog.models import ReviewPreference
from comments import outbox
from comments.models import Follower, NotificationPreference, OutboxItem
from config.storage import media_storage
from core import changes, memory
from mail import delivery
from media.bucket import BucketStorage
from operations.worker.running import Worker
from tests.factories import wxr
from tests.factories.database_mark import pytest_itemcollected, pytest_runtest_call, pytest_runtest_setup
from tests.factories.made_once import copy_database, static_root
from tests.factories.rollback import remember_database
from tests.factories.servers import StubServer
from tests.factories.types import (
    AtOnce,
    Deliver,
    GrowsWithLength,
    ImportParts,
    MailServerDown,
    OwnTemplates,
    PassTime,
    Refusing,
    Work,
)
from wordpress.importing.media_source import MediaSource
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Report

# Re-exported as fixtures and hooks for all tests.
__all__ = ["copy_database", "pytest_itemcollected", "pytest_runtest_call", "pytest_runtest_setup", "static_root"]

# No test may depend on time, because the machine may be busy.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

# By default, Python collects garbage after every 2,000 new objects, which takes a twentieth of the tests' time.
gc.set_threshold(50_000)


def pytest_xdist_auto_num_workers() -> int:
    """Run one process more than there are cores, because tests wait for browsers and servers half the time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, or processes would wait for each other at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Have the garbage collector ignore objects that stay until the end: all modules, and thousands of tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """On SQLite, give each process of a run a copy of one migrated database. Running all migrations takes seconds."""
    if connection.vendor == "sqlite" and hasattr(request.config, "workerinput"):
        folder = tmp_path_factory.mktemp("database")
        # Only if it is needed, because making it takes seconds.
        request.getfixturevalue("copy_database")(folder)
        shutil.move(folder / "broadside.sqlite3", connection.settings_dict["TEST"]["NAME"])


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """Use the existing database: on SQLite, its folder belongs to this process and is deleted at the end."""
    return connection.vendor == "sqlite" or request.config.getvalue("reuse_db")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Restore the database after tests that commit, in a tenth of the time that Django's flush takes."""
    with django_db_blocker.unblock():
        take_back = remember_database()
    with patch.object(TransactionTestCase, "_fixture_teardown", lambda test: take_back()):
        yield


def _unused_folders(parent: Path) -> Iterator[Path]:
    """Yield the same folder until something is in it, because pytest takes long to delete thousands of folders."""
    for number in count():
        folder = parent / str(number)
        imports = folder / "imports"
        imports.mkdir(parents=True, mode=0o700)
        while [*os.walk(folder)] == [(str(folder), ["imports"], []), (str(imports), [], [])]:
            yield folder


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield folders with numbers as names. To find a free name, `tmp_path` would list all tests' folders each time."""
    return _unused_folders(tmp_path_factory.mktemp("isolated"))


@pytest.fixture(autouse=True)
def _isolated_environment(_folders: Iterator[Path]) -> None:
    """Give each test its own folders for media and imports, and an empty cache and memory."""
    folder = next(_folders)
    imports = folder / "imports"
    # They need not be restored, because each test begins with this. Restoring five settings takes longer than the rest.
    all_settings.MEDIA_ROOT = folder / "media"
    all_settings.BROADSIDE_BACKUP_WORK_DIR = folder / "backup"
    all_settings.BROADSIDE_UNFINISHED_DIR = folder / "unfinished"
    all_settings.BROADSIDE_TEMPLATES_DIR = folder / "templates"
    all_settings.BROADSIDE_IMPORTS_DIR = all_settings.FILE_UPLOAD_TEMP_DIR = imports
    # Storages remember their folder.
    setting_changed.send(sender=None, setting="MEDIA_ROOT", value=all_settings.MEDIA_ROOT, enter=True)
    cache.clear()
    memory.forget()
    throttle._counters.clear()


@pytest.fixture
def own_templates(settings: Settings) -> OwnTemplates:
    """Give the site its own templates, by name, and return their folder."""

    def own_templates(templates: Mapping[str, str]) -> Path:
        folder: Path = settings.BROADSIDE_TEMPLATES_DIR
        for name, text in templates.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (site,) = settings.TEMPLATES
        # As if the site had been restarted.
        settings.TEMPLATES = [site | {"OPTIONS": site["OPTIONS"] | {"overrides": folder}}]
        memory.forget()
        return folder

    return own_templates


@pytest.fixture(scope="session", autouse=True)
def _countable_changes() -> Iterator[None]:
    """Have each transaction that changes content add one to the content version."""
    with patch.object(changes, "MAX_STEP", 1):
        yield


@pytest.fixture(scope="class")
def class_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give class-scoped fixtures access to the database. Their changes are rolled back after the class."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def django_capture_on_commit_callbacks(db: None) -> Callable[..., AbstractContextManager[list[Callable[[], object]]]]:
    """Capture or run the on-commit hooks of a block. Hooks from before the block are discarded.

    Those would stay pending during the whole test, and the content version adds no second hook.
    """

    @contextmanager
    def capture(*, execute: bool = False) -> Iterator[list[Callable[[], object]]]:
        connection.run_on_commit.clear()
        with TestCase.captureOnCommitCallbacks(execute=execute) as callbacks:
            yield callbacks

    return capture


@pytest.fixture
def web_server() -> Iterator[StubServer]:
    """A local web server with canned responses."""
    server = StubServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def object_storage() -> Iterator[str]:
    """The host and port of an S3-compatible object storage that accepts any key."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


def _bucket(object_storage: str, name: str) -> dict[str, Any]:
    return media_storage(f"s3+http://key:secret@{object_storage}/{name}/blog")


@pytest.fixture(scope="session")
def _any_bucket(object_storage: str) -> BucketStorage:
    return BucketStorage(**_bucket(object_storage, "any")["OPTIONS"])


@pytest.fixture
def use_bucket(settings: Settings, object_storage: str, _any_bucket: BucketStorage) -> None:
    """Keep media in a new bucket."""
    name = f"media-{uuid4().hex}"
    settings.STORAGES = {**settings.STORAGES, "default": _bucket(object_storage, name)}
    storage: Any = default_storage
    # Creating these takes longer than most tests, and they aren't tied to a bucket.
    storage._connections, storage._client = _any_bucket._connections, _any_bucket._client
    storage.connection.create_bucket(Bucket=name)


@pytest.fixture(params=["folder", "bucket"])
def any_storage(request: pytest.FixtureRequest) -> None:
    """Run the test twice: with media in a folder, and in a bucket."""
    if request.param == "bucket":
        request.getfixturevalue("use_bucket")


@pytest.fixture(scope="session")
def at_once() -> AtOnce:
    """Call functions at the same time, each in its own thread, and return their results."""

    def at_once(*functions: Callable[[], Any]) -> list[Any]:
        start = threading.Barrier(len(functions), timeout=60)
        results: list[Any] = [None] * len(functions)
        errors: list[Exception] = []

        def run(index: int, function: Callable[[], Any]) -> None:
            try:
                connection.ensure_connection()
                start.wait()
                results[index] = function()
            except Exception as error:  # noqa: BLE001  reported below
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=item) for item in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=300)
        assert errors == []
        return results

    return at_once


@pytest.fixture(scope="session")
def grows_with_length() -> GrowsWithLength:
    """Return whether the CPU time for a text grows in proportion to its length, and not to its square.

    Both are measured on the same machine, so there is no time limit. Other threads don't count, and neither does
    garbage collection, whose time depends on what earlier tests have left behind.
    """

    def grows_with_length(work: Callable[[str], object], text: str) -> bool:
        def seconds(part: str) -> float:
            gc.disable()
            start = time.thread_time()
            try:
                work(part)
                return time.thread_time() - start
            finally:
                gc.enable()

        # The part comes first, so that the whole doesn't include what is done only once, such as importing modules.
        part = seconds(text[: len(text) // 10])
        # The sixteenth of a second makes differences between short times irrelevant.
        return seconds(text) < 40 * part + 1 / 16

    return grows_with_length


@pytest.fixture(scope="session")
def work() -> Work:
    """Run all tasks that are in the queue and due, like `manage.py worker --once`."""

    def work() -> None:
        Worker(name="tests").drain()

    return work


@pytest.fixture
def import_parts(tmp_path: Path, db: None) -> ImportParts:
    """Import an export with the given parts, and return the report."""

    def import_parts(*parts: str, dry_run: bool = False, media: MediaSource | None = None, **options: Any) -> Report:
        return import_export([wxr.write(tmp_path, wxr.export(*parts, **options))], dry_run=dry_run, media=media)

    return import_parts


@pytest.fixture(scope="session")
def pass_time() -> PassTime:
    """Move everything that is due later into the past by this amount of time. The clock itself doesn't change."""

    def pass_time(hours: float = 0, minutes: float = 0) -> None:
        ago = dt.timedelta(hours=hours, minutes=minutes)
        for model, fields in (
            (OutboxItem, ["created_at"]),
            (NotificationPreference, ["not_before"]),
            (Follower, ["not_before", "requested_at"]),
            (ReviewPreference, ["not_before"]),
        ):
            for row in model._default_manager.all():
                model._default_manager.filter(pk=row.pk).update(
                    **{field: getattr(row, field) - ago for field in fields}
                )

    return pass_time


@pytest.fixture(scope="session")
def deliver(pass_time: PassTime) -> Deliver:
    """Send the mails that are due after the batching period, and return them."""

    def deliver() -> list[EmailMessage]:
        pass_time(minutes=outbox.SETTLE.total_seconds() / 60)
        before = len(mail.outbox)
        delivery.deliver()
        return mail.outbox[before:]

    return deliver


@pytest.fixture(scope="session")
def mail_server_down() -> MailServerDown:
    """Return a context in which the mail server is down."""

    @contextmanager
    def mail_server_down() -> Iterator[None]:
        def fail(self: Any) -> None:
            raise ConnectionRefusedError(111, "Connection refused")

        with patch.object(EmailBackend, "open", fail):
            yield

    return mail_server_down


@pytest.fixture(scope="session")
def refusing() -> Refusing:
    """Return a context in which the mail server rejects an address."""

    @contextmanager
    def refusing(address: str) -> Iterator[None]:
        send = EmailBackend.send_messages

        def reject(self: EmailBackend, messages: list[EmailMessage]) -> int:
            if messages[0].to == [address]:
                raise smtplib.SMTPRecipientsRefused({address: (550, b"no such user")})
            return send(self, messages)

        with patch.object(EmailBackend, "send_messages", reject):
            yield

    return refusing
