"""Compressing, encrypting and checking data on its way to and from a store, in pieces of bounded size.

Data is encrypted to a public key with age (https://age-encryption.org/v1): neither reading the store nor taking over
the server is enough to decrypt anything.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import IO, Any, Final, Protocol, cast

import pyrage
import zstandard
from django.utils.translation import gettext as _

from media.storage import Readable
from operations.backups.errors import BackupError

# A private key. pyrage has no types.
type Identity = Any
SUFFIX: Final = ".age"
_PIECE: Final = 2**18
# In bytes: what age adds to a file and to each chunk of it, and more than twice the longest header for one key.
_NONCE, _TAG, _CHUNK, _MAX_HEADER = 16, 16, 2**16, 1024
_PRIVATE_KEY: Final = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]+")


class Writable(Protocol):
    def write(self, data: bytes, /) -> Any: ...


class HashingReader:
    """A reader that keeps the SHA-256 and size of what it reads. `advanced` is called with the size so far.

    It also keeps the last exception, because the libraries that read from it replace exceptions with their own.
    """

    def __init__(self, source: Readable, advanced: Callable[[int], object] = lambda size: None) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._advanced = advanced
        self.size = 0
        self.error: BaseException | None = None

    def read(self, size: int = _PIECE, /) -> bytes:
        try:
            piece = self._source.read(size if size >= 0 else _PIECE)
            self.size += len(piece)
            self._advanced(self.size)
        except BaseException as error:
            self.error = error
            raise
        self._hash.update(piece)
        return piece

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        self._source.close()

    def read_rest(self) -> None:
        """Read to the end, so that the hash covers the whole file."""
        while self.read():
            pass


def hashed(source: Readable) -> HashingReader:
    """Read a file to the end and close it."""
    with closing(HashingReader(source)) as reader:
        reader.read_rest()
    return reader


class HashingWriter:
    """A writer that keeps the SHA-256 and size of what it writes, at most `limit` bytes."""

    def __init__(self, target: Writable, limit: int | None = None) -> None:
        self._target = target
        self._limit = limit
        self._hash = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None

    def write(self, data: bytes, /) -> int:
        try:
            self.size += len(data)
            if self._limit is not None and self.size > self._limit:
                raise BackupError(_("A file in the backup is larger than listed, so it is damaged."))
            self._target.write(data)
        except BaseException as error:
            self.error = error
            raise
        self._hash.update(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing, because nothing is buffered here."""

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class NullWriter:
    """A writer that discards everything."""

    def write(self, data: bytes, /) -> int:
        return len(data)


def parse_public_key(text: str) -> Any:
    """Return the public key that backups are encrypted to; None without one. Raises BackupError if it is not valid."""
    if not text:
        return None
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise BackupError(
            _("BACKUP_PUBLIC_KEY is not an age public key, which begins with age1. Nothing was backed up.")
        ) from error


def read_private_keys(text: str) -> list[Identity]:
    """Return the private keys in the text of a key file. Raises BackupError if there is none."""
    try:
        keys = [pyrage.x25519.Identity.from_str(key) for key in _PRIVATE_KEY.findall(text)]
    except pyrage.IdentityError as error:
        raise BackupError(
            _("The private key is not complete or has a typing error. Compare it with your copy.")
        ) from error
    if not keys:
        raise BackupError(_("The key file contains no private key, which is a line that begins with AGE-SECRET-KEY-1."))
    return keys


def compressed(source: Readable) -> Readable:
    """Return a reader of `source` compressed with Zstandard."""
    # The library only calls `read`.
    file = cast("IO[bytes]", source)
    reader: Readable = zstandard.ZstdCompressor(level=6, write_checksum=True).stream_reader(file)
    return reader


def decompress(source: Readable, target: Writable, limit: int) -> None:
    """Decompress `source` to `target`, at most `limit` bytes. Raises BackupError if it is longer or damaged."""
    writer = HashingWriter(target, limit)
    try:
        # Frames that need more memory than our own are refused.
        zstandard.ZstdDecompressor(max_window_size=2**27).copy_stream(
            cast("IO[bytes]", source), cast("IO[bytes]", writer), write_size=_PIECE
        )
    except zstandard.ZstdError as error:
        raise _cause(writer) or BackupError(_("A file in the backup can't be decompressed: it is damaged.")) from error


def seal(source: Readable, target: Writable, public_key: Any) -> tuple[HashingReader, HashingWriter]:
    """Copy `source` to `target`, encrypted if there is a public key. Return both with their sizes and hashes."""
    reader, writer = HashingReader(source), HashingWriter(target)
    try:
        if public_key is None:
            shutil.copyfileobj(reader, writer, _PIECE)
        else:
            pyrage.encrypt_io(reader, writer, [public_key])
    except pyrage.EncryptError as error:
        raise _cause(reader, writer) or error from error
    return reader, writer


def can_be_sealed_size(size: int, content_size: int, *, is_encrypted: bool) -> bool:
    """Whether `seal` can have turned content of `content_size` into a file of `size`, both in bytes.

    The header of an encrypted file varies in length. Source: https://age-encryption.org/v1, “Payload”.
    """
    if not is_encrypted:
        return size == content_size
    payload = _NONCE + content_size + _TAG * max(1, -(-content_size // _CHUNK))
    return payload < size <= payload + _MAX_HEADER


def unseal(
    source: Readable, target: Writable, private_keys: Sequence[Identity], limit: int | None = None
) -> tuple[HashingReader, HashingWriter]:
    """Copy a sealed `source` to `target`, at most `limit` bytes, decrypted if there are private keys.

    Return both as `seal` does. Raises BackupError.
    """
    reader, writer = HashingReader(source), HashingWriter(target, limit)
    if not private_keys:
        shutil.copyfileobj(reader, writer, _PIECE)
        return reader, writer
    try:
        pyrage.decrypt_io(reader, writer, private_keys)
    except (pyrage.DecryptError, OSError) as error:
        # For damage after the header, pyrage raises an OSError, as if the file could not be read.
        if cause := _cause(reader, writer):
            raise cause from error
        if "No matching keys" in str(error):
            text = _("This is the wrong key: the backup was encrypted with another public key.")
            raise BackupError(text) from error
        raise BackupError(_("A file in the backup can't be decrypted: it is damaged.")) from error
    reader.read_rest()
    return reader, writer


def _cause(*ends: HashingReader | HashingWriter) -> BaseException | None:
    """Return the error at one of the ends, which the library between them hides behind its own."""
    return next((end.error for end in ends if end.error is not None), None)
