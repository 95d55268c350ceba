"""Hostile and revealing files: what must be refused, and what must be cleaned of `SECRET`."""

import io
import struct
import zipfile
import zlib
from typing import Any

import pikepdf
from PIL import Image, ImageDraw, PngImagePlugin

from tests.factories.files import MP3, MP4, PDF, SAMPLES, archive, wav

SECRET = b"Amina-Secret"


def reveals(content: bytes) -> bool:
    """Whether SECRET is anywhere in the file, also in what is compressed in it."""
    if SECRET in content:
        return True
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return any(SECRET in package.read(name) for name in package.namelist())
    if content.startswith(b"%PDF"):
        with pikepdf.open(io.BytesIO(content)) as document:
            streams = [item for item in document.objects if isinstance(item, pikepdf.Stream)]
            texts = [*map(repr, document.objects), *(str(stream.read_raw_bytes()) for stream in streams)]
            return any(SECRET.decode() in text for text in texts)
    return False


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG that claims to have these dimensions."""
    header = struct.pack(">4sIIBBBBB", b"IHDR", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + b"\0\0\0\0" + b"\0\0\0\x10IDAT" + bytes(20)


def jpeg(orientation: int = 1) -> bytes:
    """Return a photo of a red upper left corner, stored in this orientation, with a place, a camera and a comment."""
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
    """Return a PDF with everything that a PDF should not have."""
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
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[0, 0, 9, 9])
        note.T, note.Contents, note.A, note.M = SECRET.decode(), "A note", script, "D:20260101"
        # The parts of an object are objects too, and an action can be followed by another.
        link = pikepdf.Dictionary(Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], T=SECRET.decode())
        link.A = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=[0], Next=[script])
        page.Annots = [document.make_indirect(note), link]
        written = io.BytesIO()
        document.save(written)
    return written.getvalue()


def docx(**more: str | bytes) -> bytes:
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "docProps/core.xml": f"<dc:creator>{SECRET.decode()}</dc:creator>",
        "docProps/app.xml": f"<Company>{SECRET.decode()}</Company>",
        "word/document.xml": f'<w:p><w:ins w:author="{SECRET.decode()}" w:id="1">Text</w:ins></w:p>',
        "word/comments.xml": f"<x:comment x:author = '{SECRET.decode()}' x:initials='{SECRET.decode()}'>?</x:comment>",
        "word/people.xml": f'<w15:person w15:author="{SECRET.decode()}"/>',
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
            "content.xml": f"<office:annotation><dc:creator>{SECRET.decode()}</dc:creator>Text</office:annotation>",
            "meta.xml": f"<meta:initial-creator>{SECRET.decode()}</meta:initial-creator>",
        }
    )


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def mp4() -> bytes:
    place = box(b"udta", box(b"\xa9xyz", SECRET))
    header = box(b"mvhd", bytes(4) + SECRET[:8] + bytes(88))
    return MP4[:24] + box(b"moov", header + box(b"trak", box(b"meta", SECRET)) + place) + box(b"mdat", b"SOUND")


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


def revealing_image(kind: str, **options: Any) -> bytes:
    """Return an image with EXIF, XMP and whatever else the format has room for."""
    exif = Image.Exif()
    exif[0x010F], exif[0x9C9D] = SECRET.decode(), SECRET
    image = Image.new("RGB", (60, 40), "teal")
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", SECRET.decode())
        info.add_text("Location", SECRET.decode(), zip=True)
        info.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET.decode()}</x>")
        options |= {"pnginfo": info, "exif": exif}
    elif kind == "GIF":
        options |= {"comment": SECRET, "save_all": True, "append_images": [Image.new("RGB", (60, 40), "red")]}
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


def png_bomb(side: int) -> bytes:
    """Return a small PNG that is complete and unpacks to `side` × `side` pixels."""
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
            "ppt/commentAuthors.xml": f'<p:cmAuthor id="0" name="{SECRET.decode()}" initials="{SECRET.decode()}"/>',
            "ppt/slides/slide1.xml": "<a:t>Text</a:t>",
        }
    )


REFUSED = {
    "HTML as an image": (b"<script>alert(1)</script>", "a.png"),
    "HTML as a PDF": (b"<script>alert(1)</script>", "a.pdf"),
    "HTML": (b"<html><script>alert(1)</script>", "a.html"),
    "SVG with a script": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "a.svg"),
    "SVG as a PNG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "a.png"),
    "a GIF that is a script": (b"GIF89a=1;alert(1)//", "a.gif"),
    "a PDF inside HTML": (b"<script>alert(1)</script>" + PDF, "a.pdf"),
    "a program": (b"MZ" + bytes(100), "a.exe"),
    "a program as a text": (b"\x7fELF" + bytes(100), "a.txt"),
    "nothing": (b"", "a.jpg"),
    "nothing, as a PDF": (b"", "a.pdf"),
    "nothing without a name": (b"", "a"),
    "a cut PNG": (revealing_image("PNG")[:150], "a.png"),
    "a bomb of 196 million pixels": (png_bomb(14_000), "a.png"),
    "a web page in a GIF": (b"GIF89a" + b"<script>alert(1)</script>", "a.gif"),
    "a cut JPEG": (jpeg()[:300], "a.jpg"),
    "a cut office file": (docx()[:300], "a.docx"),
    "a cut video": (mp4()[:-9], "a.mp4"),
    "no pixels": (png(0, 0), "a.png"),
    "four gigapixels": (png(65_536, 65_536), "a.png"),
    "the largest size": (png(2**31 - 1, 2**31 - 1), "a.png"),
    "an archive as an office file": (archive(), "a.docx"),
    "an office file with macros": (docx(**{"word/vbaProject.bin": "macro"}), "a.docx"),
    "an office file of before 2007": (SAMPLES[".doc"], "a.doc"),
    "a PDF without a catalogue": (b"%PDF-1.4\n%%EOF", "a.pdf"),
    "a FLAC without a description": (b"fLaC\x81\0\0\x01\0", "a.flac"),
    "a name with a path": (b"words", "../../etc/passwd"),
}
CLEANED = {
    **{f"a JPEG in orientation {number}": (jpeg(number), "a.jpg") for number in range(1, 9)},
    "a JPEG with IPTC and XMP": (revealing_image("JPEG"), "a.jpg"),
    "a PNG with texts": (revealing_image("PNG"), "a.png"),
    "a WebP": (revealing_image("WEBP"), "a.webp"),
    "an AVIF": (revealing_image("AVIF"), "a.avif"),
    "a GIF with a comment": (revealing_image("GIF"), "a.gif"),
    "a PNG followed by a web page": (revealing_image("PNG") + b"<script>" + SECRET, "a.png"),
    "a JPEG followed by an archive": (jpeg() + archive(**{"secret.txt": SECRET.decode()}), "a.jpg"),
    "a JPEG as HTML": (jpeg(), "a.html"),
    "a JPEG as a PDF": (jpeg(), "a.pdf"),
    "a PDF": (pdf(), "a.pdf"),
    "a PDF as HTML": (pdf(), "a.html"),
    "a Word file": (docx(), "a.docx"),
    "an Excel file": (xlsx(), "a.xlsx"),
    "a presentation": (pptx(), "a.pptx"),
    "a sound of a phone": (mp4().replace(b"isom", b"M4A ", 1), "a.m4a"),
    "a QuickTime video": (mp4().replace(b"isom", b"qt  ", 1), "a.mov"),
    "an OpenDocument text": (odt(), "a.odt"),
    "a video": (mp4(), "a.mp4"),
    "an MP3": (mp3(), "a.mp3"),
    "a FLAC": (flac(), "a.flac"),
    "a WAV": (nested_wav(), "a.wav"),
}
