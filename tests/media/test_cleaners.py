"""What remains of files after cleaning, as read by other programs: FFmpeg, zipfile, lxml and browsers."""

import base64
import contextlib
import gzip
import io
import re
import struct
import zipfile
from pathlib import PurePath
from typing import Final

import av
import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from media.cleaners.codestreams import strip_profile
from media.cleaners.metafiles import clean_metafile
from media.cleaners.nal_units import UnitCleaner
from media.metadata import clean_file
from tests.factories.files import MP3, OLE, SAMPLES, archive
from tests.factories.hostile_files import CLEANED, REFUSED, cleaned, reveals
from tests.factories.marked_files import KINDS
from tests.factories.recordings import RECORDINGS, SECRET, messages, play, recording
from tests.factories.revealing_files import (
    bitmap,
    box,
    docx,
    emf,
    epub,
    jpeg,
    mixed_zip,
    movie,
    mp4,
    packed,
    plus_image,
    plus_record,
    profile_with,
    revealing_image,
    rtf,
    wmf,
)

DATES: Final = re.compile(rb"2021[-\x02]|2021-02-03|FEB 03")
WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OPF: Final = "{http://www.idpf.org/2007/opf}"
DC: Final = "{http://purl.org/dc/elements/1.1/}"


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


class TestRecordings:
    @pytest.mark.parametrize("case", RECORDINGS)
    def test_play_as_before_and_reveal_nothing(self, case: str) -> None:
        content, name = RECORDINGS[case]
        clean = cleaned(content, name)
        assert reveals(content)
        assert not reveals(clean)
        assert not DATES.search(clean)
        (frames_before, _metadata), (frames, metadata) = play(content), play(clean)
        assert frames == frames_before
        assert sum(map(len, frames.values())) >= 3
        assert SECRET.decode() not in str(metadata)
        assert "2021" not in str(metadata)

    @pytest.mark.parametrize("case", [*RECORDINGS, "an MP3", "a FLAC", "a WAV", "a video"])
    def test_are_not_changed_by_cleaning_again(self, case: str) -> None:
        content, name = CLEANED[case]
        once = cleaned(content, name)
        assert cleaned(once, name) == once

    @pytest.mark.parametrize(
        "case", ["Vorbis", "a WebM", "a Matroska", "an AVI", "a Windows Media video", "a whole MP4"]
    )
    def test_can_be_played_from_any_position_because_nothing_moves(self, case: str) -> None:
        content, name = RECORDINGS[case]
        assert len(cleaned(content, name)) == len(content)

    @given(case=st.sampled_from(sorted(RECORDINGS)), position=st.floats(0, 1), junk=st.binary(max_size=20))
    def test_are_cleaned_or_refused_whatever_bytes_they_contain(self, case: str, position: float, junk: bytes) -> None:
        content, name = RECORDINGS[case]
        start = int(position * len(content))
        with contextlib.suppress(ValidationError):
            once = cleaned(content[:start] + junk + content[start + len(junk) :], name)
            assert cleaned(once, name) == once

    def test_of_several_gigabytes_need_little_memory(self) -> None:
        class Largest(io.BytesIO):
            read_at_once = 0

            def read(self, size: int | None = -1) -> bytes:
                content = super().read(size)
                self.read_at_once = max(self.read_at_once, len(content))
                return content

        for case in ("a video", "a WAV", "an MP3", "a FLAC", "a WebM", "an AVI", "a Windows Media video", "Opus"):
            content, name = CLEANED[case]
            source = Largest(content)
            clean_file(source, io.BytesIO(), PurePath(name).suffix)
            assert source.read_at_once <= 64 * 1024, case


# For each format, the Pillow modes that it can store, and its extensions in documents.
IMAGE_MODES: Final = {
    "JPEG": ("L RGB CMYK", ".jpg .jpeg"),
    "PNG": ("1 L LA I;16 P RGB RGBA", ".png"),
    "WEBP": ("RGB RGBA", ".webp"),
    "AVIF": ("RGB RGBA", ".avif"),
    "GIF": ("1 L P RGB RGBA", ".gif"),
    "TIFF": ("1 L LA I;16 P PA RGB RGBA CMYK LAB", ".tif .tiff"),
}


class TestImagesInDocuments:
    @pytest.mark.parametrize(
        ("kind", "mode", "extension"),
        [
            (kind, mode, extension)
            for kind, (modes, extensions) in IMAGE_MODES.items()
            for mode in modes.split()
            for extension in extensions.split()
        ],
    )
    def test_keep_nothing_but_pixels_in_any_mode(self, kind: str, mode: str, extension: str) -> None:
        content = revealing_image(kind, mode)
        name = f"word/media/image2{extension}"
        in_zip = unpacked(cleaned(packed({f"a{extension}": content}), "a.zip"))[f"a{extension}"]
        in_text = unpacked(cleaned(docx(**{name: content}), "a.docx"))[name]
        assert reveals(content)
        for image in (in_zip, in_text):
            assert not reveals(image)
            with Image.open(io.BytesIO(image)) as opened:
                assert (opened.format, opened.size) == (kind, (60, 40))
                assert not {"exif", "xmp", "photoshop", "comment"} & set(opened.info)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "TIFF"])
    def test_with_the_wrong_extension_become_jpegs(self, kind: str) -> None:
        name = "word/media/image2.jpeg"
        clean = unpacked(cleaned(docx(**{name: revealing_image(kind)}), "a.docx"))[name]
        assert not reveals(clean)
        with Image.open(io.BytesIO(clean)) as opened:
            assert opened.format == "JPEG"


