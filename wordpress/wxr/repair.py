"""Checking and repairing the bytes of an export before a strict XML parser reads them.

Errors that can be repaired without losing anything visible are repaired and counted. Document types are rejected:
entity bombs and external entities need one, and no real export has one.
"""

import codecs
import re
from collections.abc import Buffer, Iterator
from io import SEEK_END
from itertools import chain
from typing import IO, Final

from django.utils.translation import gettext as _

from core.text import NOT_IN_XML
from wordpress.wxr.elements import OUR_COMMENT
from wordpress.wxr.markup_repair import MarkupRepairer, Repairs, declare_known_prefixes
from wordpress.wxr.other_files import describe_file

_CHUNK: Final = 256 * 1024
# The root element of an export begins within this many characters.
_MAX_PROLOG: Final = 1024 * 1024

_ENCODINGS_BY_START: Final = {
    # Byte order marks, which these encodings remove. UTF-32 comes before UTF-16, whose mark can be a prefix of its own.
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    # Without a byte order mark, the beginning of an XML declaration.
    b"<\0?\0": "utf-16-le",
    b"\0<\0?": "utf-16-be",
    b"<\0\0\0": "utf-32-le",
    b"\0\0\0<": "utf-32-be",
}
# As in browsers, these names also stand for encodings with more characters.
_WIDER: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# In these encodings, hardly any line is valid UTF-8 by accident.
_WESTERN: Final = {"cp1252", "iso8859-15"}
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_LEADING: Final = "\ufeff \t\r\n"
_PROLOG: Final = r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+"
# The beginning of a document type or of the root element, or text before them.
_START = re.compile(
    rf"[{_LEADING}]*+{_PROLOG}"
    r"(?:(?P<type><!(?i:DOCTYPE|ENTITY ))|<(?:[\w.-]+:)?(?P<root>[\w.-]+)[\s/>]|(?P<text>[^<]))",
    re.DOTALL,
)
_WEB_PAGE = re.compile(rf"[{_LEADING}]*+{_PROLOG}<(?:!DOCTYPE\s+)?html\b", re.IGNORECASE)
_ROOT_TAG = re.compile(rf"({_PROLOG})(<[^<>]*+>)", re.DOTALL)
# The old site's error messages may precede the XML declaration.
_MESSAGES = re.compile(rb"[^<]*+(?:<(?!rss[\s>])[^<]*+)*?(?=<\?xml\s)")
# Before the root element, themes write what identifies them (`<meta name="generator">`), and PHP its messages.
_INSERTED = re.compile(
    rf"[{_LEADING}]*+{_PROLOG}(?P<inserted>(?:[^<]++|</?(?:b|br|i|link|meta|p)\b[^<>]*+>|<!--.*?-->)++)(?=<rss[\s>])",
    re.DOTALL,
)
# A byte that can't be part of UTF-8 (as decoded by `surrogateescape`), between letters that can. It is not the rest of
# a letter that was cut off at the end of a text.
_STRAY_BYTE = re.compile(r"(?<=[\0-\x7f])[\udc80-\udcff](?=[\0-;=-\\^-\x7f])")
_BROKEN_BYTES = re.compile(r"[\udc80-\udcff]+")
# No one writes the control characters of Latin-1. WordPress exports text that is not UTF-8 as if it were Latin-1, while
# our own exports contain what was stored.
_LATIN_CONTROL = re.compile(r"[\x80-\x9f]")
_LATIN_LETTERS = re.compile(r"[\x80-\xff]+")
_ROOT_END: Final = b"</rss>"
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf", b"Rar!")


class InvalidExportError(Exception):
    """A file that can't be imported. The message is one line for the user who runs the import."""


