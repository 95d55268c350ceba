"""`manage.py verify_import`, which an owner runs before switching the domain."""

import contextlib
import datetime as dt
import io
import json
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from blog.models import Category, Entry, Page, Post
from comments.models import Comment, CommentSettings
from core.models import SiteSettings
from media.models import Document
from tags.models import Tag, TaggedPost
from tests.factories import PostFactory, UserFactory
from tests.factories.wxr import EVERYTHING, author, category, comment, export, filed, item, meta, page, tag, write
from wordpress.importing.pipeline import import_export
from wordpress.importing.redirects import add_redirect
from wordpress.verifying.site_client import InProcessClient, SiteResponse

pytestmark = pytest.mark.django_db


def run(path: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("verify_import", str(path), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def problems(path: Path) -> list[str]:
    target = path.with_suffix(".json")
    with pytest.raises(CommandError, match=r"problems? found"):
        run(path, report=target)
    return [problem["message"] for problem in json.loads(target.read_text(encoding="utf-8"))["problems"]]


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    inside = [filed("post_tag", "x", "X"), filed("category", "c", "C"), comment(1), comment(2, approved="0")]
    parts = (
        category("c", "C"),
        tag("x", "X"),
        item(7, title="A &amp; b", inside=inside),
        item(8, status="draft"),
        page(20),
    )
    path = write(tmp_path, export(*parts))
    import_export([path])
    return path


class TestVerifying:
    def test_unchanged_import_has_no_problems(self, imported: Path) -> None:
        assert "No problems found (7 items checked)." in run(imported)

    def test_items_that_cannot_be_checked_are_counted_with_the_reason(self, tmp_path: Path) -> None:
        plugin = (item(pk, post_type="book", title=f"Book {pk}") for pk in (50, 51))
        path = write(tmp_path, export(item(7), *plugin, item(0, guid="", link="", post_name="", title="Lost")))
        import_export([path])
        report = tmp_path / "report.json"
        shown = run(path, report=report)
        assert "2 items were not checked: It belongs to a plugin, and there is nothing like it here." in shown
        assert "1 item was not checked: The export gives neither its URL nor its ID." in shown
        assert sorted(json.loads(report.read_text(encoding="utf-8"))["not_checked"].values()) == [1, 2]

    def test_posts_from_the_same_second_are_no_problem(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(*(item(pk, title=f"Post {pk}") for pk in range(1, 13))))
        import_export([path])
        assert "No problems found" in run(path)

    def test_export_with_everything_is_no_problem(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(*EVERYTHING))
        import_export([path])
        assert "No problems found" in run(path)

    def test_content_must_be_protected_by_its_password(self, tmp_path: Path) -> None:
        values = {"post_password": "x", "title": "Guarded"}
        path = write(
            tmp_path, export(item(7, inside=[comment(1)], **values), page(20, **values), item(8, title="Open"))
        )
        import_export([path])
        assert "No problems found" in run(path)
        for entry in Entry.objects.filter(pk__in=[7, 8]):
            entry.password = "" if entry.password else "x"
            entry.title = {7: "Protected: Guarded", 8: "Open"}[entry.pk]
            entry.save()
        cache.clear()
        found = problems(path)
        assert "Readers can see the content without the password." in found
        assert "Readers can't see the content without a password." in found

    def test_the_title_of_a_protected_text_is_in_its_language(self, tmp_path: Path) -> None:
        inside = [filed("language", "ar"), filed("post_tag", "t")]
        path = write(tmp_path, export(tag("t"), item(7, title="Guarded", post_password="x", inside=inside)))
        import_export([path])
        assert "No problems found" in run(path)

    def test_post_with_a_date_only_in_utc_is_no_problem(self, tmp_path: Path, settings: Settings) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        values = {"post_date": "", "post_date_gmt": "2014-03-01 20:00:00"}
        path = write(tmp_path, export(item(7, inside=[filed("category", "c")], **values)))
        import_export([path])
        assert "No problems found" in run(path)

    def test_page_without_a_date_is_checked(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(page(20, post_date="", post_date_gmt="")))
        import_export([path])
        assert "No problems found" in run(path)
        Page.objects.all().delete()
        assert "The page can't be loaded (HTTP status 404)." in problems(path)

    def test_our_own_export_is_no_problem(self, imported: Path, tmp_path: Path) -> None:
        User.objects.update(slug="pen-name")
        call_command("export_wordpress", output=tmp_path / "own.xml", stderr=io.StringIO())
        assert "No problems found (7 items checked)." in run(tmp_path / "own.xml")

    def test_missing_post_is_a_problem(self, imported: Path) -> None:
        Post.objects.filter(pk=7).delete()
        assert "The page can't be loaded (HTTP status 404)." in problems(imported)

    def test_wrong_date_is_a_problem(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(published_at=dt.datetime(2014, 3, 2, tzinfo=dt.UTC))
        assert problems(imported) == ["The date is 2014-03-02."]

    def test_wrong_author_is_a_problem(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7), item(8)), "two.xml")
        import_export([path])
        SiteSettings.objects.update_or_create(defaults={"show_author": True})
        assert "No problems found" in run(path)
        Post.objects.filter(pk=8).update(author=UserFactory(display_name="Other"))
        cache.clear()
        assert "The author is “Other”." in problems(path)

    def test_missing_author_page_is_a_problem(self, imported: Path) -> None:
        User.objects.update(slug="elsewhere")
        assert problems(imported) == ["The page can't be loaded (HTTP status 404)."]

    def test_an_author_whose_url_is_not_known_is_not_checked(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7, creator="🎉"), authors=[author("🎉")]))
        import_export([path])
        assert "No problems found (2 items checked)." in run(path)

    def test_tag_page_without_its_post_is_a_problem(self, imported: Path) -> None:
        TaggedPost.objects.all().delete()
        found = ["The post “A & b” is not listed.", "The feed is empty.", "The tag “X” is missing."]
        assert problems(imported) == found

    def test_feed_with_another_guid_is_a_problem(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(guid="other")
        messages = problems(imported)
        # The feeds of the site, the category and the tag.
        assert messages == ["The feed does not contain the post “A & b” with its unique ID."] * 3

    def test_newer_posts_are_no_problem(self, imported: Path) -> None:
        tag, category = Tag.objects.get(), Category.objects.get()
        for _index in range(12):
            PostFactory(tags=[tag], categories=[category])
        assert "No problems found" in run(imported)

    def test_empty_comment_feed_is_a_problem(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("comments.feeds._newest", lambda *_values, **_shape: [])
        assert problems(imported) == ["The comment feed can't be loaded or is empty."]

    @pytest.mark.parametrize("field", ["guid", "attachment_url"])
    def test_missing_files_are_reported_but_are_no_problem(self, tmp_path: Path, field: str) -> None:
        url = {field: "https://a.files.wordpress.com/2014/03/a.jpg"}
        attached = item(30, post_type="attachment", status="inherit", **url)
        path = write(tmp_path, export(item(7), attached))
        import_export([path])
        assert "1 file of the old site has not been imported" in run(path, report=tmp_path / "r.json")
        missing = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["missing_files"]
        assert missing[0]["path"] == "/wp-content/uploads/2014/03/a.jpg"

    def test_files_on_this_site_are_not_missing(self, tmp_path: Path) -> None:
        url = "https://old.example/wp-content/uploads/2014/03/a.pdf"
        path = write(tmp_path, export(item(7), item(30, post_type="attachment", status="inherit", guid=url)))
        import_export([path])
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"))
        add_redirect(url, document)
        assert "has not been imported" not in run(path)

    def test_interruption_reports_the_problems_found_so_far(
        self, imported: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Post.objects.filter(pk=7).update(title="Other")

        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("wordpress.verifying.site_checker.SiteChecker._check_hidden_entry", interrupt)
        out = io.StringIO()
        with pytest.raises(CommandError, match=r"Interrupted\. 1 problem found") as caught:
            call_command("verify_import", str(imported), stdout=out, stderr=io.StringIO())
        assert caught.value.returncode == 130
        assert "The title is “Other”." in out.getvalue()

    def interrupt_at(self, path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> str:
        """Interrupt the first check of this kind, and return the error."""

        with monkeypatch.context() as patch:
            patch.setattr(f"wordpress.verifying.site_checker.SiteChecker._check_{kind}", self.raise_interrupt)
            with pytest.raises(CommandError) as caught:
                run(path)
        assert caught.value.returncode == 130
        return str(caught.value)

    def test_an_interrupted_check_is_continued(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Post.objects.filter(pk=7).update(title="Other")
        assert "with --resume" in self.interrupt_at(imported, "hidden_entry", monkeypatch)
        requested: list[str] = []
        get = InProcessClient.get

        def record(client: InProcessClient, path: str, *, with_body: bool = True) -> SiteResponse:
            requested.append(path)
            return get(client, path, with_body=with_body)

        monkeypatch.setattr(InProcessClient, "get", record)
        report = imported.with_suffix(".json")
        with pytest.raises(CommandError, match=r"1 problem found \(7 items checked\)"):
            run(imported, resume=True, report=report)
        found = json.loads(report.read_text(encoding="utf-8"))
        assert [problem["message"] for problem in found["problems"]] == ["The title is “Other”."]
        # Only the checks from the draft on are run.
        assert requested[0] == "/2014/03/01/post-8/"
        assert not any("post-7" in path or path == "/feed/" for path in requested)

    def test_a_check_can_be_interrupted_more_than_once(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.interrupt_at(imported, "listing", monkeypatch)
        with monkeypatch.context() as patch:
            patch.setattr("wordpress.verifying.site_checker.SiteChecker._read_expectations", self.raise_interrupt)
            with pytest.raises(CommandError, match="1 item checked"):
                run(imported, resume=True)
        assert "No problems found (7 items checked)." in run(imported, resume=True)

    def raise_interrupt(self, *args: object) -> None:
        raise KeyboardInterrupt

    def test_only_an_interrupted_check_of_the_same_files_can_be_continued(
        self, imported: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.interrupt_at(imported, "hidden_entry", monkeypatch)
        with pytest.raises(CommandError, match="no interrupted check"):
            run(imported, resume=True, check_all=True)
        run(imported, resume=True)
        with pytest.raises(CommandError, match="no interrupted check"):
            run(imported, resume=True)
        self.interrupt_at(imported, "hidden_entry", monkeypatch)
        imported.write_bytes(imported.read_bytes() + b"\n")
        with pytest.raises(CommandError, match="no interrupted check"):
            run(imported, resume=True)

    def test_a_missing_file_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"no\.xml: No such file"):
            run(tmp_path / "no.xml")

    @pytest.fixture
    def many_tags(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Return an export with one common tag and ten rare ones, with a sample size of two."""
        monkeypatch.setattr("wordpress.verifying.site_checker._SAMPLE", 2)
        rare = [f"rare-{number}" for number in range(10)]
        posts = [
            item(number, inside=[filed("post_tag", "common"), filed("post_tag", rare[number])])
            for number in range(1, 7)
        ]
        path = write(tmp_path, export(*map(tag, ["common", *rare]), *posts))
        import_export([path])
        return path

    def test_terms_that_only_hidden_posts_have_must_not_be_found(self, tmp_path: Path) -> None:
        terms = [filed("post_tag", "secret", "Secret"), filed("category", "child", "Child")]
        parts = (category("above", "Above"), category("child", "Child", parent="above"), tag("secret", "Secret"))
        path = write(tmp_path, export(*parts, tag("unused", "Unused"), item(7, status="draft", inside=terms)))
        import_export([path])
        assert "No problems found" in run(path)
        with mock.patch.object(InProcessClient, "get", return_value=SiteResponse(200)):
            assert problems(path).count("Readers can see this although it isn't public.") == 3

    def test_a_sample_of_rare_terms_is_checked(self, many_tags: Path) -> None:
        # These are the site, its author, six posts, and three tags.
        text = run(many_tags)
        assert "8 tags and categories with few posts were not checked. Use --all to check each one." in text
        assert "No problems found (11 items checked)." in text
        TaggedPost.objects.filter(tag__slug="common").delete()
        assert "The feed is empty." in problems(many_tags)

    def test_all_terms_are_checked_on_request(self, many_tags: Path) -> None:
        text = run(many_tags, check_all=True)
        assert "not checked" not in text
        assert "No problems found (19 items checked)." in text

    def test_the_page_cache_is_neither_used_nor_filled(self, imported: Path) -> None:
        with mock.patch.object(cache, "set", wraps=cache.set) as stored:
            run(imported)
        assert [call.args[0] for call in stored.call_args_list if call.args[0].startswith("page:")] == []

    def test_wrong_title_is_a_problem(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(title="Other")
        assert problems(imported) == ["The title is “Other”."]

    def test_missing_tag_and_category_are_problems(self, imported: Path) -> None:
        TaggedPost.objects.all().delete()
        Post.objects.get(pk=7).categories.clear()
        assert {"The category “C” is missing.", "The tag “X” is missing."} <= set(problems(imported))

    def test_wrong_comment_count_is_a_problem(self, imported: Path) -> None:
        Comment.objects.update(status="approved")
        assert problems(imported) == ["Number of comments: 2 on the page, 1 in the export."]

    @pytest.fixture
    def long_thread(self, tmp_path: Path) -> Path:
        CommentSettings.objects.update_or_create(pk=1, defaults={"comments_per_page": 10})
        path = write(tmp_path, export(item(7, inside=[comment(comment_id) for comment_id in range(1, 26)])))
        import_export([path])
        return path

    def test_comments_on_all_pages_are_counted(self, long_thread: Path) -> None:
        assert "No problems found" in run(long_thread)

    def test_comment_missing_on_the_last_page_is_a_problem(self, long_thread: Path) -> None:
        Comment.objects.filter(pk=25).update(status="spam")
        assert problems(long_thread) == ["Number of comments: 24 on the page, 25 in the export."]

    def test_hidden_post_must_not_be_visible(self, imported: Path) -> None:
        Post.objects.filter(pk=8).update(status="published")
        messages = problems(imported)
        assert messages
        assert set(messages) == {"Readers can see this although it isn't public."}

    def test_a_post_for_subscribers_must_not_be_visible(self, tmp_path: Path) -> None:
        access = meta("_jetpack_newsletter_access", "subscribers")
        path = write(tmp_path, export(item(7, inside=[access]), item(8, title="For all")))
        import_export([path])
        assert "No problems found" in run(path)
        Post.objects.update(status="published")
        assert "Readers can see this although it isn't public." in problems(path)

    def test_public_post_of_another_blog_with_the_same_id_is_no_problem(self, imported: Path) -> None:
        draft = item(7, status="draft", title="Unfinished", post_name="draft", guid="urn:other")
        other = write(imported.parent, export(draft, site="https://other.example"), "other.xml")
        import_export([other])
        assert "No problems found" in run(other)
        Post.objects.filter(title="Unfinished").update(status="published")
        assert set(problems(other)) == {"Readers can see this although it isn't public."}

    def test_public_post_with_a_similar_url_is_no_problem(self, tmp_path: Path) -> None:
        draft = item(8, status="draft", post_name="annual-report", post_date="2014-03-02 09:30:00")
        path = write(tmp_path, export(item(7, post_name="annual-report-2014"), draft))
        import_export([path])
        assert "No problems found" in run(path)

    def test_id_of_several_posts_is_no_problem(self, tmp_path: Path) -> None:
        link = "https://old.example/?p=8"
        drafts = item(8, status="draft", title="Draft", link=link), item(8, title="B", guid="urn:y", link=link)
        path = write(tmp_path, export(item(7), item(7, guid="urn:x", post_name="x"), page(7), *drafts))
        import_export([path])
        assert "No problems found" in run(path)

    def test_a_link_with_the_id_of_another_item_is_no_problem(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7, link="https://old.example/blog/?p=1")))
        import_export([path])
        assert "No problems found" in run(path)

    def test_a_permalink_that_is_also_that_of_an_archive_is_no_problem(self, tmp_path: Path) -> None:
        review = item(7, title="My year", link="https://old.example/2014/", post_name="2014", content="Text.")
        path = write(tmp_path, export(review))
        import_export([path])
        assert "No problems found" in run(path)

    def test_a_permalink_with_a_language_is_that_of_the_text(self, tmp_path: Path, client: Client) -> None:
        path = write(tmp_path, export(item(7, link="https://old.example/archives/7/?lang=pt-br")))
        import_export([path])
        assert "No problems found" in run(path)
        assert client.get("/archives/7/").headers["Location"] == Post.objects.get().get_absolute_url()

    def test_item_without_a_url_is_not_checked(self, tmp_path: Path) -> None:
        without_url: Any = {"post_id": "", "post_name": "", "link": "", "guid": ""}
        path = write(tmp_path, export(item(**without_url), page(**without_url, title="B"), authors=[]))
        import_export([path])
        assert Post.objects.published().count() == Page.objects.published().count() == 1
        assert "No problems found (1 item checked)." in run(path)

    def test_terms_are_checked_at_their_exported_url(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(tag("Two Words"), tag("a/b")))
        import_export([path])
        assert problems(path) == ["The page can't be loaded (HTTP status 404)."]
        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("verify_import", str(path), stdout=out, stderr=io.StringIO())
        assert "tag “a/b” /tag/a%2Fb/: The page can't be loaded" in out.getvalue()

    def test_short_url_that_redirects_elsewhere_is_a_problem(self, imported: Path) -> None:
        document = imported.read_text(encoding="utf-8").replace(
            "<wp:post_id><![CDATA[7]]>", "<wp:post_id><![CDATA[77]]>"
        )
        imported.write_text(document, encoding="utf-8")
        assert problems(imported) == ["The short URL leads somewhere else."]

    @pytest.mark.parametrize(
        "link", ["http://[x", "//", "http://x/a b%zz\u0001?", "javascript:x", "http://x//y//z", "?"]
    )
    def test_any_link_can_be_checked(self, tmp_path: Path, link: str) -> None:
        document = export(item(7, post_name="", title="")).replace(
            "<link>https://old.example/</link>", f"<link>{link}</link>"
        )
        path = write(tmp_path, document)
        import_export([path])
        with contextlib.suppress(CommandError):
            run(path)

    def test_invalid_export_is_rejected(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="not XML"):
            run(write(tmp_path, "x"))

    @pytest.mark.parametrize("url", ["file:///etc", "http://", "http://host:port", "//host"])
    def test_base_must_be_an_http_url(self, imported: Path, url: str) -> None:
        with pytest.raises(CommandError, match="--base"):
            run(imported, base=url)

    def test_each_page_is_requested_once(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        requested = Counter[str]()
        get = InProcessClient.get

        def record(client: InProcessClient, path: str, *, with_body: bool = True) -> SiteResponse:
            requested[path] += 1
            return get(client, path, with_body=with_body)

        monkeypatch.setattr(InProcessClient, "get", record)
        run(imported)
        assert requested["/2014/03/01/post-7/"] == requested["/?p=7"] == 1
        assert requested.most_common(1)[0][1] == 1

    def test_files_in_several_texts_are_looked_up_together(self, tmp_path: Path) -> None:
        content = '<img src="https://old.example/wp-content/uploads/2014/03/{}.jpg">'
        items = [item(pk, title=f"Post {pk}", content=content.format(pk)) for pk in range(1, 6)]
        path = write(tmp_path, export(*items))
        import_export([path])
        target = tmp_path / "report.json"
        with CaptureQueriesContext(connection) as queries:
            run(path, report=target)
        missing = json.loads(target.read_text(encoding="utf-8"))["missing_references"]
        assert [each["id"] for each in missing] == [1, 2, 3, 4, 5]
        assert sum('former_path" IN' in query["sql"] for query in queries) == 1

    def test_running_site_is_checked_over_the_network(self, tmp_path: Path, live_server: object) -> None:
        path = write(tmp_path, export(item(7)))
        import_export([path])
        with mock.patch.object(cache, "set", wraps=cache.set) as stored:
            assert "No problems found" in run(path, base=str(live_server))
        assert [call.args[0] for call in stored.call_args_list if call.args[0].startswith("page:")] == []


class TestProgress:
    @pytest.fixture(autouse=True)
    def _slow_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make twenty seconds pass each time the clock is read."""
        monkeypatch.setattr("core.progress.monotonic", count(0, 20).__next__)

    def test_lines_show_the_rate_and_the_time_left(self, imported: Path) -> None:
        stderr = io.StringIO()
        call_command("verify_import", str(imported), stdout=io.StringIO(), stderr=stderr)
        lines = [line for line in stderr.getvalue().splitlines() if line.startswith("Checking")]
        assert lines[0] == "Checking: 42%, 3/7, 0.1 per second, 0:01:20 left"
        assert all(line.startswith("Checking: ") for line in lines)

    def test_a_terminal_shows_one_line(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        terminal = io.StringIO()
        terminal.isatty = lambda: True  # type: ignore[method-assign]  # as if it were one
        monkeypatch.setattr("sys.stderr", terminal)
        call_command("verify_import", str(imported), stdout=io.StringIO())
        assert "Checking" in terminal.getvalue()
        assert "Checking:" not in terminal.getvalue()
