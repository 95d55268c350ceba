"""The format of a backup.

    backups/2026-11-27T033000Z/     a backup, named by the time in UTC
        database.sqlite3.zst        or database.sql.zst, what pg_dump wrote
        media.jsonl.zst             one line for each media file: its name on the site and in the store
        settings.env                without secrets
        templates.json              the site's own templates, if it has any: the text of each by its path
        manifest.json               what it was made from
        SHA256SUMS                  written last, so a backup is complete if this file exists
    media/ab/ab12…                  media files, each stored once for all backups

With a public key, all names except that of the list of checksums end in `.age`. The checksums are of the files as they
are stored, so anyone can check them, and they include the media files that the backup needs.
"""

import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from media.storage import Readable
from operations.backups.errors import BackupError
from operations.backups.sealing import SUFFIX, Identity, unseal
from operations.backups.stores import Store

BACKUPS: Final = "backups"
MEDIA: Final = "media"
CHECKSUMS: Final = "SHA256SUMS"
MANIFEST: Final = "manifest.json"
MEDIA_LIST: Final = "media.jsonl.zst"
SETTINGS: Final = "settings.env"
TEMPLATES: Final = "templates.json"
DATABASES: Final = {"sqlite": "database.sqlite3.zst", "postgresql": "database.sql.zst"}
# The version of this format, incremented when older code can no longer read it.
FORMAT: Final = 1
_NAME_FORMAT: Final = "%Y-%m-%dT%H%M%SZ"
_NAME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z")
_OBJECT: Final = re.compile(r"media/[0-9a-f]{2}/[0-9a-f]{64}(?:\.age)?")
_SUM: Final = re.compile(r"[0-9a-f]{64}")
_FILES: Final = {
    name + suffix
    for name in (MANIFEST, MEDIA_LIST, SETTINGS, TEMPLATES, *DATABASES.values())
    for suffix in ("", SUFFIX)
}
# In bytes. Anything larger was not written by Broadside.
MAX_LIST: Final = 2**30
_MAX_MANIFEST: Final = 2**26
_MAX_SETTINGS: Final = 2**20
_MAX_LINE: Final = 2**14
_MAX_NAME: Final = 1024


