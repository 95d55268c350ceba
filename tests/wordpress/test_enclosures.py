"""Enclosures are imported and exported, so that subscribers to a podcast keep its episodes."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client

from blog.models import Enclosure, Page, Post
from media.documents import build_document
from media.models import Document
from tests.factories import PostFactory
from tests.factories.files import SAMPLES, write_files
from tests.factories.reports import counted, remarks
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment, category, comment, export, exported, filed, item, items, meta, page, write
from wordpress.importing.ledger import fingerprint_item
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.models import ImportedItem
from wordpress.wxr import php_values
from wordpress.wxr.reader import Export

pytestmark = pytest.mark.django_db

UPLOADED = "https://old.example/wp-content/uploads/2014/03/talk.mp3"
ELSEWHERE = "https://podcast.example/one.mp3"


def enclosure(url: str, length: object = 1234, media_type: str = "audio/mpeg", *more: str) -> str:
    return meta("enclosure", "\n".join([url, str(length), media_type, *more]))


def stored_enclosures() -> list[tuple[str, int, str]]:
    return list(Enclosure.objects.values_list("url", "length", "media_type"))


def feed_enclosures(client: Client) -> list[tuple[str | None, ...]]:
    # Cached pages expire on commit, but the transaction of a test never commits.
    cache.clear()
    feed = ET.fromstring(client.get("/feed/").content)
    return [tuple(each.get(name) for name in ("url", "length", "type")) for each in feed.iter("enclosure")]


class TestImporting:
    def test_the_feed_contains_enclosures_as_in_wordpress(self, import_parts: ImportParts, client: Client) -> None:
        parts = [item(7, inside=[enclosure(ELSEWHERE), enclosure("https://podcast.example/2.mp4", 5, "video/mp4")])]
        report = import_parts(*parts)
        assert feed_enclosures(client) == [
            (ELSEWHERE, "1234", "audio/mpeg"),
            ("https://podcast.example/2.mp4", "5", "video/mp4"),
        ]
        assert not report.notes
        assert not import_parts(*parts).has_changes

    @pytest.mark.parametrize(
        ("field", "expected"),
        [
            (f"{ELSEWHERE}\n5\naudio/mpeg mpga mp2 mp3\n", (ELSEWHERE, 5, "audio/mpeg")),
            (f" {ELSEWHERE} \r\n 5 \r\n audio/mpeg \r\n", (ELSEWHERE, 5, "audio/mpeg")),
            (f'{ELSEWHERE}\n5\naudio/mpeg\na:1:{{s:8:"duration";s:8:"00:12:34";}}', (ELSEWHERE, 5, "audio/mpeg")),
            (ELSEWHERE, (ELSEWHERE, 0, "audio/mpeg")),
            (f"{ELSEWHERE}?a=b\nmany\nnone", (f"{ELSEWHERE}?a=b", 0, "audio/mpeg")),
            ("https://podcast.example/1\n-5\n", ("https://podcast.example/1", 0, "application/octet-stream")),
            (f"{ELSEWHERE}\n{'9' * 30}\nx/{'y' * 200}", (ELSEWHERE, 0, "audio/mpeg")),
        ],
    )
    def test_every_form_of_the_field_is_read(
        self, import_parts: ImportParts, field: str, expected: tuple[str, int, str]
    ) -> None:
        import_parts(item(7, inside=[meta("enclosure", field)]))
        assert stored_enclosures() == [expected]

    @pytest.mark.parametrize(
        "field", ["not a URL", "javascript:alert(1)\n1\naudio/mpeg", f"https://a.example/{'x' * 2000}\n1\naudio/mpeg"]
    )
    def test_unreadable_fields_are_reported(self, import_parts: ImportParts, field: str) -> None:
        report = import_parts(item(7, inside=[meta("enclosure", field), enclosure(ELSEWHERE)]))
        assert stored_enclosures() == [(ELSEWHERE, 1234, "audio/mpeg")]
        assert remarks(report) == ["post 7: 1 of its enclosures has no readable URL and was skipped."]

    def test_the_number_of_enclosures_is_limited(self, import_parts: ImportParts) -> None:
        report = import_parts(item(7, inside=[enclosure(f"https://a.example/{index}.mp3") for index in range(120)]))
        assert Enclosure.objects.count() == 100
        assert remarks(report)[0].startswith("post 7: 20 of its enclosures have no readable URL")

    def test_a_changed_enclosure_updates_the_post(self, import_parts: ImportParts) -> None:
        import_parts(item(7, inside=[enclosure(ELSEWHERE)]), item(8, inside=[enclosure(ELSEWHERE)]))
        report = import_parts(item(7, inside=[enclosure(UPLOADED)]), item(8, inside=[enclosure(ELSEWHERE)]))
        assert counted(report, "post") == {"updated": 1, "unchanged": 1}
        assert [each.url for each in Post.objects.get(pk=7).enclosures.all()] == [UPLOADED]
        assert counted(import_parts(item(7)), "post") == {"updated": 1}
        assert not Post.objects.get(pk=7).enclosures.exists()

    def test_enclosures_added_to_the_export_are_imported_the_next_time(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        assert counted(import_parts(item(7, inside=[enclosure(ELSEWHERE)])), "post") == {"updated": 1}
        assert len(stored_enclosures()) == 1

    def test_the_fingerprint_of_an_item_without_enclosures_does_not_change(self, import_parts: ImportParts) -> None:
        import_parts(item(7))
        assert ImportedItem.objects.get(kind="post").fingerprint == "7469c0b5b6583fc20324c39f807250d4"

    def test_enclosures_of_pages_are_skipped_because_no_feed_has_pages(self, import_parts: ImportParts) -> None:
        report = import_parts(page(20, inside=[enclosure(ELSEWHERE)]))
        assert Page.objects.exists()
        assert not stored_enclosures()
        assert any("1 item has this custom field" in remark for remark in remarks(report))


class TestImportedFiles:
    def test_the_feed_links_to_the_file_once_it_is_imported(
        self, import_parts: ImportParts, tmp_path: Path, client: Client
    ) -> None:
        write_files(tmp_path / "files", "2014/03/talk.mp3")
        parts = [
            item(7, inside=[enclosure(UPLOADED, 99), enclosure(ELSEWHERE)]),
            attachment(30, "2014/03/talk.mp3"),
        ]
        import_parts(*parts)
        assert feed_enclosures(client)[0] == (UPLOADED, "99", "audio/mpeg")
        import_parts(*parts, media=MediaFolder(tmp_path / "files"))
        talk = Document.objects.get()
        local = (f"http://testserver{talk.file.url}", str(talk.size), "audio/mpeg")
        assert feed_enclosures(client) == [local, (ELSEWHERE, "1234", "audio/mpeg")]
        assert stored_enclosures()[0] == (UPLOADED, 99, "audio/mpeg")

    def test_a_file_that_is_also_in_the_text_is_enclosed_only_once(
        self, import_parts: ImportParts, tmp_path: Path, client: Client
    ) -> None:
        write_files(tmp_path / "files", "2014/03/talk.mp3")
        part = item(7, content=f'[audio src="{UPLOADED}"]', inside=[enclosure(UPLOADED)])
        import_parts(part, attachment(30, "2014/03/talk.mp3"), media=MediaFolder(tmp_path / "files"))
        assert "<audio" in Post.objects.get().body_html
        assert len(feed_enclosures(client)) == 1


class TestFieldsOfPlugins:
    """Plugins for podcasts and themes have the file of a post in fields of their own."""

    PODPRESS = php_values.serialise({0: {"URI": ELSEWHERE, "title": "One", "type": "audio_mp3", "size": 77}})

    @pytest.mark.parametrize(
        ("key", "value", "length"),
        [
            ("audio_file", ELSEWHERE, 0),
            ("any_name", f" {ELSEWHERE} ", 0),
            ("_audiourl", ELSEWHERE, 0),
            ("_ctc_sermon_audio", ELSEWHERE, 0),
            ("_format_audio_embed", ELSEWHERE, 0),
            ("_second-show:enclosure", f"{ELSEWHERE}\n77\naudio/mpeg", 77),
            ("_podPressMedia", PODPRESS, 77),
            ("podPressMedia", php_values.serialise(PODPRESS), 77),
        ],
    )
    def test_the_file_is_an_enclosure(
        self, import_parts: ImportParts, client: Client, key: str, value: str, length: int
    ) -> None:
        part = item(7, inside=[meta(key, value)])
        report = import_parts(part)
        assert stored_enclosures() == [(ELSEWHERE, length, "audio/mpeg")]
        assert not [remark for remark in remarks(report) if "custom field" in remark]
        assert f'href="{ELSEWHERE}"' in client.get("/2014/03/01/post-7/").content.decode()
        assert feed_enclosures(client)
        assert not import_parts(part).has_changes

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("_members_file", ELSEWHERE),
            ("notes", f"Listen to {ELSEWHERE}"),
            ("website", "https://podcast.example/"),
            ("picture", "https://podcast.example/one.jpg"),
            ("_podPressMedia", "a:1:{broken"),
            ("_podPressMedia", php_values.serialise({0: "https://podcast.example/one.mp3"})),
        ],
    )
    def test_other_fields_are_only_preserved(self, import_parts: ImportParts, key: str, value: str) -> None:
        import_parts(item(7, inside=[meta(key, value)]))
        assert not stored_enclosures()

    def test_a_file_that_several_fields_name_is_stored_once(self, import_parts: ImportParts) -> None:
        same = [meta("audio_file", ELSEWHERE.replace("https:", "http:")), meta("episode", ELSEWHERE)]
        import_parts(item(7, inside=[enclosure(ELSEWHERE, 5), *same]))
        assert stored_enclosures() == [(ELSEWHERE, 5, "audio/mpeg")]

    def test_the_files_are_imported_like_those_in_texts(self, import_parts: ImportParts, tmp_path: Path) -> None:
        write_files(tmp_path / "files", "2014/03/talk.mp3")
        import_parts(item(7, inside=[meta("audio_file", UPLOADED)]), media=MediaFolder(tmp_path / "files"))
        assert Document.objects.count() == 1

    def test_an_import_before_they_were_known_is_completed(self, import_parts: ImportParts, tmp_path: Path) -> None:
        part = item(7, inside=[meta("audio_file", ELSEWHERE)])
        import_parts(part)
        Enclosure.objects.all().delete()
        (record,) = Export(write(tmp_path, export(part, authors=[]))).records()
        without = fingerprint_item(record._replace(meta=()))  # type: ignore[arg-type, call-arg]  # it is an item
        ImportedItem.objects.filter(kind="post").update(fingerprint=without)
        assert counted(import_parts(part), "post") == {"updated": 1}
        assert stored_enclosures() == [(ELSEWHERE, 0, "audio/mpeg")]


class TestEpisodes:
    """Items of the type `podcast` become posts, which have dates and are in feeds."""

    LINK = "https://old.example/podcast/first/"

    def episode(self, **values: Any) -> str:
        inside = [meta("audio_file", ELSEWHERE), filed("series", "talks"), comment(1)]
        usual = {"post_type": "podcast", "post_name": "first", "link": self.LINK, "inside": inside}
        return item(7, **{**usual, **values})

    def test_an_episode_becomes_a_post_with_a_player_at_its_old_url(
        self, import_parts: ImportParts, client: Client
    ) -> None:
        report = import_parts(self.episode())
        assert not [remark for remark in remarks(report) if remark.startswith("podcast")]
        response = client.get("/podcast/first/", follow=True)
        assert response.redirect_chain == [("/2014/03/01/first/", 301)]
        assert f'href="{ELSEWHERE}"' in response.content.decode()
        assert 'id="comment-1"' in response.content.decode()
        assert feed_enclosures(client) == [(ELSEWHERE, "0", "audio/mpeg")]
        assert not import_parts(self.episode()).has_changes

    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("/feed/podcast/", "/feed/"),
            ("/feed/podcast", "/feed/"),
            ("/feed/podcast/talks/", "/feed/"),
            ("/?feed=podcast", "/feed/"),
            ("/category/talks/feed/podcast/", "/category/talks/feed/"),
        ],
    )
    def test_the_feed_of_the_podcast_is_the_one_of_the_site(
        self, import_parts: ImportParts, client: Client, path: str, target: str
    ) -> None:
        import_parts(category("talks"), self.episode(inside=[filed("category", "talks")]))
        response = client.get(path)
        assert (response.status_code, response.headers["Location"]) == (301, target)

    def test_they_become_pages_if_the_owner_has_chosen_that(self, tmp_path: Path) -> None:
        path = write(tmp_path, export(self.episode()))
        import_export([path], page_types=["podcast"])
        assert Page.objects.filter(path="podcast/first").exists()
        assert not import_export([path]).has_changes
        assert not Post.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestExporting:
    def test_fields_of_plugins_and_episodes_are_exported_as_they_were(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        talk = build_document(ContentFile(SAMPLES[".mp3"], name="talk.mp3"))
        talk.save()
        fields = [("audio_file", ELSEWHERE), ("enclosure", f"{ELSEWHERE}\n0\naudio/mpeg\n"), ("mp3", UPLOADED)]
        inside = [meta(*field) for field in fields]
        text = f'<a href="{talk.file.url}">Listen</a>'
        import_parts(item(7, post_type="podcast", content=text, inside=inside), item(8, inside=inside[::2]))
        before = stored_enclosures()
        path = exported(tmp_path)
        kept = {key for key, _value in fields}
        metas = {
            each.id: {pair for pair in each.meta if pair[0] in kept}
            for each in items(path).values()
            if each.type == "post"
        }
        in_text = ("enclosure", f"http://testserver{talk.file.url}\n{talk.size}\naudio/mpeg\n")
        assert metas == {7: {*fields, in_text}, 8: {*fields[::2]}}
        assert [items(path)["post", number].custom_type for number in (7, 8)] == ["podcast", ""]
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert stored_enclosures() == before
        assert not import_export([path]).has_changes

    def test_fields_are_exported_as_they_were_and_can_be_imported_again(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(item(7, inside=[enclosure(ELSEWHERE, 5), enclosure(UPLOADED, 6, "audio/mpeg", "a:0:{}")]))
        before = stored_enclosures()
        path = exported(tmp_path)
        fields = [value for key, value in items(path)["post", 7].meta if key == "enclosure"]
        assert fields == [f"{ELSEWHERE}\n5\naudio/mpeg", f"{UPLOADED}\n6\naudio/mpeg\na:0:{{}}"]
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert stored_enclosures() == before
        assert not import_export([path]).has_changes

    @pytest.mark.parametrize("markup", ["markdown", "wordpress"])
    def test_files_in_texts_are_exported_for_wordpress_but_not_imported_here(self, tmp_path: Path, markup: str) -> None:
        talk = build_document(ContentFile(SAMPLES[".mp3"], name="talk.mp3"))
        talk.save()
        post = PostFactory(source=f'<a href="{talk.file.url}">Listen</a>', markup=markup)
        post.enclosures.create(url=ELSEWHERE, length=5, media_type="audio/mpeg")
        before = stored_enclosures()
        path = exported(tmp_path)
        fields = [value for key, value in items(path)["post", post.pk].meta if key == "enclosure"]
        assert fields[1] == f"http://testserver{talk.file.url}\n{talk.size}\naudio/mpeg\n"
        Post.objects.all().delete()
        import_export([path])
        assert stored_enclosures() == before


def test_the_fingerprint_covers_enclosures(tmp_path: Path) -> None:
    def fingerprint(*inside: str) -> str:
        path = write(tmp_path, export(item(7, inside=inside), authors=[]))
        (record,) = Export(path).records()
        return fingerprint_item(record)  # type: ignore[arg-type]  # it is an item

    assert len({fingerprint(), fingerprint(enclosure(ELSEWHERE)), fingerprint(enclosure(ELSEWHERE, 5))}) == 3
