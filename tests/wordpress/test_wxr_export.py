"""WordPress can import an export, and importing it here restores the same site."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as dj_settings
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Model
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pytest_django import Settings

from accounts.models import User
from blog.models import Category, Page, Post, Status
from blog.models.redirect import add_redirects
from comments.models import Comment
from media.models import Document, Picture
from media.pictures import store_picture
from tags.models import Tag
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory
from tests.factories.files import picture, write_files
from tests.factories.rollback import rolled_back
from tests.factories.wxr import EVERYTHING, attachment, author, export, exported, item, items, meta, page, write
from wordpress.exporting.wxr_export import export_wxr
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.models import Attachment, Fragment, FragmentKind, ImportedItem, PreservedData, fingerprint

pytestmark = pytest.mark.django_db

# Fields and models that an export does not contain, and why. All others must be restored.
_NOT_EXPORTED = {
    "accounts.User.password": "a file must not let anyone log in",
    "accounts.User.last_login": "personal data, not part of the blog",
    "accounts.User.date_joined": "when the account was created on this site",
    "accounts.User.is_staff": "permissions are granted by people",
    "accounts.User.is_superuser": "permissions are granted by people",
    "accounts.User.is_active": "permissions are granted by people",
    "accounts.User_groups": "permissions are granted by people",
    "accounts.User_user_permissions": "permissions are granted by people",
    "accounts.User.language": "the choice of this site's users",
    "comments.Comment.is_imported": "whether it was imported",
    "accounts.AuditRecord": "what people did on this site",
    "accounts.EmergencyLink": "a secret of this site",
    "accounts.PasswordLink": "a secret of this site",
    "comments.SentMention": "what other sites were told by this one",
    "accounts.Portrait": "WordPress has none of its own; people choose theirs on each site",
    "accounts.RolePolicy": "permissions are granted by people",
    "accounts.Session": "who is logged in to this site",
    "blog.Autosave": "what nobody has saved",
    "blog.CategoryChange": "what editors can undo on this site",
    "blog.PreviewLink": "a secret of this site",
    "blog.ReviewNote": "not for readers, and no part of the blog",
    "blog.ReviewNotice": "this site's e-mails",
    "blog.ReviewPreference": "the choices of this site's users",
    "blog.SiteAppearance": "each site has its own, as the command says",
    "blog.AppearanceVersion": "what owners can undo on this site",
    "blog.Revision": "not the blog, but how it came to be; WordPress exports none either",
    "blog.TranslatedVersion": "refers to revisions",
    "blog.UndoableEdit": "what editors can undo on this site",
    "blog.Enclosure.id": "nothing refers to it",
    "blog.Redirect.id": "nothing refers to it",
    "blog.Redirect.picture": "belongs to its file",
    "blog.Redirect.document": "belongs to its file",
    "blog.Entry.featured_picture": "belongs to its file, see TestFiles",
    "blog.Entry.status_before_trash": "what editors can undo on this site",
    "blog.Entry_categories.id": "nothing refers to it",
    "blog.Entry_pictures": "an index that follows from the texts",
    "blog.Entry_documents": "an index that follows from the texts",
    "blog.CategoryTwins": "what editors decided on this site",
    "blog.Entry.translation_group": "a random one on each site, see test_translations",
    "comments.CommentSettings": "each site has its own, as the command says",
    "comments.RateCount": "short-lived counts",
    "comments.Block": "moderation belongs to this site, as the command says",
    "comments.Comment.reasons": "the result of this site's rules",
    "comments.Comment.status_since": "when the status was set on this site",
    "comments.Decision": "the moderation history belongs to this site, as the command says",
    "comments.Lesson": "the filter learns from this site's decisions",
    "comments.Token": "the filter learns from this site's decisions",
    "comments.Erasure": "keyed with this site's secret",
    "comments.Follower": "they subscribed to this site only",
    "comments.OutboxItem": "short-lived",
    "comments.Notification": "this site's e-mails",
    "comments.NotificationPreference": "the choices of this site's users",
    "comments.Revision": "the moderation history belongs to this site",
    "comments.SpentChallenge": "short-lived",
    "media.Picture": "files are downloaded, not contained in an export",
    "media.Document": "files are downloaded, not contained in an export",
    "tags.TagAlias.id": "nothing refers to it",
    "tags.TagAlias.name": "not used any more",
    "tags.TagAlias.key": "not used any more",
    "tags.FormerName": "exports contain former URLs only",
    "tags.TagChange": "what editors can undo on this site",
    "media.LikePictures": "found again on each site",
    "tags.TagTwins": "found again on each site",
    "tags.TagAlias.created_at": "when the row was created",
    "tags.TaggedPost.id": "nothing refers to it",
    "blog.PostInCategory.id": "nothing refers to it",
    "wordpress.Fragment.id": "nothing refers to it",
    "wordpress.Fragment.exported": "the state after the last import",
    "wordpress.Fragment.site": "after a new import, it comes from this site",
    "wordpress.Attachment": "belongs to its file, see TestFiles",
    "wordpress.PreservedData.id": "nothing refers to it",
    "wordpress.PreservedData.site": "after a new import, it comes from this site",
    "wordpress.PreservedData.attachment": "belongs to its file, see test_preserving",
    "wordpress.PreservedData.fragment": "fragments get new IDs, see test_preserving",
    "wordpress.ExportJob": "this site's exports",
    "wordpress.ImportedMenu": "made again from the items that are preserved",
    "wordpress.ImportJob": "this site's uploads",
    "wordpress.ImportRun": "the earlier imports",
    "wordpress.ImportedItem": "the ledger of earlier imports",
}
_APPS = {"accounts", "blog", "comments", "media", "tags", "wordpress"}


def restored_columns() -> dict[type[Model], list[str]]:
    """Return the columns of each model that must be restored."""
    columns = {}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        if model._meta.app_label in _APPS and label not in _NOT_EXPORTED and not model._meta.proxy:
            fields = [field for field in model._meta.concrete_fields if f"{label}.{field.name}" not in _NOT_EXPORTED]
            columns[model] = [field.attname for field in fields]
    return columns


def site_content() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each model, with the columns that must be restored."""
    return {
        model._meta.label: sorted(model._default_manager.values(*columns), key=str)
        for model, columns in restored_columns().items()
    }


