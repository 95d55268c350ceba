"""Restoring a backup, and verifying that it could be restored.

Everything is first prepared next to the live site. Then the database is replaced in one step, and `finish` moves the
media, which wait under hidden names, into place. If the restore is killed before that step, the site is unchanged. If
it is killed afterwards, it is finished by whatever comes first: running the command again, the next backup, or starting
the web server.
"""

import datetime as dt
import json
import logging
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from blog.models import Entry
from comments.models import Comment
from core.changes import (
    JUMP,
    JUMP_OF_ENTRIES_STATEMENT,
    JUMP_STATEMENT,
    ContentVersion,
    content_version,
    retractions,
)
from core.progress_callback import ProgressCallback
from media.models import Document, Picture
from operations.backups import postgresql, sqlite
from operations.backups.contents import (
    DATABASES,
    MAX_LIST,
    MEDIA_LIST,
    Manifest,
    MediaFile,
    OpenedBackup,
    Table,
    complete_backups,
    name_for,
    parse_media_list,
    read_backup,
    read_lines,
)
from operations.backups.errors import BackupError, NotTriedError, is_disk_full
from operations.backups.media import check_media, drop_staged_media, publish_media, show_media, stage_media
from operations.backups.own_templates import publish_templates, read_templates, stage_templates
from operations.backups.sealing import HashingReader, Identity, decompress
from operations.backups.snapshots import LEFT_OUT, Progress
from operations.backups.stores import Store
from operations.backups.work import (
    open_private,
    replace_file,
    require_space,
    restore_marker,
    work_folder,
    write_private,
)

# New rows continue after the IDs that the site has used since the backup: links in e-mails, Message-IDs and the IDs of
# posts in feeds contain them.
_ID_STEP: Final = 1_000_000
_MOVE_IDS_ON: Final = {
    "sqlite": f"UPDATE sqlite_sequence SET seq = seq + {_ID_STEP}",  # noqa: S608  # contains no values
    "postgresql": f"SELECT setval(format('%I.%I', schemaname, sequencename), coalesce(last_value, 0) + {_ID_STEP})"  # noqa: S608  # as above
    f" FROM pg_sequences WHERE schemaname = '{postgresql.PUBLIC}'",
}
# A site that has been used has rows of at least one of these.
_MODELS_IN_USE: Final = (User, Entry, Comment, Picture, Document)
# Backups that are further ahead were made while a clock was wrong.
_MAX_AHEAD: Final = dt.timedelta(days=1)

_log = logging.getLogger(__name__)


def names_of_backups(store: Store) -> list[str]:
    """Return the names of the complete backups, oldest first. Raises BackupError if there is none."""
    if names := complete_backups(store):
        return names
    text = _("There is no complete backup in %s. The right folder contains README.txt and a folder called “backups”.")
    raise BackupError(text % store)


def open_backup(store: Store, name: str, private_keys: Sequence[Identity]) -> OpenedBackup:
    """Return the backup with this name, or the newest one. Raises BackupError if it can't be restored.

    One that is dated in the future is the newest only if there are no others.
    """
    names = names_of_backups(store)
    if name and name not in names:
        text = _("There is no backup %(name)s in %(store)s. The newest ones are: %(names)s.")
        raise NotTriedError(text % {"name": name, "store": store, "names": ", ".join(names[:-6:-1])})
    backup = read_backup(store, name or (_not_in_future(names) or names)[-1])
    if backup.is_encrypted and not private_keys:
        raise NotTriedError(_("This backup is encrypted. Give the file with the private key: --key FILE."))
    if private_keys and not backup.is_encrypted:
        # Someone who doesn't know the public key may have put it there.
        text = _(
            "Backup %s isn't encrypted, although you gave a key. Anyone who can write to this place may have put it "
            "there. Choose another one with --backup or, if you are sure that it is yours, leave out --key."
        )
        raise NotTriedError(text % backup.name)
    opened = OpenedBackup(store, backup, private_keys)
    # Only what this version has, not in which order it is applied.
    known = MigrationLoader(None, load=False)
    known.load_disk()
    unknown = sorted(set(opened.manifest.migrations) - set(known.disk_migrations))
    if unknown:
        text = _(
            "This backup is from version %(version)s of Broadside, whose database has a migration that this version "
            "doesn't know (%(migration)s). Install that version or a later one, then restore."
        )
        raise BackupError(text % {"version": opened.manifest.broadside, "migration": ".".join(unknown[0])})
    return opened


