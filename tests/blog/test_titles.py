"""The titles and descriptions of pages, which browsers, search engines and other sites show."""

import pytest
from django.test import Client

from comments.models import CommentSettings
from core.models import SiteSettings
from tags.models import Tag
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.responses import read, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site() -> None:
    SiteSettings.objects.update(title="Site", tagline="About people", entries_per_page=2)


def title(client: Client, path: str) -> str:
    (element,) = read(client.get(path)).xpath("//title")
    return text(element)


def description(client: Client, path: str) -> str:
    html = read(client.get(path))
    (content,) = html.xpath("//meta[@name='description']/@content")
    assert html.xpath("//meta[@property='og:description']/@content") == [content]
    return str(content)


@pytest.fixture
def posts() -> None:
    author, category = UserFactory(username="zoe", display_name="Zoë"), CategoryFactory(name="rights")
    for number in range(3):
        PostFactory(
            title=f"Post {number}", author=author, tags=["rights"], categories=[category], published_at=at(2016, 3, 7)
        )


@pytest.mark.usefixtures("posts")
class TestListings:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/", ""),
            ("/2016/03/07/", "Posts from March 7, 2016"),
            ("/category/rights/", "Posts in rights"),
            ("/tag/rights/", "Posts tagged “rights”"),
            ("/author/zoe/", "Posts by Zoë"),
        ],
    )
    def test_each_has_its_own_title_and_numbered_pages(self, client: Client, path: str, expected: str) -> None:
        start = f"{expected} – " if expected else ""
        assert title(client, path) == f"{start}Site"
        assert title(client, f"{path}page/2/") == f"{start}Page 2 of 2 – Site"
        assert description(client, path) == f"{start}About people"
        assert description(client, f"{path}page/2/") == f"Page 2 of 2 – {start}About people"

    @pytest.mark.parametrize(
        ("path", "expected"), [("/2016/", "Posts from 2016"), ("/2016/03/", "Posts from March 2016")]
    )
    def test_lists_of_titles_have_their_own_title(self, client: Client, path: str, expected: str) -> None:
        assert title(client, path) == f"{expected} – Site"
        assert description(client, path) == f"{expected} – About people"

    def test_the_description_of_a_tag_is_the_one_on_its_page(self, client: Client) -> None:
        Tag.objects.update(description="What all have.")
        assert description(client, "/tag/rights/") == "Posts tagged “rights” – What all have."


class TestEntries:
    def test_each_page_of_a_text_is_numbered(self, client: Client) -> None:
        PageFactory(title="Report", source="One.\n\n<!--nextpage-->\n\nTwo.")
        assert title(client, "/report/") == "Report – Site"
        assert title(client, "/report/2/") == "Report – Page 2 of 2 – Site"
        assert description(client, "/report/") == "One. Two."
        assert description(client, "/report/2/") == "Page 2 of 2 – One. Two."

    def test_a_text_without_words_is_described_by_its_title(self, client: Client) -> None:
        PageFactory(title="Map", source="")
        assert description(client, "/map/") == "Map"

    def test_the_pages_of_its_comments_are_numbered(self, client: Client) -> None:
        page = PageFactory(title="Report", source="Text.", comment_count=2)
        CommentSettings.objects.update(comments_per_page=1)
        CommentFactory.create_batch(2, entry=page)
        assert title(client, "/report/comment-page-2/") == "Report – comments, page 2 – Site"
        assert description(client, "/report/comment-page-2/") == "Report – comments, page 2 – Text."
