"""What is left of files after cleaning. Other programs read them: FFmpeg, zipfile, lxml and browsers."""

import contextlib
import io
import re
import zipfile
from pathlib import PurePath
from typing import Final

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from media.metadata import clean_file
from tests.factories.hostile_files import CLEANED, REFUSED, reveals
from tests.factories.recordings import RECORDINGS, SECRET, play
from tests.factories.revealing_files import docx, epub, mixed_zip, packed, revealing_image, rtf

DATES: Final = re.compile(rb"2021[-\x02]|2021-02-03|FEB 03")
OPF: Final = "{http://www.idpf.org/2007/opf}"
DC: Final = "{http://purl.org/dc/elements/1.1/}"


def cleaned(content: bytes, name: str) -> bytes:
    target = io.BytesIO()
    clean_file(io.BytesIO(content), target, PurePath(name).suffix)
    return target.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


class TestRecordings:
    @pytest.mark.parametrize("case", RECORDINGS)
    def test_play_as_before_and_say_nothing(self, case: str) -> None:
        content, name = RECORDINGS[case]
        clean = cleaned(content, name)
        assert reveals(content)
        assert not reveals(clean)
        assert not DATES.search(clean)
        (frames_before, _said), (frames, said) = play(content), play(clean)
        assert frames == frames_before
        assert sum(map(len, frames.values())) >= 3
        assert SECRET.decode() not in str(said)
        assert "2021" not in str(said)

    @pytest.mark.parametrize("case", [*RECORDINGS, "an MP3", "a FLAC", "a WAV", "a video"])
    def test_are_not_changed_by_cleaning_them_again(self, case: str) -> None:
        content, name = CLEANED[case]
        once = cleaned(content, name)
        assert cleaned(once, name) == once

    @pytest.mark.parametrize(
        "case", ["Vorbis", "a WebM", "a Matroska", "an AVI", "a Windows Media video", "a whole MP4"]
    )
    def test_can_be_played_from_any_position_because_nothing_moves(self, case: str) -> None:
        content, name = RECORDINGS[case]
        assert len(cleaned(content, name)) == len(content)

    @given(case=st.sampled_from(sorted(RECORDINGS)), place=st.floats(0, 1), junk=st.binary(max_size=20))
    def test_are_cleaned_or_refused_with_any_bytes_in_them(self, case: str, place: float, junk: bytes) -> None:
        content, name = RECORDINGS[case]
        start = int(place * len(content))
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


class TestTexts:
    def test_keep_what_readers_see(self) -> None:
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

    def test_lose_programs_names_and_sessions(self) -> None:
        text = cleaned(rtf(), "a.rtf")
        assert not re.search(rb"DDE|objdata|info|generator|revtbl|revauth|revdttm|rsid|template|xmlopen|atndate", text)

    def test_images_in_them_stay_images(self) -> None:
        text = cleaned(rtf(), "a.rtf").decode()
        images = [bytes.fromhex(digits) for digits in re.findall("[0-9a-f]{200,}", text)]
        for image in images:
            with Image.open(io.BytesIO(image)) as opened:
                assert opened.size == (60, 40)
                assert not opened.getexif()
        assert [image[:4] for image in images] == [b"\xff\xd8\xff\xe0", b"\x89PNG"]

    def test_a_clean_one_stays_the_same(self) -> None:
        once = cleaned(rb"{\rtf1{\info x}{\pict\pngblip " + revealing_image("PNG").hex().encode() + b"}}", "a.rtf")
        assert cleaned(once, "a.rtf") == once

    @given(st.text(alphabet="{}\\\\*ab0 '\\n", max_size=60))
    def test_are_cleaned_or_refused_with_any_marks(self, marks: str) -> None:
        with contextlib.suppress(ValidationError):
            once = cleaned(rb"{\rtf1 " + marks.encode() + b"}", "a.rtf")
            assert once.replace(rb"\{", b"").replace(rb"\}", b"").count(b"{") >= 1
            assert cleaned(once, "a.rtf") == once


class TestBooks:
    def test_begin_with_their_type_and_keep_only_what_they_list(self) -> None:
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

    def test_lose_their_scripts(self) -> None:
        parts = unpacked(cleaned(epub(), "a.epub"))
        assert b"a.js" not in parts["O/book.opf"]
        page = parts["O/text/page 1.xhtml"]
        assert page.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<!DOCTYPE html>")
        assert b"<body>Text<img" in page
        assert b"alert" not in page

    def test_fonts_that_are_encrypted_with_the_identifier_stay(self) -> None:
        encryption = '<e><m Algorithm="http://www.idpf.org/2008/embedding"/></e>'
        parts = unpacked(cleaned(epub(**{"META-INF/encryption.xml": encryption}), "a.epub"))
        assert b"embedding" in parts["META-INF/encryption.xml"]


class TestArchives:
    def test_contain_the_same_files_cleaned(self) -> None:
        parts = unpacked(cleaned(mixed_zip(), "a.zip"))
        assert [*parts] == ["photos/1.jpg", "report.docx", "book.epub", "talk.ogg", "words.txt"]
        assert parts["words.txt"] == b"Text"
        assert "word/document.xml" in unpacked(parts["report.docx"])
        assert play(parts["talk.ogg"])[1] == [{}, {}]

    def test_say_neither_when_nor_by_whom_they_were_packed(self) -> None:
        with zipfile.ZipFile(io.BytesIO(cleaned(mixed_zip(), "a.zip"))) as archive:
            about = {(entry.date_time, entry.comment, entry.extra) for entry in archive.infolist()}
            assert (about, archive.comment) == ({((1980, 1, 1, 0, 0, 0), b"", b"")}, b"")

    @pytest.mark.parametrize(
        ("case", "reason"),
        [
            ("an archive with a program", "“a.exe” in the archive can't be published. Files of the type “.exe”"),
            ("an archive with a script", "“b.html” in the archive"),
            ("an archive in an archive", "It is an archive itself."),
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

    def test_of_many_files_that_unpack_to_too_much_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("media.cleaners.packages._MAX_UNPACKED", 40_000)
        books = packed({f"{number}.docx": docx(**{"word/x.xml": "x" * 15_000}) for number in range(3)})
        with pytest.raises(ValidationError, match="too large when it is unpacked"):
            cleaned(books, "a.zip")

    def test_links_and_passwords_are_refused(self) -> None:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            link = zipfile.ZipInfo("a.txt")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
        with pytest.raises(ValidationError, match="Its name is unsafe"):
            cleaned(written.getvalue(), "a.zip")
        content = bytearray(packed({"a.txt": "Text"}))
        for header, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            content[content.index(header) + place] |= 1
        with pytest.raises(ValidationError, match="protected by a password"):
            cleaned(bytes(content), "a.zip")


@pytest.mark.parametrize(("extension", "other"), [(".doc", ".docx"), (".xls", ".xlsx"), (".mpg", ".mp4")])
def test_old_formats_are_refused_with_what_to_do(extension: str, other: str) -> None:
    with pytest.raises(ValidationError, match=f"from “{extension}” files. Save it as “{other}” and try again"):
        cleaned(b"", f"a{extension}")
