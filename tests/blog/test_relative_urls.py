"""Relative URLs in a text are relative to its own URL, on every page and in every feed that shows it."""

import datetime as dt

import pytest
from django.test import Client

from blog.models import Post
from blog.rendering.relative_urls import resolve_relative_urls
from tests.factories import PageFactory, PostFactory

BASE = "/2014/03/05/a-post/"


class TestResolving:
    @pytest.mark.parametrize(
        ("url", "resolved"),
        [
            ("../other/", "/2014/03/05/other/"),
            ("../../../../about/", "/about/"),
            ("../../../../../../about/", "/about/"),
            ("../../../..//evil.example/", "/evil.example/"),
            ("./a.pdf", f"{BASE}a.pdf"),
            ("photo.jpg", f"{BASE}photo.jpg"),
            ("a/b.html?c=1&amp;d=2#e", f"{BASE}a/b.html?c=1&amp;d=2#e"),
            ("?page=2", f"{BASE}?page=2"),
            ("x[1]", f"{BASE}x[1]"),
        ],
    )
    def test_relative_urls_are_resolved(self, url: str, resolved: str) -> None:
        for html in ('<a class="x" href="{}">x</a>', '<img src="{}" alt="a">', '<q cite="{}">x</q>'):
            assert resolve_relative_urls(html.format(url), BASE) == html.format(resolved)

    @pytest.mark.parametrize(
        "url", ["#note", "", "/about/", "https://example.org/", "HTTP://example.org", "mailto:a@example.org", "tel:1"]
    )
    def test_other_urls_stay(self, url: str) -> None:
        html = f'<a href="{url}">x</a><a href="y">y</a>'
        assert resolve_relative_urls(html, BASE) == f'<a href="{url}">x</a><a href="{BASE}y">y</a>'

    def test_text_and_other_attributes_stay(self) -> None:
        html = '<p title=" href=&quot;a&quot;">Write href="a" or &lt;a href="b"&gt;. <a href="c">x</a></p>'
        assert resolve_relative_urls(html, BASE) == html.replace('"c"', f'"{BASE}c"')

    def test_hostile_texts_take_linear_time(self) -> None:
        for piece in (' href="a"', '<a href="', '="', "<a b"):
            resolve_relative_urls('<a href="x">' + piece * 100_000, BASE)


@pytest.mark.django_db
class TestPages:
    SOURCE = '<p><a href="../other/">Other</a> <a href="#x">Here</a> <img src="photo.jpg" alt="A"></p>'

    @pytest.fixture
    def post(self) -> Post:
        published = dt.datetime(2014, 3, 5, 12, tzinfo=dt.UTC)
        return PostFactory(slug="a-post", published_at=published, source=self.SOURCE, markup="html")

    @pytest.mark.parametrize("url", [BASE, "/", "/2014/03/05/"])
    def test_show_them_resolved(self, client: Client, post: Post, url: str) -> None:
        html = client.get(url).content.decode()
        assert '<a href="/2014/03/05/other/">Other</a>' in html
        assert f'<img src="{BASE}photo.jpg"' in html

    @pytest.mark.parametrize("url", ["/feed/", "/feed/atom/"])
    def test_of_feeds_are_absolute(self, client: Client, post: Post, url: str) -> None:
        xml = client.get(url).content.decode()
        assert "http://testserver/2014/03/05/other/" in xml
        assert f"http://testserver{BASE}photo.jpg" in xml

    def test_follow_a_post_to_its_new_url(self, client: Client, post: Post) -> None:
        post.slug = "renamed"
        post.save()
        assert '<img src="/2014/03/05/renamed/photo.jpg"' in client.get("/").content.decode()

    def test_of_pages_are_relative_to_the_page(self, client: Client) -> None:
        page = PageFactory(slug="team", source='<p><a href="../contact/">C</a></p>', markup="html")
        assert '<a href="/contact/">C</a>' in client.get(page.get_absolute_url()).content.decode()

    def test_are_stored_as_they_were_written(self, post: Post) -> None:
        assert 'href="../other/"' in post.body_html
