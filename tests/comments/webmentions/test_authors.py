"""The authors of pages of other sites according to their microformats, including hostile pages."""

from typing import Any

import mf2py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comments.webmentions.authors import author_name
from core.text import one_line
from tests.factories.types import GrowsWithLength

URL = "https://other.example/post/"
ANN = '<a class="p-author h-card" href="/ann">Ann Lee</a>'


def author_of(html: str, link: str = "<link>") -> str:
    """Return the author of the entry with `link` in the page."""
    return author_name(html, URL, max(0, html.find(link)))


def entry(inside: str) -> str:
    return f'<div class="h-entry"><p class="p-name">A post</p>{inside}<link></div>'


class TestAuthors:
    @pytest.mark.parametrize(
        "author",
        [
            ANN,
            '<span class="p-author">Ann Lee</span>',
            '<span class="p-author h-card"><b class="p-name">Ann Lee</b> of <i class="p-org">Lamps Inc.</i></span>',
            '<span class="p-author h-card"><img src="a.png" alt="The photo"> <a href="/">Ann Lee</a></span>',
            '<span class="p-author h-card"><img class="u-photo" src="a.png" alt="Ann Lee"></span>',
            '<img class="p-author h-card" src="a.png" alt="Ann Lee">',
            '<abbr class="p-author" title="Ann Lee">A.</abbr>',
            '<data class="p-author" value="Ann Lee"></data>',
            '<p class="p-author h-card">Ann <br> Lee<p>And more',
            "<DIV CLASS='x p-author\nh-card'><SPAN CLASS=p-name>Ann&#32;Lee</SPAN></DIV>",
            '<div class="p-author h-card"><script>x</script><style>y</style>Ann Lee</div>',
            '<div class="h-full"><span class="p-author">Ann Lee</span></div>',
        ],
    )
    def test_are_properties_of_the_entry(self, author: str) -> None:
        assert author_of(entry(author)) == "Ann Lee"

    def test_are_the_first_of_several(self) -> None:
        assert author_of(entry(f"{ANN}<span class='p-author'>Bob</span>")) == "Ann Lee"

    def test_are_not_the_authors_of_quoted_or_answered_entries(self) -> None:
        reply = '<div class="u-in-reply-to h-cite"><span class="p-author">We</span></div>'
        comment = '<div class="u-comment h-entry"><span class="p-author">Bob</span></div>'
        assert author_of(entry(reply)) == ""
        assert author_of(entry(reply + comment + ANN)) == "Ann Lee"

    def test_belong_to_the_entry_with_the_link(self) -> None:
        others = '<div class="h-entry"><span class="p-author">Bob</span></div>'
        assert author_of(others + entry(ANN) + others) == "Ann Lee"
        assert author_of(f'<div class="h-entry">{ANN}<div class="u-comment h-entry"><link></div></div>') == ""

    def test_belong_to_the_first_entry_if_the_link_is_in_none(self) -> None:
        assert author_of(f"<link>{entry(ANN)}") == "Ann Lee"

    def test_belong_to_the_feed_if_the_entry_has_none(self) -> None:
        assert author_of(f'<div class="h-feed">{entry("")}{ANN}</div>') == "Ann Lee"
        assert author_of(f'<div class="h-feed">{ANN}</div>{entry("")}') == ""

    @pytest.mark.parametrize(
        "card",
        [
            '<a class="h-card" href="https://other.example/ann">Ann Lee</a>',
            '<div class="h-card"><a class="u-url" href="/ann"></a><b class="p-name">Ann Lee</b></div>',
        ],
    )
    @pytest.mark.parametrize(
        "author",
        [
            '<a class="u-author" href="/ann">A.</a>',
            '<span class="p-author">https://other.example/ann</span>',
            '<a rel="author" href="/ann">About</a>',
            '<LINK REL="me Author" HREF=/ann>',
        ],
    )
    def test_may_be_named_by_a_card_elsewhere_on_the_page(self, author: str, card: str) -> None:
        other_card = '<a class="h-card" href="/bob">Bob</a>'
        assert author_of(other_card + entry(author) + card) == "Ann Lee"
        assert author_of(other_card + entry(author)) == ""

    @pytest.mark.parametrize(
        "html",
        [
            "",
            "<link>",
            "Ann Lee",
            ANN,
            f"<p>{ANN}<link>",
            f'<link rel="author" href="/ann">{ANN}',
            f'<!-- {entry(ANN)} --><div class="h-entry"><link></div>',
            f"<script>{entry(ANN)}</script>",
            entry('<span class="p-author h-card"></span>'),
            entry('<span class="p-author"> &#x200b;\u200d </span>'),
            entry('<span class="p-author h-card"><i class="p-org">Lamps Inc.</i></span>'),
            entry('<a class="u-author" href="http://[broken">A.</a>'),
            entry('<a rel="author" href="http://[broken">A.</a>'),
        ],
    )
    def test_may_be_missing(self, html: str) -> None:
        assert author_of(html) == ""


