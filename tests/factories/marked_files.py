"""Files of every kind with four markers each, in different places."""

import base64
import io
import itertools
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
from PIL import Image, PngImagePlugin

from tests.factories.files import PDF
from tests.factories.recordings import ebml, encode, riff
from tests.factories.revealing_files import box

type Marks = tuple[str, str, str, str]

_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDES: Final = "http://schemas.openxmlformats.org/presentationml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ODF: Final = "urn:oasis:names:tc:opendocument:xmlns"


@dataclass(frozen=True, slots=True)
class MarkedFile:
    kind: str
    name: str
    content: bytes
    marks: frozenset[str]


# Images


def _image() -> Image.Image:
    image = Image.new("RGB", (60, 40), "teal")
    image.paste("red", (0, 0, 30, 20))
    return image


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def _exif(*texts: str) -> Image.Exif:
    exif = Image.Exif()
    for tag, text in zip((0x010F, 0x013B, 0x0131, 0x8298), texts, strict=False):
        exif[tag] = text
    return exif


def _xmp(*texts: str) -> bytes:
    return f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{' '.join(texts)}</x:xmpmeta>".encode()


def _jpeg(marks: Marks) -> bytes:
    exif = _exif(marks[0])
    exif.get_ifd(0x8825)[29] = marks[1]
    content = _saved(_image(), "JPEG", exif=exif, xmp=_xmp(marks[2]))
    return content + marks[3].encode("utf-16")


def _png(marks: Marks) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", marks[0])
    info.add_text("Location", marks[1], zip=True)
    info.add_itxt("XML:com.adobe.xmp", marks[2])
    return _saved(_image(), "PNG", pnginfo=info, exif=_exif(marks[3]))


def _gif(marks: Marks) -> bytes:
    content = _saved(
        _image(), "GIF", comment=marks[0].encode(), save_all=True, append_images=[Image.new("RGB", (60, 40))]
    )
    text = marks[1].encode()
    xmp = marks[2].encode()
    blocks = (
        b"\x21\xfe" + bytes([len(text)]) + text + b"\0" + b"\x21\xff\x0bXMP DataXMP" + bytes([len(xmp)]) + xmp + b"\0"
    )
    return content[:-1] + blocks + b";" + marks[3].encode()


def _modern(kind: str) -> Callable[[Marks], bytes]:
    return lambda marks: _saved(_image(), kind, exif=_exif(*marks[:2]), xmp=_xmp(*marks[2:]))


def _tiff(marks: Marks) -> bytes:
    tags = {315: marks[0], 305: marks[1], 270: marks[2], 700: _xmp(marks[3])}
    return _saved(_image(), "TIFF", tiffinfo=tags, compression="tiff_deflate")


# Documents


def _pdf(marks: Marks) -> bytes:
    """Return a PDF with properties, a note, an attached file, a photo, and a part of an earlier version."""
    first, second = io.BytesIO(), io.BytesIO()
    with pikepdf.open(io.BytesIO(PDF)) as document:
        document.docinfo["/Author"] = marks[0]
        with document.open_metadata() as xmp:
            xmp["dc:creator"] = [marks[0]]
        document.attachments[f"{marks[1]}.txt"] = marks[1].encode()
        photo = document.make_stream(_jpeg((marks[2],) * 4), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
        photo.Width, photo.Height, photo.Filter = 60, 40, pikepdf.Name.DCTDecode
        photo.ColorSpace, photo.BitsPerComponent = pikepdf.Name.DeviceRGB, 8
        page = document.pages[0]
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=photo))
        page.Contents = document.make_stream(b"60 0 0 40 0 0 cm /I Do")
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9], T=marks[1])
        note.Contents = "A note"
        page.Annots = [document.make_indirect(note)]
        document.Root.PieceInfo = pikepdf.Dictionary(P=pikepdf.Dictionary(Private=marks[2]))
        document.save(first, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    # The text of an earlier version is still in the file.
    second.write(first.getvalue())
    old = f"\n900 0 obj\n<</Author({marks[3]})>>\nendobj\n".encode()
    content = second.getvalue()
    end = content.rindex(b"startxref")
    return content[:end] + old + content[end:]


def _packed(parts: Mapping[str, str | bytes], comment: str = "", extra: str = "") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, (2021, 2, 4, 5, 6, 8))
            entry.compress_type = zipfile.ZIP_DEFLATED
            if extra:
                entry.extra = struct.pack("<HH", 0x7875, len(extra)) + extra.encode()
            package.writestr(entry, content)
        package.comment = comment.encode()
    return written.getvalue()


