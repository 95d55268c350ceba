"""`manage.py verify_import`: what an owner runs before the domain is switched."""

import contextlib
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from accounts.models import User
from blog.models import Category, Page, Post, SiteSettings
from comments.feeds import Source
from comments.models import Comment
from library.models import Document
from tags.models import Tag, TaggedPost
from tests.factories import PostFactory, UserFactory
from tests.wordpress.exports import category, comment, export, filed, item, page, tag, write
from tests.wordpress.test_exporting import EVERYTHING
from wordpress.addresses import remember_address
from wordpress.importing import import_export

pytestmark = pytest.mark.django_db


def run(path: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("verify_import", str(path), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def faults(path: Path) -> list[str]:
    target = path.with_suffix(".json")
    with pytest.raises(CommandError, match="faults"):
        run(path, report=target)
    return [fault["problem"] for fault in json.loads(target.read_text(encoding="utf-8"))["faults"]]


def _no_comments(entry: Post | Page) -> Source:
    return Source("", entry.get_absolute_url(), entry.get_absolute_url(), Comment.objects.none(), 10)


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
    def test_all_is_right_after_an_import(self, imported: Path) -> None:
        assert "All is right: 7" in run(imported)

    def test_everything_an_export_may_hold(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(*EVERYTHING))
        import_export([path])
        assert "All is right" in run(path)

    def test_an_export_of_ours(self, imported: Path, tmp_path: Path) -> None:
        call_command("export_wordpress", output=tmp_path / "own.xml", stderr=io.StringIO())
        assert "All is right: 7" in run(tmp_path / "own.xml")

    def test_a_post_that_is_not_there(self, imported: Path) -> None:
        Post.objects.filter(pk=7).delete()
        assert "It does not answer (status 404)." in faults(imported)

    def test_another_day(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(published_at=dt.datetime(2014, 3, 2, tzinfo=dt.UTC))
        assert faults(imported) == ["The date is 2014-03-02."]

    def test_somebody_else_as_its_author(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7), item(8)), "two.xml")
        import_export([path])
        SiteSettings.objects.update_or_create(defaults={"show_author": True})
        assert "All is right" in run(path)
        Post.objects.filter(pk=8).update(author=UserFactory(display_name="Other"))
        cache.clear()
        assert "The author is “Other”." in faults(path)

    def test_an_author_whose_page_is_gone(self, imported: Path) -> None:
        User.objects.update(slug="elsewhere")
        assert faults(imported) == ["It does not answer (status 404)."]

    def test_a_tag_that_does_not_list_its_post(self, imported: Path) -> None:
        TaggedPost.objects.update(published_at=None)
        assert faults(imported) == ["It does not list the post “A & b”.", "The feed is empty."]

    def test_feeds_know_a_post_by_its_guid(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(guid="other")
        problems = faults(imported)
        # That of the site, the category and the tag.
        assert problems == ["The feed does not hold the post “A & b” by its guid."] * 3

    def test_newer_posts_of_the_site_are_no_fault(self, imported: Path) -> None:
        tag, category = Tag.objects.get(), Category.objects.get()
        for _number in range(12):
            PostFactory(tags=[tag], categories=[category])
        assert "All is right" in run(imported)

    def test_a_feed_of_comments_that_does_not_hold_them(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("comments.feeds._of", lambda entry, site: _no_comments(entry))
        assert faults(imported) == ["The feed of its comments does not answer, or is empty."]

    @pytest.mark.parametrize("field", ["guid", "attachment_url"])
    def test_files_that_are_not_here_are_said_and_no_fault(self, tmp_path: Path, field: str) -> None:
        url = {field: "https://a.files.wordpress.com/2014/03/a.jpg"}
        there = item(30, post_type="attachment", status="inherit", **url)
        path = write(tmp_path, export(item(7), there))
        import_export([path])
        assert "1 file of the old site is not here" in run(path, report=tmp_path / "r.json")
        missing = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["missing"]
        assert missing[0]["address"] == "/wp-content/uploads/2014/03/a.jpg"

    def test_files_that_are_here(self, tmp_path: Path) -> None:
        url = "https://old.example/wp-content/uploads/2014/03/a.pdf"
        path = write(tmp_path, export(item(7), item(30, post_type="attachment", status="inherit", guid=url)))
        import_export([path])
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"))
        remember_address(url, document)
        assert "not here" not in run(path)

    def test_an_interruption_tells_what_was_found_so_far(self, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Post.objects.filter(pk=7).update(title="Other")

        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("wordpress.verifying._hidden_faults", interrupt)
        out = io.StringIO()
        with pytest.raises(CommandError, match="Until then there were 1 faults in") as caught:
            call_command("verify_import", str(imported), stdout=out, stderr=io.StringIO())
        assert caught.value.returncode == 130
        assert "The title is “Other”." in out.getvalue()

    def test_another_title(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(title="Other")
        assert faults(imported) == ["The title is “Other”."]

    def test_a_missing_tag_and_category(self, imported: Path) -> None:
        TaggedPost.objects.all().delete()
        Post.objects.get(pk=7).categories.clear()
        assert {"The category “C” is missing.", "The tag “X” is missing."} <= set(faults(imported))

    def test_another_number_of_comments(self, imported: Path) -> None:
        Comment.objects.update(status="approved")
        assert faults(imported) == ["It has 2 comments; in the export it has 1."]

    @pytest.fixture
    def long_thread(self, tmp_path: Path) -> Path:
        SiteSettings.objects.update_or_create(pk=1, defaults={"comments_per_page": 10})
        path = write(tmp_path, export(item(7, inside=[comment(number) for number in range(1, 26)])))
        import_export([path])
        return path

    def test_comments_on_further_pages_count(self, long_thread: Path) -> None:
        assert "All is right" in run(long_thread)

    def test_a_comment_missing_on_a_further_page(self, long_thread: Path) -> None:
        Comment.objects.filter(pk=25).update(status="spam")
        assert faults(long_thread) == ["It has 24 comments; in the export it has 25."]

    def test_what_is_hidden_must_not_answer(self, imported: Path) -> None:
        Post.objects.filter(pk=8).update(status="published")
        problems = faults(imported)
        assert problems
        assert set(problems) == {"It is not public, but readers can see it."}

    def test_a_public_post_of_nearly_the_same_address_is_no_fault(self, tmp_path: Path) -> None:
        draft = item(8, status="draft", post_name="annual-report", post_date="2014-03-02 09:30:00")
        path = write(tmp_path, export(item(7, post_name="annual-report-2014"), draft))
        import_export([path])
        assert "All is right" in run(path)

    def test_a_number_that_several_have_is_no_fault(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(item(7), item(7, guid="urn:x", post_name="x"), page(7)))
        import_export([path])
        assert "All is right" in run(path)

    def test_what_the_export_gives_no_address_is_no_fault(self, tmp_path: Path) -> None:
        nothing: Any = {"post_id": "", "post_name": "", "link": "", "guid": ""}
        path = write(tmp_path, export(item(**nothing), page(**nothing, title="B"), authors=[]))
        import_export([path])
        assert Post.objects.published().count() == Page.objects.published().count() == 1
        assert "All is right: 1 " in run(path)

    def test_the_address_of_a_term_is_that_of_the_export(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(tag("Two Words"), tag("a/b")))
        import_export([path])
        assert faults(path) == ["It does not answer (status 404)."]

    def test_a_short_address_that_leads_elsewhere(self, imported: Path) -> None:
        document = imported.read_text(encoding="utf-8").replace(
            "<wp:post_id><![CDATA[7]]>", "<wp:post_id><![CDATA[77]]>"
        )
        imported.write_text(document, encoding="utf-8")
        assert faults(imported) == ["The short address does not lead to it."]

    @pytest.mark.parametrize(
        "link", ["http://[x", "//", "http://x/a b%zz\u0001?", "javascript:x", "http://x//y//z", "?"]
    )
    def test_links_of_any_kind_are_no_crash(self, tmp_path: Path, link: str) -> None:
        document = export(item(7, post_name="", title="")).replace(
            "<link>https://old.example/</link>", f"<link>{link}</link>"
        )
        path = write(tmp_path, document)
        import_export([path])
        with contextlib.suppress(CommandError):
            run(path)

    def test_a_file_that_is_no_export(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="not XML"):
            run(write(tmp_path, "x"))

    def test_only_web_addresses_can_be_a_base(self, imported: Path) -> None:
        with pytest.raises(CommandError, match="--base"):
            run(imported, base="file:///etc")

    def test_a_running_site_is_asked_over_the_network(self, tmp_path: Path, live_server: object) -> None:
        path = write(tmp_path, export(item(7)))
        import_export([path])
        assert "All is right" in run(path, base=str(live_server))
