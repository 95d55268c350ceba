"""RTF: only what readers see is kept.

Groups that programs may ignore (those that begin with `\\*`) are dropped unless they are listed here. So are the
properties of the document, and embedded objects and computed fields except for what they show, because both can start
programs. Of text that was deleted while changes were tracked, or moved elsewhere, only the ends of paragraphs and cells
are kept. A file with pictures of a kind that can't be cleaned is refused, because readers would miss them.
Source: Rich Text Format Specification 1.9.1 (Microsoft). No maintained library does this.
"""

import re
from dataclasses import dataclass
from typing import IO, Final

from media.cleaners.images import cleaned_image
from media.cleaners.markup import LOCAL_LINK
from media.cleaners.metafiles import clean_metafile
from media.cleaners.streams import damaged, too_complex, unsupported_type

_MAX_TOKENS: Final = 5_000_000
_MAX_DEPTH: Final = 500
_TOKEN: Final = re.compile(
    rb"(?P<open>\{)|(?P<close>\})|\\(?P<word>[A-Za-z]+)(?P<number>-?[0-9]{1,10})?[ ]?|(?P<ignorable>\\\*)"
    rb"|\\'[0-9A-Fa-f]{2}|\\[^A-Za-z]|[^\\{}]+",
    re.DOTALL,
)
_WORD: Final = re.compile(rb"(?:\\\*)?\\[A-Za-z]+(?:-?[0-9]+)?")
# Ignorable groups that readers would miss.
_KEPT: Final = frozenset(
    b"aftnsep aftnsepc annotation background bkmkend bkmkstart cs do ds falt fldinst ftnsep ftnsepc listoverridetable"
    b" listpicture listtable moMath moMathPara moMathParaPr nesttableprops panose picprop pn pnseclvl pntext shpinst"
    b" shppict ts ud".split()
)
_DROPPED: Final = frozenset({b"info", b"filetbl", b"nonshppict"})
# Who changed what and when, and in which session.
_REVISIONS: Final = re.compile(rb"(?:rev|cr|mv|pr|sr|tr)(?:auth|dttm|date)(?:del)?|[a-z]*rsid[a-z]*")
# The words that mark deleted and moved text.
_DELETED: Final = frozenset({b"deleted", b"mvf"})
# What is left out with deleted text: characters, and groups with images, objects and notes.
_CHARACTERS: Final = frozenset(
    b"bullet chatn chdate chdpa chdpl chftn chftnsep chftnsepc chpgn chtime column emdash emspace endash enspace"
    b" ldblquote line lquote page qmspace rdblquote rquote sectnum softcol softline softpage tab u zwbo zwj zwnbo"
    b" zwnj".split()
)
_INSERTED: Final = frozenset(b"annotation do footnote object pict shp shppict".split())
# Fields that are no more than a link or a number.
_FIELDS: Final = frozenset(b"hyperlink page numpages pageref ref noteref seq toc symbol eq formtext styleref".split())
# The words that state the kind of an image, and the extension of files of that kind.
_IMAGES: Final = {
    b"jpegblip": ".jpg",
    b"pngblip": ".png",
    b"emfblip": ".emf",
    b"wmetafile": ".wmf",
    b"dibitmap": ".bmp",
}
# The header that a file has before a bitmap.
_BITMAP_HEADER: Final = b"BM" + bytes(12)
# Properties of shapes: the name of a file, a name given by the author, and a file.
_SHAPE_PROPERTIES: Final = frozenset({b"pibName", b"wzName", b"metroBlob"})


@dataclass(slots=True)
class _Group:
    """An open group. `start` is the index of its brace in what is written."""

    start: int
    is_dropped: bool = False
    # The words in force that mark text as deleted.
    deleted: frozenset[bytes] = frozenset()
    # Whether only the group of the result in it is written.
    is_object: bool = False
    is_ignorable: bool = False
    destination: bytes = b""
    is_image: bool = False
    # The extension of files with this kind of image. Empty if these can't be cleaned.
    extension: str = ""
    # The name of a property, for the group that contains it and its value.
    property: bytes = b""


def clean_rtf(source: IO[bytes], target: IO[bytes]) -> None:
    """Keep what readers see, with the metadata of images removed. What follows the document is left out."""
    source.seek(0)
    content = source.read()
    document = _Document()
    position = 0
    for _number in range(_MAX_TOKENS):
        if (token := _TOKEN.match(content, position)) is None:
            raise damaged()
        position = token.end()
        number = int(token["number"]) if token["number"] else None
        if token["open"]:
            document.open()
        elif token["close"]:
            document.close()
        elif token["word"] == b"bin":
            # Bytes that could be anything, even braces. As hexadecimal digits, they mean the same.
            end = position + max(0, number or 0)
            document.write_text(content[position:end].hex().encode())
            position = end
        elif token["word"]:
            document.write_word(token["word"], number, token[0])
        elif token["ignorable"]:
            document.ignore()
        else:
            document.write_text(token[0])
        if not document.groups:
            target.write(b"".join(document.written))
            return
    raise too_complex()


