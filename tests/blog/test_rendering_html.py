"""HTML of any quality: what is kept, what is repaired, what is removed."""

import re

import pytest

from blog.rendering import render
from blog.rendering.sanitising import divide_texts
from blog.rendering.tree import _show_formulas
from tests.factories.types import GrowsWithLength

# Files in texts are looked up.
pytestmark = pytest.mark.django_db


def body(source: str) -> str:
    return render(source, "html").body_html


class TestAllowedHtml:
    @pytest.mark.parametrize(
        "html",
        [
            "<h1>a</h1><h2>b</h2><h3>c</h3><h2>d</h2>",
            "<p>a<br>b<wbr>c</p><hr>",
            '<ol start="3" reversed="" type="a"><li value="4">a</li></ol>',
            "<dl><dt>a</dt><dd>b</dd></dl>",
            '<blockquote cite="/a"><p>a <q cite="/b">b</q> <cite>c</cite></p></blockquote>',
            '<details open=""><summary>a</summary>b</details>',
            '<table><caption>a</caption><colgroup><col span="2"></colgroup><tbody><tr><td>b</td></tr></tbody></table>',
            '<table><thead><tr><th scope="col" abbr="x">b</th><th colspan="2" rowspan="2">c</th></tr></thead></table>',
            '<figure class="alignright"><figcaption>a</figcaption></figure>',
            '<p><abbr title="a">b</abbr> <dfn>c</dfn> <time datetime="2019-10-22">d</time></p>',
            "<p>a<sup>b</sup><sub>c</sub> <ins>d</ins> <del>e</del> <s>f</s> <u>g</u> <small>h</small></p>",
            "<p><kbd>a</kbd> <samp>b</samp> <var>c</var> <code>d</code> <mark>e</mark></p>",
            '<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby> <bdi>a</bdi> <bdo dir="rtl">b</bdo></p>',
            '<p lang="ar" dir="rtl">مرحبا</p>',
            '<p>By <span translate="no">Amal</span> and <span class="notranslate">Salam</span></p>',
            '<p class="has-text-align-center">a</p>',
            '<figure class="wp-block-pullquote"><blockquote><p>a</p></blockquote></figure>',
            '<div class="wp-block-buttons"><div class="wp-block-button is-style-outline"><a href="/">a</a></div></div>',
            '<div class="wp-block-gallery columns-2 is-cropped"><pre class="wp-block-verse">a</pre></div>',
            '<pre><code class="language-c++">a</code></pre>',
            '<p><a href="/a" title="b" hreflang="fr">c</a></p>',
        ],
    )
    def test_comes_through_unchanged(self, html: str) -> None:
        assert body(html) == html

    def test_comments_are_removed(self) -> None:
        assert body('<!-- wp:paragraph {"a":1} -->\n<p>a<!-- x -->b</p>\n<!-- /wp:paragraph -->') == "\n<p>ab</p>\n"

    def test_no_break_spaces_and_their_entities_are_the_same(self) -> None:
        assert body("a&nbsp;b &eacute; &copy; &lt; &amp;lt; &AMP; &notanentity;") == (
            "a&nbsp;b é © &lt; &amp;lt; &amp; ¬anentity;"
        )

    def test_ampersands_in_urls_are_kept(self) -> None:
        assert body('<a href="/?a=1&copy=2&lt=3&amp;d=4">x</a>') == '<a href="/?a=1&amp;copy=2&amp;lt=3&amp;d=4">x</a>'

    def test_inline_markup_does_not_break_text(self) -> None:
        assert body("<p><b>E</b>uromed <font>Ri</font>ghts</p>") == "<p><b>E</b>uromed Rights</p>"


