"""Importing attachments: their metadata, and their files from a folder."""

import datetime as dt
import json
import os
import re
import signal
import sys
import tracemalloc
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from blog.models import Page, Post
from blog.models.redirect import Redirect
from blog.rendering.markups import markups
from media.file_types import CLEANABLE, SAVE_AS
from media.models import Document, Picture
from media.recleaning import uncleaned_documents
from tests.factories import PostFactory
from tests.factories.database import contents
from tests.factories.files import MP4, PDF, SAMPLES, picture, write_files
from tests.factories.hostile_files import CLEANED, reveals
from tests.factories.made_once import CopyDatabase
from tests.factories.programs import run
from tests.factories.reports import counted, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import (
    AWKWARD_PARTS,
    attachment,
    author,
    category,
    export,
    exported,
    filed,
    item,
    items,
    meta,
    page,
    write,
)
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Report
from wordpress.importing.steps import files
from wordpress.importing.undo import undo_run
from wordpress.models import Attachment, ImportRun
from wordpress.wxr.reader import Export
from wordpress.wxr.records import Item

pytestmark = pytest.mark.django_db

HOST = "https://old.example"
UPLOADS = f"{HOST}/wp-content/uploads/"


def stored_files() -> list[str]:
    root = Path(settings.MEDIA_ROOT)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def file_reasons(report: Report) -> dict[int, str]:
    return {remark.id: remark.text for remark in report.skipped if remark.kind == "file"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "export"
    root.mkdir()
    return root


class TestMetadata:
    def test_metadata_is_stored_without_the_file(self, import_parts: ImportParts) -> None:
        report = import_parts(
            attachment(
                30,
                title="A &amp; B",
                excerpt="Below <b>it</b>",
                content="More",
                alt="What &lt; it shows",
                post_parent=7,
                menu_order=2,
            )
        )
        stored = Attachment.objects.get()
        assert (stored.wordpress_id, stored.site, stored.parent, stored.menu_order) == (30, HOST, 7, 2)
        assert (stored.title, stored.caption, stored.alt, stored.description) == (
            "A & B",
            "Below it",
            "What < it shows",
            "More",
        )
        assert stored.uploaded_at == dt.datetime(2014, 3, 1, 9, 30, tzinfo=dt.UTC)
        assert counted(report, "attachment") == {"imported": 1}

    def test_missing_file_is_reported_with_its_url_and_a_reason(self, import_parts: ImportParts) -> None:
        report = import_parts(attachment(30, title="A picture"))
        (skipped,) = report.skipped
        assert (skipped.kind, skipped.id, skipped.title, skipped.url) == (
            "file",
            30,
            "A picture",
            UPLOADS + "2014/03/a.png",
        )
        assert "--media" in skipped.text

    def test_url_is_taken_from_the_guid_in_old_exports(self, import_parts: ImportParts) -> None:
        import_parts(attachment(30, attachment_url="", guid=UPLOADS + "a.png"))
        assert Attachment.objects.get().url == UPLOADS + "a.png"

    def test_url_is_taken_from_the_link_if_it_is_nowhere_else(self, import_parts: ImportParts) -> None:
        import_parts(attachment(30, attachment_url="images/a.png", guid="", link=HOST + "/images/a.png"))
        assert Attachment.objects.get().url == HOST + "/images/a.png"

    @pytest.mark.parametrize(
        "values",
        [
            {"attachment_url": "", "guid": "urn:x"},
            {"attachment_url": "/etc/passwd", "guid": ""},
            {"attachment_url": "file:///etc/passwd", "guid": ""},
            {"attachment_url": HOST + "/?attachment_id=5", "guid": ""},
            {"attachment_url": "https://[/a.png", "guid": ""},
            {"attachment_url": UPLOADS + "a" * 2001 + ".png", "guid": ""},
            {"post_id": 0},
        ],
    )
    def test_attachments_without_a_file_url_or_an_id_are_skipped(
        self, import_parts: ImportParts, values: dict[str, Any]
    ) -> None:
        assert counted(import_parts(attachment(30, **values)), "attachment") == {"skipped": 1}
        assert not Attachment.objects.exists()

    def test_importing_again_changes_nothing(self, import_parts: ImportParts) -> None:
        parts = [attachment(n, f"2014/{n}.png", alt="x") for n in range(1, 4)]
        import_parts(*parts)
        report = import_parts(*parts)
        assert counted(report, "attachment") == {"unchanged": 3}
        assert not report.has_changes

    def test_duplicate_attachments_are_skipped(self, import_parts: ImportParts) -> None:
        report = import_parts(attachment(30), attachment(30))
        assert counted(report, "attachment") == {"imported": 1, "skipped": 1}

    def test_another_file_with_the_same_id_is_reported_and_kept(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        parts = [attachment(30, f"2014/{name}.png", title=name) for name in ("a", "b", "c", "a")]
        report = import_parts(*parts)
        reasons = [remark.text for remark in report.skipped if remark.kind == "attachment"]
        assert reasons == [*["It has no ID of its own."] * 2, "It is in the export twice."]
        found = [each for each in Export(exported(tmp_path), markups).records() if isinstance(each, Item)]
        kept = [(each.id, each.attachment_url) for each in found if each.type == "attachment"]
        assert kept == [(number, f"{UPLOADS}2014/{name}.png") for number, name in ((30, "a"), (0, "b"), (0, "c"))]
        assert not import_parts(*parts).has_changes

    def test_uploader_who_has_written_nothing_is_exported_again(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(attachment(30, creator="Ghost"))
        assert items(exported(tmp_path))["attachment", 30].author == "Ghost"

    def test_query_count_does_not_grow_with_the_number_of_attachments(self, tmp_path: Path) -> None:
        def count_queries(count: int) -> int:
            path = write(tmp_path, export(*(attachment(n, f"{n}.png") for n in range(1, count + 1))))
            Attachment.objects.all().delete()
            queries: list[str] = []

            def record(execute: Any, sql: str, *rest: Any) -> Any:
                queries.append(sql)
                return execute(sql, *rest)

            # The import forgets the queries that Django keeps.
            with connection.execute_wrapper(record):
                import_export([path], dry_run=True)
            return len(queries)

        # One statement more for each thousand parameters or so.
        assert count_queries(300) <= count_queries(3) + 10


class TestFilesInAFolder:
    @pytest.mark.parametrize(
        "place",
        ["2014/03/a.png", "wp-content/uploads/2014/03/a.png", "uploads/2014/03/a.png", "a.png"],
    )
    def test_pictures_are_found_in_common_folder_layouts(
        self, import_parts: ImportParts, folder: Path, place: str
    ) -> None:
        write_files(folder, place)
        report = import_parts(attachment(30, title="T", excerpt="C", alt="What it shows"), media=MediaFolder(folder))
        found = Picture.objects.get()
        assert (found.title, found.caption, found.alt) == ("T", "C", "What it shows")
        assert found.uploaded_at == dt.datetime(2014, 3, 1, 9, 30, tzinfo=dt.UTC)
        assert Attachment.objects.get().picture == found
        assert counted(report, "file") == {"imported": 1}

    @pytest.mark.parametrize(
        ("path", "place"),
        [
            ("blog/wp-content/uploads/2014/03/a.png", "2014/03/a.png"),
            ("blog/wp-content/uploads/2014/03/a.png", "uploads/2014/03/a.png"),
            ("blog/wp-content/uploads/2014/03/a.png", "wp-content/uploads/2014/03/a.png"),
            ("blog/wp-content/uploads/sites/3/2014/03/a.png", "2014/03/a.png"),
            ("blog/wp-content/uploads/sites/3/2014/03/a.png", "sites/3/2014/03/a.png"),
            ("wp-content/uploads/sites/3/2014/03/a.png", "uploads/sites/3/2014/03/a.png"),
            ("blog/files/2014/03/a.png", "2014/03/a.png"),
        ],
    )
    def test_pictures_of_a_blog_in_a_folder_or_network_are_found(
        self, import_parts: ImportParts, folder: Path, path: str, place: str
    ) -> None:
        write_files(folder, place)
        url = f"https://old.example/{path}"
        import_parts(attachment(30, attachment_url=url, guid=url), media=MediaFolder(folder))
        assert Picture.objects.exists()

    def test_pdf_becomes_a_document(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/Report A.pdf")
        import_parts(attachment(30, "2014/03/Report%20A.pdf", title="The report"), media=MediaFolder(folder))
        assert (Document.objects.get().title, Attachment.objects.get().document) == (
            "The report",
            Document.objects.get(),
        )

    @pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
    @pytest.mark.parametrize("in_export", ["NFC", "NFD"])
    @pytest.mark.parametrize("percent", [True, False])
    def test_percent_encoding_and_unicode_normalisation_of_names_do_not_matter(
        self, import_parts: ImportParts, folder: Path, on_disk: Any, in_export: Any, percent: bool
    ) -> None:
        write_files(folder, unicodedata.normalize(on_disk, "2014/03/Cáceres é.png"))
        path = unicodedata.normalize(in_export, "2014/03/Cáceres é.png")
        import_parts(attachment(30, quote(path) if percent else path), media=MediaFolder(folder))
        assert Picture.objects.exists()

    def test_original_replaces_a_missing_scaled_picture(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(attachment(30, "2014/03/a-scaled.png"), media=MediaFolder(folder))
        assert Picture.objects.exists()

    def test_ambiguous_file_names_are_not_guessed(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "a.png")
        report = import_parts(
            attachment(30, "2014/03/a.png"), attachment(31, "2015/03/a.png"), media=MediaFolder(folder)
        )
        assert not Picture.objects.exists()
        assert len(file_reasons(report)) == 2

    @pytest.mark.parametrize(
        ("path", "content", "reason"),
        [
            ("a.png", b"no picture", "not an image"),
            ("a.pdf", b"no document", "not of the type “.pdf”"),
            ("a.png", b"\x89PNG\r\n\x1a\n" + b"\0" * (20 * 1024 * 1024), "larger than"),
            ("a.mp3", b"<!doctype html>", "not of the type “.mp3”"),
            ("a.docx", b"PK", "not of the type “.docx”"),
            ("a.svg", b"<svg/>", "Files with the extension “.svg” can't be published"),
            ("a.html", b"<p>", "Files with the extension “.html” can't be published"),
            ("a.php", b"<?php", "Files with the extension “.php” can't be published"),
            ("a.mp4.exe", b"MZ", "Files with the extension “.exe” can't be published"),
        ],
    )
    def test_files_that_the_media_library_rejects_are_reported(
        self, import_parts: ImportParts, folder: Path, path: str, content: bytes, reason: str
    ) -> None:
        write_files(folder, path, content=content)
        assert reason in file_reasons(import_parts(attachment(30, path), media=MediaFolder(folder)))[30]
        assert stored_files() == []

    def test_missing_file_is_reported_and_imported_by_a_later_run(
        self, import_parts: ImportParts, folder: Path
    ) -> None:
        parts = [attachment(30, "2014/a.png"), attachment(31, "2014/b.png")]
        write_files(folder, "2014/a.png")
        first = import_parts(*parts, media=MediaFolder(folder))
        assert file_reasons(first) == {31: "It is not in the folder."}
        write_files(folder, "2014/b.png")
        second = import_parts(*parts, media=MediaFolder(folder))
        assert counted(second, "file") == {"unchanged": 1, "imported": 1}
        third = import_parts(*parts, media=MediaFolder(folder))
        assert counted(third, "file") == {"unchanged": 2}
        assert not third.has_changes
        assert len(stored_files()) == 2

    def test_dry_run_imports_no_files(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(attachment(30), media=MediaFolder(folder), dry_run=True)
        assert not Picture.objects.exists()
        assert stored_files() == []

    def test_changed_texts_update_the_picture(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(attachment(30, title="One", alt="x"), media=MediaFolder(folder))
        report = import_parts(attachment(30, title="Two", alt="y"))
        assert (Picture.objects.get().title, Picture.objects.get().alt) == ("Two", "y")
        assert counted(report, "attachment") == {"updated": 1}

    def test_texts_that_were_changed_here_are_kept(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(attachment(30, title="One", alt="x"), media=MediaFolder(folder))
        Picture.objects.update(title="Mine")
        report = import_parts(attachment(30, title="Two", alt="y"))
        assert (Picture.objects.get().title, Picture.objects.get().alt) == ("Mine", "y")
        assert "changed in the export and here" in remarks(report)[0]

    def test_uploader_is_kept(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(item(7), attachment(30), media=MediaFolder(folder))
        assert str(Picture.objects.get().uploaded_by) == "Anna A."


class TestDocuments:
    """Documents, audio and video are imported without their metadata, or left out if it can't be removed."""

    IDS = dict(enumerate(SAMPLES, 30))
    PARTS = tuple(attachment(wordpress_id, f"2014/03/a{ending}") for wordpress_id, ending in IDS.items())

    @pytest.fixture
    def report(self, import_parts: ImportParts, folder: Path) -> Report:
        write_files(folder, *(f"2014/03/a{ending}" for ending in SAMPLES))
        return import_parts(*self.PARTS, media=MediaFolder(folder))

    def test_old_urls_redirect_to_the_files(self, report: Report, client: Client) -> None:
        for wordpress_id, ending in self.IDS.items():
            if ending in CLEANABLE:
                document = Document.objects.get(attachments__wordpress_id=wordpress_id)
                assert document.uncleaned_because == ""
                assert Path(document.file.url).suffix == ending
                assert document.size == Path(settings.MEDIA_ROOT, str(document.file.name)).stat().st_size
                response = client.get(f"/wp-content/uploads/2014/03/a{ending}")
                assert (response.status_code, response.headers["Location"]) == (301, document.file.url)

    def test_files_that_cannot_be_cleaned_are_left_out_with_advice(self, report: Report) -> None:
        reasons = file_reasons(report)
        assert {self.IDS[wordpress_id] for wordpress_id in reasons} == SAVE_AS.keys()
        assert Document.objects.count() == len(stored_files()) == len(CLEANABLE)
        (reason,) = (reason for wordpress_id, reason in reasons.items() if self.IDS[wordpress_id] == ".doc")
        assert reason == (
            "Names and places can't be removed from “.doc” files. Save it as “.docx” and try again. It was left out, "
            "because it may name people and places. Upload it in another format and redirect its URL there, or set "
            "IMPORT_UNCLEANED_FILES=1 and import again."
        )

    def test_owners_can_import_them_uncleaned_and_are_reminded_of_them(
        self, import_parts: ImportParts, folder: Path, settings: Settings
    ) -> None:
        settings.BROADSIDE_IMPORT_UNCLEANED_FILES = True
        write_files(folder, *(f"2014/03/a{ending}" for ending in SAMPLES))
        report = import_parts(*self.PARTS, media=MediaFolder(folder))
        assert file_reasons(report) == {}
        expected = (
            "6 files can't be cleaned and were imported as they are. Names, places and devices noted in them were not "
            "removed: a.mpg, a.mpeg, a.doc, a.xls, a.ppt, a.pps"
        )
        assert report.warnings == [expected]
        uncleaned = uncleaned_documents()
        assert {Path(str(document.file.name)).suffix for document in uncleaned} == SAVE_AS.keys()
        for document in uncleaned:
            with document.file.open() as file:
                assert file.read() == SAMPLES[Path(str(document.file.name)).suffix]
            assert document.uncleaned_because.startswith("Names and places can't be removed")
        again = import_parts(*self.PARTS)
        assert not again.has_changes
        assert not again.warnings

    def test_files_whose_content_does_not_match_their_name_are_always_left_out(
        self, import_parts: ImportParts, folder: Path, settings: Settings
    ) -> None:
        settings.BROADSIDE_IMPORT_UNCLEANED_FILES = True
        write_files(folder, "2014/03/a.doc", content=b"<html>")
        (reason,) = file_reasons(import_parts(attachment(30, "2014/03/a.doc"), media=MediaFolder(folder))).values()
        assert "not of the type “.doc”" in reason
        assert "IMPORT_UNCLEANED_FILES" not in reason

    @pytest.mark.parametrize("case", ["Opus", "a video", "a PDF", "a Word file", "an OpenDocument text", "an EPUB"])
    def test_documents_lose_their_metadata(self, import_parts: ImportParts, folder: Path, case: str) -> None:
        content, name = CLEANED[case]
        write_files(folder, name, content=content)
        report = import_parts(attachment(30, name), media=MediaFolder(folder))
        (path,) = stored_files()
        stored = Path(settings.MEDIA_ROOT, path).read_bytes()
        assert reveals(content)
        assert not reveals(stored)
        assert not report.warnings

    def test_temporary_copies_are_deleted(self, report: Report) -> None:
        assert [path for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir() if path.is_file()] == []
        assert len(stored_files()) == len(CLEANABLE)

    def test_file_that_is_too_large_is_reported_with_the_setting(
        self, import_parts: ImportParts, folder: Path, settings: Settings
    ) -> None:
        settings.BROADSIDE_IMPORT_FILE_MAX_BYTES = len(MP4)
        write_files(folder, "a.mp4")
        write_files(folder, "b.mp4", content=MP4 + b"x")
        report = import_parts(attachment(30, "a.mp4"), attachment(31, "b.mp4"), media=MediaFolder(folder))
        (reason,) = file_reasons(report).values()
        assert (
            reason
            == f"It is larger than {len(MP4)}\xa0bytes. Set IMPORT_FILE_MAX_MB to a higher value and import again."
        )
        assert len(stored_files()) == 1

    def test_large_video_is_never_loaded_into_memory_as_a_whole(self, import_parts: ImportParts, folder: Path) -> None:
        with (folder / "a.mp4").open("wb") as video:
            video.write(MP4)
            video.truncate(40_000_000)
        tracemalloc.start()
        import_parts(attachment(30, "a.mp4"), media=MediaFolder(folder))
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert Document.objects.get().size == 40_000_000
        assert peak < 20_000_000

    def test_file_names_are_made_safe(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/shell.php.MP3", content=SAMPLES[".mp3"])
        import_parts(attachment(30, "2014/shell.php.MP3"), media=MediaFolder(folder))
        assert Path(Document.objects.get().file.url).name == "shell-php.mp3"


class TestHostileFolders:
    def test_symbolic_links_are_not_followed(self, import_parts: ImportParts, folder: Path, tmp_path: Path) -> None:
        write_files(tmp_path / "elsewhere", "secret.png")
        (folder / "2014").mkdir()
        (folder / "2014" / "a.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
        (folder / "2015").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        report = import_parts(
            attachment(30, "2014/a.png"), attachment(31, "2015/secret.png"), media=MediaFolder(folder)
        )
        assert len(file_reasons(report)) == 2
        assert not Picture.objects.exists()

    def test_pipes_are_not_opened(self, import_parts: ImportParts, folder: Path) -> None:
        os.mkfifo(folder / "a.png")
        assert 30 in file_reasons(import_parts(attachment(30, "a.png"), media=MediaFolder(folder)))

    @pytest.mark.parametrize(
        "path",
        [
            "../secret.png",
            "../../../../../../etc/passwd.png",
            "%2e%2e/secret.png",
            "..%2fsecret.png",
            "2014/..%5c..%5csecret.png",
            "a%00.png",
            "a" * 600 + ".png",
        ],
    )
    def test_paths_cannot_lead_out_of_the_folder(self, import_parts: ImportParts, folder: Path, path: str) -> None:
        write_files(folder.parent, "secret.png")
        import_parts(attachment(30, path), media=MediaFolder(folder))
        assert not Picture.objects.exists()

    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
    @given(path=st.text(max_size=60))
    def test_any_file_name_can_be_imported_or_reported(
        self, import_parts: ImportParts, folder: Path, path: str
    ) -> None:
        clean = "".join(character for character in path if character.isprintable())
        report = import_parts(attachment(30, clean + ".png"), media=MediaFolder(folder))
        assert report.counts["attachment"].total() == 1


class InterruptingFolder:
    """A media folder that interrupts the import after `count` files."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._left = MediaFolder(folder), count

    def open(self, attachment: Attachment) -> Any:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return self._folder.open(attachment)


class TestInterruptions:
    PARTS = tuple(attachment(n, f"2014/{n}.png", title=f"T{n}") for n in range(1, 5))

    @pytest.fixture
    def full(self, folder: Path) -> Path:
        return write_files(folder, *(f"2014/{n}.png" for n in range(1, 5)))

    def test_interrupted_import_continues_with_the_remaining_files(self, import_parts: ImportParts, full: Path) -> None:
        report = import_parts(*self.PARTS, media=InterruptingFolder(full, 2))
        assert report.interrupted
        assert counted(report, "file") == {"imported": 2}
        assert "2 files have not been imported yet" in report.warnings[0]
        again = import_parts(*self.PARTS, media=MediaFolder(full))
        assert counted(again, "file") == {"unchanged": 2, "imported": 2}
        assert len(stored_files()) == Picture.objects.count() == 4

    def test_error_while_storing_leaves_no_file_behind(
        self, import_parts: ImportParts, full: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(attachments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "redirect_to_files", fail)
        report = import_parts(*self.PARTS, media=MediaFolder(full))
        assert "No space left" in file_reasons(report)[1]
        assert not Picture.objects.exists()
        assert stored_files() == []

    def test_files_left_by_a_crash_are_deleted(self, import_parts: ImportParts, full: Path) -> None:
        import_parts(*self.PARTS)
        left = write_files(Path(settings.MEDIA_ROOT), "pictures/2026/01/left.png")
        Attachment.objects.filter(wordpress_id=2).update(writing="pictures/2026/01/left.png")
        import_parts(*self.PARTS, media=MediaFolder(full))
        assert not (left / "pictures/2026/01/left.png").exists()
        assert len(stored_files()) == Picture.objects.count() == 4
        assert not Attachment.objects.exclude(writing="").exists()

    def test_files_in_use_are_not_deleted_as_leftovers(self, import_parts: ImportParts, full: Path) -> None:
        import_parts(*self.PARTS, media=MediaFolder(full))
        Attachment.objects.filter(wordpress_id=2).update(writing=str(Picture.objects.all()[0].file.name))
        import_parts(*self.PARTS)
        assert len(stored_files()) == 4

    def test_concurrent_imports_store_a_file_only_once(self, import_parts: ImportParts, full: Path) -> None:
        class Rival:
            """A media folder that lets another import claim the file while this one reads it."""

            def open(self, attachment: Attachment) -> Any:
                return _while_another_writes(MediaFolder(full), attachment)

        report = import_parts(attachment(1, "2014/1.png"), media=Rival())
        assert counted(report, "file") == {"imported": 1}

    def test_next_run_renders_texts_that_the_interrupted_one_did_not(
        self, import_parts: ImportParts, full: Path
    ) -> None:
        parts = (item(7, content=f'<img src="{UPLOADS}2014/1.png">'), *self.PARTS)
        import_parts(*parts, media=InterruptingFolder(full, 1))
        assert "/media/" not in Post.objects.get().body_html
        import_parts(*parts)
        assert Picture.objects.get().file.url in Post.objects.get().body_html

    def test_import_killed_at_any_step_has_the_same_result_when_repeated(
        self, tmp_path: Path, copy_database: CopyDatabase
    ) -> None:
        """The process is really killed, as when memory runs out (tests.wordpress.killing)."""
        copy_database(tmp_path)
        paths = ["2014/1.png", "2014/2.png", "2014/3.pdf"]
        for number, path in enumerate(paths):
            write_files(tmp_path / "files", path, content=PDF if number == 2 else picture(size=(40, 30 + number)))
        shown = item(7, content=f'<img src="{UPLOADS}{paths[0]}">', inside=[meta("_thumbnail_id", "2")])
        files = [attachment(n, path) for n, path in enumerate(paths, 1)]
        to_url = [filed("nav_menu", "m"), meta("_menu_item_type", "custom"), meta("_menu_item_url", "/x/")]
        menu = item(60, title="Menu", post_type="nav_menu_item", inside=to_url)
        write(tmp_path, export(*AWKWARD_PARTS, shown, menu, *files))
        code = f"from pathlib import Path; from tests.wordpress.killing import main; main(Path({str(tmp_path)!r}), 12)"
        ran = run(tmp_path, code, SECRET_KEY="x" * 60, SITE_URL="https://example.org")
        assert ran.returncode == 0, ran.stderr
        # Contains the seed of the random moments, and is shown if the test fails.
        sys.stderr.write(ran.stderr)
        result = json.loads(ran.stdout)
        undisturbed = result["undisturbed"]
        assert len(undisturbed["files"]) == 3
        assert {kill["signal"] for kill in result["deaths"]} == {signal.SIGKILL}
        # The imports were also killed in the middle of writing, not only before and after.
        assert len({kill["partial"] for kill in result["deaths"]}) > 4
        for kill in result["deaths"]:
            assert (kill["rows"], kill["files"]) == (undisturbed["rows"], undisturbed["files"])
            # The content version has changed, or readers would still see pages without pictures.
            assert kill["version"] > result["before"]["version"]


def _while_another_writes(folder: MediaFolder, attachment: Attachment) -> Any:
    Attachment.objects.filter(pk=attachment.pk).update(writing="pictures/other.png")
    return folder.open(attachment)


class TestURLs:
    @pytest.fixture
    def picture_url(self, import_parts: ImportParts, folder: Path) -> str:
        write_files(folder, "2014/03/a.png", "2014/03/big.png")
        import_parts(
            item(7),
            attachment(30, post_parent=7),
            attachment(31, "2014/03/big-scaled.png"),
            media=MediaFolder(folder),
        )
        return str(Attachment.objects.get(wordpress_id=30).file_url)

    @pytest.mark.parametrize(
        "url",
        [
            "/wp-content/uploads/2014/03/a.png",
            "/wp-content/uploads/2014/03/a-300x200.png?w=300",
            "/wp-content/uploads/2014/03/a-scaled.png",
            "/2014/03/a.png?w=300&h=200",
            "/files/2014/03/a.png",
            "/?attachment_id=30",
            "/?p=30",
        ],
    )
    def test_old_file_urls_redirect_to_the_file(self, client: Client, picture_url: str, url: str) -> None:
        response = client.get(url)
        assert (response.status_code, response.headers["Location"]) == (301, picture_url)

    @pytest.mark.parametrize("name", ["big.png", "big-scaled.png", "big-1024x768.png"])
    def test_urls_of_all_sizes_redirect_to_the_scaled_file(self, client: Client, picture_url: str, name: str) -> None:
        location = client.get(f"/wp-content/uploads/2014/03/{name}").headers["Location"]
        assert location == Attachment.objects.get(wordpress_id=31).file_url

    def test_attachment_page_redirects_to_the_file(
        self, client: Client, import_parts: ImportParts, folder: Path
    ) -> None:
        write_files(folder, "2014/03/a.png")
        part = attachment(30).replace("<link>https://old.example/</link>", f"<link>{HOST}/2014/03/01/post-7/a/</link>")
        import_parts(part, media=MediaFolder(folder))
        assert client.get("/2014/03/01/post-7/a/").headers["Location"] == Picture.objects.get().file.url

    def test_urls_of_a_missing_file_redirect_to_its_post(self, client: Client, import_parts: ImportParts) -> None:
        part = attachment(30, post_parent=7).replace(
            "<link>https://old.example/</link>", f"<link>{HOST}/2014/03/01/post-7/a/</link>"
        )
        import_parts(item(7), part)
        for url in ("/?attachment_id=30", "/2014/03/01/post-7/a/"):
            assert client.get(url).headers["Location"] == "/2014/03/01/post-7/"

    @pytest.mark.parametrize(
        "shown",
        [
            {"content": '<img src="https://old.example/wp-content/uploads/2014/03/a-300x200.png">'},
            {"content": '[gallery ids="30"]'},
            {"inside": [meta("_thumbnail_id", "30")]},
        ],
    )
    def test_urls_of_a_missing_file_without_a_post_redirect_to_a_public_one_that_shows_it(
        self, client: Client, import_parts: ImportParts, folder: Path, shown: dict[str, Any]
    ) -> None:
        parts = (
            item(6, status="draft", **shown),
            item(7, **shown),
            attachment(30, link=f"{HOST}/a/"),
            attachment(31, "2014/03/b.png", link=f"{HOST}/b/"),
        )
        first = import_parts(*parts).run or 0
        for url in ("/?attachment_id=30", "/a/"):
            assert client.get(url).headers["Location"] == "/2014/03/01/post-7/"
        for url in ("/?attachment_id=31", "/b/"):
            assert client.get(url).status_code == 404
        before = contents()
        assert not import_parts(*parts).has_changes
        assert contents() == before
        write_files(folder, "2014/03/a.png")
        import_parts(*parts, media=MediaFolder(folder))
        for url in ("/?attachment_id=30", "/a/"):
            assert client.get(url).headers["Location"] == Picture.objects.get().file.url
        undo_run(ImportRun.objects.get(pk=first))
        assert not Post.objects.exists()

    def test_urls_of_a_missing_file_lead_to_the_first_post_that_shows_it_in_whatever_order_they_are_exported(
        self, client: Client, import_parts: ImportParts
    ) -> None:
        posts = [item(number, content='[gallery ids="30"]') for number in range(16, 6, -1)]
        import_parts(*posts, attachment(30))
        assert client.get("/?p=30").headers["Location"] == "/2014/03/01/post-7/"

    def test_urls_of_a_deleted_picture_are_not_found(self, client: Client, picture_url: str) -> None:
        for found in Picture.objects.all():
            found.delete()
        assert client.get("/wp-content/uploads/2014/03/a.png").status_code == 404
        assert Attachment.objects.get(wordpress_id=30).file_url == ""

    def test_url_with_an_id_redirects_to_the_site_imported_first(
        self, client: Client, import_parts: ImportParts, folder: Path
    ) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(item(30))
        import_parts(attachment(30), media=MediaFolder(folder), site="https://other.example")
        assert client.get("/?p=30").headers["Location"] == "/2014/03/01/post-30/"

    def test_post_with_a_new_id_is_found_by_its_old_id(self, client: Client, import_parts: ImportParts) -> None:
        PostFactory(pk=7, slug="mine")
        import_parts(item(7, post_name="theirs"))
        assert client.get("/?p=7").headers["Location"] == "/2014/03/01/theirs/"

    def test_categories_and_authors_are_found_by_their_old_ids(self, client: Client, import_parts: ImportParts) -> None:
        import_parts(category("news", id=4711), item(7), authors=[author(id=4712)])
        assert client.get("/?cat=4711").headers["Location"] == "/category/news/"
        assert client.get("/?author=4712").headers["Location"] == "/author/anna/"
        before = list(Redirect.objects.values())
        import_parts(category("news", id=4711), item(7), authors=[author(id=4712)])
        assert list(Redirect.objects.values()) == before


class TestFilesOfAnotherBroadside:
    PICTURE = f"/media/pictures/2025/03/{'a0' * 16}.png"
    DOCUMENT = "/media/documents/2025/03/0123456789ab/report.pdf"

    def import_file(self, import_parts: ImportParts, folder: Path, path: str, site: str = HOST, **values: Any) -> None:
        write_files(folder, path.removeprefix("/media/"))
        parts = (
            item(7, content=f'<a href="{site}{path}">It</a>'),
            attachment(30, attachment_url=site + path, **values),
        )
        import_parts(*parts, media=MediaFolder(folder))

    @pytest.mark.parametrize("site", [HOST, "http://testserver"])
    @pytest.mark.parametrize("path", [PICTURE, DOCUMENT])
    def test_keep_their_urls(
        self, client: Client, import_parts: ImportParts, folder: Path, settings: Settings, site: str, path: str
    ) -> None:
        settings.SITE_HOST = "testserver"
        self.import_file(import_parts, folder, path, site)
        # Read, so that it is closed.
        assert client.get(path).getvalue()
        assert f'href="{path}"' in Post.objects.get().body_html.replace("http://testserver", "")

    @pytest.mark.parametrize("site", [HOST, "http://testserver", ""])
    def test_pictures_are_shown_in_texts(
        self, client: Client, import_parts: ImportParts, folder: Path, settings: Settings, site: str
    ) -> None:
        settings.SITE_HOST, settings.SITE_URL = "testserver", "http://testserver"
        write_files(folder, self.PICTURE.removeprefix("/media/"))
        shown = item(7, content=f'<img src="{site}{self.PICTURE}">')
        import_parts(shown, attachment(30, attachment_url=HOST + self.PICTURE), media=MediaFolder(folder))
        shown_html = client.get(Post.objects.get().get_absolute_url()).content.decode()
        # Only the library knows the dimensions.
        assert re.search(rf'<img src="{site.removeprefix(HOST)}{self.PICTURE}"[^>]* width="', shown_html)

    @pytest.mark.parametrize(
        "path",
        [
            "/media/pictures/2025/03/a.png",
            f"/media/pictures/2025/{'a0' * 16}.png",
            f"/media/pictures/2025/03/{'a0' * 16}.jpg",
            f"/blog/media/pictures/2025/03/{'a0' * 16}.png",
            "/media/documents/2025/03/report.pdf",
            "/media/documents/2025/03/0123456789ab/%2E%2E/report.pdf",
            "/media/documents/2025/03/0123456789ab/Report.pdf",
            f"/media/documents/2025/03/0123456789ab/{'long' * 20}.pdf",
            "/media/renditions/0123456789ab/report.pdf",
        ],
    )
    def test_get_new_names_if_theirs_are_not_those_of_broadside(
        self, import_parts: ImportParts, folder: Path, path: str
    ) -> None:
        write_files(folder, path.rpartition("/")[2])
        import_parts(attachment(30, attachment_url=HOST + path), media=MediaFolder(folder))
        (stored,) = stored_files()
        assert f"/media/{stored}" != path
        assert f"{timezone.now():%Y/%m}/" in stored

    @pytest.mark.parametrize("path", [PICTURE, DOCUMENT])
    def test_never_replace_other_files(self, import_parts: ImportParts, folder: Path, path: str) -> None:
        name = path.removeprefix("/media/")
        default_storage.save(name, ContentFile(b"other"))
        self.import_file(import_parts, folder, path)
        with default_storage.open(name) as file:
            assert file.read() == b"other"
        assert len(stored_files()) == 2


class TestFeaturedImages:
    PARTS = (
        # Of several fields, WordPress uses the first.
        item(7, inside=[meta("_thumbnail_id", "30"), meta("_thumbnail_id", "99")]),
        page(20, inside=[meta("_thumbnail_id", "30")]),
        attachment(30, alt="Alt"),
    )

    def test_featured_images_are_set_once_their_files_are_imported(
        self, import_parts: ImportParts, folder: Path
    ) -> None:
        report = import_parts(*self.PARTS)
        assert Post.objects.get().featured_picture is None
        notes = [note for note in report.notes if "featured image" in note.text]
        assert {note.url for note in notes} == {Attachment.objects.get().url}
        assert len(notes) == 2
        write_files(folder, "2014/03/a.png")
        import_parts(*self.PARTS, media=MediaFolder(folder))
        assert Post.objects.get().featured_picture == Page.objects.get().featured_picture == Picture.objects.get()

    def test_ids_may_have_as_many_digits_as_other_programs_use(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        long = 123_456_789_012_345_678
        parts = (item(7, inside=[meta("_thumbnail_id", str(long))]), attachment(long, alt="Alt"))
        import_parts(*parts, media=MediaFolder(folder))
        assert Post.objects.get().featured_picture == Picture.objects.get()

    def test_importing_again_notes_nothing(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(*self.PARTS, media=MediaFolder(folder))
        report = import_parts(*self.PARTS)
        assert not report.has_changes
        assert not report.notes

    def test_changed_featured_image_replaces_the_old_one(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png", "2014/03/b.png")
        import_parts(*self.PARTS, media=MediaFolder(folder))
        report = import_parts(
            item(7, inside=[meta("_thumbnail_id", "31")]),
            attachment(30, alt="Alt"),
            attachment(31, "2014/03/b.png"),
            media=MediaFolder(folder),
        )
        assert counted(report, "post") == {"updated": 1}
        assert Post.objects.get().featured_picture == Attachment.objects.get(wordpress_id=31).picture

    def test_removed_featured_image_is_removed_here(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(*self.PARTS, media=MediaFolder(folder))
        import_parts(item(7))
        assert Post.objects.get().featured_picture is None

    def test_featured_image_chosen_here_is_kept(self, import_parts: ImportParts, folder: Path) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(*self.PARTS)
        mine = Picture.objects.create(file="pictures/mine.png", width=1, height=1)
        Post.objects.update(featured_picture=mine)
        import_parts(*self.PARTS, media=MediaFolder(folder))
        assert Post.objects.get().featured_picture == mine

    def test_featured_image_is_shown_and_part_of_the_open_graph_metadata(
        self, import_parts: ImportParts, folder: Path, client: Client
    ) -> None:
        write_files(folder, "2014/03/a.png")
        import_parts(*self.PARTS, media=MediaFolder(folder))
        url = Picture.objects.get().file.url
        for path in ("/2014/03/01/post-7/", "/page-20/"):
            html = client.get(path).content.decode()
            assert f'src="{url}"' in html
            assert 'alt="Alt"' in html
            assert f'<meta property="og:image" content="http://testserver{url}">' in html

    def test_post_without_a_featured_image_shows_none(self, import_parts: ImportParts, client: Client) -> None:
        import_parts(item(7))
        html = client.get("/2014/03/01/post-7/").content.decode()
        assert "og:image" not in html
        assert "featured-picture" not in html


def test_reading_a_file_never_writes_to_it(folder: Path, import_parts: ImportParts) -> None:
    write_files(folder, "2014/03/a.png", content=picture("PNG"))
    before = (folder / "2014/03/a.png").read_bytes()
    import_parts(attachment(30), media=MediaFolder(folder))
    assert (folder / "2014/03/a.png").read_bytes() == before


def test_files_are_read_from_their_start(folder: Path) -> None:
    write_files(folder, "a.pdf")
    with MediaFolder(folder).open(Attachment(path="/wp-content/uploads/a.pdf")) as file:
        assert file.read() == PDF
