"""Posts and lists of posts as microformats (h-entry, h-feed), for programs of the IndieWeb."""

import pytest
from django.test import Client

from core.models import SiteSettings
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.metadata import microformats

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _site() -> None:
    SiteSettings.objects.update(show_author=True)
    PostFactory(
        title="A post",
        source="The *beginning*.\n\n<!--more-->\n\nThe rest.",
        author=UserFactory(username="zoe", display_name="Zoë"),
        published_at=at(2020, 3, 7),
        tags=["peace"],
        categories=[CategoryFactory(name="Books")],
    )


def test_a_post_is_an_entry(client: Client) -> None:
    (entry,) = microformats(client, "/2020/03/07/a-post/")
    found = entry["properties"]
    assert entry["type"] == ["h-entry"]
    assert found["name"] == ["A post"]
    assert found["url"] == ["http://testserver/2020/03/07/a-post/"]
    assert found["published"] == ["2020-03-07"]
    assert found["category"] == ["Books", "peace"]
    (author,) = found["author"]
    assert author["type"] == ["h-card"]
    assert author["properties"] == {"name": ["Zoë"], "url": ["http://testserver/author/zoe/"]}
    assert "<em>beginning</em>" in found["content"][0]["html"]
    assert "The rest." in found["content"][0]["value"]


def test_a_page_is_an_entry(client: Client) -> None:
    PageFactory(title="About", source="About us.")
    (entry,) = microformats(client, "/about/")
    assert entry["properties"]["name"] == ["About"]
    assert entry["properties"]["content"][0]["value"] == "About us."


@pytest.mark.parametrize("path", ["/", "/tag/peace/", "/category/books/", "/author/zoe/", "/2020/03/07/"])
def test_a_list_is_a_feed_of_entries(client: Client, path: str) -> None:
    PostFactory(title="Other", source="All of it.", tags=["peace"], author__username="zoe2")
    (feed,) = microformats(client, path)
    assert feed["type"] == ["h-feed"]
    entry = next(child for child in feed["children"] if child["properties"]["name"] == ["A post"])
    assert entry["properties"]["url"] == ["http://testserver/2020/03/07/a-post/"]
    assert entry["properties"]["published"] == ["2020-03-07"]
    # This is only the beginning of the text.
    assert entry["properties"]["summary"][0].startswith("The beginning.")
    assert "content" not in entry["properties"]


def test_the_whole_text_in_a_list_is_the_content(client: Client) -> None:
    PostFactory(title="Other", source="All of it.", tags=["whole"])
    (feed,) = microformats(client, "/tag/whole/")
    (entry,) = feed["children"]
    assert entry["properties"]["content"][0]["value"].strip() == "All of it."


@pytest.mark.parametrize("path", ["/2020/03/08/guarded/", "/tag/guarded/"])
def test_a_form_for_a_password_is_not_the_content(client: Client, path: str) -> None:
    PostFactory(title="Guarded", password="x", published_at=at(2020, 3, 8), tags=["guarded"])
    (item,) = microformats(client, path)
    (entry,) = item.get("children", [item])
    assert not {"content", "summary"} & entry["properties"].keys()
