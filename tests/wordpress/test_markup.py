"""The `wordpress` markup: what WordPress makes of its bodies, made here."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.rendering import render
from tests.growth import grows_with_length
from wordpress.markup import to_html

# What bodies are made of, and what is worst in numbers.
ELEMENTS = (
    "b",
    "i",
    "a",
    "p",
    "div",
    "ul",
    "li",
    "blockquote",
    "pre",
    "h2",
    "table",
    "tr",
    "td",
    "code",
    "video",
    "figure",
)
PIECES = [
    *(f"<{slash}{name}>" for name in ELEMENTS for slash in ("", "/")),
    *("\n", "\n\n", " ", '"', "'", "--", "...", "< ", "<br>", "<hr>", "<x/>", "<td/>", "<img src='/a.png'>"),
    *("<!--more-->", "<!-- wp:quote -->", "<!-- /wp:quote -->", "[gallery]", '[caption width="1"]', "[/caption]"),
    *("[video src='/a.mp4']", "[/video]", "[youtube x]", "<!--nextpage-->", "[embed]", "[/embed]", "[[gallery]]"),
]
UNITS = [
    *("<", "[", '"', "'", "\n", "-", ".", "<b>", "<p>", "<div>", "<li><ul>", "<br>", "<!--", "<!", '<i>"', "``'"),
    *("\n\nx", "<b>\n\nx", "<a href='x'>\n\ny", "<video>\n\nx", "<b><i></b>\n\nx", "<td>\n\nx"),
    *('<a b="', '<a b=" c="', "<!-- wp:p ", "<!-- wp:p -->", "[gallery ", "[caption]", "[/caption][caption]", "[a="),
    *("http://", "http://'.", '&nbsp;"', "[[", "[youtube ", "[youtube x]", "[video /a.mp4]", "[embed]x", "[/video]"),
    *('<sup class="fn">', '<sup class="fn"><a href="#x">', "<!-- wp:embed {", "<!-- wp:file --><object>"),
]


def lines(source: str) -> list[str]:
    """The HTML of `source` by lines, without those that are empty."""
    return [line for line in to_html(source).split("\n") if line]


class TestParagraphs:
    def test_blank_lines_part_paragraphs(self) -> None:
        assert to_html("One\n\nTwo\n \n\nThree") == "<p>One</p>\n<p>Two</p>\n<p>Three</p>"

    def test_single_line_ends_break_lines(self) -> None:
        assert to_html("One\nTwo") == "<p>One<br>\nTwo</p>"

    @pytest.mark.parametrize("end", ["\r\n", "\r"])
    def test_line_ends_of_other_systems_are_line_ends(self, end: str) -> None:
        assert to_html(f"One{end}Two{end}{end}Three") == "<p>One<br>\nTwo</p>\n<p>Three</p>"

    def test_a_break_that_was_typed_is_not_doubled(self) -> None:
        assert to_html("One<br />\nTwo") == "<p>One<br>\nTwo</p>"

    def test_two_breaks_part_paragraphs(self) -> None:
        assert to_html("One<br />\n<br>Two") == "<p>One</p>\n<p>Two</p>"

    @pytest.mark.parametrize("source", ["<br>\nOne", "<br />\n\nOne", "<p><br>One</p>", "<br><br>One"])
    def test_no_text_begins_with_a_break(self, source: str) -> None:
        assert to_html(source) == "<p>One</p>"

    def test_paragraphs_that_were_typed_stay(self) -> None:
        assert to_html('<p class="a">One</p>\n\n<p>Two\nThree</p>') == '<p class="a">One</p>\n<p>Two<br>\nThree</p>'

    def test_a_blank_line_in_a_typed_paragraph_parts_it(self) -> None:
        assert to_html("<p>One\n\nTwo</p>") == "<p>One</p>\n<p>Two</p>"

    @pytest.mark.parametrize("empty", ["", "  \n\n ", "\n"])
    def test_nothing_becomes_nothing(self, empty: str) -> None:
        assert to_html(empty) == ""

    def test_inline_elements_end_with_their_paragraph_and_go_on_in_the_next(self) -> None:
        assert to_html("<b>One\n\nTwo</b> three") == "<p><b>One</b></p>\n<p><b>Two</b> three</p>"

    def test_elements_that_cross_are_untangled(self) -> None:
        assert to_html("<b>One <i>two</b> three</i>") == "<p><b>One <i>two</i></b><i> three</i></p>"

    def test_an_anchor_without_text_is_kept(self) -> None:
        assert to_html('<a name="top"></a>\n\nText') == '<a name="top"></a>\n<p>Text</p>'

    def test_elements_closed_the_xhtml_way_are_closed(self) -> None:
        assert to_html('One <a name="here"/>two') == '<p>One <a name="here"></a>two</p>'

    def test_pictures_stand_in_paragraphs(self) -> None:
        assert to_html('<img src="/a.png" alt="a > b">') == '<p><img src="/a.png" alt="a > b"></p>'


class TestBlocks:
    def test_block_elements_stand_alone(self) -> None:
        assert lines("One\n<h2>Two</h2>\nThree<hr />Four") == [
            "<p>One</p>",
            "<h2>Two</h2>",
            "<p>Three</p>",
            "<hr />",
            "<p>Four</p>",
        ]

    def test_lists_and_tables_get_no_breaks_between_their_parts(self) -> None:
        source = "<ul>\n\t<li>One</li>\n\n\t<li>Two\nlines</li>\n</ul>\n<table>\n<tr>\n<td>Three</td>\n</tr>\n</table>"
        assert "".join(lines(source)) == (
            "<ul><li>One</li><li>Two<br>lines</li></ul><table><tr><td>Three</td></tr></table>"
        )

    def test_a_quotation_holds_paragraphs(self) -> None:
        assert "".join(lines("<blockquote>One\n\nTwo</blockquote>")) == "<blockquote><p>One</p><p>Two</p></blockquote>"

    @pytest.mark.parametrize("name", ["div", "li", "td", "section"])
    def test_a_single_text_in_a_block_is_no_paragraph(self, name: str) -> None:
        assert f"<{name}>One</{name}>" in to_html(f"<{name}>One</{name}>")

    @pytest.mark.parametrize("name", ["div", "li", "td", "section"])
    def test_texts_in_a_block_are_paragraphs_but_one_that_follows_its_start_at_once(self, name: str) -> None:
        assert lines(f"<{name}>One\n\nTwo</{name}>") == [f"<{name}>One", "<p>Two</p>", f"</{name}>"]
        assert lines(f"<{name}>\n\nOne</{name}>") == [f"<{name}><p>One</p>", f"</{name}>"]

    def test_a_list_without_items_holds_lines_and_paragraphs(self) -> None:
        assert "".join(lines("<ul>One\ntwo\n\nThree</ul>")) == "<ul>One<br>two<p>Three</p></ul>"

    def test_a_text_behind_a_block_in_a_block_is_a_paragraph(self) -> None:
        assert "".join(lines("<li>One<ul><li>Two</li></ul>Three</li>")) == (
            "<li>One<ul><li>Two</li></ul><p>Three</p></li>"
        )

    def test_items_that_were_never_ended_are_ended(self) -> None:
        assert "".join(lines("<ul><li>One<li>Two</ul>After")) == "<ul><li>One</li><li>Two</li></ul><p>After</p>"

    @pytest.mark.parametrize("name", ["pre", "script", "style", "textarea"])
    def test_verbatim_elements_are_not_touched(self, name: str) -> None:
        inside = f"<{name}>a\n\n\"b\" -- <b>'c'</b>...</{name}>"
        assert inside in to_html(f"One\n\n{inside}\n\nTwo")

    def test_a_link_round_a_heading_goes_into_it(self) -> None:
        assert lines('<a href="/x"><h3>One</h3></a>') == ['<h3><a href="/x">One</a></h3>']

    def test_a_picture_with_its_caption_gets_neither_breaks_nor_paragraphs(self) -> None:
        source = '<figure>\n<img src="/a.png">\n<figcaption>One</figcaption>\n</figure>'
        assert "".join(lines(source)) == '<figure><img src="/a.png"><figcaption>One</figcaption></figure>'

    def test_ends_without_a_start_are_left_out(self) -> None:
        assert to_html("One</div></b></p>Two") == "<p>One</p>\n<p>Two</p>"


class TestMarks:
    def test_a_more_marker_at_the_end_of_a_paragraph_stays_in_it(self) -> None:
        assert to_html("One<!--more-->\n\nTwo") == "<p>One<!--more--></p>\n<p>Two</p>"

    def test_a_more_marker_alone_is_no_paragraph(self) -> None:
        assert lines("One\n\n<!--more Go on-->\n\nTwo") == ["<p>One</p>", "<!--more Go on-->", "<p>Two</p>"]

    def test_page_breaks_are_kept(self) -> None:
        assert "<!--nextpage-->" in to_html("One\n<!--nextpage-->\nTwo")

    def test_other_comments_never_show(self) -> None:
        assert to_html("One <!-- \n\n secret -->two") == "<p>One two</p>"

    def test_the_link_to_the_rest_runs_on_in_the_paragraph(self) -> None:
        rendered = render("One two.<!--more-->\n\nThree.", "wordpress")
        assert rendered.has_more
        assert "Three" not in rendered.lead_html
        assert rendered.lead_html.count("<p>") == 1


class TestBlockEditor:
    def test_block_comments_vanish_and_nothing_else_changes(self) -> None:
        source = (
            '<!-- wp:paragraph {"align":"center"} -->\n<p>One\ntwo</p>\n<!-- /wp:paragraph -->\n\n'
            "<!-- wp:list -->\n<ul><li>Three</li></ul>\n<!-- /wp:list -->\n<!-- wp:latest-posts /-->"
        )
        assert lines(source) == ["<p>One", "two</p>", "<ul><li>Three</li></ul>"]

    def test_blocks_in_blocks(self) -> None:
        source = (
            "<!-- wp:quote --><blockquote><!-- wp:paragraph --><p>One</p><!-- /wp:paragraph --></blockquote>"
            "<!-- /wp:quote -->"
        )
        assert to_html(source) == "<blockquote><p>One</p></blockquote>"

    def test_the_more_block_is_a_more_marker(self) -> None:
        source = (
            "<!-- wp:paragraph -->\n<p>One</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:more -->\n<!--more-->\n"
            "<!-- /wp:more -->\n\n<!-- wp:paragraph -->\n<p>Two</p>\n<!-- /wp:paragraph -->"
        )
        assert lines(source) == ["<p>One</p>", "<!--more-->", "<p>Two</p>"]

    def test_what_stands_between_blocks_is_a_classic_body(self) -> None:
        source = "One\ntwo\n\nthree\n<!-- wp:paragraph --><p>Four</p><!-- /wp:paragraph -->"
        assert lines(source) == ["<p>One<br>", "two</p>", "<p>three</p>", "<p>Four</p>"]

    def test_a_classic_block_is_a_classic_body(self) -> None:
        assert to_html("<!-- wp:freeform -->\nOne\n\nTwo\n<!-- /wp:freeform -->") == "<p>One</p>\n<p>Two</p>"

    def test_quotes_become_typographic_but_not_in_code(self) -> None:
        source = '<!-- wp:code --><pre class="a"><code>"x" -- y</code></pre><!-- /wp:code --><p>"x"</p>'
        assert to_html(source) == '<pre class="a"><code>"x" -- y</code></pre><p>“x”</p>'

    def test_what_has_no_markup_of_its_own_leaves_nothing(self) -> None:
        source = (
            '<!-- wp:latest-posts {"postsToShow":3} /-->\n<!-- wp:spacer {"height":"9px"} -->\n'
            '<div style="height:9px" class="wp-block-spacer"></div>\n<!-- /wp:spacer -->\n<!-- wp:archives /-->'
        )
        assert render(source, "wordpress").body_html == ""

    @pytest.mark.parametrize("name", ["embed", "core-embed/youtube"])
    def test_an_embedded_film_is_a_player_with_its_caption(self, name: str) -> None:
        source = (
            f'<!-- wp:{name} {{"url":"https://youtu.be/wTzbIc6oiqs","type":"video"}} -->\n'
            '<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\nhttps://youtu.be/wTzbIc6oiqs\n'
            f"</div><figcaption>One</figcaption></figure>\n<!-- /wp:{name} -->"
        )
        html = render(source, "wordpress").body_html
        assert '<figure class="player"><a href="https://www.youtube.com/watch?v=wTzbIc6oiqs"' in html
        assert html.count("<a ") == 1
        assert "<figcaption>One</figcaption>" in html

    def test_an_embed_of_another_site_is_a_link(self) -> None:
        source = (
            '<!-- wp:embed {"url":"https://example.org/a--b"} -->\n<figure class="wp-block-embed"><div>\n'
            "https://example.org/a--b\n</div></figure>\n<!-- /wp:embed -->"
        )
        assert '<a href="https://example.org/a--b" rel="noopener">https://example.org/a--b</a>' in (
            render(source, "wordpress").body_html
        )

    def test_an_embed_that_is_a_comment_only_is_its_address(self) -> None:
        html = render('<!-- wp:embed {"url":"https://example.org/a"} /-->', "wordpress").body_html
        assert 'href="https://example.org/a"' in html

    @pytest.mark.parametrize("values", ["{", '{"url":3}', "[]", '{"url":', ""])
    def test_an_embed_with_broken_values_leaves_nothing(self, values: str) -> None:
        assert to_html(f"<!-- wp:embed {values} /-->") == ""

    def test_a_gallery_keeps_its_pictures_and_captions(self) -> None:
        source = (
            '<!-- wp:gallery {"linkTo":"none"} -->\n<figure class="wp-block-gallery has-nested-images columns-2">'
            '<!-- wp:image {"id":5} -->\n<figure class="wp-block-image"><img src="/media/a.png" alt="a"/>'
            "<figcaption>One</figcaption></figure>\n<!-- /wp:image --></figure>\n<!-- /wp:gallery -->"
        )
        html = render(source, "wordpress").body_html
        assert '<figure class="wp-block-gallery columns-2">' in html
        assert 'src="/media/a.png"' in html
        assert "<figcaption>One</figcaption>" in html

    def test_columns_covers_and_media_beside_text_keep_their_words_in_order(self) -> None:
        source = (
            '<!-- wp:columns --><div class="wp-block-columns"><!-- wp:column --><div class="wp-block-column">'
            "<!-- wp:paragraph --><p>One</p><!-- /wp:paragraph --></div><!-- /wp:column --><!-- wp:column -->"
            '<div class="wp-block-column"><!-- wp:paragraph --><p>Two</p><!-- /wp:paragraph --></div>'
            "<!-- /wp:column --></div><!-- /wp:columns -->"
            '<!-- wp:cover {"url":"/a.png"} --><div class="wp-block-cover"><span aria-hidden="true"></span>'
            '<div class="wp-block-cover__inner-container"><!-- wp:paragraph --><p>Three</p><!-- /wp:paragraph --></div>'
            "</div><!-- /wp:cover -->"
            '<!-- wp:media-text --><div class="wp-block-media-text"><figure><img src="/b.png" alt=""/></figure><div>'
            "<!-- wp:paragraph --><p>Four</p><!-- /wp:paragraph --></div></div><!-- /wp:media-text -->"
        )
        rendered = render(source, "wordpress")
        assert rendered.extract == "One Two Three Four"
        assert rendered.body_html.count("<p>") == 4
        assert "<!--" not in rendered.body_html

    def test_buttons_are_links(self) -> None:
        source = (
            '<!-- wp:buttons --><div class="wp-block-buttons"><!-- wp:button --><div class="wp-block-button">'
            '<a class="wp-block-button__link" href="/give/">Give</a></div><!-- /wp:button --></div><!-- /wp:buttons -->'
        )
        assert '<a href="/give/">Give</a>' in render(source, "wordpress").body_html

    @pytest.mark.parametrize(
        "inside",
        [
            "<blockquote><p>One</p><cite>Two</cite></blockquote>",
            "<figure><blockquote><p>One</p><cite>Two</cite></blockquote></figure>",
            "<figure><table><thead><tr><th>One</th></tr></thead><tbody><tr><td>Two</td></tr></tbody></table></figure>",
            "<details><summary>One</summary><p>Two</p></details>",
            "<pre>One\n\n  Two</pre>",
            "<hr>",
        ],
    )
    def test_what_is_plain_html_stays(self, inside: str) -> None:
        source = f"<!-- wp:group -->{inside}<!-- /wp:group -->"
        assert render(source, "wordpress").body_html == inside

    def test_a_document_is_named_once_with_its_button(self) -> None:
        source = (
            '<!-- wp:file {"id":1} -->\n<div class="wp-block-file"><object class="wp-block-file__embed" '
            'data="https://example.org/a.pdf" type="application/pdf" aria-label="x"></object>'
            '<a href="https://example.org/a.pdf">The paper</a><a href="https://example.org/a.pdf" '
            'class="wp-block-file__button" download>Download</a></div>\n<!-- /wp:file -->'
        )
        html = render(source, "wordpress").body_html
        assert html.count("<a ") == 2
        assert "The paper" in html

    def test_marks_of_footnotes_lead_to_notes_that_are_there(self) -> None:
        mark = '<sup data-fn="a-b" class="fn"><a href="#a-b" id="a-b-link">1</a></sup>'
        source = f"<!-- wp:paragraph --><p>Word{mark}</p><!-- /wp:paragraph -->"
        assert to_html(source) == '<p>Word<sup data-fn="a-b" class="fn">1</sup></p>'
        with_notes = source + '<ol><li id="a-b">A note</li></ol>'
        assert '<a href="#a-b" id="a-b-link">1</a>' in render(with_notes, "wordpress").body_html

    def test_links_to_profiles_elsewhere_are_links(self) -> None:
        source = (
            '<!-- wp:social-links --><ul><!-- wp:social-link {"url":"https://a.example/?b=1","service":"mastodon"} /-->'
            '<!-- wp:social-link {"service":"x"} /--></ul><!-- /wp:social-links -->'
        )
        assert "".join(lines(source)) == '<ul><li><a href="https://a.example/?b=1">Mastodon</a></li></ul>'

    @pytest.mark.parametrize("url", ["\\ud800", "\\u0000", '"><script>'])
    def test_whatever_the_address_of_a_block_is_it_is_shown(self, url: str) -> None:
        assert "<script" not in render(f'<!-- wp:embed {{"url":"{url}"}} /-->', "wordpress").body_html

    def test_ends_of_blocks_that_never_began_do_no_harm(self) -> None:
        assert to_html("<!-- /wp:paragraph --><!-- wp:paragraph --><p>One</p>") == "<p>One</p>"


class TestShortcodes:
    def test_a_caption_becomes_a_figure(self) -> None:
        source = (
            '[caption id="attachment_5" align="alignleft" width="300"]<a href="/big"><img src="/a.png" alt="x" /></a>'
            ' The "great" <em>hall</em>[/caption]Text'
        )
        assert lines(source) == [
            (
                '<figure id="attachment_5" class="wp-caption alignleft"><a href="/big"><img src="/a.png" alt="x" /></a>'
                '<figcaption class="wp-caption-text">The “great” <em>hall</em></figcaption>'
            ),
            "</figure>",
            "<p>Text</p>",
        ]

    def test_the_old_form_has_its_text_in_an_attribute(self) -> None:
        source = "[caption width='9' caption='R&amp;D &lt;b&gt;x&lt;/b&gt;']<img src='/a.png'>[/caption]"
        assert '<figcaption class="wp-caption-text">R&D <b>x</b></figcaption>' in to_html(source)

    def test_a_caption_without_text_is_its_picture(self) -> None:
        assert to_html('[caption width="9"]<img src="/a.png">[/caption]') == '<p><img src="/a.png"></p>'

    def test_only_the_four_alignments_become_classes(self) -> None:
        source = '[caption align="evil x" width="9"]<img src="/a.png"> One[/caption]'
        assert 'class="wp-caption"' in to_html(source)

    @pytest.mark.parametrize(
        "source", ['[caption width="9"]<img src="/a.png"> One', "[/caption]", "[[caption]x[/caption]]"]
    )
    def test_what_is_no_whole_caption_stays_as_text(self, source: str) -> None:
        assert "caption" in to_html(source)
        assert "<figure" not in to_html(source)

    def test_unknown_shortcodes_stay_as_they_were_typed(self) -> None:
        assert to_html('[contact-form to="a--b"]') == '<p>[contact-form to="a--b"]</p>'


class TestTypography:
    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ('She said "yes".', "She said “yes”."),
            ("It's 'fine'.", "It’s ‘fine’."),
            ("\"'Both'\"", "“‘Both’”"),
            ('("x")', "(“x”)"),
            ('word-"x"', "word-“x”"),
            ("5'10\" tall", "5’10” tall"),
            ("5'9\" tall", "5’9″ tall"),
            ('"class of \'99"', "“class of ’99”"),
            ("6' 2\" tall", "6′ 2″ tall"),
            ('a 12" pipe', "a 12″ pipe"),
            ('"a 12" pipe"', "“a 12″ pipe”"),
            ('"in 2012"', "“in 2012”"),
            ('"12"', "“12”"),
            ("'2012'", "‘2012’"),
            ("the '60s' end", "the ’60s’ end"),
            ("'12 was", "’12 was"),
            ("3x4", "3×4"),
            ("1.5x2,000!", "1.5×2,000!"),
            ("<b>a</b>3x4", "<b>a</b>3×4"),
            ("0x3, v3x4b, ax4", "0x3, v3x4b, ax4"),
            ("A (tm)", "A ™"),
            ("the ``word", "the “word"),
            ("&nbsp;- x", "&nbsp;– x"),
            ("said: \"'Go,' he said\"", "said: “‘Go,’ he said”"),
            ("'\"Go\" he said'", "‘“Go” he said’"),
            ("'emotional'", "‘emotional’"),
            ("«'x'» —\"x\"", "«‘x’» —“x”"),
            ("x' (y)", "x’ (y)"),
            ("the '90s", "the ’90s"),
            ("'Tis so", "’Tis so"),
            ("``x''", "“x”"),
            ("one -- two", "one — two"),
            ("one--two---three", "one–two—three"),
            ("one - two", "one – two"),
            ("well-known", "well-known"),
            ("wait...", "wait…"),
            ("l'été", "l’été"),
            ('&nbsp;"x"', "&nbsp;“x”"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ('""', "“”"),
        ],
    )
    def test_straight_signs_become_typographic(self, typed: str, shown: str) -> None:
        assert to_html(typed) == f"<p>{shown}</p>"

    def test_quotes_are_seen_across_tags(self) -> None:
        assert to_html('"<em>One</em>" <em>"two"</em>') == "<p>“<em>One</em>” <em>“two”</em></p>"
        assert to_html('is<em>"one"</em>') == "<p>is<em>“one”</em></p>"

    @pytest.mark.parametrize("between", ["</p><p>", "<br>", "</li><li>"])
    def test_each_block_and_line_begins_anew(self, between: str) -> None:
        source = f'<!-- wp:html -->one.{between}"two" {between}- three<!-- /wp:html -->'
        assert f"one.{between}“two” {between}– three" in to_html(source)

    @pytest.mark.parametrize("name", ["code", "kbd", "tt", "samp"])
    def test_code_is_not_touched(self, name: str) -> None:
        assert to_html(f'<{name}>"a" -- b</{name}>') == f'<p><{name}>"a" -- b</{name}></p>'

    @pytest.mark.parametrize("address", ["https://example.org/a--b/it's?q=...&x", "www.example.org/a--b"])
    def test_addresses_are_not_touched(self, address: str) -> None:
        assert to_html(f"See {address} -- now") == f"<p>See {address} — now</p>"

    def test_attributes_are_not_touched(self) -> None:
        source = """<a href="/a--b" title="it's">x</a>"""
        assert to_html(source) == f"<p>{source}</p>"


class TestHostileBodies:
    @pytest.mark.parametrize("text", ["a < b", "1<2", "<3", "a <b", "<!", "<!-- never ended", "</", "<a href='"])
    def test_signs_that_begin_no_tag_are_text(self, text: str) -> None:
        assert html.unescape(to_html(text)) in {
            f"<p>{text}</p>",
            f"<p>{text}</p>".replace("'", "’"),
            f"<p>{text}</p>".replace("--", "–"),
        }

    @given(st.text(alphabet=" \n<>/!-[]=\"'&;.abpdivlhr12", max_size=300))
    def test_it_never_raises(self, source: str) -> None:
        to_html(source)
        to_html("<!-- wp:paragraph -->" + source)

    @given(
        st.lists(
            st.sampled_from(PIECES) | st.from_regex(r"[a-z]{1,4}[0-9]{4}", fullmatch=True),
            max_size=60,
        )
    )
    def test_every_word_is_kept_in_its_order(self, pieces: list[str]) -> None:
        source = "".join(pieces)
        word = re.compile(r"[a-z]{1,4}[0-9]{4}")
        without_tags = re.compile(r"<[^<>]*>")
        assert word.findall(without_tags.sub("", to_html(source))) == word.findall(without_tags.sub("", source))

    @pytest.mark.parametrize("unit", UNITS)
    def test_time_grows_with_the_length_and_no_faster(self, unit: str) -> None:
        assert grows_with_length(to_html, (unit * 100_000)[:100_000])

    @pytest.mark.parametrize("unit", ["<b>\n\nx", "<a href='xxxxxxxxxxxxxxxxxxxxx'>\n\nx", "<b><i></b>\n\nx"])
    def test_no_small_body_becomes_a_huge_page(self, unit: str) -> None:
        source = unit * 2000
        assert len(to_html(source)) < 10 * len(source) + 200_000
