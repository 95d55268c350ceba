"""Texts show the files of the old site from the library; what their authors wrote stays as it is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blog.models import Page, Post
from blog.rendering import render
from library.models import Picture
from tests.wordpress.conftest import Bring
from tests.wordpress.exports import attachment, item, page
from tests.wordpress.files import put
from wordpress.media_folder import MediaFolder
from wordpress.models import Attachment

pytestmark = pytest.mark.django_db

FILES = "https://thoolen.files.wordpress.com"
SITE = "https://thoolen.wordpress.com"

type Shown = Callable[[str], str]


@pytest.fixture
def shown(bring: Bring, tmp_path: Path) -> Shown:
    """The body that a post with this source has once the files have come."""
    folder = put(tmp_path / "export", "2014/03/a.png", "2014/03/big-scaled.png", "2014/03/Report.pdf")
    put(folder, "2014/03/talk.mp3", "2014/03/film.mp4")

    def show(source: str) -> str:
        bring(
            item(7, content=source),
            attachment(30, attachment_url=f"{FILES}/2014/03/a.png", alt="The alt"),
            attachment(31, attachment_url=f"{FILES}/2014/03/big-scaled.png"),
            attachment(32, attachment_url=f"{FILES}/2014/03/Report.pdf"),
            attachment(33, attachment_url=f"{FILES}/2014/03/talk.mp3"),
            attachment(34, attachment_url=f"{FILES}/2014/03/film.mp4"),
            media=MediaFolder(folder),
            site=SITE,
        )
        post = Post.objects.get()
        assert post.source == source
        return post.body_html

    return show


def url(number: int) -> str:
    return Attachment.objects.get(wordpress_id=number).file_url


class TestPictures:
    @pytest.mark.parametrize(
        "address",
        [
            f"{FILES}/2014/03/a.png",
            "http://thoolen.files.wordpress.com/2014/03/a.png?w=300&amp;h=200",
            "//thoolen.files.wordpress.com/2014/03/a.png",
            f"{FILES}/2014/03/a-300x200.png",
            f"{FILES}/2014/03/a-e1400000000000.png",
            f"{SITE}/wp-content/uploads/2014/03/a.png",
            f"{SITE}/files/2014/03/a.png",
            "https://i0.wp.com/thoolen.files.wordpress.com/2014/03/a.png?resize=300%2C200&amp;ssl=1",
            "/wp-content/uploads/2014/03/a.png",
            "http://testserver/wp-content/uploads/2014/03/a.png",
        ],
    )
    def test_are_shown_from_here(self, shown: Shown, address: str) -> None:
        html = shown(f'<img class="alignleft wp-image-30" src="{address}" alt="What">')
        assert f'src="{url(30)}"' in html
        assert 'alt="What"' in html

    @pytest.mark.parametrize("address", [f"{FILES}/2014/03/big.png", f"{FILES}/2014/03/big-1024x768.png?w=5"])
    def test_of_a_scaled_one_are_known_by_the_name_it_had_before(self, shown: Shown, address: str) -> None:
        html = shown(f'<img src="{address}">')
        assert f'src="{url(31)}"' in html

    def test_with_a_link_to_the_file_lead_to_it_here(self, shown: Shown) -> None:
        html = shown(f'<a href="{FILES}/2014/03/a.png"><img src="{FILES}/2014/03/a-300x200.png" alt=""></a>')
        assert html.count(url(30)) == 2
        assert "wordpress.com" not in html

    def test_of_the_block_editor_too(self, shown: Shown) -> None:
        html = shown(
            '<!-- wp:gallery {"ids":[30]} --><figure class="wp-block-gallery"><ul><li><figure>'
            f'<img src="{FILES}/2014/03/a.png?w=1024" alt="" data-id="30">'
            "</figure></li></ul></figure><!-- /wp:gallery -->"
        )
        assert f'src="{url(30)}"' in html

    @pytest.mark.parametrize(
        "address",
        [
            "https://other.files.wordpress.com/2014/03/a.png",
            "https://evil.example/wp-content/uploads/2014/03/a.png",
            f"{FILES}/2014/03/unknown.png",
            f"{FILES}/2014/03/a.png.exe",
            "https://i0.wp.com/evil.example/2014/03/a.png",
        ],
    )
    def test_of_others_and_unknown_ones_stay_links(self, shown: Shown, address: str) -> None:
        html = shown(f'<img src="{address}" alt="x">')
        assert "<img" not in html
        assert address in html

    def test_at_a_former_host_are_shown(self, shown: Shown, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["older.example"]
        html = shown('<img src="https://older.example/wp-content/uploads/2014/03/a.png">')
        assert f'src="{url(30)}"' in html

    def test_in_any_markup(self, shown: Shown) -> None:
        shown("")
        assert url(30) in render(f"![x]({FILES}/2014/03/a.png)", "markdown").body_html
        assert url(30) in render(f'<img src="{FILES}/2014/03/a.png">', "html").body_html

    def test_that_were_deleted_are_links_again(self, shown: Shown) -> None:
        shown(f'<img src="{FILES}/2014/03/a.png" alt="x">')
        Picture.objects.get(attachments__wordpress_id=30).delete()
        post = Post.objects.get()
        post.save()
        assert f'href="{FILES}/2014/03/a.png"' in post.body_html


class TestDocuments:
    def test_alone_on_a_line_are_named(self, shown: Shown) -> None:
        html = shown(f"Before\n\n{FILES}/2014/03/Report.pdf\n\nAfter")
        assert f'<a href="{url(32)}">Click to access Report.pdf</a>' in html

    def test_in_a_sentence_keep_their_words(self, shown: Shown) -> None:
        html = shown(f"See {FILES}/2014/03/Report.pdf, page 3.")
        assert f'<a href="{url(32)}">{FILES}/2014/03/Report.pdf</a>, page 3.' in html

    def test_that_are_linked_lead_here(self, shown: Shown) -> None:
        html = shown(f'<a href="{FILES}/2014/03/Report.pdf">it</a>')
        assert f'<a href="{url(32)}">it</a>' in html


class TestRecordingsAndFilms:
    @pytest.mark.parametrize(
        "source",
        [
            f"[audio {FILES}/2014/03/talk.mp3]",
            f'[audio mp3="{FILES}/2014/03/talk.mp3"][/audio]',
            f'<!-- wp:audio --><figure><audio src="{FILES}/2014/03/talk.mp3"></audio></figure><!-- /wp:audio -->',
            f'<audio autoplay><source src="{FILES}/2014/03/talk.mp3" type="audio/mpeg"></audio>',
        ],
    )
    def test_of_this_site_are_played_from_here(self, shown: Shown, source: str) -> None:
        html = shown(source)
        assert f'src="{url(33)}"' in html
        assert re.search('<audio [^>]*controls="" preload="none"', html)
        assert "wordpress.com" not in html

    def test_films_too(self, shown: Shown) -> None:
        html = shown(f'[video width="640" height="360" mp4="{SITE}/wp-content/uploads/2014/03/film.mp4"][/video]')
        assert f'<video width="640" height="360" controls="" preload="none"><source src="{url(34)}"></video>' in html

    def test_of_others_stay_links(self, shown: Shown) -> None:
        html = shown("[audio https://example.org/wp-content/uploads/2014/03/talk.mp3]")
        assert "<audio" not in html
        assert 'href="https://example.org/wp-content/uploads/2014/03/talk.mp3"' in html

    def test_that_are_linked_lead_here(self, shown: Shown) -> None:
        html = shown(f'<a href="{FILES}/2014/03/talk.mp3">listen</a> {FILES}/2014/03/film.mp4')
        assert f'<a href="{url(33)}">listen</a>' in html
        assert f'href="{url(34)}"' in html


class TestUnusualPlaces:
    """What the export says of a file's address counts, wherever the old site kept its files."""

    @pytest.mark.parametrize(
        ("kept", "named"),
        [
            ("https://old.example/pics/a.png", "http://old.example/pics/a.png?w=300"),
            ("https://old.example/pics/a.png", "//old.example/pics/a-300x200.png"),
            ("https://old.example/pics/a.png", "https://old.example/pics/a-300x200@2x.png"),
            ("https://old.example/pics/a.png", "https://testserver/pics/a.png"),
            ("https://old.example/pics/a.png", "/pics/a.png"),
            ("https://old.example/pics/a.png", "https://i2.wp.com/old.example/pics/a.png?ssl=1"),
            ("https://old.example/pics/a.png", "https://old.example/pics/a-rotated.png"),
            ("https://old.example/files/2012/05/a.png", "https://old.example/files/2012/05/a-150x150.png"),
            ("https://old.example/wp-content/blogs.dir/3/files/a.png", "https://old.example/files/a.png"),
            ("https://old.example/wp-content/uploads/sites/3/a.png", "/wp-content/uploads/sites/3/a-1x1.png"),
            ("https://cdn.example/uploads/a.png", "http://cdn.example/uploads/a.png"),
        ],
    )
    def test_show_the_file_and_answer(
        self, bring: Bring, tmp_path: Path, client: Client, settings: Settings, kept: str, named: str
    ) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["old.example"]
        folder = MediaFolder(put(tmp_path / "files", "a.png"))
        parts = (item(7, content=f'<img src="{named}">'), attachment(30, attachment_url=kept))
        bring(*parts, media=folder, site="https://old.example")
        text = Post.objects.get()
        assert f'src="{url(30)}"' in render(text.source, text.markup).body_html
        response = client.get(kept.partition("example")[2])
        assert (response.status_code, response["Location"]) == (301, url(30))


