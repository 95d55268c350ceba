"""A visit leaves nothing on disk but three counters that are incremented by one."""

import hashlib
import http.client
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run, serve

POST = "/2020/05/17/news/"
CONTENT = """
import django
django.setup()
from tests.factories import PostFactory, at
from readers.models import ReaderSettings
PostFactory(title="News", slug="news", published_at=at(2020, 5, 17), source="Some words. " * 100)
ReaderSettings.objects.update(count_readers=True)
"""
# A bot, whose request puts the page into the cache without being counted.
WARMING = {"User-Agent": "curl/8"}
VISIT = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Markedbrowser/128.0",
    "Referer": "https://www.news.example/markedpath?user=markedname",
    "Accept-Language": "xx-markedlanguage",
    "X-Forwarded-For": "203.0.113.77",
}
ENVIRONMENT = {"SECRET_KEY": "x", "SITE_URL": "http://localhost"}


def visit(port: int, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request("GET", POST, headers={"Host": "localhost"} | headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 200


def tables(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    (database,) = data.glob("*.sqlite3")
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}  # noqa: S608  # our own tables


def files(data: Path) -> dict[str, str]:
    """Return the digests of all files except the database and the script that served the site."""
    found = [path for path in data.rglob("*") if path.is_file() and ".sqlite3" not in path.name]
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.name != "serve.py"
    }


def test_a_visit_changes_only_counters(tmp_path: Path, copy_database: CopyDatabase) -> None:
    site, without, after = (tmp_path / name for name in ("site", "without", "after"))
    copy_database(site)
    prepared = run(site, CONTENT, **ENVIRONMENT)
    assert prepared.returncode == 0, prepared.stderr
    with serve(site, **ENVIRONMENT) as port:
        visit(port, WARMING)
    for folder in (without, after):
        shutil.copytree(site, folder)
    with serve(without, **ENVIRONMENT) as port:
        visit(port, WARMING)
    with serve(after, **ENVIRONMENT) as port:
        visit(port, WARMING)
        # Immediately before the server stops, which must not lose the count.
        visit(port, VISIT)
    before_it, after_it = tables(without), tables(after)
    changed = {name for name in after_it if after_it[name] != before_it[name]} - {"sqlite_sequence"}
    assert changed == {"readers_kindcount", "readers_entrycount", "readers_referrercount"}
    assert {name: before_it[name] for name in changed} == {name: [] for name in changed}
    ((_pk, day, count, host),) = after_it["readers_referrercount"]
    assert (count, host) == (1, "news.example")
    assert len(day) == len("2020-05-17")
    assert [row[2] for name in ("readers_kindcount", "readers_entrycount") for row in after_it[name]] == [1, 1]
    assert files(after) == files(without)
    for path in after.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            assert [mark for mark in (b"marked", b"203.0.113.77", b"www.news") if mark in content] == [], path
