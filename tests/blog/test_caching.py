"""What may be kept, by whom, and until when."""

import datetime as dt
from unittest import mock

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from blog.models import Post, SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory

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
    moment = timezone.make_aware(dt.datetime(2020, 5, 17))
    return PostFactory(title="News", published_at=moment, tags=["t"], categories=[CategoryFactory(name="c")])


@pytest.mark.django_db
class TestReader:
    @pytest.mark.parametrize("path", PUBLIC)
    def test_gets_pages_that_any_cache_may_hold(self, client: Client, post: Post, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200
        assert response["Cache-Control"] == "public, max-age=0, must-revalidate"
        assert not response.cookies
        assert "csrf" not in response.content.decode().lower()

    @pytest.mark.parametrize("path", PUBLIC)
    def test_tells_nobody_where_they_come_from(self, client: Client, post: Post, path: str) -> None:
        assert client.get(path)["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize("path", [*PUBLIC, "/nothing/", "/admin/login/"])
    def test_loads_from_here_only(self, client: Client, post: Post, path: str) -> None:
        policy = client.get(path)["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy

    def test_gets_no_body_when_nothing_has_changed(self, client: Client, post: Post) -> None:
        etag = client.get("/")["ETag"]
        assert client.get("/", headers={"if-none-match": etag}).status_code == 304

    def test_gets_the_same_bytes_as_the_next_reader(self, client: Client, post: Post) -> None:
        first, second = client.get("/2020/05/17/news/"), Client().get("/2020/05/17/news/")
        assert first.content == second.content

    def test_page_with_a_made_up_query_is_not_kept(self, client: Client, post: Post) -> None:
        with mock.patch.object(cache, "set", wraps=cache.set) as kept:
            client.get("/robots.txt?made=up")
        assert not kept.called


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["replytocom=1", "unapproved=1&moderation-hash=x"])
def test_page_of_somebody_who_answers_is_not_for_search_engines(client: Client, post: Post, query: str) -> None:
    assert client.get(f"{post.get_absolute_url()}?{query}")["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get(post.get_absolute_url())


@pytest.mark.django_db
def test_address_of_any_length_can_be_kept(client: Client) -> None:
    post = PostFactory(slug="я" * 200)
    assert client.get(post.get_absolute_url()).content == client.get(post.get_absolute_url()).content


@pytest.mark.django_db
def test_somebody_with_a_session_gets_a_page_that_nobody_keeps(client: Client, post: Post) -> None:
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

    def test_kept_page_is_gone_at_once(self, client: Client) -> None:
        post = PostFactory(title="Before")
        assert "Before" in client.get("/").content.decode()
        post.title = "After"
        post.save()
        assert "After" in client.get("/").content.decode()

    def test_goes_up_when_an_author_is_renamed_but_not_when_somebody_logs_in(self, client: Client) -> None:
        author = UserFactory()
        before = SiteSettings.current().content_version
        client.force_login(author)
        assert SiteSettings.current().content_version == before
        author.display_name = "Another name"
        author.save()
        assert SiteSettings.current().content_version > before

    def test_saving_settings_does_not_set_it_back(self) -> None:
        ours = SiteSettings.current()
        ours.save()
        theirs = SiteSettings.current()
        PostFactory()
        theirs.title = "New"
        theirs.save()
        current = SiteSettings.current()
        assert current.title == "New"
        assert current.content_version > theirs.content_version

    def test_scheduled_post_ends_the_life_of_kept_pages(self, client: Client) -> None:
        PostFactory(title="Soon", published_at=timezone.now() + dt.timedelta(seconds=90))
        with mock.patch.object(cache, "set", wraps=cache.set) as kept:
            client.get("/")
        lives = [call.args[2] for call in kept.call_args_list]
        assert lives
        assert all(60 < life <= 90 for life in lives)

    def test_hidden_comment_does_not_touch_the_page(self, client: Client) -> None:
        post = PostFactory()
        before = client.get(post.get_absolute_url()).content
        CommentFactory(post=post, status="pending", text="hidden words")
        assert client.get(post.get_absolute_url()).content == before