class TestQueries:
    def test_one_for_a_text_however_many_it_shows(self, shown: Shown) -> None:
        shown("")
        source = f'<img src="{FILES}/2014/03/a.png"> <a href="{FILES}/2014/03/Report.pdf">it</a> ' * 50
        with CaptureQueriesContext(connection) as caught:
            render(source, "html")
        assert len(caught) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "No picture.",
            '<img src="/a.png">',
            '<img src="/media/pictures/2026/11/a.png"> <a href="https://example.org/report.pdf">it</a>',
            '<a href="https://example.org/2014/03/01/post/">it</a>',
        ],
    )
    def test_none_for_one_that_can_show_none(self, source: str) -> None:
        with CaptureQueriesContext(connection) as caught:
            render(source, "html")
        assert len(caught) == 0


class TestTwoSites:
    def test_with_a_file_of_the_same_path_each_keep_their_own(self, bring: Bring, tmp_path: Path) -> None:
        first, second = put(tmp_path / "1", "2014/03/a.png"), put(tmp_path / "2", "2014/03/a.png")
        for number, site, folder in ((7, "https://one.example", first), (8, "https://two.example", second)):
            address = f"{site}/wp-content/uploads/2014/03/a.png"
            bring(
                item(number, content=f'<img src="{address}">'),
                attachment(30, attachment_url=address),
                media=MediaFolder(folder),
                site=site,
            )
        for number, site in ((7, "https://one.example"), (8, "https://two.example")):
            assert Attachment.objects.get(site=site).file_url in Post.objects.get(pk=number).body_html

    def test_with_pictures_of_the_same_numbers_each_keep_their_own(self, bring: Bring, tmp_path: Path) -> None:
        folder = MediaFolder(put(tmp_path / "1", "one.png", "two.png"))
        for number, site, name in ((7, "https://one.example", "one.png"), (8, "https://two.example", "two.png")):
            bring(
                item(number, content='[gallery ids="30"]'),
                attachment(30, attachment_url=f"{site}/wp-content/uploads/{name}"),
                media=folder,
                site=site,
            )
        for number, site in ((7, "https://one.example"), (8, "https://two.example")):
            assert Attachment.objects.get(site=site).file_url in Post.objects.get(pk=number).body_html


