"""The types of files that can be published. The name of a file and its content must match."""

import io
from pathlib import PurePath

import pytest
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from media.documents import build_uncleaned_document
from media.file_types import FILE_TYPES, check_type, file_type_of
from tests.factories.files import MP3, MP4, OLE, PDF, SAMPLES, ZIP, wav
from tests.factories.responses import fetch

HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
PHP = b"<?php system($_GET['c']); ?>"
HEADERS = ("Content-Type", "Content-Disposition", "X-Content-Type-Options", "Content-Security-Policy")
INLINE = {".pdf", ".mp3", ".m4a", ".ogg", ".oga", ".opus", ".wav", ".flac", ".mp4", ".m4v", ".webm", ".ogv", ".mov"}


def is_accepted(name: str, content: bytes) -> bool:
    try:
        check_type(ContentFile(content), PurePath(name).suffix)
    except ValidationError:
        return False
    return True


def accepted_extensions(content: bytes) -> set[str]:
    """Return the extensions with which a file with this content is accepted."""
    return {extension for extension in FILE_TYPES if is_accepted(f"a{extension}", content)}


class TestEachType:
    def test_has_a_sample(self) -> None:
        assert SAMPLES.keys() == FILE_TYPES.keys()

    @pytest.mark.parametrize("extension", FILE_TYPES)
    def test_is_accepted_unchanged_with_a_safe_name(self, extension: str) -> None:
        upload = ContentFile(SAMPLES[extension], name=f"Our <Talk> (2014){extension.upper()}")
        document = build_uncleaned_document(upload, "It is tested.")
        assert (document.title, document.file.name) == ("Our <Talk> (2014)", f"our-talk-2014{extension}")
        assert document.file.read() == SAMPLES[extension]

    @pytest.mark.parametrize(
        ("extension", "also"),
        [
            *((extension, set()) for extension in (".wav", ".flac", ".webm", ".mkv", ".avi", ".wmv")),
            (".pdf", set()),
            (".mp3", set()),
            (".ogg", {".oga", ".opus", ".ogv"}),
            # MP4 is derived from QuickTime and starts in the same way.
            (".mp4", {".m4a", ".m4v", ".3gp", ".3g2", ".mov"}),
            (".mpg", {".mpeg"}),
            # RTF is plain text, and Word also saved it as `.doc`.
            (".rtf", {".doc", ".txt", ".csv"}),
            (".doc", {".xls", ".ppt", ".pps"}),
            (".zip", {".docx", ".xlsx", ".pptx", ".ppsx", ".odt", ".ods", ".odp", ".epub"}),
            (".txt", {".csv"}),
        ],
    )
    def test_is_recognised_by_its_first_bytes(self, extension: str, also: set[str]) -> None:
        assert accepted_extensions(SAMPLES[extension]) - {".txt", ".csv"} == ({extension} | also) - {".txt", ".csv"}

    @given(content=st.binary(max_size=300))
    def test_can_be_checked_against_any_content(self, content: bytes) -> None:
        for extension, file_type in FILE_TYPES.items():
            assert file_type.matches(io.BytesIO(content)) in {True, False}, extension


