"""Page breaks: what `<!--nextpage-->` becomes in each markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.rendering import MORE_PLACEHOLDER as MORE
from blog.rendering import PAGE_BREAK, render
from blog.rendering.markers import MAX_PAGES

# Files in texts are looked up.
pytestmark = pytest.mark.django_db

VOID = {"br", "hr", "img", "source", "wbr", "col"}


def parts(source: str, markup: str = "html") -> list[str]:
    return render(source, markup).body_html.replace(MORE, "").split(PAGE_BREAK)


class Balance(HTMLParser):
    """Checks whether every element is closed, in the right order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.right = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.right = self.right and bool(self.open) and self.open.pop() == tag


def is_balanced(html: str) -> bool:
    balance = Balance()
    balance.feed(html)
    balance.close()
    return balance.right and not balance.open


class TestPageBreaks:
    @pytest.mark.parametrize("markup", ["html", "markdown", "wordpress"])
    @pytest.mark.parametrize("mark", ["<!--nextpage-->", "<!-- nextpage -->"])
    def test_split_a_text_into_pages(self, markup: str, mark: str) -> None:
        one, two = parts(f"one\n\n{mark}\n\ntwo", markup)
        assert ("one" in one, "two" in one, "one" in two, "two" in two) == (True, False, False, True)

    def test_in_a_paragraph_split_it(self) -> None:
        assert parts('<p class="alignleft">one<br><!--nextpage-->two</p>') == [
            '<p class="alignleft">one</p>',
            '<p class="alignleft">two</p>',
        ]

    def test_deep_in_other_elements_leave_both_pages_well_formed(self) -> None:
        assert parts("<div><ul><li>a <b>b<!--nextpage-->c</b></li><li>d</li></ul></div>e") == [
            "<div><ul><li>a <b>b</b></li></ul></div>",
            "<div><ul><li><b>c</b></li><li>d</li></ul></div>e",
        ]

    def test_keep_an_id_on_the_first_page_only(self) -> None:
        assert parts('<div id="x">a<!--nextpage-->b</div>') == ['<div id="x">a</div>', "<div>b</div>"]

    def test_in_code_do_not_count(self) -> None:
        assert parts("<pre>a<!--nextpage-->b</pre>") == ["<pre>ab</pre>"]
        assert len(parts("`<!--nextpage-->`", "markdown")) == 1

    def test_without_content_before_or_after_them_do_not_count(self) -> None:
        assert parts("<!--nextpage--><p>a</p><!--nextpage--><p> </p><!--nextpage--><p>b</p><!--nextpage-->") == [
            "<p>a</p>",
            "<p>b</p>",
        ]

    def test_before_a_page_with_only_an_image_count(self) -> None:
        assert len(parts('a<!--nextpage--><img src="/a.png">')) == 2

    def test_are_ignored_beyond_the_maximum(self) -> None:
        found = parts("<p>x</p><!--nextpage-->" * 300 + "<p>end</p>")
        assert len(found) == MAX_PAGES
        assert "".join(found).count("x") == 300

    def test_end_the_lead(self) -> None:
        rendered = render("<p>one</p><!--nextpage--><p>two</p><!--more--><p>three</p>", "html")
        assert rendered.has_more
        assert rendered.lead_html == f"<p>one {MORE}</p>"
        assert rendered.body_html.count(MORE) == 1

    def test_do_not_move_a_more_marker_before_them(self) -> None:
        rendered = render("<p>one</p><!--more--><p>two</p><!--nextpage--><p>three</p>", "html")
        assert rendered.lead_html == f"<p>one {MORE}</p>"
        assert rendered.body_html == f"<p>one</p>{MORE}<p>two</p>{PAGE_BREAK}<p>three</p>"

    def test_do_not_let_a_hostile_text_grow(self) -> None:
        source = "<div>" * 200 + "x<!--nextpage-->" * 5_000
        assert len(render(source, "html").body_html) < 20 * len(source)

    @pytest.mark.parametrize("start", ["<div>" * 1_000, f"<div title='{'x' * 15_000}'>"])
    def test_in_too_many_elements_or_too_long_ones_are_ignored(self, start: str) -> None:
        found = parts(start + "x<!--nextpage-->" * 50 + "end")
        assert len(found) < 10
        assert found[-1].replace("</div>", "").endswith("end")

    def test_separate_words_in_the_excerpt(self) -> None:
        assert render("one<!--nextpage-->two", "html").auto_excerpt == "one two"

    def test_cannot_be_forged(self) -> None:
        for source in ("<nextpage></nextpage>", "&lt;!--nextpage--&gt;", '<b title="<!--nextpage-->">x</b>'):
            assert PAGE_BREAK not in render(f"<p>a</p>{source}<p>b</p>", "html").body_html

    @given(
        st.lists(
            st.sampled_from(["<p>", "</p>", "<div>", "</div>", "<b>", "<ul>", "<li>", "<table>", "<td>", "<pre>"])
            | st.sampled_from(["<!--nextpage-->", "<!--more-->", "</b>", "</table>", "<br>", " ", "<!--nextpage-->"])
            | st.integers(100, 999).map(lambda number: f"w{number} "),
            max_size=40,
        ),
        st.sampled_from(["html", "wordpress"]),
    )
    def test_every_page_is_well_formed_and_no_word_is_lost(self, pieces: list[str], markup: str) -> None:
        source = "".join(pieces)
        rendered = render(source, markup)
        found = rendered.body_html.split(PAGE_BREAK)
        assert all(is_balanced(part) for part in found)
        words = [piece.strip() for piece in pieces if piece.startswith("w")]
        assert sorted(words) == sorted(word for part in found for word in _words(part))


def _words(html: str) -> list[str]:
    class Words(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.extend(data.replace("w", " w").split())

    found: list[str] = []
    reader = Words()
    reader.feed(html)
    reader.close()
    return found
