"""`manage.py import_wordpress`: its options and its output."""

import contextlib
import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from blog.models import Post
from comments.models import Comment
from core.updating import GateError, closed
from tests.factories import UserFactory
from tests.factories.files import write_files
from tests.factories.wxr import attachment, author, comment, export, item, meta, page, term, write
from wordpress.importing.media_source import MediaFolder
from wordpress.management.commands import import_wordpress
from wordpress.models import ImportRun
from wordpress.wxr import archives
from wordpress.wxr.archives import unpacked
from wordpress.wxr.repair import InvalidExportError

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*files: Path, stderr: io.StringIO | None = None, **options: object) -> str:
    out = io.StringIO()
    call_command("import_wordpress", *map(str, files), stdout=out, stderr=stderr or io.StringIO(), **options)
    return out.getvalue()


class TestReport:
    def test_table_counts_the_outcomes(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(term("nav_menu", "m"), item(7, inside=[comment(1)]), item(8), page(20)))
        lines = [line.split() for line in run(path).splitlines()]
        assert ["imported", "updated", "unchanged", "skipped"] in lines
        assert ["post", "2", "0", "0", "0"] in lines
        assert ["page", "1", "0", "0", "0"] in lines
        assert ["comment", "1", "0", "0", "0"] in lines
        assert ["other", "grouping", "0", "0", "0", "1"] in lines

    def test_reasons_and_changes_are_listed(self, tmp_path: Path) -> None:
        attachments = [item(n, post_type="attachment") for n in (30, 31)]
        attachments.append(attachment(32, attachment_url="https://old.example/photo-16?w=300", guid=""))
        out = run(write(tmp_path, export(item(7, title="<b>Bold</b>"), *attachments)))
        assert "2 × media item: The export does not say where its file is." in out
        assert "1 × media item: The URL of its file does not say what kind of file it is." in out
        assert "post 7 “Bold”: The markup in its title is not shown. It is kept and exported again." in out

    def test_second_run_says_that_nothing_changed(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7)))
        assert "Import complete." in run(path)
        assert "nothing was changed" in run(path)

    def test_long_lists_of_changes_are_cut(self, tmp_path: Path) -> None:
        out = run(write(tmp_path, export(*(author(f"Author No. {n}") for n in range(1, 100)))))
        assert "59 more" in out
        assert out.count("The username here is") == 40

    def test_the_same_change_of_many_items_takes_one_line(self, tmp_path: Path) -> None:
        bold = [item(n, title=f"Post {n}", excerpt="<b>Bold</b>") for n in range(1, 100)]
        fields = [item(100, inside=[meta("colour", "red"), meta("size", "1")])]
        out = run(write(tmp_path, export(*bold, *fields)))
        assert out.count("excerpt") == 1
        assert "post 1 “Post 1”, 2 “Post 2”, 3 “Post 3”, " in out
        assert ", … (99): The markup in its excerpt is not shown." in out
        assert "custom field “colour”, “size”: 1 item has this custom field" in out
        assert "more. Use --report" not in out

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_warnings_come_first_and_the_end_refers_to_them(self, tmp_path: Path, dry_run: bool) -> None:
        undated = [item(n, post_date="", post_date_gmt="") for n in (7, 8)]
        lines = run(write(tmp_path, export(*undated)), dry_run=dry_run).splitlines()
        assert lines[0].startswith("Readers will not see 2 of the 2 posts and pages that were public on the old site.")
        assert lines[-1].endswith("Please read the warnings at the top of this report.")

    def test_dry_run_changes_nothing(self, tmp_path: Path) -> None:
        assert "dry run" in run(write(tmp_path, export(item(7))), dry_run=True)
        assert not Post.objects.exists()
        assert not User.objects.exists()

    def test_full_report_is_written_to_a_file(self, tmp_path: Path) -> None:
        target = tmp_path / "report.json"
        bold = item(7, title="<b>مرحبا</b>")
        path = write(tmp_path, export(bold, item(8, post_type="attachment")))
        run(path, report=target)
        report = json.loads(target.read_text(encoding="utf-8"))
        assert report["counts"]["post"] == {"imported": 1, "updated": 0, "unchanged": 0, "skipped": 0}
        assert [(remark["kind"], remark["id"]) for remark in report["skipped"]] == [("attachment", 8)]
        assert [note["title"] for note in report["notes"]] == ["مرحبا"]
        assert report["files"] == [str(path)]


