"""Rendered texts are valid HTML (what the Nu Html Checker accepts), without losing any text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from blog.rendering import MORE_PLACEHOLDER, PAGE_BREAK, render
from blog.rendering.tree import parse, serialise
from blog.rendering.validity import repair
from tests.factories.types import GrowsWithLength

# Files in texts are looked up.
pytestmark = pytest.mark.django_db


def body(source: str) -> str:
    return render(source, "html").body_html


class TestHeadings:
    @pytest.mark.parametrize(
        ("levels", "repaired"),
        [
            ("2 3 4 2", "2 3 4 2"),
            ("3", "2"),
            ("6 6", "2 2"),
            ("3 4 3", "2 3 2"),
            ("2 4 4 3 2", "2 3 3 3 2"),
            ("1 3 6 1", "1 2 3 1"),
            ("4 2 4", "2 2 3"),
        ],
    )
    def test_no_level_is_skipped_below_the_title(self, levels: str, repaired: str) -> None:
        html = body("".join(f"<h{level}>a</h{level}>" for level in levels.split()))
        assert re.findall(r"<h(\d)", html) == repaired.split()

    def test_each_page_begins_below_the_title(self) -> None:
        html = body("<h2>a</h2><h3>b</h3><!--nextpage--><h3>c</h3><h4>d</h4>")
        assert html.split(PAGE_BREAK)[1] == "<h2>c</h2><h3>d</h3>"

    @given(st.lists(st.integers(1, 6)))
    def test_the_order_of_levels_is_kept(self, levels: list[int]) -> None:
        html = body("".join(f"<h{level}>a</h{level}>" for level in levels))
        repaired = [int(level) for level in re.findall(r"<h(\d)", html)]
        assert all(after <= before + 1 for before, after in zip([1, *repaired], repaired, strict=False))
        pairs = zip(zip(levels, repaired, strict=True), zip(levels[1:], repaired[1:], strict=True), strict=False)
        # A deeper heading never ends up above the one before it.
        assert all(after[1] > before[1] for before, after in pairs if after[0] > before[0])


class TestElements:
    @pytest.mark.parametrize(
        ("invalid", "valid"),
        [
            # Captions and headings without text.
            ('<figure><img src="/a" alt=""><figcaption> </figcaption></figure>', "<figure>{img}</figure>"),
            (
                "<table><caption></caption><tr><td>a</td></tr></table>",
                "<table><tbody><tr><td>a</td></tr></tbody></table>",
            ),
            ("<h2></h2><h3> <b></b></h3>a", "<h2> <b></b></h2>a"),
            ("<h2><img src=/a></h2>", "<h2>{img}</h2>"),
            ("<table><tr></tr><tr><td>a</td></tr></table>", "<table><tbody><tr><td>a</td></tr></tbody></table>"),
            # Misplaced captions.
            ("<figcaption>a</figcaption>", "<div>a</div>"),
            ("<figure>a<figcaption>b</figcaption>c</figure>", "<figure>ac<figcaption>b</figcaption></figure>"),
            (
                "<figure><figcaption>a</figcaption><figcaption>b</figcaption></figure>",
                "<figure><figcaption>a</figcaption><div>b</div></figure>",
            ),
            # Lists.
            ("<li>a</li>", "<div>a</div>"),
            ("<ul><ul><li>a</li></ul></ul>", "<ul><li><ul><li>a</li></ul></li></ul>"),
            ("<ul><li>a</li><ul><li>b</li></ul> c</ul>", "<ul><li>a<ul><li>b</li></ul> c</li></ul>"),
            ("<ol>a<li>b</li>c<p>d</p>e</ol>", "<ol><li>a</li><li>bc<p>d</p>e</li></ol>"),
            ('<ul><li value="2">a</li></ul>', "<ul><li>a</li></ul>"),
            ("<dl><dt></dt></dl>", "<dl></dl>"),
            ("<dl><dt>a</dt></dl>", "<div><div>a</div></div>"),
            ("<dl>a<dd>b</dd></dl>", "<div>a<div>b</div></div>"),
            ("<dd>a</dd>", "<div>a</div>"),
            # Elements that open and close.
            ("<details>a</details>", "<details><summary>Details</summary>a</details>"),
            ("<details>a<summary>b</summary></details>", "<details><summary>b</summary>a</details>"),
            ("<summary>a</summary>", "<div>a</div>"),
            # Links without a URL.
            ('<a hreflang="fr">a</a><a></a>', "<span>a</span>"),
            ('<a id="x" hreflang="fr">a</a>', '<span id="x">a</span>'),
            # Others.
            (
                "<table><tr><th><h2>a</h2></th></tr></table>",
                "<table><tbody><tr><th><div>a</div></th></tr></tbody></table>",
            ),
            ("<bdo>a</bdo> <time>noon</time> <rt>b</rt>", "<span>a</span> <span>noon</span> <span>b</span>"),
        ],
    )
    def test_are_repaired(self, invalid: str, valid: str) -> None:
        img = '<img src="/a" alt="" loading="lazy" decoding="async">'
        assert body(invalid) == valid.format(img=img)

    def test_of_a_lead_are_repaired_after_the_cut(self) -> None:
        rendered = render('<dl><dt>a<!--more--></dt><dd id="x">b</dd></dl>', "html")
        assert "<dl>" in rendered.body_html
        assert "<dl>" not in rendered.lead_html
        assert MORE_PLACEHOLDER in rendered.lead_html


class TestAttributes:
    def test_cells_name_header_cells_of_their_own_table_only(self) -> None:
        table = '<table><tbody><tr><th id="{0}">a</th><td headers="{1}">b</td></tr></tbody></table>'
        html = body(table.format("x", "x y z") + table.format("y", "x"))
        assert html == table.format("x", "x") + table.format("y", "").replace(' headers=""', "")

    @pytest.mark.parametrize(
        ("invalid", "valid"),
        [
            ("/a b|c", "/a%20b%7Cc"),
            ("https://example.org/%zz?a[b]=%", "https://example.org/%25zz?a%5Bb%5D=%25"),
            ("https://[::1]/a[1]", "https://[::1]/a%5B1%5D"),
            ("#a b#c", "#a%20b%23c"),
            ("mailto:a b@example.org", "mailto:a%20b@example.org"),
            ("/%20é%C3%A9", "/%20é%C3%A9"),
            ("https://user:password@example.org/@a", "https://example.org/@a"),
        ],
    )
    def test_urls_are_encoded_as_browsers_do(self, invalid: str, valid: str) -> None:
        assert f'href="{valid}"' in body(f'<a href="{invalid}">x</a>')

    @pytest.mark.parametrize("cite", ["deleted it", "Εισαγωγή inserted it", "x", "mailto:a@example.org", ""])
    def test_a_citation_that_is_not_a_url_is_removed(self, cite: str) -> None:
        assert body(f'<p><ins cite="{cite}">x</ins></p>') == "<p><ins>x</ins></p>"

    def test_a_citation_with_a_url_stays(self) -> None:
        html = '<blockquote cite="https://example.org/a"><p>x</p></blockquote>'
        assert body(html) == html

    @pytest.mark.parametrize(
        ("invalid", "valid"),
        [
            ('<del datetime="2012-02-31">a</del>', "<del>a</del>"),
            ('<del datetime="yesterday">a</del>', "<del>a</del>"),
            ('<del datetime="2012-02-28T10:11:12+00:00">a</del>', '<del datetime="2012-02-28T10:11:12+00:00">a</del>'),
        ],
    )
    def test_dates_of_changes_are_valid(self, invalid: str, valid: str) -> None:
        assert body(invalid) == valid

    def test_cells_span_a_valid_number_of_columns(self) -> None:
        html = body('<table><tr><td colspan="0">a</td><td colspan="2000">b</td><td colspan="2">c</td></tr></table>')
        assert html == '<table><tbody><tr><td>a</td><td>b</td><td colspan="2">c</td></tr></tbody></table>'


TAGS = "a b blockquote details div dl dt dd em figcaption figure h2 h4 h6 img li ol p span summary table td th tr ul"


class TestAnyHtml:
    @given(
        st.lists(
            st.sampled_from([f"<{tag}>" for tag in TAGS.split()])
            | st.sampled_from([f"</{tag}>" for tag in TAGS.split()])
            | st.sampled_from(["x", " ", "y z", "<!--more-->", "<!--nextpage-->", '<a href="a b">', '<i id="i">']),
            max_size=30,
        )
    )
    def test_is_repaired_once_and_for_all_without_losing_text(self, pieces: list[str]) -> None:
        root = parse("".join(pieces))
        before = "".join(map(str, root.itertext())).split()
        repair(root)
        once = etree.tostring(root, method="c14n")
        after = "".join(map(str, root.itertext())).replace("Details", "")
        assert sorted("".join(after.split())) == sorted("".join(before))
        repair(root)
        assert etree.tostring(root, method="c14n") == once
        serialise(root)

    @pytest.mark.parametrize(
        "piece",
        [
            "<h2></h2>x",
            "<li>x",
            "<ul>x<p>y",
            "<dl><dt>",
            "<figure><figcaption>x",
            "<details>x",
            "<a>x</a>",
            "<h6>x</h6>",
        ],
    )
    def test_takes_linear_time(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(body, piece * 5_000)
