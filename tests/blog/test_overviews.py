"""The overviews of a site: the archive, the titles of years and months, authors, and the links to them."""

import datetime as dt
import re
from collections.abc import Callable, Sequence

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lxml import html
from pytest_django import Settings

from accounts.models import User
from blog.models import Page, Post, Redirect, Status
from core.models import SiteSettings
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]


def links(client: Client, path: str) -> set[str]:
    """Return the URLs that a page links to."""
    response = client.get(path)
    assert response.status_code == 200, path
    return {link.get("href", "").partition("#")[0] for link in find(read(response), "a")}


def archive_links(client: Client) -> set[str]:
    """Return the URLs in the part of the menu with the archives."""
    (menu,) = (nav for nav in find(read(client.get("/")), "nav") if nav.get("aria-labelledby") == "menu-archives")
    return {link.get("href", "") for link in find(menu, "a")}


def main(client: Client, path: str) -> str:
    """Return the text of the main part of a page."""
    response = client.get(path)
    assert response.status_code == 200, path
    return text(one(read(response), "main"))


def add_posts(days: Sequence[dt.date], author: User | None = None) -> list[Post]:
    """Store a post on each of these days, without derived data, which overviews don't need."""
    author = author or UserFactory()
    return Post.objects.bulk_create(
        Post(
            title=f"Post {number}",
            slug=f"post-{number}",
            author=author,
            status=Status.PUBLISHED,
            published_at=at(day.year, day.month, day.day) + dt.timedelta(seconds=number),
            published_on=day,
        )
        for number, day in enumerate(days)
    )


class TestStyles:
    def test_are_only_loaded_by_overviews_and_the_search(self, client: Client) -> None:
        SiteSettings.objects.update_or_create(pk=1, defaults={"show_author": True})
        post = PostFactory(tags=["peace"], categories=[CategoryFactory(slug="news")], published_at=at(2020, 3, 4))
        overviews = ("/archive/", "/authors/", "/2020/", "/2020/03/", "/tags/", "/?s=words")
        texts = ("/", "/tag/peace/", "/category/news/", "/2020/03/04/", post.get_absolute_url(), "/nothing/")
        with_them = [path for path in (*overviews, *texts) if b"css/overviews.css" in client.get(path).content]
        assert with_them == [*overviews]

    def test_are_loaded_by_lists_of_titles_only(self, publish_appearance: Publish, client: Client) -> None:
        publish_appearance(list_style="titles")
        PostFactory(tags=["peace"])
        assert all(b"css/overviews.css" in client.get(path).content for path in ("/", "/tag/peace/"))


