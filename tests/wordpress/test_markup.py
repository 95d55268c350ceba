"""The `wordpress` markup: content is rendered as WordPress renders it."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from blog.rendering import render
from tests.factories.types import GrowsWithLength
from wordpress.markup.renderer import to_html

# Test content is made of these pieces. The units take the longest to render when they are repeated.
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
HOURS = '[{"opening":"9:00","closing":"12:00"},{"opening":"13:00","closing":"17:00"}]'
IMAGE = '<img src="/media/a.jpg" alt="A" loading="lazy" decoding="async">'
POINT = '{"longitude":-6.5,"latitude":46.21}'
MAP = "https://www.google.com/maps/search/?api=1&amp;query=46.21,-6.5"
INSTAGRAM = "https://www.instagram.com/a.b/"
PLAYER = '<audio src="/media/a.mp3" controls="" preload="none"></audio>'
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
    *('<!-- wp:jetpack/calendly {"url":"http://a.b"} -->', "[ref]a", "[ref]a[/ref]", "[/ref]"),
    *("<script src='a'>", "<script src='a' ", "/*! elementor x*/.", "/*! elementor x*/.a{", "/*! elementor x*/.a{.b{}"),
    *("<div class='sqs-video-wrapper' ", '<div sqs-video-wrapper data-html="&lt;div>">'),
    *("<a name='more'>", "<a name= ", "<lj user='a' ", "<lj-cut ", "<p>[[MORE]]"),
    *('<table class="tr-caption-container"><tr><td>', "<table tr-caption-container "),
    *("[:en]a", "<!--:en-->a<!--:-->", "<!-- wp:seriously-simple-podcasting/x --><audio>"),
    *(
        f"<!-- wp:cover --><div class='wp-block-cover' {rest}"
        for rest in ("", "style='", "style='background-image:url(")
    ),
]


def lines(source: str) -> list[str]:
    """Return the lines of the HTML of `source` that are not empty."""
    return [line for line in to_html(source).split("\n") if line]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "/*! elementor - v3.14 - 18 */\n.a{b:c}.d&gt;f{g:h}@media (x:9px){.i{j:k}}\n\n<h2>One</h2>\nTwo {three}",
            ["<h2>One</h2>", "<p>Two {three}</p>"],
        ),
        ("/*! elementor - v3 */One {two}", ["<p>One {two}</p>"]),
        ("/*! other - v3 */ .a{b:c}", ["<p>/*! other – v3 */ .a{b:c}</p>"]),
    ],
)
def test_styles_that_elementor_has_left_as_text_are_not_shown(source: str, expected: list[str]) -> None:
    assert lines(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'One\n\n<script src="https://gist.github.com/a/4165157.js?file=b.pl"></script>',
            ["<p>One</p>", "<p>https://gist.github.com/a/4165157</p>"],
        ),
        ("<SCRIPT async src='//gist.github.com/4165157.js'> </SCRIPT>", ["<p>https://gist.github.com/4165157</p>"]),
        ('<script src="https://a.example/a.js"></script>', ['<script src="https://a.example/a.js"></script>']),
    ],
)
def test_a_script_that_shows_a_page_of_another_site_becomes_its_url(source: str, expected: list[str]) -> None:
    assert lines(source) == expected


class TestParagraphs:
    def test_blank_lines_separate_paragraphs(self) -> None:
        assert to_html("One\n\nTwo\n \n\nThree") == "<p>One</p>\n<p>Two</p>\n<p>Three</p>"

    def test_single_line_ends_are_line_breaks(self) -> None:
        assert to_html("One\nTwo") == "<p>One<br>\nTwo</p>"

    @pytest.mark.parametrize("end", ["\r\n", "\r"])
    def test_line_ends_of_other_systems_are_recognised(self, end: str) -> None:
        assert to_html(f"One{end}Two{end}{end}Three") == "<p>One<br>\nTwo</p>\n<p>Three</p>"

    def test_a_line_end_after_a_br_is_not_another_break(self) -> None:
        assert to_html("One<br />\nTwo") == "<p>One<br>\nTwo</p>"

    def test_two_line_breaks_separate_paragraphs(self) -> None:
        assert to_html("One<br />\n<br>Two") == "<p>One</p>\n<p>Two</p>"

    @pytest.mark.parametrize("source", ["<br>\nOne", "<br />\n\nOne", "<p><br>One</p>", "<br><br>One"])
    def test_paragraphs_do_not_begin_with_a_line_break(self, source: str) -> None:
        assert to_html(source) == "<p>One</p>"

    def test_paragraph_elements_are_kept(self) -> None:
        assert to_html('<p class="a">One</p>\n\n<p>Two\nThree</p>') == '<p class="a">One</p>\n<p>Two<br>\nThree</p>'

    def test_a_blank_line_splits_a_paragraph_element(self) -> None:
        assert to_html("<p>One\n\nTwo</p>") == "<p>One</p>\n<p>Two</p>"

    @pytest.mark.parametrize("empty", ["", "  \n\n ", "\n"])
    def test_empty_content_stays_empty(self, empty: str) -> None:
        assert to_html(empty) == ""

    def test_inline_elements_are_reopened_in_the_next_paragraph(self) -> None:
        assert to_html("<b>One\n\nTwo</b> three") == "<p><b>One</b></p>\n<p><b>Two</b> three</p>"

    def test_overlapping_elements_become_nested(self) -> None:
        assert to_html("<b>One <i>two</b> three</i>") == "<p><b>One <i>two</i></b><i> three</i></p>"

    def test_an_anchor_without_text_is_kept(self) -> None:
        assert to_html('<a name="top"></a>\n\nText') == '<a name="top"></a>\n<p>Text</p>'

    def test_self_closing_tags_are_closed(self) -> None:
        assert to_html('One <a name="here"/>two') == '<p>One <a name="here"></a>two</p>'

    def test_pictures_are_wrapped_in_paragraphs(self) -> None:
        assert to_html('<img src="/a.png" alt="a > b">') == '<p><img src="/a.png" alt="a > b"></p>'


class TestBlocks:
    def test_block_elements_are_not_wrapped_in_paragraphs(self) -> None:
        assert lines("One\n<h2>Two</h2>\nThree<hr />Four") == [
            "<p>One</p>",
            "<h2>Two</h2>",
            "<p>Three</p>",
            "<hr />",
            "<p>Four</p>",
        ]

    def test_items_of_lists_and_tables_have_no_line_breaks_between_them(self) -> None:
        source = "<ul>\n\t<li>One</li>\n\n\t<li>Two\nlines</li>\n</ul>\n<table>\n<tr>\n<td>Three</td>\n</tr>\n</table>"
        assert "".join(lines(source)) == (
            "<ul><li>One</li><li>Two<br>lines</li></ul><table><tr><td>Three</td></tr></table>"
        )

    def test_quotations_contain_paragraphs(self) -> None:
        assert "".join(lines("<blockquote>One\n\nTwo</blockquote>")) == "<blockquote><p>One</p><p>Two</p></blockquote>"

    @pytest.mark.parametrize("name", ["div", "li", "td", "section"])
    def test_a_single_text_in_a_block_is_not_a_paragraph(self, name: str) -> None:
        assert f"<{name}>One</{name}>" in to_html(f"<{name}>One</{name}>")

    @pytest.mark.parametrize("name", ["div", "li", "td", "section"])
    def test_texts_in_a_block_are_paragraphs_except_right_after_the_start_tag(self, name: str) -> None:
        assert lines(f"<{name}>One\n\nTwo</{name}>") == [f"<{name}>One", "<p>Two</p>", f"</{name}>"]
        assert lines(f"<{name}>\n\nOne</{name}>") == [f"<{name}><p>One</p>", f"</{name}>"]

    def test_a_list_without_items_has_line_breaks_and_paragraphs(self) -> None:
        assert "".join(lines("<ul>One\ntwo\n\nThree</ul>")) == "<ul>One<br>two<p>Three</p></ul>"

    def test_a_text_after_a_nested_block_is_a_paragraph(self) -> None:
        assert "".join(lines("<li>One<ul><li>Two</li></ul>Three</li>")) == (
            "<li>One<ul><li>Two</li></ul><p>Three</p></li>"
        )

    def test_unclosed_items_are_closed(self) -> None:
        assert "".join(lines("<ul><li>One<li>Two</ul>After")) == "<ul><li>One</li><li>Two</li></ul><p>After</p>"

    @pytest.mark.parametrize("name", ["pre", "script", "style", "textarea"])
    def test_verbatim_elements_are_not_changed(self, name: str) -> None:
        inside = f"<{name}>a\n\n\"b\" -- <b>'c'</b>...</{name}>"
        assert inside in to_html(f"One\n\n{inside}\n\nTwo")

    def test_a_picture_has_its_copy_for_readers_without_scripts_beside_it(self) -> None:
        late = '<noscript><img src="/media/a.jpg" alt="A" /></noscript><img data-src="/media/a.jpg" alt="A" />'
        shown = render(f'<div><div class="image-block-wrapper">{late}</div></div>', "wordpress").body_html
        assert shown.count("<img") == 1

    def test_a_video_of_squarespace_becomes_a_player(self) -> None:
        frame = html.escape('<iframe src="//www.youtube.com/embed/dQw4w9WgXcQ?wmode=opaque" width="640"></iframe>')
        wrapper = f'<div class="sqs-video-wrapper" data-provider-name="YouTube" data-html="{frame}"></div>'
        shown = render(f'<div class="intrinsic">{wrapper}</div>', "wordpress").body_html
        assert 'data-player="https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ' in shown

    def test_a_link_around_a_heading_is_moved_inside(self) -> None:
        assert lines('<a href="/x"><h3>One</h3></a>') == ['<h3><a href="/x">One</a></h3>']

    def test_figures_get_neither_line_breaks_nor_paragraphs(self) -> None:
        source = '<figure>\n<img src="/a.png">\n<figcaption>One</figcaption>\n</figure>'
        assert "".join(lines(source)) == '<figure><img src="/a.png"><figcaption>One</figcaption></figure>'

    def test_stray_end_tags_are_removed(self) -> None:
        assert to_html("One</div></b></p>Two") == "<p>One</p>\n<p>Two</p>"


class TestLanguages:
    @pytest.mark.parametrize(
        "source", ["[:en]One[:ar]واحد[:]", "[:en]One[:]\n[:ar]واحد[:]", "<!--:en-->One<!--:--><!--:ar-->واحد<!--:-->"]
    )
    def test_a_text_in_several_languages_is_shown_in_all_of_them(self, source: str) -> None:
        texts = ['<div lang="en" dir="auto"><p>One</p></div>', '<div lang="ar" dir="auto"><p>واحد</p></div>']
        assert lines(source) == texts

    def test_texts_after_a_language_and_notes_are_in_none(self) -> None:
        html = to_html("[:en]One[ref]Note[/ref][:]Two")
        assert html.count("<div") == 1
        assert "<p>Two</p>" in html.partition("</div>")[2]
        assert "Note" in html.partition("</div>")[2]

    @pytest.mark.parametrize("source", ["Type [:en] or [:fr].", "<pre>[:en]</pre>", "[:]"])
    def test_marks_inside_a_text_are_shown_as_typed(self, source: str) -> None:
        assert lines(source) == [source if source.startswith("<pre>") else f"<p>{source}</p>"]


class TestComments:
    def test_a_more_marker_stays_at_the_end_of_its_paragraph(self) -> None:
        assert to_html("One<!--more-->\n\nTwo") == "<p>One<!--more--></p>\n<p>Two</p>"

    def test_a_more_marker_alone_is_not_a_paragraph(self) -> None:
        assert lines("One\n\n<!--more Go on-->\n\nTwo") == ["<p>One</p>", "<!--more Go on-->", "<p>Two</p>"]

    def test_page_breaks_are_kept(self) -> None:
        assert "<!--nextpage-->" in to_html("One\n<!--nextpage-->\nTwo")

    @pytest.mark.parametrize(
        "source", ["One\n<!--nextpage-->\nTwo", "One<!--nextpage-->Two", "One\n\n<!--nextpage-->\n\nTwo"]
    )
    def test_a_page_does_not_begin_with_a_line_break(self, source: str) -> None:
        assert lines(source) == ["<p>One</p>", "<!--nextpage-->", "<p>Two</p>"]

    def test_other_comments_are_removed(self) -> None:
        assert to_html("One <!-- \n\n secret -->two") == "<p>One two</p>"

    def test_the_more_marker_ends_the_lead_inside_its_paragraph(self) -> None:
        rendered = render("One two.<!--more-->\n\nThree.", "wordpress")
        assert rendered.has_more
        assert "Three" not in rendered.lead_html
        assert rendered.lead_html.count("<p>") == 1


class TestOtherServices:
    @pytest.mark.parametrize("anchor", ["<a name='more'></a>", '<a name="more"></a>', "<A NAME=more />"])
    def test_the_jump_break_of_blogger_is_a_more_marker(self, anchor: str) -> None:
        assert lines(f"One<br /><br />{anchor}Two") == ["<p>One</p>", "<p><!--more-->Two</p>"]
        assert render(f"One<br /><br />{anchor}Two", "wordpress").has_more

    def test_the_cut_of_livejournal_is_a_more_marker(self) -> None:
        rendered = render("One <lj-cut text='Go on'>two</lj-cut> three", "wordpress")
        assert rendered.has_more
        assert "two" not in rendered.lead_html
        assert "two three" in rendered.body_html

    def test_the_mark_of_tumblr_is_a_more_marker(self) -> None:
        rendered = render("<p>One</p><p>[[MORE]]</p><p>Two</p>", "wordpress")
        assert (rendered.has_more, "Two" in rendered.lead_html, "MORE" in rendered.body_html) == (True, False, False)
        assert "[MORE]" in to_html("The mark [[MORE]] in a sentence")

    @pytest.mark.parametrize(
        ("mention", "host"),
        [
            ('<lj user="a_friend">', "a-friend"),
            ("<LJ comm=friends />", "friends"),
            ("<lj user='b' title='B'></lj>", "b"),
        ],
    )
    def test_people_mentioned_at_livejournal_have_their_names(self, mention: str, host: str) -> None:
        name = host.replace("-", "_")
        assert to_html(f"By {mention}.") == f'<p>By <a href="https://{host}.livejournal.com/">{name}</a>.</p>'

    @pytest.mark.parametrize("other", ["<lj user='a.b/c'>", "<lj user=''>", "<ljx user='a'>"])
    def test_nothing_else_becomes_a_link(self, other: str) -> None:
        assert "<a " not in to_html(f"By {other}.")

    def test_a_more_marker_takes_precedence_over_a_jump_break(self) -> None:
        assert to_html("One<!--more-->\n\n<a name='more'></a>Two").count("<!--more-->") == 1

    @pytest.mark.parametrize("link", ["<a name='morel'></a>", "<a name='top'></a>", "<a href='/more'>more</a>"])
    def test_other_anchors_stay(self, link: str) -> None:
        assert link in to_html(f"One {link} two")

    @pytest.mark.parametrize(
        ("style", "align"),
        [("float: left; margin-right: 1em", "alignleft"), ("FLOAT:right", "alignright"), ("", "aligncenter")],
    )
    def test_a_picture_and_its_caption_in_a_table_are_a_figure(self, style: str, align: str) -> None:
        table = (
            f'<table align="center" cellpadding="0" class="tr-caption-container" style="{style}"><tbody>\n'
            '<tr><td style="text-align: center;"><a href="/b.jpg"><img src="/a.jpg"/></a></td></tr>\n'
            '<tr><td class="tr-caption" style="text-align: center;">The <i>caption</i></td></tr>\n</tbody></table>'
        )
        figure = (
            f'<figure class="wp-caption {align}"><a href="/b.jpg"><img src="/a.jpg"/></a>'
            '<figcaption class="wp-caption-text">The <i>caption</i></figcaption></figure>'
        )
        assert "".join(lines(f"One{table}Two")) == f"<p>One</p>{figure}<p>Two</p>"

    def test_a_table_with_more_rows_stays_a_table(self) -> None:
        rows = "<tr><td>a</td></tr><tr><td class='tr-caption'>b</td></tr><tr><td>c</td></tr>"
        html = to_html(f"<table class='tr-caption-container'><tbody>{rows}</tbody></table>")
        assert html.count("<td") == 3
        assert "<figure" not in html


class TestBlockEditor:
    def test_block_comments_are_removed_and_nothing_else_changes(self) -> None:
        source = (
            '<!-- wp:paragraph {"align":"center"} -->\n<p>One\ntwo</p>\n<!-- /wp:paragraph -->\n\n'
            "<!-- wp:list -->\n<ul><li>Three</li></ul>\n<!-- /wp:list -->\n<!-- wp:latest-posts /-->"
        )
        assert lines(source) == ["<p>One", "two</p>", "<ul><li>Three</li></ul>"]

    def test_nested_blocks_are_rendered(self) -> None:
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

    def test_text_between_blocks_is_classic_content(self) -> None:
        source = "One\ntwo\n\nthree\n<!-- wp:paragraph --><p>Four</p><!-- /wp:paragraph -->"
        assert lines(source) == ["<p>One<br>", "two</p>", "<p>three</p>", "<p>Four</p>"]

    def test_a_classic_block_has_classic_content(self) -> None:
        assert to_html("<!-- wp:freeform -->\nOne\n\nTwo\n<!-- /wp:freeform -->") == "<p>One</p>\n<p>Two</p>"

    def test_quotes_become_curly_except_in_code(self) -> None:
        source = '<!-- wp:code --><pre class="a"><code>"x" -- y</code></pre><!-- /wp:code --><p>"x"</p>'
        assert to_html(source) == '<pre class="a"><code>"x" -- y</code></pre><p>“x”</p>'

    def test_blocks_with_dynamic_content_are_removed(self) -> None:
        source = (
            '<!-- wp:latest-posts {"postsToShow":3} /-->\n<!-- wp:spacer {"height":"9px"} -->\n'
            '<div style="height:9px" class="wp-block-spacer"></div>\n<!-- /wp:spacer -->\n<!-- wp:latest-comments /-->'
        )
        assert render(source, "wordpress").body_html == ""

    def test_lists_of_archives_become_a_link_to_the_archive(self) -> None:
        source = '<!-- wp:archives {"displayAsDropdown":true,"showPostCounts":true} /-->'
        assert render(source, "wordpress").body_html == '<p><a href="/archive/">Archive</a></p>'
        assert render(source, "wordpress", language="fr").body_html == '<p><a href="/archive/">Archives</a></p>'

    def test_the_no_results_text_of_a_removed_query_is_removed(self) -> None:
        source = (
            '<!-- wp:query {"queryId":1} --><!-- wp:query-no-results --><!-- wp:paragraph --><p>Nothing found</p>'
            "<!-- /wp:paragraph --><!-- /wp:query-no-results --><!-- /wp:query --><p>a</p>"
        )
        assert render(source, "wordpress").body_html == "<p>a</p>"

    def test_the_toggle_icon_of_an_accordion_is_removed(self) -> None:
        source = (
            '<!-- wp:accordion-heading -->\n<h2><button><span class="wp-block-accordion-heading__toggle-title">1 + 1'
            '</span><span class="wp-block-accordion-heading__toggle-icon" aria-hidden="true">+</span></button></h2>\n'
            "<!-- /wp:accordion-heading -->"
        )
        assert render(source, "wordpress").body_html == "<h2><span>1 + 1</span></h2>"

    @pytest.mark.parametrize(
        "hidden",
        [
            '"metadata":{"blockVisibility":false}',
            '"metadata":{"blockVisibility":{"viewport":{"desktop":false,"tablet":false,"mobile":false}}}',
            '"blockVisibility":{"hideBlock":true}',
        ],
    )
    def test_hidden_blocks_are_removed_with_their_content(self, hidden: str) -> None:
        source = (
            f"<!-- wp:group {{{hidden}}} -->\n<div>a<!-- wp:paragraph -->\n<p>b</p>\n<!-- /wp:paragraph -->"
            f'<!-- wp:embed {{"url":"https://a.example/"}} /-->c</div>\n<!-- /wp:group -->\n'
            f'<!-- wp:embed {{"url":"https://a.example/",{hidden}}} /-->\n'
            '<!-- wp:paragraph {"metadata":{"blockVisibility":{"viewport":{"mobile":false}}}} -->\n<p>d</p>\n'
            "<!-- /wp:paragraph -->"
        )
        assert render(source, "wordpress").body_html == "<p>d</p>"

    @pytest.mark.parametrize("name", ["embed", "core-embed/youtube"])
    def test_an_embedded_video_becomes_a_player_with_its_caption(self, name: str) -> None:
        source = (
            f'<!-- wp:{name} {{"url":"https://youtu.be/wTzbIc6oiqs","type":"video"}} -->\n'
            '<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\nhttps://youtu.be/wTzbIc6oiqs\n'
            f"</div><figcaption>One</figcaption></figure>\n<!-- /wp:{name} -->"
        )
        html = render(source, "wordpress").body_html
        assert '<figure class="player" data-player="https://www.youtube-nocookie.com/embed/wTzbIc6oiqs?' in html
        assert '<a href="https://www.youtube.com/watch?v=wTzbIc6oiqs"' in html
        assert html.count("<a ") == 1
        assert "<figcaption>One</figcaption>" in html

    def test_an_embed_of_another_site_becomes_a_link(self) -> None:
        source = (
            '<!-- wp:embed {"url":"https://example.org/a--b"} -->\n<figure class="wp-block-embed"><div>\n'
            "https://example.org/a--b\n</div></figure>\n<!-- /wp:embed -->"
        )
        assert '<a href="https://example.org/a--b" rel="noopener">https://example.org/a--b</a>' in (
            render(source, "wordpress").body_html
        )

    def test_an_empty_embed_block_becomes_a_link(self) -> None:
        html = render('<!-- wp:embed {"url":"https://example.org/a"} /-->', "wordpress").body_html
        assert 'href="https://example.org/a"' in html

    @pytest.mark.parametrize(
        "name", ["podcast-player", "calendly", "eventbrite", "google-calendar", "nextdoor", "pinterest"]
    )
    def test_a_jetpack_embed_becomes_a_link(self, name: str) -> None:
        html = render(f'<!-- wp:jetpack/{name} {{"url":"https://example.org/a"}} /-->', "wordpress").body_html
        assert 'href="https://example.org/a"' in html

    @pytest.mark.parametrize(
        "content",
        [
            "",
            '<a data-pin-do="embedPin" href="https://example.org/a"></a>',
            '<a href="https://example.org/a">https://example.org/a</a>',
            '<div><iframe src="https://example.org/a"></iframe></div>',
            '<div><!-- wp:jetpack/button {"element":"a","text":"Schedule","url":"https://example.org/a"} /--></div>',
            '<div><!-- wp:jetpack/button {"element":"a","text":"Schedule"} /--></div>',
        ],
    )
    def test_a_jetpack_embed_with_content_becomes_a_single_link(self, content: str) -> None:
        block = f'<!-- wp:jetpack/calendly {{"url":"https://example.org/a"}} -->{content}<!-- /wp:jetpack/calendly -->'
        html = render(f'<p><a href="https://e.org/">b</a></p>{block}', "wordpress").body_html
        assert html.count('<a href="https://example.org/a"') + html.count('<a class="remote-media"') == 1
        assert "></a>" not in html

    def test_opening_hours_are_in_the_language_of_the_text(self) -> None:
        block = f'<!-- wp:jetpack/business-hours {{"days":[{{"name":"Mon","hours":{HOURS}}}]}} /-->'
        assert "<dt>lundi</dt>" in render(block, "wordpress", language="fr").body_html.lower()

    def test_the_pictures_and_videos_of_a_story_become_a_gallery(self) -> None:
        files = (
            '{"alt":"A cat","caption":"Cap & tion","id":5,"type":"image","url":"/media/a.jpg"},'
            '{"id":6,"type":"video","url":"/media/v.mp4"},{"id":7},8'
        )
        story = f'<!-- wp:jetpack/story {{"mediaFiles":[{files}]}} -->\n<div></div>\n<!-- /wp:jetpack/story -->'
        assert render(story, "wordpress").body_html == (
            '<figure class="wp-block-gallery columns-3"><ul><li><figure>'
            '<img src="/media/a.jpg" alt="A cat" loading="lazy" decoding="async">'
            "<figcaption>Cap &amp; tion</figcaption></figure></li>"
            '<li><figure><video src="/media/v.mp4" controls="" preload="none"></video></figure></li></ul></figure>'
        )

    def test_formulas_and_labels_of_tabs_are_read_from_attributes(self) -> None:
        formula = '<!-- wp:math {"latex":"x<2"} --><div><math><mi>x</mi></math></div><!-- /wp:math -->'
        tab = '<!-- wp:tab {"label":"A & B"} --><section><p>C</p></section><!-- /wp:tab -->'
        html = render(formula + tab, "wordpress").body_html.replace("\n", "")
        assert html == "<p><code>x&lt;2</code></p><h2>A &amp; B</h2><section><p>C</p></section>"

    @pytest.mark.parametrize(
        "buttons",
        ["<button>A</button><button>B</button>", '<!-- wp:tab {"label":"A"} --><button></button><!-- /wp:tab -->'],
    )
    def test_panels_of_tabs_have_headings_instead_of_buttons(self, buttons: str) -> None:
        panels = "".join(
            f'<!-- wp:tab-panel {{"label":"{label}"}} --><section>{label.lower()}</section><!-- /wp:tab-panel -->'
            for label in "AB"
        )
        tabs = f"<!-- wp:tab-list --><div>{buttons}</div><!-- /wp:tab-list --><!-- wp:tab-panels -->{panels}"
        assert render(f"<!-- wp:tabs -->{tabs}<!-- /wp:tab-panels --><!-- /wp:tabs -->", "wordpress").body_html == (
            "<h2>A</h2><section>a</section><h2>B</h2><section>b</section>"
        )

    def test_each_track_of_a_playlist_is_an_item_of_its_list(self) -> None:
        track = '<!-- wp:playlist-track {"id":5,"src":"/media/a.mp3","title":"A & B","artist":"C"} /-->'
        html = render(f"<!-- wp:playlist --><ol>{track}{track}</ol><!-- /wp:playlist -->", "wordpress").body_html
        item = f"<li><figure>{PLAYER}<figcaption>A &amp; B – C</figcaption></figure></li>"
        assert html == f"<ol>{item}{item}</ol>"

    @pytest.mark.parametrize("name", ["recurring-payments", "simple-payments"])
    def test_payment_buttons_are_not_shown(self, name: str) -> None:
        button = '<!-- wp:jetpack/button {"text":"Pay","url":"#"} /-->[simple-payment id="5"]'
        assert render(f"<!-- wp:jetpack/{name} -->{button}<!-- /wp:jetpack/{name} -->", "wordpress").body_html == ""
        assert render('[simple-payment id="5"]', "wordpress").body_html == ""

    @pytest.mark.parametrize(
        "name",
        [
            *("jetpack/related-posts", "jetpack/sharing-buttons", "jetpack/cookie-consent", "post-template"),
            *("term-template", "comment-template", "query-no-results", "woocommerce/product-template"),
        ],
    )
    def test_headings_and_buttons_of_what_is_not_here_are_removed(self, name: str) -> None:
        inside = "<!-- wp:heading --><h2>More</h2><!-- /wp:heading --><ul></ul>"
        html = render(f"<!-- wp:{name} -->{inside}<!-- /wp:{name} --><p>x</p>", "wordpress").body_html
        assert html == "<p>x</p>"

    @pytest.mark.parametrize(
        ("block", "html"),
        [
            ('kadence/singlebtn {"uniqueID":"1","text":"Go","link":"/go/"}', '<p><a href="/go/">Go</a></p>'),
            ('jetpack/button {"element":"a","text":"Go","url":"/go/"}', '<p><a href="/go/">Go</a></p>'),
            ('jetpack/button {"element":"button","text":"Send"}', ""),
            (
                'jetpack/gif {"giphyUrl":"https://e.org/a","caption":"Cat"}',
                '<p><a href="https://e.org/a" rel="noopener">https://e.org/a</a></p>\n<p>Cat</p>',
            ),
            (
                f'jetpack/business-hours {{"days":[{{"name":"Sun","hours":[]}},{{"name":"Mon","hours":{HOURS}}},7]}}',
                "<dl><dt>Monday</dt><dd>9:00–12:00, 13:00–17:00</dd></dl>",
            ),
            ('jetpack/business-hours {"days":7}', ""),
            (
                'jetpack/blogroll-item {"url":"https://e.org/","name":"A & B","description":"<i>"}',
                '<p><a href="https://e.org/" rel="noopener">A &amp; B</a><br>&lt;i&gt;</p>',
            ),
            ('jetpack/blogroll-item {"name":"A"}', ""),
            (
                'kadence/advancedgallery {"imagesDynamic":[{"url":"/media/a.jpg","alt":"A","caption":{"raw":"B"}}]}',
                f'<figure class="wp-block-gallery columns-3"><ul><li><figure>{IMAGE}</figure></li></ul></figure>',
            ),
            (
                'crowdsignal-forms/poll {"question":"Who \\u0026 why?","answers":[{"text":"A"},{"text":""},7]}',
                "<p>Who &amp; why?</p>\n<ul><li>A</li></ul>",
            ),
            ('crowdsignal-forms/poll {"answers":7}', ""),
            (
                f'jetpack/map {{"points":[{{"title":"A & B","caption":"C","coordinates":{POINT}}},7]}}',
                f'<p><a href="{MAP}" rel="noopener">A &amp; B</a><br>C</p>',
            ),
            ('jetpack/map {"points":[{"coordinates":{"latitude":"x"}}],"mapCenter":7}', ""),
            (
                'jetpack/instagram-gallery {"accessToken":"IGQ","instagramUser":"a.b"}',
                f'<p><a href="{INSTAGRAM}" rel="noopener">{INSTAGRAM}</a></p>',
            ),
            (
                'rss {"feedURL":"https://e.org/feed/","itemsToShow":3}',
                '<p><a href="https://e.org/feed/" rel="noopener">https://e.org/feed/</a></p>',
            ),
            ('playlist-track {"id":5,"title":"A"}', ""),
        ],
    )
    def test_blocks_without_content_are_rendered_from_their_attributes(self, block: str, html: str) -> None:
        assert render(f"<!-- wp:{block} /-->", "wordpress").body_html == html

    @pytest.mark.parametrize(
        "block",
        [
            'videopress/video {"title":"A","guid":"OO1thna4"} /',
            'jetpack/videopress {"guid":"OO1thna4"} /',
            'videopress/video {"guid":"OO1thna4"} --><figure></figure><!-- /wp:videopress/video ',
        ],
    )
    def test_videos_of_videopress_are_found_by_their_id(self, block: str) -> None:
        html = render(f"<!-- wp:{block}-->", "wordpress").body_html
        assert html.count('<a href="https://videopress.com/v/OO1thna4"') == 1
        assert 'data-player="https://videopress.com/embed/OO1thna4"' in html

    @pytest.mark.parametrize("content", ["<div></div>", f'<div><ul><li><a href="{MAP}">A</a></li></ul></div>'])
    def test_a_map_has_links_to_its_places_once(self, content: str) -> None:
        centre = '"mapCenter":{"lng":-6.5,"lat":46.21}'
        html = render(f'<!-- wp:jetpack/map {{"points":[],{centre}}} -->{content}<!-- /wp:jetpack/map -->', "wordpress")
        assert html.body_html.count(f'<a href="{MAP}"') == 1

    @pytest.mark.parametrize(
        ("url", "href"),
        [
            ("a@example.org", "mailto:a@example.org"),
            ("facebook.com/a", "https://facebook.com/a"),
            ("https://mastodon.example/@a", "https://mastodon.example/@a"),
            ("mailto:a@example.org", "mailto:a@example.org"),
            ("/feed/", "/feed/"),
            ("https://a.example/?b=1&amp;c=2", "https://a.example/?b=1&amp;c=2"),
            ("https://a.example/?b=1&c=2", "https://a.example/?b=1&amp;c=2"),
        ],
    )
    def test_links_to_profiles_may_lack_their_scheme_or_be_escaped(self, url: str, href: str) -> None:
        assert f'<a href="{href}"' in render(f'<!-- wp:social-link {{"url":"{url}"}} /-->', "wordpress").body_html

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            (
                "tiled-gallery",
                '<div class="wp-block-jetpack-tiled-gallery"><div class="tiled-gallery__row"><div>{}</div></div></div>',
            ),
            ("slideshow", '<div class="wp-block-jetpack-slideshow"><ul><li>{}</li></ul><a role="button"></a></div>'),
        ],
    )
    def test_galleries_of_jetpack_become_galleries(self, name: str, content: str) -> None:
        figure = f'<figure class="x"><a href="/media/a.jpg">{IMAGE}</a><figcaption>B</figcaption></figure>'
        block = f'<!-- wp:jetpack/{name} {{"ids":[1]}} -->\n{content.format(figure * 2)}\n<!-- /wp:jetpack/{name} -->'
        item = f"<li>{figure.replace(' class="x"', '')}</li>"
        assert render(block, "wordpress").body_html.strip() == (
            f'<figure class="wp-block-gallery columns-3"><ul>{item * 2}</ul></figure>'
        )

    def test_a_countdown_becomes_the_time_of_the_event(self) -> None:
        source = (
            '<!-- wp:jetpack/event-countdown {"eventDate":"2020-09-21T18:47:00"} -->\n<div>'
            '<div class="event-countdown__date">2020-09-21T18:47:00</div><div class="event-countdown__counter">'
            '<p><strong class="event-countdown__day">&nbsp;</strong> days</p><p><span>hours</span></p><p>until</p>'
            '</div><div class="event-countdown__event-title"><p>Award</p></div></div>\n'
            "<!-- /wp:jetpack/event-countdown -->"
        )
        html = render(source, "wordpress").body_html
        assert html.strip() == "<div><div>2020-09-21 18:47</div><div><p>Award</p></div></div>"

    def test_the_button_of_a_form_is_not_shown(self) -> None:
        source = (
            '<!-- wp:button {"tagName":"button","type":"submit"} -->\n<div><button type="submit"'
            ' class="wp-block-button__link">Send</button></div>\n<!-- /wp:button -->'
        )
        assert "Send" not in render(source, "wordpress").body_html

    def test_only_the_audio_of_a_podcast_player_is_shown(self) -> None:
        name = "seriously-simple-podcasting/castos-html-player"
        player = '<audio class="clip"><source src="/media/documents/2020/01/one.mp3"></audio>'
        source = f"<!-- wp:{name} -->\n<div><p>Play Episode</p>{player}<button>30</button></div>\n<!-- /wp:{name} -->"
        body = render(source, "wordpress").body_html
        assert '<source src="/media/documents/2020/01/one.mp3">' in body
        assert "Play" not in body
        assert "30" not in body

    @pytest.mark.parametrize("attributes", ["{", '{"url":3}', "[]", '{"url":', ""])
    def test_an_embed_with_invalid_attributes_is_removed(self, attributes: str) -> None:
        assert to_html(f"<!-- wp:embed {attributes} /-->") == ""

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "image",
        [
            '<img src="/files/a-300x200.jpg" alt="">',
            '<img src="/files/a.jpg?w=300" alt="">',
            '<img alt="" src="/files/a.jpg?h=200&amp;w=300">',
            "<img src='/files/a.jpg?resize=300%2C200&#038;ssl=1' alt=''>",
            '<img src="/files/a.jpg?fit=300,200" alt="">',
            '<img src="/files/a.jpg" alt="" class="wp-image-1" style="width:300px;height:auto">',
            '<img src="/files/a.jpg?w=1024" alt="" width="1024" height="683" style="aspect-ratio:1; WIDTH: 300.5px">',
        ],
    )
    def test_an_image_is_as_wide_as_the_copy_in_its_url_or_its_style(self, image: str) -> None:
        for source in (image, f"<!-- wp:image --><figure>{image}</figure><!-- /wp:image -->"):
            html = render(source, "wordpress").body_html
            assert ' width="300"' in html
            assert "height=" not in html

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "image",
        [
            '<img src="/files/a-300x200.jpg" alt="" width="150" height="100">',
            '<img src="/files/a.jpg?w=300" alt="" width=150>',
        ],
    )
    def test_the_width_of_an_image_counts_more_than_its_url(self, image: str) -> None:
        assert ' width="150"' in render(image, "wordpress").body_html

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "image",
        [
            '<img src="/files/a-300x200-b.jpg" alt="300x200.jpg">',
            '<img src="/files/a.jpg?view=300" alt=" ?w=300">',
            '<img src="/files/a.jpg?w=0" alt="">',
            '<img src="/files/a.jpg" alt="" style="max-width:300px; width:50%">',
        ],
    )
    def test_other_images_have_no_width(self, image: str) -> None:
        assert "width=" not in render(image, "wordpress").body_html.partition(" alt=")[0]

    @pytest.mark.parametrize("piece", [" src=", " src=a?w=", " width", "-3x3.jpg", "&w=1"])
    def test_images_with_long_attributes_take_linear_time(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(to_html, f"<img src=a{piece * 4_000}>")

    def test_galleries_keep_their_pictures_and_captions(self) -> None:
        source = (
            '<!-- wp:gallery {"linkTo":"none"} -->\n<figure class="wp-block-gallery has-nested-images columns-2">'
            '<!-- wp:image {"id":5} -->\n<figure class="wp-block-image"><img src="/media/a.png" alt="a"/>'
            "<figcaption>One</figcaption></figure>\n<!-- /wp:image --></figure>\n<!-- /wp:gallery -->"
        )
        html = render(source, "wordpress").body_html
        assert '<figure class="wp-block-gallery columns-2">' in html
        assert 'src="/media/a.png"' in html
        assert "<figcaption>One</figcaption>" in html

    @pytest.mark.django_db
    def test_layout_blocks_keep_the_order_of_their_text(self) -> None:
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
        assert rendered.auto_excerpt == "One Two Three Four"
        assert rendered.body_html.count("<p>") == 4
        assert "<!--" not in rendered.body_html

    @pytest.mark.parametrize(
        ("url", "src"),
        [
            ("/a.png", "/a.png"),
            (" /a.png ", "/a.png"),
            ("'/a(1).png?b=1&amp;c=2'", "/a(1).png?b=1&amp;c=2"),
            ("&quot;/a(1).png?b=1&amp;c=2&quot;", "/a(1).png?b=1&amp;c=2"),
        ],
    )
    def test_the_background_of_an_old_cover_becomes_a_picture(self, url: str, src: str) -> None:
        start = f'<div class="wp-block-cover has-background-dim" style="min-height:9em;background-image:url({url})">'
        html = to_html(f"<!-- wp:cover -->{start}<p>Text</p></div><!-- /wp:cover -->")
        assert html == f'{start}<img src="{src}" alt=""><p>Text</p></div>'

    @pytest.mark.parametrize("element", ["div", "section"])
    def test_the_background_of_a_cover_from_before_wordpress_5_becomes_a_picture(self, element: str) -> None:
        start = f'<{element} class="wp-block-cover-image" style="background-image:url(/a.png)">'
        html = to_html(f"<!-- wp:cover-image -->{start}<h2>One</h2></{element}><!-- /wp:cover-image -->")
        assert html == f'{start}<img src="/a.png" alt=""><h2>One</h2></{element}>'

    @pytest.mark.django_db
    def test_the_fixed_background_of_a_cover_becomes_a_picture_with_its_alternative_text(self) -> None:
        source = (
            '<!-- wp:cover --><div class="wp-block-cover has-parallax"><div role="img" aria-label="A &quot;crowd&quot;"'
            " class='wp-block-cover__image-background has-parallax' style='background-position:50% 50%;"
            'background-image:url("/a.png")\'></div><div class="wp-block-cover__inner-container">'
            "<!-- wp:paragraph --><p>Text</p><!-- /wp:paragraph --></div></div><!-- /wp:cover -->"
        )
        rendered = render(source, "wordpress")
        assert rendered.body_html.count("<img") == 1
        assert '<img src="/a.png" alt="A &quot;crowd&quot;"' in rendered.body_html
        assert rendered.auto_excerpt == "Text"

    @pytest.mark.parametrize(
        "tag",
        [
            '<div class="wp-block-cover">',
            '<div class="wp-block-cover" style="background-image:url()">',
            '<div class="wp-block-cover" style="background-color:red">',
            '<div class="wp-block-coverage" style="background-image:url(/a.png)">',
            '<p class="wp-block-cover" style="background-image:url(/a.png)">',
        ],
    )
    def test_other_elements_of_covers_do_not_become_pictures(self, tag: str) -> None:
        source = f"<!-- wp:cover -->{tag}Text<!-- /wp:cover -->"
        assert to_html(source) == f"{tag}Text"

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "/a.png&quot; onload=&quot;alert(1)"])
    def test_hostile_backgrounds_of_covers_are_harmless(self, url: str) -> None:
        start = f'<div class="wp-block-cover" style="background-image:url({url})">'
        html = render(f"<!-- wp:cover -->{start}</div><!-- /wp:cover -->", "wordpress").body_html
        assert "javascript" not in html
        assert ' onload="' not in html

    def test_buttons_become_links(self) -> None:
        source = (
            '<!-- wp:buttons --><div class="wp-block-buttons"><!-- wp:button --><div class="wp-block-button">'
            '<a class="wp-block-button__link" href="/give/">Give</a></div><!-- /wp:button --></div><!-- /wp:buttons -->'
        )
        assert '<a href="/give/">Give</a>' in render(source, "wordpress").body_html

    @pytest.mark.parametrize(
        "content",
        [
            "<blockquote><p>One</p><cite>Two</cite></blockquote>",
            "<figure><blockquote><p>One</p><cite>Two</cite></blockquote></figure>",
            "<figure><table><thead><tr><th>One</th></tr></thead><tbody><tr><td>Two</td></tr></tbody></table></figure>",
            "<details><summary>One</summary><p>Two</p></details>",
            "<pre>One\n\n  Two</pre>",
            "<hr>",
        ],
    )
    def test_plain_html_is_kept(self, content: str) -> None:
        source = f"<!-- wp:group -->{content}<!-- /wp:group -->"
        assert render(source, "wordpress").body_html == content

    @pytest.mark.django_db
    def test_a_file_block_has_a_link_and_a_button(self) -> None:
        source = (
            '<!-- wp:file {"id":1} -->\n<div class="wp-block-file"><object class="wp-block-file__embed" '
            'data="https://example.org/a.pdf" type="application/pdf" aria-label="x"></object>'
            '<a href="https://example.org/a.pdf">The paper</a><a href="https://example.org/a.pdf" '
            'class="wp-block-file__button" download>Download</a></div>\n<!-- /wp:file -->'
        )
        html = render(source, "wordpress").body_html
        assert html.count("<a ") == 2
        assert "The paper" in html

    def test_footnote_markers_link_only_to_existing_footnotes(self) -> None:
        marker = '<sup data-fn="a-b" class="fn"><a href="#a-b" id="a-b-link">1</a></sup>'
        source = f"<!-- wp:paragraph --><p>Word{marker}</p><!-- /wp:paragraph -->"
        assert to_html(source) == '<p>Word<sup data-fn="a-b" class="fn">1</sup></p>'
        with_footnotes = source + '<ol><li id="a-b">A footnote</li></ol>'
        assert '<a href="#a-b" id="a-b-link">1</a>' in render(with_footnotes, "wordpress").body_html

    def test_social_links_become_links(self) -> None:
        source = (
            '<!-- wp:social-links --><ul><!-- wp:social-link {"url":"https://a.example/?b=1","service":"mastodon"} /-->'
            '<!-- wp:social-link {"service":"x"} /--></ul><!-- /wp:social-links -->'
        )
        assert "".join(lines(source)) == '<ul><li><a href="https://a.example/?b=1">Mastodon</a></li></ul>'

    @pytest.mark.parametrize("url", ["\\ud800", "\\u0000", '"><script>'])
    def test_hostile_urls_in_blocks_are_escaped(self, url: str) -> None:
        assert "<script" not in render(f'<!-- wp:embed {{"url":"{url}"}} /-->', "wordpress").body_html

    def test_stray_ends_of_blocks_are_ignored(self) -> None:
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

    def test_the_text_of_an_old_caption_is_read_from_its_attribute(self) -> None:
        source = "[caption width='9' caption='R&amp;D &lt;b&gt;x&lt;/b&gt;']<img src='/a.png'>[/caption]"
        assert '<figcaption class="wp-caption-text">R&D <b>x</b></figcaption>' in to_html(source)

    def test_a_caption_without_text_leaves_the_picture(self) -> None:
        assert to_html('[caption width="9"]<img src="/a.png">[/caption]') == '<p><img src="/a.png"></p>'

    def test_only_known_alignments_become_classes(self) -> None:
        source = '[caption align="evil x" width="9"]<img src="/a.png"> One[/caption]'
        assert 'class="wp-caption"' in to_html(source)

    @pytest.mark.parametrize(
        "source", ['[caption width="9"]<img src="/a.png"> One', "[/caption]", "[[caption]x[/caption]]"]
    )
    def test_incomplete_captions_stay_as_text(self, source: str) -> None:
        assert "caption" in to_html(source)
        assert "<figure" not in to_html(source)

    def test_unknown_shortcodes_stay_as_typed(self) -> None:
        assert to_html('[chart to="a--b"]') == '<p>[chart to="a--b"]</p>'

    def test_forms_and_their_e_mail_addresses_are_not_shown(self) -> None:
        form = (
            '[contact-form to="a@b.example" subject="Hi"]\n[contact-field label="Name" type="name" required="1"/]\n\n'
            "[contact-field label='Comment' type='textarea'/][/contact-form]"
        )
        assert to_html(f"One\n\n{form}\n\nTwo") == "<p>One</p>\n<p>Two</p>"
        assert to_html('[contact-form to="a@b.example"]One[/contact-form]') == "<p>One</p>"
        with_blog = "[contact-form to='a@b.example' subject='[My blog'][contact-field label='Name'/][/contact-form]"
        assert to_html(f"One {with_blog}") == "<p>One</p>"
        assert "a@b.example" not in to_html('[contact-form to="a@b.example" subject="About [x]"]')


class TestTypography:
    @pytest.mark.parametrize(
        ("typed", "expected"),
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
    def test_typed_characters_become_typographic_ones(self, typed: str, expected: str) -> None:
        assert to_html(typed) == f"<p>{expected}</p>"

    def test_quotes_are_matched_across_tags(self) -> None:
        assert to_html('"<em>One</em>" <em>"two"</em>') == "<p>“<em>One</em>” <em>“two”</em></p>"
        assert to_html('is<em>"one"</em>') == "<p>is<em>“one”</em></p>"

    @pytest.mark.parametrize("between", ["</p><p>", "<br>", "</li><li>"])
    def test_every_block_and_line_starts_a_new_text(self, between: str) -> None:
        source = f'<!-- wp:html -->one.{between}"two" {between}- three<!-- /wp:html -->'
        assert f"one.{between}“two” {between}– three" in to_html(source)

    @pytest.mark.parametrize("name", ["code", "kbd", "tt", "samp"])
    def test_code_is_not_changed(self, name: str) -> None:
        assert to_html(f'<{name}>"a" -- b</{name}>') == f'<p><{name}>"a" -- b</{name}></p>'

    @pytest.mark.parametrize("url", ["https://example.org/a--b/it's?q=...&x", "www.example.org/a--b"])
    def test_urls_are_not_changed(self, url: str) -> None:
        assert to_html(f"See {url} -- now") == f"<p>See {url} — now</p>"

    @pytest.mark.parametrize(
        ("language", "expected"),
        [
            ("ar", "“It’s ‘so’,” 5′ – 6″ — x"),
            ("bg", "„It’s ‘so’,“ 5′ – 6″ – x"),
            ("de", "„It’s ‚so‘,“ 5′ – 6″ — x"),
            ("de-at", "„It’s ‚so‘,“ 5′ – 6″ — x"),
            ("de-ch", "«It’s ‚so‘,» 5′ – 6″ — x"),
            ("es", "«It’s ‘so’,» 5′ – 6″ — x"),
            ("es-mx", "“It’s ‘so’,” 5′ – 6″ — x"),
            ("fi", "”It’s ’so’,” 5′ – 6″ — x"),
            ("fr-ca", "«\xa0It’s ‘so’,\xa0» 5′ – 6″ — x"),
            ("he", "\"It's 'so',\" 5' – 6\" — x"),
            ("pl", "„It’s 'so’,” 5′ – 6″ — x"),
            ("ru", "«It’s ‘so’,» 5′ — 6″ — x"),
        ],
    )
    def test_marks_are_those_of_the_language_of_the_site(
        self, language: str, expected: str, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = language
        typed = "\"It's 'so',\" 5' - 6\" --- x"
        assert to_html(typed) == f"<p>{expected}</p>"
        assert to_html(f"<!-- wp:paragraph --><p>{typed}</p><!-- /wp:paragraph -->") == f"<p>{expected}</p>"

    @pytest.mark.parametrize(
        ("language", "typed", "expected"),
        [
            ("de", "'s ist 'n Haus, 'nein'", "’s ist ’n Haus, ‚nein‘"),
            ("nl", "'s avonds 't 'teken'", "’s avonds ’t ‘teken’"),
            ("cs", "'řek' to'", "‚řek’ to‘"),
            ("en", "'s so 't", "‘s so ‘t"),
        ],
    )
    def test_words_that_begin_or_end_with_an_apostrophe_depend_on_the_language(
        self, language: str, typed: str, expected: str, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = language
        assert to_html(typed) == f"<p>{expected}</p>"

    def test_attributes_are_not_changed(self) -> None:
        source = """<a href="/a--b" title="it's">x</a>"""
        assert to_html(source) == f"<p>{source}</p>"


class TestHostileContent:
    @pytest.mark.parametrize("text", ["a < b", "1<2", "<3", "a <b", "<!", "<!-- never ended", "</", "<a href='"])
    def test_characters_that_do_not_begin_a_tag_are_text(self, text: str) -> None:
        assert html.unescape(to_html(text)) in {
            f"<p>{text}</p>",
            f"<p>{text}</p>".replace("'", "’"),
            f"<p>{text}</p>".replace("--", "–"),
        }

    @given(st.text(alphabet=" \n<>/!-[]=\"'&;.abpdivlhr12", max_size=300))
    def test_rendering_never_raises(self, source: str) -> None:
        to_html(source)
        to_html("<!-- wp:paragraph -->" + source)

    @given(
        st.lists(
            st.sampled_from(PIECES) | st.from_regex(r"[a-z]{1,4}[0-9]{4}", fullmatch=True),
            max_size=60,
        )
    )
    def test_all_text_is_kept_in_order(self, pieces: list[str]) -> None:
        source = "".join(pieces)
        word = re.compile(r"[a-z]{1,4}[0-9]{4}")
        without_tags = re.compile(r"<[^<>]*>")
        assert word.findall(without_tags.sub("", to_html(source))) == word.findall(without_tags.sub("", source))

    @pytest.mark.parametrize("unit", UNITS)
    def test_rendering_takes_linear_time(self, unit: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(to_html, (unit * 25_000)[:25_000])

    @pytest.mark.parametrize("unit", ["řek'", "'", "' 's"])
    def test_apostrophes_of_a_language_take_linear_time(
        self, unit: str, grows_with_length: GrowsWithLength, settings: Settings
    ) -> None:
        settings.LANGUAGE_CODE = "cs"
        assert grows_with_length(to_html, (unit * 25_000)[:25_000])

    @pytest.mark.parametrize("unit", ["<b>\n\nx", "<a href='xxxxxxxxxxxxxxxxxxxxx'>\n\nx", "<b><i></b>\n\nx"])
    def test_small_sources_do_not_become_huge_pages(self, unit: str) -> None:
        source = unit * 2000
        assert len(to_html(source)) < 10 * len(source) + 200_000

    @pytest.mark.parametrize(
        ("start", "unit", "end"),
        [
            ("[gallery ", "a", "]"),
            ("'[a", "=", ""),
            ('<!-- wp:paragraph --><sup class="fn"', ' class="fn"', ">x</sup>"),
            ('<!-- wp:paragraph --><sup class="fn"><a href="#x"', ' href="#x"', "><b>x</b></a></sup>"),
        ],
    )
    def test_one_long_tag_takes_linear_time(
        self, start: str, unit: str, end: str, grows_with_length: GrowsWithLength
    ) -> None:
        assert grows_with_length(lambda text: to_html(start + text + end), (unit * 50_000)[:50_000])
