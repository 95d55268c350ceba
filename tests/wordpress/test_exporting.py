"""Moving out: an export that WordPress takes, and that gives the same site again when it is brought in here."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pytest_django import Settings

from accounts.models import User
from blog.models import Category, Page, Post, Status
from comments.models import Comment
from library.models import Document
from tags.models import Tag, TagAlias
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory
from tests.wordpress.exports import author, category, comment, export, filed, item, page, tag, write
from wordpress.importing import import_export
from wordpress.reader import Export
from wordpress.records import Item

pytestmark = pytest.mark.django_db

EVERYTHING = (
    category("top", "Top &amp; first", description="What is <b>on</b> top"),
    category("child", "Child", parent="top"),
    tag("x", "X &lt; Y", description="A tag"),
    tag("x-2", "x &lt; y"),
    tag("%d9%85%d8%b1%d8%ad%d8%a8%d8%a7", "مرحبا"),
    item(
        7,
        title="Star &amp; <em>power</em> &quot;x&quot;",
        content="One ]]> two\n\n<!--more-->\n[gallery]  &amp;nbsp; 🎉\n",
        excerpt="Short\nand &amp; good",
        post_modified="2015-05-05 05:05:05",
        post_modified_gmt="2015-05-05 05:05:05",
        is_sticky=1,
        comment_status="closed",
        inside=[
            filed("post_tag", "x-2", "x &lt; y"),
            filed("post_tag", "%d9%85%d8%b1%d8%ad%d8%a8%d8%a7", "مرحبا"),
            filed("category", "child", "Child"),
            comment(1, user_id=1, url="https://a.example/?a=1&amp;copy=2", content="<b>Hi</b> ]]> &amp; you"),
            comment(2, parent=1, author="R&amp;D", approved="0"),
            comment(3, approved="spam"),
            comment(4, approved="trash"),
            comment(5, type="pingback"),
            comment(6, type="trackback", parent=5),
        ],
    ),
    item(8, status="draft", post_name="", title="A draft", post_date_gmt="0000-00-00 00:00:00"),
    item(9, status="pending"),
    item(10, status="private", post_name="%e2%80%8bzero"),
    item(11, status="trash", guid="urn:x"),
    item(12, status="future", post_date="2090-01-01 00:00:00", post_date_gmt="2090-01-01 00:00:00"),
    item(13, creator="berta", content=""),
    page(21, post_parent=20, menu_order=3),
    page(20, inside=[comment(9)]),
)
# When somebody's account and an old address were made here, since when a comment stands here as it does, and the
# password nobody has, are no part of the blog.
_OF_THE_MOMENT = {
    *(("User", "date_joined"), ("User", "password"), ("TagAlias", "created_at")),
    ("Comment", "status_since"),
}


def site() -> dict[str, list[dict[str, Any]]]:
    """Every field of every row, the keys too; of rows that only connect others, what they connect."""
    found: dict[str, list[dict[str, Any]]] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.app_label not in {"accounts", "blog", "tags", "comments"} or model.__name__ == "SiteSettings":
            continue
        through = model.__name__ in {"TaggedPost", "Post_categories"}
        rows = model._default_manager.order_by("pk").values()
        found[model.__name__] = [
            {
                name: value
                for name, value in row.items()
                if (model.__name__, name) not in _OF_THE_MOMENT and not (through and name == "id")
            }
            for row in rows
        ]
    return found


def exported(tmp_path: Path, name: str = "out.xml") -> Path:
    call_command("export_wordpress", output=tmp_path / name, stdout=io.StringIO(), stderr=io.StringIO())
    return tmp_path / name


def parsed(path: Path) -> Any:
    return etree.parse(path).getroot()


def items(path: Path) -> dict[tuple[str, int], Item]:
    return {(record.type, record.id): record for record in Export(path).records() if isinstance(record, Item)}


def forget_everything() -> None:
    Comment.objects.all().delete()
    Post.objects.all().delete()
    for model in (Page, Category):
        model._default_manager.update(parent=None)
        model._default_manager.all().delete()
    Tag.objects.all().delete()
    User.objects.all().delete()


@pytest.mark.django_db(transaction=True, reset_sequences=True)
class TestInOutIn:
    def test_every_field_of_every_row_is_as_before(self, tmp_path: Path) -> None:
        people = [author(), author("berta", id=2, email="b@example.org", name="Berta &amp; B."), author("carla", id=3)]
        source = write(tmp_path, export(*EVERYTHING, authors=people))
        import_export([source])
        before = site()
        assert all(before[name] for name in ("User", "Category", "Tag", "TaggedPost", "Post", "Page"))
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        report = import_export([path])
        after = site()
        for name, rows in before.items():
            assert after[name] == rows, name
        assert report.notes == []

    def test_the_second_export_is_the_first(self, tmp_path: Path) -> None:
        import_export([write(tmp_path, export(*EVERYTHING))])
        first = exported(tmp_path).read_text(encoding="utf-8").splitlines()
        call_command("flush", interactive=False, verbosity=0)
        import_export([tmp_path / "out.xml"])
        second = exported(tmp_path, "again.xml").read_text(encoding="utf-8").splitlines()
        differing = [one for one, other in zip(first, second, strict=True) if one != other]
        assert all("<pubDate>" in line or "<title>Broadside" in line for line in differing)


class TestWrittenHere:
    """What WXR has no word for comes back as well."""

    @pytest.fixture
    def again(self, tmp_path: Path) -> Any:
        def bring(*models: type[Any]) -> None:
            path = exported(tmp_path)
            forget_everything()
            import_export([path])

        return bring

    def same(self, again: Any, entry: Post | Page) -> None:
        entry.refresh_from_db()
        fields = {field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields}
        again()
        fields.pop("author_id")
        found = type(entry)._default_manager.get(pk=entry.pk)
        assert {name: getattr(found, name) for name in fields} == fields

    @pytest.mark.parametrize("markup", ["markdown", "html", "wordpress"])
    def test_source_markup_and_moments_exactly(self, again: Any, markup: str) -> None:
        moment = dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
        post = PostFactory(
            title="Two  blanks & <b>",
            source="# One\r\n\n\x0bTwo\n\n<!--more-->\n\n*three* ]]>",
            markup=markup,
            language="ar",
            excerpt="  a < b ",
            published_at=moment,
            created_at=moment - dt.timedelta(days=3),
        )
        self.same(again, post)

    @pytest.mark.parametrize("status", ["draft", "pending", "private", "trash"])
    @pytest.mark.parametrize("dated", [True, False])
    def test_hidden_ones_with_and_without_a_moment(self, again: Any, status: str, dated: bool) -> None:
        moment = timezone.now() + dt.timedelta(days=2) if dated else None
        self.same(again, PostFactory(status=status, published_at=moment))

    def test_an_hour_that_the_clock_shows_twice(self, again: Any, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"
        for hour in (0, 1):
            self.same(again, PostFactory(published_at=dt.datetime(2020, 10, 25, hour, 30, tzinfo=dt.UTC)))

    def test_the_day_of_the_address_stays_when_the_clock_was_another(self, again: Any, settings: Settings) -> None:
        post = PostFactory(published_at=dt.datetime(2020, 1, 1, 23, 30, tzinfo=dt.UTC))
        settings.TIME_ZONE = "Asia/Tokyo"
        self.same(again, post)

    def test_a_post_and_a_page_of_one_number(self, again: Any, tmp_path: Path) -> None:
        PostFactory(pk=5)
        parent = PageFactory(pk=5)
        child = PageFactory(pk=6, parent=parent)
        numbers = parsed(exported(tmp_path, "first.xml")).xpath("//*[local-name()='post_id']/text()")
        assert len(set(numbers)) == 3
        self.same(again, child)
        assert Page.objects.get(pk=5).path == parent.path

    def test_comments_that_are_plain_text(self, again: Any) -> None:
        written = CommentFactory(text="1 < 2 & <b>\r\nthree", created_at=timezone.now())
        written.refresh_from_db()
        again()
        found = Comment.objects.get()
        for name in ("pk", "post_id", "text", "is_html", "html", "created_at", "name", "email", "status", "kind"):
            assert getattr(found, name) == getattr(written, name), name

    def test_brought_in_twice_nothing_changes(self, tmp_path: Path) -> None:
        CommentFactory(text="1 < 2", created_at=timezone.now())
        PageFactory(pk=Post.objects.get().pk)
        path = exported(tmp_path)
        before = site()
        import_export([path])
        assert site() == before

    def test_what_was_changed_in_wordpress_since_counts(self, tmp_path: Path) -> None:
        post = PostFactory(source="*old*", markup="markdown", language="fr")
        path = exported(tmp_path)
        path.write_text(path.read_text().replace("<em>old</em>", "<em>new</em>"))
        forget_everything()
        import_export([path])
        found = Post.objects.get(pk=post.pk)
        assert (found.markup, found.language) == ("wordpress", "")
        assert "<em>new</em>" in found.body_html

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        title=st.text(max_size=30).filter(lambda text: "\x00" not in text),
        source=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=80)
        | st.sampled_from(["]]>", "<![CDATA[", "\r", "\x1b]]>\ufffe", "<!DOCTYPE x>", "&x;", "<!-- -->"]),
        markup=st.sampled_from(["markdown", "html", "wordpress"]),
    )
    def test_any_text_comes_back(self, tmp_path: Path, title: str, source: str, markup: str) -> None:
        forget_everything()
        post = PostFactory(title=title, slug="x", source=source, markup=markup, excerpt=title)
        written = CommentFactory(post=post, text=source)
        path = exported(tmp_path)
        forget_everything()
        import_export([path])
        found = Post.objects.get()
        assert (found.title, found.source, found.markup, found.excerpt) == (title, source, markup, title)
        assert found.body_html == post.body_html
        assert (Comment.objects.get().text, Comment.objects.get().html) == (source, written.html)


class TestForWordPress:
    def test_the_head_is_that_of_version_1_2(self, tmp_path: Path) -> None:
        PostFactory()
        root = parsed(exported(tmp_path))
        assert root.findtext("channel/{*}wxr_version") == "1.2"
        assert root.findtext("channel/{*}base_blog_url") == "http://testserver"
        assert root.nsmap["wp"] == "http://wordpress.org/export/1.2/"

    def test_markdown_is_shown_as_what_it_means(self, tmp_path: Path) -> None:
        PostFactory(source="*One*\n\n<!--more-->\n\n![](/media/pictures/a.jpg)")
        content = parsed(exported(tmp_path)).findtext(".//{*}encoded")
        assert content is not None
        assert content.startswith("<!-- wp:html -->\n<p><em>One</em></p>")
        assert "<!--more-->" in content
        assert 'src="http://testserver/media/pictures/a.jpg"' in content

    def test_slugs_and_links_as_wordpress_writes_them(self, tmp_path: Path) -> None:
        post = PostFactory(slug="مرحبا", published_at=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))
        tree = parsed(exported(tmp_path))
        assert tree.findtext(".//{*}post_name") == "%d9%85%d8%b1%d8%ad%d8%a8%d8%a7"
        assert tree.findtext(".//item/link") == "http://testserver" + post.get_absolute_url()

    def test_statuses(self, tmp_path: Path) -> None:
        later = timezone.now() + dt.timedelta(days=1)
        keys = {status: PostFactory(status=status).pk for status in Status.values}
        keys["future"] = PostFactory(published_at=later).pk
        found = items(exported(tmp_path))
        states = {status: found["post", pk].status for status, pk in keys.items()}
        assert states == {**{s: s for s in Status.values}, "published": "publish", "future": "future"}

    def test_parents_of_categories_come_first(self, tmp_path: Path) -> None:
        child = CategoryFactory(slug="child")
        child.parent = CategoryFactory(slug="parent")
        child.save()
        names = parsed(exported(tmp_path)).xpath("//*[local-name()='category_nicename']/text()")
        assert names == ["parent", "child"]

    def test_pictures_and_documents_are_attachments(self, tmp_path: Path, settings: Settings) -> None:
        settings.MEDIA_ROOT = tmp_path / "media"
        PostFactory(pk=40)
        document = Document.objects.create(file=ContentFile(b"%PDF-", name="a.pdf"), title="A & B")
        tree = parsed(exported(tmp_path))
        attachment = tree.xpath("//item[*[local-name()='post_type']='attachment']")[0]
        assert attachment.findtext("{*}attachment_url") == f"http://testserver{document.file.url}"
        assert attachment.findtext("{*}post_id") == "41"

    def test_old_addresses_of_tags_are_told(self, tmp_path: Path) -> None:
        TagAlias.objects.create(slug="old", tag=TagFactory(slug="new"))
        stderr = io.StringIO()
        call_command("export_wordpress", output=tmp_path / "x.xml", stderr=stderr)
        assert "1 old address of a tag" in stderr.getvalue()

    def test_control_characters_are_told_with_the_entry(self, tmp_path: Path) -> None:
        post = PostFactory(source="a\x1bb", markup="wordpress", title="Odd")
        stderr = io.StringIO()
        call_command("export_wordpress", output=tmp_path / "x.xml", stderr=stderr)
        assert f"post {post.pk} “Odd”: control characters" in stderr.getvalue()


class TestCommand:
    def test_standard_output(self) -> None:
        out = io.StringIO()
        UserFactory()
        call_command("export_wordpress", stdout=out, stderr=io.StringIO())
        assert out.getvalue().startswith("<?xml")
        assert out.getvalue().endswith("</rss>\n")

    def test_an_interruption_leaves_the_file_that_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        (tmp_path / "out.xml").write_text("before")
        PostFactory()
        monkeypatch.setattr("wordpress.exporting._filed", interrupt)
        with pytest.raises(CommandError, match="Interrupted") as caught:
            exported(tmp_path)
        assert caught.value.returncode == 130
        assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="could not be written"):
            exported(tmp_path / "nowhere")

    def test_nobody_else_on_the_machine_reads_it(self, tmp_path: Path) -> None:
        assert exported(tmp_path).stat().st_mode & 0o077 == 0

    def test_queries_do_not_grow_with_the_number_of_posts(
        self, tmp_path: Path, django_assert_max_num_queries: Any
    ) -> None:
        for _number in range(20):
            CommentFactory(post=PostFactory(tags=["a", "b"]))
        with django_assert_max_num_queries(25):
            exported(tmp_path)
