"""Moving out: an export that WordPress takes, and that gives the same site again when it is brought in here."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as dj_settings
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.forms import model_to_dict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pytest_django import Settings

from accounts.models import User
from blog.addresses import remember_addresses
from blog.models import Category, Page, Post, Status
from comments.models import Comment
from library.models import Document, Picture
from library.pictures import store_picture
from tags.models import Tag
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory
from tests.wordpress.exports import (
    attachment,
    author,
    category,
    comment,
    export,
    filed,
    item,
    meta,
    page,
    tag,
    write,
)
from tests.wordpress.files import picture, put
from wordpress.importing import import_export
from wordpress.media_folder import MediaFolder
from wordpress.models import Attachment, Fragment, ImportedItem
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
# What an export does not carry, and why. All other fields of all other models must come back.
_LEFT_OUT = {
    "accounts.User.password": "nobody shall log in by a file",
    "accounts.User.last_login": "a trace of a person, no part of the blog",
    "accounts.User.date_joined": "when the account was made here",
    "accounts.User.is_staff": "rights are given by people",
    "accounts.User.is_superuser": "rights are given by people",
    "accounts.User.is_active": "rights are given by people",
    "accounts.User_groups": "rights are given by people",
    "accounts.User_user_permissions": "rights are given by people",
    "blog.SiteSettings": "set for each site anew; the command says so",
    "comments.Comment.is_imported": "that it came with an import",
    "blog.Enclosure.id": "nothing names it",
    "blog.OldAddress.id": "nothing names it",
    "blog.OldAddress.picture": "goes with its file",
    "blog.OldAddress.document": "goes with its file",
    "blog.Post.featured_picture": "goes with its file, see TestFiles",
    "blog.Page.featured_picture": "goes with its file, see TestFiles",
    "blog.Post_categories.id": "nothing names it",
    "comments.Arrivals": "counts of some minutes",
    "comments.Block": "moderation is of this site; the command says so",
    "comments.Comment.reasons": "what the rules of this site found",
    "comments.Comment.status_since": "since when it stands so here",
    "comments.Decision": "the history of moderation is of this site; the command says so",
    "comments.Lesson": "the filter learns from decisions made here",
    "comments.Token": "the filter learns from decisions made here",
    "comments.Erasure": "keyed with the secret of this site",
    "comments.Follower": "they said yes to this site alone",
    "comments.News": "of some minutes",
    "comments.Notice": "mails of this site",
    "comments.NoticePreference": "what people here chose",
    "comments.Revision": "the history of moderation is of this site",
    "comments.SpentChallenge": "of some minutes",
    "library.Picture": "files are fetched, not held by an export",
    "library.Document": "files are fetched, not held by an export",
    "tags.TagAlias.id": "nothing names it",
    "tags.TagAlias.created_at": "when the row was made here",
    "tags.TaggedPost.id": "nothing names it",
    "wordpress.Fragment.id": "nothing names it",
    "wordpress.Fragment.exported": "what the last import said",
    "wordpress.Fragment.site": "it comes from this site then",
    "wordpress.Attachment": "goes with its file, see TestFiles",
    "wordpress.Import": "uploads of this site",
    "wordpress.ImportedItem": "what earlier imports left",
}
_APPS = {"accounts", "blog", "comments", "library", "tags", "wordpress"}


def compared() -> dict[type[Model], list[str]]:
    """The columns of each model that must be the same."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        if model._meta.app_label in _APPS and label not in _LEFT_OUT and not model._meta.proxy:
            fields = [field for field in model._meta.concrete_fields if f"{label}.{field.name}" not in _LEFT_OUT]
            found[model] = [field.attname for field in fields]
    return found


def site() -> dict[str, list[dict[str, Any]]]:
    """What must be the same of each row."""
    return {
        model._meta.label: sorted(model._default_manager.values(*columns), key=str)
        for model, columns in compared().items()
    }


