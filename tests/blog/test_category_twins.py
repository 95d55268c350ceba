"""Likely duplicates among the categories. `tests/core` has the scoring."""

import pytest

from blog import twins
from blog.models import Category, CategoryTwins
from tests.factories import CategoryFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role

pytestmark = pytest.mark.django_db

PAGE = "/admin/blog/categorytwins/"


def found() -> list[tuple[str, str]]:
    return [(pair.first.name, pair.second.name) for pair in twins.find()]


def test_pairs_are_found_the_one_with_more_posts_first() -> None:
    for name in ("Award", "Awards", "Defenders", "Défenders", "News"):
        CategoryFactory(name=name)
    PostFactory(categories=[Category.objects.get(name="Awards")])
    assert found() == [("Defenders", "Défenders"), ("Awards", "Award")]


def test_pairs_that_were_marked_as_different_are_remembered() -> None:
    first, second = CategoryFactory(name="Award"), CategoryFactory(name="Awards")
    for _ in range(2):
        twins.set_different(second.pk, first.pk)
    assert found() == []
    second.delete()
    assert not CategoryTwins.objects.exists()
    twins.set_different(first.pk, 0)
    assert not CategoryTwins.objects.exists()


@pytest.mark.parametrize(
    ("role", "status"), [("anonymous", 302), ("staff", 403), ("Author", 403), ("Editor", 200), ("Moderator", 403)]
)
def test_the_page_is_only_for_users_who_curate(role: str, status: int) -> None:
    first, second = CategoryFactory(name="Award"), CategoryFactory(name="Awards")
    client = client_of(user_in_role(role))
    assert client.get(PAGE).status_code == status
    client.post(PAGE, {"different": f"{first.pk},{second.pk}"})
    assert CategoryTwins.objects.exists() == (status == 200)


def test_the_page_links_to_merging_and_remembers_decisions() -> None:
    client = client_of(UserFactory(role="Editor"))
    assert "No categories look like duplicates" in client.get(PAGE).content.decode()
    parents = [CategoryFactory(name=name) for name in ("Europe", "Asia")]
    used, unused = (CategoryFactory(name="Awards", parent=parent) for parent in parents)
    PostFactory(categories=[used])
    page = client.get(PAGE).content.decode()
    assert f"/admin/blog/category/merge/?categories={used.pk},{unused.pk}" in page
    # Their paths distinguish them.
    assert used.path in page
    assert "the same name" in page
    page = client.post(PAGE, {"different": f"{used.pk},{unused.pk}"}, follow=True).content.decode()
    assert "will not be suggested again" in page
    assert found() == []
