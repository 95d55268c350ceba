"""The markdown markup."""

import pytest
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline

from blog.rendering import SourceTooLongError, markdown, render

# Files in texts are looked up.
pytestmark = pytest.mark.django_db


def body(source: str) -> str:
    return render(source, "markdown").body_html.strip()


class TestCommonMark:
    def test_emphasis_and_links(self) -> None:
        assert body("*a* **b** [c](/d)") == '<p><em>a</em> <strong>b</strong> <a href="/d">c</a></p>'

    def test_strikethrough(self) -> None:
        assert body("~~a~~") == "<p><s>a</s></p>"

    def test_code_keeps_its_language_as_a_class(self) -> None:
        assert body("```python\nx < 1\n```") == ('<pre><code class="language-python">x &lt; 1\n</code></pre>')

    def test_tables_with_their_alignment(self) -> None:
        table = body("| a | b |\n|---|--:|\n| 1 | 2 |")
        assert "<th>a</th>" in table
        assert '<td class="has-text-align-right">2</td>' in table
        assert "style" not in table

    def test_definition_lists(self) -> None:
        assert body("Term\n: Meaning") == "<dl>\n<dt>Term</dt>\n<dd>Meaning</dd>\n</dl>"

    def test_html_is_let_through_to_the_sanitiser(self) -> None:
        assert body('a <mark>b</mark> <font color="red">c</font><script>d</script>') == ("<p>a <mark>b</mark> c</p>")

    def test_markdown_in_html_blocks(self) -> None:
        assert body('<div dir="rtl">\n\n**x**\n\n</div>') == ('<div dir="rtl">\n<p><strong>x</strong></p>\n</div>')

    def test_twelve_nested_lists_are_kept(self) -> None:
        source = "\n".join(f"{'  ' * depth}- item{depth}" for depth in range(12))
        assert all(f"item{depth}" in body(source) for depth in range(12))


class TestFootnotes:
    def test_link_to_the_note_and_back(self) -> None:
        html = body("a[^x]\n\n[^x]: note")
        assert '<sup class="footnote-ref"><a href="#fn1" id="fnref1">[1]</a></sup>' in html
        assert '<li id="fn1" class="footnote-item">' in html
        assert '<a href="#fnref1" class="footnote-backref" aria-label="Back to the text">' in html

    def test_links_back_are_named_in_the_language_of_the_text(self) -> None:
        html = render("a[^x]\n\n[^x]: note", "markdown", language="fr").body_html
        assert 'class="footnote-backref" aria-label="Retour au texte">' in html
        assert "aria-label" not in body('<a href="/" aria-label="Bank">x</a>')

    def test_can_directly_follow_a_url(self) -> None:
        html = body("https://example.org/a[^x]\n\n[^x]: note")
        assert '>https://example.org/a</a><sup class="footnote-ref">' in html

    def test_can_be_written_inline(self) -> None:
        assert "<p>note" in body("a^[note]")

    def test_can_refer_to_themselves(self) -> None:
        assert "note" in body("a[^x]\n\n[^x]: note[^x]")


class TestHeadingIds:
    @pytest.mark.parametrize(
        ("heading", "id_"),
        [
            ("Introduction", "introduction"),
            ("Space continues to close: *why*?", "space-continues-to-close-why"),
            ("مرحبا بكم", "مرحبا-بكم"),
            ("Права человека", "права-человека"),
            ("Coöperatie & é", "coöperatie-é"),
            ("हिन्दी भाषा", "हिन्दी-भाषा"),
            ("Ny Sokha’s ‘ADHOC 5’", "ny-sokhas-adhoc-5"),
            ("Run `manage.py`", "run-manage-py"),
            ("🕊", "section"),
        ],
    )
    def test_are_made_from_the_text_in_any_script(self, heading: str, id_: str) -> None:
        assert body(f"## {heading}").startswith(f'<h2 id="{id_}">')

    def test_of_the_same_text_are_numbered(self) -> None:
        assert body("# a\n# a\n# a-1\n# a").count("<h1 id=") == 4
        for id_ in ("a", "a-1", "a-1-1", "a-2"):
            assert f'id="{id_}"' in body("# a\n# a\n# a-1\n# a")

    def test_reserved_for_the_site_get_a_prefix(self) -> None:
        assert body("# Comments") == '<h1 id="u-comments">Comments</h1>'

    def test_can_be_linked_to(self) -> None:
        assert body("# مرحبا\n\n[x](#مرحبا)").endswith('<a href="#%D9%85%D8%B1%D8%AD%D8%A8%D8%A7">x</a></p>')


class TestBareUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.org/_a_/b_c_d",
            "https://example.org/A_(b)_c_(d)_e",
            "https://example.org/a*b*c*",
            "https://example.org/~~a~~/b",
            "https://example.org/?a=1&copy=2&b[]=3",
        ],
    )
    def test_are_not_read_as_emphasis(self, url: str) -> None:
        typed = url.rstrip("*").replace("&", "&amp;")
        # Square brackets are shown as typed, but are not valid in a URL.
        href = typed.replace("[", "%5B").replace("]", "%5D")
        assert f'<a href="{href}" rel="noopener">{typed}</a>' in body(f"see {url} there")

    def test_do_not_affect_emphasis_around_them(self) -> None:
        assert body("**https://example.org/a**") == (
            '<p><strong><a href="https://example.org/a" rel="noopener">https://example.org/a</a></strong></p>'
        )

    def test_can_be_the_text_of_a_link(self) -> None:
        assert body("[https://example.org](/x)") == '<p><a href="/x">https://example.org</a></p>'

    def test_can_contain_escapes(self) -> None:
        assert ">https://example.org/a_b&amp;c</a>" in body(r"https://example.org/a\_b&amp;c")


class TestDenseTexts:
    """Markdown turns a few characters into a lot of HTML, and a hostile text repeats these."""

    def test_with_too_many_lines_are_refused_with_a_reason(self) -> None:
        with pytest.raises(SourceTooLongError) as raised:
            render("- a\n" * 10_001, "markdown")
        assert str(raised.value) == (
            "This text has too many lines: it has 10,001, and the limit is 10,000."
            " Shorten it or split it into several posts."
        )

    def test_empty_lines_do_not_count(self) -> None:
        assert body("- a\n" * 10_000 + "\n" * 20_000 + " \n" * 20_000).count("<li>") == 10_000

    def test_a_long_definition_is_not_copied_to_every_link(self) -> None:
        source = f"[a]: /{'x' * 10_000}\n\n" + "[a] " * 5_000
        html = body(source)
        assert html.count("href") >= 5
        assert len(html) < 50 * len(source)
        assert html.count(">a</") == 5_000

    def test_a_definition_of_usual_length_is_used_as_often_as_wanted(self) -> None:
        assert body(f"[a]: https://example.org/{'x' * 80}\n\n" + "[see][a] " * 3_000).count("href") == 3_000

    def test_images_and_links_may_be_in_the_brackets_of_others(self) -> None:
        html = body("^[see [[![alt [x]](/a.png)](/b) and [c](/d)]]")
        assert '<a href="/b"><img src="/a.png" alt="alt [x]"' in html
        assert '<a href="/d">c</a>' in html

    @pytest.mark.parametrize("piece", ["[", "![", "^[", "[a", "*["])
    @pytest.mark.parametrize("end", ["", "]"])
    def test_brackets_are_not_followed_far(self, piece: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
        steps: list[int] = []
        skip = ParserInline.skipToken

        def count(parser: ParserInline, state: StateInline) -> None:
            steps.append(state.pos)
            skip(parser, state)

        monkeypatch.setattr(ParserInline, "skipToken", count)
        render(piece * 2_000 + end, "markdown")
        assert len(steps) < 30 * 2_000

    def test_labels_of_footnotes_are_looked_for_nearby(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked_for: list[int] = []
        monkeypatch.setattr(markdown, "footnote_ref", lambda state, silent: looked_for.append(state.pos))
        render("[^a]: A note.\n\n" + "[^" * 2_000 + "]", "markdown")
        assert len(looked_for) < 1_000

    def test_brackets_and_asterisks_beyond_the_limit_are_text(self) -> None:
        assert body("[a](/b)" * 8_001).endswith('<a href="/b">a</a>[a](/b)</p>')
        assert body("*a* " * 10_001).endswith("<em>a</em> *a*</p>")
