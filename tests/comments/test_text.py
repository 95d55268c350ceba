"""Rendering the text of comments as HTML."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comments.models import MAX_TEXT_LENGTH
from comments.text import MAX_TAGS, comment_html
from core.text import remove_controls
from tests.factories.types import GrowsWithLength

LINK = 'rel="nofollow ugc noopener"'
ALLOWED = {"a", "abbr", "b", "blockquote", "br", "cite", "code", "del", "em", "i", "p", "pre", "q", "s", "strong"}


def plain(text: str) -> str:
    return comment_html(text, is_html=False)


def imported(text: str) -> str:
    return comment_html(text, is_html=True)


class TestPlainText:
    def test_empty_lines_separate_paragraphs_and_line_breaks_stay(self) -> None:
        assert plain("one\ntwo\n\n \n three") == '<p dir="auto">one<br>\ntwo</p>\n<p dir="auto">three</p>'

    def test_all_kinds_of_line_breaks_are_equal(self) -> None:
        assert plain("a\r\nb\r\n\r\nc") == plain("a\rb\r\rc") == plain("a\nb\n\nc")

    def test_every_character_is_shown_as_typed(self) -> None:
        assert plain("<b>5 > 3</b> & **so** on") == '<p dir="auto">&lt;b&gt;5 &gt; 3&lt;/b&gt; &amp; **so** on</p>'

    def test_each_paragraph_has_its_own_direction(self) -> None:
        assert plain("مرحبا\n\nhello").count('<p dir="auto">') == 2

    @pytest.mark.parametrize("empty", ["", " \n\n\t", "\r\n"])
    def test_empty_text_has_no_html(self, empty: str) -> None:
        assert plain(empty) == ""

    def test_control_characters_are_removed(self) -> None:
        assert plain("a\x00b\x1b[31m\ufffe") == '<p dir="auto">ab[31m</p>'

    @pytest.mark.parametrize(
        "reference", ["&#1;", "&#x1;", "&#1", "&#0000000001;", "&#12;", "&#x7F;", "&#129;", "&#xffff;"]
    )
    def test_control_characters_written_as_references_are_removed(self, reference: str) -> None:
        assert imported(f"a{reference} <b>b</b>") == '<p dir="auto">a <b>b</b></p>'
        assert "href" not in imported(f'<a href="java{reference}script:alert(1)">x</a>')


class TestLinks:
    @pytest.mark.parametrize(
        "url", ["http://rosa@example.org", "https://bank.example:443@evil.example/", "www.rosa:x@example.org/a"]
    )
    def test_urls_with_user_information_do_not_become_links(self, url: str) -> None:
        assert plain(url) == f'<p dir="auto">{url}</p>'
        assert imported(url) == f'<p dir="auto">{url}</p>'
        assert "href" not in imported(f'<a href="{url}">x</a>')

    def test_bare_urls_become_nofollow_links(self) -> None:
        assert f'<a href="https://example.org/a?b=1&amp;c=2" {LINK}>https://example.org/a?b=1&amp;c=2</a>' in plain(
            "See https://example.org/a?b=1&c=2."
        )

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("(see http://example.org/x_(y).)", "http://example.org/x_(y)"),
            ("http://example.org/, and", "http://example.org/"),
            ("“http://example.org/a”", "http://example.org/a"),
            ("<http://example.org/a>", "http://example.org/a"),
            ('"http://example.org/a"', "http://example.org/a"),
            ("www.example.org/a!", "https://www.example.org/a"),
            ("HTTPS://EXAMPLE.ORG", "HTTPS://EXAMPLE.ORG"),
            ("http://пример.рф/права", "http://пример.рф/права"),
        ],
    )
    def test_punctuation_around_a_url_is_not_part_of_it(self, text: str, url: str) -> None:
        assert f'<a href="{url}" {LINK}>' in plain(text)

    @pytest.mark.parametrize(
        "text",
        [
            "someone@example.org",
            "mailto:someone@example.org",
            "javascript:alert(1)",
            "http://",
            "http://__",
            "awww.x",
            "data:x",
        ],
    )
    def test_email_addresses_and_other_schemes_do_not_become_links(self, text: str) -> None:
        assert "<a" not in plain(text)

    def test_two_urls_on_a_line_become_two_links(self) -> None:
        assert plain("http://a.example http://b.example").count("<a ") == 2


class TestImportedHtml:
    def test_the_tags_that_wordpress_allows_stay(self) -> None:
        kept = '<strong>a</strong> <em>b</em> <abbr title="t">c</abbr> <code>d</code> <q>e</q> <s>f</s> <del>g</del>'
        assert imported(kept) == f'<p dir="auto">{kept}</p>'

    def test_the_text_of_other_elements_stays(self) -> None:
        assert imported("a <b>List<int></b> c\n\n<view>d") == ('<p dir="auto">a <b>List</b> c</p>\n<p dir="auto">d</p>')

    @pytest.mark.parametrize(
        "hostile",
        [
            "<script>alert(1)</script>",
            '<img src="x" onerror="alert(1)">',
            '<a href="javascript:alert(1)">x</a>',
            '<a href="JaVa&#10;Script:alert(1)">x</a>',
            '<b onclick="alert(1)" id="respond" class="visually-away" style="position:fixed">x</b>',
            '<iframe src="//evil.example"></iframe>',
            "<svg><script>alert(1)</script></svg>",
            '<p title="<script>alert(1)</script>">x</p>',
        ],
    )
    def test_everything_else_is_removed(self, hostile: str) -> None:
        html = imported(hostile)
        for active in (
            "<script",
            "<img",
            "javascript",
            "onclick",
            "onerror",
            "id=",
            "class=",
            "style=",
            "<iframe",
            "<svg",
        ):
            assert active not in html.lower()

    @pytest.mark.parametrize("scheme", ["mailto:a@b.example", "ftp://b.example", "tel:1", "data:text/html,x"])
    def test_links_must_be_web_urls(self, scheme: str) -> None:
        assert "href" not in imported(f'<a href="{scheme}">x</a>')

    def test_links_always_get_our_rel(self) -> None:
        assert imported('<a href="http://example.org" rel="follow">x</a>') == (
            f'<p dir="auto"><a href="http://example.org" {LINK}>x</a></p>'
        )

    def test_paragraphs_come_from_empty_lines_and_from_paragraph_tags(self) -> None:
        three = '<p dir="auto">a</p><p dir="auto">b</p>\n<p dir="auto">c</p>'
        assert imported("<p>a</p>b\n\nc") == three
        assert imported("a<br>\nb<br />\nc") == '<p dir="auto">a<br>\nb<br>\nc</p>'

    def test_texts_of_headings_lists_and_tables_are_paragraphs_without_empty_lines(self) -> None:
        table = "<h2>Who</h2>\n<table>\n<tbody>\n<tr>\n<td>Ana</td>\n<td></td>\n<td>10</td>\n</tr>\n</tbody>\n</table>"
        assert imported(f"{table}<ul>\n\t<li>one</li>\n\t<li>two</li>\n</ul>") == "".join(
            f'<p dir="auto">{text}</p>' for text in ("Who", "Ana", "10", "one", "two")
        )

    def test_quotations_contain_paragraphs_and_are_followed_by_them(self) -> None:
        assert imported("<blockquote>a\n\nb</blockquote>c") == (
            '<blockquote><p dir="auto">a</p>\n<p dir="auto">b</p></blockquote><p dir="auto">c</p>'
        )

    def test_preformatted_text_keeps_its_lines(self) -> None:
        assert imported("<pre>a\n\n  b</pre>") == '<pre dir="auto">a\n\n  b</pre>'

    def test_emphasis_across_paragraphs_is_closed_in_each(self) -> None:
        html = imported("<em>a\n\nb</em>")
        assert '<p dir="auto"><em>a</em></p>' in html
        assert "<em>b</em></p>" in html

    def test_bare_urls_become_links_but_not_inside_links_and_code(self) -> None:
        html = imported(
            'http://a.example/?x=1&amp;y=2 <a href="http://b.example">http://b.example</a> <code>http://c.example</code>'
        )
        assert html.count("<a ") == 2
        assert 'href="http://a.example/?x=1&amp;y=2"' in html

    def test_a_tag_may_contain_a_line_break(self) -> None:
        assert '<a href="http://example.org" title="t"' in imported('<a href="http://example.org"\ntitle="t">x</a>')

    def test_html_with_too_many_tags_is_shown_as_plain_text(self) -> None:
        assert "&lt;b&gt;" in imported("<b>" * (MAX_TAGS + 1))


class StrictParser(HTMLParser):
    """Parses HTML strictly and accepts only what is allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_data(self, data: str) -> None:
        self.seen.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        for name, value in attrs:
            assert name in {"href", "title", "rel", "dir"}
            if name == "href":
                assert urlsplit(value or "").scheme in {"http", "https", ""}
        if tag == "a" and "href" in dict(attrs):
            assert dict(attrs)["rel"] == "nofollow ugc noopener"
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment came through")


