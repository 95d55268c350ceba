"""Readers without an account see every change to a public model immediately, however it is written."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from lxml import html

from accounts.models import Portrait, User
from blog.models import Category, Enclosure, Entry, Page, Post, Redirect, SiteAppearance
from comments.models import Comment, CommentSettings
from core.changes import PublicModel
from core.models import SiteSettings
from media.models import Document, Picture, Upload
from newsletter.models import NewsletterSettings
from readers.models import ReaderSettings
from tags.models import FormerName, Tag, TagAlias, TaggedPost
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db


OPERATIONS = frozenset(
    {"save", "update", "bulk_update", "bulk_create", "delete", "delete in bulk", "admin", "admin action"}
)
# For a single row that is neither created nor deleted.
ONE_ROW = frozenset({"save", "update", "bulk_update", "admin"})
# For models that are only edited in the forms of other models.
NO_ADMIN = OPERATIONS - {"admin", "admin action"}


@dataclass(frozen=True)
class Case:
    """A public model and how readers see it.

    `make` creates an object and returns it with the path where readers see it. `field_name` is one of its public
    fields, with the values `before` and `after`, and `shown_as` returns what readers see of a value. `operations` are
    those that can write the model.
    """

    model: type[models.Model]
    make: Callable[[Any], tuple[Any, str]]
    field_name: str
    before: Any = "Before"
    after: Any = "After"
    shown_as: Callable[[Any], str] = str
    operations: frozenset[str] = OPERATIONS


def a_post(value: str) -> tuple[Post, str]:
    post = PostFactory(title=value)
    return post, post.get_absolute_url()


def a_page(value: str) -> tuple[Page, str]:
    page = PageFactory(title=value)
    return page, page.get_absolute_url()


def a_category(value: str) -> tuple[Category, str]:
    category = CategoryFactory(name=value, slug="filed")
    return category, PostFactory(categories=[category]).get_absolute_url()


def a_tag(value: str) -> tuple[Tag, str]:
    tag = TagFactory(name=value, slug="tagged")
    return tag, PostFactory(tags=[tag]).get_absolute_url()


def an_alias(value: str) -> tuple[TagAlias, str]:
    return TagAlias.objects.create(slug=value, tag=TagFactory(slug="tagged")), "/tag/before/"


def a_former_name(value: str) -> tuple[FormerName, str]:
    tag = TagFactory()
    PostFactory(title="A tagged post", tags=[tag])
    return FormerName.objects.create(name=value, key=value, search_key=value, tag=tag), "/?s=tag:before"


def a_tagged_post(value: dt.datetime) -> tuple[TaggedPost, str]:
    PostFactory(title="A tagged post", tags=["tagged"])
    TaggedPost.objects.update(published_at=value)
    return TaggedPost.objects.get(), "/tag/tagged/"


def a_user(value: str) -> tuple[User, str]:
    user = UserFactory(display_name=value, slug="writer")
    PostFactory(author=user)
    return user, "/author/writer/"


def a_portrait(value: str) -> tuple[Portrait, str]:
    user = UserFactory(display_name="Writer", slug="writer")
    PostFactory(author=user)
    return Portrait.objects.create(person=user, name="Writer", image=b"", digest=value), "/author/writer/"


def a_comment(value: str) -> tuple[Comment, str]:
    comment = CommentFactory(text=value)
    return comment, comment.entry.get_absolute_url()


def the_site(value: str) -> tuple[SiteSettings, str]:
    SiteSettings.objects.update(title=value)
    return SiteSettings.objects.get(), "/"


def the_comment_settings(value: bool) -> tuple[CommentSettings, str]:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comments_open": value})
    return CommentSettings.objects.get(), PostFactory().get_absolute_url()


def the_newsletter_settings(value: bool) -> tuple[NewsletterSettings, str]:
    NewsletterSettings.objects.update_or_create(pk=1, defaults={"is_on": value})
    return NewsletterSettings.objects.get(), "/"


def the_reader_settings(value: bool) -> tuple[ReaderSettings, str]:
    ReaderSettings.objects.update_or_create(pk=1, defaults={"count_readers": value})
    return ReaderSettings.objects.get(), "/privacy/"


def the_appearance(value: dict[str, str]) -> tuple[SiteAppearance, str]:
    SiteAppearance.objects.update_or_create(pk=1, defaults={"document": value})
    return SiteAppearance.objects.get(), "/"


def a_redirect(value: str) -> tuple[Redirect, str]:
    return Redirect.objects.create(path=value, entry=PostFactory()), "/before/"


def an_enclosure(value: str) -> tuple[Enclosure, str]:
    post = PostFactory()
    return Enclosure.objects.create(post=post, url=value, media_type="audio/mpeg"), "/feed/"


def a_picture(value: str) -> tuple[Picture, str]:
    picture = Picture.objects.create(file="pictures/a.png", title="A picture", alt=value, width=1, height=1)
    return picture, PostFactory(featured_picture=picture).get_absolute_url()


def a_document(value: int) -> tuple[Document, str]:
    file = "documents/2020/01/a.mp3"
    Document.objects.bulk_create([Document(file=file, size=value)])
    PostFactory(source=f'<a href="/media/{file}">Listen</a>', markup="html")
    return Document.objects.get(), "/feed/"


CASES = (
    Case(Post, a_post, "title"),
    Case(Page, a_page, "title"),
    Case(Category, a_category, "name"),
    Case(Tag, a_tag, "name"),
    Case(
        TagAlias, an_alias, "slug", "before", "elsewhere", lambda slug: "301" if slug == "before" else "404", NO_ADMIN
    ),
    Case(
        FormerName,
        a_former_name,
        "key",
        "before",
        "elsewhere",
        lambda key: "A tagged post" if key == "before" else "There is no tag called",
        NO_ADMIN,
    ),
    Case(
        TaggedPost,
        a_tagged_post,
        "published_at",
        timezone.make_aware(dt.datetime(2020, 1, 1)),
        None,
        lambda value: "A tagged post" if value else "</html>",
        NO_ADMIN,
    ),
    # Authors with posts can't be deleted.
    Case(
        User,
        a_user,
        "display_name",
        operations=OPERATIONS - {"delete", "delete in bulk", "bulk_create", "admin action"},
    ),
    # There is only one for each user.
    Case(Portrait, a_portrait, "digest", operations=NO_ADMIN - {"bulk_create"}),
    Case(Comment, a_comment, "text"),
    Case(SiteSettings, the_site, "title", operations=ONE_ROW),
    Case(
        CommentSettings,
        the_comment_settings,
        "comments_open",
        True,
        False,
        lambda value: "Leave a Reply" if value else "Comments are closed",
        ONE_ROW,
    ),
    Case(
        ReaderSettings,
        the_reader_settings,
        "count_readers",
        True,
        False,
        lambda value: "There are no cookies, and" if value else "There are no cookies and no statistics",
        ONE_ROW,
    ),
    # Its page in the admin is not one of Django's forms.
    Case(
        SiteAppearance,
        the_appearance,
        "document",
        {"footer": "Before"},
        {"footer": "After"},
        lambda document: f"<p>{document['footer']}</p>",
        ONE_ROW - {"admin"},
    ),
    Case(
        NewsletterSettings,
        the_newsletter_settings,
        "is_on",
        True,
        False,
        lambda value: "New posts by e-mail" if value else "<main",
        ONE_ROW,
    ),
    Case(
        Redirect, a_redirect, "path", "/before/", "/x/", lambda path: "301" if path == "/before/" else "404", NO_ADMIN
    ),
    Case(Enclosure, an_enclosure, "url", "https://a.example/1.mp3", "https://a.example/2.mp3", operations=NO_ADMIN),
    Case(Picture, a_picture, "alt"),
    Case(Document, a_document, "size", 111_111, 222_222, operations=NO_ADMIN),
)


def test_every_public_model_is_covered() -> None:
    public = {model for model in apps.get_models() if issubclass(model, PublicModel) and not model._meta.proxy}
    assert {case.model._meta.concrete_model for case in CASES} == public
    assert Entry in public


def get_public(path: str) -> str:
    """Return what a reader without an account gets: the status, and the page or the target."""
    response = Client().get(path)
    return f"{response.status_code} {response.headers.get('Location', '')} {response.content.decode()}"


def build_copy(original: Any, case: Case) -> Any:
    """Return an unsaved copy of `original` with the other value, which readers see in the same place."""
    values = {
        part.attname: getattr(original, part.attname)
        for part in original._meta.concrete_fields
        if not part.primary_key and not part.unique
    }
    if case.model is Page:
        values["path"] = f"{original.path}-2"
    return case.model(**values | {case.field_name: case.after} | UNIQUE.get(case.model, {}))


# Values that have to differ between two objects.
UNIQUE: dict[type[models.Model], dict[str, Any]] = {
    Post: {"slug": "another"},
    Category: {"slug": "another", "path": "another"},
    Tag: {"slug": "another", "key": "after"},
    TagAlias: {"slug": "another"},
    FormerName: {"key": "another"},
    Redirect: {"path": "/another/"},
}


def form_values(page: bytes) -> dict[str, Any]:
    """Return what the admin's form would submit without changes."""
    forms: Any = html.document_fromstring(page.decode()).xpath("//*[@id='content']//form[@method='post']")
    form = forms[0]
    return {name: value for name, value in dict(form.fields).items() if name and value is not None}


