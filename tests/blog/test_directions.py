"""The language and direction of titles and texts."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from blog.rendering import render
from blog.rendering.directions import add_auto_directions
from tests.factories import CategoryFactory, PageFactory, PostFactory, at
from tests.factories.responses import find, one, read
from tests.factories.types import GrowsWithLength

AUTO = ' dir="auto"'


class TestBlocks:
    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            ("<p>a</p><p>b</p>", "<p dir>a</p><p dir>b</p>"),
            ("<h2>a</h2><h6>b</h6>", "<h2 dir>a</h2><h6 dir>b</h6>"),
            ('<p class="x">a</p><pre><code>b</code></pre>', '<p class="x" dir>a</p><pre dir><code>b</code></pre>'),
            ("<ul><li>a</li><li>b</li></ul>", "<ul><li dir>a</li><li dir>b</li></ul>"),
            ("<dl><dt>a</dt><dd>b</dd></dl>", "<dl><dt dir>a</dt><dd dir>b</dd></dl>"),
            (
                "<table><caption>a</caption><tbody><tr><th>b</th><td>c</td></tr></tbody></table>",
                "<table dir><caption>a</caption><tbody><tr><th>b</th><td>c</td></tr></tbody></table>",
            ),
            (
                "<figure><img><figcaption>a</figcaption></figure>",
                "<figure><img><figcaption dir>a</figcaption></figure>",
            ),
            (
                "<details><summary>a</summary><p>b</p></details>",
                "<details><summary dir>a</summary><p dir>b</p></details>",
            ),
        ],
    )
    def test_each_block_of_text_has_the_direction_of_its_first_letter(self, html: str, expected: str) -> None:
        assert add_auto_directions(html) == expected.replace(" dir", AUTO)

    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            # Without this, the border and the marker would be at the other end of the line.
            ("<blockquote><p>a</p></blockquote><p>b</p>", "<blockquote dir><p>a</p></blockquote><p dir>b</p>"),
            ("<ul><li><p>a</p><ul><li>b</li></ul></li></ul>", "<ul><li dir><p>a</p><ul><li>b</li></ul></li></ul>"),
            ("<p>a</p></div>", "<p dir>a</p></div>"),
        ],
    )
    def test_a_block_inside_another_one_has_the_same_direction(self, html: str, expected: str) -> None:
        assert add_auto_directions(html) == expected.replace(" dir", AUTO)

    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            ("<div>a<br>b</div>", "<div dir>a<br>b</div>"),
            ("<div><div><p>a</p><p>b</p></div></div>", "<div><div><p dir>a</p><p dir>b</p></div></div>"),
            ("<section><ol><li>a</li></ol></section>", "<section><ol><li dir>a</li></ol></section>"),
        ],
    )
    def test_an_element_that_only_groups_blocks_has_none(self, html: str, expected: str) -> None:
        assert add_auto_directions(html) == expected.replace(" dir", AUTO)

    @pytest.mark.parametrize(
        "html", ['<p dir="rtl">a</p>', '<div dir="ltr"><p>a</p></div>', '<ul dir="rtl"><li>a</ul>']
    )
    def test_a_direction_in_the_text_is_kept(self, html: str) -> None:
        assert add_auto_directions(html) == html

    @given(st.text(alphabet="<>/pbdiv ul lock=\"'&ا\n", max_size=200))
    def test_nothing_else_changes_whatever_the_source(self, source: str) -> None:
        html = render(source, "html").body_html
        assert add_auto_directions(html).replace(AUTO, "") == html.replace(AUTO, "")

    @pytest.mark.parametrize("part", ["<p>", "<div>", '<div title="<p>">', "<li><ul>", "</p>"])
    def test_hostile_html_takes_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(add_auto_directions, part * 50_000)


@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize(
        ("markup", "source"),
        [
            ("markdown", "سلام\n\n- a"),
            ("html", "<p>سلام</p><ul><li>a</li></ul>"),
            ("wordpress", "سلام\n<ul><li>a</ul>"),
        ],
    )
    def test_an_entry_without_a_language_sets_the_direction_of_its_title_and_blocks(
        self, client: Client, markup: str, source: str
    ) -> None:
        post = PostFactory(title="مرحبا", source=source, markup=markup)
        page = PageFactory(title="About", source=source, markup=markup)
        for path in ("/", post.get_absolute_url(), page.get_absolute_url()):
            article = one(read(client.get(path)), "article.entry")
            assert article.get("dir") is None
            assert one(article, ".entry-title").get("dir") == "auto"
            assert one(article, ".entry-body p").get("dir") == "auto"
            assert one(article, ".entry-body li").get("dir") == "auto"

    @pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("en", "ltr")])
    def test_an_entry_with_a_language_has_one_direction(self, client: Client, language: str, direction: str) -> None:
        post = PostFactory(source="UN\n\nسلام", language=language)
        for path in ("/", post.get_absolute_url()):
            article = one(read(client.get(path)), "article.entry")
            assert (article.get("lang"), article.get("dir")) == (language, direction)
            assert one(article, ".entry-title").get("dir") == direction
            assert [p.get("dir") for p in find(article, ".entry-body p")] == [None, None]

    def test_the_text_before_the_more_marker_and_each_page_of_a_text_have_directions(self, client: Client) -> None:
        post = PostFactory(
            source="سلام\n\n<!--more-->\n\n## b\n\n<!--nextpage-->\n\nc", slug="a", published_at=at(2020, 1, 1)
        )
        assert '<p dir="auto">سلام <a' in client.get("/").content.decode()
        assert 'dir="auto"><a href="#b">b</a></h2>' in client.get(post.get_absolute_url()).content.decode()
        assert '<p dir="auto">c</p>' in client.get("/2020/01/01/a/2/").content.decode()

    def test_titles_in_lists_have_a_direction(self, client: Client) -> None:
        books = CategoryFactory(name="كتب")
        old, post, new = (
            PostFactory(title=title, language=code, categories=[books])
            for title, code in (("a", ""), ("b", ""), ("c", "ar"))
        )
        page = PageFactory(title="About")
        PageFactory(title="مرحبا", parent=page)
        html = read(client.get(post.get_absolute_url()))
        neighbours = [(bdi.text, bdi.get("dir"), bdi.get("lang")) for bdi in find(html, ".neighbours bdi")]
        assert neighbours == [(str(old), "auto", None), (str(new), "rtl", "ar")]
        assert html.xpath("//nav[@aria-labelledby='menu-pages']//a/@dir") == ["auto"]
        assert [a.get("dir") for a in find(read(client.get("/about/")), ".children a")] == ["auto"]
        # The number after a name is on the side of the page.
        assert html.xpath("//nav[@aria-labelledby='menu-categories']//a[not(@dir)]/bdi/text()") == ["كتب"]
