"""Enclosures come along: who subscribed to a podcast keeps its episodes."""

from pathlib import Path
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
from tests.factories.files import SAMPLES, put
from tests.factories.reports import counted, remarks
from tests.factories.types import Bring
from tests.factories.wxr import attachment, export, exported, item, items, meta, page, write
from wordpress.importing.ledger import fingerprint_item
from wordpress.importing.media_folder import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.models import ImportedItem
from wordpress.wxr.reader import Export

pytestmark = pytest.mark.django_db

UPLOADED = "https://old.example/wp-content/uploads/2014/03/talk.mp3"
ELSEWHERE = "https://podcast.example/one.mp3"


def enclosure(url: str, length: object = 1234, media_type: str = "audio/mpeg", *more: str) -> str:
    return meta("enclosure", "\n".join([url, str(length), media_type, *more]))


def stored() -> list[tuple[str, int, str]]:
    return list(Enclosure.objects.values_list("url", "length", "media_type"))


def in_feed(client: Client) -> list[tuple[str | None, ...]]:
    # What the import changed is known to the cache once the transaction of the test ends.
    cache.clear()
    feed = ET.fromstring(client.get("/feed/").content)
    return [tuple(each.get(name) for name in ("url", "length", "type")) for each in feed.iter("enclosure")]


class TestImported:
    def test_they_stand_in_the_feed_as_in_wordpress(self, bring: Bring, client: Client) -> None:
        parts = [item(7, inside=[enclosure(ELSEWHERE), enclosure("https://podcast.example/2.mp4", 5, "video/mp4")])]
        report = bring(*parts)
        assert in_feed(client) == [
            (ELSEWHERE, "1234", "audio/mpeg"),
            ("https://podcast.example/2.mp4", "5", "video/mp4"),
        ]
        assert not report.notes
        assert not bring(*parts).has_changes

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
    def test_fields_as_they_are_found(self, bring: Bring, field: str, expected: tuple[str, int, str]) -> None:
        bring(item(7, inside=[meta("enclosure", field)]))
        assert stored() == [expected]

    @pytest.mark.parametrize(
        "field", ["no address", "javascript:alert(1)\n1\naudio/mpeg", f"https://a.example/{'x' * 2000}\n1\naudio/mpeg"]
    )
    def test_what_cannot_be_read_is_said(self, bring: Bring, field: str) -> None:
        report = bring(item(7, inside=[meta("enclosure", field), enclosure(ELSEWHERE)]))
        assert stored() == [(ELSEWHERE, 1234, "audio/mpeg")]
        assert remarks(report) == ["post 7: 1 of its enclosures has no readable URL and was skipped."]

    def test_there_are_not_endlessly_many(self, bring: Bring) -> None:
        report = bring(item(7, inside=[enclosure(f"https://a.example/{number}.mp3") for number in range(120)]))
        assert Enclosure.objects.count() == 100
        assert remarks(report)[0].startswith("post 7: 20 of its enclosures have no readable URL")

    def test_a_changed_one_renews_the_post(self, bring: Bring) -> None:
        bring(item(7, inside=[enclosure(ELSEWHERE)]), item(8, inside=[enclosure(ELSEWHERE)]))
        report = bring(item(7, inside=[enclosure(UPLOADED)]), item(8, inside=[enclosure(ELSEWHERE)]))
        assert counted(report, "post") == {"updated": 1, "unchanged": 1}
        assert [each.url for each in Post.objects.get(pk=7).enclosures.all()] == [UPLOADED]
        assert counted(bring(item(7)), "post") == {"updated": 1}
        assert not Post.objects.get(pk=7).enclosures.exists()

    def test_one_that_an_earlier_version_left_out_comes_with_the_next_import(self, bring: Bring) -> None:
        bring(item(7))
        assert counted(bring(item(7, inside=[enclosure(ELSEWHERE)])), "post") == {"updated": 1}
        assert len(stored()) == 1

    def test_the_fingerprint_of_an_item_without_enclosures_does_not_change(self, bring: Bring) -> None:
        bring(item(7))
        assert ImportedItem.objects.get(kind="post").fingerprint == "7469c0b5b6583fc20324c39f807250d4"

    def test_pages_are_in_no_feed(self, bring: Bring) -> None:
        report = bring(page(20, inside=[enclosure(ELSEWHERE)]))
        assert Page.objects.exists()
        assert not stored()
        assert any("1 item has this custom field" in remark for remark in remarks(report))


