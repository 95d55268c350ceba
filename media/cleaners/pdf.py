"""Removing from PDFs what they reveal or run."""

from collections.abc import Iterator
from typing import IO, Any, BinaryIO, Final, cast

import pikepdf
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_MAX_OBJECTS: Final = 300_000
# Source: ISO 32000-1, 7.7.2 (catalogue), 12.5.2 (annotations), 12.6 (actions), 14.3 (metadata).
_REVEALING_KEYS: Final = ("/Metadata", "/PieceInfo", "/LastModified", "/AA", "/JS", "/OpenAction", "/XFA", "/EF", "/AF")
_ANNOTATION_KEYS: Final = ("/T", "/CreationDate", "/M", "/NM")
# What happens on a click, after that, and before that in a player.
_ACTION_KEYS: Final = ("/A", "/Next", "/PA")
_RUNNING_ACTIONS: Final = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/Rendition"}


def clean(source: IO[bytes], target: IO[bytes]) -> None:
    """Remove properties, XMP, authors of comments, scripts, attachments, earlier versions, and EXIF of its images."""
    try:
        with pikepdf.open(cast("BinaryIO", source)) as pdf:
            if len(pdf.objects) > _MAX_OBJECTS:
                raise ValidationError(_("The PDF is too complex to be cleaned. Save it in a simpler form."))
            names = pdf.Root.get("/Names")
            for key in ("/JavaScript", "/EmbeddedFiles"):
                if isinstance(names, pikepdf.Dictionary) and key in names:
                    del names[key]
            for item in pdf.objects:
                for each in _dictionaries(item):
                    _clean_object(each)
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            pdf.save(cast("BinaryIO", target), deterministic_id=True)
    except pikepdf.PasswordError as error:
        raise ValidationError(_("The PDF is protected by a password. Save it without one.")) from error
    except pikepdf.PdfError as error:
        raise ValidationError(_("This PDF is damaged. Save it again in the program that made it.")) from error


def _dictionaries(item: Any) -> Iterator[Any]:
    """Yield an object, and those that are part of it, as far as they are dictionaries or streams."""
    waiting = [item]
    while waiting:
        each = waiting.pop()
        parts: list[Any] = []
        if isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
            yield each
            parts = [each[key] for key in each.keys()]  # noqa: SIM118  # it is no dict
        elif isinstance(each, pikepdf.Array):
            parts = list(each)
        # The others are among the objects of the file.
        waiting += [part for part in parts if isinstance(part, pikepdf.Object) and not part.is_indirect]


def _clean_object(item: Any) -> None:
    for key in _REVEALING_KEYS:
        if key in item:
            del item[key]
    for key in _ACTION_KEYS:
        action = item.get(key)
        actions = list(action) if isinstance(action, pikepdf.Array) else [action]
        if any(isinstance(each, pikepdf.Dictionary) and str(each.get("/S")) in _RUNNING_ACTIONS for each in actions):
            del item[key]
    subtype = str(item.get("/Subtype", ""))
    if "/Rect" in item and subtype != "/Widget":
        # In a form field, /T is the name of the field and not that of an author.
        for key in _ANNOTATION_KEYS:
            if key in item:
                del item[key]
    if isinstance(item, pikepdf.Stream) and item.get("/Filter") == pikepdf.Name.DCTDecode:
        item.write(strip_jpeg(item.read_raw_bytes()), filter=pikepdf.Name.DCTDecode)


def strip_jpeg(content: bytes) -> bytes:
    """Return a JPEG without its metadata: all application segments but JFIF's and Adobe's, and comments."""
    position, kept = 2, [content[:2]]
    while content[position : position + 1] == b"\xff" and content[position + 1 : position + 2] not in {b"\xda", b""}:
        end = position + 2 + int.from_bytes(content[position + 2 : position + 4])
        marker = content[position + 1]
        if not (0xE1 <= marker <= 0xEF and marker != 0xEE) and marker != 0xFE:
            kept.append(content[position:end])
        position = end
    return b"".join([*kept, content[position:]])