def create_site_with_everything() -> None:
    """Fill every column of every model."""
    created_at = dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    names = {"first_name": "Anna  B", "last_name": "Über", "email": "anna@example.org"}
    anna = UserFactory(pk=33, display_name="Anna  & <b>", slug="an-na", bio="About\r\nher \x1b<i>", **names)
    UserFactory(pk=37, display_name="", username="berta", first_name="Berta")
    top = CategoryFactory(pk=4, name="Top  & <first>", description="One\r\n  two <b>", slug="top")
    child = CategoryFactory(pk=9, name="Child", slug="child")
    child.slug, child.parent = "kind", top
    child.save()
    tag = TagFactory(pk=5, name="Two\u00a0 spaces & <x>", description="One\r\n\r\n two", slug="was")
    for tag.slug in ("é\u200b", "ist"):
        tag.save()
    post = PostFactory(
        pk=11,
        title="A  title",
        author=anna,
        co_authors=" Ben & <b>، Carla",
        slug="first",
        source="*One*\n\n<!--more-->\n\ntwo",
        excerpt=" Short\r\n",
        language="ar",
        password="Open & <sesame>",
        published_at=created_at,
        created_at=created_at,
        text_changed_at=created_at + dt.timedelta(days=400),
        sticky=True,
        noindex=True,
        categories=[top, child],
        tags=[tag],
    )
    post.slug = "second"
    post.save()
    post.enclosures.create(url="https://a.example/ü.mp3?a&b", length=12, media_type="audio/mpeg")
    post.enclosures.create(url="https://a.example/2", media_type="video/mp4")
    Fragment.objects.create(kind=FragmentKind.FOOTNOTE, name="3f1c", text="A <em>note</em>")
    Fragment.objects.create(kind=FragmentKind.BLOCK, name="31", title="Shared & <b>", text="<!-- wp:paragraph -->")
    PostFactory(markup="wordpress", source='<!-- wp:block {"ref":31} /--><sup data-fn="3f1c" class="fn">1</sup>')
    hidden = PostFactory(status="private", comments_open=False, guid="https://old.example/?p=1", markup="html")
    page = PageFactory(pk=40, slug="page", menu_order=-2, excerpt="x", language="fr", source="a\n\n<!--more-->\n\nb")
    below = PageFactory(slug="below", parent=page)
    page.slug = "seite"
    page.save()
    add_redirects(
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
        pk=21, entry=post, user=anna, website="https://a.example/?a&b", text="1 <\r\n2", name="R&D  <x>"
    )
    CommentFactory(entry=post, parent=first, kind="pingback", status="pending", is_html=True, text="<b>x</b>")
    CommentFactory(entry=page, created_at=created_at, email="", name="")
    CommentFactory(entry=below, status="spam")
    kept = {"meta": [["Mood", "glad"], ["Mood", "sad"]]}
    for owner in ({"entry": post}, {"comment": first}, {"category": top}, {"tag": tag}):
        PreservedData.objects.create(**owner, fields=kept)
    event = {"title": "A <b>talk</b>", "wp:post_id": "60", "wp:post_type": "event"}
    genre = {"wp:term_taxonomy": "genre", "wp:term_slug": "jazz", "wp:term_name": "Jazz"}
    for kind, key, pk, elements in (
        ("item", fingerprint("event", 60), 60, event),
        ("term", fingerprint("genre", "jazz"), 0, genre),
    ):
        PreservedData.objects.create(kind=kind, key=key, wordpress_id=pk, fields={"elements": elements})
    for entry in (post, hidden, page):
        entry.comment_count = entry.comments.filter(status="approved").count()
        entry.save()


