"""The search for posts and pages to link to while writing."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role

pytestmark = pytest.mark.django_db


def search(client: Client, words: str = "") -> Any:
    return client.get(reverse("editor_links"), {"q": words})


def titles(words: str = "") -> list[str]:
    response = search(client_of(UserFactory(role="Author")), words)
    return [entry["title"] for entry in response.json()["entries"]]


@pytest.mark.parametrize(
    ("role", "status"),
    [("anonymous", 403), ("staff", 403), ("Author", 200), ("Editor", 200), ("Moderator", 403), ("superuser", 200)],
)
def test_only_users_who_may_write_can_search(role: str, status: int) -> None:
    PostFactory(title="Public")
    response = search(client_of(user_in_role(role)))
    assert response.status_code == status
    assert ("Public" in response.content.decode()) == (status == 200)


def test_only_public_posts_and_pages_are_found() -> None:
    for status in ("draft", "pending", "private", "trash"):
        PostFactory(title=f"Lamp {status}", status=status)
    PostFactory(title="Lamp later", published_at=timezone.now() + dt.timedelta(days=1))
    PostFactory(title="Lamp now")
    assert titles("lamp") == ["Lamp now"]


def test_posts_and_pages_are_found_by_all_words_in_any_case_and_without_accents() -> None:
    PostFactory(title="Défenseurs à Genève")
    PostFactory(title="Свобода слова")
    PageFactory(title="About defenders")
    assert titles("GENEVE defenseurs") == ["Défenseurs à Genève"]
    assert titles("СВОБОДА") == ["Свобода слова"]
    assert set(titles("defen")) == {"About defenders", "Défenseurs à Genève"}
    assert titles("about geneve") == []
    assert titles("100%_") == titles("\0 \\") == []


def test_each_result_has_a_title_a_url_and_a_date() -> None:
    post = PostFactory(title="A <lamp>", published_at=dt.datetime(2024, 3, 8, 12, tzinfo=dt.UTC))
    page = PageFactory(title="About")
    client = client_of(UserFactory(role="Editor"))
    assert search(client, "lamp").json()["entries"] == [
        {"title": "A <lamp>", "url": post.get_absolute_url(), "detail": "March 8, 2024"}
    ]
    assert search(client, "about").json()["entries"] == [
        {"title": "About", "url": page.get_absolute_url(), "detail": "Page"}
    ]


def test_a_search_takes_two_queries_besides_those_for_the_session_and_the_user(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    PostFactory.create_batch(12, title="Lamp")
    client = client_of(UserFactory(role="Editor"))
    with django_assert_num_queries(4):
        assert len(search(client, "lamp light a b c d e f g").json()["entries"]) == 0
    with django_assert_num_queries(4):
        assert len(search(client, "lamp").json()["entries"]) == 10
