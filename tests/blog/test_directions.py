"""The language and direction of titles and texts."""

import re
from html import unescape

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from blog.rendering import render
from blog.rendering.directions import add_auto_directions, add_directions
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


class TestPassages:
    """In a text whose language is known, passages in the other direction have that one."""

    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            ("<p>من قال هذا؟</p><p>Who said this?</p>", "<p>من قال هذا؟</p><p dir>Who said this?</p>"),
            (
                "<h2 id='a'><a href='#a'>Who said this?</a></h2>",
                "<h2 id='a' dir><a href='#a'>Who said this?</a></h2>",
            ),
            ("<ul><li>Front Line</li><li>Defenders</li></ul>", "<ul dir><li>Front Line</li><li>Defenders</li></ul>"),
            ("<table><tr><td>a b</td><td>c</td></tr></table>", "<table dir><tr><td>a b</td><td>c</td></tr></table>"),
            (
                "<figure><figcaption>A lamp, 2026</figcaption></figure>",
                "<figure><figcaption dir>A lamp, 2026</figcaption></figure>",
            ),
            ("<blockquote><p>a b c</p></blockquote>", "<blockquote dir><p dir>a b c</p></blockquote>"),
            (
                "<blockquote><p>a b c</p><p>قال ذلك أمس</p></blockquote>",
                "<blockquote><p dir>a b c</p><p>قال ذلك أمس</p></blockquote>",
            ),
        ],
    )
    def test_a_passage_without_letters_of_the_text_has_the_other_direction(self, html: str, expected: str) -> None:
        assert add_directions(html, "rtl") == expected.replace(" dir", ' dir="ltr"')

    def test_so_it_is_for_quotations_in_arabic_and_hebrew(self) -> None:
        html = "<p>He wrote:</p><p>من قال هذا؟</p><p>מי אמר את זה?</p>"
        expected = '<p>He wrote:</p><p dir="rtl">من قال هذا؟</p><p dir="rtl">מי אמר את זה?</p>'
        assert add_directions(html, "ltr") == expected

    @pytest.mark.parametrize(
        "html",
        [
            "<p>UN</p><p>Front Line</p>",  # names look right on the side of the text
            "<p>Front Line Defenders قالت</p>",
            "<p>10, 20, 30 – 40.</p>",
            '<p dir="rtl">Who said this?</p>',
            '<blockquote dir="rtl"><p>Who said this?</p></blockquote>',
            # Items and cells stay on the same side.
            "<ul><li>Who said this?</li><li>قال</li></ul>",
            "<ul><li><p>Who said this?</p></li><li>قال</li></ul>",
            "<table><tr><td><p>Who said this?</p></td><td>قال</td></tr></table>",
        ],
    )
    def test_everything_else_has_that_of_the_text(self, html: str) -> None:
        assert add_directions(html, "rtl") == html

    def test_references_to_characters_are_no_letters(self) -> None:
        html = "<p>English</p><p>&lt;سلام &amp; كلام &gt; حرب</p>"
        assert add_directions(html, "ltr") == html.replace("<p>&lt;", '<p dir="rtl">&lt;')

    @pytest.mark.parametrize("direction", ["rtl", ""])
    def test_a_url_is_read_from_the_left_with_its_slash_at_the_end(self, direction: str) -> None:
        html = '<p>سلام <a href="https://a.example/b/" rel="noopener">https://a.example/b/</a></p>'
        assert '<a dir="ltr" href="https://a.example/b/" rel' in add_directions(html, direction)

    @pytest.mark.parametrize("direction", ["ltr", ""])
    def test_nothing_is_added_to_urls_in_texts_without_letters_that_are_read_from_the_right(
        self, direction: str
    ) -> None:
        html = '<p dir="ltr">Peace <a href="https://a.example/b/">https://a.example/b/</a> – “é”</p>'
        assert add_directions(html, direction) == html

    @given(st.text(alphabet="<>/pblockquote ul=\"'&ا\n", max_size=200), st.sampled_from(["ltr", "rtl", ""]))
    def test_nothing_else_changes_whatever_the_source(self, source: str, direction: str) -> None:
        html = render(source, "html").body_html
        added = re.compile(' dir="(?:auto|ltr|rtl)"')
        assert added.sub("", add_directions(html, direction)) == added.sub("", html)

    @pytest.mark.parametrize("part", ["<p>", "<blockquote>", "<blockquote><p>a b c</p>", "<ul><li>", "</p>", "<a "])
    def test_hostile_html_takes_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda html: add_directions(html, "rtl"), part * 50_000)


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

    @pytest.mark.parametrize(("language", "other"), [("ar", "ltr"), ("en", "rtl")])
    def test_its_passages_in_the_other_direction_have_that_one(self, client: Client, language: str, other: str) -> None:
        post = PostFactory(source="Who said this?\n\nمن قال هذا؟", language=language)
        for path in ("/", post.get_absolute_url(), "/feed/"):
            assert unescape(client.get(path).content.decode()).count(f'<p dir="{other}">') == 1

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