def parsed(path: Path) -> Any:
    return etree.parse(path).getroot()


def delete_everything() -> None:
    Comment.objects.all().delete()
    Post.objects.all().delete()
    for model in (Page, Category):
        model._default_manager.update(parent=None)
        model._default_manager.all().delete()
    Tag.objects.all().delete()
    User.objects.all().delete()


@pytest.mark.django_db(transaction=True, reset_sequences=True)
class TestRoundTrip:
    def test_everything_is_restored(self, tmp_path: Path) -> None:
        create_site_with_everything()
        before = site_content()
        for model, columns in restored_columns().items():
            for column in columns:
                assert any(row[column] for row in before[model._meta.label]), f"{model._meta.label}.{column} is empty"
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        report = import_export([path])
        after = site_content()
        for name, rows in before.items():
            assert after[name] == rows, name
        assert all("kept and exported again" in note.text for note in report.notes)
        assert not import_export([path]).has_changes
        assert site_content() == after

    def test_imported_site_is_restored(self, tmp_path: Path) -> None:
        people = [author(), author("berta", id=2, email="b@example.org", name="Berta &amp; B."), author("carla", id=3)]
        source = write(tmp_path, export(*EVERYTHING, authors=people))
        import_export([source])
        before = site_content()
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        report = import_export([path])
        after = site_content()
        for name, rows in before.items():
            assert after[name] == rows, name
        # The gallery shows nothing, because there are no files.
        expected = ("kept and exported again", "[gallery]")
        others = [note for note in report.notes if not any(text in note.text for text in expected)]
        assert [note for note in others if note.kind != "shortcode"] == []

    def test_second_export_equals_the_first(self, tmp_path: Path) -> None:
        import_export([write(tmp_path, export(*EVERYTHING))])
        first = exported(tmp_path).read_text(encoding="utf-8").splitlines()
        call_command("flush", interactive=False, verbosity=0)
        import_export([tmp_path / "out.xml"])
        second = exported(tmp_path, "again.xml").read_text(encoding="utf-8").splitlines()
        differing = [one for one, other in zip(first, second, strict=True) if one != other]
        assert differing == []

    def test_old_urls_keep_their_order(self, tmp_path: Path) -> None:
        """The second import finds one of them again by itself, because the slug has capitals."""
        upper = item(7, post_name="Upper", link="https://old.example/blog/2014/03/01/Upper/")
        import_export([write(tmp_path, export(upper))])
        first = items(exported(tmp_path))["post", 7].legacy_urls
        call_command("flush", interactive=False, verbosity=0)
        import_export([tmp_path / "out.xml"])
        assert items(exported(tmp_path, "again.xml"))["post", 7].legacy_urls == first
        assert first == ("/blog/2014/03/01/Upper/", "/2014/03/01/upper/")


