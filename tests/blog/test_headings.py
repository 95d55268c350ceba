"""Headings link to themselves, and a long text has a table of contents."""

import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from blog.rendering import render
from blog.rendering.headings import Heading, link_headings
from tests.factories import PageFactory, PostFactory
from tests.factories.responses import find, one, read, text, text_of
from tests.factories.types import GrowsWithLength

LONG = "words and words, " * 100


def linked(html: str) -> str:
    return link_headings(html)[0]


def contents(html: str) -> list[Heading]:
    return link_headings(html)[1]


class TestLinks:
    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            ('<h2 id="a">A</h2>', '<h2 id="a"><a href="#a">A</a></h2>'),
            (
                "<h3>Why <em>the bridge</em>?</h3>",
                '<h3 id="s-why-the-bridge"><a href="#s-why-the-bridge">Why <em>the bridge</em>?</a></h3>',
            ),
            (
                '<h4 dir="auto">لماذا نكتب؟</h4>',
                '<h4 dir="auto" id="s-لماذا-نكتب"><a href="#s-لماذا-نكتب">لماذا نكتب؟</a></h4>',
            ),
            ("<h2>?</h2>", '<h2 id="s-section"><a href="#s-section">?</a></h2>'),
            ("<h2>A &amp; “B”</h2>", '<h2 id="s-a-b"><a href="#s-a-b">A &amp; “B”</a></h2>'),
        ],
    )
    def test_each_heading_is_a_link(self, html: str, expected: str) -> None:
        assert linked(html) == expected

    def test_a_heading_with_a_link_has_only_an_id(self) -> None:
        assert linked('<h2>A <a href="/b/">b</a></h2>') == '<h2 id="s-a-b">A <a href="/b/">b</a></h2>'

    def test_a_heading_with_an_abbreviation_is_a_link(self) -> None:
        assert linked("<h2><abbr>UN</abbr></h2>") == '<h2 id="s-un"><a href="#s-un"><abbr>UN</abbr></a></h2>'

    @pytest.mark.parametrize(
        ("before", "after"),
        [('<a href="/b/">', "</a>"), ('<a href="/b/"><em>', "</em></a>"), ("<summary>", "</summary>")],
    )
    def test_a_heading_within_a_link_has_no_second_link(self, before: str, after: str) -> None:
        html = f"{before}<h3>A</h3>{after}<h3>B</h3>"
        assert linked(html) == f'{before}<h3 id="s-a">A</h3>{after}<h3 id="s-b"><a href="#s-b">B</a></h3>'

    def test_equal_headings_have_different_ids(self) -> None:
        html = '<h2>A</h2><h2>A</h2><p id="s-a-3">x</p><h2>A</h2>'
        assert re.findall(r'<h2 id="([^"]*)"', linked(html)) == ["s-a", "s-a-2", "s-a-4"]

    def test_no_id_is_one_of_the_pages_own(self) -> None:
        assert 'id="s-comments"' in linked("<h2>Comments</h2>")

    @pytest.mark.parametrize("html", ["", "<p>a</p>", "<p>a &lt;/h2&gt;</p>", "<p>h2</p>"])
    def test_a_text_without_headings_stays_as_it_is(self, html: str) -> None:
        assert link_headings(html) == (html, [])

    @pytest.mark.django_db
    @given(st.text(alphabet="<>/h23 id=\"'&;a#\n", max_size=200))
    def test_whatever_the_source_ids_are_unique_and_the_text_stays_the_same(self, source: str) -> None:
        html = render(source, "html").body_html
        result = linked(html)
        ids = re.findall(r'\sid="([^"]*)"', result)
        assert len(ids) == len(set(ids))
        assert text_of(result) == text_of(html)

    @pytest.mark.parametrize("part", ["<h2>a</h2>", '<h2 id="a">', "</h2>", "<h2><sup>", "<h2>", "<a ", "<summary>"])
    def test_hostile_html_takes_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda html: link_headings(f"{html}</h3>"), part * 5_000)


class TestContents:
    def test_a_long_text_has_them(self) -> None:
        second = '<h2 id="b">Two<sup><a href="#fn1">1</a></sup></h2>'
        html = f"<h2>One</h2>{LONG}{second}{LONG}<h3>Two and a half</h3>{LONG}<h2>Th&amp;ree</h2>"
        assert contents(html) == [
            (2, "s-one", "One"),
            (2, "b", "Two"),
            (3, "s-two-and-a-half", "Two and a half"),
            (2, "s-th-ree", "Th&ree"),
        ]

    @pytest.mark.parametrize(
        "html", ["<h2>a</h2>" * 10, f"<p>{LONG * 3}</p>" + "<h2>a</h2>" * 3, f"<p>{LONG * 3}</p>" + "<h4>a</h4>" * 9]
    )
    def test_a_short_text_or_one_with_few_headings_has_none(self, html: str) -> None:
        assert contents(html) == []


@pytest.mark.django_db
class TestPages:
    SOURCE = "\n\n".join(f"## Part {number}\n\n{LONG}" for number in "1234")

    @pytest.mark.parametrize("factory", [PostFactory, PageFactory])
    def test_a_post_or_page_shows_the_contents_above_the_text(self, factory: type[PostFactory], client: Client) -> None:
        entry = factory(source=self.SOURCE)
        page = read(client.get(entry.get_absolute_url()))
        links = find(page, "details.contents nav a")
        assert [text(link) for link in links] == ["Part 1", "Part 2", "Part 3", "Part 4"]
        for link in links:
            assert text(one(page, f"h2{link.get('href')}")) == text(link)

    def test_listings_have_neither(self, client: Client) -> None:
        PostFactory(source=self.SOURCE)
        page = read(client.get("/"))
        assert not find(page, ".contents")
        assert not find(page, ".entry-body h2 a, .entry-body h3 a")
