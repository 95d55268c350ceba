"""What was renamed or moved is found at its old address; an address that is nearly right leads to what is meant."""

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

from blog.addresses import OldAddress
from blog.models import Page, Post, Status
from blog.rendering import render
from tests.factories import CategoryFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

MOMENT = timezone.make_aware(dt.datetime(2014, 2, 10, 12))


def assert_one_step(client: Client, old: str, new: str) -> None:
    for response in (client.get(old), client.head(old)):
        assert response.status_code == 301, old
        assert response.headers["Location"] == new, old
    assert client.get(urlsplit(new)._replace(fragment="").geturl()).status_code == 200, new


def dated(slug: str, **kwargs: Any) -> Post:
    post: Post = PostFactory(slug=slug, **({"published_at": MOMENT} | kwargs))
    return post


class TestRenamedPost:
    def test_is_found_at_each_address_it_had(self, client: Client) -> None:
        post = dated("first")
        post.slug = "second"
        post.save()
        post.published_at = MOMENT + dt.timedelta(days=40)
        post.save()
        post.slug = "third"
        post.save()
        for old in ("/2014/02/10/first/", "/2014/02/10/second/", "/2014/03/22/second/"):
            assert_one_step(client, old, "/2014/03/22/third/")
        assert_one_step(client, "/2014/02/10/first", "/2014/03/22/third/")
        assert_one_step(client, "/2014/02/10/first/feed/", "/2014/03/22/third/feed/")
        assert_one_step(client, "/2014/02/10/first/comment-page-2/", "/2014/03/22/third/")
        assert_one_step(client, "/2014/02/10/first/?replytocom=4&utm_source=x", "/2014/03/22/third/?replytocom=4")

    @pytest.mark.parametrize("written", ["%D0%BC%D0%B8%D1%80", "%d0%bc%d0%b8%d1%80", "мир", "МИР"])
    def test_of_another_script_is_found_in_each_writing(self, client: Client, written: str) -> None:
        post = dated("мир")
        post.slug = "peace"
        post.save()
        assert_one_step(client, f"/2014/02/10/{written}/", "/2014/02/10/peace/")

    def test_with_invisible_letters_is_found(self, client: Client) -> None:
        post = dated("\u200b\u200bmartin-ennals")
        post.slug = "ennals"
        post.save()
        for written in ("%e2%80%8b%e2%80%8bmartin-ennals", "%E2%80%8B%E2%80%8Bmartin-ennals"):
            assert_one_step(client, f"/2014/02/10/{written}/", "/2014/02/10/ennals/")

    def test_gives_its_old_address_to_another_that_takes_it(self, client: Client) -> None:
        first = dated("name")
        first.slug = "other-name"
        first.save()
        second = dated("name")
        assert client.get("/2014/02/10/name/").status_code == 200
        second.delete()
        assert not OldAddress.objects.filter(path="/2014/02/10/name/").exists()

    def test_that_goes_back_to_its_old_name_leads_there(self, client: Client) -> None:
        post = dated("one")
        for slug in ("two", "one"):
            post.slug = slug
            post.save()
        assert client.get("/2014/02/10/one/").status_code == 200
        assert_one_step(client, "/2014/02/10/two/", "/2014/02/10/one/")
        assert list(OldAddress.objects.values_list("path", flat=True)) == ["/2014/02/10/two/"]

    def test_that_stays_where_it_is_leaves_nothing(self) -> None:
        post = dated("same")
        post.title = "Another title"
        post.save()
        assert not OldAddress.objects.exists()

    def test_leads_nowhere_while_it_is_hidden(self, client: Client) -> None:
        post = dated("zanzibar")
        post.slug = "zanzibar-plan"
        post.status = Status.PRIVATE
        post.save()
        assert client.get("/2014/02/10/zanzibar/").status_code == 404
        post.status = Status.PUBLISHED
        post.save()
        assert_one_step(client, "/2014/02/10/zanzibar/", "/2014/02/10/zanzibar-plan/")

    def test_leads_nowhere_once_it_is_deleted(self, client: Client) -> None:
        post = dated("here-today")
        post.slug = "gone-tomorrow"
        post.save()
        post.delete()
        assert client.get("/2014/02/10/here-today/").status_code == 404