class TestExtensions:
    """Values that WXR can't express are restored, too."""

    @pytest.fixture
    def reimport(self, tmp_path: Path) -> Any:
        def export_and_import(*models: type[Any]) -> None:
            path = exported(tmp_path)
            delete_everything()
            import_export([path])

        return export_and_import

    def assert_restored(self, reimport: Any, entry: Post | Page) -> None:
        entry.refresh_from_db()
        fields = {field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields}
        reimport()
        fields.pop("author_id")
        restored = type(entry)._default_manager.get(pk=entry.pk)
        assert {name: getattr(restored, name) for name in fields} == fields

    @pytest.mark.parametrize("markup", ["markdown", "html", "wordpress"])
    def test_source_markup_and_exact_dates_are_restored(self, reimport: Any, markup: str) -> None:
        published_at = dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
        post = PostFactory(
            title="Two  spaces & <b>",
            source="# One\r\n\n\x0bTwo\n\n<!--more-->\n\n*three* ]]>",
            markup=markup,
            language="ar",
            excerpt="  a < b ",
            published_at=published_at,
            created_at=published_at - dt.timedelta(days=3),
        )
        self.assert_restored(reimport, post)

    @pytest.mark.parametrize("status", ["draft", "pending", "private", "trash"])
    @pytest.mark.parametrize("dated", [True, False])
    def test_unpublished_posts_with_and_without_a_date_are_restored(
        self, reimport: Any, status: str, dated: bool
    ) -> None:
        published_at = timezone.now() + dt.timedelta(days=2) if dated else None
        self.assert_restored(reimport, PostFactory(status=status, published_at=published_at))

    def test_posts_in_the_ambiguous_hour_when_the_clocks_go_back_are_restored(
        self, reimport: Any, settings: Settings
    ) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"
        for hour in (0, 1):
            self.assert_restored(reimport, PostFactory(published_at=dt.datetime(2020, 10, 25, hour, 30, tzinfo=dt.UTC)))

    def test_day_in_the_url_is_kept_after_a_change_of_time_zone(self, reimport: Any, settings: Settings) -> None:
        post = PostFactory(published_at=dt.datetime(2020, 1, 1, 23, 30, tzinfo=dt.UTC))
        settings.TIME_ZONE = "Asia/Tokyo"
        self.assert_restored(reimport, post)

    def test_page_below_another_keeps_its_id_and_path(self, reimport: Any) -> None:
        PostFactory(pk=5)
        parent = PageFactory(pk=7)
        child = PageFactory(pk=6, parent=parent)
        self.assert_restored(reimport, child)
        assert Page.objects.get(pk=7).path == parent.path

    def test_plain_text_comments_are_restored(self, reimport: Any) -> None:
        comment = CommentFactory(text="1 < 2 & <b>\r\nthree", created_at=timezone.now())
        comment.refresh_from_db()
        reimport()
        restored = Comment.objects.get()
        for name in ("pk", "entry_id", "text", "is_html", "html", "created_at", "name", "email", "status", "kind"):
            assert getattr(restored, name) == getattr(comment, name), name

    def test_importing_our_own_export_changes_nothing(self, tmp_path: Path) -> None:
        CommentFactory(text="1 < 2", created_at=timezone.now())
        PageFactory()
        path = exported(tmp_path)
        before = site_content()
        import_export([path])
        assert site_content() == before

    def test_changes_made_in_wordpress_take_precedence(self, tmp_path: Path) -> None:
        post = PostFactory(source="*old*", markup="markdown", language="fr")
        path = exported(tmp_path)
        path.write_text(path.read_text().replace("<em>old</em>", "<em>new</em>"))
        delete_everything()
        import_export([path])
        imported = Post.objects.get(pk=post.pk)
        assert (imported.markup, imported.language) == ("wordpress", "")
        assert "<em>new</em>" in imported.body_html

    # Each example is a whole export and import, so it has several posts.
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        texts=st.lists(
            st.tuples(
                st.text(max_size=30).filter(lambda text: "\x00" not in text),
                st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=80)
                | st.sampled_from(["]]>", "<![CDATA[", "\r", "\x1b]]>\ufffe", "<!DOCTYPE x>", "&x;", "<!-- -->"]),
                st.sampled_from(["markdown", "html", "wordpress"]),
            ),
            min_size=3,
            max_size=5,
        )
    )
    def test_any_text_is_restored(self, tmp_path: Path, texts: list[tuple[str, str, str]]) -> None:
        with rolled_back():
            posts = [
                PostFactory(title=title, slug=f"x{number}", source=source, markup=markup, excerpt=title)
                for number, (title, source, markup) in enumerate(texts)
            ]
            comments = [CommentFactory(entry=post, text=post.source) for post in posts]
            path = exported(tmp_path)
        with rolled_back():
            import_export([path])
            restored = Post.objects.order_by("slug")
            assert [(post.title, post.source, post.markup) for post in restored] == texts
            assert [post.excerpt for post in restored] == [title for title, _source, _markup in texts]
            assert [post.body_html for post in restored] == [post.body_html for post in posts]
            assert [(comment.text, comment.html) for comment in Comment.objects.order_by("entry__slug")] == [
                (comment.text, comment.html) for comment in comments
            ]