class TestObsoleteHtml:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('<ol style="list-style-type: lower-alpha"><li>a</li></ol>', '<ol type="a"><li>a</li></ol>'),
            ('<ol style="color:red;list-style:UPPER-ROMAN"><li>a</li></ol>', '<ol type="I"><li>a</li></ol>'),
            ("<center>a</center>", '<div class="has-text-align-center">a</div>'),
            ('<p align="CENTER">a</p>', '<p class="has-text-align-center">a</p>'),
            ('<p style="color: red; text-align: right">a</p>', '<p class="has-text-align-right">a</p>'),
            ('<p align="justify" style="text-align:justify">a</p>', "<p>a</p>"),
            ("<strike>a</strike> <tt>b</tt> <acronym>c</acronym>", "<s>a</s> <code>b</code> <abbr>c</abbr>"),
            ('<font color="red">a</font>', "a"),
            ('<span style="font-weight: bold; color: red">a</span>', "<strong>a</strong>"),
            ('<span style="FONT-STYLE:italic;">a <i>b</i></span>', "<em>a <i>b</i></em>"),
            ('<span style="text-decoration: line-through;">a</span>', "<s>a</s>"),
            ('<span style="text-decoration: underline;">a</span>', "<u>a</u>"),
            (
                '<span lang="fr" style="text-decoration:underline;font-weight:700;font-style:italic">a<br>b</span>c',
                '<strong lang="fr"><u><em>a<br>b</em></u></strong>c',
            ),
            ('<span style="font-weight: 400; text-decoration: none">a</span>', "<span>a</span>"),
            (
                '<b style="font-weight:normal;"><p>a <strong>b</strong></p></b>',
                "<p>a <strong>b</strong></p>",
            ),
            ('<a name="start"></a>', '<span id="start"></span>'),
            ("<article><header>a</header>b</article>", "<div><div>a</div>b</div>"),
            ("a<o:p></o:p><?xml:namespace prefix = o ?><![if gte mso 9]>b<![endif]>", "ab"),
            ("<form><label>a <input></label><button>b</button></form>", "<div>a b</div>"),
        ],
    )
    def test_is_replaced_with_modern_html(self, old: str, new: str) -> None:
        assert body(old) == new