def _relations(*rows: str) -> str:
    return f'<Relationships xmlns="{_RELATIONS}">{"".join(rows)}</Relationships>'


def _relation(row_id: str, target: str, mode: str = "") -> str:
    mode = f' TargetMode="{mode}"' if mode else ""
    return f'<Relationship Id="{row_id}" Type="x" Target="{target}"{mode}/>'


def _docx(marks: Marks) -> bytes:
    a, b, c, d = marks
    return _packed(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": _relations(_relation("r1", "word/document.xml"), _relation("r2", "docProps/core.xml")),
            "docProps/core.xml": f"<a><creator>{a}</creator></a>",
            "word/document.xml": f'<w:document xmlns:w="{_WORD}"><w:p w:rsidR="00AB12CD"><w:ins w:author="{b}" '
            f'w:date="2021-02-03T04:05:06Z">Text</w:ins><w:instrText>INCLUDEPICTURE "C:\\\\Users\\\\{c}\\\\a.jpg"'
            f"</w:instrText></w:p></w:document>",
            "word/_rels/settings.xml.rels": _relations(_relation("r1", f"file:///C:/Users/{c}/a.dotx", "External")),
            "word/settings.xml": f'<w:settings xmlns:w="{_WORD}"><w:rsids><w:rsid w:val="00AB12CD"/></w:rsids>'
            f'<w:docVars><w:docVar w:name="x" w:val="{c}"/></w:docVars></w:settings>',
            "word/media/image1.jpeg": _jpeg((d, d, d, d)),
            "word/embeddings/table.xlsx": _xlsx((d, d, d, d)),
            "customXml/item1.xml": f"<x>{d}</x>",
        },
        comment=a,
        extra=b,
    )


def _xlsx(marks: Marks) -> bytes:
    a, b, c, d = marks
    workbook = f'<workbook xmlns="{_SHEET}" xmlns:x15="urn:x15"><x15:absPath url="C:\\Users\\{b}\\"/></workbook>'
    sheet = f'<worksheet xmlns="{_SHEET}" xmlns:r="{_OFFICE_RELATIONS}"><c>Text</c><pageSetup r:id="r7"/></worksheet>'
    return _packed(
        {
            "[Content_Types].xml": "<Types/>",
            "docProps/core.xml": f"<lastModifiedBy>{a}</lastModifiedBy>",
            "xl/workbook.xml": workbook,
            "xl/worksheets/sheet1.xml": sheet,
            "xl/worksheets/_rels/sheet1.xml.rels": _relations(
                _relation("r7", "../printerSettings/printerSettings1.bin")
            ),
            "xl/printerSettings/printerSettings1.bin": d.encode("utf-16-le"),
            "xl/comments1.xml": f'<comments xmlns="{_SHEET}"><authors><author>{c}</author></authors></comments>',
        }
    )


def _pptx(marks: Marks) -> bytes:
    a, b, c, d = marks
    return _packed(
        {
            "[Content_Types].xml": "<Types/>",
            "docProps/app.xml": f"<Manager>{a}</Manager>",
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{_SLIDES}"/>',
            "ppt/commentAuthors.xml": f'<p:cmAuthor xmlns:p="{_SLIDES}" name="{b}" initials="{b}"/>',
            "ppt/changesInfos/changesInfo1.xml": f"<chgInfo name='{c}'/>",
            "ppt/slides/slide1.xml": "<t>Text</t>",
            "ppt/media/image1.png": _png((d, d, d, d)),
        }
    )