class TestInvalidFiles:
    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(bytes(600), id="zeros"),
            pytest.param(b"MZ\x90\x00" + ZIP, id="program followed by an archive"),
            pytest.param(b"GIF89a/*\x00" + ZIP, id="picture followed by an archive"),
            pytest.param(HTML + b"\x00" + MP3 + MP4 + PDF + ZIP, id="page before all other types"),
            pytest.param(b"\xff\xfe" + HTML.decode().encode("utf-16-le"), id="page in UTF-16"),
            pytest.param(b"\x00" + SAMPLES[".wav"], id="a byte before it"),
            pytest.param(b"RIFF\x24\x00\x00\x00WEBPVP8 ", id="picture that starts like audio"),
        ],
    )
    def test_unknown_first_bytes_are_rejected(self, content: bytes) -> None:
        assert accepted_extensions(content) == set()

    @pytest.mark.parametrize("content", [HTML, SVG, PHP, b"words", b"ID3" + HTML, b"OggS" + HTML, b"<htmfree" + HTML])
    def test_text_with_another_extension_is_rejected(self, content: bytes) -> None:
        # An HTML page named `.txt` is text, and is never served as anything else.
        assert accepted_extensions(content) == {".txt", ".csv"}

    @pytest.mark.parametrize(
        "name", ["a.svg", "a.html", "a.xhtml", "a.php", "a.js", "a.exe", "a.mp3.html", "mp3", "a.", ".mp3", ""]
    )
    def test_other_extensions_are_rejected_with_any_content(self, name: str) -> None:
        for content in (MP3, PDF, ZIP):
            assert not is_accepted(name, content)
        assert file_type_of(name) is None

    @pytest.mark.parametrize("extension", [".docx", ".odt", ".epub", ".zip"])
    @pytest.mark.parametrize(
        "content", [ZIP[:-30], ZIP[:4], b"PK\x05\x06" + bytes(18)], ids=["cut off", "its start", "empty"]
    )
    def test_broken_archives_are_rejected(self, extension: str, content: bytes) -> None:
        assert not is_accepted(f"a{extension}", content)

    @pytest.mark.parametrize("content", [b"a\x00b", b"a\x01b", b"a" * 200_000 + b"\x00", PDF + b"\x00"])
    def test_text_with_control_characters_is_rejected(self, content: bytes) -> None:
        assert not is_accepted("a.txt", content)


class TestValidFiles:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "iso-8859-1"])
    def test_text_in_any_common_encoding_is_accepted(self, encoding: str) -> None:
        assert is_accepted("a.txt", "Défenseurs\r\n\tdes droits\f".encode(encoding))

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.pdf", b"\xef\xbb\xbf\r\n" + PDF),
            ("a.mp3", b"ID3\x03\x00\x00\x00\x00\x0f\x76" + bytes(20) + MP3),
            ("a.mp3", b"\xff\xf3\x84\xc4" + bytes(400)),
            ("a.mov", b"\x00\x00\x00\x08wide\x1d\x00\x00\x00mdat"),
            ("a.mov", b"\x00\x00\x20\x00moov\x00\x00\x00\x6cmvhd"),
            ("a.doc", SAMPLES[".rtf"]),
        ],
    )
    def test_alternative_first_bytes_are_accepted(self, name: str, content: bytes) -> None:
        assert is_accepted(name, content)

    def test_large_files_are_not_read_completely(self) -> None:
        read = 0

        class Watched(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                nonlocal read
                content = super().read(size)
                read += len(content)
                return content

        for name in ("a.mp4", "a.wav", "a.doc", "a.pdf", "a.zip"):
            start = {"a.wav": wav(), "a.doc": OLE, "a.pdf": PDF, "a.zip": ZIP}.get(name, MP4)
            content = start + bytes(3_000_000) + (start if name in {"a.pdf", "a.zip"} else b"")
            check_type(File(Watched(content)), PurePath(name).suffix)
        assert read < 200_000


@pytest.mark.django_db
def test_each_type_is_served_as_listed(client: Client) -> None:
    inert, player = (
        "sandbox; default-src 'none'",
        "sandbox allow-same-origin; default-src 'none'; media-src 'self'",
    )
    for extension, file_type in FILE_TYPES.items():
        default_storage.save(f"a{extension}", ContentFile(SAMPLES[extension]))
        response = fetch(client, f"/media/a{extension}")
        assert response.body == SAMPLES[extension]
        assert {name: response.headers[name] for name in HEADERS} == {
            "Content-Type": file_type.media_type,
            "Content-Disposition": f'{"inline" if extension in INLINE else "attachment"}; filename="a{extension}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": player if extension in INLINE - {".pdf"} else inert,
        }


def test_browsers_run_none_of_the_types() -> None:
    for file_type in FILE_TYPES.values():
        assert not any(word in file_type.media_type for word in ("html", "svg", "javascript", "+xml"))
