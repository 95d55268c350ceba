"""Caching: which pages are stored, by whom and for how long."""

import datetime as dt
from unittest import mock

import pytest
from django.core.cache import cache
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from blog.models import Post
from core.models import SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at

PUBLIC = [
    "/",
    "/tag/t/",
    "/category/c/",
    "/2020/",
    "/2020/05/17/news/",
    "/about/",
    "/feed/",
    "/sitemap.xml",
    "/robots.txt",
]


@pytest.fixture
def post() -> Post:
    PageFactory(title="About")
    return PostFactory(title="News", published_at=at(2020, 5, 17), tags=["t"], categories=[CategoryFactory(name="c")])


@pytest.mark.django_db
class TestReaders:
    @pytest.mark.parametrize("path", PUBLIC)
    def test_get_pages_that_any_cache_may_store(self, client: Client, post: Post, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200
        assert response["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert not response.cookies
        assert "csrf" not in response.content.decode().lower()

    @pytest.mark.parametrize("path", PUBLIC)
    def test_send_no_referrer_to_other_sites(self, client: Client, post: Post, path: str) -> None:
        assert client.get(path)["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize("path", [*PUBLIC, "/nothing/", "/admin/login/"])
    def test_load_nothing_from_other_sites(self, client: Client, post: Post, path: str) -> None:
        policy = client.get(path)["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy

    def test_get_no_body_if_nothing_has_changed(self, client: Client, post: Post) -> None:
        etag = client.get("/")["ETag"]
        assert client.get("/", headers={"if-none-match": etag}).status_code == 304

    def test_all_get_the_same_bytes(self, client: Client, post: Post) -> None:
        first, second = client.get("/2020/05/17/news/"), Client().get("/2020/05/17/news/")
        assert first.content == second.content

    def test_can_ask_the_page_cache_to_stay_out(self, client: Client, post: Post) -> None:
        client.get("/")
        # Without making cached pages expire.
        QuerySet.update(Post.objects.all(), title="Changed")
        with mock.patch.object(cache, "set", wraps=cache.set) as cached:
            fresh = client.get("/", headers={"cache-control": "max-age=0, No-Store"})
            client.get("/robots.txt", headers={"cache-control": "no-store"})
        assert "Changed" in fresh.text
        assert "News" in client.get("/").text
        assert not any(call.args[0].startswith("page:") for call in cached.call_args_list)

    def test_do_not_fill_the_cache_with_invented_query_strings(self, client: Client, post: Post) -> None:
        with mock.patch.object(cache, "set", wraps=cache.set) as cached:
            client.get("/robots.txt?made=up")
        assert not cached.called


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["replytocom=1", "unapproved=1&moderation-hash=x"])
def test_other_views_of_a_page_are_not_indexed(client: Client, post: Post, query: str) -> None:
    assert client.get(f"{post.get_absolute_url()}?{query}")["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get(post.get_absolute_url())


@pytest.mark.django_db
class TestHosts:
    @pytest.fixture(autouse=True)
    def _site_url(self, settings: Settings) -> None:
        settings.SITE_URL = "https://blog.example.org:8443"

    @pytest.mark.parametrize("path", [*PUBLIC, "/sitemap-posts.xml", "/sitemap-tags.xml", "/category/c/feed/"])
    def test_a_page_is_the_same_for_any_port_and_names_only_the_site_url(self, post: Post, path: str) -> None:
        pages = set()
        for host in ("testserver", "testserver:81", "localhost:6666"):
            cache.clear()
            page = Client(headers={"host": host}).get(path).content
            assert host.encode() not in page
            pages.add(page)
        assert len(pages) == 1
        if "sitemap" in path:
            assert b"<loc>https://blog.example.org:8443/" in page

    def test_other_ports_do_not_fill_the_cache(self, client: Client, post: Post) -> None:
        client.get("/robots.txt")
        with mock.patch.object(cache, "set", wraps=cache.set) as cached:
            for port in range(1, 9):
                assert Client(headers={"host": f"testserver:{port}"}).get("/robots.txt").status_code == 200
        assert not cached.called

    def test_other_hosts_get_nothing_from_the_cache(self, client: Client, post: Post) -> None:
        client.get("/")
        assert Client(headers={"host": "evil.example"}).get("/").status_code == 400


@pytest.mark.django_db
def test_a_url_of_any_length_can_be_cached(client: Client) -> None:
    post = PostFactory(slug="я" * 200)
    assert client.get(post.get_absolute_url()).content == client.get(post.get_absolute_url()).content


@pytest.mark.django_db
def test_users_with_a_session_get_pages_that_no_cache_may_store(client: Client, post: Post) -> None:
    anonymous = client.get("/")
    client.force_login(UserFactory(role="Editor"))
    response = client.get("/")
    assert response["Cache-Control"] == "private, no-store"
    assert response["Referrer-Policy"] == "same-origin"
    assert Client().get("/").content == anonymous.content


@pytest.mark.django_db(transaction=True)
class TestContentVersion:
    def test_goes_up_with_everything_that_readers_see(self) -> None:
        category, post, page = CategoryFactory(), PostFactory(tags=["t"]), PageFactory()
        for changed in (category, post, page, post.tags.get(), SiteSettings.current()):
            before = SiteSettings.current().content_version
            changed.save()
            assert SiteSettings.current().content_version > before, changed

    def test_makes_cached_pages_expire_at_once(self, client: Client) -> None:
        post = PostFactory(title="Before")
        assert "Before" in client.get("/").content.decode()
        post.title = "After"
        post.save()
        assert "After" in client.get("/").content.decode()

    def test_goes_up_when_an_author_is_renamed_but_not_when_a_user_logs_in(self, client: Client) -> None:
        author = UserFactory()
        before = SiteSettings.current().content_version
        client.force_login(author)
        assert SiteSettings.current().content_version == before
        author.display_name = "Another name"
        author.save()
        assert SiteSettings.current().content_version > before

    def test_is_not_reset_by_saving_settings(self) -> None:
        ours = SiteSettings.current()
        ours.save()
        theirs = SiteSettings.current()
        PostFactory()
        theirs.title = "New"
        theirs.save()
        current = SiteSettings.current()
        assert current.title == "New"
        assert current.content_version > theirs.content_version

    def test_need_not_change_for_cached_pages_to_expire_when_a_scheduled_post_appears(self, client: Client) -> None:
        PostFactory(title="Soon", published_at=timezone.now() + dt.timedelta(seconds=90))
        with mock.patch.object(cache, "set", wraps=cache.set) as cached:
            client.get("/")
        timeouts = [call.args[2] for call in cached.call_args_list]
        assert timeouts
        assert all(60 < timeout <= 90 for timeout in timeouts)

    def test_stays_when_a_pending_comment_arrives(self, client: Client) -> None:
        post = PostFactory()
        before = client.get(post.get_absolute_url()).content
        CommentFactory(entry=post, status="pending", text="hidden text")
        assert client.get(post.get_absolute_url()).content == before
