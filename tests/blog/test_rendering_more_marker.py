"""The more marker: what the lead and the body contain, and where the placeholder is."""

import re

import pytest

from blog.rendering import MORE_PLACEHOLDER as MORE
from blog.rendering import render

# Files in texts are looked up.
pytestmark = pytest.mark.django_db


def lead(source: str, markup: str = "html") -> str:
    return render(source, markup).lead_html


def body(source: str, markup: str = "html") -> str:
    return render(source, markup).body_html


def ids(html: str) -> list[str]:
    return [id_ for id_ in re.findall(r' id="([^"]*)"', html) if id_ != "more"]


class TestMarker:
    @pytest.mark.parametrize(
        "marker",
        ["<!--more-->", "<!-- more -->", "<!--more Read on-->", "<!-- more  Read on  -->", "<!--\nmore\n-->"],
    )
    @pytest.mark.parametrize("markup", ["html", "markdown"])
    def test_separates_the_lead_from_the_rest(self, marker: str, markup: str) -> None:
        rendered = render(f"one\n\n{marker}\n\ntwo", markup)
        assert rendered.has_more
        assert "one" in rendered.lead_html
        assert "two" not in rendered.lead_html
        assert rendered.lead_html.count(MORE) == 1
        assert rendered.body_html.count(MORE) == 1
        assert rendered.body_html.index("one") < rendered.body_html.index(MORE) < rendered.body_html.index("two")
        assert "Read on" not in rendered.body_html

    @pytest.mark.parametrize("comment", ["<!--nextpages-->", "<!--morefoo-->", "<!-- wp:more -->", "<!--no more-->"])
    def test_other_comments_are_not_markers(self, comment: str) -> None:
        rendered = render(f"<p>one</p>{comment}<p>two</p>", "html")
        assert not rendered.has_more
        assert rendered.lead_html == rendered.body_html == "<p>one</p><p>two</p>"

    def test_only_the_first_one_counts(self) -> None:
        source = "<p>one</p><!--more--><p>two</p><!--more--><p>three</p>"
        assert lead(source) == f"<p>one {MORE}</p>"
        assert body(source) == f"<p>one</p>{MORE}<p>two</p><p>three</p>"

    @pytest.mark.parametrize("tag", ["pre", "code", "tt"])
    def test_in_code_does_not_count(self, tag: str) -> None:
        assert not render(f"<{tag}>a<!--more-->b</{tag}>", "html").has_more

    @pytest.mark.parametrize("source", ["`<!--more-->`", "```\n<!--more-->\n```", "    <!--more-->", r"\<!--more-->"])
    def test_as_an_example_does_not_count(self, source: str) -> None:
        rendered = render(source, "markdown")
        assert not rendered.has_more
        assert "&lt;!--more--&gt;" in rendered.body_html

    @pytest.mark.parametrize(
        "source",
        [
            '<p><a href="https://e.org/a.pdf">https://e.org/a.pdf<!--more--></a></p><p>two</p>',
            '<p><a href="https://youtu.be/abcdefghijk">https://youtu.be/abcdefghijk<!--more--></a></p><p>two</p>',
            '<object data="https://e.org/x"><a href="https://e.org/x">https://e.org/x<!--more--></a></object><p>two</p>',
        ],
    )
    def test_in_a_link_that_shows_its_url_counts(self, source: str) -> None:
        rendered = render(source, "html")
        assert rendered.has_more
        assert rendered.body_html.count(MORE) == rendered.lead_html.count(MORE) == 1
        assert "two" not in rendered.lead_html

    def test_at_the_end_counts(self) -> None:
        assert lead("<p>one</p><!--more-->") == f"<p>one {MORE}</p>"

    def test_at_the_start_leaves_a_lead_of_only_the_placeholder(self) -> None:
        assert lead("<!--more--><p>one</p>") == f"<p>{MORE}</p>"

    def test_is_not_required_and_the_lead_is_then_the_whole_text(self) -> None:
        rendered = render("<p>one</p><p>two</p>", "html")
        assert rendered.lead_html == rendered.body_html
        assert not rendered.has_more

    def test_does_not_break_a_word_in_the_body(self) -> None:
        assert render("<p>Euro<!--more-->med</p>", "html").auto_excerpt == "Euromed"