class TestRepair:
    @pytest.mark.parametrize(
        ("broken", "repaired"),
        [
            ("<p>a<p>b", "<p>a</p><p>b</p>"),
            ("<p>a<ul><li>b<li>c</ul>d", "<p>a</p><ul><li>b</li><li>c</li></ul>d"),
            ("<p>a<b>b<p>c</b>d", "<p>a<b>b</b></p><p><b>c</b>d</p>"),
            ("<p><em>a</p>\n<p>b</em></p>", "<p><em>a</em></p><em>\n</em><p><em>b</em></p>"),
            ("<b><p>a</p><p>b</p></b>", "<b><p>a</p><p>b</p></b>"),
            ("<strong><h2>a</strong></h2>b", "<strong></strong><h2><strong>a</strong></h2>b"),
            ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b><i>c</i>"),
            ("</p></div>a</b></td>", "a"),
            ("a</br>b", "a<br>b"),
            ("<h2>a<h3>b</h2>c", "<h2>a</h2><h3>b</h3>c"),
            ("<dl><dt>a<dd>b<dt>c<dd>d</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt><dd>d</dd></dl>"),
            ("<a href=/a>b<a href=/c>d", '<a href="/a">b</a><a href="/c">d</a>'),
            (
                "<a name=x><ul><li><a href=/a>b</a><li>c</ul>",
                '<span id="x"></span><ul><li><a href="/a">b</a></li><li>c</li></ul>',
            ),
            ("<div>a", "<div>a</div>"),
            ("I <3 you & 1 < 2 </3", "I &lt;3 you &amp; 1 &lt; 2 &lt;/3"),
            ('a <a href="x>b</a>', 'a &lt;a href="x&gt;b'),
            ('<a href="/?b=">b</a> c', '<a href="/?b=">b</a> c'),
            ("<a href='/?b='>b</a> c", '<a href="/?b=">b</a> c'),
            ('<a href="/?b=\'">b</a>', '<a href="/?b=\'">b</a>'),
            ("a <!-- b", "a &lt;!-- b"),
            ("a <b", "a &lt;b"),
            ("<b>a</b> <!-- b <i>c</i>", "<b>a</b> &lt;!-- b <i>c</i>"),
            ("<html><body><p>a</body></html>b", "<p>ab</p>"),
            ("a<noscript><p>b</p></noscript><textarea>c</textarea>", "a<p>b</p>c"),
            ("a<template>b</template><xmp>c</xmp><plaintext>d<p>e", "abcd<p>e</p>"),
            # Elements of MathML and SVG, and words that look like them.
            ("<p>a List<int> b <set>c</set></p><p>d</p>", "<p>a List b c</p><p>d</p>"),
            ('<p>a</p><svg viewBox="0 0 1 1"><g><text x="1">b</text></g></svg><p>c</p>', "<p>a</p>b<p>c</p>"),
            ('<p title="a <int> b">c <view>d</p>', '<p title="a &lt;int&gt; b">c d</p>'),
            ("<p>a</p><script>if (a<b) { c = '<int>'; }</script><filter>d", "<p>a</p>d"),
        ],
    )
    def test_loses_no_text(self, broken: str, repaired: str) -> None:
        assert body(broken) == repaired

    @pytest.mark.parametrize(
        ("broken", "repaired"),
        [
            ("<table><td>a<td>b<tr><td>c</table>", "<tr><td>a</td><td>b</td></tr><tr><td>c</td></tr>"),
            ("<table><tr><p><td>a</td></tr></table>", "<tr><td>a</td></tr>"),
            ("<table><tr><td><b>a</td><td>b</td></tr></table>", "<tr><td><b>a</b></td><td>b</td></tr>"),
        ],
    )
    def test_repairs_tables(self, broken: str, repaired: str) -> None:
        assert body(broken) == f"<table><tbody>{repaired}</tbody></table>"

    def test_moves_text_between_cells_before_the_table_as_browsers_do(self) -> None:
        assert body("<table>a<br><tr><td>b</table>") == "a<br><table><tbody><tr><td>b</td></tr></tbody></table>"

    def test_keeps_the_text_between_very_many_tags(self) -> None:
        """There are so many tags that libxml2 closes them first, which repairs less than browsers do."""
        source = "<p>a<wbr><b>b<p>c</b><ul><li>d<li><table><td>e<td>f</table></ul>" * 1_000
        html = body(f"{source}<!--more-->")
        assert re.sub("<[^>]*>", "", html) == "abcdef" * 1_000
        assert html.count("<td>") == html.count("<li>") == html.count("<p>") == 2_000

    def test_keeps_the_text_of_cells_without_a_table(self) -> None:
        assert body("<tr><td>a</td></tr>") == "a"

    @pytest.mark.parametrize("empty", ["<p></p>", "<p>&nbsp;</p>", "<p> <br> </p>", "<p><b> </b><i></i></p>"])
    def test_removes_empty_paragraphs(self, empty: str) -> None:
        assert body(f"<p>a</p>{empty}<p>b</p>") == "<p>a</p><p>b</p>"

    @pytest.mark.parametrize(
        "shown", ['<p><span id="x"></span></p>', '<p><img src="/a" alt="" loading="lazy" decoding="async"></p>']
    )
    def test_keeps_paragraphs_with_content(self, shown: str) -> None:
        assert body(shown) == shown

    def test_limits_the_depth_of_nesting(self) -> None:
        html = body("<div>" * 5_000 + "a")
        assert html.count("<div>") < 2_100
        assert "a" in html

    @pytest.mark.parametrize("times", [100, 1_000, 2_100, 40_000])
    def test_keeps_text_and_paragraphs_at_any_depth(self, times: int) -> None:
        html = body("<div>" * times + "<p>a<br>b</p>" + "</div>" * times + "<p>c</p>")
        assert "<p>a<br>b</p>" in html
        assert html.strip().endswith("<p>c</p>")


