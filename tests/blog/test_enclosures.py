"""Enclosures in feeds: files that WordPress enclosed, and audio and video files that the texts link to."""

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blog.models import Enclosure, Entry, Post
from media.documents import build_document
from media.models import Document
from tests.factories import PageFactory, PostFactory
from tests.factories.admin import admin_url, form_data, log_in
from tests.factories.files import SAMPLES
from tests.factories.responses import ATOM, find, read, read_xml

pytestmark = pytest.mark.django_db

REMOTE_URL = "https://podcast.example/one.mp3"


def create_document(name: str = "talk.mp3") -> Document:
    document = build_document(ContentFile(SAMPLES["." + name.rpartition(".")[2]], name=name))
    document.save()
    return document


def rss_enclosures(client: Client, path: str = "/feed/") -> list[dict[str, str]]:
    return [enclosure.attrib for enclosure in read_xml(client, path).iter("enclosure")]


class TestImportedEnclosures:
    def test_are_all_in_rss_in_their_order(self, client: Client) -> None:
        post = PostFactory()
        post.enclosures.create(url=REMOTE_URL, length=12345, media_type="audio/mpeg")
        post.enclosures.create(url="https://podcast.example/a?b&c", media_type="video/mp4")
        assert rss_enclosures(client) == [
            {"url": REMOTE_URL, "length": "12345", "type": "audio/mpeg"},
            {"url": "https://podcast.example/a?b&c", "length": "0", "type": "video/mp4"},
        ]

    def test_are_links_in_atom(self, client: Client) -> None:
        post = PostFactory()
        post.enclosures.create(url=REMOTE_URL, length=5, media_type="audio/mpeg")
        links = [link.attrib for link in read_xml(client, "/feed/atom/").iter(f"{ATOM}link")]
        assert {"rel": "enclosure", "href": REMOTE_URL, "length": "5", "type": "audio/mpeg"} in links

    @pytest.mark.parametrize("path", ["/feed/", "/feed/atom/"])
    def test_lose_the_characters_that_xml_cannot_hold(self, client: Client, path: str) -> None:
        PostFactory().enclosures.create(url=REMOTE_URL, media_type="audio/\x02mpeg")
        values = {value for element in read_xml(client, path).iter() for value in element.attrib.values()}
        assert "audio/mpeg" in values

    def test_belong_to_one_post_only(self, client: Client) -> None:
        PostFactory().enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        PostFactory(title="Newer")
        items = read_xml(client, "/feed/").findall("channel/item")
        assert [len(item.findall("enclosure")) for item in items] == [0, 1]

    def test_with_the_same_url_are_enclosed_once(self, client: Client) -> None:
        post = PostFactory()
        for _time in range(2):
            post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        assert len(rss_enclosures(client)) == 1

    def test_are_deleted_with_their_post(self) -> None:
        PostFactory().enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        Post.objects.get().delete()
        assert not Enclosure.objects.exists()


class TestEnclosuresFromTexts:
    @pytest.mark.parametrize(
        "source",
        [
            '<audio controls src="{}"></audio>',
            '<video><source src="{}"></video>',
            'Hear <a href="{}">it</a>.',
            'Hear <a href="http://testserver{}">it</a>.',
        ],
    )
    def test_an_audio_file_of_the_media_library_is_enclosed(self, client: Client, source: str) -> None:
        document = create_document()
        PostFactory(source=source.format(document.file.url), markup="html")
        url = f"http://testserver{document.file.url}"
        assert rss_enclosures(client) == [{"url": url, "length": str(document.size), "type": "audio/mpeg"}]

    def test_a_file_of_an_earlier_release_is_enclosed(self, client: Client) -> None:
        document = create_document()
        name = "documents/2014/05/one.mp3"
        storage: Any = document.file.storage
        storage.move(str(document.file.name), name)
        Document.objects.update(file=name)
        PostFactory(source=f"[Hear](/media/{name})")
        assert len(rss_enclosures(client)) == 1

    def test_file_names_can_be_in_any_script(self, client: Client) -> None:
        document = create_document("حديث.mp3")
        PostFactory(source=f"[Hear]({document.file.url})")
        assert [enclosure["url"] for enclosure in rss_enclosures(client)] == [f"http://testserver{document.file.url}"]

    def test_a_file_added_after_publication_is_enclosed(self, client: Client) -> None:
        post = PostFactory(source="Nothing yet.")
        post.source = f"[Hear]({create_document().file.url})"
        post.save()
        assert len(rss_enclosures(client)) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "[Read]({pdf})",
            "Hear {mp3}.html",
            "https://elsewhere.example{mp3}",
            "[Hear](/media/documents/2014/05/gone.mp3)",
            "[Hear](/media/documents/2014/05/no%00name.mp3)",
            "[Hear](https://elsewhere.example/one.mp3)",
        ],
    )
    def test_other_links_are_not_enclosed(self, client: Client, source: str) -> None:
        PostFactory(source=source.format(pdf=create_document("a.pdf").file.url, mp3=create_document().file.url))
        assert rss_enclosures(client) == []

    def test_a_file_that_wordpress_enclosed_too_is_enclosed_once(self, client: Client) -> None:
        document = create_document()
        url = f"http://testserver{document.file.url}"
        PostFactory(source=f"[Hear]({document.file.url})").enclosures.create(url=url, length=1, media_type="x/y")
        assert rss_enclosures(client) == [{"url": url, "length": str(document.size), "type": "audio/mpeg"}]


