"""Caching: which pages are stored, by whom and for how long."""

import pytest
from django.conf import settings
from django.test import Client

from blog.models import Post
from blog.publishing import save_entry
from core.models import SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.reader import Reader

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


@pytest.fixture(scope="class")
def post(class_db: None) -> Post:
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

    @pytest.mark.parametrize("path", [*PUBLIC, "/nothing/", "/static/nothing.css", "/tag"])
    @pytest.mark.parametrize("name", [settings.CSRF_COOKIE_NAME, "messages", "other"])
    def test_get_no_cookie_whatever_cookies_they_send(self, client: Client, post: Post, path: str, name: str) -> None:
        client.cookies[name] = "invalid"
        assert not client.get(path).cookies

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

    def test_get_no_body_if_nothing_changed(self, client: Client, post: Post) -> None:
        etag = client.get("/")["ETag"]
        assert client.get("/", headers={"if-none-match": etag}).status_code == 304
        assert "ETag" not in client.get("/", headers={"cache-control": "no-store"})

    def test_get_a_cookie_in_place_of_an_invalid_one_where_a_form_needs_it(self, client: Client) -> None:
        client.cookies[settings.CSRF_COOKIE_NAME] = "invalid"
        token = client.get("/admin/login/").cookies[settings.CSRF_COOKIE_NAME].value
        assert len(token) == 32

    def test_all_get_the_same_bytes(self, client: Client, post: Post) -> None:
        first, second = client.get("/2020/05/17/news/"), Client().get("/2020/05/17/news/")
        assert first.content == second.content


@pytest.mark.django_db
class TestMethods:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
    @pytest.mark.parametrize("path", ["/", "/tag/t/", "/feed/", "/2020/", "/sitemap.xml", "/robots.txt"])
    def test_that_a_page_does_not_have_are_refused(self, post: Post, method: str, path: str) -> None:
        response = Client(enforce_csrf_checks=True).generic(method, path)
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"

    def test_of_pages_with_forms_include_post(self, client: Client, post: Post) -> None:
        url = post.get_absolute_url()
        assert client.put(url).headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        # It redirects to the page if that has no password.
        assert Client(enforce_csrf_checks=True).post(url).status_code == 302

    @pytest.mark.parametrize("path", PUBLIC)
    def test_are_listed_without_a_page(self, client: Client, post: Post, path: str) -> None:
        response = client.options(path)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Allow"].startswith("GET, HEAD, OPTIONS")
        assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["replytocom=1", "unapproved=1&moderation-hash=x"])
def test_other_views_of_a_page_are_not_indexed(client: Client, post: Post, query: str) -> None:
    assert client.get(f"{post.get_absolute_url()}?{query}")["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get(post.get_absolute_url())


@pytest.mark.django_db
def test_a_url_of_any_length_can_be_cached() -> None:
    url = PostFactory(slug="я" * 200).get_absolute_url()
    reader = Reader()
    assert reader.get(url).body == reader.get(url).body
    assert len(reader.rendered) == 1


@pytest.mark.django_db
def test_users_with_a_session_get_pages_that_no_cache_may_store(client: Client, post: Post) -> None:
    anonymous = client.get("/")
    client.force_login(UserFactory(role="Editor"))
    response = client.get("/")
    assert response["Cache-Control"] == "private, no-store"
    assert response["Referrer-Policy"] == "same-origin"
    assert Client().get("/").content == anonymous.content


@pytest.mark.django_db
@pytest.mark.parametrize("suffix", ["", "amp/"])
def test_users_with_a_session_get_redirects_that_no_cache_may_store(client: Client, post: Post, suffix: str) -> None:
    client.force_login(UserFactory(role="Editor"))
    response = client.get(f"/2010/01/01/{post.slug}/{suffix}")
    assert (response.status_code, response["Cache-Control"]) == (301, "private, no-store")


@pytest.mark.django_db(transaction=True)
class TestContentVersion:
    def test_goes_up_with_everything_that_readers_see(self) -> None:
        category, post, page = CategoryFactory(), PostFactory(tags=["t"]), PageFactory()
        for changed in (category, post, page, post.tags.get(), SiteSettings.current()):
            before = SiteSettings.current().content_version
            changed.save()
            assert SiteSettings.current().content_version > before, changed

    def test_makes_cached_pages_expire_at_once(self) -> None:
        reader = Reader()
        post = PostFactory(title="Before")
        assert "Before" in reader.get("/").text
        post.title = "After"
        post.save()
        assert "After" in reader.get("/").text

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

    def test_stays_when_a_pending_comment_arrives(self) -> None:
        reader = Reader()
        url = PostFactory().get_absolute_url()
        reader.get(url)
        CommentFactory(entry=Post.objects.get(), status="pending", text="hidden text")
        reader.get(url)
        assert reader.rendered == [url]

    @pytest.mark.parametrize("kind", [PostFactory, PageFactory])
    @pytest.mark.parametrize("status", ["draft", "pending", "private"])
    def test_stays_while_people_work_on_a_draft(self, kind: type[PostFactory | PageFactory], status: str) -> None:
        """Otherwise, everyone could see from the dates of pages, and from how long they take, when someone works."""
        tag, author = TagFactory(), UserFactory(is_staff=True, is_superuser=True)
        draft = kind(status=status, author=author)
        reader = Reader()
        reader.get("/")
        tags = [tag.name] if kind is PostFactory else None
        draft.source = "Another text"
        save_entry(draft, by=author, tags=tags)
        draft.status = "draft"
        save_entry(draft, by=author, tags=tags)
        draft.save()
        reader.get("/")
        assert reader.rendered == ["/"]

    @pytest.mark.parametrize(("before", "after"), [("draft", "published"), ("published", "draft")])
    def test_goes_up_when_a_draft_appears_or_a_post_disappears(self, before: str, after: str) -> None:
        reader = Reader()
        post = PostFactory(title="The news", status=before, author=UserFactory(is_staff=True, is_superuser=True))
        assert ("The news" in reader.get("/").text) == (before == "published")
        post.status = after
        save_entry(post, by=post.author)
        assert ("The news" in reader.get("/").text) == (after == "published")