class TestArchive:
    def test_links_to_each_year_and_month_with_posts_and_counts_them(self, client: Client) -> None:
        add_posts([dt.date(2019, 10, 22)] * 40 + [dt.date(2019, 2, 1)] * 3 + [dt.date(2021, 5, 1)] * 9)
        assert main(client, "/archive/") == (
            "Archive 52 posts since February 2019, by year and month 2021 2019 "
            "2021 (9) May (9) 2019 (43) October (40) February (3)"
        )
        months = ["/2021/05/", "/2019/10/", "/2019/02/"]
        assert {"/2021/", "/2019/", *months} <= links(client, "/archive/")

    def test_of_a_small_blog_has_the_titles(self, client: Client) -> None:
        post = PostFactory(title="A small step", published_at=at(2020, 3, 4))
        assert post.get_absolute_url() in links(client, "/archive/")
        assert "2020 (1) March (1) 4 A small step" in main(client, "/archive/")

    def test_counts_what_readers_can_see(self, client: Client) -> None:
        PostFactory(published_at=at(2020, 3, 4))
        for hidden in ({"status": Status.DRAFT}, {"published_at": timezone.now() + dt.timedelta(days=1)}):
            PostFactory(title="Hidden", **hidden)
        page = main(client, "/archive/")
        assert "1 post since March 2020" in page
        assert "Hidden" not in page

    def test_takes_no_submissions(self, client: Client) -> None:
        PostFactory()
        response = client.post("/archive/", {"post_password": "x"})
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")

    def test_follows_each_change(self, client: Client) -> None:
        post = PostFactory(title="First", published_at=at(2020, 3, 4))
        assert "1 post since March 2020" in main(client, "/archive/")
        PostFactory(title="Second", published_at=at(2011, 3, 4))
        assert "2 posts since March 2011" in main(client, "/archive/")
        post.status = Status.DRAFT
        post.save()
        assert "First" not in client.get("/archive/").text

    def test_is_found_by_search_engines(self, client: Client) -> None:
        PostFactory()
        page = client.get("/archive/").text
        assert '<link rel="canonical" href="http://testserver/archive/">' in page
        assert "<title>Archive – Broadside</title>" in page
        assert "noindex" not in page
        assert "<loc>http://testserver/archive/</loc>" in client.get("/sitemap-overviews.xml").text
        assert "/sitemap-overviews.xml" in client.get("/sitemap.xml").text

    def test_of_an_empty_blog_does_not_exist(self, client: Client) -> None:
        assert client.get("/archive/").status_code == 404
        assert "/archive/" not in links(client, "/privacy/")
        assert client.get("/sitemap-overviews.xml").text.count("<loc>") == 0

    @pytest.mark.parametrize("count", [3, 600])
    def test_takes_as_many_queries_however_many_posts_there_are(self, client: Client, count: int) -> None:
        add_posts([dt.date(2010, 1, 1) + dt.timedelta(days=9 * number) for number in range(count)])
        client.get("/archive/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/archive/", headers={"cache-control": "no-store"})
        # The content version, what is at this URL, and the titles of a small blog with their categories.
        assert len(queries) == (4 if count == 3 else 2)

    def test_stays_light_with_very_many_posts(self, client: Client) -> None:
        days = [dt.date(2010 + number // 12, number % 12 + 1, 1) for number in range(192) for _ in range(3)]
        add_posts(days)
        assert len(html.tostring(one(read(client.get("/archive/")), "main"))) < 40_000

    @pytest.mark.parametrize("language", ["", "en", "ar"])
    @pytest.mark.parametrize("source", ["[archives]", "<!-- wp:archives /-->"])
    def test_is_a_list_of_years_in_a_page_that_replaced_it_with_such_a_list(
        self, client: Client, source: str, language: str
    ) -> None:
        for year in (2019, 2020, 2020):
            PostFactory(published_at=at(year, 1, 1))
        PageFactory(slug="archive", markup="wordpress", source=f"All posts:\n\n{source}", language=language)
        body = one(read(client.get("/archive/")), ".entry-body")
        assert [text(item) for item in find(body, "li")] == ["2020 (2)", "2019 (1)"]
        assert [link.get("href") for link in find(body, "a")] == ["/2020/", "/2019/"]


class TestThreeClicks:
    """From any post to any other: the archive, a page of its month, the post, even if a month has several pages."""

    @pytest.fixture
    def posts(self) -> list[Post]:
        scattered = [dt.date(2010, 3, 12) + dt.timedelta(days=31 * number) for number in range(60)]
        return add_posts([*scattered, *(dt.date(2016, 5, 1 + number % 31) for number in range(430))])

    def test_are_enough(self, client: Client, posts: list[Post]) -> None:
        months = {path for path in links(client, "/archive/") if re.fullmatch(r"/\d{4}/\d{2}/(page/\d+/)?", path)}
        assert "/2016/05/page/3/" in months
        shown = set().union(*(links(client, month) for month in sorted(months)))
        assert {post.get_absolute_url() for post in posts} <= shown
        for start in (posts[0], posts[70], posts[-1]):
            assert "/archive/" in links(client, start.get_absolute_url())


class TestTitles:
    def test_of_a_month_have_the_day_and_categories_the_newest_first(self, client: Client) -> None:
        category = CategoryFactory(name="Books & more")
        PostFactory(title="Early <b>bird</b>", published_at=at(2019, 10, 3), categories=[category])
        PostFactory(title="Late", published_at=at(2019, 10, 22))
        assert main(client, "/2019/10/") == (
            "Archive for October, 2019 Late October 22, 2019 Leave a Comment » "
            "Early <b>bird</b> October 3, 2019 Posted in Books & more | Leave a Comment »"
        )
        page = client.get("/2019/10/").text
        assert '<time datetime="2019-10-03">October 3, 2019</time>' in page
        assert "<b>bird" not in page
        assert "<title>Posts from October 2019 – Broadside</title>" in page

    def test_of_a_year_are_grouped_by_month(self, client: Client) -> None:
        for month, title in ((2, "Candlemas"), (10, "Harvest")):
            PostFactory(title=title, published_at=at(2019, month, 2))
        shown = main(client, "/2019/")
        assert "Archive for 2019 October 2019 (1) 2 Harvest February 2019 (1) 2 Candlemas" in shown
        assert {"/2019/02/", "/2019/10/"} <= links(client, "/2019/")

    def test_headings_begin_with_a_capital_in_every_language(self, client: Client, settings: Settings) -> None:
        settings.LANGUAGE_CODE = "fr"
        PostFactory(title="Avant", published_at=at(2020, 1, 1))
        assert text(one(read(client.get("/2020/")), ".period h2")) == "Janvier 2020 (1)"
        assert text(one(read(client.get("/archive/")), ".period h3")) == "Janvier (1)"

    def test_have_the_language_and_direction_of_their_posts(self, client: Client) -> None:
        PostFactory(title="مرحبا", language="ar", published_at=at(2019, 10, 3))
        PostFactory(title="Not known", published_at=at(2019, 10, 2))
        page = client.get("/2019/10/").text
        assert re.search(r'<a [^>]*lang="ar" dir="rtl">مرحبا</a>', page)
        assert re.search(r'<a [^>]*" dir="auto">Not known</a>', page)

    def test_of_protected_posts_say_so(self, client: Client) -> None:
        PostFactory(title="Guarded", source="Secret text", password="x", published_at=at(2019, 10, 3))
        page = client.get("/2019/10/").text
        assert "Protected: Guarded" in page
        assert "Secret" not in page

    def test_link_to_the_previous_and_next_periods_with_posts(self, client: Client) -> None:
        for year, month in ((2015, 1), (2019, 10), (2019, 11), (2021, 2)):
            PostFactory(published_at=at(year, month, 3))
        assert "« January 2015 November 2019 »" in main(client, "/2019/10/")
        assert "« 2015 2021 »" in main(client, "/2019/")
        assert "« 2019" in main(client, "/2021/")

    def test_fill_pages_of_two_hundred(self, client: Client) -> None:
        posts = add_posts([dt.date(2016, 5, 1 + number % 31) for number in range(430)])
        pages = [client.get(f"/2016/05/{page}") for page in ("", "page/2/", "page/3/")]
        assert [len(page.context["posts"]) for page in pages] == [200, 200, 30]
        shown = [post.pk for page in pages for post in page.context["posts"]]
        assert sorted(shown) == sorted(post.pk for post in posts)
        assert '<link rel="canonical" href="http://testserver/2016/05/page/3/">' in pages[2].text
        assert client.get("/2016/05/page/44/").status_code == 404

    @pytest.mark.parametrize(("old", "new"), [("4", ""), ("20", ""), ("21", "page/2/"), ("43", "page/3/")])
    def test_are_found_from_pages_that_existed_with_fewer_on_each(self, client: Client, old: str, new: str) -> None:
        add_posts([dt.date(2016, 5, 1 + number % 31) for number in range(430)])
        response = client.get(f"/2016/05/page/{old}/")
        assert (response.status_code, response["Location"]) == (301, f"/2016/05/{new}")

    def test_are_in_the_month_of_their_urls_in_any_time_zone(self, client: Client) -> None:
        """An import keeps the day of a URL, whatever the time of the post is in this time zone."""
        first, _second = add_posts([dt.date(2016, 5, 31), dt.date(2016, 6, 1)])
        Post.objects.filter(pk=first.pk).update(published_at=at(2016, 6, 2))
        assert first.get_absolute_url() in links(client, "/2016/05/")
        assert "June 2016 (1) 1 Post 1 May 2016 (1) 31 Post 0" in main(client, "/2016/")

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL knows how many posts a month has.")
    def test_are_found_by_the_days_of_their_month(self, client: Client) -> None:
        add_posts([dt.date(2016, 5, 1)])
        client.get("/2016/05/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/2016/05/", headers={"cache-control": "no-store"})
        (sql,) = [query["sql"] for query in queries if '"blog_entry"."title"' in query["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = "\n".join(row[-1] for row in cursor.fetchall())
        assert "published_on>? AND published_on<?" in plan
        assert "kind=?" not in plan


class TestAuthors:
    @pytest.fixture
    def author(self) -> User:
        SiteSettings.objects.update(show_author=True)
        author = UserFactory(
            username="secretlogin",
            email="secret@example.org",
            first_name="Secretfirst",
            display_name="Nightingale",
            slug="nightingale",
            bio="Sings <b>at night</b>.",
        )
        PostFactory.create_batch(2, author=author)
        return author

    def test_are_listed_with_their_posts_and_biographies(self, client: Client, author: User) -> None:
        PostFactory(author=UserFactory(display_name="adder", slug="adder"))
        UserFactory(display_name="Quiet")
        PostFactory(author=UserFactory(display_name="Unpublished"), status=Status.DRAFT)
        assert main(client, "/authors/") == "Authors adder (1) Nightingale (2) Sings <b>at night</b>."
        page = client.get("/authors/").text
        assert "<b>at" not in page
        assert {"/author/adder/", "/author/nightingale/"} <= links(client, "/authors/")
        assert not {name for name in ("Quiet", "Unpublished") if name in page}

    def test_are_not_known_by_their_accounts(self, client: Client, author: User) -> None:
        PostFactory()
        for path in ("/authors/", "/author/nightingale/"):
            assert "secret" not in client.get(path).text.lower()

    def test_each_has_a_page_with_the_name_above_the_posts(self, client: Client, author: User) -> None:
        assert "Author Archive Nightingale Sings <b>at night</b>." in main(client, "/author/nightingale/")

    @pytest.mark.parametrize(("is_shown", "status"), [(False, 404), (True, 200)])
    def test_have_a_page_if_the_site_shows_authors(
        self, client: Client, author: User, is_shown: bool, status: int
    ) -> None:
        SiteSettings.objects.update(show_author=is_shown)
        PostFactory()
        PostFactory(status=Status.DRAFT)
        assert client.get("/authors/").status_code == status
        assert ("/authors/" in links(client, "/")) == (status == 200)
        assert ("/authors/" in client.get("/sitemap-overviews.xml").text) == (status == 200)


@pytest.mark.parametrize("slug", ["archive", "authors"])
class TestPageOfTheSite:
    """It had this URL in WordPress, so it keeps it, and nothing links to the overview that it replaces."""

    @pytest.fixture(autouse=True)
    def _posts(self) -> None:
        SiteSettings.objects.update(show_author=True)
        PostFactory.create_batch(2)

    @pytest.mark.parametrize("values", [{}, {"password": "x"}])
    def test_is_shown_in_place_of_the_overview(self, client: Client, slug: str, values: dict[str, str]) -> None:
        PageFactory(slug=slug, title="Of old", source="Kept", **values)
        assert "Of old" in client.get(f"/{slug}/").text
        # The menu links to it as a page.
        assert f"/{slug}/" not in archive_links(client)
        assert f"/{slug}/" not in client.get("/sitemap-overviews.xml").text

    @pytest.mark.parametrize(
        "values", [{"status": Status.DRAFT}, {"published_at": timezone.now() + dt.timedelta(days=1)}]
    )
    def test_that_is_hidden_yields_to_the_overview(self, client: Client, slug: str, values: dict[str, object]) -> None:
        PageFactory(slug=slug, title="Of old", **values)
        assert "Of old" not in client.get(f"/{slug}/").text
        assert f"/{slug}/" in archive_links(client)
        assert f"/{slug}/" in client.get("/sitemap-overviews.xml").text

    def test_below_another_page_leaves_it_alone(self, client: Client, slug: str) -> None:
        PageFactory(slug=slug, title="Of old", parent=PageFactory(slug="top", title="Top"))
        assert "Of old" not in client.get(f"/{slug}/").text
        assert f"/{slug}/" in archive_links(client)

    def test_is_found_at_its_new_url(self, client: Client, slug: str) -> None:
        page = PageFactory(slug=slug, title="Of old")
        page.slug = "elsewhere"
        page.save()
        assert Redirect.objects.get().path == f"/{slug}/"
        response = client.get(f"/{slug}/")
        assert (response.status_code, response["Location"]) == (301, "/elsewhere/")
        assert f"/{slug}/" not in archive_links(client)

    def test_can_be_edited(self, slug: str) -> None:
        PageFactory(slug=slug, title="Of old")
        Page.objects.get(slug=slug).full_clean()

    def test_is_never_made_by_accident(self, slug: str) -> None:
        author = UserFactory()
        for values in ({"slug": slug, "title": "New"}, {"title": slug.capitalize()}):
            with pytest.raises(ValidationError) as refused:
                Page(author=author, **values).full_clean()
            assert refused.value.message_dict["slug"] == [
                f"“{slug}” is reserved for the site itself. Choose another slug."
            ]
        Page(author=author, slug=slug, title="Below", parent=PageFactory()).clean()

    @pytest.mark.parametrize("ending", ["page/2/", "2/", "amp/"])
    def test_a_part_of_the_overview_that_does_not_exist_redirects_to_it(
        self, client: Client, slug: str, ending: str
    ) -> None:
        response = client.get(f"/{slug}/{ending}")
        assert (response.status_code, response["Location"]) == (301, f"/{slug}/")


class TestPinned:
    def test_posts_are_labelled_where_they_are_out_of_order(self, client: Client) -> None:
        SiteSettings.objects.update(entries_per_page=1)
        PostFactory(title="Old", sticky=True, published_at=at(2010, 1, 1), tags=["t"])
        PostFactory(title="New", published_at=at(2020, 1, 1))
        assert "Pinned Old January 1, 2010" in main(client, "/")
        assert "Pinned New" not in main(client, "/")
        for path in ("/page/2/", "/tag/t/", "/2010/", "/2010/01/01/"):
            assert "Pinned" not in client.get(path).text


class TestExcerpts:
    LONG = "One two **three**. " + "word " * 60 + "last"

    @pytest.fixture(autouse=True)
    def _excerpts(self) -> None:
        SiteSettings.objects.update(show_excerpts=True)

    def test_are_only_shown_if_the_settings_say_so(self, client: Client) -> None:
        PostFactory(source=self.LONG, tags=["t"])
        for path in ("/", "/tag/t/"):
            assert "last" not in main(client, path)
        SiteSettings.objects.update(show_excerpts=False)
        for path in ("/", "/tag/t/"):
            assert "last" in main(client, path)

    def test_of_a_long_text_end_with_a_link_to_all_of_it(self, client: Client) -> None:
        post = PostFactory(source=self.LONG)
        assert "word… Read the rest of this entry »" in main(client, "/")
        page = client.get("/").text
        assert f'<a class="more-link" href="{post.get_absolute_url()}"' in page

    def test_that_were_written_are_shown_as_text(self, client: Client) -> None:
        PostFactory(source="Short.", excerpt="By <i>hand</i>")
        assert "By <i>hand</i> Read the rest of this entry »" in main(client, "/")
        assert "<i>hand" not in client.get("/").text

    @pytest.mark.parametrize("source", ["Short and **sweet**.", f"Before.<!--more-->\n\n{LONG}"])
    def test_do_not_replace_texts_that_are_short_or_have_a_more_marker(self, client: Client, source: str) -> None:
        SiteSettings.objects.update(show_excerpts=False)
        PostFactory(source=source)
        in_full = html.tostring(one(read(client.get("/")), "article"))
        SiteSettings.objects.update(show_excerpts=True)
        assert html.tostring(one(read(client.get("/")), "article")) == in_full

    def test_of_protected_posts_are_not_shown(self, client: Client) -> None:
        PostFactory(source=self.LONG, excerpt="Secret", password="x")
        assert "Secret" not in client.get("/").text
        assert "This content is password-protected" in client.get("/").text

    def test_have_no_images_to_load_first(self, client: Client) -> None:
        PostFactory(source=f"![a](/media/pictures/a.png)\n\n{self.LONG}", published_at=at(2020, 1, 2))
        PostFactory(source="![b](/media/pictures/b.png)", published_at=at(2020, 1, 1))
        page = client.get("/").text
        assert "a.png" not in page
        assert one(read(client.get("/")), "img").get("loading") == "eager"
