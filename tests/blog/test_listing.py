"""Listings: what they contain, in which order, and how many queries they take."""

import datetime as dt
import re

import pytest
from django.core.exceptions import FieldFetchBlocked
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.listings import listed_posts
from blog.models import Category, Post
from comments.models import Comment, CommentSettings
from comments.moderation.counting import recount_all
from core.changes import ContentVersion
from core.models import SiteSettings
from tags.models import Tag
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.responses import text_of

pytestmark = pytest.mark.django_db


def titles(client: Client, path: str) -> list[str]:
    return [post.title for post in client.get(path).context["posts"]]


class TestPostInAListing:
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

    def test_has_its_parts_in_the_order_of_the_original_site(self, entry: str) -> None:
        text = (
            "A working paper October 22, 2019 The first words. Read the rest of this entry » "
            "Posted in books, Human Rights Defenders | 1 Comment » "
            "Tags: Civil society, cooperation, NGOs"
        )
        assert text in text_of(entry)

    def test_has_a_title_that_links_to_the_post(self, entry: str) -> None:
        assert re.search(r'<h\d[^>]*>\s*<a[^>]* href="/2019/10/22/a-working-paper/"[^>]*>A working paper</a>', entry)

    def test_has_the_link_to_the_rest_in_the_last_paragraph(self, entry: str) -> None:
        post = Post.objects.get()
        assert (
            f'The first words.<a class="more-link" href="/2019/10/22/a-working-paper/#more-{post.pk}" dir="auto" '
            in re.sub(r"words\.\s+<a", "words.<a", entry)
        )
        assert "The rest." not in entry

    def test_names_its_links_with_its_title_where_links_are_listed_alone(self, entry: str) -> None:
        post = f"post-{Post.objects.get().pk}"
        assert re.search(rf'<h2 [^>]*id="{post}-title"[^>]*>\s*<a[^>]*>A working paper</a>', entry)
        for link in ("rest", "comments"):
            assert f'id="{post}-{link}" aria-labelledby="{post}-{link} {post}-title"' in entry

    def test_without_a_more_marker_is_shown_in_full(self, client: Client) -> None:
        PostFactory(source="One.\n\nTwo.\n\nThree.")
        page = client.get("/").content.decode()
        assert "Three." in page
        assert "Read the rest" not in page

    def test_has_its_tags_and_categories_by_name_whatever_their_case_and_accents(self, client: Client) -> None:
        names = ["droits", "Ensemble", "défense", "École", "Ёлка", "Ель"]
        PostFactory(tags=names, categories=[CategoryFactory(name=name) for name in names])
        in_order = "défense, droits, École, Ensemble, Ёлка, Ель"
        assert f"Posted in {in_order} | Leave a Comment » Tags: {in_order}" in text_of(client.get("/").content.decode())

    def test_without_tags_has_no_tag_line(self, client: Client) -> None:
        PostFactory()
        assert "Tags:" not in client.get("/").content.decode()

    @pytest.mark.parametrize(
        ("count", "is_open", "text", "anchor"),
        [
            (0, True, "Leave a Comment »", "#respond"),
            (1, True, "1 Comment »", "#comments"),
            (3, True, "3 Comments »", "#comments"),
            (0, False, "Comments Off", "#comments"),
            (2, False, "2 Comments »", "#comments"),
        ],
    )
    def test_has_a_comment_link_with_the_count(
        self, client: Client, count: int, is_open: bool, text: str, anchor: str
    ) -> None:
        post = PostFactory(comment_count=count, comments_open=is_open)
        page = client.get("/").content.decode()
        assert re.search(rf'href="{post.get_absolute_url()}{anchor}"[^>]*>\s*{re.escape(text)}', page)

    def test_in_another_language_is_marked_as_such(self, client: Client) -> None:
        PostFactory(language="ar")
        assert re.search(r'<article[^>]* lang="ar"[^>]* dir="rtl"', client.get("/").content.decode())

    def test_without_a_title_still_has_a_link(self, client: Client) -> None:
        post = PostFactory(title="", slug="untitled")
        assert f'href="{post.get_absolute_url()}"' in client.get("/").content.decode()