def _open_document(marks: Marks) -> bytes:
    a, b, c, d = marks
    content = f"""<o:document-content xmlns:o="{_ODF}:office:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:x="http://www.w3.org/1999/xlink"><o:annotation><dc:creator>{b}</dc:creator><dc:date>2021-02-03T04:05:06
        </dc:date>Text</o:annotation><a x:href="file:///home/{b}/a.odt"/></o:document-content>"""
    settings = f"""<c:config xmlns:c="{_ODF}:config:1.0"><c:config-item c:name="PrinterName">{c}</c:config-item>
        <c:config-item c:name="ShowGrid">true</c:config-item></c:config>"""
    manifest = f"""<m:manifest xmlns:m="{_ODF}:manifest:1.0"><m:file-entry m:full-path="content.xml"/>
        <m:file-entry m:full-path="Thumbnails/thumbnail.png"/></m:manifest>"""
    return _packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": content,
            "meta.xml": f"<meta><creator>{a}</creator></meta>",
            "Object 1/meta.xml": f"<meta><creator>{a}</creator></meta>",
            "settings.xml": settings,
            "META-INF/manifest.xml": manifest,
            "Pictures/1.jpg": _jpeg((d, d, d, d)),
            "Thumbnails/thumbnail.png": _png((d, d, d, d)),
        }
    )


def _rtf(marks: Marks) -> bytes:
    a, b, c, d = marks
    photo = _jpeg((d, d, d, d)).hex()
    return (
        rf"{{\rtf1\ansi{{\info{{\author {a}}}}}{{\*\revtbl{{Unknown;}}{{{b};}}}}{{\*\template C:\\{c}.dot}}"
        rf" Text {{\pict\jpegblip {photo}}}}}"
    ).encode()


def _epub(marks: Marks) -> bytes:
    a, b, c, d = marks
    book = f"""<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
        <metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:isbn:1</dc:identifier>
        <dc:title>A book</dc:title><dc:language>en</dc:language><dc:creator>{a}</dc:creator></metadata>
        <manifest><item id="p" href="p.xhtml" media-type="application/xhtml+xml"/>
        <item id="c" href="c.jpg" media-type="image/jpeg"/><item id="s" href="s.css" media-type="text/css"/></manifest>
        <spine><itemref idref="p"/></spine></package>"""
    page = f"""<html xmlns="http://www.w3.org/1999/xhtml"><head><title>A</title>
        <meta name="author" content="{b}"/></head><body>Text<!-- {b} --></body></html>"""
    container = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
        <rootfile full-path="O/b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
    return _packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "O/b.opf": book,
            "O/p.xhtml": page,
            "O/c.jpg": _jpeg((c, c, c, c)),
            "O/s.css": f"/* {d} */ p {{ margin: 0 }}",
        }
    )


def _zip(marks: Marks) -> bytes:
    a, b, c, d = marks
    parts: dict[str, str | bytes] = {"a.jpg": _jpeg((a, a, a, a)), "b.docx": _docx((b, b, b, b)), "c.txt": "Text"}
    return _packed(parts, comment=c, extra=d)


# Audio and video


def mp3_sound() -> bytes:
    """Return an MP3 without any tags. FFmpeg mistakes an APE tag for audio."""
    return encode("mp3", audio="libmp3lame", write_id3v1="0", id3v2_version="0", write_xing="0")


def _mp3(marks: Marks) -> bytes:
    sound = mp3_sound()
    text = b"\x01" + marks[0].encode("utf-16")
    frame = b"TPE1" + struct.pack(">I", len(text)) + b"\0\0" + text
    tag = b"ID3\x03\0\0" + bytes([0, 0, 0, len(frame)]) + frame
    second = b"ID3\x03\0\0" + bytes([0, 0, 0, 30]) + marks[3].encode().ljust(30, b"\0")
    item = struct.pack("<II", 11, 0) + b"Artist\0" + marks[1].encode()
    footer = b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, 0) + bytes(8)
    ape = item + footer
    old = b"TAG" + marks[2].encode().ljust(125, b"\0")
    return tag + second + sound + ape + old


def _flac(marks: Marks) -> bytes:
    sound = encode("flac", audio="flac", artist=marks[0])
    # After the first block, which describes the stream.
    start = 8 + int.from_bytes(sound[5:8])
    application = b"\x02" + (4 + 11).to_bytes(3) + b"abcd" + marks[1].encode()
    padding = b"\x01" + (22).to_bytes(3) + marks[2].encode("utf-16-le")
    tag = b"TAG" + marks[3].encode().ljust(125, b"\0")
    return sound[:start] + application + padding + sound[start:] + tag


def _wav(marks: Marks) -> bytes:
    a, b, c, d = (mark.encode() for mark in marks)
    sound = encode("wav", audio="pcm_s16le")
    chunks = riff(b"LIST", b"INFO" + riff(b"IART", a)) + riff(b"bext", b.ljust(602, b"\0"))
    chunks += riff(b"iXML", b"<x>" + c + b"</x>") + riff(b"id3 ", d)
    return sound[:4] + struct.pack("<I", len(sound) - 8 + len(chunks)) + sound[8:] + chunks


