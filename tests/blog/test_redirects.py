"""Redirects from the old URLs of renamed and moved content, and from URLs that are almost right."""

import datetime as dt
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from blog.models import Page, Post, Status
from blog.models.redirect import Redirect
from blog.rendering import render
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory
from tests.factories.types import GrowsWithLength

pytestmark = pytest.mark.django_db

NOON = timezone.make_aware(dt.datetime(2014, 2, 10, 12))


def assert_single_redirect(client: Client, old: str, new: str) -> None:
    for response in (client.get(old), client.head(old)):
        assert response.status_code == 301, old
        assert response.headers["Location"] == new, old
    assert client.get(urlsplit(new)._replace(fragment="").geturl()).status_code == 200, new


def post_on_day(slug: str, **kwargs: Any) -> Post:
    post: Post = PostFactory(slug=slug, **({"published_at": NOON} | kwargs))
    return post


class TestRenamedPost:
    def test_redirects_from_every_url_it_had(self, client: Client) -> None:
        post = post_on_day("first")
        post.slug = "second"
        post.save()
        post.published_at = NOON + dt.timedelta(days=40)
        post.save()
        post.slug = "third"
        post.save()
        for old in ("/2014/02/10/first/", "/2014/02/10/second/", "/2014/03/22/second/"):
            assert_single_redirect(client, old, "/2014/03/22/third/")
        assert_single_redirect(client, "/2014/02/10/first", "/2014/03/22/third/")
        assert_single_redirect(client, "/2014/02/10/first/feed/", "/2014/03/22/third/feed/")
        assert_single_redirect(client, "/2014/02/10/first/comment-page-2/", "/2014/03/22/third/")
        assert_single_redirect(
            client, "/2014/02/10/first/?replytocom=4&utm_source=x", "/2014/03/22/third/?replytocom=4"
        )

    @pytest.mark.parametrize("slug", ["%D0%BC%D0%B8%D1%80", "%d0%bc%d0%b8%d1%80", "мир", "МИР"])
    def test_in_another_script_redirects_from_every_spelling_of_its_slug(self, client: Client, slug: str) -> None:
        post = post_on_day("мир")
        post.slug = "peace"
        post.save()
        assert_single_redirect(client, f"/2014/02/10/{slug}/", "/2014/02/10/peace/")

    def test_with_invisible_characters_redirects(self, client: Client) -> None:
        post = post_on_day("\u200b\u200bmartin-ennals")
        post.slug = "ennals"
        post.save()
        for slug in ("%e2%80%8b%e2%80%8bmartin-ennals", "%E2%80%8B%E2%80%8Bmartin-ennals"):
            assert_single_redirect(client, f"/2014/02/10/{slug}/", "/2014/02/10/ennals/")

    def test_loses_its_redirect_when_another_takes_the_url(self, client: Client) -> None:
        first = post_on_day("name")
        first.slug = "other-name"
        first.save()
        second = post_on_day("name")
        assert client.get("/2014/02/10/name/").status_code == 200
        second.delete()
        assert not Redirect.objects.filter(path="/2014/02/10/name/").exists()

    def test_keeps_its_redirect_when_a_draft_takes_the_url_and_leaves_it(self, client: Client) -> None:
        post = post_on_day("first")
        post.slug = "second"
        post.save()
        draft = post_on_day("first", status=Status.DRAFT)
        assert draft.slug == "first"
        assert_single_redirect(client, "/2014/02/10/first/", "/2014/02/10/second/")
        draft.slug = "third"
        draft.save()
        assert_single_redirect(client, "/2014/02/10/first/", "/2014/02/10/second/")

    def test_with_its_old_slug_restored_is_found_there(self, client: Client) -> None:
        post = post_on_day("one")
        for slug in ("two", "one"):
            post.slug = slug
            post.save()
        assert client.get("/2014/02/10/one/").status_code == 200
        assert_single_redirect(client, "/2014/02/10/two/", "/2014/02/10/one/")
        assert list(Redirect.objects.values_list("path", flat=True)) == ["/2014/02/10/two/"]

    def test_whose_url_stays_the_same_creates_no_redirect(self) -> None:
        post = post_on_day("same")
        post.title = "Another title"
        post.save()
        assert not Redirect.objects.exists()

    def test_does_not_redirect_while_it_is_hidden(self, client: Client) -> None:
        post = post_on_day("zanzibar")
        post.slug = "zanzibar-plan"
        post.status = Status.PRIVATE
        post.save()
        assert client.get("/2014/02/10/zanzibar/").status_code == 404
        post.status = Status.PUBLISHED
        post.save()
        assert_single_redirect(client, "/2014/02/10/zanzibar/", "/2014/02/10/zanzibar-plan/")

    def test_does_not_redirect_once_it_is_deleted(self, client: Client) -> None:
        post = post_on_day("here-today")
        post.slug = "gone-tomorrow"
        post.save()
        post.delete()
        assert client.get("/2014/02/10/here-today/").status_code == 404


