"""Files that reveal who made them, where, when and with what: SECRET is wherever their formats have room for it."""

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, Final

import pikepdf
from PIL import Image, ImageCms, ImageDraw, PngImagePlugin, TiffImagePlugin

from tests.factories.files import MP3, MP4, PDF, archive, wav
from tests.factories.recordings import SECRET, recording


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that claims to have these dimensions."""
    header = struct.pack(">4sIIBBBBB", b"IHDR", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + b"\0\0\0\0" + b"\0\0\0\x10IDAT" + bytes(20)


def jpeg(orientation: int = 1) -> bytes:
    """Return a photo with a red upper left corner, stored in this orientation, with a place, a camera and a comment."""
    upright = Image.new("RGB", (60, 40), "blue")
    ImageDraw.Draw(upright).rectangle((0, 0, 29, 19), fill="red")
    undo = {
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }
    for method in undo.get(orientation, ()):
        upright = upright.transpose(method)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, SECRET.decode()
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    written = io.BytesIO()
    upright.save(written, "JPEG", exif=exif, comment=SECRET)
    return written.getvalue()


def pdf() -> bytes:
    """Return a PDF with everything that a PDF should not contain."""
    with pikepdf.open(io.BytesIO(PDF)) as document:
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('" + SECRET.decode() + "')")
        document.docinfo["/Author"] = SECRET.decode()
        with document.open_metadata() as xmp:
            xmp["dc:creator"] = [SECRET.decode()]
        document.Root.OpenAction = script
        document.Root.Names = pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=["x", script]))
        document.attachments["secret.txt"] = SECRET
        image = document.make_stream(jpeg(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=60, Height=40)
        image.Filter = pikepdf.Name.DCTDecode
        page = document.pages[0]
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I=image))
        page.Contents = document.make_stream(b"/I Do")
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9])
        note.T, note.Contents, note.A, note.M = SECRET.decode(), "A note", script, "D:20260101"
        # The parts of an object are objects too, and an action can be followed by another.
        link = pikepdf.Dictionary(Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], T=SECRET.decode())
        link.A = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=[0], Next=[script])
        page.Annots = [document.make_indirect(note), link]
        written = io.BytesIO()
        document.save(written)
    return written.getvalue()


_WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SLIDES: Final = "http://schemas.openxmlformats.org/presentationml/2006/main"
_OFFICE: Final = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"


def docx(**more: str | bytes) -> bytes:
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "docProps/core.xml": f"<dc:creator>{SECRET.decode()}</dc:creator>",
        "docProps/app.xml": f"<Company>{SECRET.decode()}</Company>",
        "word/document.xml": f'<w:p xmlns:w="{_WORD}"><w:ins w:author="{SECRET.decode()}" w:id="1">Text</w:ins></w:p>',
        "word/comments.xml": f"<x:comment xmlns:x='{_WORD}' x:author = '{SECRET.decode()}' "
        f"x:initials='{SECRET.decode()}'>?</x:comment>",
        "word/people.xml": f'<w:person xmlns:w="{_WORD}" w:author="{SECRET.decode()}"/>',
        **more,
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as package:
        for name, text in parts.items():
            package.writestr(name, text)
        package.writestr("word/media/image1.jpg", jpeg())
        package.comment = SECRET
    return written.getvalue()


def odt() -> bytes:
    return archive(
        **{
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f'<office:annotation xmlns:office="{_OFFICE}" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:creator>{SECRET.decode()}</dc:creator>Text</office:annotation>",
            "meta.xml": f"<meta:initial-creator>{SECRET.decode()}</meta:initial-creator>",
        }
    )


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def mp4() -> bytes:
    """Return audio with a track of places, the place where it was recorded, and data that belongs to no track."""
    return movie((b"soun", b"SOUND"), (b"meta", SECRET))


def movie(*tracks: tuple[bytes, bytes], codec: bytes = b"mp4a", described: bytes = b"") -> bytes:
    """Return tracks of these kinds with one sample each, described like this, and data that belongs to no track."""
    description = box(codec, bytes(28) + described)

    def moov(start: int) -> bytes:
        place = box(b"udta", box(b"\xa9xyz", SECRET))
        header = box(b"mvhd", bytes(4) + SECRET[:8] + bytes(88))
        starts = accumulate((len(sample) for _kind, sample in tracks), initial=start)
        boxes = (_track(kind, at, len(data), description) for at, (kind, data) in zip(starts, tracks, strict=False))
        return box(b"moov", header + b"".join(boxes) + place)

    start = 24 + len(moov(0)) + 8
    return MP4[:24] + moov(start) + box(b"mdat", b"".join(sample for _kind, sample in tracks) + SECRET)


def _track(kind: bytes, start: int, size: int, description: bytes) -> bytes:
    """Return a track whose only sample is at this position in the file."""
    tables = box(b"stsd", struct.pack(">II", 0, 1) + description)
    tables += box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)) + box(b"stsz", struct.pack(">III", 0, size, 1))
    tables += box(b"stco", struct.pack(">III", 0, 1, start))
    handler = box(b"hdlr", bytes(8) + kind + bytes(12) + SECRET + b"\0")
    media = box(b"mdia", handler + box(b"minf", box(b"stbl", tables)))
    return box(b"trak", box(b"tkhd", bytes(4) + SECRET[:8] + bytes(72)) + media + box(b"meta", SECRET))


def mp3() -> bytes:
    tag = b"ID3\x03\0\0" + bytes([0, 0, 0, len(SECRET) + 10]) + bytes(10) + SECRET
    return tag + MP3 + b"TAG" + SECRET.ljust(125, b"\0")


def flac() -> bytes:
    block = bytes([4]) + len(SECRET).to_bytes(3) + SECRET
    return b"fLaC\0\0\0\x22" + bytes(34) + block + bytes([0x81]) + (8).to_bytes(3) + bytes(8) + b"\xff\xf8SOUND"


def nested_wav() -> bytes:
    return wav() + b"LIST" + struct.pack("<I", len(SECRET)) + SECRET


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def revealing_image(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """Return an image with EXIF, XMP and anything else the format has room for, in this Pillow mode."""
    exif = Image.Exif()
    exif[0x010F], exif[0x9C9D] = SECRET.decode(), SECRET
    # Pillow can't create a coloured image in every mode.
    image = Image.new("RGB", (60, 40), "teal").convert("L" if mode.startswith(("I", "L")) else "RGB").convert(mode)
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", SECRET.decode())
        info.add_text("Location", SECRET.decode(), zip=True)
        info.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET.decode()}</x>")
        options |= {"pnginfo": info, "exif": exif}
    elif kind == "GIF":
        options |= {"comment": SECRET, "save_all": True, "append_images": [Image.new("RGB", (60, 40), "red")]}
    elif kind == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        # XMP, IPTC, Photoshop's, a description, the camera and the owner.
        for tag in (700, 33723, 34377):
            tags.tagtype[tag], tags[tag] = 7, b"8BIM" + SECRET
        for tag in (270, 271, 33432):
            tags[tag] = SECRET.decode()
        options["tiffinfo"] = tags
    elif kind == "JPEG":
        iptc = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(SECRET) + 5)
        iptc += b"\x1c\x02\x50" + struct.pack(">H", len(SECRET)) + SECRET
        segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
        options |= {"exif": exif, "xmp": b"<x>" + SECRET + b"</x>", "comment": SECRET}
    else:
        options |= {"exif": exif, "xmp": b"<x>" + SECRET + b"</x>"}
    written = io.BytesIO()
    image.save(written, kind, **options)
    content = written.getvalue()
    return content[:2] + segment + content[2:] if kind == "JPEG" else content


def profile_with(tags: Mapping[bytes, bytes]) -> bytes:
    """Return a colour profile with these additional tags, which can be about a display."""
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (count,) = struct.unpack_from(">I", plain, 128)
    rows = [
        (tag, start + 12 * len(tags), length)
        for tag, start, length in struct.iter_unpack(">4sII", plain[132 : 132 + 12 * count])
        if tag not in tags
    ]
    data = plain[132 + 12 * count :]
    for tag, content in tags.items():
        rows.append((tag, 132 + 12 * (count + len(tags)) + len(data), len(content)))
        data += content
    table = b"".join(struct.pack(">4sII", *row) for row in rows).ljust(12 * (count + len(tags)), b"\0")
    size = struct.pack(">I", 132 + len(table) + len(data))
    return size + plain[4:128] + struct.pack(">I", len(rows)) + table + data


def png_bomb(side: int) -> bytes:
    """Return a small but complete PNG that decodes to `side` × `side` pixels."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((side // 8 + 1) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def xlsx() -> bytes:
    return archive(
        **{
            "[Content_Types].xml": "<Types/>",
            "docProps/core.xml": f"<cp:lastModifiedBy>{SECRET.decode()}</cp:lastModifiedBy>",
            "docProps/custom.xml": f"<property>{SECRET.decode()}</property>",
            "xl/comments1.xml": f"<authors><author>{SECRET.decode()}</author></authors>",
            "xl/persons/person.xml": f'<person displayName="{SECRET.decode()}" userId="{SECRET.decode()}"/>',
            "xl/worksheets/sheet1.xml": "<c>Text</c>",
            "xl/tables/table1.xml": '<table name="Prizes" displayName="Prizes"/>',
        }
    )