class TestForWordPress:
    def test_header_declares_version_1_2(self, tmp_path: Path) -> None:
        PostFactory()
        root = parsed(exported(tmp_path))
        assert root.findtext("channel/{*}wxr_version") == "1.2"
        assert root.findtext("channel/{*}base_blog_url") == "http://testserver"
        assert root.nsmap["wp"] == "http://wordpress.org/export/1.2/"

    def test_channel_is_described_as_by_wordpress(self, tmp_path: Path, settings: Settings) -> None:
        settings.LANGUAGE_CODE = "pt-br"
        post = PostFactory()
        Post.objects.filter(pk=post.pk).update(modified_at=dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC))
        PostFactory()
        Post.objects.exclude(pk=post.pk).update(modified_at=timezone.now() + dt.timedelta(days=9))
        names = [etree.QName(child).localname for child in parsed(exported(tmp_path))[0]]
        first = ["title", "link", "description", "pubDate", "language", "wxr_version", "base_site_url", "base_blog_url"]
        assert names[: len(first)] == first
        assert names.index("author") < names.index("generator") < names.index("item")
        channel = parsed(tmp_path / "out.xml")[0]
        assert channel.findtext("pubDate") == "Thu, 02 Jan 2020 03:04:05 +0000"
        assert channel.findtext("language") == "pt-BR"
        assert channel.findtext("generator")

    def test_items_have_dates_in_the_format_of_feeds(self, tmp_path: Path, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"
        PostFactory(pk=5, published_at=dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
        PostFactory(pk=6, status="draft", published_at=None)
        path = exported(tmp_path)
        dates = {
            each.findtext("{*}post_id"): each.findtext("pubDate") for each in parsed(path).iterfind("channel/item")
        }
        assert dates == {"5": "Thu, 02 Jan 2020 03:04:05 +0000", "6": ""}

    def test_unpublished_posts_have_short_urls(self, tmp_path: Path) -> None:
        PostFactory(pk=5, status="pending")
        PageFactory(pk=6, status="draft")
        links = {each.link for each in items(exported(tmp_path)).values()}
        assert links == {"http://testserver/?p=5", "http://testserver/?page_id=6"}

    def test_markdown_is_exported_as_html(self, tmp_path: Path) -> None:
        PostFactory(source="*One*\n\n<!--more-->\n\n![](/media/pictures/a.jpg)")
        content = parsed(exported(tmp_path)).findtext(".//{*}encoded")
        assert content is not None
        assert content.startswith("<!-- wp:html -->\n<p><em>One</em></p>")
        assert "<!--more-->" in content
        assert 'src="http://testserver/media/pictures/a.jpg"' in content

    def test_slugs_and_links_are_encoded_as_in_wordpress(self, tmp_path: Path) -> None:
        post = PostFactory(slug="مرحبا", published_at=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))
        tree = parsed(exported(tmp_path))
        assert tree.findtext(".//{*}post_name") == "%d9%85%d8%b1%d8%ad%d8%a8%d8%a7"
        assert tree.findtext(".//item/link") == "http://testserver" + post.get_absolute_url()

    def test_statuses_are_those_of_wordpress(self, tmp_path: Path) -> None:
        later = timezone.now() + dt.timedelta(days=1)
        keys = {status: PostFactory(status=status).pk for status in Status.values}
        keys["future"] = PostFactory(published_at=later).pk
        by_id = items(exported(tmp_path))
        statuses = {status: by_id["post", pk].status for status, pk in keys.items()}
        assert statuses == {**{s: s for s in Status.values}, "published": "publish", "future": "future"}

    def test_parent_categories_come_first(self, tmp_path: Path) -> None:
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

    def test_old_slugs_stay_however_often_they_move(self, tmp_path: Path) -> None:
        """Also those that WordPress cut in the middle of a character, or stored for pages."""
        slugs = [meta("_wp_old_slug", slug) for slug in ("%d9", "former")]
        source = write(
            tmp_path, export(item(7, inside=slugs), page(20, post_name="A", inside=[meta("_wp_old_slug", "a")]))
        )
        found = []
        for name in ("first.xml", "second.xml"):
            with rolled_back():
                import_export([source])
                source = exported(tmp_path, name)
                found.append({key: each.meta for key, each in items(source).items()})
        assert found[0] == found[1]
        assert ("_wp_old_slug", "%d9") in found[0]["post", 7]

    def test_old_slugs_are_exported_in_wordpress_format_too(self, tmp_path: Path) -> None:
        post = PostFactory(slug="é")
        post.slug = "new"
        post.save()
        assert ("_wp_old_slug", "%c3%a9") in items(exported(tmp_path))["post", post.pk].meta

    def test_command_reports_what_is_not_exported(self, tmp_path: Path) -> None:
        stderr = io.StringIO()
        call_command("export_wordpress", output=tmp_path / "x.xml", stderr=stderr)
        assert "roles, the site settings" in stderr.getvalue()

    def test_lost_control_characters_are_reported_with_the_post(self, tmp_path: Path) -> None:
        post = PostFactory(source="a\x1bb", markup="wordpress", title="Odd")
        stderr = io.StringIO()
        call_command("export_wordpress", output=tmp_path / "x.xml", stderr=stderr)
        assert f"post {post.pk} “Odd”: Control characters" in stderr.getvalue()


class TestCommand:
    def test_export_can_be_written_to_standard_output(self) -> None:
        out = io.StringIO()
        UserFactory()
        call_command("export_wordpress", stdout=out, stderr=io.StringIO())
        assert out.getvalue().startswith("<?xml")
        assert out.getvalue().endswith("</rss>\n")

    def test_interrupted_export_keeps_the_previous_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*args: object) -> None:
            raise KeyboardInterrupt

        (tmp_path / "out.xml").write_text("before")
        PostFactory()
        monkeypatch.setattr("wordpress.exporting.items._terms", interrupt)
        with pytest.raises(CommandError, match="Interrupted") as caught:
            exported(tmp_path)
        assert caught.value.returncode == 130
        assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]

    def test_missing_folder_is_reported(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="could not be written"):
            exported(tmp_path / "nowhere")

    def test_other_users_of_the_machine_cannot_read_the_file(self, tmp_path: Path) -> None:
        assert exported(tmp_path).stat().st_mode & 0o077 == 0

    def test_query_count_does_not_depend_on_the_post_count(
        self, tmp_path: Path, django_assert_max_num_queries: Any
    ) -> None:
        for _index in range(20):
            CommentFactory(entry=PostFactory(tags=["a", "b"]))
        with django_assert_max_num_queries(40):
            exported(tmp_path)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases sort on disk")
    def test_texts_of_all_posts_are_never_in_memory_together(self, tmp_path: Path) -> None:
        PostFactory.create_batch(3)
        with CaptureQueriesContext(connection) as queries:
            exported(tmp_path)
        with connection.cursor() as cursor:
            for query in queries:
                if '"source"' in query["sql"]:
                    cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                    assert "TEMP B-TREE" not in str(cursor.fetchall())

    def test_comments_on_one_post_are_never_in_memory_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory()
        for _number in range(3):
            CommentFactory(entry=post)
        make, made = Comment.__init__, []

        def make_and_count(self: Comment, *row: Any, **fields: Any) -> None:
            made.append(self)
            make(self, *row, **fields)

        monkeypatch.setattr(Comment, "__init__", make_and_count)
        parts: list[tuple[str, int]] = []
        export_wxr(lambda part: parts.append((part, len(made))), progress=lambda *counts: None, warn=lambda text: None)
        assert [count for part, count in parts if "<wp:comment>" in part] == [1, 2, 3]


