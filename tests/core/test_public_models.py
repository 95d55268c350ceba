"""However a model that readers see is written, the next reader without an account sees the change."""

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

from accounts.models import User
from blog.models import Category, Enclosure, Entry, Page, Post, Redirect
from comments.models import Comment, CommentSettings
from core.changes import PublicModel
from core.models import SiteSettings
from media.models import Document, Picture
from tags.models import Tag, TagAlias, TaggedPost
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db


WAYS = frozenset({"save", "update", "bulk_update", "bulk_create", "delete", "delete in bulk", "admin", "admin action"})
# One row that is neither created nor deleted.
ONE_ROW = frozenset({"save", "update", "bulk_update", "admin"})
# Written by other forms than a form of its own.
NO_ADMIN = WAYS - {"admin", "admin action"}


@dataclass(frozen=True)
class Case:
    """How a model is seen.

    `make` creates an object and returns it with the path where readers see it. `field_name` is one of its public
    fields, with the values `before` and `after`, and `sign(value)` is what readers see of a value. `ways` are those
    in which it can be written at all.
    """

    model: type[models.Model]
    make: Callable[[Any], tuple[Any, str]]
    field_name: str
    before: Any = "Before"
    after: Any = "After"
    sign: Callable[[Any], str] = str
    ways: frozenset[str] = WAYS


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


def a_tagged_post(value: dt.datetime) -> tuple[TaggedPost, str]:
    PostFactory(title="The post that was tagged", tags=["tagged"])
    TaggedPost.objects.update(published_at=value)
    return TaggedPost.objects.get(), "/tag/tagged/"


def a_person(value: str) -> tuple[User, str]:
    person = UserFactory(display_name=value, slug="writer")
    PostFactory(author=person)
    return person, "/author/writer/"


def a_comment(value: str) -> tuple[Comment, str]:
    comment = CommentFactory(text=value)
    return comment, comment.entry.get_absolute_url()


def the_site(value: str) -> tuple[SiteSettings, str]:
    SiteSettings.objects.update(title=value)
    return SiteSettings.objects.get(), "/"


def the_comment_settings(value: bool) -> tuple[CommentSettings, str]:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comments_open": value})
    return CommentSettings.objects.get(), PostFactory().get_absolute_url()


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
        TaggedPost,
        a_tagged_post,
        "published_at",
        timezone.make_aware(dt.datetime(2020, 1, 1)),
        None,
        lambda value: "The post that was tagged" if value else "</html>",
        NO_ADMIN,
    ),
    # Authors are protected by what they wrote.
    Case(User, a_person, "display_name", ways=WAYS - {"delete", "delete in bulk", "bulk_create", "admin action"}),
    Case(Comment, a_comment, "text"),
    Case(SiteSettings, the_site, "title", ways=ONE_ROW),
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
        Redirect, a_redirect, "path", "/before/", "/x/", lambda path: "301" if path == "/before/" else "404", NO_ADMIN
    ),
    Case(Enclosure, an_enclosure, "url", "https://a.example/1.mp3", "https://a.example/2.mp3", ways=NO_ADMIN),
    Case(Picture, a_picture, "alt"),
    Case(Document, a_document, "size", 111_111, 222_222, ways=NO_ADMIN),
)


def test_every_public_model_is_covered() -> None:
    public = {model for model in apps.get_models() if issubclass(model, PublicModel) and not model._meta.proxy}
    assert {case.model._meta.concrete_model for case in CASES} == public
    assert Entry in public


def seen(path: str) -> str:
    """What a reader without an account sees: the status, and the page or the target."""
    response = Client().get(path)
    return f"{response.status_code} {response.headers.get('Location', '')} {response.content.decode()}"


def copy_of(original: Any, case: Case) -> Any:
    """An unsaved object like `original` with the other value, seen where that was."""
    values = {
        part.attname: getattr(original, part.attname)
        for part in original._meta.concrete_fields
        if not part.primary_key and not part.unique
    }
    if case.model is Page:
        values["path"] = f"{original.path}-2"
    return case.model(**values | {case.field_name: case.after} | UNIQUE.get(case.model, {}))