class TestMovedPage:
    def test_redirects_together_with_its_descendants(self, client: Client) -> None:
        about = PageFactory(slug="about")
        team = PageFactory(slug="team", parent=about)
        PageFactory(slug="board", parent=team)
        team = Page.objects.get(pk=team.pk)
        team.parent, team.slug = None, "people"
        team.save()
        assert_single_redirect(client, "/about/team/", "/people/")
        assert_single_redirect(client, "/about/team/board/", "/people/board/")
        assert_single_redirect(client, "/about/team/board", "/people/board/")
        assert_single_redirect(client, "/about/team/feed/", "/people/feed/")

    def test_loses_its_redirect_when_another_takes_the_url(self, client: Client) -> None:
        page = PageFactory(slug="about")
        page.slug = "about-us"
        page.save()
        newcomer = PageFactory(slug="about")
        assert client.get("/about/").context["page"] == newcomer
        assert not Redirect.objects.exists()

    def test_does_not_redirect_while_it_is_hidden(self, client: Client) -> None:
        page = PageFactory(slug="zanzibar", status=Status.DRAFT)
        page.slug = "zanzibar-plan"
        page.save()
        assert client.get("/zanzibar/").status_code == 404


class TestRenamedCategory:
    def test_redirects_with_its_further_pages_and_feeds(self, client: Client) -> None:
        parent = CategoryFactory(slug="films")
        category = CategoryFactory(slug="awards", parent=parent)
        PostFactory.create_batch(11, categories=[category])
        category.slug = "prizes"
        category.save()
        for suffix in ("", "page/2/", "feed/", "feed/atom/"):
            assert_single_redirect(client, f"/category/films/awards/{suffix}", f"/category/films/prizes/{suffix}")
        assert_single_redirect(client, "/category/awards", "/category/films/prizes/")

    def test_redirects_when_its_parent_is_renamed(self, client: Client) -> None:
        parent = CategoryFactory(slug="films")
        CategoryFactory(slug="awards", parent=parent)
        parent.slug = "movies"
        parent.save()
        assert_single_redirect(client, "/category/films/awards/", "/category/movies/awards/")
        assert_single_redirect(client, "/category/films/", "/category/movies/")
        assert_single_redirect(client, "/category/films/awards/feed/", "/category/movies/awards/feed/")