class TestFiles:
    """Pictures and documents are restored with the IDs that texts use to refer to them."""

    @pytest.fixture
    def media(self, tmp_path: Path) -> Path:
        return write_files(
            tmp_path / "old", "2014/03/a.png", "2014/03/b.png", "2014/03/c.pdf", "2014/03/d.mp3", "2014/03/e.docx"
        )

    @pytest.fixture
    def imported(self, tmp_path: Path, media: Path) -> None:
        parts = (
            attachment(
                30,
                "2014/03/a.png",
                title="A &amp; B",
                excerpt="Below <b>it</b>\nand more",
                content="About it",
                alt="x &lt; y",
                post_parent=7,
                menu_order=2,
            ),
            attachment(31, "2014/03/b.png", creator="", post_parent=20),
            attachment(32, "2014/03/c.pdf", excerpt="About the document"),
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
        """Return everything about each attachment except where its file is stored."""
        files = []
        for each in Attachment.objects.order_by("wordpress_id"):
            values = model_to_dict(each, exclude=["id", "site", "url", "guid", "path", "former_path"])
            values |= {"former_path": each.former_path, "picture": None, "document": None}
            upload = each.picture or each.document
            if upload is not None:
                values["upload"] = model_to_dict(upload, exclude=["id", "file"])
                if isinstance(upload, Document):
                    with upload.file.open() as file:
                        values["upload"]["bytes"] = file.read()
                values["upload"] |= {"uploaded_at": upload.uploaded_at, "uploaded_by": str(upload.uploaded_by)}
                values["upload"] |= {"size": [getattr(upload, name, 0) for name in ("width", "height")]}
            values["uploaded_by"] = str(each.uploaded_by)
            files.append(values)
        return files

    def featured(self) -> list[Any]:
        return [
            (type(entry).__name__, entry.pk, getattr(entry.featured_picture, "title", None))
            for model in (Post, Page)
            for entry in model._default_manager.order_by("pk")
        ]

    def shown(self, entry: Post | Page) -> list[int]:
        by_url = {each.file_url: each.wordpress_id or 0 for each in Attachment.objects.with_file()}
        return [by_url[part.partition('"')[0]] for part in entry.body_html.split('<img src="')[1:]]

    @pytest.mark.usefixtures("imported")
    def test_attachments_are_restored(self, tmp_path: Path, settings: Settings) -> None:
        unusual = {"title": "  Two  spaces ", "alt": "&amp;", "uploaded_at": timezone.now()}
        Picture.objects.filter(attachments__wordpress_id=30).update(**unusual)
        Attachment.objects.filter(wordpress_id=30).update(**unusual)
        before = self.files(), self.featured(), self.shown(Post.objects.get()), self.shown(Page.objects.get(pk=20))
        assert before[2] == [30, 31, 30]
        assert before[3] == [31]
        path = exported(tmp_path)
        stored_files = Path(settings.MEDIA_ROOT)
        delete_everything()
        Attachment.objects.all().delete()
        # The files themselves are kept.
        Picture.objects.all().delete()
        Document.objects.all().delete()
        ImportedItem.objects.all().delete()
        report = import_export([path], media=MediaFolder(stored_files))
        after = self.files(), self.featured(), self.shown(Post.objects.get()), self.shown(Page.objects.get(pk=20))
        assert after == before
        talk = Document.objects.get(title="A talk").file.url
        assert talk.endswith(".mp3")
        assert f'<source src="{talk}">' in Post.objects.get().body_html
        assert [remark.title for remark in report.skipped] == ["Not here"]

    @pytest.mark.usefixtures("imported")
    def test_featured_image_is_referred_to_by_the_id_of_its_item(self, tmp_path: Path) -> None:
        by_id = items(exported(tmp_path))
        assert dict(by_id["post", 7].meta)["_thumbnail_id"] == "30"
        assert by_id["attachment", 30].attachment_url.startswith("http://testserver/media/pictures/")
        assert by_id["attachment", 30].guid == "https://old.example/wp-content/uploads/2014/03/a.png"

    def test_attachment_gets_a_new_id_if_a_post_has_its_id(self, tmp_path: Path, media: Path) -> None:
        part = attachment(30, "2014/03/a.png")
        import_export([write(tmp_path, export(part))], media=MediaFolder(media))
        post = PostFactory(pk=30, featured_picture=Picture.objects.get())
        by_id = items(exported(tmp_path))
        (attachment_id,) = [item_id for kind, item_id in by_id if kind == "attachment"]
        assert attachment_id != 30
        assert dict(by_id["post", post.pk].meta)["_thumbnail_id"] == str(attachment_id)

    def test_pictures_uploaded_here_are_restored(self, tmp_path: Path) -> None:
        own = store_picture(ContentFile(picture(), name="mine.png"), title="Mine", alt="What it shows")
        own.credit = "Photo: R. Lamp & sons"
        own.save()
        PostFactory(featured_picture=own)
        before = (own.title, own.alt, own.credit, own.uploaded_at)
        path = exported(tmp_path)
        delete_everything()
        Picture.objects.all().delete()
        import_export([path], media=MediaFolder(Path(dj_settings.MEDIA_ROOT)))
        restored = Picture.objects.get()
        assert (restored.title, restored.alt, restored.credit, restored.uploaded_at) == before
        assert Post.objects.get().featured_picture == restored