class TestMovedPage:
    def test_is_found_with_all_below_it(self, client: Client) -> None:
        about = PageFactory(slug="about")
        team = PageFactory(slug="team", parent=about)
        PageFactory(slug="board", parent=team)
        team = Page.objects.get(pk=team.pk)
        team.parent, team.slug = None, "people"
        team.save()
        assert_one_step(client, "/about/team/", "/people/")
        assert_one_step(client, "/about/team/board/", "/people/board/")
        assert_one_step(client, "/about/team/board", "/people/board/")
        assert_one_step(client, "/about/team/feed/", "/people/feed/")

    def test_gives_its_old_address_to_another_that_takes_it(self, client: Client) -> None:
        page = PageFactory(slug="about")
        page.slug = "about-us"
        page.save()
        taking = PageFactory(slug="about")
        assert client.get("/about/").context["page"] == taking
        assert not OldAddress.objects.exists()

    def test_leads_nowhere_while_it_is_hidden(self, client: Client) -> None:
        page = PageFactory(slug="zanzibar", status=Status.DRAFT)
        page.slug = "zanzibar-plan"
        page.save()
        assert client.get("/zanzibar/").status_code == 404


class TestRenamedCategory:
    def test_is_found_with_its_pages_and_feeds(self, client: Client) -> None:
        above = CategoryFactory(slug="films")
        category = CategoryFactory(slug="awards", parent=above)
        PostFactory.create_batch(11, categories=[category])
        category.slug = "prizes"
        category.save()
        for ending in ("", "page/2/", "feed/", "feed/atom/"):
            assert_one_step(client, f"/category/films/awards/{ending}", f"/category/films/prizes/{ending}")
        assert_one_step(client, "/category/awards", "/category/films/prizes/")

    def test_below_another_one_is_found_when_that_is_renamed(self, client: Client) -> None:
        above = CategoryFactory(slug="films")
        CategoryFactory(slug="awards", parent=above)
        above.slug = "movies"
        above.save()
        assert_one_step(client, "/category/films/awards/", "/category/movies/awards/")
        assert_one_step(client, "/category/films/", "/category/movies/")
        assert_one_step(client, "/category/films/awards/feed/", "/category/movies/awards/feed/")