# fmt: off
PIECES = [
    "<b>", "</b>", "<p>", "</p>", "<pre>", "</pre>", "<blockquote>", "</blockquote>",
    "<a/href='http://x.example'>", "<a/href=javascript:x>", "</a>", "<script>", "</script>", "<!--", "-->",
    "<img/src=x/onerror=y>", "<em", ">", "'", '"', "http://a.example/(", "www.b.example", "&amp;", "&#106;",
    "\x00", "&lt;script&gt;", "<![CDATA[", "]]>", "<style>", "<svg>", "<math>", "<q/title='>", "مرحبا", "<br/>",
    "<table>", "<title>", "</", "\n", "\n\n", "\r\n", " ",
]
# fmt: on
HOSTILE = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


class TestHostileInput:
    @given(HOSTILE, st.booleans())
    @example('<q title="> http://x.example/onclick=alert(1)//">', True)
    def test_the_html_is_balanced_and_inactive(self, text: str, is_html: bool) -> None:
        parser = StrictParser()
        parser.feed(comment_html(text, is_html))
        parser.close()
        assert parser.open == []

    @given(HOSTILE)
    def test_every_character_of_plain_text_is_shown(self, text: str) -> None:
        parser = StrictParser()
        parser.feed(plain(text))
        parser.close()
        assert "".join("".join(parser.seen).split()) == "".join(remove_controls(text).split())

    @pytest.mark.parametrize("is_html", [False, True])
    @pytest.mark.parametrize(
        "piece",
        ["www.", "http://a,", "http://__________.", "http://a", "http://(", ")", "<p ", "<", "\n ", "&amp;", "<b>"],
    )
    def test_rendering_takes_linear_time(self, piece: str, is_html: bool, grows_with_length: GrowsWithLength) -> None:
        text = "http://x" + piece * (MAX_TEXT_LENGTH // len(piece))
        assert grows_with_length(lambda text: comment_html(text, is_html), text)

    def test_unclosed_tags_do_not_make_a_huge_page(self) -> None:
        half = MAX_TAGS // 2
        text = "".join(f"<b title={index}>" for index in range(half)) + "<p>x" * half
        assert len(imported(text)) < 500_000

    def test_long_unclosed_tags_do_not_make_a_huge_page(self) -> None:
        text = f"<blockquote><a title='{'x' * 5_000}'>" + "<p>x" * 270
        assert len(imported(text)) < 10 * len(text)