class TestRTF:
    def test_keeps_visible_text_comments_and_links(self) -> None:
        text = cleaned(rtf(), "a.rtf").decode()
        assert text.startswith(r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}")
        for shown in (
            r"{\revised Text} \u233? \'e9",
            r"{\*\annotation Why?}",
            "a link",
            "a result",
            r"{{\pard shown}}",
        ):
            assert shown in text
        assert r'{\*\fldinst HYPERLINK "https://example.org/"}' in text
        assert r"{\*\picprop {\sp{\sn wzDescription}{\sv A lamp}}}" in text

    def test_loses_programs_names_and_sessions(self) -> None:
        text = cleaned(rtf(), "a.rtf")
        assert not re.search(rb"DDE|objdata|info|generator|revtbl|revauth|revdttm|rsid|template|xmlopen|atndate", text)

    @pytest.mark.parametrize(
        "path",
        [
            r"C:\\\\Users\\\\NAME\\\\a.docx",
            r"D:\\NAME",
            r"file:///home/NAME/a",
            r"\\\\\\\\server\\\\NAME",
            "/Users/NAME/a",
            r"..\\..\\Users\\NAME\\a",
            "../../home/NAME/a",
        ],
    )
    @pytest.mark.parametrize("quote", ["", '"'])
    def test_loses_links_to_local_files_but_keeps_their_text(self, path: str, quote: str) -> None:
        link = rf'{{\field{{\*\fldinst {{HYPERLINK {quote}{path}{quote} \\o "hint"}}}}{{\fldrslt shown}}}}'
        text = cleaned(rf"{{\rtf1 {link}}}".replace("NAME", SECRET.decode()).encode(), "a.rtf")
        assert text == rb"{\rtf1 {\field {\fldrslt shown}}}"

    @pytest.mark.parametrize("path", [r"C:\\Users\\NAME\\a.jpg", r"\\\\server\\NAME", "file:///home/NAME/a.jpg"])
    def test_loses_descriptions_of_shapes_that_are_paths(self, path: str) -> None:
        shape = rf"{{\*\shpinst{{\sp{{\sn wzDescription}}{{\sv {path}}}}}{{\sp{{\sn fLine}}{{\sv 0}}}}}}"
        text = cleaned(rf"{{\rtf1 {{\shp{shape}}}}}".replace("NAME", SECRET.decode()).encode(), "a.rtf")
        assert text == rb"{\rtf1 {\shp{\*\shpinst {\sp{\sn fLine}{\sv 0}}}}}"

    def test_embedded_images_stay_images(self) -> None:
        text = cleaned(rtf(), "a.rtf").decode()
        images = [bytes.fromhex(digits) for digits in re.findall("[0-9a-f]{200,}", text)]
        for image in images:
            with Image.open(io.BytesIO(image)) as opened:
                assert opened.size == (60, 40)
                assert not opened.getexif()
        assert [image[:4] for image in images] == [b"\xff\xd8\xff\xe0", b"\x89PNG"]

    def test_is_not_changed_by_cleaning_again(self) -> None:
        once = cleaned(rb"{\rtf1{\info x}{\pict\pngblip " + revealing_image("PNG").hex().encode() + b"}}", "a.rtf")
        assert cleaned(once, "a.rtf") == once

    @pytest.mark.parametrize("in_group", [False, True], ids=["alone", "in a group of its own"])
    @pytest.mark.parametrize("kind", ["emfblip", "wmetafile8", "dibitmap0"])
    def test_loses_metadata_in_drawings_and_bitmaps(self, kind: str, in_group: bool) -> None:
        image = {"emfblip": emf(), "wmetafile8": wmf(), "dibitmap0": bitmap()}[kind]
        digits = f"{{{image.hex()}}}" if in_group else image.hex()
        properties = r"{\*\picprop{\sp{\sn wzDescription}{\sv A lamp}}}"
        before = rf"{{\rtf1 Before {{\*\shppict{{\pict{properties}\picw60\{kind} {digits}}}}} after}}"
        text = cleaned(before.encode(), "a.rtf").decode()
        assert reveals(before.encode())
        assert not reveals(text.encode())
        (found,) = re.findall(r"[0-9a-f]{50,}", text)
        clean = bytes.fromhex(found)
        if kind == "dibitmap0":
            with Image.open(io.BytesIO(b"BM" + bytes(12) + clean)) as opened:
                assert opened.convert("RGB").tobytes() == Image.new("RGB", (60, 40), "teal").tobytes()
        else:
            assert clean == clean_metafile(image)
        assert all(shown in text for shown in ("Before ", properties, rf"\picw60\{kind}", " after}"))
        assert cleaned(text.encode(), "a.rtf").decode() == text

    @pytest.mark.parametrize("kind", ["macpict", "pmmetafile8", "wbitmap0", "picw60"])
    def test_with_images_that_cannot_be_cleaned_is_refused(self, kind: str) -> None:
        for image in (SECRET.hex(), f"{{{SECRET.hex()}}}", rf"\bin{len(SECRET)} {SECRET.decode()}"):
            with pytest.raises(ValidationError, match="can't be removed from “pict” files"):
                cleaned(rf"{{\rtf1 Text {{\pict\{kind} {image}}}}}".encode(), "a.rtf")

    def test_with_empty_images_and_fallback_images_is_accepted(self) -> None:
        text = cleaned(rb"{\rtf1 A {\nonshppict{\pict\macpict 4142}}B {\pict\picw60}C}", "a.rtf")
        assert text == rb"{\rtf1 A B {\pict\picw60}C}"

    @given(st.text(alphabet="{}\\\\*ab0 '\\n", max_size=60))
    @example(r"\*\a")
    def test_is_cleaned_or_refused_whatever_markup_it_contains(self, markup: str) -> None:
        with contextlib.suppress(ValidationError):
            once = cleaned(rb"{\rtf1 " + markup.encode() + b"}", "a.rtf")
            assert once.replace(rb"\{", b"").replace(rb"\}", b"").count(b"{") >= 1
            assert cleaned(once, "a.rtf") == once


class TestEPUBs:
    def test_begin_with_their_type_and_keep_only_listed_files(self) -> None:
        content = cleaned(epub(), "a.epub")
        assert content[30:58] == b"mimetypeapplication/epub+zip"
        assert [*unpacked(content)] == [
            "mimetype",
            "META-INF/container.xml",
            "O/text/page 1.xhtml",
            "O/cover.jpg",
            "O/toc.ncx",
            "O/d.svg",
            "O/a.mp3",
            "O/book.opf",
        ]

    def test_keep_their_title_language_and_identifier(self) -> None:
        parts = unpacked(cleaned(epub(), "a.epub"))
        metadata = etree.fromstring(parts["O/book.opf"])[0]
        assert [(element.tag, element.text or element.get("name")) for element in metadata] == [
            (f"{DC}identifier", "urn:isbn:1"),
            (f"{DC}title", "A book"),
            (f"{DC}language", "en"),
            (f"{OPF}meta", "2000-01-01T00:00:00Z"),
            (f"{OPF}meta", "cover"),
        ]

    @pytest.mark.parametrize(
        "element",
        [
            '<meta property="dc:creator" content="NAME"/>',
            '<meta itemprop="author" content="NAME"/>',
            '<meta http-equiv="author" content="NAME"/>',
            '<link rel="author" href="NAME"/>',
        ],
    )
    def test_lose_authors_in_the_head_of_pages(self, element: str) -> None:
        needed = '<meta charset="utf-8"/><link rel="stylesheet" href="a.css"/><link href="b.css"/>'
        page = f"<html><head>{element}{needed}</head></html>".replace("NAME", SECRET.decode())
        clean = unpacked(cleaned(epub(**{"O/text/page 1.xhtml": page}), "a.epub"))["O/text/page 1.xhtml"].decode()
        assert clean.partition("\n")[2] == f"<html><head>{needed}</head></html>"

    def test_lose_their_scripts(self) -> None:
        parts = unpacked(cleaned(epub(), "a.epub"))
        assert b"a.js" not in parts["O/book.opf"]
        page = parts["O/text/page 1.xhtml"]
        assert page.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<!DOCTYPE html>")
        assert b"<body>Text<img" in page
        assert b"alert" not in page

    @pytest.mark.parametrize("kind", ["jpeg", "JPG", "webp;charset=utf-8", "tiff", "pjpeg", "svg+xml"])
    @pytest.mark.parametrize(
        "page",
        ['<p><img src="URL"/></p>', '<p style="b: url(URL)"/>', "<style>/* NAME */p { b: url('URL') }</style>"],
    )
    def test_images_in_data_urls_lose_their_metadata(self, kind: str, page: str) -> None:
        image = revealing_image({"webp;charset=utf-8": "WEBP", "tiff": "TIFF"}.get(kind, "JPEG"))
        content = b"<svg><metadata>Amina-Secret</metadata></svg>" if kind == "svg+xml" else image
        url = f"data:image/{kind};base64,{base64.b64encode(content).decode().rstrip('=')}"
        page = page.replace("URL", url).replace("NAME", SECRET.decode())
        style = f"p {{ background: url({url}) }} /* é {SECRET.decode()} */ q {{ content: 'é' }}".encode()
        book: dict[str, str | bytes] = {"O/d.svg": page, "O/a.css": style}
        parts = unpacked(cleaned(epub(**book), "a.epub"))
        assert "content: 'é'" in parts["O/a.css"].decode()
        for part in (parts["O/d.svg"], parts["O/a.css"]):
            (written,) = re.findall(rb"data:image/[\w+]+;base64,([\w+/=]+)", part)
            assert reveals(content)
            assert not reveals(base64.b64decode(written))
            assert not reveals(part)

    def test_lose_an_unclosed_comment_at_the_end_of_a_style(self) -> None:
        style = "p { content: '/*\\'' } q { content: \"/*\" }/* a */ /* it's b /* c " + SECRET.decode()
        kept = unpacked(cleaned(epub(**{"O/a.css": style}), "a.epub"))["O/a.css"].decode()
        assert kept == "p { content: '/*\\'' } q { content: \"/*\" } "

    def test_keep_fonts_that_are_encrypted_with_the_identifier(self) -> None:
        encryption = '<e><m Algorithm="http://www.idpf.org/2008/embedding"/></e>'
        parts = unpacked(cleaned(epub(**{"META-INF/encryption.xml": encryption}), "a.epub"))
        assert b"embedding" in parts["META-INF/encryption.xml"]