class TestNearlyRightAddress:
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
    def test_leads_to_the_post_that_is_meant(self, client: Client, old: str) -> None:
        dated("star-power-and-human-rights")
        dated("something-else")
        assert_one_step(client, old, "/2014/02/10/star-power-and-human-rights/")

    def test_keeps_the_feed_of_the_comments(self, client: Client) -> None:
        dated("star-power")
        assert_one_step(client, "/2013/01/01/star-power/feed/", "/2014/02/10/star-power/feed/")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("/2014/02/10/star-power/rss/", "/2014/02/10/star-power/feed/"),
            ("/2014/02/10/star-power/atom/", "/2014/02/10/star-power/feed/atom/"),
            ("/2014/feed/", "/feed/"),
            ("/2014/02/feed/atom/", "/feed/atom/"),
            ("/2014/2/", "/2014/02/"),
        ],
    )
    def test_may_be_that_of_a_listing_or_feed(self, client: Client, old: str, new: str) -> None:
        dated("star-power")
        assert_one_step(client, old, new)

    @pytest.mark.parametrize("old", ["/people/", "/elsewhere/people/", "/about/people/2/", "/about/people/page/2/"])
    def test_leads_to_the_page_that_is_meant(self, client: Client, old: str) -> None:
        PageFactory(slug="people", parent=PageFactory(slug="about"))
        assert_one_step(client, old, "/about/people/")

    @pytest.mark.parametrize(
        "old", ["/tag/star-power/", "/category/star-power/", "/author/star-power/", "/media/star-power/"]
    )
    def test_in_a_listing_means_no_post(self, client: Client, old: str) -> None:
        dated("star-power")
        assert client.get(old).status_code == 404

    def test_of_posts_of_one_slug_means_that_of_the_month(self, client: Client) -> None:
        dated("star-power")
        dated("star-power", published_at=MOMENT + dt.timedelta(days=40))
        assert_one_step(client, "/2014/03/star-power/", "/2014/03/22/star-power/")
        assert client.get("/2014/star-power/").status_code == 404

    @pytest.mark.parametrize("sign", ["(", "/", "a/", "a(", "1/"])
    def test_however_long_it_is_looked_at_once(self, client: Client, sign: str) -> None:
        assert client.get(f"/x/{sign * 2000}x/").status_code == 404

    def test_prefers_the_whole_slug_to_a_beginning(self, client: Client) -> None:
        dated("star-power")
        dated("star-power-again")
        assert_one_step(client, "/2013/01/01/star-power/", "/2014/02/10/star-power/")

    def test_of_two_posts_leads_to_neither(self, client: Client) -> None:
        dated("star-power", published_at=MOMENT)
        dated("star-power", published_at=MOMENT + dt.timedelta(days=1))
        dated("moonlight-one")
        dated("moonlight-two")
        assert client.get("/2013/01/01/star-power/").status_code == 404
        assert client.get("/2013/01/01/moonlight/").status_code == 404

    def test_that_is_too_short_leads_nowhere(self, client: Client) -> None:
        dated("star-power")
        assert client.get("/2013/01/01/star/").status_code == 404

    @pytest.mark.parametrize("address", ["/2014/02/10/star-power//", "/2014//02/10/star-power/", "/2014/02/10///"])
    def test_has_each_slash_once(self, client: Client, address: str) -> None:
        dated("star-power")
        assert_one_step(client, address, re.sub("//+", "/", address))

    def test_does_not_mean_a_second_one_of_its_title(self, client: Client) -> None:
        # The first may be gone or hidden: whoever asks for it does not mean the other.
        dated("star-power-2")
        dated("moonlight-2014")
        for day in ("2014/02/10", "2013/01/01"):
            assert client.get(f"/{day}/star-power/").status_code == 404
        assert_one_step(client, "/2014/02/10/moonlight/", "/2014/02/10/moonlight-2014/")

    @pytest.mark.parametrize("slug", ["star%25power", "star_power", "star%2Apower", "%00starpower", "[s]tar-power"])
    def test_has_no_signs_that_stand_for_others(self, client: Client, slug: str) -> None:
        dated("star-power")
        assert client.get(f"/2013/01/01/{slug}/").status_code == 404

    def test_never_means_a_hidden_post(self, client: Client) -> None:
        for state in (Status.DRAFT, Status.PENDING, Status.PRIVATE, Status.TRASH):
            dated(f"zanzibar-{state}", status=state)
        dated("zanzibar-later", published_at=timezone.now() + dt.timedelta(days=9))
        for slug in ("zanzibar-draft", "zanzibar-pending", "zanzibar-private", "zanzibar-later", "zanzibar-t"):
            assert client.get(f"/2001/01/01/{slug}/").status_code == 404, slug

    def test_is_answered_alike_whether_or_not_there_is_a_hidden_post(self, client: Client) -> None:
        dated("zanzibar-plan-made-public")
        before = client.get("/2014/02/10/zanzibar-plan/").headers["Location"]
        dated("zanzibar-plan", status=Status.PRIVATE)
        dated("zanzibar-plan-two", status=Status.DRAFT)
        assert client.get("/2014/02/10/zanzibar-plan/").headers["Location"] == before


def test_author_who_has_published_nothing_is_not_told_of(client: Client) -> None:
    UserFactory(username="zanzibar")
    for address in ("/author/ZANZIBAR/", "/author/zanzibar", "/author/zanzibar/"):
        assert client.get(address).status_code == 404


class TestCost:
    def queries(self, client: Client, address: str) -> int:
        # What the sidebar shows is kept from the first page on.
        client.get("/?warm=1")
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    def test_of_a_page_is_as_it_was(self, client: Client, settings: Settings) -> None:
        post = dated("star-power")
        address = f"{post.get_absolute_url()}?x=1"
        now = self.queries(client, address)
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "redirects" not in name]
        assert self.queries(Client(), address) == now

    @pytest.mark.parametrize(
        "address",
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
    def test_of_a_miss_is_four_queries_more_at_most(self, client: Client, settings: Settings, address: str) -> None:
        with_look = self.queries(client, address)
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "redirects" not in name]
        without = self.queries(Client(), address)
        assert without < with_look <= without + 4