class TestFormulas:
    MATHML = "<mrow><mi>x</mi><mo>&lt;</mo><MSUP><mi>y</mi><mn>2</mn></MSUP></mrow>"
    TEX = "x &lt; y^2"

    @pytest.mark.parametrize(
        "formula",
        [
            f'<math><semantics>{MATHML}<annotation encoding="application/x-tex"> {TEX}</annotation></semantics></math>',
            f"<MATH data-latex='{TEX}' display=\"block\">{MATHML}</MATH >",
        ],
    )
    def test_are_shown_in_tex(self, formula: str) -> None:
        assert body(f"<p>Let {formula} be, and {formula}.</p>") == (
            f"<p>Let <code>{self.TEX}</code> be, and <code>{self.TEX}</code>.</p>"
        )

    @pytest.mark.parametrize(
        "formula",
        [
            f"<math>{MATHML}</math>",
            f'<math display="inline">{MATHML}<annotation encoding="application/x-tex"> </annotation></math>',
            f"<math><semantics>{MATHML}<annotation-xml><ci>x</ci></annotation-xml></semantics></math>",
            f"{MATHML}</math>",
        ],
    )
    def test_without_tex_keep_their_text(self, formula: str) -> None:
        assert body(f"<p>Let {formula} be.</p>") == "<p>Let x&lt;y2 be.</p>"

    def test_contain_no_scripts(self) -> None:
        hostile = "<mtext><script>alert(1)</script><mglyph><style>alert(1)</style><img src=/x onerror=alert(1)></mtext>"
        assert "alert" not in body(f"<math>{hostile}</math><math>{hostile}")

    @pytest.mark.parametrize(
        "part",
        [
            *("<math>", "<math ", "<math a='", "</math>", "<math><annotation>", "<math data-latex='"),
            *("<annotation encoding=", "<annotation ", "<annotation encoding=application/x-tex>", "application/x-tex"),
        ],
    )
    def test_are_found_in_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        def work(parts: str) -> None:
            _show_formulas(f"<math>{parts}</math>")
            _show_formulas(f"<math><annotation {parts}</math>")

        assert grows_with_length(work, part * 5_000)


class TestForbiddenHtml:
    @pytest.mark.parametrize(
        "source",
        [
            "<script>alert(1)</script>",
            "<SCRIPT\nsrc=//example.org></SCRIPT\n>",
            "<style>p{}</style>",
            "<svg onload=alert(1)><script>1</script></svg>",
            "<math><mtext></mtext></math>",
            "<base href=//example.org>",
            '<link rel=stylesheet href="//example.org">',
            '<meta http-equiv=refresh content="0">',
            "<template></template>",
            "<frameset><frame src=//example.org></frameset>",
            "<input autofocus onfocus=alert(1)>",
            "<title>x</title>",
        ],
    )
    def test_forbidden_elements_are_removed(self, source: str) -> None:
        assert body(f"a{source}b") in {"ab", "a1b"}

    @pytest.mark.parametrize(
        "attribute",
        [
            "onclick=x",
            "ONCLICK=x",
            "style=color:red",
            "srcset='a 1x'",
            "ping=/x",
            "target=_blank",
            "itemprop=x",
            "download",
            "data-x=1",
            "aria-label=x",
            "role=main",
            "tabindex=1",
            "contenteditable",
            "formaction=/x",
            "background=//example.org/x",
            "xml:base=//example.org",
            "dir=up",
            "lang='x y'",
            "translate='maybe'",
            "hreflang='<'",
        ],
    )
    def test_forbidden_attributes_are_removed(self, attribute: str) -> None:
        assert body(f"<a href=/x {attribute}>a</a>") == '<a href="/x">a</a>'

    def test_classes_of_the_site_itself_are_removed(self) -> None:
        assert body('<div class="entry sidebar alignleft admin size-large">a</div>') == (
            '<div class="alignleft size-large">a</div>'
        )

    def test_language_classes_are_removed_from_anything_but_code(self) -> None:
        assert body('<p class="language-python">a</p>') == "<p>a</p>"

    def test_meaningless_values_are_removed(self) -> None:
        assert body('<table><tr><td colspan="x" rowspan="99999">a</td><th scope="all">b</th></tr></table>') == (
            "<table><tbody><tr><td>a</td><th>b</th></tr></tbody></table>"
        )