class TestRememberedPosts:
    """A process remembers listed posts until public content other than comments changes."""

    def test_are_shown_in_each_list_as_that_list_shows_them(self, client: Client) -> None:
        PostFactory(title="Old", sticky=True, tags=["a"], published_at=at(2019, 1, 1))
        for _twice in range(2):
            assert "Pinned" in client.get("/").content.decode()
            assert "Pinned" not in client.get("/tag/a/").content.decode()

    def test_have_the_current_comments(self, client: Client) -> None:
        post = PostFactory(tags=["a"])
        assert "Leave a Comment" in client.get("/").content.decode()
        CommentFactory(entry=post)
        recount_all([post.pk])
        assert "1 Comment »" in client.get("/").content.decode()
        Comment.objects.all().delete()
        recount_all([post.pk])
        CommentSettings.objects.update(comments_open=False)
        assert "Comments Off" in client.get("/tag/a/").content.decode()

    def test_close_for_comments_in_time(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        CommentSettings.objects.update(close_comments_after_days=7)
        PostFactory(published_at=timezone.now())
        assert "Leave a Comment" in client.get("/").content.decode()
        later = timezone.now() + dt.timedelta(days=8)
        monkeypatch.setattr(timezone, "now", lambda: later)
        assert "Comments Off" in client.get("/?later", headers={"cache-control": "no-store"}).content.decode()

    @pytest.mark.parametrize("change", ["title", "text", "tag", "category", "author"])
    def test_are_made_again_after_a_change(self, client: Client, change: str) -> None:
        SiteSettings.objects.update(show_author=True)
        author = UserFactory(display_name="Before")
        category = CategoryFactory(name="Before")
        post = PostFactory(title="Before", source="Before", author=author, tags=["Before"], categories=[category])
        assert "Changed" not in client.get("/").content.decode()
        if change in {"title", "text"}:
            setattr(post, {"title": "title", "text": "source"}[change], "Changed")
            post.save()
        elif change == "tag":
            Tag.objects.update(name="Changed")
        elif change == "category":
            category.name = "Changed"
            category.save()
        else:
            author.display_name = "Changed"
            author.save()
        assert "Changed" in client.get("/").content.decode()

    def test_take_at_most_this_many_bytes(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        PostFactory(title="One", tags=["a"])
        monkeypatch.setattr(listed_posts, "_MAX_BYTES", 100)
        client.get("/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/", headers={"cache-control": "no-store"})
        assert sum("tags_taggedpost" in query["sql"] for query in queries) == 1


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
        ("path", "heading"),
        [
            ("/2019/", "Archive for 2019"),
            ("/2019/10/", "Archive for October, 2019"),
            ("/2019/10/22/", "Archive for October 22nd, 2019"),
        ],
    )
    def test_archives_name_their_period(self, client: Client, path: str, heading: str) -> None:
        PostFactory(published_at=at(2019, 10, 22))
        assert heading in text_of(client.get(path).content)

    def test_author(self, client: Client) -> None:
        PostFactory(author=UserFactory(username="hans"))
        assert "Author Archive" in text_of(client.get("/author/hans/").content)

    def test_are_the_same_on_further_pages(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory.create_batch(2, tags=["x"])
        assert "Posts Tagged ‘x’" in text_of(client.get("/tag/x/page/2/").content)


class TestSelectionAndOrder:
    def test_the_newest_come_first(self, client: Client) -> None:
        for day in (5, 9, 7):
            PostFactory(title=f"Day {day}", published_at=at(2020, 1, day))
        assert titles(client, "/") == ["Day 9", "Day 7", "Day 5"]

    def test_posts_of_the_same_time_are_ordered_by_id(self, client: Client) -> None:
        for name in ("first", "second"):
            PostFactory(title=name, published_at=at(2020, 1, 1))
        assert titles(client, "/") == ["second", "first"]

    def test_sticky_posts_come_first_on_the_first_page_only(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=2)
        PostFactory(title="old", sticky=True, published_at=at(2010, 1, 1))
        PostFactory(title="a", published_at=at(2020, 1, 1), tags=["t"])
        PostFactory(title="b", published_at=at(2020, 1, 2))
        PostFactory(title="c", published_at=at(2020, 1, 3))
        assert titles(client, "/") == ["old", "c", "b"]
        assert titles(client, "/page/2/") == ["a", "old"]

    def test_a_category_includes_the_posts_of_its_children(self, client: Client) -> None:
        parent = CategoryFactory(name="awards")
        child = CategoryFactory(name="laureates", parent=parent)
        PostFactory(title="above", categories=[parent], published_at=at(2020, 1, 1))
        PostFactory(title="below", categories=[child], published_at=at(2020, 1, 2))
        assert titles(client, "/category/awards/") == ["below", "above"]
        assert titles(client, "/category/awards/laureates/") == ["below"]

    def test_a_post_in_a_category_and_its_child_is_shown_once(self, client: Client) -> None:
        parent = CategoryFactory(name="awards")
        PostFactory(title="one", categories=[parent, CategoryFactory(parent=parent)])
        assert titles(client, "/category/awards/") == ["one"]

    def test_archives_contain_only_posts_of_their_period(self, client: Client) -> None:
        PostFactory(title="in", published_at=at(2019, 10, 22))
        PostFactory(title="next month", published_at=at(2019, 11, 1, 0))
        PostFactory(title="year before", published_at=at(2018, 12, 31, 23))
        assert titles(client, "/2019/") == ["next month", "in"]
        assert titles(client, "/2019/10/") == ["in"]
        assert titles(client, "/2019/10/22/") == ["in"]
        assert titles(client, "/2018/12/31/") == ["year before"]

    def test_a_tag_and_a_category_can_have_the_same_slug(self, client: Client) -> None:
        PostFactory(title="tagged", tags=["human rights"])
        PostFactory(title="filed", categories=[CategoryFactory(name="human rights")])
        assert titles(client, "/tag/human-rights/") == ["tagged"]
        assert titles(client, "/category/human-rights/") == ["filed"]


class TestPaging:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _posts(cls, class_db: None) -> None:
        SiteSettings.objects.update(entries_per_page=2)
        category = CategoryFactory(name="c")
        author = UserFactory(username="a")
        for n in range(5):
            PostFactory(title=f"P{n}", author=author, tags=["t"], categories=[category], published_at=at(2020, 1, 1, n))

    LISTINGS = ("/", "/tag/t/", "/category/c/", "/author/a/", "/2020/01/01/")

    @pytest.mark.parametrize("path", LISTINGS)
    def test_every_post_is_on_exactly_one_page(self, client: Client, path: str) -> None:
        shown = titles(client, path) + titles(client, f"{path}page/2/") + titles(client, f"{path}page/3/")
        assert shown == ["P4", "P3", "P2", "P1", "P0"]

    @pytest.mark.parametrize("path", LISTINGS)
    def test_page_one_redirects_to_the_listing(self, client: Client, path: str) -> None:
        response = client.get(f"{path}page/1/")
        assert (response.status_code, response["Location"]) == (301, path)

    @pytest.mark.parametrize("path", LISTINGS)
    @pytest.mark.parametrize("page_number", ["4", "999999999", "0", "02", "9999999999"])
    def test_a_page_past_the_last_is_not_found(self, client: Client, path: str, page_number: str) -> None:
        assert client.get(f"{path}page/{page_number}/").status_code == 404

    @pytest.mark.parametrize("path", LISTINGS)
    def test_a_missing_slash_is_added_by_a_redirect(self, client: Client, path: str) -> None:
        if path == "/":
            path = "/page/2/"
        response = client.get(path.rstrip("/"))
        assert (response.status_code, response["Location"]) == (301, path)

    def test_previous_entries_are_older_and_next_entries_newer(self, client: Client) -> None:
        page = client.get("/tag/t/page/2/").content.decode()
        assert re.search(r'href="/tag/t/page/3/"[^>]*>\s*« Previous Entries', page)
        assert re.search(r'href="/tag/t/"[^>]*>\s*Next Entries »', page)

    def test_the_pager_is_shown_twice_on_archives_and_once_on_the_front_page(self, client: Client) -> None:
        assert client.get("/tag/t/").content.decode().count("« Previous Entries") == 2
        assert client.get("/").content.decode().count("« Previous Entries") == 1

    def test_the_pager_links_to_each_page(self, client: Client) -> None:
        pages = client.get("/page/2/").context["pager"].pages
        assert [(link.number, link.url, link.current) for link in pages] == [
            (1, "/", False),
            (2, "/page/2/", True),
            (3, "/page/3/", False),
        ]


class TestNotFound:
    @pytest.mark.parametrize(
        "path",
        [
            "/tag/nothing/",
            "/category/nothing/",
            "/author/unknown/",
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
            "/author/unknown/feed/",
        ],
    )
    def test_has_the_design_of_the_site(self, client: Client, path: str) -> None:
        SiteSettings.objects.update(title="The Lantern")
        response = client.get(path)
        assert response.status_code == 404
        if not path.endswith("feed/"):
            assert "The Lantern" in response.content.decode()
            assert "Not Found" in text_of(response.content)

    def test_an_author_without_posts_is_not_revealed(self, client: Client) -> None:
        UserFactory(username="quiet")
        assert client.get("/author/quiet/").status_code == 404

    def test_a_tag_without_public_posts_says_so_on_its_page(self, client: Client) -> None:
        TagFactory(name="empty")
        response = client.get("/tag/empty/")
        assert response.status_code == 200
        assert "Not Found" in text_of(response.content)


class TestUrls:
    @pytest.mark.parametrize("encoded", ["%e2%80%8b", "%E2%80%8B"])
    def test_percent_encoding_can_be_in_upper_or_lower_case(self, client: Client, encoded: str) -> None:
        post = PostFactory(slug="\u200b\u200bmartin", published_at=at(2021, 1, 18))
        assert client.get(f"/2021/01/18/{encoded}{encoded}martin/").status_code == 200
        assert post.slug == "\u200b\u200bmartin"

    @pytest.mark.parametrize("name", ["мир", "سلام", "coöperation", "和平"])
    def test_slugs_can_be_in_any_script(self, client: Client, name: str) -> None:
        category = CategoryFactory(name=name)
        post = PostFactory(title=name, tags=[name], categories=[category])
        tag = post.tags.get()
        for url in (tag.get_absolute_url(), category.get_absolute_url(), post.get_absolute_url()):
            assert client.get(url).status_code == 200, url

    def test_capitals_and_decomposed_characters_redirect_to_the_stored_form(self, client: Client) -> None:
        PostFactory(tags=["cooperation"])
        response = client.get("/tag/Cooperation/")
        assert (response.status_code, response["Location"]) == (301, "/tag/cooperation/")

    def test_the_last_segment_of_a_category_redirects_to_its_whole_path(self, client: Client) -> None:
        CategoryFactory(name="child", parent=CategoryFactory(name="parent"))
        response = client.get("/category/child/")
        assert (response.status_code, response["Location"]) == (301, "/category/parent/child/")

    def test_the_old_slug_of_a_tag_redirects_to_the_tag(self, client: Client) -> None:
        tag = TagFactory(name="HRD")
        tag.slug = "human-rights-defenders"
        tag.save()
        response = client.get("/tag/hrd/")
        assert (response.status_code, response["Location"]) == (301, "/tag/human-rights-defenders/")


def create_posts(count: int) -> None:
    author = UserFactory(username="writer")
    categories = [CategoryFactory(name="top")]
    categories.append(CategoryFactory(name="below", parent=categories[0]))
    tags = [TagFactory(name=f"tag{n}") for n in range(8)]
    PageFactory.create_batch(2, author=author)
    for n in range(count):
        post = PostFactory(
            author=author, tags=tags, categories=categories, published_at=at(2020, 1, 1 + n % 28, n % 24)
        )
        CommentFactory(entry=post)


class TestQueries:
    """A listing of any length takes at most nine queries after a change, and at most six later."""

    @pytest.mark.parametrize(
        "path", ["/", "/tag/tag1/", "/category/top/", "/category/top/below/", "/author/writer/", "/2020/", "/2020/01/"]
    )
    def test_queries_do_not_grow_with_the_number_of_posts(
        self, client: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        create_posts(3)
        SiteSettings.objects.update(entries_per_page=2)
        with django_assert_max_num_queries(9) as few:
            client.get(path)
        with django_assert_max_num_queries(6):
            client.get(f"{path}page/2/")
        SiteSettings.objects.update(entries_per_page=50)
        ContentVersion.objects.update(number=F("number") + 1, entries=F("entries") + 1)
        author, categories = Post.objects.all()[0].author, list(Category.objects.all())
        for n in range(30):
            PostFactory(tags=["tag1"], categories=categories, author=author, published_at=at(2020, 1, 1 + n))
        with django_assert_max_num_queries(9) as many:
            assert len(client.get(path).context["posts"]) > 20
        assert len(many) == len(few)

    @pytest.mark.parametrize("path", ["/", "/tag/tag1/", "/author/writer/", "/2020/01/", "/tag/tag1/feed/"])
    def test_texts_and_columns_that_are_not_shown_are_not_read(self, client: Client, path: str) -> None:
        create_posts(3)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        assert not [query["sql"] for query in queries if '"blog_entry"."source"' in query["sql"]]
        if not path.endswith("feed/"):
            assert not [query["sql"] for query in queries if '"blog_entry"."body_html"' in query["sql"]]

    def test_anything_else_of_a_listed_post_is_an_error(self) -> None:
        """An error rather than a query for each post."""
        create_posts(1)
        for posts in (Post.objects.for_listing(), Post.objects.for_feed()):
            with pytest.raises(FieldFetchBlocked):
                _ = posts[0].source

    def test_the_last_page_is_read_from_the_end(self, client: Client) -> None:
        create_posts(7)
        SiteSettings.objects.update(entries_per_page=2)
        pages = ["/tag/tag1/", *(f"/tag/tag1/page/{number}/" for number in (2, 3, 4))]
        assert [len(client.get(path).context["posts"]) for path in pages] == [2, 2, 2, 1]
        shown = [post.pk for path in pages for post in client.get(f"{path}?x=1").context["posts"]]
        assert shown == list(Post.objects.newest_first().values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{pages[-1]}?x=2")
        assert not any("OFFSET" in query["sql"] for query in queries)


@pytest.mark.parametrize("name", ["front", "robots"])
def test_readers_get_no_cookies(client: Client, name: str) -> None:
    assert not client.get(reverse(f"blog:{name}")).cookies
