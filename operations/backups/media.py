"""Media in backups: each file is stored once, however many backups it is in, and read only if it may have changed."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any, Final

from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection, models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.progress_callback import ProgressCallback
from media.models import Rendition
from media.storage import StoredFile
from media.unnamed_files import UnnamedFile
from operations.backups.contents import MediaFile, OpenedBackup, object_name
from operations.backups.errors import BackupError
from operations.backups.sealing import NullWriter, can_be_sealed_size, hashed, seal, unseal
from operations.backups.snapshots import Snapshot
from operations.backups.stores import Store
from operations.backups.work import damaged_files, known_files, write_private

# Where restored files wait until the database is restored. Hidden files are never served.
STAGED: Final = ".restored/"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class KnownFile:
    """The SHA-256 of a media file, valid as long as its size in bytes and its modification time are unchanged."""

    size: int
    modified: float
    sha256: str


def show_media[Item](files: Iterable[Item], total: int, progress: ProgressCallback) -> Iterator[Item]:
    """Yield media files, and report the progress."""
    for done, file in enumerate(files, start=1):
        yield file
        progress(_("Media"), done, total)


def media_names(snapshot: Snapshot) -> list[str]:
    """Return the names of all media files that a database refers to."""
    quote = connection.ops.quote_name
    names: set[tuple[object, ...]] = set()
    for model in apps.get_models():
        table = quote(model._meta.db_table)
        for column in model._meta.local_concrete_fields:
            if isinstance(column, models.FileField) and not model._meta.proxy:
                names.update(snapshot.rows(f"SELECT {quote(str(column.column))} FROM {table}"))  # noqa: S608  # our own names
    # Merged pictures whose files have been removed. Only their URLs are still needed.
    gone = "SELECT file FROM media_picture WHERE merged_into_id IS NOT NULL AND merge_data IS NULL"
    found = {str(name) for (name,) in names - set(snapshot.rows(gone)) if name}
    for (rows,) in snapshot.rows("SELECT rendition_rows FROM media_picture"):
        found.update(Rendition(*row).name for row in json.loads(str(rows)))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """A media file in a store: its size in bytes, and its SHA-256 if known."""

    size: int
    sha256: str | None = None


class MediaCopier:
    """Copies media files into a store, and collects what a backup needs to know about them.

    `stored` are the undamaged files already there, by their names in the store. `sums` are the SHA-256 of the files as
    stored, by the same names, and `known` is for the next backup.
    """

    def __init__(self, store: Store, public_key: Any, stored: Mapping[str, StoredMedia]) -> None:
        self._store = store
        self._public_key = public_key
        self._stored = stored
        self._known_before = _read_known()
        self._storage: Any = default_storage
        self.sums: dict[str, str] = {}
        self.known: dict[str, KnownFile] = {}
        self.missing: list[str] = []
        self.files = self.bytes = self.new_files = 0

    def copy(self, names: Iterable[str], media_list: IO[bytes]) -> None:
        """Store the files that aren't there yet, and write a line for each file to `media_list`."""
        for name in names:
            if file := self._copy_file(name):
                media_list.write(file.to_line())
                self.files += 1
                self.bytes += file.size
            else:
                self.missing.append(name)

    def _copy_file(self, name: str) -> MediaFile | None:
        """Store a file as it is now. Return None if it is gone and no earlier backup has it."""
        for _attempt in range(_ATTEMPTS):
            known = self._content_of(name)
            if known is None:
                return None
            try:
                stored = self._store_content(name, known)
            except (_ChangedError, FileNotFoundError):
                # It was replaced or deleted in the meantime.
                continue
            self.known[name] = known
            return MediaFile(name, known.sha256, known.size, stored)
        raise BackupError(_("The media file %s keeps changing, so it can't be backed up. Try again later.") % name)

    def _content_of(self, name: str) -> KnownFile | None:
        known = self._known_before.get(name)
        found: StoredFile | None = self._storage.find(name)
        if found is None:
            # It was deleted a moment ago, or long ago. An earlier backup may have it.
            return known if known and self._is_stored(self._object(known.sha256), known) else None
        if known and (known.size, known.modified) == (found.size, found.modified):
            return known
        try:
            reader = hashed(found.open(None))
        except FileNotFoundError:
            return None
        return KnownFile(reader.size, found.modified, reader.sha256)

    def _store_content(self, name: str, known: KnownFile) -> str:
        stored = self._object(known.sha256)
        if stored not in self.sums:
            if self._is_stored(stored, known):
                # Files stored by an interrupted backup are in no list.
                digest = self._stored[stored].sha256 or hashed(self._store.open(stored)).sha256
            else:
                digest = self._write(name, stored, known)
                self.new_files += 1
            self.sums[stored] = digest
        return stored

    def _is_stored(self, stored: str, known: KnownFile) -> bool:
        """Whether this content is already in the store, and not truncated."""
        found = self._stored.get(stored)
        return found is not None and can_be_sealed_size(
            found.size, known.size, is_encrypted=self._public_key is not None
        )

    def _object(self, sha256: str) -> str:
        """Return the name under which this content is stored. With encryption, the name doesn't reveal the content."""
        if self._public_key is None:
            return object_name(sha256, is_encrypted=False)
        # The key is included, because files encrypted to another key can't be reused.
        mac = salted_hmac("operations.backups", f"{self._public_key}:{sha256}", algorithm="sha256")
        return object_name(mac.hexdigest(), is_encrypted=True)

    def _write(self, name: str, stored: str, known: KnownFile) -> str:
        found: StoredFile | None = self._storage.find(name)
        if found is None:
            raise FileNotFoundError(name)
        with closing(found.open(None)) as source, self._store.writing(stored) as target:
            read, written = seal(source, target, self._public_key)
            if read.sha256 != known.sha256:
                raise _ChangedError
        return written.sha256


