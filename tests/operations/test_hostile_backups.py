"""A backup that someone else has prepared or damaged is refused, and nothing in it is executed or written elsewhere."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.core.files.storage import default_storage
from django.core.management import CommandError
from django.db import connection

from media.models import Document
from operations.backups import sealing
from operations.models import BackupRun, RunKind
from tests.factories.types import Manage, SiteState

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("content")]

IS_SQLITE = connection.vendor == "sqlite"
DUMP = "database.sqlite3.zst" if IS_SQLITE else "database.sql.zst"
type Change = Callable[[bytes], bytes]


@pytest.fixture
def folder(manage: Manage, destination: Path) -> Path:
    """The folder of a backup that the test changes."""
    manage("backup")
    (found,) = (destination / "backups").iterdir()
    return found


@pytest.fixture
def refuses(manage: Manage, site_state: SiteState) -> Callable[[str], None]:
    """Return a function that checks that neither command accepts the backup, with this reason, or changes the site."""

    def refuses(reason: str) -> None:
        before = site_state()
        for options in (["--check"], ["--replace"]):
            with pytest.raises(CommandError, match=reason):
                manage("restore", *options)
        rows, files = site_state()
        assert rows == before[0]
        assert {name: file for name, file in files.items() if not name.startswith(".restored/")} == before[1]

    return refuses


def rewrite(folder: Path, file: str, change: Change) -> None:
    """Change a file in a backup, and adapt its checksum."""
    path, sums = folder / file, folder / "SHA256SUMS"
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(change(path.read_bytes()))
    sums.write_text(sums.read_text().replace(old, hashlib.sha256(path.read_bytes()).hexdigest()))


def unpacked(content: bytes) -> bytes:
    written = BytesIO()
    sealing.decompress(BytesIO(content), written, 2**30)
    return written.getvalue()


def change_packed(change: Change) -> Change:
    return lambda content: zstandard.compress(change(unpacked(content)))


def change_manifest(**values: Any) -> Change:
    return lambda content: json.dumps(json.loads(content) | values).encode()


def rename_media(name: str) -> Change:
    """Give the first media file another name."""

    def change(content: bytes) -> bytes:
        first, *others = content.splitlines()
        return b"\n".join([json.dumps(json.loads(first) | {"name": name}).encode(), *others])

    return change_packed(change)


@pytest.mark.parametrize("name", [DUMP, "manifest.json", "media.jsonl.zst", "settings.env"])
def test_a_damaged_file_is_found(folder: Path, refuses: Callable[[str], None], name: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refuses("damaged")


@pytest.mark.parametrize("name", [DUMP, "manifest.json", "media.jsonl.zst", "settings.env"])
def test_a_missing_file_is_found(folder: Path, refuses: Callable[[str], None], name: str) -> None:
    (folder / name).unlink()
    refuses(f"{name} is missing")


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_damaged_media_file_is_found(
    folder: Path, refuses: Callable[[str], None], damage: Callable[[Path], None]
) -> None:
    name = str(Document.objects.get().file.name)
    with default_storage.open(name) as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    default_storage.delete(name)
    damage(folder.parent.parent / "media" / digest[:2] / digest)
    refuses(f"damaged or missing.*{name}")
    assert "damaged or missing" in BackupRun.objects.exclude(error="")[0].error


def test_everything_but_a_damaged_media_file_can_be_restored(
    folder: Path, manage: Manage, site_state: SiteState
) -> None:
    rows, files = site_state()
    name = str(Document.objects.get().file.name)
    digest = hashlib.sha256(files.pop(name)).hexdigest()
    default_storage.delete(name)
    (folder.parent.parent / "media" / digest[:2] / digest).write_bytes(b"damaged")
    Document.objects.all().delete()
    with pytest.raises(CommandError, match="To restore everything else, add --without-damaged-media"):
        manage("restore", "--replace")
    output = manage("restore", "--replace", "--without-damaged-media")
    assert f"Damaged in the backup, so upload it again: {name}" in output
    assert not BackupRun.objects.successful().filter(kind=RunKind.CHECK).exists()
    assert site_state() == (rows, files)


def test_a_name_outside_the_media_folder_is_refused(folder: Path, refuses: Callable[[str], None]) -> None:
    rewrite(folder, "media.jsonl.zst", rename_media("../outside.txt"))
    refuses("media.jsonl.zst in this backup is damaged")


@pytest.mark.parametrize("name", [DUMP, "manifest.json", "SHA256SUMS"])
def test_a_symbolic_link_is_not_followed(
    folder: Path, refuses: Callable[[str], None], name: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    (folder / name).rename(secret)
    (folder / name).symlink_to(secret)
    refuses("is not a regular file")


def test_a_pipe_is_not_waited_for(folder: Path, refuses: Callable[[str], None]) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    refuses("is not a regular file")


def test_a_decompression_bomb_is_not_unpacked(folder: Path, refuses: Callable[[str], None]) -> None:
    """Unpacking stops at the size in the manifest, for which the disk must have room."""
    rewrite(folder, DUMP, lambda content: zstandard.compress(bytes(2**28), 19))
    refuses("larger than listed")


def test_a_manifest_with_an_excessive_size_is_refused(folder: Path, refuses: Callable[[str], None]) -> None:
    rewrite(folder, "manifest.json", change_manifest(size=2**60))
    refuses("The database in this backup is incomplete|too full")


@pytest.mark.parametrize("values", [{"vendor": "mysql"}, {"media_files": "3"}, {"media_files": None}])
def test_a_manifest_with_invalid_values_is_refused(
    folder: Path, refuses: Callable[[str], None], values: dict[str, Any]
) -> None:
    rewrite(folder, "manifest.json", change_manifest(**values))
    refuses("manifest.json in this backup is damaged")


def test_nothing_in_a_backup_controls_the_terminal(folder: Path, manage: Manage) -> None:
    """Such characters could clear the screen, or make it show that all is well."""
    rewrite(folder, "manifest.json", change_manifest(site="\x1b[2J", missing=["\x9b2J", "\ud800"]))
    rewrite(folder, "settings.env", lambda content: content + b"SITE_LANGUAGE=\x1b]0;\x07\n")
    output = manage("restore", "--replace")
    assert output.count("\N{REPLACEMENT CHARACTER}") >= 4
    assert not set(output) & {"\x07", "\x1b", "\x9b", "\ud800"}
    rewrite(folder, "manifest.json", change_manifest(migrations=[["\x1b[2J", "0001"]]))
    with pytest.raises(CommandError) as refused:
        manage("restore", "--check")
    assert "\x1b" not in str(refused.value)


def test_a_later_format_is_refused(folder: Path, refuses: Callable[[str], None]) -> None:
    rewrite(folder, "manifest.json", change_manifest(format=2))
    refuses("This backup was made by a later version of Broadside")


def test_changed_rows_are_found(folder: Path, refuses: Callable[[str], None]) -> None:
    rewrite(folder, DUMP, change_packed(lambda content: content.replace(b"The march", b"The crawl")))
    refuses("is not as it was|malformed|damaged")


def test_an_incomplete_media_list_is_found(folder: Path, manage: Manage) -> None:
    rewrite(folder, "media.jsonl.zst", change_packed(lambda content: content.partition(b"\n")[2]))
    with pytest.raises(CommandError, match="The list of media in this backup is incomplete"):
        manage("restore", "--check")


@pytest.mark.skipif(IS_SQLITE, reason="Only dumps of PostgreSQL are scripts.")
@pytest.mark.parametrize(
    "statement",
    [
        "\\! touch /tmp/outside",
        "DROP TABLE blog_entry;",
        "COPY public.blog_entry FROM PROGRAM 'touch /tmp/outside';",
        "COPY public.blog_entry FROM PROGRAM 'touch /tmp/outside' -- FROM stdin;",
        "COPY public.blog_entry TO '/tmp/outside' -- FROM stdin;",
        "CREATE TABLE public.secrets AS SELECT pg_read_file('/etc/passwd');",
        "CREATE TABLE public.secrets (\nname) AS TABLE pg_shadow;",
        "CREATE TABLE public.secrets (text text DEFAULT pg_read_file('/etc/passwd'));",
        "ALTER TABLE public.blog_entry ADD COLUMN text text DEFAULT pg_read_file('/etc/passwd');",
        "CREATE TABLE public.secrets (\ntext text DEFAULT pg_read_file('/etc/passwd'));",
        "CREATE TABLE public.secrets (\ntext text DEFAULT pg_read_file /**/ ('/etc/passwd'));",
        "CREATE TABLE public.secrets (\ntext text DEFAULT \"pg_read_file\"('/etc/passwd'));",
        "CREATE TABLE public.secrets (\na text DEFAULT $$'$$, text text DEFAULT pg_read_file('/etc/passwd'));",
        "CREATE TABLE public.secrets (\na text DEFAULT E'\\' ', text text DEFAULT pg_read_file('/etc/passwd'));",
        "CREATE TABLE public.secrets (\ntext text DEFAULT public.dblink('dbname=postgres', 'SELECT 1'));",
        "CREATE INDEX entries ON public.blog_entry USING btree (public.own(title));",
        "COPY public.blog_entry (id) FROM '/etc/passwd';",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "SELECT pg_read_file('/etc/passwd');",
        "DO $$ BEGIN END $$;",
        "SELECT pg_catalog.setval('public.x', 1, true); DROP TABLE blog_entry;",
    ],
)
def test_only_statements_that_broadside_writes_are_executed(
    folder: Path, refuses: Callable[[str], None], statement: str
) -> None:
    rewrite(folder, DUMP, lambda content: zstandard.compress(statement.encode() + b"\n" + unpacked(content)))
    content = unpacked((folder / DUMP).read_bytes())
    rewrite(folder, "manifest.json", change_manifest(size=len(content)))
    refuses("something that Broadside never writes")


@pytest.mark.skipif(IS_SQLITE, reason="Only dumps of PostgreSQL are scripts.")
def test_two_statements_on_one_line_are_refused(folder: Path, refuses: Callable[[str], None]) -> None:
    statement = b"CREATE TABLE public.a (\nid integer); DROP TABLE public.blog_entry;\n"
    rewrite(folder, DUMP, lambda content: zstandard.compress(statement + unpacked(content)))
    rewrite(folder, "manifest.json", change_manifest(size=len(unpacked((folder / DUMP).read_bytes()))))
    refuses("cannot insert multiple commands")


@pytest.mark.skipif(not IS_SQLITE, reason="Only SQLite's file has a schema of its own.")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON blog_entry BEGIN DELETE FROM accounts_user; END",
        "CREATE VIEW v AS SELECT * FROM accounts_user",
    ],
)
def test_a_database_with_triggers_or_views_is_refused(
    folder: Path, refuses: Callable[[str], None], tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(unpacked((folder / DUMP).read_bytes()))
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()
    rewrite(folder, DUMP, lambda content: zstandard.compress(path.read_bytes()))
    rewrite(folder, "manifest.json", change_manifest(size=path.stat().st_size))
    refuses("contains code")


@pytest.mark.skipif(not IS_SQLITE, reason="PostgreSQL's is a script.")
def test_a_file_that_is_not_a_database_is_refused(folder: Path, refuses: Callable[[str], None]) -> None:
    rewrite(folder, DUMP, lambda content: zstandard.compress(b"no database" * 1000))
    rewrite(folder, "manifest.json", change_manifest(size=11_000))
    refuses("The database in this backup is damaged")