class TestArchives:
    def test_contain_the_same_files_after_cleaning(self) -> None:
        parts = unpacked(cleaned(mixed_zip(), "a.zip"))
        assert [*parts] == ["photos/1.jpg", "report.docx", "book.epub", "talk.ogg", "words.txt"]
        assert parts["words.txt"] == b"Text"
        assert "word/document.xml" in unpacked(parts["report.docx"])
        assert play(parts["talk.ogg"])[1] == [{}, {}]

    def test_lose_timestamps_and_comments(self) -> None:
        with zipfile.ZipFile(io.BytesIO(cleaned(mixed_zip(), "a.zip"))) as archive:
            metadata = {(entry.date_time, entry.comment, entry.extra) for entry in archive.infolist()}
            assert (metadata, archive.comment) == ({((1980, 1, 1, 0, 0, 0), b"", b"")}, b"")

    @pytest.mark.parametrize(
        ("case", "reason"),
        [
            ("an archive with a program", "“a.exe” in the archive can't be published. Files of the type “.exe”"),
            ("an archive with a script", "“b.html” in the archive"),
            ("an archive in an archive", "It is itself an archive."),
            ("an archive that leads out of its folder", "Its name is unsafe"),
            ("an archive that leads to the root", "Its name is unsafe"),
            ("an archive that leads out on Windows", "Its name is unsafe"),
            ("an archive with one name twice", "“A.TXT” .* or occurs twice"),
            ("an archive with an office file of before 2007", "“a.doc” .* Save it as “.docx” and try again"),
            ("an archive that lies about its size", "damaged"),
            ("an archive of gigabytes", "too large when it is unpacked"),
            ("an archive of nothing", "is empty"),
        ],
    )
    def test_are_refused_with_the_name_of_the_file(self, case: str, reason: str) -> None:
        with pytest.raises(ValidationError, match=reason):
            cleaned(*REFUSED[case])

    def test_with_many_files_that_are_too_large_together_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("media.cleaners.packages._MAX_UNPACKED", 40_000)
        books = packed({f"{number}.docx": docx(**{"word/x.xml": "x" * 15_000}) for number in range(3)})
        with pytest.raises(ValidationError, match="too large when it is unpacked"):
            cleaned(books, "a.zip")

    def test_with_links_or_passwords_are_refused(self) -> None:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            link = zipfile.ZipInfo("a.txt")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        with pytest.raises(ValidationError, match="Its name is unsafe"):
            cleaned(written.getvalue(), "a.zip")
        content = bytearray(packed({"a.txt": "Text"}))
        for header, position in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            content[content.index(header) + position] |= 1
        with pytest.raises(ValidationError, match="protected by a password"):
            cleaned(bytes(content), "a.zip")


@pytest.mark.parametrize(("extension", "other"), [(".doc", ".docx"), (".xls", ".xlsx"), (".mpg", ".mp4")])
def test_old_formats_are_refused_with_advice(extension: str, other: str) -> None:
    with pytest.raises(ValidationError, match=f"from “{extension}” files. Save it as “{other}” and try again"):
        cleaned(b"", f"a{extension}")


class TestAudio:
    def test_tags_between_frames_are_removed(self) -> None:
        tag = b"ID3\x03\0\0\0\0\0\x0c" + SECRET
        assert cleaned(MP3[:834] + tag + MP3[834:] + b"LYRICSBEGIN" + SECRET, "a.mp3") == MP3

    def test_bytes_in_a_tag_that_look_like_a_frame_are_removed(self) -> None:
        assert cleaned(MP3 + b"APETAGEX" + MP3[:4] + SECRET + MP3, "a.mp3") == MP3 + MP3

    @pytest.mark.parametrize("encoder", [b"LAME3.100", b"LAME3.99r", b"Lavf61.7\0", SECRET[:9]])
    @pytest.mark.parametrize(("flags", "fields"), [(15, 112), (1, 4), (0, 0)])
    @pytest.mark.parametrize("start", [4 + 9, 4 + 17, 4 + 32])
    def test_the_description_of_an_mp3_keeps_known_encoders(
        self, encoder: bytes, flags: int, fields: int, start: int
    ) -> None:
        described = b"Info" + bytes([0, 0, 0, flags]) + b"\x11" * fields
        tag = encoder + b"\x22" * 27
        first = (MP3[:4] + bytes(start - 4) + described + tag).ljust(417, b"\0")
        assert len(first) == 417
        unknown = first.replace(tag, bytes(len(tag)))
        clean = cleaned(first[:-12] + SECRET + MP3, "a.mp3")
        assert clean == (unknown if encoder == SECRET[:9] else first) + MP3
        assert cleaned(clean, "a.mp3") == clean

    @pytest.mark.parametrize("content", [b"\xff\xfb\x90\x00", b"\xff\xfb\x00\x00" * 500, MP3[:3]])
    def test_without_a_whole_frame_is_refused(self, content: bytes) -> None:
        with pytest.raises(ValidationError):
            cleaned(content, "a.mp3")

    @pytest.mark.parametrize(
        "after",
        [
            b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8) + b"TAG" + SECRET.ljust(125),
            SECRET * 2,
            b"ID3\4\0\0\0\0\0\x0c" + SECRET,
            archive(**{"secret.txt": SECRET.decode()}),
        ],
    )
    def test_bytes_after_a_flac_are_removed(self, after: bytes) -> None:
        content = CLEANED["a whole FLAC"][0]
        clean = cleaned(content, "a.flac")
        assert clean.endswith(content[-100:])
        assert cleaned(content + after, "a.flac") == clean
        assert cleaned(content + bytes(900) + after, "a.flac").rstrip(b"\0") == clean.rstrip(b"\0")

    def test_tags_before_a_flac_are_removed(self) -> None:
        content, tag = CLEANED["a whole FLAC"][0], b"ID3\4\0\0\0\0\0\x0c" + SECRET
        assert cleaned(tag * 2 + content, "a.flac") == cleaned(content, "a.flac")
        for other in (MP3, b"", content[4:]):
            with pytest.raises(ValidationError, match="incomplete or damaged"):
                cleaned(tag + other, "a.flac")

    def test_a_concatenated_flac_is_kept_as_a_whole(self) -> None:
        """The frame numbers of the second part start over."""
        clean = cleaned(CLEANED["a whole FLAC"][0], "a.flac")
        description, frames = clean[: clean.index(b"\xff\xf8")], clean[clean.index(b"\xff\xf8") :]
        again = clean + frames
        assert cleaned(again, "a.flac") == again
        assert cleaned(again + SECRET, "a.flac") == again
        # A second stream with a header of its own is cut off.
        assert cleaned(clean + description + SECRET + frames, "a.flac") == clean

    @pytest.mark.parametrize("other_rate", [True, False], ids=["another sample rate", "a broken number"])
    def test_bytes_within_a_flac_that_look_like_a_frame_are_kept(self, other_rate: bool) -> None:
        clean = cleaned(CLEANED["a whole FLAC"][0], "a.flac")
        last = clean.rindex(b"\xff\xf8")
        header = b"\xff\xf8\x11\x08\x7f" if other_rate else clean[last : last + 4] + b"\xdf\x28"
        lookalike = header + crc(header, 8, 0x07)
        frame = clean[last : last + 20] + lookalike + clean[last + 20 + len(lookalike) : -2]
        whole = clean[:last] + frame + crc(frame, 16, 0x8005)
        assert cleaned(whole + SECRET, "a.flac") == whole

    def test_a_flac_whose_last_frame_is_cut_off_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="incomplete or damaged"):
            cleaned(CLEANED["a whole FLAC"][0][:-9] + SECRET, "a.flac")

    @given(position=st.floats(0, 1), junk=st.binary(min_size=1, max_size=20))
    def test_a_flac_is_cleaned_or_refused_whatever_bytes_it_contains(self, position: float, junk: bytes) -> None:
        content = CLEANED["a whole FLAC"][0]
        start = int(position * len(content))
        with contextlib.suppress(ValidationError):
            once = cleaned(content[:start] + junk + content[start:], "a.flac")
            assert cleaned(once, "a.flac") == once