class TestAlmostRightUrl:
    @pytest.mark.parametrize(
        "old",
        [
            "/2013/01/01/star-power-and-human-rights/",
            "/2013/01/01/star-power-and-human-rights",
            "/2014/02/star-power-and-human-rights/",
            "/star-power-and-human-rights/",
            "/2014/02/10/star-power/",
            "/2014/02/10/star-power-and-hum",
            "/star-power-and/?utm_source=x",
            "/2013/01/01/STAR-POWER-and-human-rights/",
            "/2014/star-power-and-human-rights/",
            "/2014/2/10/star-power-and-human-rights/",
            "/blog/star-power-and-human-rights/",
            "/old/blog/2014/star-power-and/",
            "/2014/02/10/star/",
            "/2014/02/10/star-power-and-human-rights/)",
            "/2014/02/10/star-power-and-human-rights%20",
            "/2014/02/10/star-power-and-human-rights/%22",
            "/2014/02/10/star-power-and-human-rights).",
            "/2014/02/10/star-power-and-human-rights&",
            "/2014/02/10/star-power-and-human-rights/amp/",
            "/2014/02/10/star-power-and-human-rights/embed/",
            "/2014/02/10/star-power-and-human-rights/trackback/",
            "/2014/02/10/star-power-and-human-rights/page/2/",
            "/2014/02/10/star-power-and-human-rights/9/",
            "/2013/01/01/star-power-and-human-rights/amp",
        ],
    )
    def test_redirects_to_the_intended_post(self, client: Client, old: str) -> None:
        post_on_day("star-power-and-human-rights")
        post_on_day("something-else")
        assert_single_redirect(client, old, "/2014/02/10/star-power-and-human-rights/")

    def test_keeps_the_suffix_of_the_comment_feed(self, client: Client) -> None:
        post_on_day("star-power")
        assert_single_redirect(client, "/2013/01/01/star-power/feed/", "/2014/02/10/star-power/feed/")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("/2014/02/10/star-power/rss/", "/2014/02/10/star-power/feed/"),
            ("/2014/02/10/star-power/atom/", "/2014/02/10/star-power/feed/atom/"),
            ("/2014/feed/", "/feed/"),
            ("/2014/02/feed/atom/", "/feed/atom/"),
            ("/2014/2/", "/2014/02/"),
            # The folders of languages.
            ("/ar/", "/language/ar/"),
            ("/ar", "/language/ar/"),
            ("/pt-br/", "/language/pt-br/"),
            ("/ar/page/1/", "/language/ar/"),
            ("/ar/feed/atom/", "/language/ar/feed/atom/"),
            ("/ar/comments/feed/", "/comments/feed/"),
            ("/ar/category/awards/", "/category/awards/"),
            ("/ar/2014/02/", "/2014/02/"),
            ("/ar/star-power/", "/2014/02/10/star-power/"),
            # Categories without their base.
            ("/awards/", "/category/awards/"),
            ("/awards/LAUREATES", "/category/awards/laureates/"),
            ("/laureates/feed/", "/category/awards/laureates/feed/"),
            # The beginnings of permalinks.
            ("/archives/category/awards/feed/", "/category/awards/feed/"),
            ("/archives/date/2014/02/", "/2014/02/"),
            ("/date/2014/", "/2014/"),
            ("/blog/2014/02/10/", "/2014/02/10/"),
        ],
    )
    def test_of_a_listing_or_feed_redirects_to_it(self, client: Client, old: str, new: str) -> None:
        awards = CategoryFactory(slug="awards")
        post_on_day("star-power", categories=[awards, CategoryFactory(slug="laureates", parent=awards)])
        post_on_day("salaam", language="ar")
        post_on_day("paz", language="pt-br")
        assert_single_redirect(client, old, new)

    @pytest.mark.parametrize("old", ["/2014/02/10/awards/", "/elsewhere/awards/", "/tag/awards/", "/awards/x/"])
    def test_of_something_else_does_not_redirect_to_a_category(self, client: Client, old: str) -> None:
        post_on_day("star-power", categories=[CategoryFactory(slug="awards")])
        assert client.get(old).status_code == 404

    def test_prefers_a_post_to_a_category_without_its_base(self, client: Client) -> None:
        post_on_day("star-power", categories=[CategoryFactory(slug="awards")])
        post_on_day("awards")
        assert_single_redirect(client, "/awards/", "/2014/02/10/awards/")

    @pytest.mark.parametrize("old", ["/people/", "/elsewhere/people/", "/about/people/2/", "/about/people/page/2/"])
    def test_redirects_to_the_intended_page(self, client: Client, old: str) -> None:
        PageFactory(slug="people", parent=PageFactory(slug="about"))
        assert_single_redirect(client, old, "/about/people/")

    def test_redirects_to_a_page_below_the_folder_of_files(self, client: Client) -> None:
        PageFactory(slug="press", parent=PageFactory(slug="media"))
        Redirect.objects.create(path="/media/releases/", entry=Page.objects.get(slug="press"))
        assert_single_redirect(client, "/media/releases/", "/media/press/")
        assert_single_redirect(client, "/media/press", "/media/press/")

    @pytest.mark.parametrize(
        "old", ["/tag/star-power/", "/category/star-power/", "/author/star-power/", "/media/star-power/"]
    )
    def test_of_a_listing_does_not_redirect_to_a_post(self, client: Client, old: str) -> None:
        post_on_day("star-power")
        assert client.get(old).status_code == 404

    def test_with_a_month_redirects_to_the_post_of_that_month(self, client: Client) -> None:
        post_on_day("star-power")
        post_on_day("star-power", published_at=NOON + dt.timedelta(days=40))
        assert_single_redirect(client, "/2014/03/star-power/", "/2014/03/22/star-power/")
        assert client.get("/2014/star-power/").status_code == 404

    @pytest.mark.parametrize("text", ["(", "/", "a/", "a(", "1/"])
    def test_of_any_length_is_matched_in_linear_time(self, client: Client, text: str) -> None:
        assert client.get(f"/x/{text * 2000}x/").status_code == 404

    def test_prefers_a_whole_slug_to_the_beginning_of_one(self, client: Client) -> None:
        post_on_day("star-power")
        post_on_day("star-power-again")
        assert_single_redirect(client, "/2013/01/01/star-power/", "/2014/02/10/star-power/")

    @pytest.mark.parametrize("day", ["2014/02/11", "2014/03", "2013"])
    def test_with_another_date_needs_the_whole_slug(self, client: Client, day: str) -> None:
        post_on_day("star-power-again")
        assert client.get(f"/{day}/star-power/").status_code == 404
        assert_single_redirect(client, f"/{day}/star-power-again/", "/2014/02/10/star-power-again/")

    def test_that_matches_two_posts_redirects_to_neither(self, client: Client) -> None:
        post_on_day("star-power", published_at=NOON)
        post_on_day("star-power", published_at=NOON + dt.timedelta(days=1))
        post_on_day("moonlight-one")
        post_on_day("moonlight-two")
        assert client.get("/2013/01/01/star-power/").status_code == 404
        assert client.get("/2013/01/01/moonlight/").status_code == 404

    def test_that_is_too_short_does_not_redirect(self, client: Client) -> None:
        post_on_day("star-power")
        assert client.get("/2013/01/01/star/").status_code == 404

    @pytest.mark.parametrize("path", ["/2014/02/10/star-power//", "/2014//02/10/star-power/", "/2014/02/10///"])
    def test_with_doubled_slashes_redirects_to_the_url_without_them(self, client: Client, path: str) -> None:
        post_on_day("star-power")
        assert_single_redirect(client, path, re.sub("//+", "/", path))

    def test_does_not_redirect_to_a_second_post_with_the_same_title(self, client: Client) -> None:
        # The first may be deleted or hidden. Its URL does not mean the other post.
        post_on_day("star-power-2")
        post_on_day("moonlight-2014")
        for day in ("2014/02/10", "2013/01/01"):
            assert client.get(f"/{day}/star-power/").status_code == 404
        assert_single_redirect(client, "/2014/02/10/moonlight/", "/2014/02/10/moonlight-2014/")

    @pytest.mark.parametrize("slug", ["star%25power", "star_power", "star%2Apower", "%00starpower", "[s]tar-power"])
    def test_has_no_wildcards(self, client: Client, slug: str) -> None:
        post_on_day("star-power")
        assert client.get(f"/2013/01/01/{slug}/").status_code == 404

    def test_never_redirects_to_a_hidden_post(self, client: Client) -> None:
        for status in (Status.DRAFT, Status.PENDING, Status.PRIVATE, Status.TRASH):
            post_on_day(f"zanzibar-{status}", status=status)
        post_on_day("zanzibar-later", published_at=timezone.now() + dt.timedelta(days=9))
        for slug in ("zanzibar-draft", "zanzibar-pending", "zanzibar-private", "zanzibar-later", "zanzibar-t"):
            assert client.get(f"/2001/01/01/{slug}/").status_code == 404, slug

    def test_gets_the_same_response_whether_or_not_there_is_a_hidden_post(self, client: Client) -> None:
        post_on_day("zanzibar-plan-made-public")
        before = client.get("/2014/02/10/zanzibar-plan/").headers["Location"]
        post_on_day("zanzibar-plan", status=Status.PRIVATE)
        post_on_day("zanzibar-plan-two", status=Status.DRAFT)
        assert client.get("/2014/02/10/zanzibar-plan/").headers["Location"] == before