class RepairedSource:
    """A file in any encoding as chunks of clean UTF-8. `repairs` counts the repairs."""

    def __init__(self) -> None:
        self.bytes_read = 0
        self.repairs = Repairs()
        # Whether the root element seems to be closed.
        self.has_end = False
        self._line = 1
        # The number of lines before the document, which the parser does not count.
        self._lines_before = 0

    def chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the clean bytes. Raises InvalidExportError; before the first chunk if the file is not an export."""
        end, appended = self._find_end(file)
        data = self._read(file, end)
        first = next(data, b"")
        if not first:
            raise InvalidExportError(_("The file is empty. Download it again."))
        if other := describe_file(first):
            raise InvalidExportError(other)
        if first.startswith(_ARCHIVES):
            raise InvalidExportError(_("This is an archive. Unpack it, then import the XML file inside."))
        texts = self._texts(self._without_messages(first), data)
        head = self._prolog(texts)
        start = _ROOT_TAG.match(head)
        # No real start tag is longer than what has been read. If it is incomplete, the parser will report it.
        root, prefixes = declare_known_prefixes(start[2] if start else "")
        if start:
            head = start[1] + root + head[start.end() :]
        markup = MarkupRepairer(self.repairs, prefixes, 1 + self._lines_before)
        for text in chain([head], texts):
            yield markup.repair(text).encode()
        yield markup.repair("", final=True).encode()
        if appended:
            self.repairs.add("appended", self._line, appended.count(b"\n") + 1)

    def place(self, line: int, column: int) -> str:
        """Return the position in the file, as text, for a position reported by the parser."""
        return _("line %(line)d, column %(column)d") % {"line": line + self._lines_before, "column": column}

    def _without_messages(self, first: bytes) -> bytes:
        """Return the first chunk without the error messages that PHP wrote before the export."""
        messages = _MESSAGES.match(first)
        if messages is None or not messages[0].strip(codecs.BOM_UTF8 + b" \t\r\n"):
            return first
        self._lines_before = messages[0].count(b"\n")
        self.repairs.add("messages", 1, max(self._lines_before, 1))
        self._line += self._lines_before
        return first[messages.end() :]

    def _without_insertion(self, head: str) -> str:
        """Return the beginning of the document without anything between its prolog and its root element."""
        inserted = _INSERTED.match(head)
        if inserted is None:
            return head
        start, end = inserted.span("inserted")
        line_ends = "\n" * head.count("\n", start, end)
        line = 1 + self._lines_before + head.count("\n", 0, start)
        self.repairs.add("messages", line, max(len(line_ends), 1))
        return head[:start] + line_ends + head[end:]

    def _find_end(self, file: IO[bytes]) -> tuple[int, bytes]:
        """Return where the export ends, and any text appended by the old site or its host, such as error messages."""
        start = max(0, file.seek(0, SEEK_END) - _CHUNK)
        file.seek(start)
        tail = file.read()
        file.seek(0)
        # UTF-16 has zeros between the letters.
        self.has_end = _ROOT_END in tail.replace(b"\0", b"")
        _document, root_end, after = tail.rpartition(_ROOT_END)
        appended = after.strip()
        # Plugins append comments, which are valid.
        is_comment = appended.startswith(b"<!--") and appended.endswith(b"-->")
        if not root_end or not appended or is_comment or b"<rss" in appended:
            return start + len(tail), b""
        return start + len(tail) - len(after), appended

    def _read(self, file: IO[bytes], end: int) -> Iterator[bytes]:
        while data := file.read(min(_CHUNK, end - self.bytes_read)):
            self.bytes_read += len(data)
            yield data

    def _texts(self, first: bytes, rest: Iterator[bytes]) -> Iterator[str]:
        encoding = _encoding(first)
        decoder = codecs.getincrementaldecoder(encoding)()
        # WordPress writes UTF-8 into CDATA sections whatever encoding it declares, but old versions did not put titles
        # into CDATA sections.
        is_certain = encoding.startswith("utf-")
        is_ours = OUR_COMMENT.encode() in first
        try:
            # At the end of the file, the last character must be complete.
            for data in chain([first], rest, [b""]):
                if not is_certain and not data.isascii():
                    is_certain = True
                    if _may_be_utf8(data):
                        decoder = codecs.getincrementaldecoder("utf-8")()
                        self.repairs.add("encoding", 1)
                    elif encoding in _WESTERN:
                        decoder = _LineDecoder(encoding, self.repairs)
                text = self._decode(decoder, data, final=not data)
                if NOT_IN_XML.search(text):
                    self._note("controls", NOT_IN_XML, text)
                    text = NOT_IN_XML.sub("", text)
                if not is_ours and _LATIN_CONTROL.search(text):
                    self._note("windows", _LATIN_CONTROL, text)
                    text = _LATIN_LETTERS.sub(_intended_letters, text)
                self._line += text.count("\n")
                yield text
        except UnicodeError as error:
            raise InvalidExportError(_("The file is not valid %s text.") % encoding) from error

    def _decode(self, decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool) -> str:
        try:
            return decoder.decode(data, final)
        except UnicodeDecodeError:
            decoder.errors = "surrogateescape"
            text = decoder.decode(data, final)
            decoder.errors = "strict"
        self._note("windows", _STRAY_BYTE, text)
        text = _STRAY_BYTE.sub(lambda byte: bytes([ord(byte[0]) - 0xDC00]).decode("cp1252", "ignore"), text)
        self._note("letters", _BROKEN_BYTES, text)
        return _BROKEN_BYTES.sub("\ufffd", text)

    def _note(self, kind: str, pattern: re.Pattern[str], text: str) -> None:
        line, done = self._line, 0
        for match in pattern.finditer(text):
            line += text.count("\n", done, match.start())
            done = match.start()
            self.repairs.add(kind, line)

    def _prolog(self, texts: Iterator[str]) -> str:
        """Return the text from the prolog to the end of the chunk with the root element, which must be `<rss>`."""
        head, start = "", None
        # The space terminates the name of a root element at the very end of the file.
        for text in chain(texts, " "):
            head = self._without_insertion(head + text)
            start = _START.match(head)
            if start or len(head) > _MAX_PROLOG:
                break
        if start is None or start["text"]:
            raise InvalidExportError(_("This is not XML. Create an export in WordPress under Tools → Export."))
        if _WEB_PAGE.match(head):
            # The host wants the owner to log in, or shows an error.
            raise InvalidExportError(
                _("This is a web page, not a WordPress export. Create an export in WordPress under Tools → Export.")
            )
        if start["type"]:
            end = start.start("type")
            place = self.place(head.count("\n", 0, end) + 1, end - head.rfind("\n", 0, end))
            text = _("%s: the file has a document type (DOCTYPE). WordPress exports have none, so it was not read.")
            raise InvalidExportError(text % place)
        if start["root"] != "rss":
            text = _("This is not a WordPress export: its root element is <%s>, not <rss>.")
            raise InvalidExportError(text % start["root"])
        document = head.lstrip(_LEADING)
        self._lines_before += head.count("\n", 0, len(head) - len(document))
        return document


class _LineDecoder(codecs.BufferedIncrementalDecoder):
    """Decodes each line as UTF-8 if it is valid, otherwise in `encoding`. UTF-8 is added to `repairs` only once."""

    def __init__(self, encoding: str, repairs: Repairs) -> None:
        super().__init__()
        self._encoding = encoding
        self._repairs = repairs

    def _buffer_decode(self, data: Buffer, errors: str, final: bool) -> tuple[str, int]:
        text = bytes(data)
        # If the whole chunk is one line, it is split between words.
        end = len(text) if final else text.rfind(b"\n") + 1 or text.rfind(b" ") + 1 or len(text)
        return "".join(self._line(line, errors) for line in text[:end].splitlines(keepends=True)), end

    def _line(self, line: bytes, errors: str) -> str:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return line.decode(self._encoding, errors)
        if not line.isascii() and not self._repairs.counts["encoding"]:
            self._repairs.add("encoding", 1)
        return text


def _intended_letters(letters: re.Match[str]) -> str:
    """Return letters of Latin-1 as UTF-8 if they are valid, or else as letters of Windows, which has no controls."""
    if not _LATIN_CONTROL.search(letters[0]):
        return letters[0]
    data = letters[0].encode("latin-1")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "ignore")


def _encoding(data: bytes) -> str:
    """Return the encoding of a file that starts with `data`."""
    for start, encoding in _ENCODINGS_BY_START.items():
        if data.startswith(start):
            return encoding
    declared = _DECLARED.match(data)
    name = declared[1].decode() if declared else "utf-8"
    if name.lower().startswith("utf8"):
        # MySQL's names, such as `utf8mb4`, end up in the settings of blogs.
        name = "utf-8"
    try:
        # This fails for Python codecs that are not text encodings.
        "".encode(name)
        codec = codecs.lookup(name)
    except LookupError as error:
        raise InvalidExportError(_("The encoding of the file, “%s”, is unknown.") % name) from error
    # The declaration was readable as single bytes, so the file can't be in UTF-16 or UTF-32.
    return "utf-8" if codec.name.startswith(("utf-16", "utf-32")) else _WIDER.get(codec.name, codec.name)


def _may_be_utf8(data: bytes) -> bool:
    """Return whether `data`, whose last character may be incomplete, is valid UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True
