"""Making a backup while the site runs: first the database, then the media it refers to, then the list of both."""

import datetime as dt
import io
import logging
import tomllib
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from core.progress_callback import ProgressCallback
from media.storage import Readable
from operations.backups import postgresql, sqlite
from operations.backups.by_hand import BY_HAND
from operations.backups.contents import (
    BACKUPS,
    CHECKSUMS,
    DATABASES,
    MANIFEST,
    MEDIA,
    MEDIA_LIST,
    SETTINGS,
    TEMPLATES,
    Backup,
    Manifest,
    checksum_lines,
    complete_backups,
    name_for,
    read_backup,
)
from operations.backups.errors import BackupError, is_disk_full
from operations.backups.media import (
    MediaCopier,
    StoredMedia,
    media_names,
    read_damaged,
    show_media,
    write_known,
)
from operations.backups.own_templates import pack_templates
from operations.backups.retention import prune, remove_incomplete, remove_unused_media
from operations.backups.sealing import SUFFIX, HashingReader, compressed, parse_public_key, seal
from operations.backups.snapshots import LEFT_OUT, Progress, Snapshot
from operations.backups.stores import Store
from operations.backups.work import require_space

_README: Final = "README.txt"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A new backup, how many of its media files were not stored before, and the older backups that were removed."""

    name: str
    manifest: Manifest
    new_media_files: int
    removed: list[str]


def create_backup(store: Store, folder: Path, progress: ProgressCallback) -> BackupResult:
    """Make a backup, and remove those that are no longer kept. `folder` is a work folder.

    Raises BackupError, OSError or DatabaseError. In that case the older backups are unchanged and there is no new one
    (except after a RetentionError). At most its media are left, for the next one; nothing if the disk was full.
    """
    public_key = parse_public_key(settings.BROADSIDE_BACKUP_PUBLIC_KEY)
    store.tidy(BACKUPS)
    earlier = complete_backups(store)
    # Left by attempts that were killed.
    remove_incomplete(store, earlier)
    writer = BackupWriter(store, public_key, _free_name(earlier))
    try:
        return _fill(writer, folder, earlier, progress)
    except BaseException as error:
        _remove_rest(store, with_media=is_disk_full(error))
        raise


def _remove_rest(store: Store, *, with_media: bool) -> None:
    """Remove what is left of a failed backup. What can't be removed now is removed by the next one."""
    try:
        complete = complete_backups(store)
        remove_incomplete(store, complete)
        store.tidy(BACKUPS)
        if with_media:
            remove_unused_media(store, complete)
    except (BackupError, OSError) as error:
        _log.warning("The remains of a failed backup could not be removed: %s", error)


def _fill(writer: "BackupWriter", folder: Path, earlier: list[str], progress: ProgressCallback) -> BackupResult:
    store = writer.store
    stored = _stored_media(store, earlier)
    with connection.wrap_database_errors, _snapshot(folder, partial(progress, _("Copying the database"))) as snapshot:
        size = _write_database(writer, snapshot, progress)
        tables = snapshot.tables(partial(progress, _("Describing the database")))
        names = media_names(snapshot)
        migrations = [(str(app), str(name)) for app, name in snapshot.rows("SELECT app, name FROM django_migrations")]
    media = _write_media(writer, folder, names, stored, progress)
    writer.write_bytes(SETTINGS, settings_file(settings.BROADSIDE_ENVIRONMENT))
    if templates := pack_templates():
        writer.write_bytes(TEMPLATES, templates)
    manifest = Manifest(
        broadside=version(),
        site=settings.SITE_URL,
        created=timezone.now().isoformat(timespec="seconds"),
        vendor=connection.vendor,
        size=size,
        migrations=sorted(migrations),
        tables=tables,
        media_files=media.files,
        media_bytes=media.bytes,
        missing=media.missing,
        left_out=sorted(set(LEFT_OUT) & set(tables)),
    )
    writer.write_bytes(MANIFEST, manifest.to_json())
    writer.complete(media.sums)
    write_known(media.known)
    removed = prune(store, [*earlier, writer.name], settings.BROADSIDE_BACKUP_KEEP, newest=writer.name)
    return BackupResult(writer.name, manifest, media.new_files, removed)