def pptx() -> bytes:
    return archive(
        **{
            "[Content_Types].xml": "<Types/>",
            "docProps/app.xml": f"<Manager>{SECRET.decode()}</Manager>",
            "docProps/thumbnail.jpeg": SECRET.decode(),
            "ppt/commentAuthors.xml": f'<p:cmAuthor xmlns:p="{_SLIDES}" id="0" name="{SECRET.decode()}" '
            f'initials="{SECRET.decode()}"/>',
            "ppt/slides/slide1.xml": "<t>Text</t>",
        }
    )


def plus_record(kind: int, flags: int, data: bytes) -> bytes:
    """Return a drawing instruction of EMF+."""
    return struct.pack("<HHII", kind, flags, 12 + len(data), len(data)) + data


def plus_image(kind: int, content: bytes) -> bytes:
    """Return an image of EMF+: 0 for pixels, 1 for a file."""
    return plus_record(0x4008, 0x500, struct.pack("<IIIIIII", 0xDBC01002, 1, 60, 40, 240, 0x26200A, kind) + content)


def emf(description: bytes = b"", *, instructions: bytes = b"", is_dual: bool = True) -> bytes:
    """Return a drawing with a description, comments, commands for a printer, a line in EMF+, and more of these."""
    text = description or SECRET.decode().encode("utf-16-le")
    size = 88 + len(text)
    header = bytearray(88)
    header[0:8], header[40:44] = struct.pack("<II", 1, size), b" EMF"
    header[60:68] = struct.pack("<II", len(text) // 2, 88)
    comment = struct.pack("<III", 70, 12 + len(SECRET), len(SECRET)) + SECRET
    escape = struct.pack("<IIII", 106, 16 + len(SECRET), 15, len(SECRET)) + SECRET
    plus = plus_record(0x4001, is_dual, bytes(16)) + plus_record(0x4003, 0, SECRET) + plus_record(0x400D, 0, b"line")
    plus = b"EMF+" + plus + instructions
    comment += struct.pack("<III", 70, 12 + len(plus) + -len(plus) % 4, len(plus)) + plus + bytes(-len(plus) % 4)
    return bytes(header) + text + comment + escape + struct.pack("<IIIII", 14, 20, 0, 0, 20) + SECRET


def wmf() -> bytes:
    comment = struct.pack("<IHHH", 5 + len(SECRET) // 2, 0x0626, 15, len(SECRET)) + SECRET
    return struct.pack("<HHHIHIH", 1, 9, 0x300, 0, 0, 0, 0) + comment + struct.pack("<IH", 3, 0) + SECRET


def bitmap() -> bytes:
    """Return a bitmap as in memory, without a file header, with trailing data."""
    written = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").quantize(16).save(written, "BMP")
    return written.getvalue()[14:] + SECRET


_RTF: Final = r"""{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator NAME;}
{\info{\author NAME}{\operator NAME}{\creatim\yr2021\mo2\dy3}}{\*\userprops{\propname x}{\staticval NAME}}
{\*\revtbl{Unknown;}{NAME;}}{\*\rsidtbl\rsid123}{\*\xmlopen{\xmlname NAME}}{\*\template C:\\NAME.dot}
{\revised\revauth1\revdttm1234567\insrsid99 Text} \u233? \'e9
{\*\atnid NAME}{\*\atnauthor NAME}{\*\annotation{\*\atndate 99}Why?}
{\field{\*\fldinst HYPERLINK "https://example.org/"}{\fldrslt a link}}
{\field{\*\fldinst {DDEAUTO c:\\\\NAME}}{\fldrslt a result}}
{\object\objemb{\*\objclass NAME}{\*\objdata NAME}{\result{\pard shown}}}
{\pict{\*\picprop{\sp{\sn pibName}{\sv NAME.jpg}}{\sp{\sn wzDescription}{\sv A lamp}}}\jpegblip
JPEG}{\pict\pngblip\binLENGTH PNG}}NAME"""


def rtf() -> bytes:
    """Return a text with everything that reveals its author, images that reveal places, and a program."""
    png = revealing_image("PNG")
    text = _RTF.encode().replace(b"NAME", SECRET).replace(b"JPEG", jpeg().hex().encode())
    return text.replace(b"LENGTH", str(len(png)).encode()).replace(b"PNG", png)


_CONTAINER: Final = """<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="O/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
<links>NAME</links></container>"""
_OPF: Final = """<?xml version="1.0"?><!-- NAME --><package xmlns="http://www.idpf.org/2007/opf" version="3.0"
unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:isbn:1</dc:identifier>
<dc:identifier>NAME</dc:identifier><dc:title>A book</dc:title><dc:language>en</dc:language><dc:creator>NAME</dc:creator>
<dc:publisher>NAME</dc:publisher><meta property="dcterms:modified">2021-02-03T04:05:06Z</meta>
<meta name="calibre:user" content="NAME"/><meta name="cover" content="c"/></metadata>
<manifest><item id="p" href="text/page%201.xhtml" media-type="application/xhtml+xml"/><item id="s" href="a.js"
media-type="text/javascript"/><item id="c" href="cover.jpg" media-type="image/jpeg"/><item id="n" href="toc.ncx"
media-type="application/x-dtbncx+xml"/><item id="d" href="d.svg" media-type="image/svg+xml"/><item id="m" href="a.mp3"
media-type="audio/mpeg"/><item id="y" href="a.css" media-type="text/css"/></manifest>
<spine toc="n"><itemref idref="p"/></spine><collection>NAME</collection></package>"""
_PAGE: Final = """<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title>Text</title>
<meta name="author" content="NAME"/><script>alert(1)</script></head>
<body onload="x()">Te<!-- NAME -->xt<img src="data:image/jpeg;base64,JPEG"/></body></html>"""
_NCX: Final = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><head><meta name="dtb:uid" content="urn:isbn:1"/>
<meta name="x" content="NAME"/></head><docAuthor><text>NAME</text></docAuthor><navMap/></ncx>"""
_SVG: Final = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:i="http://www.inkscape.org/namespaces/inkscape"
i:export="NAME"><metadata>NAME</metadata><path d="M0 0"/></svg>"""


def epub(**more: str | bytes) -> bytes:
    """Return a book that reveals its author in each of its parts."""
    name = SECRET.decode()
    parts: dict[str, str | bytes] = {
        "META-INF/container.xml": _CONTAINER.replace("NAME", name),
        "mimetype": "application/epub+zip",
        "META-INF/calibre_bookmarks.txt": name,
        "O/book.opf": _OPF.replace("NAME", name),
        "O/text/page 1.xhtml": _PAGE.replace("NAME", name).replace("JPEG", base64.b64encode(jpeg()).decode()),
        "O/a.js": name,
        "O/cover.jpg": jpeg(),
        "O/toc.ncx": _NCX.replace("NAME", name),
        "O/d.svg": _SVG.replace("NAME", name),
        "O/a.mp3": mp3(),
        "O/not-listed.txt": name,
        **more,
    }
    return packed(parts)


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """Return an archive that reveals when each file was added, and by which user."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            entry = zipfile.ZipInfo(name, (2021, 2, 4, 5, 6, 8))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.comment = SECRET
            entry.extra = struct.pack("<HH", 0x7875, len(SECRET)) + SECRET
            package.writestr(entry, content)
        package.comment = SECRET
    return written.getvalue()


def mixed_zip() -> bytes:
    """Return an archive of files that reveal their origin, with the additions of operating systems."""
    return packed(
        {
            "photos/": "",
            "photos/1.jpg": jpeg(),
            "report.docx": docx(),
            "book.epub": epub(),
            "talk.ogg": recording("ogg", audio="libopus"),
            "words.txt": "Text",
            "__MACOSX/photos/._1.jpg": SECRET,
            "photos/.DS_Store": SECRET,
        }
    )


def lying_zip(claimed: int) -> bytes:
    """Return an archive whose directory claims that a file of 100,000 bytes has this many."""
    content = bytearray(packed({"a.txt": " " * 100_000}))
    place = content.index(struct.pack("<I", 100_000), content.index(b"PK\1\2"))
    content[place : place + 4] = struct.pack("<I", claimed)
    return bytes(content)