# What a second object needs so as not to be in the way of the first.
UNIQUE: dict[type[models.Model], dict[str, Any]] = {
    Post: {"slug": "another"},
    Category: {"slug": "another", "path": "another"},
    Tag: {"slug": "another", "key": "after"},
    TagAlias: {"slug": "another"},
    Redirect: {"path": "/another/"},
}


def filled(page: bytes) -> dict[str, Any]:
    """What the admin's form would send if nothing was changed."""
    forms: Any = html.document_fromstring(page.decode()).xpath("//*[@id='content']//form[@method='post']")
    form = forms[0]
    return {name: value for name, value in dict(form.fields).items() if name and value is not None}


class TestWrites:
    @pytest.mark.parametrize(
        ("case", "way"),
        [
            pytest.param(case, way, id=f"{case.model.__name__}-{way}")
            for case in CASES
            for way in sorted(case.ways - {"bulk_create"})
        ],
    )
    def test_the_next_reader_sees_it(self, case: Case, way: str, django_capture_on_commit_callbacks: Any) -> None:
        made, path = case.make(case.before)
        owner = UserFactory(is_staff=True, is_superuser=True)
        assert case.sign(case.before) in seen(path)
        with django_capture_on_commit_callbacks(execute=True):
            self.write(case, way, made, owner)
        after = seen(path)
        if way in {"delete", "delete in bulk", "admin action"}:
            assert case.sign(case.before) not in after
        else:
            assert case.sign(case.after) in after

    def write(self, case: Case, way: str, made: Any, owner: User) -> None:
        rows: Any = case.model._default_manager.filter(pk=made.pk)
        match way:
            case "save":
                setattr(made, case.field_name, case.after)
                made.save()
                if case.model is TaggedPost:
                    # It takes the time from its post when it is saved.
                    rows.update(published_at=case.after)
            case "update":
                # What is derived from a text has to be written with it.
                derived = {"html": f"<p>{case.after}</p>"} if case.model is Comment else {}
                assert rows.update(**{case.field_name: case.after}, **derived) == 1
            case "bulk_update":
                setattr(made, case.field_name, case.after)
                names = [case.field_name]
                if case.model is Comment:
                    made.render()
                    names.append("html")
                assert case.model._default_manager.bulk_update([made], names) == 1
            case "delete":
                made.delete()
            case "delete in bulk":
                rows.delete()
            case "admin":
                self.change_in_admin(case, made, owner)
            case "admin action":
                self.delete_in_admin(case, made, owner)

    def change_in_admin(self, case: Case, made: Any, owner: User) -> None:
        client = Client()
        client.force_login(owner)
        meta = case.model._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[made.pk])
        typed = filled(client.get(url).content) | {case.field_name: case.after}
        if case.after is False:
            del typed[case.field_name]
        response = client.post(url, typed)
        assert response.status_code == 302

    def delete_in_admin(self, case: Case, made: Any, owner: User) -> None:
        client = Client()
        client.force_login(owner)
        meta = case.model._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        if meta.model in {Post, Page}:
            sent = {"action": "trash", "_selected_action": [made.pk]}
        elif meta.model is Comment:
            sent = {"action": "spam_selected", "_selected_action": [made.pk]}
        else:
            sent = {"action": "delete_selected", "_selected_action": [made.pk], "post": "yes"}
        assert meta.model in admin.site._registry
        assert client.post(url, sent).status_code == 302

    @pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.model.__name__) for case in CASES if "bulk_create" in case.ways]
    )
    def test_creating_in_bulk_raises_the_content_version(
        self, case: Case, django_capture_on_commit_callbacks: Any
    ) -> None:
        made, _path = case.make(case.before)
        before = SiteSettings.current().content_version
        second = copy_of(made, case)
        if case.model is TaggedPost:
            second.tag = TagFactory()
        with django_capture_on_commit_callbacks(execute=True):
            case.model._default_manager.bulk_create([second])
        assert SiteSettings.current().content_version == before + 1