class TestPlaceholderInTheLead:
    def test_continues_the_paragraph_that_was_cut(self) -> None:
        assert lead("<p>one <!--more--> two</p><p>three</p>") == f"<p>one {MORE}</p>"

    def test_continues_the_last_paragraph_when_the_marker_is_between_paragraphs(self) -> None:
        assert lead("one\n\n<!--more-->\n\ntwo", "markdown") == f"<p>one {MORE}</p>"

    def test_continues_the_last_paragraph_when_the_marker_is_in_a_paragraph_of_its_own(self) -> None:
        assert lead("<p>one</p>\n<p><!--more--></p>\n<p>two</p>") == f"<p>one {MORE}</p>"

    def test_continues_text_without_paragraphs(self) -> None:
        assert lead("one<br>\n<!--more-->two") == f"one {MORE}"

    def test_continues_the_paragraph_when_text_follows_the_marker_on_its_line(self) -> None:
        source = "one\n\n<!--more--> two *three*\n\nfour"
        assert lead(source, "markdown") == f"<p>one {MORE}</p>"
        assert body(source, "markdown") == f"<p>one</p>\n<p>{MORE} two <em>three</em></p>\n<p>four</p>\n"

    def test_is_outside_bold_text_and_links(self) -> None:
        assert lead("<p>one <b>two <i>three<!--more--> four</i></b></p>") == (
            f"<p>one <b>two <i>three</i></b> {MORE}</p>"
        )
        assert lead('<p><a href="/x">one<!--more--> two</a></p>') == f'<p><a href="/x">one</a> {MORE}</p>'

    def test_follows_the_text_of_a_list_item(self) -> None:
        assert lead("<ul><li>one</li><li>two<!--more--> three</li><li>four</li></ul>") == (
            f"<ul><li>one</li><li>two {MORE}</li></ul>"
        )

    def test_after_a_list_has_a_paragraph_of_its_own(self) -> None:
        assert lead("- one\n- two\n\n<!--more-->\n\nthree", "markdown") == (
            f"<ul>\n<li>one</li>\n<li>two</li>\n</ul><p>{MORE}</p>"
        )

    def test_between_list_items_has_a_paragraph_after_the_list(self) -> None:
        assert lead("<ul><li>one</li><!--more--><li>two</li></ul>") == f"<ul><li>one</li></ul><p>{MORE}</p>"

    def test_in_a_quotation_continues_it(self) -> None:
        assert lead("> one\n> <!--more-->\n> two\n\nthree", "markdown") == (
            f"<blockquote>\n<p>one {MORE}</p></blockquote>"
        )

    def test_in_a_table_cell_continues_it(self) -> None:
        source = "<table><tr><td>one</td><td>two<!--more--> three</td></tr><tr><td>four</td></tr></table>"
        assert lead(source) == f"<table><tbody><tr><td>one</td><td>two {MORE}</td></tr></tbody></table>"

    def test_between_table_rows_is_after_the_table(self) -> None:
        assert lead("<table><tr><td>one</td></tr><!--more--><tr><td>two</td></tr></table>") == (
            f"<table><tbody><tr><td>one</td></tr></tbody></table><p>{MORE}</p>"
        )

    def test_after_a_heading_or_an_image_has_a_paragraph_of_its_own(self) -> None:
        assert lead("<h2>one</h2><!--more--><p>two</p>") == f"<h2>one</h2><p>{MORE}</p>"
        assert lead("<figure><img src=/a.png></figure><!--more-->").endswith(f"</figure><p>{MORE}</p>")

    def test_in_a_heading_is_after_the_heading(self) -> None:
        assert lead("<h2>one<!--more--> two</h2>") == f"<h2>one</h2><p>{MORE}</p>"

    def test_is_never_folded_away(self) -> None:
        assert lead("<details><summary>one</summary><p>two<!--more--></p></details>").endswith(
            f"</details><p>{MORE}</p>"
        )

    def test_has_no_line_breaks_before_it(self) -> None:
        assert lead("<p>one<br><br>\n<!--more-->two</p>") == f"<p>one {MORE}</p>"