def test_queries_do_not_grow_with_the_number_of_posts(client: Client, django_assert_max_num_queries: Any) -> None:
    def publish(count: int) -> None:
        for number in range(count):
            post = PostFactory(source=f"[Hear]({create_document().file.url})", tags=["t"])
            post.enclosures.create(url=f"https://old.example/wp-content/uploads/{number}.mp3", media_type="audio/mpeg")

    for path in ("/feed/", "/tag/t/feed/atom/"):
        publish(1)
        with django_assert_max_num_queries(10) as few:
            client.get(path)
        publish(8)
        cache.clear()
        with django_assert_max_num_queries(10) as many:
            client.get(path)
        assert len(many) == len(few), path


class TestPlayers:
    """Above a text that doesn't have the enclosed files, there are players for them."""

    @staticmethod
    def page(client: Client, entry: Entry) -> str:
        cache.clear()
        return client.get(entry.get_absolute_url()).content.decode()

    @pytest.mark.parametrize("factory", [PostFactory, PageFactory])
    def test_a_file_of_the_library_has_a_player_above_the_text(self, client: Client, factory: Any) -> None:
        document = create_document()
        entry = factory(source="Notes.")
        entry.enclosures.create(url=f"http://testserver{document.file.url}", media_type="audio/mpeg")
        page = self.page(client, entry)
        assert page.index(f'<audio src="http://testserver{document.file.url}"') < page.index("Notes.</p>")

    def test_a_file_elsewhere_has_a_link_because_a_player_would_load_it(self, client: Client) -> None:
        post = PostFactory(source="Notes.")
        post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        post.enclosures.create(url="https://podcast.example/notes.pdf?a=<b>", media_type="application/pdf")
        page = self.page(client, post)
        assert f'href="{REMOTE_URL}"' in page
        assert "one.mp3</a>" in page
        assert 'href="https://podcast.example/notes.pdf?a=%3Cb%3E"' in page
        assert f'src="{REMOTE_URL}' not in page

    @pytest.mark.parametrize(
        "source",
        [
            f"[Hear]({REMOTE_URL})",
            f"[Hear]({REMOTE_URL.replace('https:', 'http:')})",
            f"[Hear](https://counting.example/p/{REMOTE_URL.removeprefix('https://')}?from=text)",
        ],
    )
    def test_a_file_that_is_in_the_text_is_not_shown_twice(self, client: Client, source: str) -> None:
        post = PostFactory(source=source)
        post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        assert self.page(client, post).count("one.mp3") == 1

    def test_a_file_of_the_library_that_is_in_the_text_is_not_shown_twice(self, client: Client) -> None:
        document = create_document()
        post = PostFactory(source=f'<audio src="{document.file.url}"></audio>', markup="html")
        post.enclosures.create(url=f"http://testserver{document.file.url}", media_type="audio/mpeg")
        assert self.page(client, post).count("<audio") == 1

    def test_they_are_on_the_first_page_only(self, client: Client) -> None:
        post = PostFactory(source="One.\n<!--nextpage-->\nTwo.", markup="wordpress")
        post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        assert REMOTE_URL in self.page(client, post)
        assert REMOTE_URL not in client.get(f"{post.get_absolute_url()}2/").content.decode()

    def test_they_follow_changes_of_the_files_and_of_the_text(self, client: Client) -> None:
        post = PostFactory(source="Notes.")
        first = post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        post.enclosures.create(url="https://podcast.example/two.mp3", media_type="audio/mpeg")
        page = self.page(client, post)
        assert page.index("one.mp3</a>") < page.index("two.mp3</a>")
        first.delete()
        page = self.page(client, post)
        assert "one.mp3" not in page
        assert "two.mp3</a>" in page
        post.source = "[Hear](https://podcast.example/two.mp3)"
        post.save()
        assert self.page(client, post).count("two.mp3") == 1

    def test_they_are_made_once(self, client: Client, django_assert_num_queries: Any) -> None:
        post = PostFactory(source="Notes.")
        self.page(client, post)
        with CaptureQueriesContext(connection) as queries:
            self.page(client, post)
        # Later requests clear the log.
        count = len(queries)
        post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        assert "one.mp3" in self.page(client, post)
        with django_assert_num_queries(count):
            assert "one.mp3" in self.page(client, post)

    def test_a_new_post_is_previewed_without_those_of_others(self, client: Client) -> None:
        other = PostFactory()
        other.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        log_in(client, "Editor")
        data = form_data(title="Draft", source="Notes.", author=other.author_id)
        page = client.post(admin_url(Post, "preview_new"), data)
        assert page.status_code == 200
        assert REMOTE_URL not in page.content.decode()

    def test_a_locked_post_has_none(self, client: Client) -> None:
        post = PostFactory(password="secret")
        post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        assert REMOTE_URL not in self.page(client, post)


