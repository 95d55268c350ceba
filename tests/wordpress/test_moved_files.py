"""Posts show the files of the old site from the media library, although their source is unchanged."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blog.models import Page, Post
from blog.rendering import render
from blog.rerendering import RerenderResult, rerender
from core.http import host_of
from media.models import Picture
from tests.factories.files import write_files
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment, item, page
from wordpress.importing.media_source import MediaFolder
from wordpress.legacy_urls import moved_files
from wordpress.models import Attachment

pytestmark = pytest.mark.django_db

FILES = "https://thoolen.files.wordpress.com"
SITE = "https://thoolen.wordpress.com"

type Shown = Callable[[str], str]


@pytest.fixture
def rendered(import_parts: ImportParts, tmp_path: Path) -> Shown:
    """Return a function that imports a post with this source and its files, and returns its body."""
    folder = write_files(tmp_path / "export", "2014/03/a.png", "2014/03/big-scaled.png", "2014/03/Report.pdf")
    write_files(folder, "2014/03/talk.mp3", "2014/03/march.mp4", "2014/03/march.vtt")

    def show(source: str) -> str:
        import_parts(
            item(7, content=source),
            attachment(30, attachment_url=f"{FILES}/2014/03/a.png", alt="The alt"),
            attachment(31, attachment_url=f"{FILES}/2014/03/big-scaled.png"),
            attachment(32, attachment_url=f"{FILES}/2014/03/Report.pdf"),
            attachment(33, attachment_url=f"{FILES}/2014/03/talk.mp3"),
            attachment(34, attachment_url=f"{FILES}/2014/03/march.mp4"),
            attachment(35, attachment_url=f"{FILES}/2014/03/march.vtt"),
            media=MediaFolder(folder),
            site=SITE,
        )
        post = Post.objects.get()
        assert post.source == source
        return post.body_html

    return show


def file_url(wordpress_id: int) -> str:
    return Attachment.objects.get(wordpress_id=wordpress_id).file_url


class TestPictures:
    @pytest.mark.parametrize(
        "url",
        [
            f"{FILES}/2014/03/a.png",
            "http://thoolen.files.wordpress.com/2014/03/a.png?w=300&amp;h=200",
            "//thoolen.files.wordpress.com/2014/03/a.png",
            f"{FILES}/2014/03/a-300x200.png",
            f"{FILES}/2014/03/a.thumbnail.png",
            f"{FILES}/2014/03/a-e1400000000000.png",
            f"{SITE}/wp-content/uploads/2014/03/a.png",
            f"{SITE}/files/2014/03/a.png",
            "https://Thoolen.Files.WordPress.com/2014/03/a.png",
            "https://Thoolen.WordPress.com/files/2014/03/a.png",
            "https://i0.wp.com/thoolen.files.wordpress.com/2014/03/a.png?resize=300%2C200&amp;ssl=1",
            "https://i0.wp.com/i2.wp.com/thoolen.files.wordpress.com/2014/03/a.png?fit=300%2C200&amp;ssl=1",
            "/wp-content/uploads/2014/03/a.png",
            "http://testserver/wp-content/uploads/2014/03/a.png",
        ],
    )
    def test_are_served_from_the_media_library(self, rendered: Shown, url: str) -> None:
        html = rendered(f'<img class="alignleft wp-image-30" src="{url}" alt="What">')
        assert f'src="{file_url(30)}"' in html
        assert 'alt="What"' in html

    @pytest.mark.parametrize("url", [f"{FILES}/2014/03/big.png", f"{FILES}/2014/03/big-1024x768.png?w=5"])
    def test_that_were_scaled_are_found_by_their_original_name(self, rendered: Shown, url: str) -> None:
        html = rendered(f'<img src="{url}">')
        assert f'src="{file_url(31)}"' in html

    def test_that_link_to_their_file_link_to_the_media_library(self, rendered: Shown) -> None:
        html = rendered(f'<a href="{FILES}/2014/03/a.png"><img src="{FILES}/2014/03/a-300x200.png" alt=""></a>')
        assert html.count(file_url(30)) == 2
        assert "wordpress.com" not in html

    def test_in_blocks_are_served_from_the_media_library(self, rendered: Shown) -> None:
        html = rendered(
            '<!-- wp:gallery {"ids":[30]} --><figure class="wp-block-gallery"><ul><li><figure>'
            f'<img src="{FILES}/2014/03/a.png?w=1024" alt="" data-id="30">'
            "</figure></li></ul></figure><!-- /wp:gallery -->"
        )
        assert f'src="{file_url(30)}"' in html

    @pytest.mark.parametrize(
        "url",
        [
            "https://other.files.wordpress.com/2014/03/a.png",
            "https://evil.example/wp-content/uploads/2014/03/a.png",
            f"{FILES}/2014/03/unknown.png",
            f"{FILES}/2014/03/a.png.exe",
            "https://i0.wp.com/evil.example/2014/03/a.png",
        ],
    )
    def test_that_are_unknown_or_on_other_sites_stay_links(self, rendered: Shown, url: str) -> None:
        html = rendered(f'<img src="{url}" alt="x">')
        assert "<img" not in html
        assert url in html

    def test_on_a_former_host_are_shown(self, rendered: Shown, settings: Settings) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["older.example"]
        html = rendered('<img src="https://older.example/wp-content/uploads/2014/03/a.png">')
        assert f'src="{file_url(30)}"' in html

    def test_in_any_markup_are_served_from_the_media_library(self, rendered: Shown) -> None:
        rendered("")
        assert file_url(30) in render(f"![x]({FILES}/2014/03/a.png)", "markdown").body_html
        assert file_url(30) in render(f'<img src="{FILES}/2014/03/a.png">', "html").body_html

    def test_that_were_deleted_become_links_again(self, rendered: Shown) -> None:
        rendered(f'<img src="{FILES}/2014/03/a.png" alt="x">')
        Picture.objects.get(attachments__wordpress_id=30).delete()
        rerender(Post.objects.all(), RerenderResult())
        assert f'href="{FILES}/2014/03/a.png"' in Post.objects.get().body_html


class TestDocuments:
    def test_on_their_own_line_become_a_link_with_a_label(self, rendered: Shown) -> None:
        html = rendered(f"Before\n\n{FILES}/2014/03/Report.pdf\n\nAfter")
        assert f'<a href="{file_url(32)}" class="wp-block-file">Click to access Report.pdf</a>' in html

    def test_in_a_sentence_keep_their_text(self, rendered: Shown) -> None:
        html = rendered(f"See {FILES}/2014/03/Report.pdf, page 3.")
        assert f'<a href="{file_url(32)}">{FILES}/2014/03/Report.pdf</a>, page 3.' in html

    def test_that_are_linked_link_to_the_media_library(self, rendered: Shown) -> None:
        html = rendered(f'<a href="{FILES}/2014/03/Report.pdf">it</a>')
        assert f'<a href="{file_url(32)}">it</a>' in html


class TestAudioAndVideo:
    @pytest.mark.parametrize(
        "source",
        [
            f"[audio {FILES}/2014/03/talk.mp3]",
            f'[audio mp3="{FILES}/2014/03/talk.mp3"][/audio]',
            f'<!-- wp:audio --><figure><audio src="{FILES}/2014/03/talk.mp3"></audio></figure><!-- /wp:audio -->',
            f'<audio autoplay><source src="{FILES}/2014/03/talk.mp3" type="audio/mpeg"></audio>',
        ],
    )
    def test_audio_is_played_from_the_media_library(self, rendered: Shown, source: str) -> None:
        html = rendered(source)
        assert f'src="{file_url(33)}"' in html
        assert re.search('<audio [^>]*controls="" preload="none"', html)
        assert "wordpress.com" not in html

    def test_video_is_played_from_the_media_library(self, rendered: Shown) -> None:
        html = rendered(f'[video width="640" height="360" mp4="{SITE}/wp-content/uploads/2014/03/march.mp4"][/video]')
        assert (
            f'<video width="640" height="360" controls="" preload="none"><source src="{file_url(34)}"></video>' in html
        )

    @pytest.mark.parametrize(
        "source",
        [
            """[video mp4="{mp4}" poster="{png}"]<track srclang='en' kind="subtitles" src="{vtt}" />[/video]""",
            '[video mp4="{mp4}" poster="{png}"]\n<track srclang="en" kind="subtitles" src="{vtt}">\n[/video]',
            (
                '<!-- wp:video -->\n<figure class="wp-block-video"><video controls poster="{png}" src="{mp4}">'
                '<track srclang="en" kind="subtitles" src="{vtt}"/></video></figure>\n<!-- /wp:video -->'
            ),
        ],
    )
    def test_video_has_its_subtitles_and_picture_from_the_media_library(self, rendered: Shown, source: str) -> None:
        urls = {name: f"{FILES}/2014/03/{name}" for name in ("march.mp4", "march.vtt", "a.png")}
        html = rendered(source.format(mp4=urls["march.mp4"], vtt=urls["march.vtt"], png=urls["a.png"]))
        assert f'poster="{file_url(30)}"' in html
        assert re.search(
            f'<video[^>]*>(<source[^>]*>)?<track srclang="en" kind="subtitles" src="{file_url(35)}"></v', html
        )
        assert "wordpress.com" not in html
        assert Attachment.objects.get(wordpress_id=35).document in Post.objects.get().documents.all()

    def test_of_other_sites_stays_a_link(self, rendered: Shown) -> None:
        html = rendered("[audio https://example.org/wp-content/uploads/2014/03/talk.mp3]")
        assert "<audio" not in html
        assert 'href="https://example.org/wp-content/uploads/2014/03/talk.mp3"' in html

    def test_that_is_linked_links_to_the_media_library(self, rendered: Shown) -> None:
        html = rendered(f'<a href="{FILES}/2014/03/talk.mp3">listen</a> {FILES}/2014/03/march.mp4')
        assert f'<a href="{file_url(33)}">listen</a>' in html
        assert f'href="{file_url(34)}"' in html


class TestUnusualPlaces:
    """Files are found by the URLs in the export, wherever the old site stored them."""

    @pytest.mark.parametrize(
        ("exported", "used"),
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
    def test_show_the_file_and_redirect(
        self, import_parts: ImportParts, tmp_path: Path, client: Client, settings: Settings, exported: str, used: str
    ) -> None:
        settings.BROADSIDE_FORMER_HOSTS = ["old.example"]
        folder = MediaFolder(write_files(tmp_path / "files", "a.png"))
        parts = (item(7, content=f'<img src="{used}">'), attachment(30, attachment_url=exported))
        import_parts(*parts, media=folder, site="https://old.example")
        post = Post.objects.get()
        assert f'src="{file_url(30)}"' in render(post.source, post.markup).body_html
        response = client.get(exported.partition("example")[2])
        assert (response.status_code, response["Location"]) == (301, file_url(30))


class TestQueries:
    def test_a_post_with_any_number_of_files_takes_one_query(self, rendered: Shown) -> None:
        rendered("")
        source = f'<img src="{FILES}/2014/03/a.png"> <a href="{FILES}/2014/03/Report.pdf">it</a> ' * 50
        with CaptureQueriesContext(connection) as caught:
            render(source, "html")
        assert len(caught) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "No picture.",
            '<img src="/media/pictures/2026/11/a.png"> <a href="https://example.org/page.html">it</a>',
            '<a href="https://example.org/2014/03/01/post/">it</a>',
        ],
    )
    def test_a_post_without_files_takes_no_query(self, source: str) -> None:
        with CaptureQueriesContext(connection) as caught:
            render(source, "html")
        assert len(caught) == 0


def test_files_with_one_name_on_many_hosts_are_not_compared_with_each_other(
    import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[object] = []

    def counted(url: str) -> str:
        compared.append(url)
        return host_of(url)

    monkeypatch.setattr(moved_files, "host_of", counted)
    content = " ".join(f'<img src="https://host{number}.example/logo.png">' for number in range(50))
    for _time in range(2):
        import_parts(item(7, content=content))
    assert Attachment.objects.count() == 50
    assert len(compared) < 500


def test_a_file_is_found_without_reading_files_with_its_name_on_other_hosts(
    import_parts: ImportParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []

    def counted(cls: type[Attachment], *row: Any, **options: Any) -> Attachment:
        read.append(row)
        return from_db(*row, **options)

    from_db = Attachment.from_db
    logos = [f"https://host{number}.example/logo.png" for number in range(50)]
    posts = [item(number, content=f'<img src="{logo}">') for number, logo in enumerate(logos, 1)]
    import_parts(*posts)
    # Earlier versions stored the path without the host.
    Attachment.objects.filter(url=logos[9]).update(path="/logo.png")
    picture = Picture.objects.create(file="pictures/logo.png", width=1, height=1)
    Attachment.objects.update(picture=picture)
    monkeypatch.setattr(Attachment, "from_db", classmethod(counted))
    for url in (*logos, "https://www.host7.example/logo.png", "https://old.example/logo.png"):
        expected = {} if "old" in url else {url: picture.file.url}
        assert moved_files.find_moved_files([url]) == expected
    # Each lookup reads its own row and the one that is stored without its host.
    assert len(read) <= 2 * 52
    import_parts(*posts)
    assert Attachment.objects.get(url=logos[9]).path == Attachment.objects.get(url=logos[8]).path.replace("8", "9")


class TestTwoSites:
    def test_with_files_at_the_same_path_each_show_their_own(self, import_parts: ImportParts, tmp_path: Path) -> None:
        first, second = write_files(tmp_path / "1", "2014/03/a.png"), write_files(tmp_path / "2", "2014/03/a.png")
        for post_id, site, folder in ((7, "https://one.example", first), (8, "https://two.example", second)):
            url = f"{site}/wp-content/uploads/2014/03/a.png"
            import_parts(
                item(post_id, content=f'<img src="{url}">'),
                attachment(30, attachment_url=url),
                media=MediaFolder(folder),
                site=site,
            )
        for post_id, site in ((7, "https://one.example"), (8, "https://two.example")):
            assert Attachment.objects.get(site=site).file_url in Post.objects.get(pk=post_id).body_html

    def test_with_pictures_with_the_same_id_each_show_their_own(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        folder = MediaFolder(write_files(tmp_path / "1", "one.png", "two.png"))
        for post_id, site, name in ((7, "https://one.example", "one.png"), (8, "https://two.example", "two.png")):
            import_parts(
                item(post_id, content='[gallery ids="30"]'),
                attachment(30, attachment_url=f"{site}/wp-content/uploads/{name}"),
                media=folder,
                site=site,
            )
        for post_id, site in ((7, "https://one.example"), (8, "https://two.example")):
            assert Attachment.objects.get(site=site).file_url in Post.objects.get(pk=post_id).body_html


class TestGalleries:
    @pytest.fixture
    def gallery(self, import_parts: ImportParts, tmp_path: Path) -> Shown:
        folder = write_files(tmp_path / "export", *(f"2014/03/{n}.png" for n in range(30, 35)))

        def show(source: str) -> str:
            import_parts(
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

    def ids(self, html: str) -> list[int]:
        by_url = {each.file_url: each.wordpress_id or 0 for each in Attachment.objects.with_file()}
        return [by_url[part.partition('"')[0]] for part in html.split('<img src="')[1:]]

    @pytest.mark.parametrize("source", ['[gallery ids="33,30"]', '[vc_row][vc_gallery images="33,30"][/vc_row]'])
    def test_show_the_pictures_with_their_ids(self, gallery: Shown, source: str) -> None:
        html = gallery(source)
        assert self.ids(html) == [33, 30]
        assert 'alt="Thirty"' in html

    def test_without_ids_show_the_uploads_of_the_post_in_order(self, gallery: Shown) -> None:
        html = gallery("[gallery]")
        assert self.ids(html) == [31, 30]
        assert "<figcaption>Below</figcaption>" in html

    def test_without_ids_show_the_uploads_of_a_page(self, gallery: Shown) -> None:
        gallery("")
        assert self.ids(Page.objects.get().body_html) == [32]

    @pytest.mark.parametrize(
        ("shortcode", "ids"),
        [
            ('[gallery id="20"]', [32]),
            ('[gallery exclude="31"]', [30]),
            ('[gallery order="DESC"]', [30, 31]),
            ('[gallery ids="x"]', []),
            ('[gallery id="999"]', []),
        ],
    )
    def test_select_and_sort_files_by_attributes(self, gallery: Shown, shortcode: str, ids: list[int]) -> None:
        assert self.ids(gallery(shortcode)) == ids

    def test_are_shown_in_the_preview_of_an_unsaved_post(self, gallery: Shown) -> None:
        gallery("")
        assert self.ids(render('[gallery ids="33"]', "wordpress").body_html) == [33]

    def test_take_two_queries(self, gallery: Shown) -> None:
        gallery("[gallery]")
        post = Post.objects.get()
        with CaptureQueriesContext(connection) as caught:
            post.render()
        assert len(caught) == 2


class TestPlaylists:
    @pytest.fixture
    def playlist(self, import_parts: ImportParts, tmp_path: Path) -> Shown:
        folder = write_files(tmp_path / "export", *(f"2014/03/{name}" for name in ("30.mp3", "31.mp3", "32.mp4")))

        def show(source: str) -> str:
            parts = (
                item(7, content=source),
                attachment(30, "2014/03/30.mp3", title="A &amp; B", post_parent=7, menu_order=2),
                attachment(31, "2014/03/31.mp3", title="Two", post_parent=7, menu_order=1),
                attachment(32, "2014/03/32.mp4", title="A video", post_parent=7),
            )
            import_parts(*parts, media=MediaFolder(folder))
            assert not import_parts(*parts, media=MediaFolder(folder)).has_changes
            return Post.objects.get().body_html.replace("\n", "")

        return show

    def test_have_a_player_with_its_title_for_each_file(self, playlist: Shown) -> None:
        html = playlist('[playlist ids="31,99,30"]')
        urls = [Attachment.objects.get(wordpress_id=pk).file_url for pk in (31, 30)]
        assert html == "<ol>{}</ol>".format(
            "".join(
                f'<li><figure><audio src="{url}" controls="" preload="none"></audio>'
                f"<figcaption>{title}</figcaption></figure></li>"
                for url, title in zip(urls, ("Two", "A &amp; B"), strict=True)
            )
        )

    @pytest.mark.parametrize(
        ("shortcode", "titles"),
        [
            ("[playlist]", ["Two", "A &amp; B"]),
            ('[playlist exclude="31"]', ["A &amp; B"]),
            ('[playlist type="video"]', ["A video"]),
            ('[playlist type="video" ids="32"]', ["A video"]),
            ('[playlist ids="99"]', []),
        ],
    )
    def test_select_and_sort_files_by_attributes(self, playlist: Shown, shortcode: str, titles: list[str]) -> None:
        assert re.findall("<figcaption>(.*?)</figcaption>", playlist(shortcode)) == titles

    def test_are_not_numbered_if_turned_off(self, playlist: Shown) -> None:
        assert playlist('[playlist tracknumbers="false"]').startswith("<ul>")