def test_an_author_without_public_posts_is_not_revealed(client: Client) -> None:
    UserFactory(username="zanzibar")
    for path in ("/author/ZANZIBAR/", "/author/zanzibar", "/author/zanzibar/"):
        assert client.get(path).status_code == 404


class TestOldPermalink:
    @pytest.fixture(autouse=True)
    def _post(self) -> None:
        post = post_on_day("star-power", source="One\n\n<!--nextpage-->\n\nTwo", markup="markdown")
        page = PageFactory(slug="about")
        for path, target in {
            "/archives/40": post,
            "/archives/42/": post,
            "/2014/02/sh.html": post,
            "/homepage/": post,
            "/newsfeed/": post,
            "/old": page,
        }.items():
            Redirect.objects.create(path=path, entry=target)

    @pytest.mark.parametrize("old", ["/archives/40", "/archives/42", "/2014/02/sh.html", "/homepage", "/newsfeed"])
    def test_redirects_with_its_feeds_and_further_pages(self, client: Client, old: str) -> None:
        for suffix in ("", "feed/", "feed/atom/", "2/"):
            assert_single_redirect(client, f"{old}/{suffix}", f"/2014/02/10/star-power/{suffix}")

    @pytest.mark.parametrize("old", ["/archives/40/3/", "/archives/42/3/"])
    def test_redirects_to_the_first_page_if_there_is_no_such_page(self, client: Client, old: str) -> None:
        assert_single_redirect(client, old, "/2014/02/10/star-power/")

    def test_that_ends_with_a_number_is_not_a_further_page(self, client: Client) -> None:
        Redirect.objects.create(path="/archives", entry=Post.objects.get())
        Redirect.objects.create(path="/archives/7/", entry=Page.objects.get())
        assert_single_redirect(client, "/archives/7/", "/about/")

    def test_of_a_page_redirects_to_it_from_further_pages(self, client: Client) -> None:
        assert_single_redirect(client, "/old/2/", "/about/")

    def test_of_a_renamed_post_redirects_with_its_further_pages(self, client: Client) -> None:
        post = Post.objects.get()
        post.slug = "moonlight"
        post.save()
        assert_single_redirect(client, "/2014/02/10/star-power/2/", "/2014/02/10/moonlight/2/")

    def test_does_not_redirect_to_a_further_page_of_a_hidden_post(self, client: Client) -> None:
        Post.objects.update(status=Status.PRIVATE)
        assert client.get("/archives/40/2/").status_code == 404

    def test_is_looked_up_with_one_query_for_each_url_in_the_chain(self, client: Client) -> None:
        client.get("/?warm=1")
        counts = []
        for path in ("/2014/02/10/star-power/2/", "/archives/40/2/", "/archives/42/2/"):
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            counts.append(sum('FROM "blog_redirect"' in query["sql"] for query in queries))
        assert counts == [1, 2, 2]


