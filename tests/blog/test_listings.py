"""Listings: what they hold, in which order and words, and what they cost."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.models import Category, Post, SiteSettings, Status
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db


def at(year: int, month: int, day: int, hour: int = 12) -> dt.datetime:
    return timezone.make_aware(dt.datetime(year, month, day, hour))


def text_of(html: bytes | str) -> str:
    """What a reader sees of a page, blanks squeezed."""
    page = html.decode() if isinstance(html, bytes) else html
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def titles(client: Client, path: str) -> list[str]:
    return [post.title for post in client.get(path).context["posts"]]


class TestEntryOfAListing:
    @pytest.fixture
    def entry(self, client: Client) -> str:
        books = CategoryFactory(name="books")
        rights = CategoryFactory(name="Human Rights Defenders")
        PostFactory(
            title="A working paper",
            source="The first words.<!--more-->\n\nThe rest.",
            published_at=at(2019, 10, 22),
            categories=[rights, books],
            tags=["NGOs", "cooperation", "Civil society"],
            comment_count=1,
        )
        return client.get("/").content.decode()

    def test_parts_stand_in_the_order_of_the_original(self, entry: str) -> None:
        words = (
            "A working paper October 22, 2019 The first words. Read the rest of this entry » "
            "Posted in books, Human Rights Defenders | 1 Comment » "
            "Tags: Civil society, cooperation, NGOs"
        )
        assert words in text_of(entry)

    def test_title_leads_to_the_post(self, entry: str) -> None:
        assert re.search(r'<h\d[^>]*>\s*<a[^>]* href="/2019/10/22/a-working-paper/"[^>]*>A working paper</a>', entry)

    def test_link_to_the_rest_runs_on_in_the_same_paragraph(self, entry: str) -> None:
        post = Post.objects.get()
        assert (
            f'The first words.<a class="more-link" href="/2019/10/22/a-working-paper/#more-{post.pk}" dir="auto">'
            in re.sub(r"words\.\s+<a", "words.<a", entry)
        )
        assert "The rest." not in entry

    def test_post_without_marker_is_shown_whole(self, client: Client) -> None:
        PostFactory(source="One.\n\nTwo.\n\nThree.")
        page = client.get("/").content.decode()
        assert "Three." in page
        assert "Read the rest" not in page

    def test_post_without_tags_has_no_line_of_tags(self, client: Client) -> None:
        PostFactory()
        assert "Tags:" not in client.get("/").content.decode()

    @pytest.mark.parametrize(
        ("count", "is_open", "words", "anchor"),
        [
            (0, True, "Leave a Comment »", "#respond"),
            (1, True, "1 Comment »", "#comments"),
            (3, True, "3 Comments »", "#comments"),
            (0, False, "Comments Off", "#comments"),
            (2, False, "2 Comments »", "#comments"),
        ],
    )
    def test_comment_link_says_how_many(
        self, client: Client, count: int, is_open: bool, words: str, anchor: str
    ) -> None:
        post = PostFactory(comment_count=count, comments_open=is_open)
        page = client.get("/").content.decode()
        assert re.search(rf'href="{post.get_absolute_url()}{anchor}"[^>]*>\s*{re.escape(words)}', page)

    def test_post_in_another_language_says_so(self, client: Client) -> None:
        PostFactory(language="ar")
        assert re.search(r'<article[^>]* lang="ar"[^>]* dir="rtl"', client.get("/").content.decode())

    def test_post_without_title_can_be_reached(self, client: Client) -> None:
        post = PostFactory(title="", slug="untitled")
        assert f'href="{post.get_absolute_url()}"' in client.get("/").content.decode()


class TestHeadings:
    def test_front_page_has_none(self, client: Client) -> None:
        PostFactory()
        assert client.get("/").context["heading"] == ""

    def test_tag_has_curly_quotes(self, client: Client) -> None:
        PostFactory(tags=["euroMed Rights"])
        assert "Posts Tagged ‘euroMed Rights’" in text_of(client.get("/tag/euromed-rights/").content)

    def test_category_has_straight_quotes(self, client: Client) -> None:
        PostFactory(categories=[CategoryFactory(name="human rights")])
        page = client.get("/category/human-rights/")
        assert page.context["heading"] == "Archive for the 'human rights' Category"

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/2019/", "Archive for 2019"),
            ("/2019/10/", "Archive for October, 2019"),
            ("/2019/10/22/", "Archive for October 22nd, 2019"),
        ],
    )
    def test_archives_name_their_time(self, client: Client, path: str, words: str) -> None:
        PostFactory(published_at=at(2019, 10, 22))
        assert words in text_of(client.get(path).content)

    def test_author(self, client: Client) -> None:
        PostFactory(author=UserFactory(username="hans"))
        assert "Author Archive" in text_of(client.get("/author/hans/").content)

    def test_stay_on_further_pages(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory.create_batch(2, tags=["x"])
        assert "Posts Tagged ‘x’" in text_of(client.get("/tag/x/page/2/").content)


class TestWhichPosts:
    def test_newest_come_first(self, client: Client) -> None:
        for day in (5, 9, 7):
            PostFactory(title=f"Day {day}", published_at=at(2020, 1, day))
        assert titles(client, "/") == ["Day 9", "Day 7", "Day 5"]

    def test_same_moment_is_ordered_by_number(self, client: Client) -> None:
        for name in ("first", "second"):
            PostFactory(title=name, published_at=at(2020, 1, 1))
        assert titles(client, "/") == ["second", "first"]

    def test_sticky_posts_lead_the_first_page_only(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=2)
        PostFactory(title="old", sticky=True, published_at=at(2010, 1, 1))
        PostFactory(title="a", published_at=at(2020, 1, 1), tags=["t"])
        PostFactory(title="b", published_at=at(2020, 1, 2))
        PostFactory(title="c", published_at=at(2020, 1, 3))
        assert titles(client, "/") == ["old", "c", "b"]
        assert titles(client, "/page/2/") == ["a", "old"]

    def test_category_shows_the_posts_of_its_children(self, client: Client) -> None:
        parent = CategoryFactory(name="awards")
        child = CategoryFactory(name="laureates", parent=parent)
        PostFactory(title="above", categories=[parent], published_at=at(2020, 1, 1))
        PostFactory(title="below", categories=[child], published_at=at(2020, 1, 2))
        assert titles(client, "/category/awards/") == ["below", "above"]
        assert titles(client, "/category/awards/laureates/") == ["below"]

    def test_post_in_two_categories_of_one_branch_stands_once(self, client: Client) -> None:
        parent = CategoryFactory(name="awards")
        PostFactory(title="one", categories=[parent, CategoryFactory(parent=parent)])
        assert titles(client, "/category/awards/") == ["one"]

    def test_archives_hold_their_time_only(self, client: Client) -> None:
        PostFactory(title="in", published_at=at(2019, 10, 22))
        PostFactory(title="next month", published_at=at(2019, 11, 1, 0))
        PostFactory(title="year before", published_at=at(2018, 12, 31, 23))
        assert titles(client, "/2019/") == ["next month", "in"]
        assert titles(client, "/2019/10/") == ["in"]
        assert titles(client, "/2019/10/22/") == ["in"]
        assert titles(client, "/2018/12/31/") == ["year before"]

    def test_tag_and_category_may_share_a_slug(self, client: Client) -> None:
        PostFactory(title="tagged", tags=["human rights"])
        PostFactory(title="filed", categories=[CategoryFactory(name="human rights")])
        assert titles(client, "/tag/human-rights/") == ["tagged"]
        assert titles(client, "/category/human-rights/") == ["filed"]


class TestPaging:
    @pytest.fixture(autouse=True)
    def _posts(self) -> None:
        SiteSettings.objects.update(entries_per_page=2)
        category = CategoryFactory(name="c")
        author = UserFactory(username="a")
        for n in range(5):
            PostFactory(title=f"P{n}", author=author, tags=["t"], categories=[category], published_at=at(2020, 1, 1, n))

    LISTINGS = ("/", "/tag/t/", "/category/c/", "/author/a/", "/2020/", "/2020/01/", "/2020/01/01/")

    @pytest.mark.parametrize("path", LISTINGS)
    def test_every_post_stands_on_exactly_one_page(self, client: Client, path: str) -> None:
        shown = titles(client, path) + titles(client, f"{path}page/2/") + titles(client, f"{path}page/3/")
        assert shown == ["P4", "P3", "P2", "P1", "P0"]

    @pytest.mark.parametrize("path", LISTINGS)
    def test_page_one_is_the_listing_itself(self, client: Client, path: str) -> None:
        response = client.get(f"{path}page/1/")
        assert (response.status_code, response["Location"]) == (301, path)

    @pytest.mark.parametrize("path", LISTINGS)
    @pytest.mark.parametrize("number", ["4", "999999999", "0", "02", "9999999999"])
    def test_page_past_the_last_is_not_found(self, client: Client, path: str, number: str) -> None:
        assert client.get(f"{path}page/{number}/").status_code == 404

    @pytest.mark.parametrize("path", LISTINGS)
    def test_missing_slash_leads_to_the_form_with_it(self, client: Client, path: str) -> None:
        if path == "/":
            path = "/page/2/"
        response = client.get(path.rstrip("/"))
        assert (response.status_code, response["Location"]) == (301, path)

    def test_previous_entries_are_older_and_next_entries_newer(self, client: Client) -> None:
        page = client.get("/tag/t/page/2/").content.decode()
        assert re.search(r'href="/tag/t/page/3/"[^>]*>\s*« Previous Entries', page)
        assert re.search(r'href="/tag/t/"[^>]*>\s*Next Entries »', page)

    def test_pager_stands_twice_on_archives_and_once_on_the_front_page(self, client: Client) -> None:
        assert client.get("/tag/t/").content.decode().count("« Previous Entries") == 2
        assert client.get("/").content.decode().count("« Previous Entries") == 1

    def test_pager_names_the_numbers(self, client: Client) -> None:
        pages = client.get("/page/2/").context["pager"].pages
        assert [(link.number, link.url, link.current) for link in pages] == [
            (1, "/", False),
            (2, "/page/2/", True),
            (3, "/page/3/", False),
        ]


class TestUnknown:
    @pytest.mark.parametrize(
        "path",
        [
            "/tag/nothing/",
            "/category/nothing/",
            "/author/nobody/",
            "/1999/",
            "/2020/13/",
            "/2020/02/30/",
            "/0000/",
            "/0005/01/",
            "/nothing/",
            "/nothing/at/all/",
            "/2020/01/01/nothing/",
            "/tag/nothing/feed/",
            "/category/nothing/feed/",
            "/author/nobody/feed/",
        ],
    )
    def test_is_not_found_in_the_sites_look(self, client: Client, path: str) -> None:
        SiteSettings.objects.update(title="The Lantern")
        response = client.get(path)
        assert response.status_code == 404
        if not path.endswith("feed/"):
            assert "The Lantern" in response.content.decode()
            assert "Not Found" in text_of(response.content)

    def test_author_without_posts_is_not_told(self, client: Client) -> None:
        UserFactory(username="quiet")
        assert client.get("/author/quiet/").status_code == 404

    def test_tag_without_public_posts_says_that_nothing_is_found(self, client: Client) -> None:
        TagFactory(name="empty")
        response = client.get("/tag/empty/")
        assert response.status_code == 200
        assert "Not Found" in text_of(response.content)


class TestAddresses:
    @pytest.mark.parametrize("encoded", ["%e2%80%8b", "%E2%80%8B"])
    def test_percent_encoding_may_be_in_either_case(self, client: Client, encoded: str) -> None:
        post = PostFactory(slug="\u200b\u200bmartin", published_at=at(2021, 1, 18))
        assert client.get(f"/2021/01/18/{encoded}{encoded}martin/").status_code == 200
        assert post.slug == "\u200b\u200bmartin"

    @pytest.mark.parametrize("name", ["мир", "سلام", "coöperation", "和平"])
    def test_any_script_may_stand_in_an_address(self, client: Client, name: str) -> None:
        category = CategoryFactory(name=name)
        post = PostFactory(title=name, tags=[name], categories=[category])
        tag = post.tags.get()
        for url in (tag.get_absolute_url(), category.get_absolute_url(), post.get_absolute_url()):
            assert client.get(url).status_code == 200, url

    def test_capitals_and_decomposed_letters_lead_to_the_stored_form(self, client: Client) -> None:
        PostFactory(tags=["cooperation"])
        response = client.get("/tag/Cooperation/")
        assert (response.status_code, response["Location"]) == (301, "/tag/cooperation/")

    def test_category_by_its_last_part_leads_to_its_full_path(self, client: Client) -> None:
        CategoryFactory(name="child", parent=CategoryFactory(name="parent"))
        response = client.get("/category/child/")
        assert (response.status_code, response["Location"]) == (301, "/category/parent/child/")

    def test_old_slug_of_a_tag_leads_to_the_tag(self, client: Client) -> None:
        tag = TagFactory(name="HRD")
        tag.slug = "human-rights-defenders"
        tag.save()
        response = client.get("/tag/hrd/")
        assert (response.status_code, response["Location"]) == (301, "/tag/human-rights-defenders/")


def fill(number: int) -> None:
    author = UserFactory(username="writer")
    categories = [CategoryFactory(name="top")]
    categories.append(CategoryFactory(name="below", parent=categories[0]))
    tags = [TagFactory(name=f"tag{n}") for n in range(8)]
    PageFactory.create_batch(2, author=author)
    for n in range(number):
        post = PostFactory(
            author=author, tags=tags, categories=categories, published_at=at(2020, 1, 1 + n % 28, n % 24)
        )
        CommentFactory(post=post)


class TestCost:
    """At most eight queries for a listing, whatever its length, when nothing is cached yet."""

    @pytest.mark.parametrize(
        "path", ["/", "/tag/tag1/", "/category/top/", "/category/top/below/", "/author/writer/", "/2020/", "/2020/01/"]
    )
    def test_queries_do_not_grow_with_the_number_of_posts(
        self, client: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        fill(3)
        SiteSettings.objects.update(entries_per_page=2)
        with django_assert_max_num_queries(8) as few:
            client.get(path)
        with django_assert_max_num_queries(8):
            client.get(f"{path}page/2/")
        SiteSettings.objects.update(entries_per_page=50, content_version=2)
        author, categories = Post.objects.all()[0].author, list(Category.objects.all())
        for n in range(30):
            PostFactory(tags=["tag1"], categories=categories, author=author, published_at=at(2020, 1, 1 + n))
        with django_assert_max_num_queries(8) as many:
            assert len(client.get(path).context["posts"]) > 20
        assert len(many) == len(few)

    def test_second_reader_costs_one_query(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        PostFactory(tags=["t"])
        first = client.get("/tag/t/").content
        with django_assert_num_queries(1):
            assert client.get("/tag/t/").content == first


class TestSidebar:
    def test_counts_public_posts_only(self, client: Client) -> None:
        category = CategoryFactory(name="books")
        PostFactory(categories=[category], published_at=at(2019, 10, 22))
        PostFactory(categories=[category], status=Status.DRAFT)
        PostFactory(categories=[category], published_at=timezone.now() + dt.timedelta(days=1))
        sidebar = client.get("/").context["sidebar"]
        assert [(line.title, line.count) for line in sidebar.categories] == [("books", 1)]
        assert [(year.year, year.count) for year in sidebar.years] == [(2019, 1)]
        assert [(line.title, line.url) for line in sidebar.years[0].months] == [("October 2019", "/2019/10/")]

    def test_categories_are_read_as_a_tree(self, client: Client) -> None:
        zebra = CategoryFactory(name="Zebra")
        CategoryFactory(name="apple", parent=zebra)
        CategoryFactory(name="banana")
        lines = client.get("/").context["sidebar"].categories
        assert [(line.title, line.depth) for line in lines] == [("banana", 0), ("Zebra", 0), ("apple", 1)]

    def test_pages_follow_their_order(self, client: Client) -> None:
        PageFactory(title="Second", menu_order=2)
        PageFactory(title="First", menu_order=1)
        PageFactory(title="Hidden", status=Status.DRAFT)
        assert [line.title for line in client.get("/").context["sidebar"].pages] == ["First", "Second"]


@pytest.mark.parametrize("name", ["front", "robots"])
def test_reader_gets_no_cookie(client: Client, name: str) -> None:
    assert not client.get(reverse(f"blog:{name}")).cookies