def _av(container: str, video: str = "", audio: str = "") -> Callable[[Marks], bytes]:
    def make(marks: Marks) -> bytes:
        a, b, c, d = marks
        return encode(container, video, audio, title=a, artist=b, comment=c, copyright=d)

    return make


def _ogg(audio: str) -> Callable[[Marks], bytes]:
    def make(marks: Marks) -> bytes:
        a, b, c, d = marks
        return encode(
            "ogg",
            audio=audio,
            title=a,
            artist=b,
            comment=c,
            METADATA_BLOCK_PICTURE=base64.b64encode(d.encode()).decode(),
        )

    return make


def _matroska(container: str, video: str, audio: str) -> Callable[[Marks], bytes]:
    def make(marks: Marks) -> bytes:
        _a, b, c, d = (mark.encode() for mark in marks)
        recorded = encode(container, video, audio, title=marks[0])
        tags = ebml("1254C367", ebml("7373", ebml("67C8", ebml("45A3", b"ARTIST"), ebml("4487", b))))
        attached = ebml("1941A469", ebml("61A7", ebml("466E", c), ebml("465C", d)))
        # The size of the segment always follows its ID, and has eight bytes.
        place = recorded.index(b"\x18\x53\x80\x67") + 4
        size = int.from_bytes(recorded[place + 1 : place + 8]) + len(tags + attached)
        return recorded[:place] + (1 << 56 | size).to_bytes(8) + recorded[place + 8 :] + tags + attached

    return make


def _mp4(container: str, video: str = "mpeg4", audio: str = "aac") -> Callable[[Marks], bytes]:
    def make(marks: Marks) -> bytes:
        a, b, c, d = (mark.encode() for mark in marks)
        recorded = encode(container, video, audio, title=marks[0])
        if a not in recorded:
            recorded += box(b"udta", a)
        name = b"SoundHandler"
        assert name in recorded
        recorded = recorded.replace(name, b.ljust(12, b"\0"))
        # The bytes of another file, and XMP.
        return recorded + box(b"mdat", c) + box(b"uuid", bytes(16) + d)

    return make


def _avi(marks: Marks) -> bytes:
    recorded = encode("avi", "mjpeg", "pcm_s16le", title=marks[0], artist=marks[1])
    added = riff(b"ISMP", marks[2].encode()) + riff(b"JUNK", marks[3].encode())
    size = int.from_bytes(recorded[4:8], "little") + len(added)
    return recorded[:4] + struct.pack("<I", size) + recorded[8:] + added


# By file extension.
KINDS: Final[Mapping[str, Callable[[Marks], bytes]]] = {
    "jpg": _jpeg,
    "png": _png,
    "gif": _gif,
    "webp": _modern("WEBP"),
    "avif": _modern("AVIF"),
    "tiff": _tiff,
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "odt": _open_document,
    "ods": _open_document,
    "rtf": _rtf,
    "epub": _epub,
    "zip": _zip,
    "mp3": _mp3,
    "flac": _flac,
    "wav": _wav,
    "ogg": _ogg("vorbis"),
    "opus": _ogg("libopus"),
    "webm": _matroska("webm", "libvpx", "libopus"),
    "mkv": _matroska("matroska", "mpeg4", "flac"),
    "mp4": _mp4("mp4"),
    "m4a": _mp4("ipod", ""),
    "mov": _mp4("mov"),
    "3gp": _mp4("3gp"),
    "avi": _avi,
    "wmv": _av("asf", "wmv2", "wmav2"),
}
IMAGES: Final = ("jpg", "png", "gif", "webp", "avif", "tiff")
RECORDINGS: Final = tuple(KINDS)[tuple(KINDS).index("mp3") :]


def marked_files(copies: int) -> list[MarkedFile]:
    """Return this many files of each kind. No marker occurs in two files."""
    numbers = itertools.count()
    files = []
    for copy in range(copies):
        for kind, make in KINDS.items():
            a, b, c, d = (f"PLANTED{next(numbers):04}" for _place in range(4))
            content = make((a, b, c, d))
            files.append(MarkedFile(kind, f"{kind}-{copy}.{kind}", content, frozenset({a, b, c, d})))
    return files