class _ChangedError(Exception):
    """A file was replaced between reading it and storing it."""


def read_object(opened: OpenedBackup, file: MediaFile, target: Any) -> None:
    """Write the content of a media file to `target`. Raises BackupError if it doesn't match the backup's list."""
    expected = opened.backup.sums.get(file.stored)
    text = _(
        "The file %(stored)s in the backup is damaged or missing. It is the media file %(name)s. To restore everything "
        "else, add --without-damaged-media."
    )
    damaged = text % {"stored": file.stored, "name": file.name}
    try:
        source = opened.store.open(file.stored)
    except FileNotFoundError:
        raise BackupError(damaged) from None
    with closing(source):
        try:
            read, written = unseal(source, target, opened.private_keys, file.size)
        except BackupError as error:
            raise BackupError(damaged) from error
    # If a damaged file was encrypted again, the same content has other bytes than an older backup lists.
    is_as_listed = bool(opened.private_keys) or read.sha256 == expected
    if not is_as_listed or (written.sha256, written.size) != (file.sha256, file.size):
        raise BackupError(damaged)


def check_media(opened: OpenedBackup, files: Iterable[MediaFile]) -> int:
    """Read all media files of a backup, compare them with its list, and return how many there are.

    Raises BackupError if any is damaged. The next backup then stores them again, if the site still has them.
    """
    damaged: dict[str, str] = {}
    count = 0
    for file in files:
        count += 1
        try:
            read_object(opened, file, NullWriter())
        except BackupError:
            damaged[file.stored] = file.name
    if damaged:
        write_private(damaged_files(), [json.dumps(sorted({*read_damaged(), *damaged}))])
        text = ngettext(
            "A media file in the backup is damaged or missing: %(name)s (%(stored)s). The next backup stores it again, "
            "if the site still has it.",
            "%(count)d media files in the backup are damaged or missing, such as %(name)s (%(stored)s). The next "
            "backup stores them again, if the site still has them.",
            len(damaged),
        )
        stored, name = min(damaged.items())
        raise BackupError(text % {"count": len(damaged), "name": name, "stored": stored})
    return count


def read_damaged() -> list[str]:
    """Return the names in the store of media files that have to be stored again."""
    try:
        return list(json.loads(damaged_files().read_bytes()))
    except (OSError, ValueError, TypeError):
        return []


def stage_media(opened: OpenedBackup, files: Iterable[MediaFile], left_out: list[str] | None) -> set[str]:
    """Stage the files that differ from this site's media, and return the names of all files in the backup.

    The names of damaged files are added to `left_out`. If that is None, they raise BackupError.
    """
    storage: Any = default_storage
    names = set()
    for file in files:
        names.add(file.name)
        staged = STAGED + file.name
        if not _is_same(storage.find(file.name), file) and not _is_same(storage.find(staged), file):
            storage.delete(staged)
            content = UnnamedFile()
            try:
                read_object(opened, file, content)
            except BackupError:
                if left_out is None:
                    raise
                left_out.append(file.name)
                continue
            if storage.save(staged, content) != staged:
                raise BackupError(_("%s can't be stored under its name. Is another restore running?") % file.name)
    return names


def publish_media(names: set[str]) -> None:
    """Move staged files into place, and delete the media that are not among `names`. Safe to repeat."""
    storage: Any = default_storage
    for staged in storage.sizes(STAGED):
        if (name := staged.removeprefix(STAGED)) in names:
            storage.move(staged, name)
    drop_staged_media()
    for name in storage.sizes(""):
        if name not in names and not name.startswith("."):
            storage.delete(name)


def drop_staged_media() -> None:
    """Delete the files that an abandoned restore has staged."""
    storage: Any = default_storage
    for staged in storage.sizes(STAGED):
        storage.delete(staged)


def _is_same(found: StoredFile | None, file: MediaFile) -> bool:
    return found is not None and found.size == file.size and hashed(found.open(None)).sha256 == file.sha256


def _read_known() -> dict[str, KnownFile]:
    """Return what the last backup knew about files. If that is lost, return nothing, so that all are read again."""
    known = {}
    try:
        with known_files().open("rb") as lines:
            for line in lines:
                name, size, modified, sha256 = json.loads(line)
                known[name] = KnownFile(size, modified, sha256)
    except (OSError, ValueError, TypeError):
        return {}
    return known


def write_known(known: Mapping[str, KnownFile]) -> None:
    """Save what is known about files for the next backup."""
    lines = (json.dumps([name, each.size, each.modified, each.sha256]) for name, each in known.items())
    write_private(known_files(), lines)