class TestFormerFolder:
    @pytest.fixture(autouse=True)
    def _moved(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_FOLDER = "/blog/"
        post = dated("star-power", pk=9000123, tags=["Mea", "Мир"])
        OldAddress.objects.create(path="/blog/archives/12/", post=post)
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
    def test_leads_to_the_same_without_it_at_once(self, client: Client, path: str, new: str) -> None:
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (301, new)

    @pytest.mark.parametrize("path", ["/blog/no-such-page/", "/blogs/", "/blog//example.org/"])
    def test_leads_to_nothing_that_is_not_here(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404


class TestFormerHost:
    @pytest.fixture(autouse=True)
    def _moved(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["thoolen.wordpress.com", "old.example.org"]
        settings.ALLOWED_HOSTS = ["testserver", *settings.BROADSIDE_FORMER_HOSTS]
        post = dated("star-power", pk=9000123, tags=["Mea"])
        OldAddress.objects.create(path="/2014/02/10/before/", post=post)
        PageFactory(slug="about")

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
    def test_leads_to_the_last_address_at_once(self, client: Client, host: str, path: str, new: str) -> None:
        for response in (client.get(path, headers={"host": host}), client.head(path, headers={"host": host})):
            assert response.status_code == 301
            assert response.headers["Location"] == f"http://testserver{new}"

    def test_leads_to_https_in_the_same_step(self, client: Client, settings: Settings) -> None:
        settings.SITE_URL, settings.SECURE_SSL_REDIRECT = "https://testserver", True
        for secure in (False, True):
            response = client.get("/?p=9000123", headers={"host": "old.example.org"}, secure=secure)
            assert response.status_code == 301
            assert response.headers["Location"] == "https://testserver/2014/02/10/star-power/"

    def test_leads_to_https_behind_a_proxy_too(self, client: Client, settings: Settings) -> None:
        settings.SITE_URL, settings.SECURE_SSL_REDIRECT = "https://testserver", True
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        response = client.get("/?p=9000123", headers={"host": "old.example.org", "x-forwarded-proto": "http"})
        assert response.headers["Location"] == "https://testserver/2014/02/10/star-power/"

    @pytest.mark.parametrize("path", ["//evil.example/", "/%5C%5Cevil.example/", "/@evil.example/", "/.evil.example/"])
    def test_leads_to_no_other_site(self, client: Client, path: str) -> None:
        response = client.get(path, headers={"host": "old.example.org"})
        assert response.headers["Location"].startswith("http://testserver/")

    def test_takes_nothing(self, client: Client) -> None:
        assert client.post("/about/", {"a": "b"}, headers={"host": "old.example.org"}).status_code == 405

    def test_knows_nobody(self, client: Client) -> None:
        client.force_login(UserFactory(role="Editor"))
        draft = dated("zanzibar", status=Status.DRAFT)
        response = client.get(f"/?p={draft.pk}", headers={"host": "old.example.org"})
        assert response.headers["Location"] == f"http://testserver/?p={draft.pk}"

    def test_is_a_whole_name(self, client: Client) -> None:
        assert client.get("/about/", headers={"host": "xold.example.org"}).status_code == 400
        assert client.get("/about/").status_code == 200


class TestLinksToAFormerHost:
    @pytest.fixture(autouse=True)
    def _moved(self, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["thoolen.wordpress.com"]

    @pytest.mark.parametrize("markup", ["html", "wordpress"])
    @pytest.mark.parametrize(
        ("address", "here"),
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
    def test_lead_here(self, markup: str, address: str, here: str) -> None:
        html = render(f'<p>See <a href="{address}">this</a></p>', markup).body_html
        assert f'<a href="{here}">this</a>' in html

    @pytest.mark.parametrize(
        "address",
        [
            "https://other.wordpress.com/a",
            "https://xthoolen.wordpress.com/a",
            "https://thoolen.wordpress.com.evil.example/a",
            "https://thoolen.wordpress.com:8443/a",
            "https://evil.example/thoolen.wordpress.com/",
            "https://thoolen.wordpress.com@evil.example/",
        ],
    )
    def test_are_told_from_those_to_others(self, address: str) -> None:
        html = render(f'<p><a href="{address}">this</a></p>', "html").body_html
        assert f'href="{address}"' in html

    def test_show_the_words_that_were_written(self) -> None:
        html = render("<p>http://thoolen.wordpress.com/about/ says</p>", "html").body_html
        assert html == '<p><a href="/about/">http://thoolen.wordpress.com/about/</a> says</p>'

    def test_may_be_to_pictures(self) -> None:
        source = '<p><img src="http://thoolen.wordpress.com/wp-content/uploads/2014/02/x.jpg" alt="X"></p>'
        assert 'src="/wp-content/uploads/2014/02/x.jpg"' in render(source, "html").body_html

    def test_leave_the_source_as_it_was(self) -> None:
        source = '<a href="http://thoolen.wordpress.com/about/">x</a>'
        post = PostFactory(source=source, markup="html")
        post.refresh_from_db()
        assert post.source == source
        assert 'href="/about/"' in post.body_html