class TestRemoving:
    """The form of a post lists its enclosures, because a feed and a page may offer a file that no longer exists."""

    @pytest.fixture(autouse=True)
    def editor(self, client: Client) -> None:
        log_in(client, "Editor")

    @staticmethod
    def choices(client: Client, post: Post) -> list[str | None]:
        boxes = find(read(client.get(admin_url(post, "change"))), "input[name=removed_enclosures]")
        assert not [box for box in boxes if "checked" in box.attrib]
        return [box.get("value") for box in boxes]

    def test_of_chosen_files_only(self, client: Client) -> None:
        post = PostFactory()
        one, two = (
            post.enclosures.create(url=f"https://podcast.example/{name}.mp3", media_type="audio/mpeg")
            for name in ("one", "two")
        )
        assert self.choices(client, post) == [str(one.pk), str(two.pk)]
        assert b"two.mp3" in Client().get(post.get_absolute_url()).content
        client.post(admin_url(post, "change"), form_data(post, removed_enclosures=[two.pk]))
        assert self.choices(client, post) == [str(one.pk)]
        assert [enclosure["url"] for enclosure in rss_enclosures(client)] == [one.url]
        page = Client().get(post.get_absolute_url()).content
        assert b"one.mp3" in page
        assert b"two.mp3" not in page

    def test_needs_a_choice(self, client: Client) -> None:
        post = PostFactory()
        post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        client.post(admin_url(post, "change"), form_data(post, title="Changed"))
        assert post.enclosures.count() == 1

    @pytest.mark.parametrize("pk", ["other", "9" * 30, "x"])
    def test_of_the_file_of_another_post_is_refused(self, client: Client, pk: str) -> None:
        post, other = PostFactory(), PostFactory()
        for each in (post, other):
            each.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        sent = str(other.enclosures.get().pk) if pk == "other" else pk
        response = client.post(admin_url(post, "change"), form_data(post, removed_enclosures=[sent]))
        assert "removed_enclosures" in response.context["adminform"].form.errors
        assert Enclosure.objects.count() == 2

    def test_is_not_offered_without_files_or_to_those_who_may_not_change_the_post(self, client: Client) -> None:
        assert self.choices(client, PostFactory()) == []
        post = PostFactory()
        enclosure = post.enclosures.create(url=REMOTE_URL, media_type="audio/mpeg")
        log_in(client, "Author")
        response = client.get(admin_url(post, "change"))
        assert b"removed_enclosures" not in response.content
        client.post(admin_url(post, "change"), form_data(post, removed_enclosures=[enclosure.pk]))
        assert post.enclosures.exists()