class TestGalleries:
    @pytest.fixture
    def gallery(self, bring: Bring, tmp_path: Path) -> Shown:
        folder = put(tmp_path / "export", *(f"2014/03/{n}.png" for n in range(30, 35)))

        def show(source: str) -> str:
            bring(
                item(7, content=source),
                page(20, content="[gallery]"),
                attachment(30, "2014/03/30.png", post_parent=7, menu_order=2, alt="Thirty"),
                attachment(31, "2014/03/31.png", post_parent=7, menu_order=1, excerpt="Below"),
                attachment(32, "2014/03/32.png", post_parent=20),
                attachment(33, "2014/03/33.png"),
                media=MediaFolder(folder),
            )
            return Post.objects.get().body_html

        return show

    def numbers(self, html: str) -> list[int]:
        by_url = {each.file_url: each.wordpress_id for each in Attachment.objects.with_file()}
        return [by_url[part.partition('"')[0]] for part in html.split('<img src="')[1:]]

    def test_by_numbers(self, gallery: Shown) -> None:
        html = gallery('[gallery ids="33,30"]')
        assert self.numbers(html) == [33, 30]
        assert 'alt="Thirty"' in html

    def test_without_numbers_show_what_was_uploaded_to_the_post_in_its_order(self, gallery: Shown) -> None:
        html = gallery("[gallery]")
        assert self.numbers(html) == [31, 30]
        assert "<figcaption>Below</figcaption>" in html

    def test_of_a_page(self, gallery: Shown) -> None:
        gallery("")
        assert self.numbers(Page.objects.get().body_html) == [32]

    @pytest.mark.parametrize(
        ("shortcode", "numbers"),
        [
            ('[gallery id="20"]', [32]),
            ('[gallery exclude="31"]', [30]),
            ('[gallery order="DESC"]', [30, 31]),
            ('[gallery ids="x"]', []),
            ('[gallery id="999"]', []),
        ],
    )
    def test_attributes(self, gallery: Shown, shortcode: str, numbers: list[int]) -> None:
        assert self.numbers(gallery(shortcode)) == numbers

    def test_are_shown_in_the_preview_of_a_text_that_is_not_stored(self, gallery: Shown) -> None:
        gallery("")
        assert self.numbers(render('[gallery ids="33"]', "wordpress").body_html) == [33]

    def test_take_two_queries(self, gallery: Shown) -> None:
        gallery("[gallery]")
        post = Post.objects.get()
        with CaptureQueriesContext(connection) as caught:
            post.render()
        assert len(caught) == 2
