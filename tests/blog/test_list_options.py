"""What lists can show of posts besides their texts, if owners want it: the featured image and the reading time."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from blog.appearance.documents import read
from blog.listings import listed_posts
from blog.models import Entry, Post
from blog.rendering import render
from blog.rendering.reading_time import minutes_to_read
from blog.rerendering import RerenderResult, rerender
from core.models import SiteSettings
from media.models import Picture
from tests.factories import PostFactory, at

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]

EDITOR = Path("static/admin-broadside/editor/preview.js")
MINUTE = 230


@pytest.fixture
def publish(publish_appearance: Publish) -> Publish:
    return publish_appearance


def stored(name: str = "lamp", **values: object) -> Picture:
    """Return an image with a rendition."""
    rows = [[f"renditions/{name}-480.avif", 480]]
    described = {"alt": f"A {name}", "width": 1200, "height": 600, "rendition_rows": rows, **values}
    picture: Picture = Picture.objects.create(file=f"pictures/{name}.jpg", **described)
    return picture


def words(count: int) -> str:
    return " ".join(["word"] * count)


def get(path: str = "/") -> str:
    response = Client().get(path, headers={"cache-control": "no-store"})
    assert response.status_code == 200
    return response.content.decode()


def pictures(path: str = "/") -> list[str]:
    return re.findall(r'<img class="listed-picture"[^>]*>', get(path))


def images(path: str = "/") -> list[str]:
    return re.findall(r"<img[^>]*>", get(path))


def date_line(path: str = "/") -> str:
    found = re.search(r'<p class="entry-date".*?</p>', get(path), re.DOTALL)
    assert found
    return found[0]


class TestByDefault:
    def test_lists_have_neither(self) -> None:
        PostFactory(featured_picture=stored(), source=words(1000), tags=["a"])
        for path in ("/", "/tag/a/"):
            assert pictures(path) == []
            assert "min read" not in get(path)
        assert not read({}).list_pictures
        assert not read({}).list_reading_time

    def test_they_are_not_read_from_the_database(self) -> None:
        PostFactory(featured_picture=stored(), source=words(1000))
        get()
        with CaptureQueriesContext(connection) as queries:
            get()
        assert not [each["sql"] for each in queries if "word_count" in each["sql"] or "media_picture" in each["sql"]]


class TestFeaturedImages:
    @pytest.fixture(autouse=True)
    def _are_shown(self, publish: Publish) -> None:
        publish(list_pictures=True)

    def test_are_shown_small_in_every_list(self) -> None:
        PostFactory(featured_picture=stored(), tags=["a"], published_at=at(2020, 1, 2))
        for path in ("/", "/tag/a/", "/2020/01/02/"):
            (image,) = pictures(path)
            assert 'src="/media/pictures/lamp.jpg" alt="A lamp" width="192" height="96"' in image

    def test_come_with_their_renditions(self) -> None:
        PostFactory(featured_picture=stored())
        source = '<picture><source type="image/avif" srcset="/media/renditions/lamp-480.avif 480w" sizes="'
        assert f'{source}(min-width: 192px) 192px, 100vw"><img class="listed-picture"' in get()

    def test_come_between_the_date_and_the_text_and_link_to_nothing(self) -> None:
        PostFactory(featured_picture=stored(), source="The text.")
        assert re.search(r'</time></p>\s*<picture>(?:(?!<a\b).)*</picture>\s*<div class="entry-body', get())

    def test_are_loaded_when_they_are_needed_apart_from_the_first(self) -> None:
        for n in (1, 2, 3):
            PostFactory(featured_picture=stored(f"lamp-{n}"), published_at=at(2020, 1, n))
        first, *rest = pictures()
        assert 'loading="eager" fetchpriority="high"' in first
        assert len(rest) == 2
        assert all('loading="lazy" sizes="auto"' in each for each in rest)
        assert 'sizes="auto, (min-width: 192px)' in get()

    def test_leave_the_images_of_their_texts_for_later(self) -> None:
        other = stored("other")
        PostFactory(featured_picture=stored(), source=f"![Other]({other.file.url})")
        assert [re.findall('loading="([a-z]+)"', each) for each in images()] == [["eager"], ["lazy"]]

    def test_come_after_the_first_image_of_a_text_above(self) -> None:
        PostFactory(source=f"![Other]({stored('other').file.url})", published_at=at(2020, 1, 2))
        PostFactory(featured_picture=stored(), published_at=at(2020, 1, 1))
        assert [re.findall('loading="([a-z]+)"', each) for each in images()] == [["eager"], ["lazy"]]

    def test_are_not_shown_twice(self) -> None:
        picture = stored()
        PostFactory(featured_picture=picture, source=f"![In the text]({picture.file.url})")
        assert pictures() == []
        assert len(images()) == 1

    def test_are_shown_if_the_text_has_them_further_down(self) -> None:
        picture = stored()
        post = PostFactory(featured_picture=picture, source=f"One.\n\n<!--more-->\n\n![A]({picture.file.url})")
        assert len(pictures()) == 1
        post.source = f"{words(100)}\n\n![A]({picture.file.url})"
        post.save()
        assert pictures() == []
        SiteSettings.objects.update(show_excerpts=True)
        assert len(pictures()) == 1

    def test_of_protected_posts_are_not_shown(self) -> None:
        PostFactory(featured_picture=stored(), password="secret")
        assert images() == []
        assert "lamp" not in get()

    def test_in_the_trash_are_not_shown(self) -> None:
        picture = stored()
        PostFactory(featured_picture=picture, published_at=at(2020, 1, 2))
        PostFactory(featured_picture=stored("second"), published_at=at(2020, 1, 1))
        assert len(pictures()) == 2
        Picture.objects.filter(pk=picture.pk).update(deleted_at=at(2021, 1, 1))
        (image,) = pictures()
        assert "second" in image
        assert 'loading="eager"' in image

    def test_that_were_merged_are_replaced_by_their_targets(self) -> None:
        kept = stored("kept")
        merged = stored("merged", merged_into=kept, deleted_at=at(2021, 1, 1))
        post = PostFactory(featured_picture=merged)
        (image,) = pictures()
        assert 'src="/media/pictures/kept.jpg"' in image
        Post.objects.filter(pk=post.pk).update(lead_html=f'<p><img src="{merged.file.url}" alt=""></p>')
        assert pictures() == []

    def test_follow_each_change(self) -> None:
        picture = stored()
        post = PostFactory()
        assert pictures() == []
        post.featured_picture = picture
        post.save()
        assert 'alt="A lamp"' in pictures()[0]
        picture.alt = 'A "light" <b>'
        picture.save()
        assert 'alt="A &quot;light&quot; &lt;b&gt;"' in pictures()[0]

    def test_that_are_small_are_not_enlarged(self) -> None:
        PostFactory(featured_picture=stored(width=100, height=300, rendition_rows=[]))
        (image,) = pictures()
        assert 'width="100" height="300"' in image
        assert "sizes" not in image

    def test_are_not_in_lists_of_titles(self, publish: Publish) -> None:
        PostFactory(featured_picture=stored())
        publish(list_pictures=True, list_reading_time=True, list_style="titles")
        assert images() == []
        assert "min read" not in get()

    def test_of_pinned_posts_are_shown_as_well(self) -> None:
        PostFactory(featured_picture=stored(), sticky=True)
        PostFactory(featured_picture=stored("second"))
        first, second = pictures()
        assert "lamp" in first
        assert "second" in second

    def test_take_no_query(
        self,
        publish: Publish,
        django_assert_num_queries: DjangoAssertNumQueries,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(listed_posts, "_MAX_BYTES", 0)
        kept = stored("kept")
        for n in range(1, 6):
            merged = {"merged_into": kept, "deleted_at": at(2021, 1, 1)} if n % 2 else {}
            PostFactory(featured_picture=stored(f"lamp-{n}", **merged))
        PostFactory()
        publish(list_pictures=True, list_reading_time=True)
        assert len(pictures()) == 5
        # The content version, the posts, their categories and their tags.
        with django_assert_num_queries(4):
            get()


class TestTheReadingTime:
    @pytest.fixture(autouse=True)
    def _is_shown(self, publish: Publish) -> None:
        publish(list_reading_time=True)

    @pytest.mark.parametrize(
        ("count", "text"),
        [
            (1, "1\u00a0min read"),
            (MINUTE, "1\u00a0min read"),
            (MINUTE + 1, "2\u00a0min read"),
            (10 * MINUTE, "10\u00a0min read"),
        ],
    )
    def test_comes_after_the_date(self, count: int, text: str) -> None:
        PostFactory(source=words(count), tags=["a"])
        for path in ("/", "/tag/a/"):
            assert date_line(path).endswith(f"</time> · {text}</p>")

    def test_comes_after_the_author(self) -> None:
        SiteSettings.objects.update(show_author=True)
        PostFactory(source=words(1000))
        assert date_line().endswith("</a> · 5\u00a0min read</p>")

    def test_is_for_the_whole_text(self) -> None:
        PostFactory(source=f"One.\n\n<!--more-->\n\n{words(500)}\n\n<!--nextpage-->\n\n{words(500)}")
        assert "5\u00a0min read" in date_line()

    def test_of_a_protected_post_is_not_shown(self) -> None:
        PostFactory(source=words(1000), password="secret")
        assert "min read" not in get()

    def test_of_a_text_without_words_is_not_shown(self) -> None:
        PostFactory(source=f"![]({stored().file.url})")
        assert "min read" not in get()

    def test_follows_the_text(self) -> None:
        post = PostFactory(source=words(1000))
        assert "5\u00a0min read" in date_line()
        post.source = words(100)
        post.save()
        assert "1\u00a0min read" in date_line()

    def test_of_an_earlier_text_is_known_after_it_was_rendered_again(self) -> None:
        post = PostFactory(source=words(1000))
        Post.objects.filter(pk=post.pk).update(word_count=None)
        assert "min read" not in get()
        result = RerenderResult()
        rerender(Entry.objects.all(), result)
        assert (result.changed, result.unchanged) == (1, 0)
        assert "5\u00a0min read" in date_line()


class TestTheNumberOfWords:
    @pytest.mark.parametrize(
        ("source", "count"),
        [
            ("", 0),
            ("— … !", 0),
            ("I don’t know", 3),
            ("It's well-known: 1,000 of 3.14", 6),
            ("<b>W</b>ord &amp; word", 2),
            ("https://example.org/path", 3),
            ("المدافعون عن حقوقِ الإنسانِ", 4),
            ("मानवाधिकारों की रक्षा", 3),
            ("인권 옹호자는", 2),
            # Divided as by browsers, or nearly so.
            ("人权捍卫者是指单独或与他人一起采取行动促进或保护人权的人", 18),
            ("人権擁護者とは、平和的な方法で行動する人々のことです。", 16),
            ("นักปกป้องสิทธิมนุษยชนคือบุคคลที่ดำเนินการเพียงลำพัง", 12),
            ("The 人权 of all", 4),
        ],
    )
    def test_is_the_same_as_in_the_editor(self, source: str, count: int) -> None:
        assert render(source, "html").word_count == count

    def test_does_not_count_what_readers_do_not_see(self) -> None:
        html = '<p title="one two">Three</p><script>four</script><!-- five --><p><!--more-->\n six</p>'
        assert render(html, "html").word_count == 2

    def test_takes_a_minute_as_in_the_editor(self) -> None:
        assert f"const WORDS_PER_MINUTE = {MINUTE};" in EDITOR.read_text(encoding="utf-8")
        assert [minutes_to_read(words) for words in (1, MINUTE, MINUTE + 1)] == [1, 1, 2]

    def test_is_stored_whenever_a_text_is_saved(self) -> None:
        post = PostFactory(source=words(7))
        assert Post.objects.get(pk=post.pk).word_count == 7


def test_both_are_in_the_language_and_direction_of_the_post(publish: Publish) -> None:
    publish(list_pictures=True, list_reading_time=True)
    PostFactory(language="ar", featured_picture=stored(), source=words(1000))
    page = get()
    assert re.search(r'<article[^>]* lang="ar" dir="rtl">', page)
    assert '<p class="entry-date" lang="ar" dir="rtl">' in page


def test_remembered_posts_are_shown_as_each_page_needs_them(publish: Publish) -> None:
    """A post may be the first with an image on one page, but not on another."""
    publish(list_pictures=True)
    PostFactory(featured_picture=stored("second"), published_at=at(2020, 1, 1), tags=["a"])
    PostFactory(featured_picture=stored("first"), published_at=at(2020, 1, 2))
    for _twice in range(2):
        assert 'loading="lazy"' in pictures("/")[1]
        assert 'loading="eager"' in pictures("/tag/a/")[0]
