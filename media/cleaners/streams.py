"""Operations on files that several cleaners share. Files may be larger than memory."""

import re
from collections.abc import Iterator
from typing import IO, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

# A language as video states it, such as `eng`, `pt-BR` or `zh-Hant`. Programs accept any other text there, too.
LANGUAGE: Final = re.compile(rb"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?\0*")
CHUNK: Final = 64 * 1024
_UNREADABLE: Final = re.compile(r"[^!-~]+")
_LONGEST_NAME: Final = 40


def damaged() -> ValidationError:
    return ValidationError(_("The file is incomplete or damaged. Save it again in the program that made it."))


def too_complex() -> ValidationError:
    return ValidationError(
        _("The file has too many parts to be cleaned. Split it, or save it in another format, and try again.")
    )


def too_demanding() -> ValidationError:
    return ValidationError(
        _("The file takes too much time or memory to be cleaned. Make it smaller, or split it, and try again.")
    )


def unsupported_stream() -> ValidationError:
    return ValidationError(_("The file has a track of a type that can't be cleaned. Save it as MP3 or MP4."))


def unsupported_codec(name: bytes) -> ValidationError:
    """Return the error for a codec with this name, which may be any bytes."""
    shown = _UNREADABLE.sub(" ", name[:_LONGEST_NAME].decode("latin-1")).strip() or f"0x{name[:_LONGEST_NAME].hex()}"
    text = _(
        "The file has a track of a type that can't be cleaned: “%s”. Convert it to MP3, or to MP4 with H.264 and AAC."
    )
    return ValidationError(text % shown)


def unsupported_type(extension: str, other: str) -> ValidationError:
    """Return the error for files with an extension whose metadata can't be found, with the extension to use instead."""
    text = _("Names and places can't be removed from “%(type)s” files. Save it as “%(other)s” and try again.")
    return ValidationError(text % {"type": extension, "other": other})


def size_of(file: IO[bytes]) -> int:
    """Return the size in bytes. Moves the position to the end."""
    return file.seek(0, 2)


def read_at(file: IO[bytes], position: int, length: int) -> bytes:
    """Return up to `length` bytes from this position on."""
    file.seek(position)
    return file.read(length)


def write_at(file: IO[bytes], position: int, content: bytes | bytearray) -> None:
    """Overwrite the bytes from this position on."""
    file.seek(position)
    file.write(content)


def overlapping_parts(file: IO[bytes], start: int, end: int, overlap: int) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes between two positions in parts, each after its position. They overlap by `overlap` bytes."""
    while start < end:
        part = read_at(file, start, min(CHUNK, end - start))
        yield start, part
        start += max(len(part) - overlap, 1)


def copy_part(source: IO[bytes], target: IO[bytes], start: int, end: int) -> None:
    """Append the bytes between two positions of `source`, as far as they exist."""
    source.seek(start)
    while start < end and (chunk := source.read(min(CHUNK, end - start))):
        target.write(chunk)
        start += len(chunk)


def copy_unchanged(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a file of a type that has no place for metadata, or a file that is then changed in the copy."""
    copy_part(source, target, 0, size_of(source))


def write_zeros(target: IO[bytes], start: int, end: int) -> None:
    """Overwrite the bytes between two positions with zeros."""
    for position in range(start, end, CHUNK):
        write_at(target, position, bytes(min(CHUNK, end - position)))
