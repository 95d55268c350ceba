"""Files that texts refer to although the export doesn't list them are found, imported, shown and accounted for."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from blog.models import Page, Post
from blog.models.redirect import Redirect
from media.models import Document, Picture
from tests.factories import UserFactory
from tests.factories.files import picture, write_files
from tests.factories.import_jobs import export_file, job_url, start
from tests.factories.reports import counted
from tests.factories.servers import StubServer
from tests.factories.types import GrowsWithLength, ImportParts, Uploaded, Work
from tests.factories.wxr import attachment, comment, export, item, items, meta, page, write
from wordpress.importing.media_source import MediaDownload, MediaFolder, MissingFileError
from wordpress.importing.pipeline import import_export
from wordpress.importing.referenced_files import find_files
from wordpress.importing.report import Report
from wordpress.importing.spool import open_spool
from wordpress.importing.undo import undo_run
from wordpress.legacy_urls.file_urls import parse_file_url
from wordpress.models import Attachment, ImportedItem, ImportRun

HOST = "https://old.example"
UPLOADS = f"{HOST}/wp-content/uploads"
OTHER = "https://pictures.example"


def found(text: str, base_url: str = "") -> list[str]:
    """Return the originals of the files in `text`."""
    return [str(file.original) for file in find_files(text, base_url)]


def references(report: Report) -> list[tuple[str, int, str, str]]:
    return [(each.kind, each.id, each.text, each.url) for each in report.file_references]


class TestFinding:
    @pytest.mark.parametrize(
        "text",
        [
            f'<img src="{UPLOADS}/a.jpg">',
            f"<IMG class=x SRC='{UPLOADS}/a.jpg' alt=''>",
            f"<img src={UPLOADS}/a.jpg>",
            f'<a href="{UPLOADS}/a.jpg">it</a>',
            f'<video poster="{UPLOADS}/a.jpg"></video>',
            f'<img data-orig-file="{UPLOADS}/a.jpg">',
            f'<img data-lazy-src="{UPLOADS}/a.jpg" alt="">',
            f'<div style="background-image:url({UPLOADS}/a.jpg)">',
            f'<div style="background-image:url(&quot;{UPLOADS}/a.jpg&quot;)">',
            f'<!-- wp:cover {{"url":"{UPLOADS}/a.jpg","id":5}} -->',
            f'<!-- wp:image {{"url":"{UPLOADS}/a.jpg?w=100\\u0026h=50"}} -->',
            f"Look:\n\n{UPLOADS}/a.jpg.\n",
            f'[caption id="x"]<img src="{UPLOADS}/a.jpg">[/caption]',
            f"![It]({UPLOADS}/a.jpg)",
        ],
    )
    def test_pictures_are_found_wherever_texts_refer_to_them(self, text: str) -> None:
        assert found(text) == [f"{UPLOADS}/a.jpg"]

    @pytest.mark.parametrize(
        "url",
        [
            f"{UPLOADS}/a-300x200.jpg",
            f"{UPLOADS}/a-scaled.jpg",
            f"{UPLOADS}/a@2x.jpg",
            f"{UPLOADS}/a.thumbnail.jpg",
            f"{UPLOADS}/a.jpg?w=300&amp;h=200",
            f"{UPLOADS}/a.jpg?w=300&#038;crop=1",
            "https://i0.wp.com/old.example/wp-content/uploads/a.jpg?resize=300%2C200&#038;ssl=1",
            "//i2.wp.com/old.example/wp-content/uploads/a-150x150.jpg?ssl=1",
            "//old.example/wp-content/uploads/a.jpg",
            f"  {UPLOADS}/a.jpg#top",
        ],
    )
    def test_copies_in_other_sizes_count_as_one_file(self, url: str) -> None:
        assert found(f'<img src="{url}">') == [f"{UPLOADS}/a.jpg"]

    def test_copies_are_ordered_by_size(self) -> None:
        names = ["a.thumbnail.jpg", "a-150x150.jpg", "a-300x200.jpg", "a-scaled.jpg"]
        copies = [file for name in names if (file := parse_file_url(f"{UPLOADS}/{name}"))]
        assert [copy.pixels for copy in copies] == sorted({copy.pixels for copy in copies})

    def test_every_picture_of_a_srcset_is_found(self) -> None:
        srcset = f"{UPLOADS}/a-300x200.jpg 300w, {UPLOADS}/b,c.jpg 1.5x,{OTHER}/d.png 2x, {OTHER}/e.png"
        assert found(f'<img srcset="{srcset}">') == [
            f"{UPLOADS}/a.jpg",
            f"{UPLOADS}/b,c.jpg",
            f"{OTHER}/d.png",
            f"{OTHER}/e.png",
        ]

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            (f"[audio {UPLOADS}/a.mp3]", f"{UPLOADS}/a.mp3"),
            (f'[video width="5" mp4="{UPLOADS}/a.mp4"][/video]', f"{UPLOADS}/a.mp4"),
            (f'<audio src="{UPLOADS}/a.mp3"></audio>', f"{UPLOADS}/a.mp3"),
            (f'<video><source src="{UPLOADS}/a.webm"></video>', f"{UPLOADS}/a.webm"),
            (f'<!-- wp:file {{"href":"{UPLOADS}/a.pdf"}} -->', f"{UPLOADS}/a.pdf"),
            (f'<a href="{UPLOADS}/Jahresbericht%202014.PDF">', f"{UPLOADS}/Jahresbericht%202014.PDF"),
            (f'<a href="{UPLOADS}/drawing.svg">', f"{UPLOADS}/drawing.svg"),
            (f'<img src="{UPLOADS}/مسيرة.jpg">', f"{UPLOADS}/%D9%85%D8%B3%D9%8A%D8%B1%D8%A9.jpg"),
            (f'<img src="{UPLOADS}/a (1).jpg">', f"{UPLOADS}/a%20(1).jpg"),
            (f'<img src="{OTHER}/show.php?id=5">', f"{OTHER}/show.php?id=5"),
            (f'<img alt="x" src="{OTHER}/AbC=s640">', f"{OTHER}/AbC=s640"),
            (f'<img src="{OTHER}/a-300x200.jpg">', f"{OTHER}/a-300x200.jpg"),
        ],
    )
    def test_files_of_other_kinds_and_names_are_found(self, text: str, url: str) -> None:
        assert found(text) == [url]

    @pytest.mark.parametrize("attribute", ['src=""', 'src="#"', 'src="#lazy"', f'srcset="{UPLOADS}/a.jpg 300w"'])
    def test_an_empty_url_does_not_mean_the_post_itself(self, attribute: str) -> None:
        text = f'<img {attribute}><img src="{UPLOADS}/a.jpg">'
        assert set(found(text, f"{HOST}/2014/03/01/post/")) == {f"{UPLOADS}/a.jpg"}

    @pytest.mark.parametrize(
        "text",
        [
            f'<a href="{HOST}/2014/03/01/post/">',
            '<a href="https://example.org/page.html">',
            '<iframe src="https://video.example/embed/AbC"></iframe>',
            f'<script src="{HOST}/wp-content/plugins/x/script.js"></script>',
            '<img src="data:image/png;base64,iVBORw0KGgo//aaaa.png">',
            '<a href="mailto:a@example.org">',
            '<img src="/media/pictures/2026/01/a.jpg">',
            '<img src="https://[broken/a.jpg">',
            '<img src="">',
            "ftp://example.org/a.jpg",
            f'<a href="{OTHER}/search?file=a.jpg">',
        ],
    )
    def test_nothing_else_counts_as_a_file(self, text: str) -> None:
        assert found(text) == []

    @pytest.mark.parametrize(
        "part", ["src=x ", '<img src="', "//a.b/", " 1x,", "<img srcset='a 1x,", "<img ", "&quot;"]
    )
    def test_takes_time_proportional_to_the_length(self, part: str, grows_with_length: GrowsWithLength) -> None:
        # There is a file at the beginning as well, because nothing is searched in a text without any.
        assert grows_with_length(found, f"'/a.jpg {part * 25_000} '/a.jpg")

    def test_relative_urls_are_resolved_against_the_blog(self) -> None:
        text = '<img src="/images/a.jpg"> <img src="b.jpg">'
        assert found(text, f"{HOST}/2014/post/") == ["/images/a.jpg", f"{HOST}/2014/post/b.jpg"]

    @given(st.text(alphabet="<img src=\"=/.:&#;,\\'()[]{}a.jpg \n?w%٣\x00") | st.text())
    def test_no_text_is_an_error(self, text: str) -> None:
        found(text, f"{HOST}/post/")


FIRST = f'<img src="{UPLOADS}/2014/a-300x200.png"> <a href="{UPLOADS}/2014/Report.pdf">it</a>'
SECOND = f'<img src="http://old.example/wp-content/uploads/2014/a.png?w=500"><img src="{OTHER}/x.png">'
PARTS = (
    item(7, title="One", content=FIRST),
    item(8, title="Two", content=SECOND),
    page(20, content='<img src="/images/logo.png">'),
)


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    names = ("wp-content/uploads/2014/a.png", "2014/Report.pdf", "images/logo.png", "x.png")
    return MediaFolder(write_files(tmp_path / "files", *names))


@pytest.mark.django_db
class TestFromAFolder:
    def test_each_file_of_the_blog_is_imported_once(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        report = import_parts(*PARTS, media=folder)
        assert (Picture.objects.count(), Document.objects.count()) == (2, 1)
        assert counted(report, "file") == {"imported": 3}
        assert counted(report, "file on another host") == {"skipped": 1}

    def test_readers_see_the_imported_files(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        import_parts(*PARTS, media=folder)
        urls = {each.path: each.file_url for each in Attachment.objects.with_file()}
        shown, document = (urls[f"/wp-content/uploads/2014/{name}"] for name in ("a.png", "Report.pdf"))
        one, two = (Post.objects.get(pk=pk).body_html for pk in (7, 8))
        assert f'src="{shown}"' in one
        assert f'href="{document}"' in one
        assert f'src="{shown}"' in two
        assert f'href="{OTHER}/x.png"' in two
        assert f'src="{urls["/images/logo.png"]}"' in Page.objects.get().body_html

    def test_old_urls_redirect_to_the_files(
        self, import_parts: ImportParts, folder: MediaFolder, client: Client
    ) -> None:
        import_parts(*PARTS, media=folder)
        for path in ("/wp-content/uploads/2014/a.png", "/wp-content/uploads/2014/a-300x200.png", "/images/logo.png"):
            assert client.get(path).status_code == 301, path
        # The path belongs to another site.
        assert client.get("/x.png").status_code == 404

    def test_a_second_import_changes_nothing(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        import_parts(*PARTS, media=folder)
        before = list(Attachment.objects.values_list())
        report = import_parts(*PARTS, media=folder)
        assert not report.has_changes
        assert counted(report, "file") == {"unchanged": 3}
        assert list(Attachment.objects.values_list()) == before

    def test_a_copy_is_imported_if_there_is_no_original(self, import_parts: ImportParts, tmp_path: Path) -> None:
        text = f'<img src="{UPLOADS}/a-150x150.png"><img src="{UPLOADS}/a-800x600.png">'
        source = write_files(tmp_path / "files", "a-800x600.png")
        import_parts(item(7, content=text), media=MediaFolder(source))
        assert Post.objects.get().body_html.count(Picture.objects.get().file.url) == 2

    def test_files_that_the_export_also_lists_are_imported_once(
        self, import_parts: ImportParts, folder: MediaFolder
    ) -> None:
        import_parts(*PARTS, attachment(30, "2014/a.png"), media=folder)
        assert Picture.objects.count() == 2
        assert Attachment.objects.get(path="/wp-content/uploads/2014/a.png").wordpress_id == 30

    def test_a_later_export_that_lists_the_file_describes_it(
        self, import_parts: ImportParts, folder: MediaFolder
    ) -> None:
        import_parts(*PARTS, media=folder)
        picture_pk = Attachment.objects.get(path="/wp-content/uploads/2014/a.png").picture_id
        report = import_parts(*PARTS, attachment(30, "2014/a.png", alt="What it shows"), media=folder)
        described = Attachment.objects.get(wordpress_id=30)
        assert (described.picture_id, described.alt) == (picture_pk, "What it shows")
        assert counted(report, "file") == {"unchanged": 3}
        assert Picture.objects.count() == 2

    def test_an_item_with_only_a_url_gives_the_file_its_id(self, import_parts: ImportParts) -> None:
        text = item(7, content='<img src="https://old.example/wp-content/uploads/2014/a.png">')
        import_parts(text)
        bare = {"guid": "", "title": "", "link": "", "creator": "", "post_date": "", "post_date_gmt": ""}
        import_parts(text, attachment(30, "2014/a.png", **bare))
        assert Attachment.objects.get().wordpress_id == 30

    def test_files_of_drafts_blocks_footnotes_and_comments_are_imported(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        source = write_files(tmp_path / "files", *(f"{n}.pdf" for n in range(1, 7)))
        links = [f'<a href="{UPLOADS}/{n}.pdf">it</a>' for n in range(1, 7)]
        spam = comment(2, content=links[4], approved="spam")
        notes = json.dumps([{"id": "x", "content": links[2]}])
        report = import_parts(
            item(7, status="draft", content=links[0]),
            item(8, post_type="wp_block", content=links[1]),
            item(
                9,
                inside=[meta("footnotes", notes), comment(1, content=links[3]), spam],
            ),
            item(10, post_type="revision", content=links[5]),
            media=MediaFolder(source),
        )
        paths = sorted(Attachment.objects.with_file().values_list("path", flat=True))
        assert paths == [f"/wp-content/uploads/{n}.pdf" for n in (1, 2, 3, 4)]
        assert sorted(each[:2] for each in references(report)) == [
            ("post", 7),
            ("post", 9),
            ("post", 9),
            ("wp_block", 8),
        ]

    def test_former_hosts_are_known_by_the_guids_of_posts(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        """A blog at WordPress.com with its own domain, for example, has its files at NAME.files.wordpress.com."""
        text = '<img src="https://name.files.wordpress.com/2014/a.png">'
        report = import_parts(item(7, guid="http://name.wordpress.com/?p=7", content=text), media=folder)
        assert counted(report, "file") == {"imported": 1}
        assert Picture.objects.get().file.url in Post.objects.get().body_html

    def test_a_picture_of_another_host_at_the_same_path_is_another_picture(
        self, import_parts: ImportParts, folder: MediaFolder
    ) -> None:
        text = f'<img src="{UPLOADS}/2014/a.png"><img src="{OTHER}/wp-content/uploads/2014/a.png">'
        import_parts(item(7, content=text), media=folder)
        html = Post.objects.get().body_html
        assert html.count(Picture.objects.get().file.url) == 1
        assert f"{OTHER}/wp-content/uploads/2014/a.png" in html

    def test_dry_run_reports_the_files_and_stores_nothing(self, import_parts: ImportParts) -> None:
        report = import_parts(*PARTS, dry_run=True)
        assert report.file_states == {"present": 0, "missing": 5, "gone": 0}
        assert report.other_hosts == {"pictures.example": 1}
        assert not Attachment.objects.exists()

    def test_the_number_of_statements_does_not_grow_with_the_number_of_files(self, tmp_path: Path) -> None:
        def count_statements(files: int) -> int:
            text = "".join(f'<img src="{UPLOADS}/{number}.png">' for number in range(files))
            path = write(tmp_path, export(item(7, content=text)))
            statements: list[str] = []

            def record(execute: Any, sql: str, *rest: Any) -> Any:
                statements.append(sql)
                return execute(sql, *rest)

            with connection.execute_wrapper(record):
                import_export([path], dry_run=True)
            return len(statements)

        # One more statement for every 400 paths (a file has two), and for every 100 new files.
        assert count_statements(600) <= count_statements(3) + 10

    def test_urls_that_cannot_be_stored_are_reported(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, content=f'<img src="{UPLOADS}/{"a" * 1001}.png">'))
        assert [each.text for each in report.skipped] == ["Its URL is too long."]
        assert report.file_states["missing"] == 1


@pytest.mark.django_db
class TestReport:
    def test_accounts_for_each_file_by_post(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        report = import_parts(*PARTS, media=folder)
        assert references(report) == [
            ("post", 7, "present", f"{UPLOADS}/2014/a.png"),
            ("post", 7, "present", f"{UPLOADS}/2014/Report.pdf"),
            ("post", 8, "present", f"{UPLOADS}/2014/a.png"),
            ("post", 8, "still missing", f"{OTHER}/x.png"),
            ("page", 20, "present", f"{HOST}/images/logo.png"),
        ]
        assert report.file_states == {"present": 4, "missing": 1, "gone": 0}

    def test_galleries_of_many_pictures_are_not_looked_up_together(self, tmp_path: Path) -> None:
        ids = ",".join(map(str, range(1, 301)))
        galleries = (item(number, content=f"[gallery ids={ids}]") for number in range(1, 5))
        with open_spool() as spool:
            for each in items(write(tmp_path, export(*galleries))).values():
                spool.add(each)
            assert [len(chunk) for chunk in spool.references.chunks()] == [2, 2]

    @pytest.mark.parametrize(
        "content",
        [
            '[gallery size="large" ids="30, 31"] [gallery]',
            '[slideshow include="30, 31"] [gallery]',
            "{&quot;image&quot;:30,&quot;size&quot;:&quot;full&quot;} {&quot;image&quot;:31}",
        ],
    )
    def test_pictures_of_galleries_and_widgets_count_by_their_ids(
        self, import_parts: ImportParts, folder: MediaFolder, content: str
    ) -> None:
        parts = (item(7, content=content), attachment(30, "2014/a.png"))
        assert references(import_parts(*parts, media=folder)) == [
            ("post", 7, "present", f"{UPLOADS}/2014/a.png"),
            ("post", 7, "still missing", f"{HOST}/?attachment_id=31"),
        ]

    def test_the_report_file_lists_all_references(self, import_parts: ImportParts) -> None:
        written = io.StringIO()
        import_parts(*PARTS).write(written)
        report = json.loads(written.getvalue())
        assert report["file_references"][0] == {
            "kind": "post",
            "id": 7,
            "title": "One",
            "text": "still missing",
            "url": f"{UPLOADS}/2014/a.png",
        }
        assert report["other_hosts"] == {"pictures.example": 1}

    def test_missing_files_are_reported_with_a_reason(self, import_parts: ImportParts) -> None:
        report = import_parts(*PARTS)
        reasons = {each.url: each.text for each in report.skipped}
        assert "--media" in reasons[f"{UPLOADS}/2014/a.png"]
        assert "Import again with --fetch-media=everywhere." in reasons[f"{OTHER}/x.png"]


@pytest.mark.django_db
class TestDownloads:
    @pytest.fixture
    def old_site(self, web_server: StubServer) -> StubServer:
        web_server.answer("/wp-content/uploads/a.png", body=picture())
        web_server.answer("/wp-content/uploads/b-300x200.png", body=picture(size=(30, 20)))
        web_server.answer("/wp-content/uploads/c.pdf", 410)
        return web_server

    def download(self, site: StubServer, *, everywhere: bool = False) -> MediaDownload:
        return MediaDownload(
            [site.host], everywhere=everywhere, allow_private=True, timeout=20, sleep=lambda seconds: None
        )

    def test_files_used_many_times_are_requested_once(self, import_parts: ImportParts, old_site: StubServer) -> None:
        base = old_site.url("")
        uploads = f"{base}/wp-content/uploads"
        parts = [
            item(n, content=f'<img src="{uploads}/a.png?w={n}"><img src="{uploads}/a-{n}x{n}.png">')
            for n in range(7, 12)
        ]
        import_parts(*parts, media=self.download(old_site), site=base)
        assert old_site.requests == {"/wp-content/uploads/a.png": 1}
        assert all(Picture.objects.get().file.url in post.body_html for post in Post.objects.all())

    def test_a_copy_is_requested_if_the_original_is_gone(self, import_parts: ImportParts, old_site: StubServer) -> None:
        text = f'<img src="{old_site.url("/wp-content/uploads/b-300x200.png")}">'
        import_parts(item(7, content=text), media=self.download(old_site), site=old_site.url(""))
        assert list(old_site.requests) == ["/wp-content/uploads/b.png", "/wp-content/uploads/b-300x200.png"]
        assert Picture.objects.get().width == 30

    def test_files_that_the_old_site_no_longer_has_are_gone(
        self, import_parts: ImportParts, old_site: StubServer
    ) -> None:
        url = old_site.url("/wp-content/uploads/c.pdf")
        part = item(7, content=f'<a href="{url}">it</a>')
        report = import_parts(part, media=self.download(old_site), site=old_site.url(""))
        assert references(report) == [("post", 7, "gone from the old site", url)]
        # A later import without downloads still knows that the file is gone.
        again = import_parts(part, site=old_site.url(""))
        assert again.file_states == {"present": 0, "missing": 0, "gone": 1}
        assert ["gone" in each.text for each in again.skipped] == [True]

    def test_a_file_that_is_back_is_imported(self, import_parts: ImportParts, old_site: StubServer) -> None:
        old_site.answer("/d.png", 404)
        old_site.answer("/d.png", 200, picture())
        part = item(7, content=f'<img src="{old_site.url("/d.png")}">')
        for _import in range(2):
            report = import_parts(part, media=self.download(old_site), site=old_site.url(""))
        assert report.file_states == {"present": 1, "missing": 0, "gone": 0}
        assert Attachment.objects.get().gone_at is None

    def test_other_hosts_are_contacted_only_with_everywhere(
        self, import_parts: ImportParts, old_site: StubServer
    ) -> None:
        part = item(7, content=f'<img src="{old_site.url("/wp-content/uploads/a.png")}">')
        report = import_parts(part, media=MediaDownload(["old.example"], allow_private=True))
        assert old_site.requests.total() == 0
        assert counted(report, "file on another host") == {"skipped": 1}
        assert report.other_hosts == {old_site.host: 1}
        report = import_parts(part, media=self.download(old_site, everywhere=True))
        assert counted(report, "file on another host") == {"imported": 1}
        assert report.other_hosts == {}
        assert Picture.objects.get().file.url in Post.objects.get().body_html
        # The path belongs to another site.
        assert not Redirect.objects.filter(path="/wp-content/uploads/a.png").exists()

    def test_pictures_without_an_extension_or_generated_by_scripts_are_imported(
        self, import_parts: ImportParts, old_site: StubServer
    ) -> None:
        paths = ("/show.php?id=1", "/show.php?id=2", "/AbC=s640")
        for number, path in enumerate(paths, 1):
            old_site.answer(path, body=picture(size=(10 * number, 10)))
        text = "".join(f'<img src="{old_site.url(path)}">' for path in (*paths, "/show.php?id=3"))
        import_parts(item(7, content=text), media=self.download(old_site, everywhere=True))
        html = Post.objects.get().body_html
        urls = {each.url: each.file_url for each in Attachment.objects.with_file()}
        assert [html.count(urls[old_site.url(path)]) for path in paths] == [1, 1, 1]
        assert old_site.url("/show.php?id=3") in html

    def test_a_private_address_is_never_contacted(self, import_parts: ImportParts, old_site: StubServer) -> None:
        part = item(7, content=f'<img src="{old_site.url("/wp-content/uploads/a.png")}">')
        report = import_parts(part, media=MediaDownload(["old.example"], everywhere=True))
        assert old_site.requests.total() == 0
        assert ["private network" in each.text for each in report.skipped] == [True]

    def test_files_on_other_hosts_that_commenters_link_to_are_never_downloaded(
        self, import_parts: ImportParts, old_site: StubServer
    ) -> None:
        link = comment(1, content=f'<a href="{old_site.url("/virus.zip")}">it</a>')
        report = import_parts(item(7, inside=[link]), media=self.download(old_site, everywhere=True))
        assert old_site.requests.total() == 0
        assert not report.file_references


@pytest.mark.django_db
class TestInterruptions:
    def test_an_interrupted_import_continues(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        class Interrupting:
            opened = 0

            def open(self, attachment: Attachment) -> Any:
                self.opened += 1
                if self.opened == 2:
                    raise KeyboardInterrupt
                return folder.open(attachment)

        report = import_parts(*PARTS, media=Interrupting())
        assert report.interrupted
        assert report.file_states == {"present": 2, "missing": 3, "gone": 0}
        again = import_parts(*PARTS, media=folder)
        assert counted(again, "file") == {"unchanged": 1, "imported": 2}
        assert ImportRun.objects.count() == 1

    def test_undo_removes_the_files_and_their_records(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        import_parts(*PARTS, media=folder)
        undo_run(ImportRun.objects.get())
        for model in (Attachment, Picture, Document, Post, Page, Redirect, ImportedItem, ImportRun):
            assert not model._default_manager.exists(), model


@pytest.mark.django_db
class TestVerifying:
    def verify(self, path: Path) -> tuple[str, dict[str, Any]]:
        out, target = io.StringIO(), path.with_suffix(".json")
        call_command("verify_import", str(path), report=target, stdout=out, stderr=io.StringIO())
        return out.getvalue(), json.loads(target.read_text(encoding="utf-8"))

    def test_accounts_for_each_file_by_post(self, tmp_path: Path, folder: MediaFolder) -> None:
        path = write(tmp_path, export(*PARTS))
        import_export([path], media=folder)
        out, report = self.verify(path)
        assert "Files that texts refer to: 4 present, 1 still missing, 0 gone from the old site." in out
        assert "post 8 “Two”: 1 still missing" in out
        assert report["file_states"] == {"present": 4, "missing": 1, "gone": 0}
        assert [(each["id"], each["url"]) for each in report["missing_references"]] == [(8, f"{OTHER}/x.png")]

    def test_missing_and_gone_files_are_distinguished(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(*PARTS))
        import_export([path])
        Attachment.objects.filter(path="/images/logo.png").update(gone_at="2026-01-01T00:00Z")
        assert self.verify(path)[1]["file_states"] == {"present": 0, "missing": 4, "gone": 1}

    def test_pictures_of_galleries_that_the_export_does_not_list_are_missing(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7, content='[gallery ids="31"]')))
        import_export([path])
        assert self.verify(path)[1]["file_states"] == {"present": 0, "missing": 1, "gone": 0}

    def test_a_file_that_was_deleted_here_is_missing(self, tmp_path: Path, folder: MediaFolder) -> None:
        path = write(tmp_path, export(*PARTS))
        import_export([path], media=folder)
        for each in Picture.objects.all():
            each.delete()
        assert self.verify(path)[1]["file_states"] == {"present": 1, "missing": 4, "gone": 0}


@pytest.mark.django_db
class TestCommand:
    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
        write(tmp_path, export(*PARTS))
        monkeypatch.setattr("wordpress.importing.media_source.HTTPClient.download", _refuse)

        def run(*arguments: str, answer: str | None = None) -> str:
            def reply(prompt: str) -> str:
                out.write(prompt)
                if answer is None:
                    raise EOFError
                return answer

            monkeypatch.setattr("builtins.input", reply)
            out = io.StringIO()
            arguments = tuple(part.replace("EXPORT", str(tmp_path / "export.xml")) for part in arguments)
            call_command("import_wordpress", *arguments, stdout=out, stderr=io.StringIO())
            return out.getvalue()

        return run

    def test_lists_the_other_hosts_and_asks(self, run: Callable[..., str]) -> None:
        out = run("EXPORT", "--fetch-media=everywhere", answer="y")
        assert "1  pictures.example" in out
        assert "[y/N]" in out
        assert "Requested pictures.example" in out

    @pytest.mark.parametrize("answer", ["", "n", None])
    def test_without_consent_only_the_old_site_is_contacted(self, run: Callable[..., str], answer: str | None) -> None:
        out = run("EXPORT", "--fetch-media=everywhere", answer=answer)
        assert "Requested old.example" in out
        assert "Requested pictures.example" not in out

    def test_scripts_can_consent_in_advance(self, run: Callable[..., str]) -> None:
        out = run("EXPORT", "--fetch-media=everywhere", "--no-input")
        assert "[y/N]" not in out
        assert "1  pictures.example" in out
        assert "Requested pictures.example" in out

    def test_the_option_can_stand_before_the_files(self, run: Callable[..., str]) -> None:
        out = run("--fetch-media", "EXPORT")
        assert "Requested old.example" in out
        assert "[y/N]" not in out

    def test_posts_without_some_of_their_files_are_listed(self, run: Callable[..., str]) -> None:
        out = run("EXPORT")
        assert "Files that texts refer to: 0 present, 5 still missing, 0 gone from the old site." in out
        assert "post 8 “Two”: 2 still missing" in out


def _refuse(client: object, url: str, *args: object, **options: object) -> None:
    raise MissingFileError(f"Requested {urlsplit(url).hostname}.")


@pytest.mark.django_db
class TestAdmin:
    @pytest.fixture
    def owner_client(self, client: Client) -> Client:
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        return client

    def test_the_preview_lists_other_hosts_and_offers_to_download_from_them(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client, export_file(export(*PARTS)))
        assert "fetch_everywhere" not in owner_client.get(job_url(job)).text
        start(owner_client, job, "preview", fetch_media="on")
        work()
        text = owner_client.get(job_url(job)).text
        assert "pictures.example" in text
        assert 'name="fetch_everywhere"' in text
        assert "still missing" in text

    def test_missing_files_are_explained_with_the_options_of_the_form(
        self, owner_client: Client, uploaded: Uploaded, work: Work
    ) -> None:
        job = uploaded(owner_client, export_file(export(*PARTS)))
        start(owner_client, job, "import")
        work()
        text = owner_client.get(job_url(job)).text
        assert "Import again and choose “Also download the files that texts show from other sites”." in text
        assert "Import again and choose “Download pictures, documents, audio and video from the old site”." in text
        assert "--fetch-media" not in text

    def test_the_choice_is_passed_to_the_import(
        self, owner_client: Client, uploaded: Uploaded, work: Work, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("wordpress.importing.media_source.HTTPClient.download", _refuse)
        job = uploaded(owner_client, export_file(export(*PARTS)))
        start(owner_client, job, "preview")
        work()
        start(owner_client, job, "import", fetch_everywhere="on")
        work()
        text = owner_client.get(job_url(job)).text
        assert "Requested pictures.example" in text
        assert "Requested old.example" in text
        assert "Files that are missing from texts" in text
