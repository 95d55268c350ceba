"""Hostile and revealing files: files that must be refused, and files from which SECRET must be removed."""

import io
import zipfile
from pathlib import PurePath

import pikepdf

from media.metadata import clean_file
from tests.factories.files import OLE, PDF, SAMPLES, archive, ogg_page
from tests.factories.recordings import RECORDINGS, SECRET, ebml, recording
from tests.factories.revealing_files import (
    docx,
    epub,
    flac,
    jpeg,
    lying_zip,
    mixed_zip,
    mp3,
    mp4,
    nested_wav,
    odt,
    packed,
    pdf,
    png,
    png_bomb,
    pptx,
    revealing_image,
    rtf,
    xlsx,
)


def cleaned(content: bytes, name: str) -> bytes:
    """Return a file with this name without its metadata. Raises ValidationError."""
    target = io.BytesIO()
    clean_file(io.BytesIO(content), target, PurePath(name).suffix)
    return target.getvalue()


def reveals(content: bytes) -> bool:
    """Whether SECRET is anywhere in the file, in any encoding, or in its compressed parts."""
    if any(secret in content for secret in (SECRET, SECRET.hex().encode(), SECRET.decode().encode("utf-16-le"))):
        return True
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return any(reveals(package.read(name)) for name in package.namelist())
    if content.startswith(b"%PDF"):
        with pikepdf.open(io.BytesIO(content)) as document:
            streams = [item for item in document.objects if isinstance(item, pikepdf.Stream)]
            texts = [*map(repr, document.objects), *(str(stream.read_raw_bytes()) for stream in streams)]
            return any(SECRET.decode() in text for text in texts)
    return False


_WEBM_HEADER = ebml("1A45DFA3", ebml("4282", b"webm"))

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
    "a cut Ogg": (recording("ogg", audio="vorbis")[:-9], "a.ogg"),
    "an Ogg that ends in its comments": (recording("ogg", audio="vorbis")[:30_000], "a.ogg"),
    "an Ogg with something unknown": (ogg_page(b"unknown", serial=1), "a.ogg"),
    "an Ogg with comments of another codec": (
        ogg_page(b"OpusHead", serial=1) + ogg_page(b"\x03vorbis" + bytes(20), serial=1, flags=0),
        "a.ogg",
    ),
    "an Ogg with comments that are too short": (
        ogg_page(b"OpusHead", serial=1) + ogg_page(b"OpusTags", serial=1, flags=0),
        "a.ogg",
    ),
    "an Ogg with ten thousand streams": (b"".join(ogg_page(b"OpusHead", serial=n) for n in range(10_000)), "a.ogg"),
    "a cut WebM": (recording("webm", "libvpx", "vorbis")[:-9], "a.webm"),
    "a WebM of exabytes": (_WEBM_HEADER + b"\x18\x53\x80\x67\x01" + b"\xff" * 6 + b"\xfe", "a.webm"),
    "a WebM in itself": (_WEBM_HEADER + b"\x18\x53\x80\x67\xff" + b"\x10\x43\xa7\x70\xff" * 90, "a.webm"),
    "a WebM with endless chapters": (
        _WEBM_HEADER + ebml("18538067", ebml("1043A770", ebml("45B9", b"\xb6\x90" * 40))),
        "a.webm",
    ),
    "an AVI that is too short": (recording("avi", "mjpeg", "pcm_s16le")[:-9], "a.avi"),
    "an AVI with a chunk of four gigabytes": (b"RIFF\x10\0\0\0AVI LIST\xff\xff\xff\xffhdrl", "a.avi"),
    "a Windows Media video of exabytes": (recording("asf", "wmv2", "wmav2")[:16] + b"\xff" * 40, "a.wmv"),
    "a Windows Media video of size zero": (recording("asf", "wmv2", "wmav2")[:16] + bytes(40), "a.wmv"),
    "an MPEG video": (SAMPLES[".mpg"], "a.mpg"),
    "an RTF that does not end": (rb"{\rtf1 {\b Text}", "a.rtf"),
    "an RTF with a thousand groups": (rb"{\rtf1" + b"{" * 1_000 + b"}" * 1_001, "a.rtf"),
    "an RTF with an image that is none": (rb"{\rtf1{\pict\jpegblip 00ff00}}", "a.rtf"),
    "an RTF with more bytes than it has": (rb"{\rtf1{\pict\pngblip\bin2147483647 }}", "a.rtf"),
    "an EPUB without a book": (archive(mimetype="application/epub+zip"), "a.epub"),
    "an EPUB that grows": (
        epub(**{"O/d.svg": '<!DOCTYPE s [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><s>&c;</s>'}),
        "a.epub",
    ),
    "an EPUB that is protected": (
        epub(**{"META-INF/encryption.xml": '<e><m Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/></e>'}),
        "a.epub",
    ),
    "an EPUB with a program": (epub(**{"O/a.mp3": b"MZ" + bytes(100)}), "a.epub"),
    "an EPUB whose page is cut": (epub(**{"O/text/page 1.xhtml": "<html><body>"}), "a.epub"),
    "an archive of nothing": (archive(**{"a/": ""}), "a.zip"),
    "an archive with a program": (archive(**{"a.exe": "MZ"}), "a.zip"),
    "an archive with a script": (archive(**{"a.txt": "x", "b.html": "<script>"}), "a.zip"),
    "an archive in an archive": (archive(**{"a.zip": "x"}), "a.zip"),
    "an archive that leads out of its folder": (archive(**{"../../a.txt": "x"}), "a.zip"),
    "an archive that leads to the root": (archive(**{"/etc/a.txt": "x"}), "a.zip"),
    "an archive that leads out on Windows": (archive(**{"..\\a.txt": "x"}), "a.zip"),
    "an archive with one name twice": (archive(**{"a.txt": "x", "A.TXT": "y"}), "a.zip"),
    "an archive with an office file of before 2007": (packed({"a.doc": OLE}), "a.zip"),
    "an archive that lies about its size": (lying_zip(10), "a.zip"),
    "an archive of gigabytes": (lying_zip(2**32 - 2), "a.zip"),
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
    **RECORDINGS,
    "an RTF": (rtf(), "a.rtf"),
    "an EPUB": (epub(), "a.epub"),
    "a ZIP": (mixed_zip(), "a.zip"),
}