def open_newest_in_use(store: Store, private_keys: Sequence[Identity]) -> OpenedBackup:
    """Return the newest backup of a site with content or accounts, or else the newest one. Raises BackupError.

    A new server may have made a backup of its empty site before the earlier ones were copied to it. If backups are
    dated in the future, it is unknown which one is the newest.
    """
    names = complete_backups(store)
    if len(_not_in_future(names)) < len(names):
        text = _(
            "Backup %s is dated in the future: the clock was wrong when it was made, or it is wrong now. Set the clock "
            "or, if it is right, choose a backup with --backup. “--list” lists them."
        )
        raise NotTriedError(text % names[-1])
    for name in reversed(names):
        opened = open_backup(store, name, private_keys)
        if _is_in_use(opened.manifest):
            return opened
    return open_backup(store, "", private_keys)


def _not_in_future(names: list[str]) -> list[str]:
    latest = name_for(timezone.now() + _MAX_AHEAD)
    return [name for name in names if name <= latest]


def _is_in_use(manifest: Manifest) -> bool:
    tables = [manifest.tables.get(model._meta.db_table) for model in _MODELS_IN_USE]
    return any(table and table.rows for table in tables)


def check(opened: OpenedBackup, folder: Path, progress: ProgressCallback) -> None:
    """Restore a backup next to the live site and compare it with its manifest. Raises BackupError if it differs.

    Raises DatabaseError if its database can't be read. `folder` is a work folder. The site is not changed.
    """
    manifest = opened.manifest
    if manifest.vendor == "postgresql":
        _require_vendor(manifest)
    dump = _unpack_database(opened, folder, progress)
    show = partial(progress, _("Comparing the database"))
    if manifest.vendor == "sqlite":
        sqlite.check_file(dump)
        with connection.wrap_database_errors, closing(sqlite.open_untrusted(dump)) as database:
            found = sqlite.describe_tables(database, show)
    else:
        with dump.open("rb") as script, postgresql.loaded(script, postgresql.TEMPORARY) as database:
            found = postgresql.describe_tables(database, postgresql.TEMPORARY, show)
    _compare(found, manifest)
    count = check_media(opened, _unpack_media_list(opened, folder, progress))
    read_templates(opened)
    if count != manifest.media_files:
        raise BackupError(_("The list of media in this backup is incomplete. Choose another backup with --backup."))


def restore(
    opened: OpenedBackup,
    folder: Path,
    *,
    replace: bool,
    progress: ProgressCallback,
    left_out: list[str] | None = None,
) -> None:
    """Replace the site, which has to be stopped, with a backup. `folder` is a work folder.

    Unless `replace` is set, the site has to be empty. With a list `left_out`, damaged media files are added to it
    rather than being an error. Raises BackupError, OSError or DatabaseError, and then nothing has changed.
    """
    _require_vendor(opened.manifest)
    if not replace and not is_empty():
        raise BackupError(
            _(
                "This site has content, which would be lost. Make a backup of it first, and then restore with "
                "--replace. Nothing was changed."
            )
        )
    _check_stopped()
    dump = _unpack_database(opened, folder, progress)
    files = _unpack_media_list(opened, folder, progress)
    try:
        stage_templates(read_templates(opened))
        names = stage_media(opened, files, left_out)
    except OSError as error:
        if is_disk_full(error):
            drop_staged_media()
        raise
    current = _version_or_zero()
    for retract in retractions.values():
        retract()
    progress(_("Replacing the database"), 0, 1)
    if opened.manifest.vendor == "sqlite":
        _replace_file(opened, dump, current, names)
    else:
        _replace_tables(opened, dump, current, names)
    progress(_("Replacing the database"), 1, 1)
    finish()
    cache.clear()


def finish() -> None:
    """Finish a restore that was interrupted while it replaced the site. The caller holds the work folder."""
    marker = restore_marker()
    try:
        state = json.loads(marker.read_bytes())
    except FileNotFoundError:
        return
    # Otherwise the restore was killed just before it replaced the database.
    if _content_version() >= state["version"]:
        publish_media(set(state["names"]))
        publish_templates()
    marker.unlink()


def finish_if_interrupted() -> None:
    """Finish an interrupted restore before the web server answers requests. Log the error if that is impossible."""
    if not restore_marker().exists():
        return
    try:
        with work_folder():
            finish()
    except (BackupError, OSError, DatabaseError):
        _log.exception("A restore was interrupted, and can't be finished. Run `manage.py restore` again.")


def is_empty() -> bool:
    """Whether this site has not been used yet."""
    tables = set(connection.introspection.table_names())
    return not any(model._meta.db_table in tables and model._default_manager.exists() for model in _MODELS_IN_USE)


def _check_stopped() -> None:
    """Raise an error now if the site is running, rather than after everything has been read."""
    if connection.vendor == "sqlite":
        with sqlite.stopped_site():
            pass
    else:
        postgresql.check_stopped()


