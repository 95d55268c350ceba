"""What feeds enclose with posts: what WordPress enclosed, and what recordings of the library the texts name."""

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client

from blog.models import Enclosure, Post
from media.documents import build_document
from media.models import Document
from tests.factories import PostFactory
from tests.factories.files import SAMPLES
from tests.factories.responses import ATOM, read_xml

pytestmark = pytest.mark.django_db

THERE = "https://podcast.example/one.mp3"


def stored(name: str = "talk.mp3") -> Document:
    document = build_document(ContentFile(SAMPLES["." + name.rpartition(".")[2]], name=name))
    document.save()
    return document


def in_rss(client: Client, path: str = "/feed/") -> list[dict[str, str]]:
    return [enclosure.attrib for enclosure in read_xml(client, path).iter("enclosure")]


class TestOfWordPress:
    def test_rss_has_all_of_a_post_in_their_order(self, client: Client) -> None:
        post = PostFactory()
        post.enclosures.create(url=THERE, length=12345, media_type="audio/mpeg")
        post.enclosures.create(url="https://podcast.example/a?b&c", media_type="video/mp4")
        assert in_rss(client) == [
            {"url": THERE, "length": "12345", "type": "audio/mpeg"},
            {"url": "https://podcast.example/a?b&c", "length": "0", "type": "video/mp4"},
        ]

    def test_atom_has_a_link_for_each(self, client: Client) -> None:
        post = PostFactory()
        post.enclosures.create(url=THERE, length=5, media_type="audio/mpeg")
        links = [link.attrib for link in read_xml(client, "/feed/atom/").iter(f"{ATOM}link")]
        assert {"rel": "enclosure", "href": THERE, "length": "5", "type": "audio/mpeg"} in links

    def test_a_post_without_any_has_none(self, client: Client) -> None:
        PostFactory().enclosures.create(url=THERE, media_type="audio/mpeg")
        PostFactory(title="Newer")
        items = read_xml(client, "/feed/").findall("channel/item")
        assert [len(item.findall("enclosure")) for item in items] == [0, 1]

    def test_one_that_is_named_twice_is_enclosed_once(self, client: Client) -> None:
        post = PostFactory()
        for _time in range(2):
            post.enclosures.create(url=THERE, media_type="audio/mpeg")
        assert len(in_rss(client)) == 1

    def test_they_go_with_their_post(self) -> None:
        PostFactory().enclosures.create(url=THERE, media_type="audio/mpeg")
        Post.objects.get().delete()
        assert not Enclosure.objects.exists()


class TestOfTexts:
    @pytest.mark.parametrize(
        "source",
        [
            '<audio controls src="{}"></audio>',
            '<video><source src="{}"></video>',
            'Hear <a href="{}">it</a>.',
            'Hear <a href="http://testserver{}">it</a>.',
        ],
    )
    def test_a_recording_of_the_library_is_enclosed(self, client: Client, source: str) -> None:
        document = stored()
        PostFactory(source=source.format(document.file.url), markup="html")
        url = f"http://testserver{document.file.url}"
        assert in_rss(client) == [{"url": url, "length": str(document.size), "type": "audio/mpeg"}]

    def test_names_in_any_script(self, client: Client) -> None:
        document = stored("حديث.mp3")
        PostFactory(source=f"[Hear]({document.file.url})")
        assert [each["url"] for each in in_rss(client)] == [f"http://testserver{document.file.url}"]

    def test_what_was_not_there_when_it_was_published_is_enclosed_as_well(self, client: Client) -> None:
        post = PostFactory(source="Nothing yet.")
        post.source = f"[Hear]({stored().file.url})"
        post.save()
        assert len(in_rss(client)) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "[Read]({pdf})",
            "Hear {mp3}.html",
            "https://elsewhere.example{mp3}",
            "[Hear](/media/documents/2014/05/gone.mp3)",
            "[Hear](https://elsewhere.example/one.mp3)",
        ],
    )
    def test_nothing_else_is(self, client: Client, source: str) -> None:
        PostFactory(source=source.format(pdf=stored("a.pdf").file.url, mp3=stored().file.url))
        assert in_rss(client) == []

    def test_of_one_that_wordpress_enclosed_too_there_is_one(self, client: Client) -> None:
        document = stored()
        url = f"http://testserver{document.file.url}"
        PostFactory(source=f"[Hear]({document.file.url})").enclosures.create(url=url, length=1, media_type="x/y")
        assert in_rss(client) == [{"url": url, "length": str(document.size), "type": "audio/mpeg"}]


def test_queries_do_not_grow_with_the_number_of_posts(client: Client, django_assert_max_num_queries: Any) -> None:
    def publish(number: int) -> None:
        for each in range(number):
            post = PostFactory(source=f"[Hear]({stored().file.url})", tags=["t"])
            post.enclosures.create(url=f"https://old.example/wp-content/uploads/{each}.mp3", media_type="audio/mpeg")

    for path in ("/feed/", "/tag/t/feed/atom/"):
        publish(1)
        with django_assert_max_num_queries(10) as few:
            client.get(path)
        publish(8)
        cache.clear()
        with django_assert_max_num_queries(10) as many:
            client.get(path)
        assert len(many) == len(few), path
