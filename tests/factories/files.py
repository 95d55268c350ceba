"""Small files of every type that can be uploaded, and folders of files like those of a WordPress site."""

import io
import struct
import wave
import zipfile
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

# The smallest PDF that every program opens: one empty page.
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/MediaBox[0 0 99 99]/Parent 2 0 R>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \n"
    b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n162\n%%EOF\n"
)
# A tenth of a second of silence: MPEG 1, layer III, 128 kbit/s at 44.1 kHz.
MP3 = (b"\xff\xfb\x90\x00" + bytes(413)) * 4
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08mdat"
# A header and an empty segment.
_EBML = (
    b"\x1aE\xdf\xa3%bB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08"
    b"B\x82%bB\x87\x81\x02B\x85\x81\x02\x18S\x80g\x80"
)
WEBM = _EBML % (b"\x9f", b"\x84webm")
MKV = _EBML % (b"\xa3", b"\x88matroska")
AVI = b"RIFF\x10\0\0\0AVI LIST\x04\0\0\0movi"
WMV = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c\x1e" + bytes(11) + b"\x01\x02"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def wav(seconds: float = 0.1) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * int(8000 * seconds)))
    return written.getvalue()


def ogg_page(packet: bytes, *, serial: int, flags: int = 2) -> bytes:
    """Return a page with a packet of less than 255 bytes, and with a wrong checksum."""
    return struct.pack("<4sxBqIIIBB", b"OggS", flags, 0, serial, 0, 0, 1, len(packet)) + packet


OGG = ogg_page(b"OpusHead" + bytes(11), serial=1) + ogg_page(b"OpusTags" + bytes(8), serial=1, flags=0)


def archive(**files: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, text in (files or {"mimetype": "text"}).items():
            packed.writestr(name, text)
    return written.getvalue()


ZIP = archive(**{"a.txt": "Text"})
_OPEN_XML = archive(**{"[Content_Types].xml": "<Types/>"})
_OPEN_DOCUMENT = archive(**{"mimetype": "application/vnd.oasis.opendocument", "content.xml": "<content>Text</content>"})
_EPUB = archive(**{"mimetype": "application/epub+zip", "META-INF/container.xml": "<container/>"})
SAMPLES = {
    ".pdf": PDF,
    ".mp3": MP3,
    ".m4a": MP4.replace(b"isom", b"M4A ", 1),
    ".ogg": OGG,
    ".oga": OGG,
    ".opus": OGG,
    ".wav": wav(),
    ".flac": b"fLaC\x80\x00\x00\x22" + bytes(34),
    ".mp4": MP4,
    ".m4v": MP4,
    ".webm": WEBM,
    ".ogv": OGG,
    ".mkv": MKV,
    ".mov": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ",
    ".3gp": MP4.replace(b"isom", b"3gp4", 1),
    ".3g2": MP4.replace(b"isom", b"3g2a", 1),
    ".avi": AVI,
    ".mpg": b"\x00\x00\x01\xba\x44\x00",
    ".mpeg": b"\x00\x00\x01\xb3\x14\x00",
    ".wmv": WMV,
    **dict.fromkeys((".doc", ".xls", ".ppt", ".pps"), OLE),
    **dict.fromkeys((".docx", ".xlsx", ".pptx", ".ppsx"), _OPEN_XML),
    **dict.fromkeys((".odt", ".ods", ".odp"), _OPEN_DOCUMENT),
    ".epub": _EPUB,
    ".zip": ZIP,
    ".rtf": rb"{\rtf1\ansi Text}",
    ".txt": "Text: défenseurs, الحرية\r\n".encode(),
    ".csv": b"name;year\r\nRosa;2014\r\n",
    ".vtt": "WEBVTT\n\n00:01.000 --> 00:04.000\nحرية\n".encode(),
}


def picture(kind: str = "PNG", *, size: tuple[int, int] = (40, 30), colour: str = "teal") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, kind)
    return written.getvalue()


def write_files(folder: Path, *paths: str, content: bytes | None = None) -> Path:
    """Write files to these paths below `folder`: samples of the type of the extension, or else pictures."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(SAMPLES.get(file.suffix, picture()) if content is None else content)
    return folder


def picture_file(name: str = "march.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture(size=(12, 8)), content_type="image/png")


def pdf_file(content: bytes = PDF, name: str = "report.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="application/pdf")