class TestIds:
    @pytest.mark.parametrize(
        "name", ["comments", "respond", "more", "content", "more-12", "comment-7", "id_name", "post-1", "main"]
    )
    def test_reserved_for_the_site_get_a_prefix_and_so_do_links_to_them(self, name: str) -> None:
        assert body(f'<p id="{name}">a <a href="#{name}">b</a></p>') == (
            f'<p id="u-{name}">a <a href="#u-{name}">b</a></p>'
        )

    def test_with_a_prefix_can_be_linked_to(self) -> None:
        assert body('<a href="#respond">Answer</a>') == '<a href="#respond">Answer</a>'

    def test_not_reserved_for_the_site_are_kept(self) -> None:
        assert body('<h2 id="commentary">a</h2>') == '<h2 id="commentary">a</h2>'

    def test_are_unique(self) -> None:
        assert body('<p id="a">1</p><p id="a">2</p>') == '<p id="a">1</p><p>2</p>'

    def test_with_a_prefix_do_not_collide_with_others(self) -> None:
        assert body('<p id="u-more">1</p><p id="more">2</p>') == '<p id="u-more">1</p><p>2</p>'

    def test_with_spaces_are_removed(self) -> None:
        assert body('<p id="a b">1</p><p id=" ">2</p>') == "<p>1</p><p>2</p>"


class TestDepth:
    """No author nests HTML deeper than parsers can read in linear time."""

    @pytest.mark.parametrize("piece", ["<div>", "<ul><li>", "<ol><!--</ol>-->"])
    def test_keeps_text_and_paragraphs_that_are_nested_too_deep(self, piece: str) -> None:
        body = render(f"<p>One</p>{piece * 21_000}<p>two</p> three", "html").body_html
        assert body.count("<p>") >= 2
        assert all(word in body for word in ("One", "two", "three"))
        assert "<div" not in body

    @pytest.mark.parametrize("start", ["", "<!-- a comment -->", "<!--more-->"])
    def test_does_not_count_siblings(self, start: str) -> None:
        assert render(start + "<ul><li>x</li></ul>" * 5_000, "html").body_html.count("<li>") == 5_000

    @pytest.mark.parametrize(
        "piece",
        [
            "<div><!--</div>-->",
            "<div title='</div>'>",
            "<div><style></div></style>",
            "<div><script><!--<script></script></div></script>",
            "<x>",
            "<rt>",
            "<address>",
        ],
    )
    def test_is_not_hidden_by_text_that_only_looks_like_an_end_tag(self, piece: str) -> None:
        body = render(f"{piece * 3_000}<!-- --><section>two</section>", "html").body_html
        assert "two" in body
        assert "<section" not in body

    def test_does_not_count_text_that_only_looks_like_a_start_tag(self) -> None:
        source = "<section>one</section>" + "<!--<div>-->" * 3_000 + "<p title='<div>'>x</p>" * 3_000
        assert "<section>one</section>" in render(source, "html").body_html

    def test_long_attributes_of_unclosed_formatting_are_not_copied_to_every_paragraph(self) -> None:
        source = f"<p><b title='{'x' * 20_000}'>" + "<p>x" * 5_000
        assert len(render(source, "html").body_html) < 20 * len(source)


class TestLongTexts:
    """nh3 searches the rest of a text for each ampersand in it, so long texts are divided for it."""

    @pytest.mark.parametrize("char", ["&", "&amp;", "&nbsp;", "»", "·", "x &"])
    @pytest.mark.parametrize(("start", "end"), [("", ""), ("<p>", "</p>"), ("<pre>", "</pre>")])
    def test_are_rendered_whole(self, char: str, start: str, end: str) -> None:
        shown = char.replace("&amp;", "&").replace("&nbsp;", "\xa0").replace("&", "&amp;").replace("\xa0", "&nbsp;")
        assert body(start + char * 5_000 + "." + end) == start + shown * 5_000 + "." + end

    def test_are_divided(self) -> None:
        parts = divide_texts("<p title='&&'>" + "&amp;»x" * 5_000 + "</p>").split("<divider></divider>")
        assert max(part.count("&") + part.count("»") for part in parts) <= 1_000 + 2

    def test_of_usual_kind_are_not_divided(self) -> None:
        assert divide_texts("<p>Q&amp;A »x«</p>" * 300) == "<p>Q&amp;A »x«</p>" * 300

    def test_in_attributes_are_removed_if_no_real_one_is_as_long(self) -> None:
        assert body(f'<a href="/{"&" * 20_000}" title="b">a</a>') == '<span title="b">a</span>'
