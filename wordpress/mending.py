"""The bytes of an export, made fit for a strict XML parser, and looked at before it sees them.

Real exports hold single control characters, broken letters and blank lines in front. Where nothing is
lost but what no reader could see they are mended and counted; so is broken markup (wordpress.wellformed).
A document type is refused: it is what entity bombs and foreign files come in with, and no export has one.
"""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Final

from django.utils.translation import gettext as _

from wordpress.wellformed import Mended, Wellformed, declare_known

_CHUNK: Final = 256 * 1024
# Everything in front of the root element is within this many characters, or it is no export.
_MAX_PROLOG: Final = 1024 * 1024

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    # Without a mark: how an XML declaration begins.
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
# What XML 1.0 has no room for.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PROLOG = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)[\s/>]")
_ROOT_TAG = re.compile(rf"({_PROLOG.pattern})(<[^<>]*+>)", re.DOTALL)
# An XML declaration begins a document. What stands in front of one are messages of the old site about faults there.
_MESSAGES = re.compile(rb"[^<]*+(?:<(?!rss[\s>])[^<]*+)*?(?=<\?xml\s)")
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"Rar!")


class ExportRefused(Exception):  # noqa: N818  # says what happened
    """A file that cannot be imported. Its text is one line for the one who runs the import."""


class MendedSource:
    """A file as chunks of clean UTF-8, whatever its encoding. `mended` says what was put right."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.bytes_read = 0
        self.mended = Mended()
        self._line = 1
        # Lines that stood in front of the document: the parser does not count them.
        self.lines_before = 0

    def chunks(self) -> Iterator[bytes]:
        """The clean bytes. Raises ExportRefused, at the latest with the first chunk, for what is no export."""
        first = self._read()
        if not first:
            raise ExportRefused(_("The file is empty."))
        if first.startswith(_ARCHIVES):
            raise ExportRefused(_("This is an archive: unpack it first and import the XML file in it."))
        texts = self._texts(self._without_messages(first))
        head = self._prolog(texts)
        start = _ROOT_TAG.match(head)
        # A start tag longer than all that was read is no feed's: the parser will say so.
        before, root = (start[1], start[2]) if start else (head, "")
        root, prefixes = declare_known(root)
        markup = Wellformed(self.mended, prefixes, 1 + self.lines_before)
        text = before + root + head[len(start[0]) if start else len(head) :]
        for following in texts:
            yield markup.mend(text).encode()
            text = following
        yield markup.mend(text, final=True).encode()

    def place(self, line: int, column: int) -> str:
        """A place that the parser named, as the file has it."""
        return _("line %(line)d, column %(column)d") % {"line": line + self.lines_before, "column": column}

    def _without_messages(self, first: bytes) -> bytes:
        """The beginning of the file without the messages that PHP wrote into it before the export began."""
        messages = _MESSAGES.match(first)
        if messages is None or not messages[0].strip(codecs.BOM_UTF8 + b" \t\r\n"):
            return first
        self.lines_before = messages[0].count(b"\n")
        self.mended.add("messages", 1, max(self.lines_before, 1))
        self._line += self.lines_before
        return first[messages.end() :]

    def _read(self) -> bytes:
        data = self._file.read(_CHUNK)
        self.bytes_read += len(data)
        return data

    def _texts(self, data: bytes) -> Iterator[str]:
        encoding, mark = _encoding(data)
        decoder = codecs.getincrementaldecoder(encoding)()
        data = data[mark:]
        try:
            while data:
                following = self._read()
                text = self._clean(self._decode(decoder, data, final=not following))
                self._line += text.count("\n")
                yield text
                data = following
        except UnicodeError as error:
            raise ExportRefused(_("This is not text in the encoding %s.") % encoding) from error

    def _decode(self, decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
        try:
            return decoder.decode(data, final)
        except UnicodeDecodeError:
            decoder.errors = "replace"
            text = decoder.decode(data, final)
            decoder.errors = "strict"
            self._note("letters", re.compile("\ufffd"), text)
            return text

    def _clean(self, text: str) -> str:
        if not _FORBIDDEN.search(text):
            return text
        self._note("controls", _FORBIDDEN, text)
        return _FORBIDDEN.sub("", text)

    def _note(self, kind: str, pattern: re.Pattern[str], text: str) -> None:
        line, done = self._line, 0
        for match in pattern.finditer(text):
            line += text.count("\n", done, match.start())
            done = match.start()
            self.mended.add(kind, line)

    def _prolog(self, texts: Iterator[str]) -> str:
        """The text up to and beyond the start of the root element, which must be that of a feed."""
        head = ""
        for text in texts:
            head += text
            if not head.isspace() and (root := self._root(head)):
                break
        else:
            root = self._root(head + " ") if head.strip() else ""
        if not root:
            raise ExportRefused(_("This is not XML."))
        if root != "rss":
            raise ExportRefused(_("This is not a WordPress export: its root element is <%s>, not <rss>.") % root)
        document = head.lstrip("\ufeff \t\r\n")
        blanks = head[: len(head) - len(document)]
        self.lines_before += blanks.count("\n")
        return document

    def _root(self, head: str) -> str:
        """The name of the root element if `head` reaches as far."""
        start = len(head) - len(head.lstrip("\ufeff \t\r\n"))
        prolog = _PROLOG.match(head, start)
        end = prolog.end() if prolog else start
        if head[end : end + 9].upper() in {"<!DOCTYPE", "<!ENTITY "}:
            line, column = head.count("\n", 0, end) + 1, end - head.rfind("\n", 0, end)
            raise ExportRefused(
                _("%s: the file has a document type (DOCTYPE). Exports have none, so it is not read.")
                % self.place(line, column)
            )
        if root := _ROOT.match(head, end):
            return root[1]
        if len(head) > _MAX_PROLOG or not "<!DOCTYPE"[: len(head) - end].startswith(head[end : end + 1]):
            raise ExportRefused(_("This is not XML."))
        return ""


def _encoding(data: bytes) -> tuple[str, int]:
    """The encoding of a file that begins with `data`, and the length of its byte order mark."""
    for start, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(start):
            return encoding, 0 if b"<" in start else len(start)
    declared = _DECLARED.match(data)
    name = declared[1].decode() if declared else "utf-8"
    try:
        # Refused for what Python calls codecs but is no encoding of texts.
        "".encode(name)
        codec = codecs.lookup(name)
    except LookupError as error:
        raise ExportRefused(_("The encoding “%s” of the file is not known.") % name) from error
    # The declaration could be read byte by byte, so it is none of those.
    return "utf-8" if codec.name.startswith(("utf-16", "utf-32")) else codec.name, 0