class TestDuringUpgrades:
    def test_nothing_is_imported_or_undone_while_the_site_is_updated(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7)))
        with closed("token", 0):
            with pytest.raises(CommandError, match="This site is being updated"):
                run(path)
            assert not Post.objects.exists()
        run(path)
        with closed("token", 0), pytest.raises(CommandError, match="This site is being updated"):
            run(undo=ImportRun.objects.get().pk)
        assert Post.objects.exists()

    def test_an_upgrade_does_not_start_during_an_import(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def upgrade(*args: object, **options: object) -> None:
            with closed("token", 0):
                raise AssertionError("It has started.")

        monkeypatch.setattr(import_wordpress, "import_export", upgrade)
        with pytest.raises(GateError):
            run(write(tmp_path, export(item(7))))


class TestArchives:
    def test_files_in_a_zip_archive_are_imported_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("blog/2.xml", export(item(8)))
            archive.writestr("blog/1.xml", export(item(7)))
            archive.writestr("__MACOSX/blog/._1.xml", b"not XML")
            archive.writestr("read me.txt", b"not XML")
        target = tmp_path / "report.json"
        run(path, report=target)
        assert set(Post.objects.values_list("pk", flat=True)) == {7, 8}
        assert json.loads(target.read_text())["files"] == ["export.zip/1.xml", "export.zip/2.xml"]

    def test_gzip_archive_is_unpacked(self, tmp_path: Path) -> None:
        run(write(tmp_path, gzip.compress(export(item(7)).encode()), "export.xml.gz"))
        assert Post.objects.exists()

    def test_verify_import_accepts_archives_too(self, tmp_path: Path) -> None:
        path = write(tmp_path, zip_of("a.xml", export(item(7))), "export.zip")
        run(path)
        out = io.StringIO()
        call_command("verify_import", str(path), stdout=out)
        assert "No problems found" in out.getvalue()

    def test_error_names_the_file_in_the_archive_and_nothing_is_left(self, tmp_path: Path, settings: Settings) -> None:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.xml", export(item(7))[:-9])
        with pytest.raises(CommandError, match=r"^export\.zip/a\.xml: line \d+"):
            run(path)
        assert not list(settings.BROADSIDE_IMPORTS_DIR.iterdir())

    def test_encrypted_archive_is_rejected(self, tmp_path: Path) -> None:
        member = bytearray(zip_of("a.xml", export(item(7))))
        # Set the flag for encryption in both headers.
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            member[member.index(signature) + offset] |= 1
        with pytest.raises(CommandError, match="can't be unpacked"):
            run(write(tmp_path, bytes(member), "export.zip"))

    @pytest.mark.parametrize(("name", "place"), [("é.xml", -1), ("a.xml", 4)])
    def test_archive_with_a_damaged_name_or_content_is_rejected(self, tmp_path: Path, name: str, place: int) -> None:
        whole = bytearray(zip_of(name, export(item(7)), zipfile.ZIP_DEFLATED))
        whole[whole.index(b".xml") + place] = 0xFF
        with pytest.raises(CommandError, match="can't be unpacked"):
            run(write(tmp_path, bytes(whole), "export.zip"))

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_compression_that_takes_unlimited_memory_is_rejected(self, tmp_path: Path, method: int) -> None:
        path = write(tmp_path, zip_of("a.xml", export(item(7)), method), "export.zip")
        with pytest.raises(CommandError, match=rf"can't be unpacked \(compression method {method}\)"):
            run(path)

    def test_archive_of_very_many_files_is_rejected_before_they_are_listed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archives, "_MAX_DIRECTORY", 50)
        path = write(tmp_path, zip_of("a.xml", export(item(7))), "export.zip")
        with pytest.raises(CommandError, match=r"can't be unpacked \(too many files\)"):
            run(path)

    @given(st.binary(max_size=200), st.sampled_from([b"PK\x03\x04", b"\x1f\x8b\x08"]), st.integers(0, 400))
    def test_any_archive_is_rejected_or_read(self, noise: bytes, start: bytes, cut: int) -> None:
        whole = zip_of("a.xml", export())
        with tempfile.TemporaryDirectory() as folder:
            for content in (start + noise, whole[:cut] + noise + whole[cut:]):
                path = write(Path(folder), content, "export.zip")
                with contextlib.suppress(InvalidExportError), unpacked([path], Path(folder)) as exports:
                    assert all(path.is_relative_to(folder) for path in exports.paths)