def crc(content: bytes, width: int, polynomial: int) -> bytes:
    """Return a checksum of this many bits, as in FLAC (RFC 9639, 9.1.8 and 9.3)."""
    value = 0
    for bit in "".join(f"{byte:08b}" for byte in content):
        is_set = value >> width - 1 != int(bit)
        value = (value << 1 ^ (polynomial if is_set else 0)) % (1 << width)
    return value.to_bytes(width // 8)


def without_messages(units: bytes) -> bytes:
    target = io.BytesIO(units)
    UnitCleaner(is_h265=False, length_size=4)(io.BytesIO(units), target, 0, len(units))
    return target.getvalue()


class TestMessagesInVideo:
    CAPTIONS = b"\xb5\0\x31GA94\x03captions"

    @given(before=st.binary(max_size=600), payload=st.binary(max_size=600), after=st.binary(max_size=600))
    @example(before=bytes(9), payload=bytes(300), after=bytes(9))
    @example(before=bytes(4), payload=b"", after=b"")
    def test_from_cameras_are_overwritten_and_others_are_kept(
        self, before: bytes, payload: bytes, after: bytes
    ) -> None:
        unit = messages((1, before), (5, SECRET * 2 + payload), (6, after))
        clean = without_messages(unit + unit)
        assert len(clean) == 2 * len(unit)
        assert SECRET not in clean
        assert not re.search(rb"\0\0[\0-\x02]", clean[4 : len(unit)])
        content = clean[5 : len(unit)].replace(b"\0\0\x03", b"\0\0")
        assert content.startswith(messages((1, before))[5:-1].replace(b"\0\0\x03", b"\0\0"))
        assert content.endswith(messages((6, after))[5:].replace(b"\0\0\x03", b"\0\0"))

    def test_with_captions_are_kept(self) -> None:
        unit = messages((4, self.CAPTIONS), (0, b"x"))
        assert without_messages(unit) == unit
        assert b"GA95" not in without_messages(messages((4, b"\xb5\0\x99GA95")))

    def test_are_not_looked_for_in_other_units(self) -> None:
        unit = messages((5, SECRET))
        image = unit[:4] + b"\x65" + unit[5:]
        assert without_messages(image) == image

    @pytest.mark.parametrize("case", ["H.265 of a phone", "H.265 in Matroska"])
    def test_from_encoders_are_overwritten_in_the_description_too(self, case: str) -> None:
        content, name = RECORDINGS[case]
        assert content.count(b"x265") > 1
        assert b"x265" not in cleaned(content, name)

    @given(position=st.integers(0, 200), junk=st.binary(min_size=1, max_size=8))
    def test_of_any_form_keep_their_length(self, position: int, junk: bytes) -> None:
        units = messages((1, b"x"), (5, SECRET)) + messages((4, SECRET))
        units = units[:position] + junk + units[position:]
        assert len(without_messages(units)) == len(units)


class TestVideo:
    def test_sensor_tracks_and_data_outside_tracks_are_overwritten(self) -> None:
        clean = cleaned(mp4(), "a.mp4")
        assert len(clean) == len(mp4())
        assert clean.endswith(b"SOUND" + bytes(2 * len(SECRET)))
        assert clean.count(b"trak") == 1

    @pytest.mark.parametrize("kind", [b"text", b"sbtl", b"subt"])
    @pytest.mark.parametrize(
        "text",
        [
            "F/2.8, SS 206.14, ISO 100, EV 0, GPS (149.0251, -20.2532, 18), D 24.37m, H 6.00m",
            "HOME(149.0251,-20.2532) 2017.08.05 14:11:51",
            "[iso : 110] [latitude: 20.253200] [longtitude: 149.025100]",
            "gsensori,4,512,-67,-12,100;GNRMC,161313.00,A,4529.87489,N,07337.01215,W",
            "$GPGGA,161313.00,4529.87489,N,07337.01215,W",
            "A,270519,201555.000,3356.8925,N,08420.2071,W,000.0,331.0M",
            "Lat: 45.12 Lon: 73.1",
        ],
    )
    def test_subtitles_of_drones_and_dashboard_cameras_are_overwritten(self, kind: bytes, text: str) -> None:
        before = "x " * 32_000
        clean = cleaned(movie((b"soun", b"SOUND"), (kind, f"{before}{text}".encode())), "a.mp4")
        assert clean.endswith(b"SOUND" + bytes(len(before + text + SECRET.decode())))
        assert clean.count(b"trak") == 1

    @pytest.mark.parametrize("kind", [b"text", b"sbtl"])
    def test_subtitles_that_are_mostly_numbers_are_overwritten(self, kind: bytes) -> None:
        text = "SrtCnt : 1, DiffTime : 33ms 2021-02-03 14:11:51.123 [iso: 100] [shutter: 1/320] [fnum: 280] [ct: 5500]"
        clean = cleaned(movie((b"soun", b"SOUND"), (kind, (text * 4).encode())), "a.mp4")
        assert clean.count(b"trak") == 1
        assert b"2021" not in clean

    @pytest.mark.parametrize(
        "text",
        [
            "I'll use the GPS: turn left!",
            "It took this long: 5 hours",
            "A, 20 or more",
            "Kabul, 15.08.2021, 07:30",
            "In 2021, 123,000 people left the city, and half of them never came back. " * 9,
            "في عام 2021 غادر 123000 شخص البلاد " * 9,
        ],
    )
    def test_other_subtitles_are_kept(self, text: str) -> None:
        clean = cleaned(movie((b"soun", b"SOUND"), (b"sbtl", text.encode())), "a.mp4")
        assert clean.endswith(f"SOUND{text}".encode() + bytes(len(SECRET)))

    def test_descriptions_keep_only_what_decoders_need(self) -> None:
        needed = box(b"esds", b"\0\0\0\0\x03\x16\0\1\0\x04\x11\x40\x15" + bytes(15))
        buyer = box(b"pinf", box(b"schi", box(b"name", SECRET)))
        clean = cleaned(movie((b"soun", b"SOUND"), described=needed + buyer), "a.m4a")
        assert needed in clean
        assert not reveals(clean)

    @pytest.mark.parametrize("kind", [b"vide", b"soun", b"sbtl"])
    @pytest.mark.parametrize("start", [30, 2**31])
    def test_positions_outside_the_data_are_neither_read_nor_written(self, kind: bytes, start: int) -> None:
        content = movie((kind, b"x"), codec=b"jpeg")
        (position,) = (match.end() for match in re.finditer(b"stco.{8}", content, re.DOTALL))
        size = content.index(b"stsz") + 8
        content = content[:position] + struct.pack(">I", start) + content[position + 4 :]
        content = content[:size] + struct.pack(">I", 2**32 - 1) + content[size + 4 :]
        clean = cleaned(content, "a.mov")
        assert len(clean) == len(content)
        assert clean.endswith(bytes(1 + len(SECRET)))
        assert cleaned(clean, "a.mov") == clean

    @pytest.mark.parametrize("kind", [b"vide", b"sbtl"])
    def test_with_many_tracks_that_share_data_is_refused(self, kind: bytes) -> None:
        """The data would be read once for each track."""
        content = movie((kind, b"x" * 40_000), *[(kind, b"x")] * 5, codec=b"vp09")
        start = struct.pack(">I", content.index(b"x" * 40_000))
        shared = re.sub(rb"(?s)(stsz.{4}).{4}", lambda size: size[1] + struct.pack(">I", 40_000), content)
        shared = re.sub(rb"(?s)(stco.{8}).{4}", lambda position: position[1] + start, shared)
        assert len(cleaned(content, "a.mov")) == len(shared)
        with pytest.raises(ValidationError, match="too many parts"):
            cleaned(shared, "a.mov")

    def test_the_kind_of_a_track_counts_only_in_its_proper_box(self) -> None:
        content = movie((b"soun", b"SOUND"))
        clean = cleaned(content.replace(b"mdia", b"free", 1), "a.mp4")
        assert cleaned(clean, "a.mp4") == clean
        assert b"SOUND" not in clean

    @pytest.mark.parametrize(("container", "name"), [("mp4", "a.mp4"), ("mov", "a.mov"), ("matroska", "a.mkv")])
    def test_chapters_keep_their_times_and_lose_their_titles(self, container: str, name: str) -> None:
        def chapters(content: bytes) -> list[tuple[float, str]]:
            with av.open(io.BytesIO(content)) as file:
                return [
                    (float(each["start"] * each["time_base"]), each["metadata"].get("title", ""))
                    for each in file.chapters()
                ]

        content = recording(container, "mpeg4", "aac")
        assert chapters(content) == [(0, SECRET.decode()), (0.1, SECRET.decode())]
        assert chapters(cleaned(content, name)) == [(0, ""), (0.1, "")]

    def test_loses_the_brands_of_makers_and_keeps_those_of_standards(self) -> None:
        beginning = box(b"ftyp", b"SECR" + SECRET[:4] + b"qt  " + b"SECR" + b"mp42")
        clean = cleaned(beginning + mp4()[24:], "a.mp4")
        assert clean.startswith(box(b"ftyp", b"isom" + bytes(4) + b"qt  " + b"isom" + b"mp42"))

    @pytest.mark.parametrize("around", [b"", b"wave"], ids=["MP4", "QuickTime"])
    def test_loses_the_maker_of_a_recorder(self, around: bytes) -> None:
        def described(maker: bytes) -> bytes:
            settings = box(b"damr", maker.ljust(5, b"\0") + b"\x81\xff\0\1")
            return box(around, settings) if around else settings

        content = movie((b"soun", b"SOUND"), codec=b"samr", described=described(b"SECR\1"))
        assert described(b"") in cleaned(content, "a.3gp")

    def test_loses_the_name_of_a_360_degree_camera(self) -> None:
        around = box(b"proj", box(b"prhd", bytes(16)))
        described = bytes(50) + box(b"sv3d", box(b"svhd", bytes(4) + SECRET + b"\0") + around)
        clean = cleaned(movie((b"vide", b"x"), codec=b"vp09", described=described), "a.mp4")
        assert box(b"sv3d", box(b"svhd", bytes(5 + len(SECRET))) + around) in clean

    def test_unknown_boxes_in_descriptions_of_sound_and_stereo_images_become_padding(self) -> None:
        unknown, padding = box(b"user", SECRET), box(b"free", bytes(len(SECRET)))
        format_box = box(b"frma", b"mp4a")
        sound = movie((b"soun", b"SOUND"), described=box(b"wave", format_box + unknown))
        assert box(b"wave", format_box + padding) in cleaned(sound, "a.mov")

        def eyes(part: bytes) -> bytes:
            return box(
                b"vexu", box(b"eyes", box(b"stri", bytes(5)) + box(b"cams", box(b"blin", bytes(8)) + part)) + part
            )

        images = movie((b"vide", b"x"), codec=b"vp09", described=bytes(50) + eyes(unknown))
        assert eyes(padding) in cleaned(images, "a.mov")

    def test_data_that_cameras_append_to_the_file_is_removed(self) -> None:
        added = SECRET * 20 + bytes(38) + struct.pack("<I", 20 * len(SECRET) + 78) + bytes(4)
        added += b"8db42d694ccc418790edff439fe026bf"
        assert cleaned(mp4() + added, "a.mp4") == cleaned(mp4(), "a.mp4")

    def test_flac_descriptions_lose_comments_and_pictures(self) -> None:
        needed, comments = b"\0\0\0\x22" + bytes(34), b"\x84\0\0" + bytes([len(SECRET)]) + SECRET
        described = box(b"dfLa", bytes(4) + needed + comments)
        clean = cleaned(movie((b"soun", b"SOUND"), codec=b"fLaC", described=described), "a.mp4")
        assert box(b"dfLa", bytes(4) + needed + b"\x84\0\0" + bytes([len(SECRET)]) + bytes(len(SECRET))) in clean

    def test_colour_profiles_in_descriptions_lose_the_device(self) -> None:
        profile = profile_with({b"mmod": SECRET})
        described = bytes(50) + box(b"colr", b"prof" + profile)
        clean = cleaned(movie((b"vide", b"x"), codec=b"v210", described=described), "a.mov")
        assert box(b"colr", b"prof" + strip_profile(profile)) in clean
        assert not reveals(clean)

    def test_in_fragments_is_kept_as_a_whole(self) -> None:
        content = recording("mp4", "mpeg4", "aac", movflags="frag_keyframe+empty_moov")
        assert b"moof" in content
        clean = cleaned(content, "a.mp4")
        assert not reveals(clean)
        assert play(clean)[0] == play(content)[0]

    @pytest.mark.parametrize(
        "body",
        [
            box(b"moov", box(b"cmov", b"x")),
            box(b"moov", box(b"trak", b"")) + box(b"moof", b""),
            b"\0\0\0\x01mdat" + b"\xff" * 8,
            b"\0\0\0\x04mdat",
            b"\0\0\0\x08free" * 100_001,
        ],
        ids=["compressed", "a stream with a track of nothing", "exabytes", "smaller than itself", "too many boxes"],
    )
    def test_with_an_invalid_structure_is_refused(self, body: bytes) -> None:
        with pytest.raises(ValidationError):
            cleaned(mp4()[:24] + body, "a.mp4")

    @given(position=st.integers(0, 600), junk=st.binary(min_size=1, max_size=8))
    def test_is_cleaned_or_refused_whatever_its_tables_contain(self, position: int, junk: bytes) -> None:
        content = mp4()
        with contextlib.suppress(ValidationError):
            assert len(cleaned(content[:position] + junk + content[position + len(junk) :], "a.mp4")) == len(content)


RELATIONSHIPS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'


class TestSubtitles:
    def test_keep_only_what_is_shown(self) -> None:
        source = (
            "\ufeffWEBVTT PLANTED\r\nX-TOOL: PLANTED\r\n\r\nNOTE PLANTED\r\nPLANTED\r\n\r\nSTYLE\r\n::cue(#PLANTED){}"
            "\r\n\r\nPLANTED\r\n00:01.000 --> 00:02.000 align:start\r\n<v Rosa>حرية\r\nFreedom\r\n\r\n\r\n"
            "00:03.000 --> 00:04.000\r\n1 < 2"
        )
        assert cleaned(source.encode(), "a.vtt").decode() == (
            "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\n<v Rosa>حرية\nFreedom\n\n00:03.000 --> 00:04.000\n1 < 2\n"
        )

    def test_without_any_are_kept(self) -> None:
        assert cleaned(b"WEBVTT", "a.vtt") == b"WEBVTT\n"


class TestOfficeFiles:
    def test_keep_the_text_between_removed_elements(self) -> None:
        content = '<a xmlns:x="y">A<x:scripts>B</x:scripts>C<b/>D<x:scripts><x:scripts/>E</x:scripts><x:scripts/>F</a>'
        parts = unpacked(cleaned(archive(**{"mimetype": "text", "content.xml": content}), "a.odt"))
        assert parts["content.xml"].endswith(b'<a xmlns:x="y">AC<b/>DF</a>')

    def test_lose_references_to_removed_parts(self) -> None:
        parts = unpacked(cleaned(KINDS["xlsx"](("a", "b", "c", "d")), "a.xlsx"))
        assert "xl/printerSettings/printerSettings1.bin" not in parts
        assert b"printerSettings" not in parts["xl/worksheets/_rels/sheet1.xml.rels"]
        assert b"<pageSetup/>" in parts["xl/worksheets/sheet1.xml"]

    def test_lose_sessions_dates_templates_and_paths(self) -> None:
        parts = unpacked(cleaned(KINDS["docx"](("a", "b", "c", "d")), "a.docx"))
        document = parts["word/document.xml"]
        assert b"rsid" not in document
        assert b'w:date="2000-01-01T00:00:00Z"' in document
        assert b'INCLUDEPICTURE ""' in document
        assert b"rsid" not in parts["word/settings.xml"]
        assert b'Target="about:blank"' in parts["word/_rels/settings.xml.rels"]
        assert not any(name.startswith("customXml") for name in parts)
        assert "xl/workbook.xml" in unpacked(parts["word/embeddings/table.xlsx"])

    def test_keep_links_to_web_pages(self) -> None:
        links = (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="a" Target="https://example.org/" TargetMode="External"/>'
            '<Relationship Id="b" Target="media/image1.jpg"/></Relationships>'
        )
        parts = unpacked(cleaned(docx(**{"word/_rels/document.xml.rels": links}), "a.docx"))
        kept = parts["word/_rels/document.xml.rels"]
        assert b'Target="https://example.org/"' in kept
        assert b'Target="media/image1.jpg"' in kept

    def test_lose_data_of_add_ins_in_fields_and_tags(self) -> None:
        json = f'{{"uris":["http://zotero.org/users/{SECRET.decode()}/items/A"]}}'
        fields = (
            "<w:fldChar w:fldCharType='begin'><w:fldData>NAME</w:fldData></w:fldChar><w:instrText> ADD</w:instrText>"
            f"<w:instrText>IN ZOTERO_ITEM</w:instrText><w:instrText>{json}</w:instrText>"
            "<w:fldChar w:fldCharType='begin'> </w:fldChar><w:instrText>PAGE</w:instrText>"
            "<w:fldChar w:fldCharType='end'/><w:instrText>NAME</w:instrText><w:fldChar w:fldCharType='separate'/>"
            "<w:t>(2021)</w:t><w:fldChar w:fldCharType='end'/><w:fldSimple w:instr=' ADDIN NAME'/>"
            "<w:tag w:val='MENDELEY_CITATION_v3_NAMEPADDING'/><w:tag w:val='kept'/>"
            '<w:instrText>HYPERLINK "https://example.org/home/a"</w:instrText><w:instrText>INCLUDEPICTURE '
            '"/Users/NAME/a.jpg"</w:instrText>'
            r'<w:instrText>HYPERLINK "..\\..\\Users\\NAME\\a.docx"</w:instrText>'
        )
        fields = fields.replace("NAME", SECRET.decode()).replace("PADDING", "x" * 40)
        body = f'<w:document xmlns:w="{WORD}">{fields}</w:document>'
        document = unpacked(cleaned(docx(**{"word/document.xml": body}), "a.docx"))["word/document.xml"].decode()
        assert SECRET.decode() not in document
        assert ">PAGE<" in document
        assert ">(2021)<" in document
        assert 'val="kept"' in document
        assert "https://example.org/home/a" in document

    @pytest.mark.parametrize(
        "element",
        [
            "<x:permStart x:ed='NAME'/>",
            "<x:shape x:gfxdata='NAME'/>",
            "<x:customWorkbookViews><x:customWorkbookView x:name='NAME - Personal View'/></x:customWorkbookViews>",
            "<x:range securityDescriptor='NAME'><x:securityDescriptor>NAME</x:securityDescriptor></x:range>",
            "<x:absoluteUrl driveId='NAME' itemId='NAME'/>",
            "<x:inkSource serialNo='NAME'><x:timestamp timeString='2021-02-03T04:05:06.789'/></x:inkSource>",
            "<x:Event x:time='2021-02-03T04:05:06Z'/>",
            "<x:pic descr='Macintosh HD:Users:NAME:a.jpg'/>",
            "<x:pic descr='/Volumes/NAME/a.jpg'/>",
            "<x:shape x:href='..\\..\\Users\\NAME\\a.docx'/>",
            "<x:cNvPr name='NAME at the prison.JPG' descr='NAME.heic'/>",
            "<x:docPr title='IMG_NAME.jpeg '/>",
            "<x:imagedata x:title='NAME at the prison'/>",
        ],
    )
    def test_lose_other_data_that_identifies_people(self, element: str) -> None:
        part = f'<x:a xmlns:x="{WORD}">{element}</x:a>'.replace("NAME", SECRET.decode())
        clean = unpacked(cleaned(docx(**{"word/x.xml": part}), "a.docx"))["word/x.xml"]
        assert not reveals(clean)
        assert not DATES.search(clean)

    def test_keep_descriptions_and_names_of_images_and_sheets(self) -> None:
        part = (
            f"<x:a xmlns:x='{WORD}'><x:docPr name='Picture 1' descr='A lamp. On a table' title='The lamp'/>"
            "<x:sheet name='lamp.png'/></x:a>"
        )
        clean = unpacked(cleaned(docx(**{"word/x.xml": part}), "a.docx"))["word/x.xml"].decode()
        assert re.findall('="(.*?)"', clean)[1:] == ["Picture 1", "A lamp. On a table", "The lamp", "lamp.png"]

    def test_lose_the_rows_that_pivot_tables_were_made_from(self) -> None:
        types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        name = SECRET.decode()
        parts = {
            "xl/workbook.xml": f'<workbook xmlns:r="{types}"><sheets><sheet r:id="r1"/></sheets>'
            '<pivotCaches><pivotCache cacheId="1" r:id="r2"/></pivotCaches></workbook>',
            "xl/_rels/workbook.xml.rels": RELATIONSHIPS.format(
                f'<Relationship Id="r1" Type="{types}/worksheet" Target="worksheets/sheet1.xml"/>'
                f'<Relationship Id="r2" Type="{types}/pivotCacheDefinition" Target="pivotCache/definition1.xml"/>'
            ),
            "xl/worksheets/sheet1.xml": "<worksheet><c><v>2</v></c></worksheet>",
            "xl/worksheets/_rels/sheet1.xml.rels": RELATIONSHIPS.format(
                f'<Relationship Id="r1" Type="{types}/pivotTable" Target="../pivotTables/pivotTable1.xml"/>'
            ),
            "xl/pivotTables/pivotTable1.xml": f"<pivotTableDefinition name='{name}'/>",
            "xl/pivotCache/definition1.xml": f"<pivotCacheDefinition><s v='{name}'/></pivotCacheDefinition>",
            "xl/pivotCache/records1.xml": f"<pivotCacheRecords><s v='{name}'/></pivotCacheRecords>",
            "xl/slicerCaches/slicerCache1.xml": f"<slicerCacheDefinition name='{name}'/>",
            "xl/charts/chart1.xml": f"<chartSpace><pivotSource><name>{name}</name></pivotSource><v>2</v></chartSpace>",
        }
        overrides = "".join(f'<Override PartName="/{part}"/>' for part in parts)
        clean = unpacked(cleaned(archive(**parts, **{"[Content_Types].xml": f"<Types>{overrides}</Types>"}), "a.xlsx"))
        assert not any(b"pivot" in content or b"slicer" in content or reveals(content) for content in clean.values())
        assert b"<v>2</v>" in clean["xl/worksheets/sheet1.xml"]
        assert b"<v>2</v>" in clean["xl/charts/chart1.xml"]
        assert b'Target="worksheets/sheet1.xml"' in clean["xl/_rels/workbook.xml.rels"]

    def test_lose_what_filters_pivot_tables_together_with_its_place(self) -> None:
        shape = (
            "<mc:AlternateContent><mc:Choice><f><{0} name='NAME'/></f></mc:Choice><mc:Fallback/></mc:AlternateContent>"
        )
        drawing = (
            "<wsDr xmlns:x='urn:x' xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
            f"<twoCellAnchor>{shape.format('x:slicer')}</twoCellAnchor><oneCellAnchor>{shape.format('x:timeslicer')}"
            "</oneCellAnchor><twoCellAnchor><pic/></twoCellAnchor></wsDr>"
        ).replace("NAME", SECRET.decode())
        sheet = (
            "<worksheet xmlns:x='urn:x'><extLst><ext uri='1'><x:slicerList><x:slicer/></x:slicerList></ext>"
            "<ext uri='2'><x:y/></ext></extLst></worksheet>"
        )
        parts = {"xl/drawings/drawing1.xml": drawing, "xl/worksheets/sheet1.xml": sheet}
        clean = unpacked(cleaned(archive(**parts, **{"[Content_Types].xml": "<Types/>"}), "a.xlsx"))
        names = [
            etree.QName(element).localname for element in etree.fromstring(clean["xl/drawings/drawing1.xml"]).iter()
        ]
        assert names == ["wsDr", "twoCellAnchor", "pic"]
        assert b'<extLst><ext uri="2"><x:y/></ext></extLst>' in clean["xl/worksheets/sheet1.xml"]

    def test_lose_links_to_templates_and_tables_in_a_cloud_account(self) -> None:
        types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        account = f"https://d.docs.live.net/{SECRET.decode()}/a.xlsx"
        links = "".join(
            f'<Relationship Id="r{number}" Type="{types}/{kind}" Target="{account}" TargetMode="External"/>'
            for number, kind in enumerate(("attachedTemplate", "externalLinkPath", "oleObject", "hyperlink"))
        )
        part = f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>'
        clean = unpacked(cleaned(docx(**{"word/_rels/document.xml.rels": part}), "a.docx"))
        # Only the hyperlink, which readers can click, is kept.
        assert clean["word/_rels/document.xml.rels"].count(SECRET) == 1

    def test_lose_unknown_properties(self) -> None:
        assert "docProps/other.xml" not in unpacked(cleaned(docx(**{"docProps/other.xml": "<a/>"}), "a.docx"))

    def test_in_opendocument_lose_citation_data_paths_and_written_dates(self) -> None:
        mark = f'ZOTERO_ITEM CSL_CITATION {{"{SECRET.decode()}":1}} RNDx'.replace('"', "&quot;")
        content = (
            f'<x:a xmlns:x="urn:x"><x:start x:name="{mark}"/>(2021)<x:end x:name="{mark}"/>'
            f'<x:start x:name="{mark}2"/><x:desc>C:\\Users\\{SECRET.decode()}\\a.jpg</x:desc><x:desc>A lamp</x:desc>'
            f"<x:date-string>{SECRET.decode()}</x:date-string><x:database x:user-name='{SECRET.decode()}'/></x:a>"
        )
        clean = unpacked(cleaned(archive(**{"content.xml": content}), "a.odt"))["content.xml"].decode()
        assert SECRET.decode() not in clean
        assert re.findall(' x:name="(.*?)"', clean) == ["Reference 1", "Reference 1", "Reference 2"]
        assert "<x:desc>A lamp</x:desc>" in clean

    def test_in_opendocument_lose_paths_of_other_spreadsheets_in_formulas(self) -> None:
        name = SECRET.decode()
        formula = (
            f"of:=[&apos;file:///home/{name}/it&apos;&apos;s.ods&apos;#$A.A1]+[&apos;file:///C:/{name}&apos;#$B.B1]"
        )
        content = f'<x:a xmlns:x="urn:x"><x:cell x:formula="{formula}" x:name="&apos;file:///home/{name}/a.ods&apos;#A"/></x:a>'
        clean = unpacked(cleaned(archive(**{"content.xml": content}), "a.ods"))["content.xml"].decode()
        assert re.findall(' x:[a-z]+="(.*?)"', clean) == [
            "of:=['about:blank'#$A.A1]+['about:blank'#$B.B1]",
            "'about:blank'#A",
        ]

    def test_in_opendocument_keep_only_settings_that_reveal_nothing(self) -> None:
        parts = unpacked(cleaned(KINDS["odt"](("a", "b", "c", "d")), "a.odt"))
        assert b"ShowGrid" in parts["settings.xml"]
        assert b"PrinterName" not in parts["settings.xml"]
        assert b"Thumbnails" not in parts["META-INF/manifest.xml"]
        assert b'href=""' in parts["content.xml"]
        assert b"2021" not in parts["content.xml"]

    def test_embedded_objects_are_emptied_but_keep_their_image(self) -> None:
        parts = unpacked(
            cleaned(
                docx(
                    **{f"word/embeddings/{name}": SECRET for name in ("oleObject1.bin", "old.doc", "a.html")},
                    **{"[trash]/0000.dat": SECRET, "word/media/image2.emf": emf()},
                ),
                "a.docx",
            )
        )
        assert parts["word/embeddings/oleObject1.bin"].startswith(OLE[:8])
        assert len(parts["word/embeddings/oleObject1.bin"]) == 1536
        assert parts["word/embeddings/old.doc"] == parts["word/embeddings/oleObject1.bin"]
        assert not any(name.startswith("[trash]") for name in parts)
        assert parts["word/media/image2.emf"][40:44] == b" EMF"

    def test_embedded_objects_of_opendocument_keep_their_image(self) -> None:
        drawing = b"VCLMTF" + bytes(20)
        images = {"ObjectReplacements/Object 1": drawing, "ObjectReplacements/Object 2": revealing_image("PNG")}
        parts = unpacked(cleaned(packed({"content.xml": b"<x/>", "Object 1": SECRET, **images}), "a.odt"))
        assert parts["Object 1"].startswith(OLE[:8])
        assert parts["ObjectReplacements/Object 1"] == drawing
        with Image.open(io.BytesIO(parts["ObjectReplacements/Object 2"])) as image:
            assert image.size == (60, 40)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("word/media/image2.xyz", b"x"),
            ("word/media/image2.emf", b"x"),
            ("word/media/movie.mpg", SAMPLES[".mpg"]),
            ("word/embeddings/new.docx", OLE),
        ],
    )
    def test_with_a_part_that_cannot_be_cleaned_are_refused_with_its_name(self, name: str, content: bytes) -> None:
        with pytest.raises(ValidationError, match=f"“{PurePath(name).name}”|damaged"):
            cleaned(docx(**{name: content}), "a.docx")

    @pytest.mark.parametrize("name", ["word/vbaProject.bin", "word/activeX/activeX1.bin"])
    def test_with_macros_are_refused(self, name: str) -> None:
        with pytest.raises(ValidationError, match="contains macros"):
            cleaned(docx(**{name: b"x"}), "a.docx")

    def test_with_a_password_are_refused(self) -> None:
        manifest = '<m:manifest xmlns:m="urn:m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
        content = archive(**{"content.xml": "encrypted", "META-INF/manifest.xml": manifest})
        encrypted = OLE + bytes(100) + "EncryptedPackage".encode("utf-16-le")
        for name, each in (("a.odt", content), ("a.docx", encrypted)):
            with pytest.raises(ValidationError, match="protected by a password"):
                cleaned(each, name)