def _replace_file(opened: OpenedBackup, dump: Path, current: int, names: set[str]) -> None:
    sqlite.check_file(dump)
    with connection.wrap_database_errors, closing(sqlite.open_untrusted(dump)) as database:
        _compare(sqlite.describe_tables(database, lambda done, total: None), opened.manifest)
        version = _move_version_on(database, current, "?")
    with sqlite.stopped_site() as path:
        new = path.with_name(f"{path.name}.restored")
        try:
            # The work folder may be on another disk.
            with dump.open("rb") as source, open_private(new) as target:
                shutil.copyfileobj(source, target, 2**20)
            _write_marker(version, names)
            replace_file(path, new)
        except OSError:
            new.unlink(missing_ok=True)
            raise


def _replace_tables(opened: OpenedBackup, dump: Path, current: int, names: set[str]) -> None:
    with dump.open("rb") as script, postgresql.loaded(script, postgresql.PUBLIC) as database:
        _compare(postgresql.describe_tables(database, postgresql.PUBLIC, lambda done, total: None), opened.manifest)
        with database.cursor() as cursor:
            version = _move_version_on(cursor, current, "%s")
        postgresql.check_still_stopped(database)
        _write_marker(version, names)


def _move_version_on(cursor: Any, current: int, placeholder: str) -> int:
    """Move the restored content version and the IDs past all that the site has had so far. Return the version."""
    read = "SELECT coalesce(sum(number), 0) FROM core_contentversion"
    restored = int(cursor.execute(read).fetchone()[0])
    step = max(0, current - restored) + JUMP + secrets.randbelow(JUMP)
    cursor.execute(JUMP_STATEMENT.replace("%s", placeholder), [step])
    columns = cursor.execute("SELECT * FROM core_contentversion LIMIT 0").description
    if any(column[0] == "entries" for column in columns):
        cursor.execute(JUMP_OF_ENTRIES_STATEMENT.replace("%s", placeholder), [step])
    cursor.execute(_MOVE_IDS_ON[connection.vendor])
    return restored + step


def _unpack_database(opened: OpenedBackup, folder: Path, progress: ProgressCallback) -> Path:
    """Write the dump to the disk."""
    size, dump = opened.manifest.size, folder / "dump"
    # For the compressed and the unpacked dump, and for a copy of a SQLite file next to the database.
    require_space(folder, 2 * size)
    _unpack(opened, DATABASES[opened.manifest.vendor], dump, size, partial(progress, _("Reading the database")))
    if dump.stat().st_size != size:
        raise BackupError(_("The database in this backup is incomplete. Choose another backup."))
    return dump


def _unpack_media_list(opened: OpenedBackup, folder: Path, progress: ProgressCallback) -> Iterator[MediaFile]:
    """Write the list of media files to the disk, and return an iterator over them that reports the progress."""
    path = folder / "media.jsonl"
    _unpack(opened, MEDIA_LIST, path, MAX_LIST, lambda done, total: None)
    return show_media(_read_media_list(path), opened.manifest.media_files, progress)


def _read_media_list(path: Path) -> Iterator[MediaFile]:
    with path.open("rb") as lines:
        yield from parse_media_list(read_lines(lines))


def _unpack(opened: OpenedBackup, file: str, path: Path, limit: int, progress: Progress) -> None:
    """Decompress a file of a backup to the disk, at most `limit` bytes. Progress is in MiB."""
    packed = path.with_name("packed")
    with open_private(packed) as target:
        opened.read(file, target)
    packed_size = packed.stat().st_size
    with packed.open("rb") as written, open_private(path) as target:
        source = HashingReader(written, lambda size: progress(size // 2**20, packed_size // 2**20))
        decompress(source, target, limit)
    packed.unlink()


def _compare(found: dict[str, Table], manifest: Manifest) -> None:
    # The sequences of tables whose rows are left out may still differ.
    differ = [name for name, table in manifest.tables.items() if found.get(name) != table and name not in LEFT_OUT]
    differ += sorted(found.keys() - manifest.tables.keys())
    if differ:
        text = _("The table %s in this backup is not as it was when the backup was made. Choose another backup.")
        raise BackupError(text % differ[0])


def _require_vendor(manifest: Manifest) -> None:
    if manifest.vendor == connection.vendor:
        return
    if manifest.vendor == "sqlite":
        text = _("This backup is of a site with SQLite. Remove DATABASE_URL from the settings to restore it.")
    else:
        text = _("This backup is of a site with PostgreSQL. Set DATABASE_URL to an empty PostgreSQL database first.")
    raise BackupError(text)


def _content_version() -> int:
    """Return the content version; 0 if there are no tables. Raises DatabaseError if the database can't be read."""
    tables = connection.introspection.table_names()
    return content_version() if ContentVersion._meta.db_table in tables else 0


def _version_or_zero() -> int:
    try:
        return _content_version()
    except DatabaseError:
        # It is damaged, which is why a backup is being restored.
        return 0


def _write_marker(version: int, names: set[str]) -> None:
    write_private(restore_marker(), [json.dumps({"version": version, "names": sorted(names)})])
