"""Properties of every rendering, whatever the source."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blog.rendering import MORE_PLACEHOLDER, Rendered, render
from tests.factories.types import GrowsWithLength

# Files in texts are looked up.
pytestmark = pytest.mark.django_db

VOID = frozenset({"br", "col", "hr", "img", "source", "wbr"})
ACTIVE = re.compile(
    "script|style|iframe|object|embed|svg|math|base|link|meta|form|input|button|select|textarea|template"
    "|noscript|frame|frameset|applet|param|picture|portal|dialog|title|head|body|html"
)
LOADING = frozenset({"src", "srcset", "poster", "background", "data", "lowsrc", "dynsrc", "longdesc", "profile"})
OWN_HOST = "testserver"


class Checker(HTMLParser):
    """Fails on elements that are not closed in order, and on anything that a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not ACTIVE.fullmatch(tag), tag
        if tag not in VOID:
            self.open.append(tag)
        assert len(attrs) == len(dict(attrs)), "duplicate attribute"
        for name, value in attrs:
            assert value is not None
            if name == "id":
                self.ids.append(value)
            assert not name.startswith("on"), name
            assert name not in {"style", "srcset", "srcdoc", "http-equiv", "formaction", "ping", "target"}, name
            plain = re.sub(r"[\x00-\x20]", "", value).lower()
            if name in {"href", "cite"} | LOADING:
                assert not re.match(r"(?!https?:|mailto:|tel:)[a-z][a-z0-9+.-]*:", plain), value
                assert not plain.startswith(("//", "/\\", "\\")), value
            if name in LOADING:
                host = re.match(r"https?:[/\\]*(?:[^/?#]*@)?([^/?#:]*)", plain)
                assert host is None or host[1] == OWN_HOST, value

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pytest.fail(f"<{tag}/> is not HTML")

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        pytest.fail(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        pytest.fail(f"a processing instruction: {data}")


def check(html: str) -> None:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == [], "never closed"
    assert len(checker.ids) == len(set(checker.ids)), "duplicate id"


def check_rendered(rendered: Rendered) -> None:
    for html in (rendered.body_html, rendered.lead_html):
        check(html)
        assert html.count(MORE_PLACEHOLDER) == rendered.has_more


TAGS = st.sampled_from(
    re.findall(
        r"\S+",
        "a abbr article audio b base blockquote body br button caption center code col colgroup dd del details div dl"
        " dt embed em figure font form frame h1 h2 h3 hr html i iframe image img input ins isindex li link marquee math"
        " meta noscript object ol option p param picture plaintext pre q rp rt ruby s script section select small"
        " source span strong style summary sup svg table tbody td template textarea tfoot th thead title tr tt u ul"
        " video wbr xmp o:p",
    )
)
ADDRESSES = st.sampled_from(
    [
        "/a.png",
        "//evil.example/x",
        "\\\\evil.example/x",
        "/\\evil.example",
        "https://evil.example/a.pdf",
        "https:evil",
        "javascript:alert(1)",
        "JaVa\tScRipt&colon;alert(1)",
        "&#106;avascript:x",
        "data:text/html,<script>",
        "#more",
        "http://testserver/a",
        "http://testserver@evil.example/",
        "vbscript:x",
        " java\nscript:x",
        "#a",
        "mailto:a@b.c",
        "https://[::1]/x",
        "http://ex ample/",
        "blob:x",
        "?a=1&copy=2",
        "\x01javascript:x",
    ]
)
ATTRIBUTES = st.one_of(
    st.tuples(
        st.sampled_from(
            ["href", "src", "srcset", "poster", "data", "action", "cite", "background", "xlink:href", "value"]
        ),
        ADDRESSES,
    ),
    st.tuples(st.sampled_from(["id", "name"]), st.sampled_from(["a", "more", "comments", "u-more", "x y", ""])),
    st.tuples(st.just("class"), st.sampled_from(["alignleft x", "remote-media", "language-c footnote-ref"])),
    st.tuples(st.just("style"), st.sampled_from(["text-align:center", "background:url(//evil.example)"])),
    st.tuples(
        st.sampled_from(["onclick", "ONERROR", "onload", "dir", "lang", "title", "align", "rel", "open"]),
        st.text(max_size=5),
    ),
)


@st.composite
def start_tags(draw: st.DrawFn) -> str:
    tag = draw(TAGS)
    parts = [draw(st.sampled_from([tag, tag.upper(), tag.title()]))]
    for name, value in draw(st.lists(ATTRIBUTES, max_size=3)):
        quote = draw(st.sampled_from(['"', "'", "", '"']))
        parts.append(f"{name}={quote}{value}{quote}")
    return (
        "<"
        + draw(st.sampled_from([" ", "\n", "/"])).join(parts)
        + draw(st.sampled_from([">", ">", ">", "/>", " ", ""]))
    )


PIECES = st.one_of(
    start_tags(),
    start_tags(),
    TAGS.map("</{}>".format),
    st.sampled_from(
        [
            "<!--more-->",
            "<!-- x -->",
            "<!--",
            "-->",
            "<!",
            "<?x?>",
            "<![CDATA[",
            "]]>",
            "</",
            "<",
            ">",
            "&",
            "&lt;",
            "&#0;",
            "&#xD800;",
            "&nbsp;",
            "\x00",
            "\ud800",
            "\ufeff",
            "'",
            '"',
            "`",
            "```\n",
            "\n\n",
            "    ",
            "- ",
            "> ",
            "# a\n",
            "|a|b|\n|-|-|\n|c|d|\n",
            "[a](javascript:x)",
            "![a](//evil.example/x)",
            "[^1]",
            "\n\n[^1]: n\n",
            "<javascript:x>",
            "http://a.example/b_(c)?d=1&e",
            "http://a.example/b.pdf",
            "http:",
            "//a.example",
            "**",
            "_",
            "[a]: data:x\n",
            "^[n]",
            "\n: d\n",
            "<p>http://a.example/b.pdf</p>",
            "![",
            "](",
            "~~",
        ]
    ),
    st.text(max_size=8),
)
HOSTILE = st.lists(PIECES, max_size=25).map("".join)
MARKUPS = st.sampled_from(["html", "markdown"])

reliably = settings(max_examples=200, deadline=None, derandomize=True)


class TestAnySource:
    @reliably
    @given(source=st.text(st.characters(exclude_categories=()), max_size=300), markup=MARKUPS)
    def test_of_text_renders_to_clean_html(self, source: str, markup: str) -> None:
        check_rendered(render(source, markup))

    @reliably
    @given(source=HOSTILE, markup=MARKUPS)
    def test_of_hostile_html_renders_to_clean_html(self, source: str, markup: str) -> None:
        check_rendered(render(source, markup))

    @reliably
    @given(source=HOSTILE, markup=MARKUPS)
    def test_does_not_change_when_rendered_again(self, source: str, markup: str) -> None:
        once = render(source, markup).body_html
        again = render(once.replace(MORE_PLACEHOLDER, "<!--more-->"), "html").body_html
        assert again == once

    @reliably
    @given(source=HOSTILE, markup=MARKUPS)
    def test_has_a_plain_text_excerpt(self, source: str, markup: str) -> None:
        excerpt = render(source, markup).auto_excerpt
        assert excerpt == " ".join(excerpt.split())
        assert len(excerpt.split()) <= 55
        assert not re.search(r"[\x00-\x1f\ud800-\udfff]", excerpt)


class TestTime:
    """Each of these takes a naive parser minutes, all memory or its whole stack."""

    LENGTH = 5_000

    @pytest.mark.parametrize(
        "piece",
        [
            "[",
            "![",
            "[a](",
            "[a][",
            "^[",
            "[^a]",
            ">",
            "> ",
            "*a_",
            "*a **a ",
            "`",
            "a`",
            "<",
            "<!--",
            "<a ",
            '<a b="',
            "<?",
            "- ",
            "1. ",
            "# a\n",
            "a\n=\n",
            "[a]: b\n",
            "[^1]: a\n",
            "|a",
            "a\n: b\n",
            "~~",
            "&",
            "\\",
            "http://a(",
            "<div>",
            "\n",
        ],
    )
    def test_for_markdown_is_linear(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        count = self.LENGTH if len(piece) < 4 else self.LENGTH // 2
        if "\n" in piece:
            # A text with more lines is refused.
            count = min(count, 10_000 // len(piece.splitlines()))
        self.render_in_proportion(grows_with_length, piece * count, "markdown")

    @pytest.mark.parametrize(
        "piece",
        [
            "<div>",
            "<b>",
            "<p><b>",
            "<b id=x><p>",
            "<a href=/x><p>",
            "<table>",
            "<table><b>",
            "<table><tr><td>",
            "<li>",
            "<ul><li>",
            "<td>",
            "<em><div></em>",
            "<!--",
            "<a ",
            '<a b="',
            '<a b="c" ',
            "<script>",
            "</a",
            "<?",
            "&#1",
            "http://a",
            "http://a)",
            "http://a/....",
            "http://a/[[[",
            "http://a:99999/",
            "http://!",
            "a<x>",
            "<video><source src=/a>",
            "<object><param>",
            "<svg>",
            "<iframe src=http://a/b>",
            "<p>http://a/b.pdf</p>",
            "<b id=a></b>",
            "<ruby><rt>",
            "<!--more-->",
            "<pre><ul>",
            "<embed src=//a/b>",
            "<p><b class=x><i class=y>a",
            "<img alt=aaaa>",
            "http://a/b <i>x</i>",
        ],
    )
    def test_for_html_is_linear(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        self.render_in_proportion(grows_with_length, piece * (100_000 // len(piece)), "html")

    @pytest.mark.parametrize("block", ["<p>x", "<p>x</p>", "<li>x", "<dd>x"])
    def test_for_unclosed_formatting_is_linear(self, block: str, grows_with_length: GrowsWithLength) -> None:
        """A browser reopens unclosed formatting in each following block: all of it, if no two elements are equal."""
        opened = "".join(f"<em id=a{number}>" for number in range(240))
        self.render_in_proportion(grows_with_length, block + opened + block * 15_000, "html")

    def test_for_deep_nesting_is_linear(self, grows_with_length: GrowsWithLength) -> None:
        self.render_in_proportion(grows_with_length, "<div>" * 45_000 + "a" + "</div>" * 45_000, "html")

    def test_for_nested_possible_references_is_linear(self, grows_with_length: GrowsWithLength) -> None:
        self.render_in_proportion(grows_with_length, "<sup>" * 475 + "<a href=#x>x</a>" * 500, "html")

    @staticmethod
    def render_in_proportion(grows_with_length: GrowsWithLength, source: str, markup: str) -> None:
        found: list[Rendered] = []
        assert grows_with_length(lambda part: found.append(render(part, markup)), source)
        for rendered in found:
            check_rendered(rendered)
