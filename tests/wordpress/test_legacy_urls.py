"""Every URL that WordPress has ever used redirects in one step to its current URL."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from blog.models import Status
from blog.models.redirect import Redirect
from media.models import Document, Picture
from tests.factories import CategoryFactory, PageFactory, PostFactory, TagFactory, UserFactory
from wordpress.importing.redirects import add_redirect
from wordpress.legacy_urls.query_forms import legacy_key

pytestmark = pytest.mark.django_db

POST = "/2014/02/10/star-power/"
PUBLISHED_AT = timezone.make_aware(dt.datetime(2014, 2, 10, 12))


def assert_one_step(client: Client, old: str, new: str) -> None:
    """Check that `old` redirects permanently to `new`, for GET and HEAD, and that `new` exists."""
    for response in (client.get(old), client.head(old)):
        assert response.status_code == 301, old
        assert response.headers["Location"] == new, old
    parts = urlsplit(new)
    if not parts.path.startswith(("/media/", "/admin/")):
        assert client.get(parts._replace(fragment="").geturl()).status_code == 200, new


@pytest.fixture(scope="class")
def site(class_db: None) -> None:
    author = UserFactory(pk=9000077, username="hans")
    above = CategoryFactory(pk=9000040, name="Films")
    category = CategoryFactory(pk=9000041, name="Awards", parent=above)
    post = PostFactory(
        pk=9000123,
        slug="star-power",
        author=author,
        published_at=PUBLISHED_AT,
        tags=["Mea", "Extra"],
        categories=[category],
    )
    PostFactory.create_batch(12, author=author, published_at=PUBLISHED_AT, tags=["Mea"], categories=[category])
    PostFactory(language="ar", published_at=PUBLISHED_AT)
    about = PageFactory(pk=9000200, slug="about", title="About")
    PageFactory(pk=9000201, slug="team", title="Team", parent=about)
    picture = Picture(title="x", width=1, height=1)
    Picture.objects.bulk_create([picture])
    Picture.objects.update(file="pictures/new.jpg")
    Document.objects.bulk_create([Document(title="y", file="documents/new.pdf")])
    picture, document = Picture.objects.get(), Document.objects.get()
    add_redirect("https://thoolen.wordpress.com/wp-content/uploads/2014/02/Photo-1.jpg", picture)
    add_redirect("https://thoolen.files.wordpress.com/2013/05/r%C3%A9sum%C3%A9.pdf?w=5", document)
    add_redirect("/2014/02/10/star-power/photo-1/", picture)
    add_redirect("https://thoolen.wordpress.com/?attachment_id=900", picture)
    add_redirect("/?cat=7", category)
    add_redirect("/?author=3", author)
    add_redirect("/?p=555", post)


FORMS = {
    # IDs and names in the query.
    "/?p=9000123": POST,
    "/?p=009000123": POST,
    "/?p=555": POST,
    "/?page_id=9000200": "/about/",
    "/?p=9000201": "/about/team/",
    "/?page_id=9000123": POST,
    "/?p=9000123&utm_source=x&fbclid=y": POST,
    "/?utm_source=x&p=9000123": POST,
    "/?p=9000123/": POST,
    "/?page_id=9000201).": "/about/team/",
    "/blog/?p=9000123/": POST,
    # As in WordPress, an ID counts wherever nothing else is: the blog was once in this folder.
    "/blog/?p=9000123": POST,
    "/about/?p=9000123": POST,
    f"{POST}?page_id=9000201": "/about/team/",
    "/tag/mea/page/2/?p=555": POST,
    "/about/?attachment_id=900": "/media/pictures/new.jpg",
    "/old/blog/index.php?page_id=9000201": "/about/team/",
    "/2010/01/02/no-such-post/?p=9000123&utm_source=x": POST,
    "/star-power/?p=9000999": POST,
    "/?p=9000123&replytocom=9": f"{POST}?replytocom=9",
    # The browser keeps the fragment, which names the comment.
    "/?p=9000123&cpage=2": POST,
    "/?cat=7": "/category/films/awards/",
    "/?cat=9000040": "/category/films/",
    "/?cat=7&paged=2": "/category/films/awards/page/2/",
    "/?tag=mea": "/tag/mea/",
    "/?tag=MEA&gclid=z": "/tag/mea/",
    "/?tag=mea&paged=2": "/tag/mea/page/2/",
    "/?author=3": "/author/hans/",
    "/?author=9000077": "/author/hans/",
    "/?author=hans": "/author/hans/",
    "/?author_name=hans&paged=2": "/author/hans/page/2/",
    "/?category_name=awards": "/category/films/awards/",
    "/?category_name=films/awards": "/category/films/awards/",
    "/?m=2014": "/2014/",
    "/?m=201402": "/2014/02/",
    "/?m=20140210": "/2014/02/10/",
    # A page of the archive lists two hundred titles.
    "/?m=201402&paged=2": "/2014/02/",
    "/?year=2014&monthnum=2&day=10": "/2014/02/10/",
    "/?year=2014": "/2014/",
    "/?paged=2": "/page/2/",
    # The plugins Polylang and WPML.
    "/?lang=ar": "/language/ar/",
    "/?lang=ar&feed=atom": "/language/ar/feed/atom/",
    "/?lang=ar&feed=comments-rss2": "/comments/feed/",
    "/?lang=ar&p=9000123": POST,
    "/pt-br/?s=star+a%26b": "/?s=star+a%26b",
    "/tag/mea/?lang=ar&paged=2": "/tag/mea/page/2/",
    "/?name=star-power": POST,
    "/?pagename=about/team": "/about/team/",
    # Feeds.
    "/?feed=rss2": "/feed/",
    "/?feed=rss": "/feed/",
    "/?feed=atom": "/feed/atom/",
    "/?feed=comments-rss2": "/comments/feed/",
    "/?feed=comments-atom": "/comments/feed/atom/",
    "/?feed=rss2&withcomments=1": "/comments/feed/",
    "/?feed=rss2&p=9000123": f"{POST}feed/",
    "/?feed=atom&p=9000123": f"{POST}feed/atom/",
    "/?feed=comments-rss2&p=9000123": f"{POST}feed/",
    "/?feed=rss2&cat=7": "/category/films/awards/feed/",
    "/?feed=rss2&tag=mea": "/tag/mea/feed/",
    "/?feed=atom&author=3": "/author/hans/feed/atom/",
    "/?feed=rss2&name=star-power": f"{POST}feed/",
    "/?feed=atom&pagename=about/team": "/about/team/feed/atom/",
    "/?s=star&feed=rss2": "/search/star/feed/",
    "/?s=star+power&feed=atom": "/search/star+power/feed/atom/",
    "/?s=&feed=rss2": "/feed/",
    "/tag/mea/?feed=rss2": "/tag/mea/feed/",
    "/tag/MEA?feed=atom": "/tag/mea/feed/atom/",
    "/category/awards/?feed=rss2": "/category/films/awards/feed/",
    f"{POST}?feed=rss2": f"{POST}feed/",
    "/index.php?feed=rss2&p=9000123": f"{POST}feed/",
    "/index.php/tag/mea/?feed=rss2": "/tag/mea/feed/",
    "/rss/": "/feed/",
    "/rss": "/feed/",
    "/rss2/": "/feed/",
    "/rdf/": "/feed/",
    "/atom/": "/feed/atom/",
    "/feed/rdf/": "/feed/",
    "/feed/rdf": "/feed/",
    "/feed": "/feed/",
    "/tag/mea/feed/rdf/": "/tag/mea/feed/",
    "/feed/podcast/": "/feed/",
    "/2014/02/10/star-power/attachment/photo-1/": "/media/pictures/new.jpg",
    "/category/films/feed/podcast/": "/category/films/feed/",
    "/wp-rss2.php": "/feed/",
    "/wp-rss.php": "/feed/",
    "/wp-rdf.php": "/feed/",
    "/wp-atom.php": "/feed/atom/",
    "/wp-commentsrss2.php": "/comments/feed/",
    # Posts, their pages and comments.
    "/2014/02/10/star-power": POST,
    "/2014/02/10/star-power/comment-page-3/": POST,
    "/2014/02/10/star-power/comment-page-3": POST,
    "/2014/02/10/STAR-power/comment-page-1/": POST,
    "/2014/02/10/star-power/2/comment-page-2/": POST,
    "/about/comment-page-2/": "/about/",
    "/About/comment-page-2/": "/about/",
    "/index.php/about/comment-page-2/": "/about/",
    "/2014/02/10/star-power/2/": POST,
    "/2014/02/10/star-power/2": POST,
    "/2014/02/10/STAR-power?utm_campaign=n": POST,
    f"{POST}print/": POST,
    f"{POST}&quot;": POST,
    "/2014/02/10/star-power&gt;.": POST,
    # With index.php.
    "/index.php": "/",
    "/index.php/": "/",
    "/index.php?p=9000123": POST,
    "/index.php/2014/02/10/star-power/": POST,
    "/index.php/2014/02/10/star-power": POST,
    "/index.php/tag/mea/page/2": "/tag/mea/page/2/",
    "/index.php/about/team/": "/about/team/",
    "/index.php/feed/rdf": "/feed/",
    # Listings.
    "/tag/MEA": "/tag/mea/",
    "/tag/mea/page/1/": "/tag/mea/",
    "/tag/mea/page/1": "/tag/mea/",
    "/tag/mea/?paged=2": "/tag/mea/page/2/",
    "/about/?paged=2": "/about/",
    "/?tag=mea+extra": "/tag/extra+mea/",
    # Of several, the first.
    "/?cat=7,9000040": "/category/films/awards/",
    "/?tag=mea,other&feed=rss2": "/tag/mea/feed/",
    "/tag/mea,other/page/2/": "/tag/mea/page/2/",
    "/category/awards,films/": "/category/films/awards/",
    "/category/films/awards,other/feed/": "/category/films/awards/feed/",
    "/category/awards/": "/category/films/awards/",
    "/category/awards+films/": "/category/films/awards/",
    "/category/films/awards+other/page/2/": "/category/films/awards/page/2/",
    "/category/awards/page/2": "/category/films/awards/page/2/",
    "/category/awards/feed/": "/category/films/awards/feed/",
    "/category/long-gone/awards/feed/atom": "/category/films/awards/feed/atom/",
    "/?p=9000123&page=2": POST,
    # Search and sitemaps.
    "/search/star": "/?s=star",
    "/search/star+power/": "/?s=star+power",
    "/search/star/page/1/": "/?s=star",
    "/wp-sitemap.xml": "/sitemap.xml",
    "/wp-sitemap-posts-post-1.xml": "/sitemap.xml",
    "/sitemap_index.xml": "/sitemap.xml",
    "/post_tag-sitemap12.xml": "/sitemap.xml",
    "/osd.xml": "/opensearch.xml",
    # The admin.
    "/wp-login.php": "/admin/",
    "/wp-login.php?redirect_to=https://evil.example/": "/admin/",
    "/wp-admin": "/admin/",
    "/wp-admin/": "/admin/",
    "/wp-admin/post.php?post=9000123&action=edit": "/admin/",
    # Attachment pages and files.
    "/?attachment_id=900": "/media/pictures/new.jpg",
    "/?p=900": "/media/pictures/new.jpg",
    "/2014/02/10/star-power/photo-1/": "/media/pictures/new.jpg",
    "/2014/02/10/star-power/photo-1": "/media/pictures/new.jpg",
    "/wp-content/uploads/2014/02/Photo-1.jpg": "/media/pictures/new.jpg",
    "/wp-content/uploads/2014/02/Photo-1.jpg?w=300&h=200": "/media/pictures/new.jpg",
    "/wp-content/uploads/2014/02/Photo-1-300x200.jpg": "/media/pictures/new.jpg",
    "/files/2014/02/Photo-1.jpg": "/media/pictures/new.jpg",
    "/2014/02/Photo-1.jpg?w=600": "/media/pictures/new.jpg",
}


@pytest.fixture
def _files(settings: Any) -> None:
    folder = settings.MEDIA_ROOT / "pictures"
    folder.mkdir(parents=True)
    (folder / "new.jpg").write_bytes(b"picture")


UNKNOWN = [
    "/?p=9000999",
    "/?p=abc",
    "/blog/?p=abc",
    "/blog/?p=9000999",
    "/?p=²",
    "/?p=99999999999999999999999",
    "/?p=9999999999999999999",
    "/?page_id=9000999",
    "/?attachment_id=9000999",
    "/?cat=9000999",
    "/?cat=-7",
    "/?tag=no-such",
    "/?author=9000999",
    "/?author=nobody",
    "/?m=20",
    "/?m=201413",
    "/?m=1999",
    "/?m=abc",
    "/?paged=99",
    "/?feed=rss2&p=9000999",
    "/?name=no-such-post",
    "/index.php/no/such/",
    "/no-such/comment-page-2/",
    "/2014/02/10/no-such-post/2/",
    "/tag/no-such/feed/rdf/",
    "/tag/no-such/?feed=rss2",
    "/tag/no-such,mea/",
    "/tag/mea+no-such/",
    # Feeds have no further pages.
    "/feed/?paged=2",
    "/wp-content/uploads/2014/02/other.jpg",
    "/wp-content/uploads/../../secret",
    "/2014/02/other.jpg",
    "/wp-content/uploads/%00x.jpg",
    "/?tag=%00",
    "/?name=%00",
    "/?pagename=%00",
    "/xmlrpc.php",
]


@pytest.mark.usefixtures("site")
class TestRedirects:
    @pytest.mark.usefixtures("_files")
    @pytest.mark.parametrize(("old", "new"), FORMS.items(), ids=list(FORMS))
    def test_every_form_redirects_in_one_step(self, client: Client, old: str, new: str) -> None:
        assert_one_step(client, old, new)

    @pytest.mark.parametrize("spelling", ["r%C3%A9sum%C3%A9", "r%c3%a9sum%c3%a9", "re%CC%81sume%CC%81"])
    def test_files_are_found_in_every_encoding_of_their_name(self, client: Client, spelling: str) -> None:
        response = client.get(f"/wp-content/uploads/2013/05/{spelling}.pdf")
        assert response.status_code == 301
        assert response.headers["Location"] == Document.objects.get().file.url

    @pytest.mark.parametrize("url", UNKNOWN)
    def test_unknown_urls_are_not_found(self, client: Client, url: str) -> None:
        response = client.get(url)
        assert response.status_code == 404
        assert "<h1" in response.content.decode()

    @pytest.mark.parametrize(
        "url",
        [
            *("/", "/?utm_source=x", "/?paged=1", "/?p=", "/?fbclid=x", "/?lang=fr", "/?lang=ar-", "/?lang=/x"),
            *(f"{POST}?utm_medium=y", f"{POST}?replytocom=4", f"{POST}?lang=ar", f"{POST}?p=9000999"),
            # Sitemaps have pages of their own.
            "/sitemap-posts.xml?p=1",
        ],
    )
    def test_current_urls_do_not_redirect(self, client: Client, url: str) -> None:
        assert client.get(url).status_code == 200

    @pytest.mark.parametrize(
        "url",
        [
            "/?p=9000123",
            "/wp-login.php",
            "/wp-admin/x",
            "/index.php/about/",
            "/rss/",
            "/wp-content/uploads/2014/02/Photo-1.jpg",
            "/2013/01/01/star-power/",
        ],
    )
    def test_legacy_urls_do_not_accept_post_requests(self, client: Client, url: str) -> None:
        assert client.post(url, {"log": "admin", "pwd": "x"}).status_code in {404, 405}

    @pytest.mark.parametrize(
        "url",
        [
            "/index.php//evil.example/",
            "/index.php/%5Cevil.example/",
            "//evil.example/%2e%2e",
            "/%2Fevil.example/comment-page-2/",
            "/?category_name=//evil.example",
            "/?pagename=//evil.example/x",
            "/?name=https://evil.example/",
            "/?tag=/../../evil.example",
            "/index.php/https:/evil.example/",
            "//evil.example/?feed=rss2",
            "/%2Fevil.example/%5C/?paged=2",
            "/%5Cevil.example?feed=rss2",
        ],
    )
    def test_redirects_never_lead_to_another_site(self, client: Client, url: str) -> None:
        location = client.get(url).headers.get("Location", "/")
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))


HIDDEN: dict[str, dict[str, Any]] = {
    "draft": {"status": Status.DRAFT},
    "pending": {"status": Status.PENDING},
    "private": {"status": Status.PRIVATE},
    "trash": {"status": Status.TRASH},
    "scheduled": {"published_at": timezone.now() + dt.timedelta(days=30)},
}


@pytest.mark.parametrize("state", HIDDEN.values(), ids=list(HIDDEN))
def test_legacy_urls_never_reveal_hidden_entries(client: Client, state: dict[str, Any]) -> None:
    author = UserFactory(username="zanzibar-author")
    post = PostFactory(slug="zanzibar-plan", author=author, **({"published_at": PUBLISHED_AT} | state))
    page = PageFactory(slug="zanzibar-page", author=author, **({"published_at": PUBLISHED_AT} | state))
    add_redirect("/?p=4000", post)
    add_redirect("/old/zanzibar/", post)
    add_redirect("/?author=5000", author)
    urls = [
        f"/?p={post.pk}",
        f"/?page_id={page.pk}",
        f"/?p={post.pk}&feed=rss2",
        f"/?p={post.pk}&preview=true",
        "/?p=4000",
        "/?name=zanzibar-plan",
        "/?pagename=zanzibar-page",
        "/old/zanzibar/",
        "/old/zanzibar",
        "/zanzibar-plan/",
        "/zanzibar-page/?feed=rss2",
        "/zanzibar-pl/",
        "/2001/01/01/zanzibar-plan/",
        "/2001/01/01/zanzibar-p/",
        f"{post.get_absolute_url()}comment-page-2/" if post.published_on else "/x/",
        f"{post.get_absolute_url()}2/" if post.published_on else "/x/",
        "/index.php/zanzibar-page/",
        "/zanzibar-page/comment-page-1/",
        f"/?author={author.pk}",
        "/?author=5000",
        "/?author=zanzibar-author",
        "/author/ZANZIBAR-author",
    ]
    for url in urls:
        response = client.get(url)
        assert response.status_code == 404, url
        assert "Location" not in response.headers


class TestAddRedirect:
    @pytest.mark.parametrize(
        ("url", "key"),
        [
            ("http://a.files.wordpress.com/2014/02/x.jpg?w=300", "/wp-content/uploads/2014/02/x.jpg"),
            ("https://a.wordpress.com/files/2014/02/x.jpg", "/wp-content/uploads/2014/02/x.jpg"),
            ("https://a.org/wp-content/blogs.dir/5/files/2014/x.jpg", "/wp-content/uploads/2014/x.jpg"),
            ("/wp-content/uploads/x.jpg", "/wp-content/uploads/x.jpg"),
            ("https://a.org/?attachment_id=5", "/?p=5"),
            ("https://a.org/?page_id=05", "/?p=5"),
            ("https://a.org?cat=5", "/?cat=5"),
            ("https://a.org/photo/x.pdf?ver=5", "/photo/x.pdf"),
            # Without its query, each of these would be another URL.
            ("https://a.org/photo/?cat=5", ""),
            ("https://a.org/blog/?p=5", ""),
            ("https://a.org/blog/index.php?p=5", ""),
            ("https://a.org/get.php?file=x.pdf", ""),
            ("https://a.org/", ""),
            ("https://[broken", ""),
            ("", ""),
        ],
    )
    def test_files_and_ids_have_one_key_each(self, url: str, key: str) -> None:
        assert legacy_key(url) == key

    def test_a_second_call_changes_the_target(self) -> None:
        first, second = CategoryFactory(), CategoryFactory()
        add_redirect("/?cat=9", first)
        add_redirect("/?cat=9", second)
        assert Redirect.objects.get().category == second

    def test_the_new_target_may_be_of_another_kind(self) -> None:
        add_redirect("/x/", CategoryFactory())
        add_redirect("/x/", page := PageFactory())
        redirect = Redirect.objects.get()
        assert (redirect.category, redirect.entry) == (None, page)

    def test_paths_that_are_too_long_are_ignored(self) -> None:
        add_redirect("/" + "x" * 700 + "/", CategoryFactory())
        assert not Redirect.objects.exists()


def test_a_renamed_tag_keeps_its_pages_and_feeds(client: Client) -> None:
    tag = TagFactory(name="old name")
    PostFactory.create_batch(11, tags=[tag])
    tag.slug = "new-name"
    tag.save()
    for ending in ("", "page/2/", "feed/", "feed/atom/"):
        assert_one_step(client, f"/tag/old-name/{ending}", f"/tag/new-name/{ending}")
    assert_one_step(client, "/tag/old-name", "/tag/new-name/")
    assert_one_step(client, "/?tag=old-name&feed=rss2", "/tag/new-name/feed/")
