"""`manage.py verify_import`: what an owner runs before the domain is switched."""

import contextlib
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from blog.models import Post, SiteSettings
from comments.models import Comment
from tags.models import TaggedPost
from tests.wordpress.exports import category, comment, export, filed, item, page, tag, write
from tests.wordpress.test_exporting import EVERYTHING
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
        assert "All is right: 5" in run(imported)

    def test_everything_an_export_may_hold(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(*EVERYTHING))
        import_export([path])
        assert "All is right" in run(path)

    def test_an_export_of_ours(self, imported: Path, tmp_path: Path) -> None:
        call_command("export_wordpress", output=tmp_path / "own.xml", stderr=io.StringIO())
        assert "All is right: 5" in run(tmp_path / "own.xml")

    def test_a_post_that_is_not_there(self, imported: Path) -> None:
        Post.objects.filter(pk=7).delete()
        assert faults(imported) == ["It does not answer (status 404)."]

    def test_another_title(self, imported: Path) -> None:
        Post.objects.filter(pk=7).update(title="Other")
        assert faults(imported) == ["The title is “Other”."]

    def test_a_missing_tag_and_category(self, imported: Path) -> None:
        TaggedPost.objects.all().delete()
        Post.objects.get(pk=7).categories.clear()
        assert sorted(faults(imported)) == ["The category “C” is missing.", "The tag “X” is missing."]

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
