"""Images in texts as sent to readers, and the index of the files in texts."""

import io
import re
from threading import Event
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import Client
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from blog.models import Entry, Post
from blog.publishing import trash
from blog.rendering.images import add_renditions, load_first_eagerly
from core.changes import entries_changed
from core.models import SiteSettings
from core.prepared import together
from media.documents import store_document
from media.models import Picture, RenditionState
from media.pictures import store_picture
from tests.factories import PageFactory, PostFactory, UserFactory, at
from tests.factories.files import PDF
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


def stored(width: int = 1200, height: int = 600) -> Picture:
    written = io.BytesIO()
    Image.new("RGB", (width, height)).save(written, "PNG")
    return store_picture(ContentFile(written.getvalue(), name="image.png"))


def with_renditions(picture: Picture) -> Picture:
    rows = [[f"renditions/1/a-{width}.{kind}", width] for kind in ("avif", "webp") for width in (480, 960)]
    Picture.objects.filter(pk=picture.pk).update(rendition_rows=rows, rendition_state=RenditionState.DONE)
    picture.refresh_from_db()
    return picture


@pytest.fixture
def picture() -> Picture:
    return with_renditions(stored())


def images(html: str) -> list[str]:
    return re.findall(r"<img[^>]*>", html)


class TestRenditionsInTexts:
    def test_a_text_offers_each_format_and_then_the_original(self, client: Client, picture: Picture) -> None:
        post = PostFactory(source=f"![A lamp]({picture.file.url})")
        html = client.get(post.get_absolute_url()).content.decode()
        sizes = "(min-width: 592px) 592px, 100vw"
        assert (
            '<picture><source type="image/avif" srcset="/media/renditions/1/a-480.avif 480w, '
            f'/media/renditions/1/a-960.avif 960w" sizes="{sizes}">'
        ) in html.replace("auto, ", "")
        assert '<source type="image/webp"' in html
        image = images(html)[-1]
        assert f'src="{picture.file.url}"' in image
        assert 'width="1200" height="600"' in image

    def test_before_they_are_made_the_original_is_shown_with_its_dimensions(self, client: Client) -> None:
        picture = stored()
        post = PostFactory(source=f"![A lamp]({picture.file.url})")
        html = client.get(post.get_absolute_url()).content.decode()
        assert "<source" not in html
        assert 'width="1200" height="600"' in images(html)[-1]

    def test_they_appear_as_soon_as_they_are_made(
        self, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        picture = stored()
        post = PostFactory(source=f"![A lamp]({picture.file.url})")
        assert "<source" not in client.get(post.get_absolute_url()).content.decode()
        with django_capture_on_commit_callbacks(execute=True):
            with_renditions(picture)
        assert "<source" in client.get(post.get_absolute_url()).content.decode()

    def test_a_text_takes_one_query_for_all_of_them(
        self, picture: Picture, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        merged = stored()
        Picture.objects.filter(pk=merged.pk).update(merged_into=picture, deleted_at=at(2020, 1, 1))
        pk = PostFactory(source="\n\n".join(f"![A lamp]({each.file.url})" for each in (picture, merged))).pk
        post = Post.objects.get(pk=pk)
        with django_assert_num_queries(1):
            assert post.body.count(f'src="{picture.file.url}"') == 2

    def test_an_imported_text_has_them_too(self, client: Client, picture: Picture) -> None:
        source = f'<figure class="alignleft"><img src="{picture.file.url}?w=300" width="300"></figure>'
        post = PostFactory(source=source, markup="html")
        html = client.get(post.get_absolute_url()).content.decode()
        assert "(min-width: 300px) 300px, 100vw" in html
        assert 'width="300" height="150"' in images(html)[-1]

    @pytest.mark.parametrize(("width", "shown"), [(300, (300, 150)), (1200, (1200, 600)), (2048, (1200, 600))])
    def test_an_image_with_only_a_width_is_not_enlarged(self, picture: Picture, width: int, shown: Any) -> None:
        html = f'<img src="{picture.file.url}" width="{width}">'
        assert f'width="{shown[0]}" height="{shown[1]}"' in add_renditions(html, {str(picture.file.name): picture})

    def test_a_listing_has_them_with_one_query_for_all_posts(
        self, client: Client, picture: Picture, django_assert_max_num_queries: Any
    ) -> None:
        others = [with_renditions(stored()) for _ in range(3)]
        for each in (picture, *others):
            PostFactory(source=f"![A lamp]({each.file.url})")
        with django_assert_max_num_queries(9):
            html = client.get("/").content.decode()
        assert html.count("<picture>") == 4

    @pytest.mark.parametrize("path", ["/feed/", "/feed/atom/"])
    def test_feeds_have_them_with_absolute_urls(self, client: Client, picture: Picture, path: str) -> None:
        PostFactory(source=f"![A lamp]({picture.file.url})")
        feed = client.get(path).content.decode()
        assert "http://testserver/media/renditions/1/a-480.avif 480w, http://testserver/media/renditions" in feed
        assert not re.search(r'["\s]/media/', feed)

    def test_a_featured_image_has_them(self, client: Client, picture: Picture) -> None:
        post = PostFactory(featured_picture=picture)
        html = client.get(post.get_absolute_url()).content.decode()
        assert html.count("<source") == 2
        assert "auto" not in html[html.index("<source") : html.index('class="featured-picture"')]

    def test_a_featured_image_has_its_credit_below_it(self, client: Client, picture: Picture) -> None:
        post = PostFactory(featured_picture=picture)
        assert "picture-credit" not in client.get(post.get_absolute_url()).content.decode()
        picture.credit = "Photo: <R> Lamp, CC BY"
        picture.save()
        html = client.get(post.get_absolute_url()).content.decode()
        assert '<p class="picture-credit" dir="auto">Photo: &lt;R&gt; Lamp, CC BY</p>' in html

    @pytest.mark.parametrize(
        ("gallery", "sizes"),
        [
            ("<div class='wp-block-gallery'>{3}</div>", "(min-width: 592px) 189px, 33vw"),
            ("<div class='wp-block-gallery'>{4}</div>", "(min-width: 592px) 290px, 50vw"),
            ("<figure class='wp-block-gallery columns-4'><ul>{2}</ul></figure>", "(min-width: 592px) 139px, 33vw"),
            ("<figure class='wp-block-gallery columns-8'>{9}</figure>", "(min-width: 592px) 108px, 33vw"),
            ("<figure class='wp-block-gallery columns-1'>{2}</figure>", "(min-width: 592px) 592px, 100vw"),
        ],
    )
    def test_those_of_a_gallery_are_as_wide_as_its_columns(self, picture: Picture, gallery: str, sizes: str) -> None:
        image = f'<img src="{picture.file.url}" loading="lazy">'
        count = int(gallery.partition("{")[2][0])
        cells = f"<figure>{image}<figcaption>A lamp</figcaption></figure>" * count
        filled = gallery.replace("'", '"').replace(f"{{{count}}}", cells)
        html = add_renditions(f"{image}{filled}<div>{image}</div>", {str(picture.file.name): picture})
        column = "(min-width: 592px) 592px, 100vw"
        expected = [size for size in [column, *[sizes] * count, column] for _format in ("avif", "webp")]
        assert re.findall(r'<source [^>]*sizes="auto, ([^"]+)"', html) == expected

    def test_images_from_elsewhere_in_the_site_stay_as_they_are(self, picture: Picture) -> None:
        html = '<img alt="" src="/static/logo.png" loading="lazy">'
        assert add_renditions(html, {str(picture.file.name): picture}) == html


class TestLoading:
    def test_the_first_image_of_a_text_is_loaded_at_once_and_the_others_later(
        self, client: Client, picture: Picture
    ) -> None:
        post = PostFactory(source=f"![One]({picture.file.url})\n\n![Two]({picture.file.url})")
        first, second = images(client.get(post.get_absolute_url()).content.decode())
        assert 'loading="eager" fetchpriority="high"' in first
        assert 'loading="lazy"' in second
        assert 'sizes="auto"' in second

    def test_the_size_of_the_first_image_does_not_depend_on_a_layout_that_is_not_known_yet(
        self, client: Client, picture: Picture
    ) -> None:
        post = PostFactory(source=f"![One]({picture.file.url})\n\n![Two]({picture.file.url})")
        first, second = client.get(post.get_absolute_url()).content.decode().split("</picture>")[:2]
        assert 'sizes="(min-width' in first
        assert "auto" not in first.partition("<picture>")[2]
        assert 'sizes="auto, (min-width' in second

    def test_a_featured_image_comes_first(self, client: Client, picture: Picture) -> None:
        page = PageFactory(source=f"![One]({picture.file.url})", featured_picture=picture)
        first, second = images(client.get(page.get_absolute_url()).content.decode())
        assert 'loading="eager"' in first
        assert 'loading="lazy"' in second

    def test_a_listing_loads_only_its_first_image_at_once(self, client: Client, picture: Picture) -> None:
        SiteSettings.objects.update(entries_per_page=5)
        for _ in range(3):
            PostFactory(source=f"![One]({picture.file.url})")
        PostFactory(source="No image.")
        PostFactory(source=f"![One]({picture.file.url})", password="secret")
        found = images(client.get("/").content.decode())
        assert ['loading="eager"' in each for each in found] == [True, False, False]

    def test_an_image_that_is_first_in_one_list_is_loaded_later_in_another(
        self, client: Client, picture: Picture
    ) -> None:
        older = PostFactory(source=f"![One]({picture.file.url})", tags=["a"], published_at=at(2019, 1, 1))
        PostFactory(source=f"![One]({picture.file.url})", published_at=at(2020, 1, 1))
        for _twice in range(2):
            assert 'loading="eager"' in images(client.get("/tag/a/").content.decode())[0]
            assert 'loading="lazy"' in client.get("/").content.decode().partition(f"post-{older.pk}")[2]

    def test_the_second_page_of_a_text_has_its_own_first_image(self, client: Client, picture: Picture) -> None:
        source = f"![One]({picture.file.url})\n\n<!--nextpage-->\n\n![Two]({picture.file.url})"
        post = PostFactory(source=source, featured_picture=picture)
        (image,) = images(client.get(f"{post.get_absolute_url()}2/").content.decode())
        assert 'loading="eager"' in image

    def test_a_text_without_images_stays_as_it_is(self) -> None:
        assert load_first_eagerly("<p>Text</p>") == "<p>Text</p>"


class TestTheIndex:
    def test_follows_the_text(self, picture: Picture) -> None:
        document = store_document(ContentFile(PDF, name="guide.pdf"))
        post = PostFactory(source=f"![One]({picture.file.url}) [Guide](http://testserver{document.file.url})")
        assert [*post.pictures.all(), *post.documents.all()] == [picture, document]
        post.source = f"[The image as a link]({picture.file.url})"
        post.save()
        assert [*post.pictures.all(), *post.documents.all()] == [picture]
        post.source = "Nothing"
        post.save()
        assert not post.pictures.exists()

    def test_leaves_out_names_that_no_database_can_hold(self) -> None:
        post = PostFactory(source="![One](/media/%00.png) [Guide](/media/%00.pdf)")
        assert not post.pictures.exists()
        assert not post.documents.exists()

    def test_covers_every_status(self, picture: Picture) -> None:
        post = PostFactory(source=f"![One]({picture.file.url})", password="secret")
        trash(Post.objects.filter(pk=post.pk), UserFactory(role="Editor"))
        assert Entry.objects.filter(pictures=picture).count() == 1

    def test_many_entries_take_a_fixed_number_of_queries(
        self, picture: Picture, django_assert_max_num_queries: Any
    ) -> None:
        posts = [PostFactory(source=f"![One]({picture.file.url})") for _ in range(20)]
        Entry.pictures.through.objects.all().delete()
        # One of them for the search index, and two to write it.
        # PostgreSQL also locks the posts whose listings are brought up to date.
        with django_assert_max_num_queries(8 + connection.features.has_select_for_update):
            entries_changed([post.pk for post in posts])
        assert Entry.objects.filter(pictures=picture).count() == 20

    @pytest.mark.django_db(transaction=True)
    def test_keeps_what_is_saved_while_something_else_updates_it(
        self, picture: Picture, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post = PostFactory()
        is_read, is_saved = Event(), Event()

        def read_and_wait(*queries: Any) -> list[list[Any]]:
            found = together(*queries)
            if not is_read.is_set():
                is_read.set()
                is_saved.wait(0.3)
            return found

        def update() -> None:
            with transaction.atomic():
                entries_changed([post.pk])

        def save() -> None:
            is_read.wait()
            post.source = f"![One]({picture.file.url})"
            post.save()
            is_saved.set()

        monkeypatch.setattr("blog.media_index.together", read_and_wait)
        at_once(update, save)
        assert post.pictures.get() == picture

    def test_a_deleted_file_leaves_the_index(self, picture: Picture) -> None:
        post = PostFactory(source=f"![One]({picture.file.url})")
        picture.delete()
        assert not post.pictures.exists()