class _Document:
    """The kept parts of a document, with the groups around the current position."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.groups: list[_Group] = []

    def open(self) -> None:
        if len(self.groups) == _MAX_DEPTH:
            raise too_complex()
        # Of an object, only the group of its result is kept.
        around = self.groups[-1] if self.groups else _Group(0)
        is_dropped = around.is_dropped or around.is_object
        self.groups.append(_Group(len(self.written), is_dropped, around.deleted))
        self.written.append(b"{")

    def ignore(self) -> None:
        """Mark the group that begins here as ignorable. Further on in a group, the mark means nothing."""
        group = self.groups[-1]
        group.is_ignorable = group.is_ignorable or not group.destination

    def write_text(self, text: bytes) -> None:
        if self.groups[-1].deleted:
            self._separate()
        else:
            self._write(text)

    def _write(self, text: bytes) -> None:
        group = self.groups[-1]
        if not (group.is_dropped or group.is_object):
            self.written.append(text)

    def write_word(self, word: bytes, number: int | None, text: bytes) -> None:
        group = self.groups[-1]
        if word in _DELETED:
            group.deleted = group.deleted - {word} if number == 0 else group.deleted | {word}
        elif word == b"plain":
            group.deleted = frozenset()
        if word == b"result" and len(self.groups) > 1 and self.groups[-2].is_object and not self.groups[-2].is_dropped:
            group.is_dropped = False
            return
        group.destination = group.destination or word
        is_ignored = group.is_ignorable and group.destination not in _KEPT
        if word in _DROPPED or is_ignored or (group.deleted and word in _INSERTED):
            group.is_dropped = True
        elif word == b"object":
            group.is_object = True
        elif _REVISIONS.fullmatch(word) or (group.deleted and word in _CHARACTERS):
            self._separate()
        else:
            group.is_image |= word == b"pict" or word in _IMAGES
            group.extension = _IMAGES.get(word, group.extension)
            self._write(b"\\*" + text if group.is_ignorable and word == group.destination else text)

    def close(self) -> None:
        group = self.groups.pop()
        around = self.groups[-1] if self.groups else _Group(0)
        if group.destination == b"fldinst":
            command = self._text(group).replace(b'"', b" ").split()
            group.is_dropped |= any(map(_is_path, command)) or not command or command[0].lower() not in _FIELDS
        elif group.destination == b"sn":
            around.property = self._text(group).strip()
        elif group.destination == b"sv":
            # Word describes images by their paths, if their authors don't describe them.
            around.is_dropped |= around.property in _SHAPE_PROPERTIES or _is_path(self._text(group))
        elif group.is_image and not group.is_dropped:
            self.written[group.start + 1 :] = _clean_image(self.written[group.start + 1 :], group.extension)
        if group.is_dropped:
            del self.written[group.start :]
            self._separate()
        else:
            self.written.append(b"}")

    def _separate(self) -> None:
        """End the last word, because something else may follow it now."""
        if self.written and _WORD.fullmatch(self.written[-1]):
            self.written[-1] += b" "

    def _text(self, group: _Group) -> bytes:
        """Return the text in a group, including nested groups."""
        parts = (part for part in self.written[group.start :] if part == rb"\\" or _is_text(part))
        return b"".join(part.removeprefix(b"\\") for part in parts)


def _is_path(text: bytes) -> bool:
    """Whether a text begins like a path on the author's machine."""
    return LOCAL_LINK.match(text[:100].decode("latin-1")) is not None


def _is_text(part: bytes) -> bool:
    return not part.startswith((b"\\", b"{", b"}"))


def _clean_image(content: list[bytes], extension: str) -> list[bytes]:
    """Return the cleaned content of a group with an image in hexadecimal digits. Raises ValidationError."""
    kept: list[bytes] = []
    digits: list[bytes] = []
    depth = 0
    # The depth of the open group of properties, or 0. Properties are text rather than digits.
    properties = 0
    for part in content:
        depth += {b"{": 1, b"}": -1}.get(part, 0)
        if part.startswith(b"\\*"):
            properties = properties or depth
        elif depth < properties:
            properties = 0
        (digits if _is_text(part) and not properties else kept).append(part)
    image = bytes.fromhex(b"".join(digits).decode("ascii"))
    if extension:
        return [*kept, b"\n", _cleaned(image, extension).hex().encode()]
    if image:
        # Formats of the first Macintosh, OS/2 and Windows 2, or unknown ones, in which names can be anywhere.
        raise unsupported_type("pict", ".pdf")
    return content


def _cleaned(image: bytes, extension: str) -> bytes:
    if extension in {".emf", ".wmf"}:
        return clean_metafile(image)
    if extension == ".bmp":
        return cleaned_image(_BITMAP_HEADER + image, extension)[len(_BITMAP_HEADER) :]
    return cleaned_image(image, extension)