def zip_of(name: str, content: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


class TestAuthors:
    def test_author_can_be_mapped_to_a_user(self, tmp_path: Path) -> None:
        user = UserFactory(username="olga")
        path = write(tmp_path, export(item(7), item(8, creator="ben"), authors=[author(), author("ben", id=2)]))
        out = run(path, map_author=[("anna", "olga")])
        assert Post.objects.get(pk=7).author == user
        assert Post.objects.get(pk=8).author.username == "ben"
        assert set(User.objects.values_list("username", flat=True)) == {"olga", "ben"}
        assert "author 1 “anna”: As you chose, the author is the user “olga” here." in out

    def test_mappings_can_be_given_on_the_command_line(self, tmp_path: Path) -> None:
        UserFactory(username="olga")
        UserFactory(username="piet")
        path = write(tmp_path, export(item(7), item(8, creator="ben")))
        call_command(
            "import_wordpress", str(path), "--map-author", "anna=olga", "--map-author=ben=piet", stdout=io.StringIO()
        )
        assert set(Post.objects.values_list("pk", "author__username")) == {(7, "olga"), (8, "piet")}

    def test_comments_are_mapped_too(self, tmp_path: Path) -> None:
        user = UserFactory(username="olga")
        run(write(tmp_path, export(item(7, inside=[comment(1, user_id=1)]))), map_author=[("anna", "olga")])
        assert Comment.objects.get().user == user

    def test_authors_in_the_oldest_exports_are_mapped_by_name(self, tmp_path: Path) -> None:
        user = UserFactory(username="olga")
        run(write(tmp_path, export(item(7, creator="Anna A."), version="1.0")), map_author=[("Anna A.", "olga")])
        assert Post.objects.get().author == user

    def test_second_run_changes_nothing(self, tmp_path: Path) -> None:
        UserFactory(username="olga")
        path = write(tmp_path, export(item(7)))
        run(path, map_author=[("anna", "olga")])
        assert "nothing was changed" in run(path, map_author=[("anna", "olga")])

    def test_unknown_author_is_rejected(self, tmp_path: Path) -> None:
        UserFactory(username="olga")
        with pytest.raises(CommandError, match=r"no author “ana” in the export\. The authors are: anna"):
            run(write(tmp_path, export(item(7))), map_author=[("ana", "olga")])
        assert not Post.objects.exists()

    def test_unknown_user_is_rejected_before_the_export_is_read(self, tmp_path: Path) -> None:
        UserFactory(username="olga")
        with pytest.raises(CommandError, match=r"no user “inge” here\. The users are: olga"):
            run(write(tmp_path, "no export"), map_author=[("anna", "inge")])

    @pytest.mark.parametrize("mapping", ["anna", "anna=", "="])
    def test_incomplete_mapping_is_rejected(self, tmp_path: Path, mapping: str) -> None:
        with pytest.raises(CommandError, match="must have the form LOGIN=USER"):
            call_command("import_wordpress", str(write(tmp_path, export())), "--map-author", mapping)


def interrupt(*args: object, **options: object) -> None:
    raise KeyboardInterrupt


class TestErrors:
    @pytest.mark.parametrize(
        "document", ["", "no export", "<!DOCTYPE rss><rss/>", "<rss><channel/></rss>", export(item(7))[:-9]]
    )
    def test_invalid_export_is_rejected_in_one_line(self, tmp_path: Path, document: str) -> None:
        with pytest.raises(CommandError) as caught:
            run(write(tmp_path, document))
        assert caught.value.returncode == 1
        assert str(caught.value).endswith("Nothing was imported.")
        assert "\n" not in str(caught.value)
        assert not User.objects.exists()

    def test_missing_file_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"No such file or directory\. Nothing was imported\.$"):
            run(tmp_path / "nowhere.xml")

    def test_interruption_before_anything_is_stored_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wordpress.importing.pipeline.take_settings", interrupt)
        with pytest.raises(CommandError, match="Nothing was imported") as caught:
            run(write(tmp_path, export(item(7))))
        assert caught.value.returncode == 130
        assert not Post.objects.exists()
        assert not ImportRun.objects.exists()

    def test_interrupted_import_says_what_was_imported_and_how_to_continue_and_undo(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = write(tmp_path, export(item(7), attachment(30)))
        with monkeypatch.context() as patch:
            patch.setattr("wordpress.importing.pipeline.import_attachments", interrupt)
            with pytest.raises(CommandError, match=r"stays; run the command again to continue") as caught:
                call_command("import_wordpress", str(path))
        assert caught.value.returncode == 130
        assert Post.objects.count() == 1
        out = capsys.readouterr().out
        assert ["post", "1", "0", "0", "0"] in [line.split() for line in out.splitlines()]
        assert f"import_wordpress --undo {ImportRun.objects.get().pk}" in out
        assert "Import complete" not in out
        assert "Import complete" in run(path)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases do not lock everything")
    def test_locked_database_is_reported_with_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def locked(*args: object) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr("wordpress.importing.steps.authors._create", locked)
        with pytest.raises(CommandError, match=r"something else.*has been writing.*run the command again"):
            run(write(tmp_path, export(item(7))))
        assert not Post.objects.exists()

    def test_a_full_disk_is_reported_with_what_to_do(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: object) -> None:
            raise OperationalError("database or disk is full")

        monkeypatch.setattr("wordpress.importing.steps.authors._create", fail)
        path = write(tmp_path, export(item(7)))
        with pytest.raises(CommandError, match=r"\(database or disk is full\)\. .* run the command again to continue"):
            run(path)
        monkeypatch.undo()
        assert "Import complete" in run(path)

    def test_report_that_cannot_be_written_does_not_undo_the_import(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="The report could not be written"):
            run(write(tmp_path, export(item(7))), report=tmp_path / "no" / "folder.json")
        assert Post.objects.exists()


class TestProgress:
    def test_plain_lines_are_printed_without_a_terminal(self, tmp_path: Path) -> None:
        stderr = io.StringIO()
        run(write(tmp_path, export(*(item(n) for n in range(1, 501)))), stderr=stderr)
        # On a slow machine, the lines also give the time left.
        lines = [line.partition(",")[0] for line in stderr.getvalue().splitlines()]
        assert lines[-10:] == [f"Importing: {tenth * 10}%" for tenth in range(1, 11)]
        assert "Reading: 100%" in lines

    def test_a_bar_is_shown_on_a_terminal(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        call_command("import_wordpress", str(write(tmp_path, export(item(7)))), stdout=io.StringIO())
        assert "Importing" in terminal.getvalue()
        assert "Importing: 100%" not in terminal.getvalue()


class TestMedia:
    def test_files_come_from_a_folder(self, tmp_path: Path) -> None:
        write_files(tmp_path / "files", "2014/03/a.png")
        out = run(write(tmp_path, export(attachment(30), attachment(31, "b.png"))), media=tmp_path / "files")
        assert ["file", "1", "0", "0", "1"] in [line.split() for line in out.splitlines()]
        assert "1 × file: It is not in the folder." in out

    def test_missing_folder_is_rejected_before_anything_is_imported(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="--media"):
            run(write(tmp_path, export(item(7))), media=tmp_path / "nowhere")
        assert not Post.objects.exists()

    def test_interruption_keeps_what_was_imported_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(self: MediaFolder, attachment: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(MediaFolder, "open", interrupt)
        with pytest.raises(CommandError, match="imported so far stays") as error:
            run(write(tmp_path, export(item(7), attachment(30))), media=write_files(tmp_path / "files", "a.png"))
        assert error.value.returncode == 130
        assert Post.objects.exists()