# Properties and items on which parsers of microformats agree.
CLASSES = st.sampled_from(["", "h-card", "h-cite", "p-author", "p-author h-card", "p-name", "p-note", "u-url", "x"])
HTML = st.recursive(
    st.sampled_from(["Ann ", "Bob &amp; Co. ", "", "<br>"]),
    lambda inside: st.builds(
        "<{0} class='{1}'>{2}</{0}>".format, st.sampled_from(["div", "span"]), CLASSES, st.lists(inside).map("".join)
    ),
    max_leaves=20,
)


def by_mf2py(html: str) -> str:
    """Return the author of the only entry, as the reference parser reads it."""
    items: list[dict[str, Any]] = mf2py.parse(doc=html, url=URL)["items"]
    author: Any = items[0]["properties"].get("author", [""])[0]
    return str(author if isinstance(author, str) else author["properties"].get("name", [""])[0])


@given(HTML)
def test_names_are_the_same_as_with_other_parsers_of_microformats(inside: str) -> None:
    html = f"<body><div class='h-entry'>{inside}</div></body>"
    assert author_of(html).split() == by_mf2py(html).split()


class TestHostilePages:
    PARTS = (
        *(
            '<div class="h-entry">',
            '<a class="p-author h-card">',
            '<p class="p-name">',
            "<div>",
            "</div>",
            "</a>",
            "</p>",
        ),
        *(
            '<a rel="author" href="x">',
            '<a class="h-card" href="x">',
            "<script>",
            "<!--",
            "-->",
            "<",
            ">",
            '"',
            "&",
            "Ann",
        ),
        *("\u202e", "&#x202e;", "&#0;", "\x01", "\ud800", "</span>", "<span>", '<img class="u-author" alt="', "<br>"),
    )

    @given(st.lists(st.sampled_from(PARTS)).map("".join), st.integers(0, 100))
    def test_cause_no_error_and_result_in_a_short_storable_line(self, html: str, position: int) -> None:
        name = author_name(html, URL, position)
        assert name == one_line(name)
        assert len(name) <= 200

    @given(st.text(), st.integers(0, 100))
    def test_may_be_anything(self, html: str, position: int) -> None:
        assert author_name(html, URL, position) == ""

    def test_cannot_reverse_text(self) -> None:
        assert author_of(entry('<b class="p-author">\u202eAnn&#8238;\x01 \u2067Lee</b>')) == "Ann Lee"

    def test_have_no_long_names(self) -> None:
        for long in ("Ann " * 100_000, "字" * 100_000, "<b>" * 100_000 + "Ann"):
            assert len(author_of(entry(f'<b class="p-author">{long}</b>'))) <= 200

    @pytest.mark.parametrize(
        "part",
        [
            '<a class="p-author h-card">',
            '<div class="h-entry">',
            '<div class="h-entry"><b class="h-card p-author">',
            '<div class="h-card"><a class="u-url" href="x">',
            '<a class="h-card" href="x">Ann',
            '<p class="h-card">',
            '<b class="p-author">x',
            "<div></p>",
            "<div></span>",
            "<i><b></i>",
            "</div>",
            '<a rel="author" href="y">',
            '<base href="x">',
            'a class="h-card" ',
            "h-card ",
            "p-name h-card h-entry ",
        ],
    )
    @pytest.mark.parametrize(
        "before",
        ["", '<div class="h-entry"><a rel="author" href="/z">', '<div class="h-entry p-author h-card', "<div>" * 9999],
    )
    def test_take_linear_time(self, before: str, part: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda html: author_name(html, URL, len(html)), before + part * 5_000)

    @pytest.mark.parametrize("start", ['<base href="/{}">', '<link rel="author" href="/{}">', '<base href="{}:">'])
    def test_take_linear_time_with_long_urls(self, start: str, grows_with_length: GrowsWithLength) -> None:
        def read(length: str) -> str:
            cards = '<a class="h-card" href="x">' * (len(length) // 20)
            return author_name(start.format(length) + '<div class="h-entry"></div>' + cards, URL, 0)

        assert grows_with_length(read, "u" * 125_000)
