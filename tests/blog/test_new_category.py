"""A category that is added while a post is written."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditRecord
from blog.models import Category, Post
from tests.factories import CategoryFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return client_of(UserFactory(role="Editor"))


def save(client: Client, post: Post, **data: Any) -> Any:
    return client.post(admin_url(post, "change"), form_data(post, **data))


def names_of(post: Post) -> list[str]:
    return sorted(category.path for category in post.categories.all())


def test_it_is_stored_and_the_post_filed_under_it(client: Client) -> None:
    parent = CategoryFactory(name="Awards", slug="awards")
    post = PostFactory(categories=[CategoryFactory(name="News", slug="news")])
    # The second click of a double click.
    data = form_data(post, new_category=" Human Rights ", new_category_parent=parent.pk)
    assert [client.post(admin_url(post, "change"), data).status_code for _ in range(2)] == [302, 302]
    assert names_of(post) == ["awards/human-rights", "news"]
    assert AuditRecord.objects.get(kind="blog.category").title == "Human Rights"


def test_it_is_stored_with_a_new_post(client: Client) -> None:
    author = UserFactory(role="Author")
    client.post(admin_url(Post, "add"), form_data(title="New", author=author.pk, new_category="Awards"))
    assert names_of(Post.objects.get()) == ["awards"]


@pytest.mark.parametrize("category", ["Awards", "Other"])
def test_the_form_of_a_new_post_saves_it_once_even_after_a_double_click(client: Client, category: str) -> None:
    chosen, form_id = CategoryFactory(name="News", slug="news"), "0f60c7f5-1a49-4f5a-9a5c-2f1f0a3ad9c0"
    data = form_data(title="New", author=UserFactory(role="Author").pk, categories=[chosen.pk], autosave=form_id)
    client.post(admin_url(Post, "add"), data | {"new_category": "Awards"})
    response = client.post(admin_url(Post, "add"), data | {"new_category": category}, follow=True)
    # Another category in the second one would be kept as unsaved.
    assert ("it was not saved again" in response.content.decode()) == (category == "Awards")
    assert names_of(Post.objects.get()) == ["awards", "news"]


def test_the_preview_shows_it_but_does_not_store_it(client: Client) -> None:
    data = form_data(title="New", author=UserFactory(role="Author").pk, new_category="Awards")
    page = client.post(admin_url(Post, "preview_new"), data).content.decode()
    assert 'href="/category/awards/"' in page
    assert not Category.objects.exists()


@pytest.mark.parametrize(("name", "typed", "slug"), [("Awards", "AWARDS", "awards-2"), ("Премии", "премии", "премии")])
def test_a_category_of_that_name_is_used_if_there_is_one(client: Client, name: str, typed: str, slug: str) -> None:
    CategoryFactory(name=name, slug="awards")
    post = PostFactory(categories=[])
    save(client, post, new_category=typed)
    assert names_of(post) == ["awards"]
    save(client, Post.objects.get(), new_category=name, new_category_parent=Category.objects.get().pk)
    assert names_of(post) == ["awards", f"awards/{slug}"]


@pytest.mark.parametrize("data", [{"new_category_parent": "99"}, {"title": "x" * 1001}, {"new_category": "x" * 201}])
def test_with_an_error_nothing_is_stored_and_what_was_typed_stays(client: Client, data: dict[str, Any]) -> None:
    post = PostFactory(categories=[])
    page = save(client, post, **{"new_category": "Prizes", **data}).content.decode()
    assert '<details class="writing-new-category" open>' in page
    assert f'value="{data.get("new_category", "Prizes")}"' in page
    assert not Category.objects.exists()


def test_a_parent_whose_url_leaves_no_room_is_an_error_of_that_field(client: Client) -> None:
    parent: Any = None
    for letter in "abc":
        parent = CategoryFactory(slug=letter * 150, parent=parent)
    page = save(client, PostFactory(), new_category="x" * 200, new_category_parent=parent.pk).content.decode()
    assert "The URL would be too long." in page


@pytest.mark.parametrize(("role", "may_add"), [("Author", False), ("Editor", True)])
def test_only_users_who_may_add_categories_do(role: str, may_add: bool) -> None:
    user = UserFactory(role=role)
    client = client_of(user)
    post = PostFactory(author=user, status="draft")
    assert ("writing-new-category" in client.get(admin_url(post, "change")).content.decode()) == may_add
    save(client, post, new_category="Awards")
    assert Category.objects.filter(name="Awards").exists() == may_add