class TestPlaceholderInTheBody:
    def test_is_where_the_marker_was(self) -> None:
        assert body("<p>one <b>two<!--more--> three</b></p>") == f"<p>one <b>two{MORE} three</b></p>"

    def test_leaves_no_empty_paragraph(self) -> None:
        assert body("<p>one</p><p><!--more--></p><p>two</p>") == f"<p>one</p>{MORE}<p>two</p>"

    def test_between_list_items_is_in_the_next_item(self) -> None:
        assert body("<ul><li>one</li><!--more--><li>two</li></ul>") == (f"<ul><li>one</li><li>{MORE}two</li></ul>")

    def test_after_the_last_list_item_is_in_that_item(self) -> None:
        assert body("<ul><li>one</li><!--more--></ul>") == f"<ul><li>one{MORE}</li></ul>"

    def test_between_table_rows_is_in_the_next_cell(self) -> None:
        assert body("<table><tr><td>one</td></tr><!--more--><tr><td>two</td></tr></table>") == (
            f"<table><tbody><tr><td>one</td></tr><tr><td>{MORE}two</td></tr></tbody></table>"
        )

    def test_in_an_empty_list_is_before_the_list(self) -> None:
        assert body("<ul><!--more--></ul>") == f"{MORE}<ul></ul>"


class TestForgery:
    @pytest.mark.parametrize(
        "source",
        [
            MORE,
            "<p id=more>x</p>",
            '<a name="more">x</a>',
            f"<pre>{MORE}</pre>",
            f"`{MORE}`",
            f"<b title='{MORE}'>x</b>",
            f"<img alt='{MORE}' src=//example.org/x>",
            "# More",
        ],
    )
    @pytest.mark.parametrize("markup", ["html", "markdown"])
    def test_is_not_possible(self, source: str, markup: str) -> None:
        rendered = render(f"{source}\n\nx", markup)
        assert not rendered.has_more
        assert MORE not in rendered.body_html
        assert MORE not in rendered.lead_html
        marked = render(f"{source}\n\nx\n\n<!--more-->\n\n{source}", markup)
        assert marked.body_html.count(MORE) == marked.lead_html.count(MORE) == 1


class TestReferencesAcrossTheCut:
    SOURCE = "One[^1] and [two][ref].\n\n<!--more-->\n\nThree[^2].\n\n[^1]: first\n\n[^2]: second\n\n[ref]: /two"

    def test_link_references_defined_further_down_work(self) -> None:
        assert '<a href="/two">two</a>' in lead(self.SOURCE, "markdown")

    def test_footnotes_that_were_cut_off_keep_their_number_without_a_link(self) -> None:
        html = lead(self.SOURCE, "markdown")
        assert re.search(r'One<sup class="footnote-ref"><span id="[^"]*">\[1\]</span></sup> and', html)
        assert "first" not in html

    def test_footnotes_in_the_body_are_complete(self) -> None:
        html = body(self.SOURCE, "markdown")
        assert 'href="#fn1"' in html
        assert 'id="fn2"' in html

    def test_links_to_ids_that_were_cut_off_become_text(self) -> None:
        source = '<h2 id="a">A</h2><p><a href="#a">here</a> <a href="#b">there</a><!--more--></p><h2 id="b">B</h2>'
        assert re.fullmatch(
            rf'<h2 id="(\w+-)a">A</h2><p><a href="#\1a">here</a> <span>there</span> {MORE}</p>', lead(source)
        )


class TestSeveralLeadsOnOnePage:
    def test_their_ids_never_collide(self) -> None:
        sources = [f"# Introduction\n\nText {n}[^1].\n\n[^1]: note" for n in range(10)]
        found = [id_ for source in sources for id_ in ids(lead(source, "markdown"))]
        assert len(found) == 30
        assert len(set(found)) == 30

    def test_their_internal_links_stay_within_the_lead(self) -> None:
        html = lead("[x](#مرحبا)[^1]\n\n# مرحبا\n\n[^1]: note", "markdown")
        (scope,) = {id_.split("-")[0] for id_ in ids(html)}
        assert re.fullmatch("l[0-9a-f]{8}", scope)
        assert f'href="#{scope}-%D9%85%D8%B1%D8%AD%D8%A8%D8%A7"' in html
        assert f'href="#{scope}-fn1"' in html
        assert f'href="#{scope}-fnref1"' in html

    def test_table_cells_refer_to_their_headers(self) -> None:
        html = lead('<table><tr><th id="h">A</th></tr><tr><td headers="h x">1</td></tr></table>')
        (id_,) = ids(html)
        # An element outside the table isn't a header of it (blog.rendering.validity).
        assert f'headers="{id_}"' in html

    def test_bodies_keep_ids_without_a_prefix(self) -> None:
        assert ids(body("# Introduction", "markdown")) == ["introduction"]
