"""`manage.py import_wordpress`: what an owner sees of moving in."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from blog.models import Post
from tests.wordpress.exports import attachment, comment, export, filed, item, page, term, write
from tests.wordpress.files import put
from wordpress.folders import Folder

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*files: Path, stderr: io.StringIO | None = None, **options: object) -> str:
    out = io.StringIO()
    call_command("import_wordpress", *map(str, files), stdout=out, stderr=stderr or io.StringIO(), **options)
    return out.getvalue()


class TestReport:
    def test_a_table_says_what_became_of_what(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(term("nav_menu", "m"), item(7, inside=[comment(1)]), item(8), page(20)))
        lines = [line.split() for line in run(path).splitlines()]
        assert ["imported", "updated", "unchanged", "left", "out"] in lines
        assert ["post", "2", "0", "0", "0"] in lines
        assert ["page", "1", "0", "0", "0"] in lines
        assert ["comment", "1", "0", "0", "0"] in lines
        assert ["other", "term", "0", "0", "0", "1"] in lines

    def test_reasons_and_differences_are_named(self, tmp_path: Path) -> None:
        attachments = [item(n, post_type="attachment") for n in (30, 31)]
        out = run(write(tmp_path, export(item(7, title="Kept secret", post_password="x"), *attachments)))
        assert "2 × attachment: It does not say where its file is." in out
        assert "post 7 “Kept secret”: It was protected by a password" in out

    def test_a_second_run_says_that_nothing_changed(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7)))
        assert "Done." in run(path)
        assert "nothing was changed" in run(path)

    def test_of_many_differences_the_first_are_shown(self, tmp_path: Path) -> None:
        out = run(write(tmp_path, export(*(item(n, post_password="x") for n in range(1, 100)))))
        assert "59 more" in out
        assert out.count("password") == 40

    def test_a_dry_run_changes_nothing(self, tmp_path: Path) -> None:
        assert "dry run" in run(write(tmp_path, export(item(7))), dry_run=True)
        assert not Post.objects.exists()
        assert not User.objects.exists()

    def test_the_whole_report_in_a_file(self, tmp_path: Path) -> None:
        target = tmp_path / "report.json"
        path = write(tmp_path, export(item(7, inside=[filed("post_tag", "مرحبا")]), item(8, post_type="attachment")))
        run(path, report=target)
        report = json.loads(target.read_text(encoding="utf-8"))
        assert report["counts"]["post"] == {"imported": 1, "updated": 0, "unchanged": 0, "skipped": 0}
        assert report["skipped"][0]["kind"] == "attachment"
        assert report["files"] == [str(path)]


class TestRefusals:
    @pytest.mark.parametrize(
        "document", ["", "no export", "<!DOCTYPE rss><rss/>", "<rss><channel/></rss>", export(item(7))[:-9]]
    )
    def test_one_line_and_nothing_imported(self, tmp_path: Path, document: str) -> None:
        with pytest.raises(CommandError) as caught:
            run(write(tmp_path, document))
        assert caught.value.returncode == 1
        assert str(caught.value).endswith("Nothing was imported.")
        assert "\n" not in str(caught.value)
        assert not User.objects.exists()

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="No such file"):
            run(tmp_path / "nowhere.xml")

    def test_an_interruption_takes_everything_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("wordpress.importing.content_changed", interrupt)
        with pytest.raises(CommandError, match="nothing was imported") as caught:
            run(write(tmp_path, export(item(7))))
        assert caught.value.returncode == 130
        assert not Post.objects.exists()

    def test_a_report_that_cannot_be_written_is_said_and_the_import_stays(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="The import is done"):
            run(write(tmp_path, export(item(7))), report=tmp_path / "no" / "folder.json")
        assert Post.objects.exists()


class TestProgress:
    def test_plain_lines_where_there_is_no_terminal(self, tmp_path: Path) -> None:
        stderr = io.StringIO()
        run(write(tmp_path, export(*(item(n) for n in range(1, 31)))), stderr=stderr)
        lines = stderr.getvalue().splitlines()
        assert lines[-10:] == [f"Importing: {tenth * 10} %" for tenth in range(1, 11)]
        assert "Reading: 100 %" in lines

    def test_a_bar_on_a_terminal(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        call_command("import_wordpress", str(write(tmp_path, export(item(7)))), stdout=io.StringIO())
        assert "Importing" in terminal.getvalue()
        assert "Importing: 100 %" not in terminal.getvalue()


class TestMedia:
    def test_comes_from_a_folder(self, tmp_path: Path) -> None:
        put(tmp_path / "files", "2014/03/a.png")
        out = run(write(tmp_path, export(attachment(30), attachment(31, "b.png"))), media=tmp_path / "files")
        assert ["file", "1", "0", "0", "1"] in [line.split() for line in out.splitlines()]
        assert "1 × file: It is not in the folder." in out

    def test_a_folder_that_is_not_there_is_refused_before_anything_is_done(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="--media"):
            run(write(tmp_path, export(item(7))), media=tmp_path / "nowhere")
        assert not Post.objects.exists()

    def test_an_interruption_keeps_what_came_and_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(self: Folder, attachment: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Folder, "open", interrupt)
        with pytest.raises(CommandError, match="still to come") as error:
            run(write(tmp_path, export(item(7), attachment(30))), media=put(tmp_path / "files", "a.png"))
        assert error.value.returncode == 130
        assert Post.objects.exists()
