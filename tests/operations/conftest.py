"""Fixtures for backups of the test site, which a restore really replaces."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pyrage
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.actions import Action
from comments.models import RateCount
from config.storage import media_storage
from media.bucket import BucketStorage
from media.documents import store_document
from media.models import Picture
from media.pictures import store_picture
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.database import rows_of_all
from tests.factories.files import pdf_file, picture
from tests.factories.types import Manage, SiteState


@pytest.fixture
def own_file(transactional_db: None) -> Iterator[None]:
    """On SQLite, a database file that no earlier test can still have open, because a running site isn't replaced.

    SQLite keeps a file open until every result has been read to its end, even if the connection has been closed.
    """
    if connection.vendor != "sqlite":
        yield
        return
    # The connections of all threads share this dictionary.
    options = connection.settings_dict
    usual = options["NAME"]
    with TemporaryDirectory(dir=Path(usual).parent) as folder:
        own = Path(folder, "own.sqlite3")
        connection.ensure_connection()
        with closing(sqlite3.connect(own)) as copy:
            connection.connection.backup(copy)
        connection.close()
        options["NAME"] = str(own)
        yield
        connection.close()
        options["NAME"] = usual


@pytest.fixture
def content(own_file: None) -> None:
    """A site with texts, comments, an image with a rendition, a document, and a row that backups leave out."""
    owner = UserFactory(username="owner", is_superuser=True)
    post = PostFactory(title="The march", source="Words about the march", tags=["protest"], author=owner)
    PageFactory(title="About", source="Ünïcode ⚑ and 'quotes'\nin lines\t\\")
    CommentFactory.create_batch(3, entry=post)
    stored = store_picture(SimpleUploadedFile("crowd.png", picture(size=(60, 40))), by=owner)
    name = default_storage.save("renditions/1/small.webp", SimpleUploadedFile("small.webp", b"small"))
    Picture.objects.filter(pk=stored.pk).update(rendition_rows=[[name, 480]])
    store_document(pdf_file(), by=owner)
    RateCount.objects.create(sender="sender-hash", period=1, count=3)


@pytest.fixture(scope="module")
def own_database() -> Iterator[dict[str, str]]:
    """The environment of a process with an empty database of the kind that the tests use."""
    if connection.vendor == "sqlite":
        yield {}
        return
    settings = connection.settings_dict
    server = f"{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT'] or 5432}"
    name = f"kills_{uuid4().hex}"
    with psycopg.connect(f"postgres://{server}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield {"DATABASE_URL": f"postgres://{server}/{name}"}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """The folder for backups."""
    return tmp_path / "backups-of-the-site"


@pytest.fixture
def manage(destination: Path) -> Manage:
    """Return a function that runs a command with the destination as its first argument, and returns its output."""

    def manage(command: str, *options: str, to: str = "") -> str:
        output = StringIO()
        call_command(command, to or str(destination), *options, stdout=output, stderr=output)
        return output.getvalue()

    return manage


@pytest.fixture
def site_state() -> SiteState:
    """Return a function that returns the content of the database and the storage, except what changes on its own."""

    def site_state() -> tuple[list[tuple[str, object]], dict[str, bytes]]:
        files = {}
        for name in default_storage.sizes(""):  # type: ignore[attr-defined]  # of our storages
            with default_storage.open(name) as file:
                files[name] = file.read()
        rows = [row for row in rows_of_all(without_version=True) if row[0] != "comments.RateCount"]
        # The audit record of a restore is written afterwards.
        return [row for row in rows if Action.BACKUP_RESTORED not in row[1]], files

    return site_state


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, check=False).returncode:  # noqa: S603  our own arguments
        pytest.skip("A small disk can't be mounted here.")
    yield disk
    subprocess.run(["umount", disk], check=True)  # noqa: S603, S607  as above


@pytest.fixture
def key_file(settings: Settings, tmp_path: Path) -> Path:
    """The file with a private key. Backups are encrypted with its public key."""
    key = pyrage.x25519.Identity.generate()
    settings.BROADSIDE_BACKUP_PUBLIC_KEY = str(key.to_public())
    path = tmp_path / "key.txt"
    path.write_text(f"# created: today\n# public key: {key.to_public()}\n{key}\n")
    return path


@pytest.fixture
def make_bucket(object_storage: str) -> Callable[[], str]:
    """Return a function that creates an empty bucket and returns the URL of a folder in it."""

    def make_bucket() -> str:
        url = f"s3+http://key:secret@{object_storage}/backups-{uuid4().hex}/site"
        options = media_storage(url)["OPTIONS"]
        BucketStorage(**options).connection.create_bucket(Bucket=options["bucket_name"])
        return url

    return make_bucket


@pytest.fixture
def worker_signals() -> Iterator[None]:
    """Restore the signal handlers that the worker replaces."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