class TestFilesOfTheLibrary:
    def test_lead_here_once_they_have_come(self, bring: Bring, tmp_path: Path, client: Client) -> None:
        put(tmp_path / "files", "2014/03/talk.mp3")
        parts = [
            item(7, inside=[enclosure(UPLOADED, 99), enclosure(ELSEWHERE)]),
            attachment(30, "2014/03/talk.mp3"),
        ]
        bring(*parts)
        assert in_feed(client)[0] == (UPLOADED, "99", "audio/mpeg")
        bring(*parts, media=MediaFolder(tmp_path / "files"))
        talk = Document.objects.get()
        here = (f"http://testserver{talk.file.url}", str(talk.size), "audio/mpeg")
        assert in_feed(client) == [here, (ELSEWHERE, "1234", "audio/mpeg")]
        assert stored()[0] == (UPLOADED, 99, "audio/mpeg")

    def test_one_that_the_text_shows_too_is_enclosed_once(self, bring: Bring, tmp_path: Path, client: Client) -> None:
        put(tmp_path / "files", "2014/03/talk.mp3")
        shown = item(7, content=f'[audio src="{UPLOADED}"]', inside=[enclosure(UPLOADED)])
        bring(shown, attachment(30, "2014/03/talk.mp3"), media=MediaFolder(tmp_path / "files"))
        assert "<audio" in Post.objects.get().body_html
        assert len(in_feed(client)) == 1


@pytest.mark.django_db(transaction=True)
class TestExported:
    def test_as_wordpress_writes_them_and_back(self, bring: Bring, tmp_path: Path) -> None:
        bring(item(7, inside=[enclosure(ELSEWHERE, 5), enclosure(UPLOADED, 6, "audio/mpeg", "a:0:{}")]))
        before = stored()
        path = exported(tmp_path)
        fields = [value for key, value in items(path)["post", 7].meta if key == "enclosure"]
        assert fields == [f"{ELSEWHERE}\n5\naudio/mpeg\n", f"{UPLOADED}\n6\naudio/mpeg\n"]
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert stored() == before
        assert not import_export([path]).has_changes

    @pytest.mark.parametrize("markup", ["markdown", "wordpress"])
    def test_those_of_texts_go_along_for_wordpress_and_are_not_kept_here(self, tmp_path: Path, markup: str) -> None:
        talk = build_document(ContentFile(SAMPLES[".mp3"], name="talk.mp3"))
        talk.save()
        post = PostFactory(source=f'<a href="{talk.file.url}">Hear</a>', markup=markup)
        post.enclosures.create(url=ELSEWHERE, length=5, media_type="audio/mpeg")
        before = stored()
        path = exported(tmp_path)
        fields = [value for key, value in items(path)["post", post.pk].meta if key == "enclosure"]
        assert fields[1] == f"http://testserver{talk.file.url}\n{talk.size}\naudio/mpeg\n"
        Post.objects.all().delete()
        import_export([path])
        assert stored() == before


def test_the_fingerprint_tells_enclosures(tmp_path: Path) -> None:

    def fingerprint(*inside: str) -> str:
        (found,) = (each for each in Export(write(tmp_path, export(item(7, inside=inside), authors=[]))).records())
        return fingerprint_item(found)  # type: ignore[arg-type]  # there is one item

    assert len({fingerprint(), fingerprint(enclosure(ELSEWHERE)), fingerprint(enclosure(ELSEWHERE, 5))}) == 3