def a_site_with_everything() -> None:
    """In which every field of every model has something to lose."""
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    names = {"first_name": "Anna  B", "last_name": "Über", "email": "anna@example.org"}
    anna = UserFactory(pk=33, display_name="Anna  & <b>", slug="an-na", bio="About\r\nher \x1b<i>", **names)
    UserFactory(pk=37, display_name="", username="berta", first_name="Berta")
    top = CategoryFactory(pk=4, name="Top  & <first>", description="One\r\n  two <b>", slug="top")
    child = CategoryFactory(pk=9, name="Child", slug="child")
    child.slug, child.parent = "kind", top
    child.save()
    tag = TagFactory(pk=5, name="Two\u00a0 blanks & <x>", description="One\r\n\r\n two", slug="was")
    for tag.slug in ("é\u200b", "ist"):
        tag.save()
    post = PostFactory(
        pk=11,
        title="A  title",
        author=anna,
        slug="first",
        source="*One*\n\n<!--more-->\n\ntwo",
        excerpt=" Short\r\n",
        language="ar",
        published_at=moment,
        created_at=moment,
        sticky=True,
        categories=[top, child],
        tags=[tag],
    )
    post.slug = "second"
    post.save()
    post.enclosures.create(url="https://a.example/ü.mp3?a&b", length=12, media_type="audio/mpeg")
    post.enclosures.create(url="https://a.example/2", media_type="video/mp4")
    Fragment.objects.create(kind=Fragment.Kind.NOTE, name="3f1c", text="A <em>note</em>")
    Fragment.objects.create(kind=Fragment.Kind.BLOCK, name="31", title="Shared & <b>", text="<!-- wp:paragraph -->")
    PostFactory(markup="wordpress", source='<!-- wp:block {"ref":31} /--><sup data-fn="3f1c" class="fn">1</sup>')
    hidden = PostFactory(status="private", comments_open=False, guid="https://old.example/?p=1", markup="html")
    page = PageFactory(pk=11, slug="page", menu_order=-2, excerpt="x", language="fr", source="a\n\n<!--more-->\n\nb")
    below = PageFactory(slug="below", parent=page)
    page.slug = "seite"
    page.save()
    remember_addresses(
        [
            ("/?cat=77", child),
            ("/?author=5", anna),
            ("/50%/é/", hidden),
            ("/2019/01/01/x/", post),
            ("/a?b/", below),
            ("/a%2541/", below),
        ]
    )
    first = CommentFactory(
        pk=21, post=post, user=anna, website="https://a.example/?a&b", text="1 <\r\n2", name="R&D  <x>"
    )
    CommentFactory(post=post, parent=first, kind="pingback", status="pending", is_html=True, text="<b>x</b>")
    CommentFactory(page=page, created_at=moment, email="", name="")
    CommentFactory(page=below, status="spam")
    for entry in (post, hidden, page):
        entry.comment_count = entry.comments.filter(status="approved").count()
        entry.save()


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
    def test_all_that_is_here_comes_back(self, tmp_path: Path) -> None:
        a_site_with_everything()
        before = site()
        for model, columns in compared().items():
            for column in columns:
                assert any(row[column] for row in before[model._meta.label]), f"{model._meta.label}.{column} is empty"
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        report = import_export([path])
        after = site()
        for name, rows in before.items():
            assert after[name] == rows, name
        assert not report.notes
        assert not import_export([path]).has_changes
        assert site() == after

    def test_every_field_of_every_row_is_as_before(self, tmp_path: Path) -> None:
        people = [author(), author("berta", id=2, email="b@example.org", name="Berta &amp; B."), author("carla", id=3)]
        source = write(tmp_path, export(*EVERYTHING, authors=people))
        import_export([source])
        before = site()
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        report = import_export([path])
        after = site()
        for name, rows in before.items():
            assert after[name] == rows, name
        assert [note for note in report.notes if note.kind != "shortcode"] == []

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

    def test_old_slugs_are_said_in_wordpress_s_word_too(self, tmp_path: Path) -> None:
        post = PostFactory(slug="é")
        post.slug = "new"
        post.save()
        assert ("_wp_old_slug", "%c3%a9") in items(exported(tmp_path))["post", post.pk].meta

    def test_what_is_not_in_it_is_told(self, tmp_path: Path) -> None:
        stderr = io.StringIO()
        call_command("export_wordpress", output=tmp_path / "x.xml", stderr=stderr)
        assert "roles, the site settings" in stderr.getvalue()

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
        with django_assert_max_num_queries(32):
            exported(tmp_path)


