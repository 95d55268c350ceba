"""On a disk that is really full, pages are still served, and commenters don't lose their text."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run

# The server starts, the disk fills up, and then readers come.
CODE = """
from config.wsgi import application
from django.db import connection
from tests.factories import CategoryFactory, PageFactory, PostFactory
post = PostFactory(title="News", tags=["t"], categories=[CategoryFactory(name="c")])
PageFactory(title="About")
connection.close()

with open({disk!r} + "/filler", "wb", buffering=0) as filler:
    size = 2**16
    while size:
        try:
            filler.write(b"x" * size)
        except OSError:
            size //= 2

# The log of the database has room left until it is full, too.
import contextlib
from uuid import uuid4
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.utils import timezone
with contextlib.suppress(DatabaseError):
    while True:
        Session.objects.create(session_key=uuid4().hex, session_data="x" * 1_000, expire_date=timezone.now())
connection.close()

from django.test import Client
reader = Client(headers={{"host": "localhost"}}, raise_request_exception=False)
for path in ("/", post.get_absolute_url(), "/about/", "/tag/t/", "/category/c/", "/feed/", "/sitemap.xml", "/nothing/"):
    print(path, *(reader.get(path).status_code for _ in range(2)))
words = {{"name": "Ann", "email": "a@example.org", "text": "My own words"}}
response = reader.post(f"/comments/on/post/{{post.pk}}/", words)
page = response.content.decode()
print("comment", response.status_code, response["Retry-After"], *(word in page for word in words.values()))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.getuid() != 0:
        pytest.skip("Only root can mount a small disk.")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], check=False)  # noqa: S603, S607  our own arguments
    if mounted.returncode:
        pytest.skip("A small disk can't be mounted here.")
    yield disk
    subprocess.run(["umount", disk], check=True)  # noqa: S603, S607  as above


def test_pages_are_served_and_comments_get_an_explanation(
    small_disk: Path, copy_database: CopyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_database(small_disk / "data")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = run(small_disk / "data", CODE.format(disk=str(small_disk)), SECRET_KEY="x")
    assert result.returncode == 0, result.stderr
    *pages, comment = result.stdout.splitlines()
    assert len(pages) == 8
    for page in pages:
        assert page.split()[1:] == (["404", "404"] if page.startswith("/nothing/") else ["200", "200"]), page
    assert comment == "comment 503 300 True True True"
    assert "could not save what a reader sent" in result.stderr
    assert "Traceback" not in result.stderr
