"""An import as a whole stores each item once, accounts for every item, and does nothing if the export is broken."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from blog.models import Page, Post
from comments.models import Comment
from core.models import SiteSettings
from tests.factories import PostFactory
from tests.factories.database import contents, executed_statements
from tests.factories.reports import counted, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import AWKWARD_PARTS, comment, export, filed, item, meta, page, write
from wordpress.importing.pipeline import import_export
from wordpress.importing.report import Outcome, summarise
from wordpress.wxr.extensions import checksum, to_json
from wordpress.wxr.repair import InvalidExportError

pytestmark = pytest.mark.django_db

# Steps of SQLite's query plans that read all posts, pages, comments or tags, directly or through an index.
READS_ALL = re.compile(r"SCAN (?:blog|comments|tags)_|SEARCH blog_entry .*\(kind=\?\)")


class TestIdentity:
    def test_posts_and_pages_keep_their_ids(self, import_parts: ImportParts) -> None:
        import_parts(item(7), page(20))
        assert (Post.objects.get().pk, Page.objects.get().pk) == (7, 20)

    def test_long_ids_from_other_programs_are_kept(self, import_parts: ImportParts, client: Client) -> None:
        parts = (
            item(694939491983859712, inside=[comment(7236563219364563220), comment(8, parent=7236563219364563220)]),
            page(7236563219364563221, post_parent=7236563219364563222),
            page(7236563219364563222),
        )
        assert remarks(import_parts(*parts)) == []
        assert Comment.objects.get(pk=8).parent_id == 7236563219364563220
        assert Page.objects.get(pk=7236563219364563221).parent_id == 7236563219364563222
        for wordpress_id in (694939491983859712, 7236563219364563221):
            assert client.get(f"/?p={wordpress_id}").status_code == 301
        assert not import_parts(*parts).has_changes

    def test_an_id_already_in_use_is_replaced_and_reported(self, import_parts: ImportParts) -> None:
        PostFactory(pk=7, slug="mine")
        report = import_parts(item(7, post_name="theirs"), item(8))
        theirs = Post.objects.get(slug="theirs")
        assert theirs.pk == 9
        assert "new ID 9" in remarks(report)[0]

    def test_items_without_ids_are_one_line_of_a_summary(self, import_parts: ImportParts) -> None:
        report = import_parts(*(item(0, post_id="", guid=f"urn:{name}", post_name=name) for name in "abc"))
        assert [(reason.text, reason.count) for reason in summarise(report.notes).shown] == [
            ("It has no numeric ID in the export, so it got a new one.", 3)
        ]

    def test_two_items_with_the_same_guid_are_both_imported(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, guid="g"), item(8, guid="g"))
        assert Post.objects.get(pk=7).guid == "g"
        assert Post.objects.get(pk=8).guid.startswith("urn:uuid:")
        assert "unique ID" in remarks(report)[0]

    @pytest.mark.parametrize("guid", ["", "g" * 501])
    def test_an_unusable_guid_is_replaced_by_the_same_guid_each_time(
        self, import_parts: ImportParts, guid: str
    ) -> None:
        import_parts(item(7, guid=guid))
        first_guid = Post.objects.get().guid
        Post.objects.all().delete()
        import_parts(item(7, guid=guid))
        assert Post.objects.get().guid == first_guid

    def test_a_repeated_item_is_imported_once(self, import_parts: ImportParts) -> None:
        repeated = item(7, inside=[comment(1)])
        report = import_parts(repeated, repeated)
        assert counted(report, "post") == {"imported": 1, "skipped": 1}
        assert counted(report, "comment") == {"imported": 1, "skipped": 1}

    @pytest.mark.parametrize("guid", ["", "https://old.example/"])
    @pytest.mark.parametrize("make", [item, page])
    def test_items_that_have_only_titles_are_imported(
        self, import_parts: ImportParts, make: Callable[..., str], guid: str
    ) -> None:
        nothing = {"post_id": "", "post_name": "", "post_date": "", "post_date_gmt": "", "guid": guid}
        parts = [make(title=title, **nothing) for title in ("One", "Two", "One", "Three")]
        report = import_parts(*parts)
        kind = "post" if make is item else "page"
        assert counted(report, kind) == {"imported": 3, "skipped": 1}
        assert counted(import_parts(*parts), kind) == {"unchanged": 3, "skipped": 1}

    @pytest.mark.parametrize("wordpress_ids", [range(1, 5), [0] * 4])
    @pytest.mark.parametrize("slug", ["post", ""])
    def test_items_with_the_same_guid_are_recognised_in_any_order(
        self, import_parts: ImportParts, wordpress_ids: Sequence[int], slug: str
    ) -> None:
        parts = [
            item(
                wordpress_id,
                guid="https://old.example/",
                title=f"Title {number}",
                content=f"Text {number}.",
                post_name=f"{slug}-{number}" if slug else "",
                post_date=f"2014-03-0{number} 09:30:00",
                post_date_gmt=f"2014-03-0{number} 09:30:00",
            )
            for number, wordpress_id in enumerate(wordpress_ids, 1)
        ]
        import_parts(*parts)
        for some in (parts[::-1], parts[2:3], parts[:1], parts[1:]):
            assert counted(import_parts(*some), "post") == {"unchanged": len(some)}
        changed = parts[2].replace("Text 3.", "A new text.")
        assert counted(import_parts(changed), "post") == {"updated": 1}
        assert Post.objects.get(source="A new text.").title == "Title 3"
        assert Post.objects.count() == 4

    def test_items_are_recognised_by_their_guid_after_a_move_to_another_wordpress(
        self, import_parts: ImportParts
    ) -> None:
        drafts = {"status": "draft", "post_name": ""}
        import_parts(item(7), item(8, title="Draft", **drafts))
        moved = item(17, guid="https://old.example/?p=7", post_name="post-7")
        draft = item(18, guid="https://old.example/?p=8", title="Draft", **drafts)
        assert counted(import_parts(moved, draft), "post") == {"unchanged": 2}

    @pytest.mark.parametrize("wordpress_id", ["0", "", "99999999999999999999"])
    def test_an_item_without_a_usable_id_gets_one(self, import_parts: ImportParts, wordpress_id: str) -> None:
        import_parts(item(7, post_id=wordpress_id, guid="urn:x"), item(8))
        assert sorted(Post.objects.values_list("pk", flat=True)) == [8, 9]

    @pytest.mark.parametrize(
        "urls",
        [
            {"link": "https://old.example/?p=19"},
            {"guid": "https://old.example/?p=19"},
            {"link": "https://old.example/a/", "guid": "https://old.example/blog/?post_type=post&#038;p=19"},
            {"link": "https://old.example/index.php?page_id=19", "guid": "https://other.example/?p=5"},
        ],
    )
    def test_an_id_that_is_only_in_the_urls_is_kept(
        self, import_parts: ImportParts, client: Client, urls: dict[str, str]
    ) -> None:
        parts = [item(0, post_id="", title="x", post_name="a", **{"guid": "", **urls}), item(8)]
        report = import_parts(*parts)
        assert sorted(Post.objects.values_list("pk", flat=True)) == [8, 19]
        assert not any("new ID" in remark for remark in remarks(report))
        assert client.get("/?p=19").headers["Location"] == "/2014/03/01/a/"
        assert not import_parts(*parts).has_changes

    @pytest.mark.parametrize(
        ("urls", "content"),
        [
            ({"link": "https://old.example/?p=19"}, ""),
            ({"guid": "https://old.example/?p=19"}, ""),
            ({}, '<a href="https://old.example/?p=19">x</a>'),
            ({}, "http://www.old.example/blog/?x=1&amp;page_id=19"),
            ({}, "<a href='/?p=19'>x</a>"),
        ],
    )
    def test_a_new_id_is_never_one_that_a_link_refers_to(
        self, import_parts: ImportParts, urls: dict[str, str], content: str
    ) -> None:
        linking = item(8, content=content, **urls)
        import_parts(item(0, post_id="", guid="urn:x", title="x"), linking)
        assert sorted(Post.objects.values_list("pk", flat=True)) == [8, 20]

    def test_ids_on_other_sites_do_not_matter(self, import_parts: ImportParts) -> None:
        content = '<a href="https://forum.example/?p=19">x</a> <a href="https://old.example/?m=2014">y</a>'
        import_parts(item(0, post_id="", guid="https://forum.example/view.php?p=30"), item(8, content=content))
        assert sorted(Post.objects.values_list("pk", flat=True)) == [8, 9]


class TestImportingAgain:
    def test_a_second_run_changes_nothing_and_reports_no_changes(self, import_parts: ImportParts) -> None:
        first = import_parts(*AWKWARD_PARTS)
        before = contents()
        second = import_parts(*AWKWARD_PARTS)
        assert contents() == before
        assert not second.has_changes
        for kind, counts in first.counts.items():
            assert second.counts[kind].total() == counts.total()
            assert second.counts[kind][Outcome.SKIPPED] == counts[Outcome.SKIPPED]

    def test_local_changes_are_kept(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1)]))
        post = Post.objects.get()
        post.title, post.slug, post.source = "Mine now", "mine", "My text"
        post.save()
        Comment.objects.update(status="spam")
        before = contents()
        import_parts(item(7, inside=[comment(1)]))
        assert contents() == before

    def test_new_items_in_a_later_export_are_added(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[comment(1)]))
        report = import_parts(item(7, inside=[comment(1), comment(2, parent=1)]), item(8))
        assert counted(report, "post") == {"unchanged": 1, "imported": 1}
        assert counted(report, "comment") == {"unchanged": 1, "imported": 1}
        assert Comment.objects.get(pk=2).parent_id == 1
        assert Post.objects.get(pk=7).comment_count == 2

    def test_a_post_whose_guid_changed_is_recognised_by_id_and_url(self, import_parts: ImportParts) -> None:
        import_parts(item(7, guid="http://old.example/?p=7"))
        report = import_parts(item(7, guid="https://new.example/?p=7"))
        assert counted(report, "post") == {"unchanged": 1}

    def test_an_export_in_several_files_is_imported_like_one_file(self, tmp_path: Path) -> None:
        parts = [
            write(tmp_path, export(*some), f"{n}.xml") for n, some in enumerate((AWKWARD_PARTS[:8], AWKWARD_PARTS[8:]))
        ]
        report = import_export(parts)
        in_parts = sorted(Post.objects.values_list("pk", "slug", "guid"))
        Post.objects.all().delete()
        Page.objects.update(parent=None)
        Page.objects.all().delete()
        whole = import_export([write(tmp_path, export(*AWKWARD_PARTS))])
        assert sorted(Post.objects.values_list("pk", "slug", "guid")) == in_parts
        assert report.counts["comment"] == whole.counts["comment"]


class TestAccounting:
    def test_every_item_term_and_comment_is_accounted_for(self, import_parts: ImportParts) -> None:
        report = import_parts(*AWKWARD_PARTS)
        totals = {kind: counts.total() for kind, counts in report.counts.items()}
        assert totals == {
            "author": 2,
            "category": 2,
            "tag": 2,
            "other term": 1,
            "post": 6,
            "page": 2,
            "attachment": 1,
            "nav_menu_item": 1,
            "comment": 8,
        }

    def test_skipped_items_are_listed_with_a_reason(self, import_parts: ImportParts) -> None:
        report = import_parts(
            item(30, post_type="attachment", title="A picture"), item(31, post_type="product", title="A mug")
        )
        assert [(remark.kind, remark.id, remark.title) for remark in report.skipped] == [
            ("attachment", 30, "A picture"),
            ("product", 31, "A mug"),
        ]
        assert all(remark.text for remark in report.skipped)

    def test_texts_too_long_to_render_are_reported(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, content="x" * 500_001), page(20, content="x" * 500_001), page(21, post_parent=20))
        assert not Post.objects.exists()
        assert Page.objects.get().parent is None
        assert len(report.skipped) == 2

    def test_texts_with_too_many_lines_for_their_markup_are_reported(self, import_parts: ImportParts) -> None:
        html = "<ul><li>a</li></ul>"
        values = {"mark": checksum("A title", html, "", "post-7"), "markup": "markdown", "source": "- a\n" * 10_001}
        extension = meta("_broadside", to_json(values))
        report = import_parts(item(7, content=html, excerpt="", inside=[extension]), item(8))
        assert Post.objects.get().pk == 8
        (skipped,) = report.skipped
        assert "it has 10,001, and the limit is 10,000" in skipped.text

    def test_embedded_pictures_do_not_count_as_text_and_are_reported(self, import_parts: ImportParts) -> None:
        source = 'One <img src="data:image/png;base64,' + "x" * 600_000 + '"> two'
        (text,) = remarks(import_parts(item(7, content=source)))
        assert "1 file is embedded in the text itself" in text
        assert Post.objects.get().source == source

    def test_a_different_time_zone_causes_a_warning(self, import_parts: ImportParts) -> None:
        times = {"post_date": "2014-07-01 11:30:00", "post_date_gmt": "2014-07-01 09:30:00"}
        (warning,) = import_parts(item(7, **times), item(8, **times), item(9)).warnings
        assert "UTC+02:00" in warning
        assert "TIME_ZONE" in warning

    def test_the_same_time_zone_causes_no_warning(self, import_parts: ImportParts, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        summer = {"post_date": "2014-07-01 11:30:00", "post_date_gmt": "2014-07-01 09:30:00"}
        winter = {"post_date": "2014-12-01 10:30:00", "post_date_gmt": "2014-12-01 09:30:00"}
        assert not import_parts(item(7, **summer), item(8, **winter)).warnings

    def test_dates_that_are_too_far_apart_cause_no_time_zone_warning(self, import_parts: ImportParts) -> None:
        assert not import_parts(
            item(7, post_date="2022-07-01 11:30:00"), item(8, post_date="2022-07-02 11:30:00")
        ).warnings

    def test_repaired_characters_and_unknown_versions_cause_warnings(self, import_parts: ImportParts) -> None:
        warnings = import_parts(item(7, content="a\x01b"), version="9.9").warnings
        assert any("1 invisible control character " in text for text in warnings)
        assert any("9.9" in text for text in warnings)

    def test_progress_reaches_the_end(self, tmp_path: Path) -> None:
        progress: dict[str, tuple[int, int]] = {}
        path = write(tmp_path, export(item(7), page(20), item(30, post_type="attachment")))
        import_export([path], progress=lambda stage, done, total: progress.update({stage: (done, total)}))
        assert progress["importing"] == (3, 3)
        assert progress["reading"] == (path.stat().st_size, path.stat().st_size)


class TestAllOrNothing:
    def test_a_broken_export_changes_nothing(self, tmp_path: Path) -> None:
        before = contents()
        broken = export(*AWKWARD_PARTS)[:-30]
        with pytest.raises(InvalidExportError):
            import_export([write(tmp_path, export(item(1)), "good.xml"), write(tmp_path, broken)])
        assert contents() == before

    def test_a_file_that_is_damaged_after_it_was_read_is_imported_as_it_was(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(*(item(n) for n in range(1, 150))))

        def damage(stage: str, done: int, total: int) -> None:
            if stage == "reading" and done == total:
                path.write_bytes(b"")

        import_export([path], progress=damage)
        assert Post.objects.count() == 149

    def test_a_full_disk_is_reported_and_changes_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        full = Path("/dev/full").open("r+b")  # noqa: SIM115  # closed by the import
        monkeypatch.setattr("tempfile.TemporaryFile", lambda **_options: full)
        before = contents()
        with pytest.raises(
            InvalidExportError, match=r"as much free disk space as the size of the export.*No space left"
        ):
            import_export([write(tmp_path, export(*(item(n) for n in range(1, 301))))])
        assert contents() == before

    def test_a_dry_run_reports_everything_and_changes_nothing(self, import_parts: ImportParts) -> None:
        before = contents()
        preview = import_parts(*AWKWARD_PARTS, dry_run=True)
        assert contents() == before
        report = import_parts(*AWKWARD_PARTS)
        assert preview.counts == report.counts
        assert list(preview.notes) == list(report.notes)

    def test_cached_pages_expire_only_if_an_import_changed_something(
        self, import_parts: ImportParts, django_capture_on_commit_callbacks: object
    ) -> None:
        def version() -> int:
            return SiteSettings.current().content_version

        start = version()
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without a type
            import_parts(item(7))
        after = version()
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without a type
            import_parts(item(7))
        assert start < after == version()


class TestSpeed:
    def test_the_number_of_queries_does_not_grow_with_the_number_of_items(self, import_parts: ImportParts) -> None:
        def queries(start: int, count: int) -> int:
            inside = [filed("post_tag", "x"), filed("category", "c")]
            items = [
                item(n, inside=[*inside, comment(n), comment(n + 1000, parent=n)]) for n in range(start, start + count)
            ]
            with executed_statements() as statements:
                import_parts(*items)
            return len(statements)

        # Both counts need two batches, after everything that is created only once.
        queries(1000, 2)
        few = queries(2000, 110)
        assert queries(3000, 190) <= few + 5

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by the size of each table.")
    def test_no_statement_of_a_batch_reads_a_whole_table(
        self, import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The types of all pages are read, but only once for each import, not for each batch.
        monkeypatch.setattr("wordpress.importing.pipeline.page_types_here", set)
        parts = []
        for n in range(100, 190):
            written = f"{1900 + n}-05-01 10:00:00"
            inside = [filed("post_tag", "x"), comment(n)]
            parts.append(item(n, post_date=written, post_date_gmt=written, inside=inside))
        with executed_statements() as statements:
            import_parts(*parts, page(20), page(21, post_parent=20))
            import_parts(*(part.replace("Some text", "New text") for part in parts))
        for sql, parameters in statements:
            if parameters and sql.startswith(("SELECT", "UPDATE", "DELETE")):
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                    plan = [detail for *_ids, detail in cursor.fetchall()]
                assert [step for step in plan if READS_ALL.match(step)] == [], sql