class TestFiles:
    """Pictures and documents go out and come in again as they were, under the numbers that texts name."""

    @pytest.fixture
    def media(self, tmp_path: Path) -> Path:
        return put(
            tmp_path / "old", "2014/03/a.png", "2014/03/b.png", "2014/03/c.pdf", "2014/03/d.mp3", "2014/03/e.docx"
        )

    @pytest.fixture
    def brought(self, tmp_path: Path, media: Path) -> None:
        parts = (
            attachment(
                30,
                "2014/03/a.png",
                title="A &amp; B",
                excerpt="Below <b>it</b>\nand more",
                content="Said of it",
                alt="x &lt; y",
                post_parent=7,
                menu_order=2,
            ),
            attachment(31, "2014/03/b.png", creator="", post_parent=20),
            attachment(32, "2014/03/c.pdf", excerpt="Of the document"),
            attachment(33, "2014/03/missing.png", title="Not here", post_parent=7),
            attachment(34, "2014/03/d.mp3", title="A talk", post_parent=7),
            attachment(35, "2014/03/e.docx", content="A form"),
            item(
                7,
                content='<img src="https://old.example/wp-content/uploads/2014/03/a-9x9.png"> [gallery ids="31,30"]'
                "[audio https://old.example/wp-content/uploads/2014/03/d.mp3]",
                inside=[meta("_thumbnail_id", "30")],
            ),
            page(20, content="[gallery]", inside=[meta("_thumbnail_id", "31")]),
            page(7),
        )
        import_export([write(tmp_path, export(*parts))], media=MediaFolder(media))

    def files(self) -> list[dict[str, Any]]:
        """All that is said of each file and entry, but for where the file lies and what the import noted."""
        found = []
        for each in Attachment.objects.order_by("wordpress_id"):
            said = model_to_dict(each, exclude=["id", "site", "url", "guid", "path", "former_path"])
            said |= {"was_at": each.former_path, "picture": None, "document": None}
            upload = each.picture or each.document
            if upload is not None:
                said["upload"] = model_to_dict(upload, exclude=["id", "file"])
                if isinstance(upload, Document):
                    with upload.file.open() as file:
                        said["upload"]["bytes"] = file.read()
                said["upload"] |= {"at": upload.uploaded_at, "by": str(upload.uploaded_by)}
                said["upload"] |= {"measures": [getattr(upload, name, 0) for name in ("width", "height")]}
            said["uploaded_by"] = str(each.uploaded_by)
            found.append(said)
        return found

    def featured(self) -> list[Any]:
        return [
            (type(entry).__name__, entry.pk, getattr(entry.featured_picture, "title", None))
            for model in (Post, Page)
            for entry in model._default_manager.order_by("pk")
        ]

    def shown(self, entry: Post | Page) -> list[int]:
        by_url = {each.file_url: each.wordpress_id for each in Attachment.objects.with_file()}
        return [by_url[part.partition('"')[0]] for part in entry.body_html.split('<img src="')[1:]]

    @pytest.mark.usefixtures("brought")
    def test_out_and_in_again_is_the_same(self, tmp_path: Path, settings: Settings) -> None:
        odd = {"title": "  Two  blanks ", "alt": "&amp;", "uploaded_at": timezone.now()}
        Picture.objects.filter(attachments__wordpress_id=30).update(**odd)
        Attachment.objects.filter(wordpress_id=30).update(**odd)
        before = self.files(), self.featured(), self.shown(Post.objects.get()), self.shown(Page.objects.get(pk=20))
        assert before[2] == [30, 31, 30]
        assert before[3] == [31]
        path = exported(tmp_path)
        kept = Path(settings.MEDIA_ROOT)
        forget_everything()
        Attachment.objects.all().delete()
        # Their files stay.
        Picture.objects.all().delete()
        Document.objects.all().delete()
        ImportedItem.objects.all().delete()
        report = import_export([path], media=MediaFolder(kept))
        after = self.files(), self.featured(), self.shown(Post.objects.get()), self.shown(Page.objects.get(pk=20))
        assert after == before
        talk = Document.objects.get(title="A talk").file.url
        assert talk.endswith(".mp3")
        assert f'<source src="{talk}">' in Post.objects.get().body_html
        assert [left.title for left in report.skipped] == ["Not here"]

    @pytest.mark.usefixtures("brought")
    def test_the_featured_image_is_named_by_the_number_of_its_item(self, tmp_path: Path) -> None:
        found = items(exported(tmp_path))
        assert dict(found["post", 7].meta)["_thumbnail_id"] == "30"
        assert found["attachment", 30].attachment_url.startswith("http://testserver/media/pictures/")
        assert found["attachment", 30].guid == "https://old.example/wp-content/uploads/2014/03/a.png"

    def test_a_number_that_an_entry_has_is_not_given_again(self, tmp_path: Path, media: Path) -> None:
        part = attachment(30, "2014/03/a.png")
        import_export([write(tmp_path, export(part))], media=MediaFolder(media))
        post = PostFactory(pk=30, featured_picture=Picture.objects.get())
        found = items(exported(tmp_path))
        (number,) = [number for kind, number in found if kind == "attachment"]
        assert number != 30
        assert dict(found["post", post.pk].meta)["_thumbnail_id"] == str(number)

    def test_uploads_of_our_own_go_along(self, tmp_path: Path) -> None:
        own = store_picture(ContentFile(picture(), name="mine.png"), title="Mine", alt="What it shows")
        PostFactory(featured_picture=own)
        before = (own.title, own.alt, own.uploaded_at)
        path = exported(tmp_path)
        forget_everything()
        Picture.objects.all().delete()
        import_export([path], media=MediaFolder(Path(dj_settings.MEDIA_ROOT)))
        found = Picture.objects.get()
        assert (found.title, found.alt, found.uploaded_at) == before
        assert Post.objects.get().featured_picture == found