class TestWrites:
    @pytest.mark.parametrize(
        ("case", "operation"),
        [
            pytest.param(case, operation, id=f"{case.model.__name__}-{operation}")
            for case in CASES
            for operation in sorted(case.operations - {"bulk_create"})
        ],
    )
    def test_the_next_reader_sees_the_change(
        self, case: Case, operation: str, django_capture_on_commit_callbacks: Any
    ) -> None:
        obj, path = case.make(case.before)
        owner = UserFactory(is_staff=True, is_superuser=True)
        assert case.shown_as(case.before) in get_public(path)
        with django_capture_on_commit_callbacks(execute=True):
            self.write(case, operation, obj, owner)
        after = get_public(path)
        if operation in {"delete", "delete in bulk", "admin action"}:
            assert case.shown_as(case.before) not in after
        else:
            assert case.shown_as(case.after) in after

    def write(self, case: Case, operation: str, obj: Any, owner: User) -> None:
        rows: Any = case.model._default_manager.filter(pk=obj.pk)
        match operation:
            case "save":
                setattr(obj, case.field_name, case.after)
                # Uploads save what users can't edit only if it is named.
                is_named = isinstance(obj, Upload) and not obj._meta.get_field(case.field_name).editable
                obj.save(update_fields=[case.field_name] if is_named else None)
                if case.model is TaggedPost:
                    # Saving it sets the time of its post.
                    rows.update(published_at=case.after)
            case "update":
                # The HTML is derived from the text, so it has to be updated too.
                derived = {"html": f"<p>{case.after}</p>"} if case.model is Comment else {}
                assert rows.update(**{case.field_name: case.after}, **derived) == 1
            case "bulk_update":
                setattr(obj, case.field_name, case.after)
                names = [case.field_name]
                if case.model is Comment:
                    obj.render()
                    names.append("html")
                assert case.model._default_manager.bulk_update([obj], names) == 1
            case "delete":
                obj.delete()
            case "delete in bulk":
                rows.delete()
            case "admin":
                self.change_in_admin(case, obj, owner)
            case "admin action":
                self.delete_in_admin(case, obj, owner)

    def change_in_admin(self, case: Case, obj: Any, owner: User) -> None:
        client = Client()
        client.force_login(owner)
        meta = case.model._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[obj.pk])
        data = form_values(client.get(url).content) | {case.field_name: case.after}
        if case.after is False:
            del data[case.field_name]
        if case.model is Tag:
            url, data = f"/admin/tags/tag/{obj.pk}/rename/", {"name": case.after, "slug": "", "confirm": "after After"}
        response = client.post(url, data)
        assert response.status_code == 302

    def delete_in_admin(self, case: Case, obj: Any, owner: User) -> None:
        client = Client()
        client.force_login(owner)
        meta = case.model._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        if meta.model in {Post, Page}:
            data = {"action": "trash", "_selected_action": [obj.pk]}
        elif meta.model is Comment:
            data = {"action": "spam_selected", "_selected_action": [obj.pk]}
        elif meta.model is Tag:
            url, data = "/admin/tags/tag/delete/", {"tags": obj.pk, "confirm": "1"}
        else:
            data = {"action": "delete_selected", "_selected_action": [obj.pk], "post": "yes"}
        assert meta.model in admin.site._registry
        assert client.post(url, data).status_code == 302

    @pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.model.__name__) for case in CASES if "bulk_create" in case.operations]
    )
    def test_creating_in_bulk_increments_the_content_version(
        self, case: Case, django_capture_on_commit_callbacks: Any
    ) -> None:
        obj, _path = case.make(case.before)
        before = SiteSettings.current().content_version
        second = build_copy(obj, case)
        if case.model is TaggedPost:
            # Readers see only tags of posts with a time.
            second.tag, second.published_at = TagFactory(), case.before
        with django_capture_on_commit_callbacks(execute=True):
            case.model._default_manager.bulk_create([second])
        assert SiteSettings.current().content_version == before + 1