@dataclass(frozen=True, slots=True)
class Table:
    """The number of rows of a table, and a digest of them that doesn't depend on their order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup was made from. `size` is that of the uncompressed database dump, in bytes.

    `missing` are the media files that the database refers to but that did not exist. Tables in `left_out` are empty.
    """

    broadside: str
    site: str
    created: str
    vendor: str
    size: int
    migrations: list[tuple[str, str]]
    tables: dict[str, Table]
    media_files: int
    media_bytes: int
    missing: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Parse a manifest. Raises BackupError if it is invalid or of a later format."""
        try:
            data = json.loads(content)
            if data.pop("format") > FORMAT:
                raise BackupError(
                    _(
                        "This backup was made by a later version of Broadside. Install that version, and use it to "
                        "restore."
                    )
                )
            data["tables"] = {
                str(name): Table(int(table["rows"]), str(table["digest"])) for name, table in data["tables"].items()
            }
            data["migrations"] = [(str(app), str(name)) for app, name in data["migrations"]]
            found = cls(**data)
            is_valid = (
                found.vendor in DATABASES
                and all(isinstance(value, int) for value in (found.size, found.media_files, found.media_bytes))
                and all(
                    isinstance(value, str) for value in (found.broadside, found.site, found.created, *found.missing)
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(MANIFEST) from error
        if not is_valid:
            raise damaged(MANIFEST)
        return found


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A media file: its name on the site, the SHA-256 and size of its content, and its name in the store."""

    name: str
    sha256: str
    size: int
    stored: str

    def to_line(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup in a store: its name, and the SHA-256 of each of its files as stored.

    The keys of `sums` are names in the store.
    """

    name: str
    sums: Mapping[str, str]

    @property
    def made_at(self) -> dt.datetime:
        return parse_name(self.name)

    @property
    def is_encrypted(self) -> bool:
        return self.path(MANIFEST + SUFFIX) in self.sums

    @property
    def media(self) -> set[str]:
        """The names in the store of all media files that the backup needs."""
        return {name for name in self.sums if name.startswith(f"{MEDIA}/")}

    def path(self, file: str) -> str:
        """Return the name in the store of one of the backup's files."""
        return f"{BACKUPS}/{self.name}/{file}"

    def stored(self, file: str) -> str:
        """Return the name in the store of a file, encrypted or not. Raises BackupError if it isn't listed."""
        if not self.has(file):
            raise damaged(CHECKSUMS)
        return self._name(file)

    def has(self, file: str) -> bool:
        """Whether the backup has a file that is optional."""
        return self._name(file) in self.sums

    def _name(self, file: str) -> str:
        return self.path(file + (SUFFIX if self.is_encrypted else ""))


class OpenedBackup:
    """A backup with the keys to read it: none if it isn't encrypted. `settings` are those of the backed-up site.

    Raises BackupError if one of its files is damaged or missing.
    """

    def __init__(self, store: Store, backup: Backup, private_keys: Sequence[Identity]) -> None:
        self.store, self.backup, self.private_keys = store, backup, private_keys
        self.manifest = Manifest.from_json(self.content(MANIFEST, _MAX_MANIFEST))
        lines = self.content(SETTINGS, _MAX_SETTINGS).decode(errors="replace").splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        self.settings = {name: value for name, equals, value in pairs if equals}

    @property
    def name(self) -> str:
        return self.backup.name

    def read(self, file: str, target: Any, limit: int | None = None) -> None:
        """Write one of its files to `target`, at most `limit` bytes. Raises BackupError if it is damaged or longer."""
        stored = self.backup.stored(file)
        try:
            source = self.store.open(stored)
        except FileNotFoundError:
            text = _("%s is missing from this backup. Choose another backup with --backup.")
            raise BackupError(text % stored) from None
        with closing(source):
            read, _written = unseal(source, target, self.private_keys, limit)
        if read.sha256 != self.backup.sums[stored]:
            raise BackupError(_("%s is damaged. Choose another backup with --backup.") % stored)

    def content(self, file: str, limit: int) -> bytes:
        """Return the content of one of its files, as `read` does."""
        content = io.BytesIO()
        self.read(file, content, limit)
        return content.getvalue()


def name_for(time: dt.datetime) -> str:
    """Return the name of a backup that is made at this time."""
    return time.astimezone(dt.UTC).strftime(_NAME_FORMAT)


def parse_name(name: str) -> dt.datetime:
    """Return when the backup with this name was made. Raises ValueError if the name is invalid."""
    return dt.datetime.strptime(name, _NAME_FORMAT).replace(tzinfo=dt.UTC)


def is_ours(path: str) -> bool:
    """Whether this is the name in a store of a file that belongs to a backup. Other files there are left alone."""
    folder, _slash, rest = path.partition("/")
    if folder == MEDIA:
        return bool(_OBJECT.fullmatch(path))
    name, _slash, file = rest.partition("/")
    return folder == BACKUPS and _is_name(name) and (file == CHECKSUMS or file in _FILES)


def complete_backups(store: Store) -> list[str]:
    """Return the names of the complete backups, oldest first."""
    return sorted(path.split("/")[1] for path in store.sizes(BACKUPS) if is_ours(path) and path.endswith(CHECKSUMS))


def read_backup(store: Store, name: str) -> Backup:
    """Return a complete backup. Raises BackupError if its list of checksums is damaged."""
    sums = {}
    folder = f"{BACKUPS}/{name}/"
    with closing(store.open(folder + CHECKSUMS)) as source:
        for line in read_lines(source):
            digest, _space, path = line.decode("ascii", errors="replace").partition("  ")
            is_shared = path.startswith("../../")
            stored = path.removeprefix("../../") if is_shared else folder + path
            is_ours = _OBJECT.fullmatch(stored) if is_shared else path in _FILES
            if not (is_ours and _SUM.fullmatch(digest)):
                raise damaged(CHECKSUMS)
            sums[stored] = digest
    return Backup(name, sums)


def checksum_lines(backup: Backup) -> Iterator[bytes]:
    """Yield the lines of the list of checksums, for `sha256sum --check` in the folder of the backup."""
    folder = backup.path("")
    for name, digest in sorted(backup.sums.items()):
        path = name.removeprefix(folder) if name.startswith(folder) else f"../../{name}"
        yield f"{digest}  {path}\n".encode()


def object_name(identity: str, *, is_encrypted: bool) -> str:
    """Return the name in the store of the media file with this identity, which is a SHA-256."""
    return f"{MEDIA}/{identity[:2]}/{identity}" + (SUFFIX if is_encrypted else "")


def parse_media_list(lines: Iterable[bytes]) -> Iterator[MediaFile]:
    """Yield the media files of a list. Raises BackupError if it is damaged or contains a name that is not safe."""
    for line in lines:
        try:
            data: Any = json.loads(line)
            file = MediaFile(data["name"], data["sha256"], data["size"], data["stored"])
            is_valid = (
                is_safe_name(file.name)
                and isinstance(file.size, int)
                and file.size >= 0
                and _SUM.fullmatch(file.sha256)
                and _OBJECT.fullmatch(file.stored)
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise damaged(MEDIA_LIST) from error
        if not is_valid:
            raise damaged(MEDIA_LIST)
        yield file


def is_safe_name(name: Any) -> bool:
    """Whether this can be the name of a media file: a path that stays within the storage and isn't hidden."""
    if not isinstance(name, str) or not 0 < len(name.encode(errors="surrogatepass")) <= _MAX_NAME:
        return False
    return not any(part == "" or part.startswith(".") for part in name.split("/")) and not (
        set(name) & {"\\", "\0"} or re.search(r"[\ud800-\udfff]", name)
    )


def read_lines(source: Readable | IO[bytes]) -> Iterator[bytes]:
    """Yield lines of bounded length. Raises BackupError if a line or the list is longer than any of our own."""
    rest, total = b"", 0
    while piece := source.read(2**16):
        total += len(piece)
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _MAX_LINE or total > MAX_LIST:
            raise damaged(CHECKSUMS)
        yield from lines
    if rest:
        yield rest


def _is_name(name: str) -> bool:
    try:
        return bool(_NAME.fullmatch(name)) and bool(parse_name(name))
    except ValueError:
        return False


def damaged(file: str) -> BackupError:
    return BackupError(_("%s in this backup is damaged. Choose another backup with --backup.") % file)
