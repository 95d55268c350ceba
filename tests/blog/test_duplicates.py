"""Duplicating a post or page: a new draft with the same content."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditRecord, User
from blog.models import Entry, Page, Post, Status
from media.models import Picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of
from tests.factories.files import picture_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    return UserFactory(role="Editor", username="ruth")


@pytest.fixture
def client(editor: User) -> Client:
    return client_of(editor)


def copy_of(original: Any) -> Any:
    return type(original)._default_manager.exclude(pk=original.pk).get()


class TestTheDuplicate:
    def test_has_the_content_and_belongs_to_who_made_it(self, client: Client, editor: User) -> None:
        original = PostFactory(
            title="Report",
            source="Some *text*",
            excerpt="In short",
            co_authors="Carla",
            language="fr",
            password="let me in",
            comments_open=False,
            noindex=True,
            sticky=True,
            featured_picture=Picture.objects.create(file=picture_file()),
            categories=[CategoryFactory(name="Awards")],
            tags=["a", "b, c"],
        )
        response = client.post(admin_url(original, "duplicate"), follow=True)
        copy = copy_of(original)
        assert response.request["PATH_INFO"] == admin_url(copy, "change")
        assert "This is your draft with the same content as “Protected: Report”." in response.content.decode()
        assert (copy.title, copy.author, copy.status) == ("Report (copy)", editor, Status.DRAFT)
        same = ("source", "body_html", "co_authors", "excerpt", "language", "password", "comments_open", "noindex")
        assert {name: getattr(copy, name) for name in same} == {name: getattr(original, name) for name in same}
        assert copy.featured_picture == original.featured_picture
        assert [each.name for each in copy.categories.all()] == ["Awards"]
        assert sorted(tag.name for tag in copy.tags.all()) == ["a", "b, c"]
        record = AuditRecord.objects.get(kind="blog.post")
        assert (record.action, record.title) == ("added", "Protected: Report (copy)")

    def test_has_neither_date_nor_url_nor_place_on_the_front_page(self, client: Client) -> None:
        original = PostFactory(sticky=True, slug="report")
        client.post(admin_url(original, "duplicate"))
        copy = copy_of(original)
        assert (copy.published_at, copy.slug, copy.sticky, copy.translation_group) == (None, "", False, None)
        assert copy.guid != original.guid

    def test_of_a_page_is_next_to_it(self, client: Client) -> None:
        original = PageFactory(title="About", slug="about", parent=PageFactory(slug="us"), menu_order=3)
        client.post(admin_url(original, "duplicate"))
        copy = Page.objects.exclude(pk__in=[original.pk, original.parent_id]).get()
        assert (copy.path, copy.menu_order, copy.status) == ("us/about-copy", 3, Status.DRAFT)

    def test_of_a_page_is_at_the_top_if_the_url_would_be_too_long(self, client: Client) -> None:
        parent: Any = None
        for letter in "abc":
            parent = PageFactory(slug=letter * 150, parent=parent)
        original = PageFactory(title="x" * 190, slug="x", parent=parent)
        client.post(admin_url(original, "duplicate"))
        assert Page.objects.latest("pk").path == "x" * 190 + "-copy"

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("Some <b>bold</b> text", ("markdown", "Some **bold** text")),
            # Markdown has nothing for it.
            ('<img src="https://elsewhere.example/a.png" alt="A">', ("wordpress", None)),
        ],
    )
    def test_is_in_markdown_if_that_loses_nothing(
        self, client: Client, source: str, expected: tuple[str, str | None]
    ) -> None:
        original = PostFactory(markup="wordpress", source=source)
        client.post(admin_url(original, "duplicate"))
        assert (copy_of(original).markup, copy_of(original).source) == (expected[0], expected[1] or source)

    def test_of_the_longest_title_fits(self, client: Client) -> None:
        original = PostFactory(title="x" * 1000)
        client.post(admin_url(original, "duplicate"))
        assert copy_of(original).title == "x" * 993 + " (copy)"

    def test_of_a_text_in_an_unknown_format_is_refused(self, client: Client) -> None:
        original = PostFactory()
        Entry.objects.update(markup="textile")
        page = client.post(admin_url(original, "duplicate"), follow=True).content.decode()
        assert "can&#x27;t be duplicated" in page
        assert Post.objects.count() == 1


def test_a_double_click_makes_one_duplicate(client: Client) -> None:
    original = PostFactory()
    urls = {client.post(admin_url(original, "duplicate")).headers["Location"] for _ in range(2)}
    assert len(urls) == 1
    assert Post.objects.count() == 2
    Post.objects.update(created_at=timezone.now() - dt.timedelta(seconds=6))
    client.post(admin_url(original, "duplicate"))
    assert Post.objects.count() == 3


def test_two_texts_without_a_title_are_duplicated_one_after_the_other(client: Client) -> None:
    for source in ("One", "Two"):
        client.post(admin_url(PostFactory(title="", source=source), "duplicate"))
    assert sorted(Post.objects.values_list("source", flat=True)) == ["One", "One", "Two", "Two"]


def test_the_list_offers_it_to_users_who_may_add_such_texts(client: Client) -> None:
    post = PostFactory()
    button = f'formaction="{admin_url(post, "duplicate")}'
    assert button in client.get("/admin/blog/post/").content.decode()
    moderator = client_of(UserFactory(role="Moderator"))
    assert button not in moderator.get("/admin/blog/post/").content.decode()
    Post.objects.update(status=Status.TRASH)
    assert button not in client.get("/admin/blog/post/?state=trash").content.decode()