class TestQueries:
    def count_queries(self, client: Client, path: str) -> int:
        # The first pages put the sidebar into the cache, and related posts into the memory.
        client.get("/?warm=1")
        client.get(f"{path.partition('?')[0]}?warm=1")
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        return len(queries)

    def test_existing_pages_take_no_additional_queries(self, client: Client, settings: Settings) -> None:
        post = post_on_day("star-power")
        path = f"{post.get_absolute_url()}?x=1"
        with_redirects = self.count_queries(client, path)
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "redirects" not in name]
        assert self.count_queries(Client(), path) == with_redirects

    @pytest.mark.parametrize(
        "path",
        [
            "/no-such-page-at-all/",
            "/2014/02/10/no-such-post/",
            "/2014/02/10/no-such-post/2/",
            "/2014/02/10/no-such-post/feed/",
            "/category/no-such-category/",
            "/category/no-such-category/feed/",
            "/tag/no-such-tag/",
            "/a/b/c/d/",
        ],
    )
    def test_missing_pages_take_no_additional_queries(self, client: Client, settings: Settings, path: str) -> None:
        with_redirects = self.count_queries(client, path)
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "redirects" not in name]
        assert self.count_queries(Client(), path) == with_redirects


class TestFormerFolder:
    @pytest.fixture(autouse=True)
    def _moved_site(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_FOLDER = "/blog/"
        post = post_on_day("star-power", pk=9000123, tags=["Mea", "Мир"])
        Redirect.objects.create(path="/blog/archives/12/", entry=post)
        PageFactory(slug="about")
        PostFactory(slug="hidden", status=Status.DRAFT)

    @pytest.mark.parametrize(
        ("path", "new"),
        [
            ("/blog", "/"),
            ("/blog/", "/"),
            ("/blog/about", "/about/"),
            ("/bl%6Fg/about/", "/about/"),
            ("/blog//about/", "/about/"),
            ("/blog/tag/%d0%bc%d0%b8%d1%80/", "/tag/%D0%BC%D0%B8%D1%80/"),
            ("/blog/2014/02/10/star-power/", "/2014/02/10/star-power/"),
            ("/blog/archives/12/", "/2014/02/10/star-power/"),
            ("/blog/tag/MEA/feed", "/tag/mea/feed/"),
            ("/blog/?p=9000123", "/2014/02/10/star-power/"),
            ("/blog/index.php?p=9000123&utm_source=x", "/2014/02/10/star-power/"),
            ("/blog/?s=two+words", "/?s=two+words"),
            ("/blog/2014/02/", "/2014/02/"),
        ],
    )
    def test_redirects_to_the_same_path_without_it_in_one_step(self, client: Client, path: str, new: str) -> None:
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (301, new)

    @pytest.mark.parametrize("path", ["/blog/no-such-page/", "/blogs/", "/blog//example.org/"])
    def test_does_not_redirect_to_a_missing_page(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404


class TestFormerHost:
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _site(cls, class_db: None) -> None:
        post = post_on_day("star-power", pk=9000123, tags=["Mea"])
        Redirect.objects.create(path="/2014/02/10/before/", entry=post)
        PageFactory(slug="about")

    @pytest.fixture(autouse=True)
    def _former_hosts(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["thoolen.wordpress.com", "old.example.org"]
        settings.ALLOWED_HOSTS = ["testserver", *settings.BROADSIDE_FORMER_HOSTS]

    @pytest.mark.parametrize(
        "host", ["thoolen.wordpress.com", "old.example.org", "OLD.example.org:80", "old.example.org."]
    )
    @pytest.mark.parametrize(
        ("path", "new"),
        [
            ("/", "/"),
            ("/about/", "/about/"),
            ("/about", "/about/"),
            ("/2014/02/10/star-power/", "/2014/02/10/star-power/"),
            ("/2014/02/10/star-power?utm_source=x&fbclid=y", "/2014/02/10/star-power/"),
            ("/2014/02/10/before", "/2014/02/10/star-power/"),
            ("/2010/02/10/star-power/", "/2014/02/10/star-power/"),
            ("/?p=9000123", "/2014/02/10/star-power/"),
            ("/index.php?p=9000123", "/2014/02/10/star-power/"),
            ("/tag/MEA/page/1", "/tag/mea/"),
            ("/?s=two+words", "/?s=two+words"),
            ("/2014/02/10/star-power/?replytocom=5", "/2014/02/10/star-power/?replytocom=5"),
            ("/wp-admin/", "/admin/"),
            ("/no-such-page/", "/no-such-page/"),
            ("/media/pictures/x.jpg", "/media/pictures/x.jpg"),
            ("/tag/caf%c3%a9/", "/tag/caf%C3%A9/"),
        ],
    )
    def test_redirects_to_the_end_of_the_chain_in_one_step(
        self, client: Client, host: str, path: str, new: str
    ) -> None:
        for response in (client.get(path, headers={"host": host}), client.head(path, headers={"host": host})):
            assert response.status_code == 301
            assert response.headers["Location"] == f"http://testserver{new}"

    def test_redirects_to_https_in_the_same_step(self, client: Client, settings: Settings) -> None:
        settings.SITE_URL, settings.SECURE_SSL_REDIRECT = "https://testserver", True
        for secure in (False, True):
            response = client.get("/?p=9000123", headers={"host": "old.example.org"}, secure=secure)
            assert response.status_code == 301
            assert response.headers["Location"] == "https://testserver/2014/02/10/star-power/"

    def test_redirects_to_https_behind_a_proxy_too(self, client: Client, settings: Settings) -> None:
        settings.SITE_URL, settings.SECURE_SSL_REDIRECT = "https://testserver", True
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        response = client.get("/?p=9000123", headers={"host": "old.example.org", "x-forwarded-proto": "http"})
        assert response.headers["Location"] == "https://testserver/2014/02/10/star-power/"

    @pytest.mark.parametrize(
        ("secure", "seconds", "expected"), [(True, 600, "max-age=600"), (True, 0, None), (False, 600, None)]
    )
    def test_makes_browsers_follow_old_links_over_https(
        self, client: Client, settings: Settings, secure: bool, seconds: int, expected: str | None
    ) -> None:
        settings.SITE_URL, settings.SECURE_SSL_REDIRECT = "https://testserver", True
        settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = seconds, True
        for method in (client.get, client.post):
            response = method("/about/", headers={"host": "old.example.org"}, secure=secure)
            assert response.headers.get("Strict-Transport-Security") == expected

    @pytest.mark.parametrize("path", ["//evil.example/", "/%5C%5Cevil.example/", "/@evil.example/", "/.evil.example/"])
    def test_does_not_redirect_to_another_site(self, client: Client, path: str) -> None:
        response = client.get(path, headers={"host": "old.example.org"})
        assert response.headers["Location"].startswith("http://testserver/")

    def test_accepts_no_post_requests(self, client: Client) -> None:
        assert client.post("/about/", {"a": "b"}, headers={"host": "old.example.org"}).status_code == 405

    def test_ignores_sessions(self, client: Client) -> None:
        client.force_login(UserFactory(role="Editor"))
        draft = post_on_day("zanzibar", status=Status.DRAFT)
        response = client.get(f"/?p={draft.pk}", headers={"host": "old.example.org"})
        assert response.headers["Location"] == f"http://testserver/?p={draft.pk}"

    def test_takes_time_that_grows_with_the_length_of_the_url(
        self, client: Client, grows_with_length: GrowsWithLength
    ) -> None:
        query = "&".join(f"replytocom={number}" for number in range(5_000))
        assert grows_with_length(lambda url: client.get(url, headers={"host": "old.example.org"}), f"/media/a?{query}")

    def test_matches_whole_names_only(self, client: Client) -> None:
        assert client.get("/about/", headers={"host": "xold.example.org"}).status_code == 400
        assert client.get("/about/").status_code == 200


class TestLinksToAFormerHost:
    @pytest.fixture(autouse=True)
    def _moved_site(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["thoolen.wordpress.com"]

    @pytest.mark.parametrize("markup", ["html", "wordpress"])
    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("http://thoolen.wordpress.com/2014/02/10/star-power/", "/2014/02/10/star-power/"),
            ("https://thoolen.wordpress.com/tag/mea", "/tag/mea"),
            ("//thoolen.wordpress.com/tag/mea", "/tag/mea"),
            ("HTTPS://Thoolen.WordPress.com/?p=5#more-5", "/?p=5#more-5"),
            ("https://thoolen.wordpress.com", "/"),
            ("https://thoolen.wordpress.com:443/a", "/a"),
            ("https://thoolen.wordpress.com?p=5", "/?p=5"),
            ("https://thoolen.wordpress.com//evil.example/", "/evil.example/"),
            ("https://thoolen.wordpress.com/\\evil.example/", "/evil.example/"),
        ],
    )
    def test_lead_to_this_site(self, markup: str, url: str, path: str) -> None:
        html = render(f'<p>See <a href="{url}">this</a></p>', markup).body_html
        assert f'<a href="{path}">this</a>' in html

    @pytest.mark.parametrize(
        "url",
        [
            "https://other.wordpress.com/a",
            "https://xthoolen.wordpress.com/a",
            "https://thoolen.wordpress.com.evil.example/a",
            "https://thoolen.wordpress.com:8443/a",
            "https://evil.example/thoolen.wordpress.com/",
        ],
    )
    def test_are_distinguished_from_links_to_other_hosts(self, url: str) -> None:
        html = render(f'<p><a href="{url}">this</a></p>', "html").body_html
        assert f'href="{url}"' in html

    def test_do_not_include_urls_with_the_host_as_a_user_name(self) -> None:
        html = render('<p><a href="https://thoolen.wordpress.com@evil.example/">this</a></p>', "html").body_html
        assert 'href="https://evil.example/"' in html

    def test_keep_their_text(self) -> None:
        html = render("<p>http://thoolen.wordpress.com/about/ says</p>", "html").body_html
        assert html == '<p><a href="/about/">http://thoolen.wordpress.com/about/</a> says</p>'

    def test_can_lead_to_pictures(self) -> None:
        source = '<p><img src="http://thoolen.wordpress.com/wp-content/uploads/2014/02/x.jpg" alt="X"></p>'
        assert 'src="/wp-content/uploads/2014/02/x.jpg"' in render(source, "html").body_html

    def test_leave_the_source_unchanged(self) -> None:
        source = '<a href="http://thoolen.wordpress.com/about/">x</a>'
        post = PostFactory(source=source, markup="html")
        post.refresh_from_db()
        assert post.source == source
        assert 'href="/about/"' in post.body_html