def _free_name(taken: Collection[str]) -> str:
    time = timezone.now()
    while (name := name_for(time)) in taken:
        time += dt.timedelta(seconds=1)
    return name


class BackupWriter:
    """Writes the files of one backup, and collects their checksums."""

    def __init__(self, store: Store, public_key: Any, name: str) -> None:
        self.store = store
        self.public_key = public_key
        self.name = name
        self._sums: dict[str, str] = {}

    def write(self, file: str, source: Readable) -> None:
        """Store a file, encrypted if there is a public key."""
        path = f"{BACKUPS}/{self.name}/{file}" + (SUFFIX if self.public_key is not None else "")
        with self.store.writing(path) as target:
            _read, written = seal(source, target, self.public_key)
        self._sums[path] = written.sha256

    def write_bytes(self, file: str, content: bytes) -> None:
        """Store a small file in the same way."""
        self.write(file, io.BytesIO(content))

    def complete(self, media: Mapping[str, str]) -> None:
        """Complete the backup, which needs these media files. Raises BackupError if any of its files is missing."""
        backup = Backup(self.name, self._sums | dict(media))
        there = {*self.store.sizes(BACKUPS), *self.store.sizes(MEDIA)}
        if lost := sorted(set(backup.sums) - there):
            text = _("%s disappeared from the backup while it was being made. Is something else writing there?")
            raise BackupError(text % lost[0])
        with self.store.writing(_README) as file:
            file.write(BY_HAND.encode())
        with self.store.writing(backup.path(CHECKSUMS)) as file:
            file.writelines(checksum_lines(backup))


def _snapshot(folder: Path, progress: Progress) -> AbstractContextManager[Snapshot]:
    if connection.vendor == "postgresql":
        return postgresql.take_snapshot()
    # For the copy, and for compacting it.
    require_space(folder, 2 * Path(connection.settings_dict["NAME"]).stat().st_size)
    return sqlite.take_snapshot(folder / "database.sqlite3", progress)


def _write_database(writer: BackupWriter, snapshot: Snapshot, progress: ProgressCallback) -> int:
    """Store the dump, and return its size in bytes."""

    def advanced(size: int) -> None:
        # In MiB. The total is an estimate, because a text dump may be larger or smaller than the database.
        done = size // 2**20
        progress(_("Storing the database"), done, max(snapshot.size // 2**20, done))

    with snapshot.dump() as dump:
        source = HashingReader(dump, advanced)
        writer.write(DATABASES[connection.vendor], compressed(source))
    return source.size


def _write_media(
    writer: BackupWriter, folder: Path, names: list[str], stored: Mapping[str, StoredMedia], progress: ProgressCallback
) -> MediaCopier:
    copier = MediaCopier(writer.store, writer.public_key, stored)
    path = folder / "media.jsonl"
    with path.open("wb") as media_list:
        copier.copy(show_media(names, len(names), progress), media_list)
    with path.open("rb") as written:
        writer.write(MEDIA_LIST, compressed(written))
    return copier


def _stored_media(store: Store, backups: list[str]) -> dict[str, StoredMedia]:
    """Return the media files in a store, with the SHA-256 of those that a complete backup lists.

    If several backups list a file, the newest one counts. Files that were found to be damaged are left out.
    """
    stored = {path: StoredMedia(size) for path, size in store.sizes(MEDIA).items()}
    # If a list is damaged, its files are just read again.
    for name in backups:
        try:
            backup = read_backup(store, name)
        except BackupError:
            continue
        for path in backup.media & stored.keys():
            stored[path] = StoredMedia(stored[path].size, backup.sums[path])
    for path in read_damaged():
        stored.pop(path, None)
    return stored


def settings_file(environment: Mapping[str, str]) -> bytes:
    """Return the settings of this site as a `.env` file, without secrets (config.redaction)."""
    lines = [
        "# The settings of this site. Secrets are not in a backup: fill them in, or create new ones.",
        *(f"{name}={value}" for name, value in sorted(environment.items())),
    ]
    return "\n".join([*lines, ""]).encode()


def version() -> str:
    """Return the version of Broadside."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])
