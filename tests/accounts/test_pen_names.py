"""Authors may write under a pen name. Nothing that readers get reveals the name or e-mail address of the account."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve
from PIL import Image

from accounts.models import Portrait, User
from blog import views as blog_views
from blog.editing import preview_links
from blog.models import Status
from blog.portraits import make_portrait
from comments import sender_links
from core.models import SiteSettings
from media.documents import store_document
from media.pictures import store_picture
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory, at
from tests.factories.newsletter import turn_on
from wordpress.exporting.generators import GENERATORS

pytestmark = pytest.mark.django_db

EMAIL = "legalmail@private.example"
SECRETS = [
    "legallogin",
    "legalfirst",
    "legallast",
    "legalmail",
    "private.example",
    # Hashes in the URLs of Gravatar.
    *(hashlib.new(name, EMAIL.encode()).hexdigest() for name in ("md5", "sha256")),
]


@pytest.fixture
def author() -> User:
    person: User = UserFactory(
        username="legallogin",
        first_name="Legalfirst",
        last_name="Legallast",
        email=EMAIL,
        display_name="Nightingale",
        slug="",
        role="Editor",
        password="x" * 12,
    )
    assert person.slug == "nightingale"
    return person


@pytest.fixture
def paths(author: User, tmp_path: Path) -> list[str]:
    """The paths of a site by this author: one of each kind that readers can request."""
    site = SiteSettings.current()
    site.show_author, site.entries_per_page = True, 1
    site.save()
    turn_on()
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x013B] = "Legalfirst Legallast"
    Image.new("RGB", (900, 600), "red").save(buffer, "JPEG", exif=exif)
    picture = store_picture(SimpleUploadedFile("march.jpg", buffer.getvalue()), alt="A march", by=author)
    document = store_document(SimpleUploadedFile("words.txt", b"Words."), title="Words", by=author)
    category = CategoryFactory(name="filed")
    posts = [
        PostFactory(
            title=f"Song {day}",
            source=f"Singing ![A march]({picture.file.url}) [words]({document.file.url})\n\n<!--nextpage-->\n\nMore",
            author=author,
            language="en",
            published_at=at(2020, 5, day),
            tags=["shared"],
            categories=[category],
        )
        for day in (17, 18)
    ]
    post = posts[0]
    page = PageFactory(title="About", author=author)
    comments = [
        CommentFactory(entry=entry, user=author, name="", email="", text="Singing too") for entry in (post, page)
    ]
    image = make_portrait(SimpleUploadedFile("me.jpg", buffer.getvalue()))
    portrait = Portrait.objects.create(person=author, name="Nightingale", image=image, digest="0123456789abcdef")
    link = preview_links.create(PostFactory(author=author, status=Status.DRAFT), author, 7)
    url = post.get_absolute_url()
    listings = [
        "/",
        "/tag/shared/",
        "/category/filed/",
        "/author/nightingale/",
        "/language/en/",
        "/2020/",
        "/2020/05/",
        "/search/singing/",
    ]
    feeds = [
        "/",
        "/comments/",
        "/tag/shared/",
        "/category/filed/",
        "/author/nightingale/",
        "/language/en/",
        "/search/singing/",
        url,
        "/about/",
    ]
    return [
        *listings,
        *(f"{listing}page/2/" for listing in listings if "search" not in listing),
        "/search/singing/page/2/",
        *("/2020/05/17/", "/2020/05/17/page/2/", url, f"{url}2/", "/about/", f"{url}comment-page-1/"),
        *(f"{path}feed/{kind}" for path in feeds for kind in ("", "atom/", "json/", "rss/", "rss2/")),
        *("/sitemap.xml", "/sitemap-posts.xml", "/sitemap-pages.xml", "/sitemap-tags.xml", "/sitemap-categories.xml"),
        *("/sitemap-overviews.xml", "/archive/", "/authors/"),
        *("/robots.txt", "/dictionary.txt", "/speculation-rules.json", "/favicon.ico", "/opensearch.xml"),
        *("/manifest.webmanifest", "/sitemap-news.xml", f"/oembed/?url={settings.SITE_URL}{url}"),
        *("/.well-known/security.txt", "/search/suggestions.json?q=sing", "/search/suggestions.json?q=legal"),
        *(
            "/?s=singing",
            "/?s=legallogin",
            "/?s=author:legallogin",
            "/?s=singing&kind=comments",
            f"/?author={author.pk}",
        ),
        *("/?author_name=legallogin", "/author/legallogin/", "/author/legallogin/feed/", "/no-such-page/"),
        *(picture.file.url, document.file.url, f"/?p={post.pk}", f"{url}?replytocom={comments[0].pk}"),
        *(
            f"/comments/{comments[0].pk}/",
            "/comments/challenge/",
            "/comments/webmention/",
            f"/comments/on/post/{post.pk}/",
        ),
        *(f"/comments/follow/post/{post.pk}/", sender_links.view_url(comments[0]), sender_links.edit_url(comments[0])),
        *("/comments/confirm/x/", "/comments/unsubscribe/x/", "/comments/decide/x/approve/", "/comments/confirm/"),
        *(
            "/index.php",
            "/wp-login.php",
            "/rss/",
            "/atom/",
            "/wp-commentsrss2.php",
            "/wp-sitemap.xml",
            "/2020/05/a.jpg",
        ),
        *("/wp-content/uploads/2020/05/a.jpg", "/folder/wp-content/uploads/2020/05/a.jpg", preview_links.url_of(link)),
        *("/follow-by-email/", "/follow-by-email/author/nightingale/", "/follow-by-email/author/legallogin/"),
        *(f"/follow-by-email/{page}/x/" for page in ("confirm", "manage", "unsubscribe")),
        *("/appearance-x.css", "/icon-x-32.png", f"/portrait-{portrait.digest}.webp"),
        *("/admin/", "/admin/login/", "/static/x.css"),
    ]


def public_views(patterns: Any, start: str = "") -> Iterator[Any]:
    """Yield the view of each URL outside the admin."""
    for pattern in patterns:
        route = start + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from public_views(pattern.url_patterns, route)
        elif not route.startswith("admin/"):
            yield pattern.callback


def test_no_public_url_reveals_who_the_author_is(author: User, paths: list[str], client: Client) -> None:
    # Requests for `/` go to the search page's view, which passes on requests that are not searches.
    seen: set[Any] = {blog_views.front}
    named = 0
    for path in paths:
        path = path.removeprefix(settings.SITE_URL)
        seen.add(resolve(path.partition("?")[0]).func)
        response = client.get(path)
        sent = f"{response.headers}\n{response.getvalue().decode(errors='replace')}".lower()
        # A page may repeat the requested path.
        assert [secret for secret in SECRETS if secret in sent and secret not in path] == [], path
        named += "nightingale" in sent
    # Otherwise, this test could not fail.
    assert named > 30
    assert set(public_views(get_resolver().url_patterns)) - seen == set()


def test_a_guess_at_the_username_finds_nothing(author: User, paths: list[str], client: Client) -> None:
    for name in ("legallogin", "nobody-here"):
        assert client.get(f"/?author_name={name}").status_code == client.get("/?author_name=none").status_code
        assert client.get(f"/author/{name}/").status_code == 404
        assert "Song" not in client.get("/", {"s": f"author:{name}"}).text


@pytest.mark.parametrize("generator", GENERATORS)
def test_no_exported_site_reveals_who_the_author_is(
    author: User, paths: list[str], tmp_path: Path, generator: str
) -> None:
    call_command("export_markdown", str(tmp_path / "out"), generator=generator, stderr=io.StringIO())
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    named = 0
    for path in files:
        content = path.read_bytes().lower()
        assert not [secret for secret in SECRETS if secret.encode() in content or secret in str(path).lower()], path
        named += b"nightingale" in content
    assert named >= 3