class TestDrawings:
    @pytest.mark.parametrize("content", [emf(), wmf(), gzip.compress(emf())], ids=["EMF", "WMF", "packed"])
    def test_lose_descriptions_and_comments(self, content: bytes) -> None:
        clean = clean_metafile(content)
        unpacked = gzip.decompress(clean) if clean.startswith(b"\x1f\x8b") else clean
        assert not reveals(unpacked)
        assert SECRET.decode().encode("utf-16-le") not in unpacked
        assert clean_metafile(clean) == clean
        assert (b"EMF+" in unpacked and b"line" in unpacked) == (b" EMF" in unpacked)

    @pytest.mark.parametrize("kind", [1, 2], ids=["a JPEG", "a texture"])
    def test_lose_instructions_with_a_file_if_the_rest_draws_the_same(self, kind: int) -> None:
        image = plus_image(1, jpeg())
        instructions = image if kind == 1 else plus_record(0x4008, 0x100, struct.pack("<II", 0xDBC01002, 2) + image)
        content = emf(instructions=instructions)
        clean = clean_metafile(content)
        assert not reveals(clean)
        assert b"EMF+" not in clean
        assert len(clean) == len(content) - len(SECRET)
        assert clean_metafile(clean) == clean
        with pytest.raises(ValidationError, match=r"Save it as “\.png”"):
            clean_metafile(emf(instructions=instructions, is_dual=False))

    def test_keep_images_that_consist_only_of_pixels(self) -> None:
        for is_dual in (True, False):
            assert b"EMF+" in clean_metafile(emf(instructions=plus_image(0, b"pixels" * 40), is_dual=is_dual))
            assert b"pixels" * 40 in clean_metafile(emf(instructions=plus_image(0, b"pixels" * 40), is_dual=is_dual))

    @pytest.mark.parametrize("size", [0, 11, 10_000])
    def test_with_instructions_of_invalid_sizes_are_refused(self, size: int) -> None:
        with pytest.raises(ValidationError, match="damaged"):
            clean_metafile(emf(instructions=struct.pack("<HHII", 0x400D, 0, size, 0)))

    @pytest.mark.parametrize(("compression", "is_refused"), [(0, False), (3, False), (4, True), (5, True)])
    def test_with_bitmaps_that_contain_a_file_are_refused(self, compression: int, is_refused: bool) -> None:
        image = struct.pack("<IIIHHI", 40, 60, 40, 1, 0, compression) + bytes(20) + b"pixels"
        begins = int.from_bytes(emf()[4:8], "little")
        drawings = [
            emf()[:begins]
            + struct.pack("<II", 81, 80 + len(image) + 2)
            + bytes(72)
            + image
            + bytes(2)
            + emf()[begins:],
            wmf()[:18] + struct.pack("<IH", 14 + len(image) // 2, 0x0F43) + bytes(22) + image + wmf()[18:],
        ]
        for content in drawings:
            if is_refused:
                with pytest.raises(ValidationError, match=r"Save it as “\.png”"):
                    clean_metafile(content)
            else:
                assert b"pixels" in clean_metafile(content)

    @given(position=st.integers(0, 200), junk=st.binary(min_size=1, max_size=8), is_emf=st.booleans())
    def test_are_cleaned_or_refused_whatever_bytes_they_contain(self, position: int, junk: bytes, is_emf: bool) -> None:
        content = emf() if is_emf else wmf()
        with contextlib.suppress(ValidationError, struct.error):
            clean_metafile(content[:position] + junk + content[position + len(junk) :])
