"""`render()`: its limits, the registries of markups and moved files, and the excerpt."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import translation

from blog.rendering import (
    MAX_SOURCE_LENGTH,
    Rendered,
    RenderInput,
    SourceTooLongError,
    UnknownMarkupError,
    render,
    render_all,
)
from blog.rendering.markups import Markup, markups
from blog.rendering.markups import find_problems as find_markup_problems
from blog.rendering.moved_files import FileResolver, file_resolvers, resolve_files
from blog.rendering.moved_files import find_problems as find_resolver_problems


def shout(source: str, entry: object) -> str:
    """A markup of another app."""
    return f"<p>{source.upper()}<script>alert(1)</script></p>"


class TestRenderAll:
    def test_renders_each_text_as_render_does(self) -> None:
        sources = [
            f'<h2 id="a">{number}</h2>\n\n<a href="#a">x</a>{"<!--more-->" * (number % 2)}' for number in range(50)
        ]
        texts = [RenderInput(source, markup) for source in sources for markup in ("wordpress", "markdown", "html")]
        assert list(render_all(texts)) == [render(*text) for text in texts]

    def test_renders_long_texts_as_render_does(self) -> None:
        texts = [RenderInput("word " * length, "html") for length in (100_000, 1, 60_000, 50_000, 2)]
        assert list(render_all(texts)) == [render(*text) for text in texts]

    def test_renders_nothing_without_texts(self) -> None:
        assert list(render_all([])) == []

    def test_rejects_a_text_that_is_too_long(self) -> None:
        with pytest.raises(SourceTooLongError):
            list(render_all([RenderInput("a", "html"), RenderInput("a" * (MAX_SOURCE_LENGTH + 1), "html")]))


class TestLength:
    def test_a_source_of_the_maximum_length_is_rendered(self) -> None:
        assert len(render("a" * MAX_SOURCE_LENGTH, "html").body_html) == MAX_SOURCE_LENGTH

    def test_the_error_for_a_longer_source_states_its_length_and_the_limit(self) -> None:
        with pytest.raises(SourceTooLongError) as raised:
            render("a" * (MAX_SOURCE_LENGTH + 1), "markdown")
        assert str(raised.value) == (
            "This text is too long: it has 500,001 characters, and the limit is 500,000."
            " Shorten it or split it into several posts."
        )

    @pytest.mark.parametrize("markup", ["markdown", "html", "wordpress"])
    def test_embedded_files_do_not_count_towards_the_length(self, markup: str) -> None:
        picture = '<img src="data:image/png;base64,' + "aB+/" * 200_000 + '==" alt="A map">'
        html = render(f"One {picture} two", markup).body_html
        assert "One" in html
        assert "A map" in html
        assert "two" in html
        with pytest.raises(SourceTooLongError):
            render(picture + "a " * MAX_SOURCE_LENGTH, markup)

    def test_the_numbers_in_the_error_are_localised(self) -> None:
        with translation.override("de"), pytest.raises(SourceTooLongError, match=r"500\.001"):
            render("a" * (MAX_SOURCE_LENGTH + 1), "markdown")

    def test_the_length_is_checked_first(self) -> None:
        with pytest.raises(SourceTooLongError):
            render("a" * (MAX_SOURCE_LENGTH + 1), "no such markup")


@pytest.fixture
def add_markup(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Markup], None]:
    """Register a markup for one test."""
    monkeypatch.setattr(markups, "data", dict(markups.items()))
    return markups.register


def crash(source: str, entry: object) -> str:
    raise RuntimeError("no such module")


class TestMarkups:
    def test_are_listed_with_their_labels_in_the_order_of_their_apps(self) -> None:
        assert [(name, markup.label) for name, markup in markups.items()] == [
            ("markdown", "Markdown"),
            ("html", "HTML"),
            ("wordpress", "WordPress"),
        ]

    def test_of_another_app_are_rendered_and_sanitised(self, add_markup: Callable[[str, Markup], None]) -> None:
        add_markup("loud", Markup("Loud", shout))
        assert render("hello", "loud").body_html == "<p>HELLO</p>"

    def test_an_unknown_markup_raises_an_error_with_its_name(self) -> None:
        with pytest.raises(UnknownMarkupError, match="bbcode"):
            render("[b]x[/b]", "bbcode")

    def test_a_failing_renderer_does_not_break_the_others(self, add_markup: Callable[[str, Markup], None]) -> None:
        add_markup("broken", Markup("Broken", crash))
        assert render("<p>x</p>", "html").body_html == "<p>x</p>"

    def test_registered_markups_pass_the_system_check(self) -> None:
        assert {"markdown", "html"} <= markups.keys()
        assert [problem for name, markup in markups.items() for problem in find_markup_problems(name, markup)] == []

    @pytest.mark.parametrize(
        ("renderer", "problem"),
        [
            (None, "not callable"),
            (crash, "no such module"),
            (lambda source, entry: source.encode(), "not a string"),
            (lambda source, entry: source and 1 / 0, "division by zero"),
        ],
    )
    def test_the_system_check_reports_a_renderer_that_does_not_work(self, renderer: Any, problem: str) -> None:
        problems = list(find_markup_problems("x", Markup("X", renderer)))
        assert problems
        assert all(problem in each for each in problems)


class TestMovedFiles:
    @pytest.fixture
    def add_resolver(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, FileResolver], None]:
        """Register a resolver for one test, without any others."""
        monkeypatch.setattr(file_resolvers, "data", {})
        return file_resolvers.register

    def test_a_resolver_of_another_app_provides_the_new_url(
        self, add_resolver: Callable[[str, FileResolver], None]
    ) -> None:
        add_resolver("one", lambda urls: {url: "/media/a.png" for url in urls if "old" in url})
        html = render(
            '<img src="https://old.example.org/a.png" alt="A"><a href="https://x.example/b.png">B</a>', "html"
        )
        assert 'src="/media/a.png"' in html.body_html
        assert 'href="https://x.example/b.png"' in html.body_html

    def test_without_resolvers_no_url_is_replaced(self, add_resolver: Callable[[str, FileResolver], None]) -> None:
        assert resolve_files(["https://old.example.org/a.png"]) == {}

    def test_every_resolver_gets_every_url_and_the_first_wins(
        self, add_resolver: Callable[[str, FileResolver], None]
    ) -> None:
        add_resolver("one", lambda urls: {url: "/media/1" for url in urls if url < "b"})
        add_resolver("two", lambda urls: dict.fromkeys(urls, "/media/2"))
        assert resolve_files(iter(["a", "b"])) == {"a": "/media/1", "b": "/media/2"}

    def test_the_text_is_not_scanned_for_a_resolver_that_ignores_the_urls(
        self, add_resolver: Callable[[str, FileResolver], None]
    ) -> None:
        def fail_when_read() -> Iterator[str]:
            yield pytest.fail("a URL was read")

        add_resolver("one", lambda urls: {})
        assert resolve_files(fail_when_read()) == {}

    def test_registered_resolvers_pass_the_system_check(self) -> None:
        assert "wordpress" in file_resolvers
        assert [problem for name, one in file_resolvers.items() for problem in find_resolver_problems(name, one)] == []

    @pytest.mark.parametrize(
        ("resolver", "problem"), [(None, "not callable"), (lambda urls: 1 / 0, "division"), (list, "not a mapping")]
    )
    def test_the_system_check_reports_a_resolver_that_does_not_work(self, resolver: Any, problem: str) -> None:
        assert [problem in each for each in find_resolver_problems("x", resolver)] == [True]


class TestEmptySource:
    @pytest.mark.parametrize("markup", ["markdown", "html"])
    @pytest.mark.parametrize("source", ["", " \n\t\r\n", "\x00", "<!-- nothing -->", "<p>&nbsp;</p>"])
    def test_renders_to_nothing(self, source: str, markup: str) -> None:
        rendered = render(source, markup)
        assert rendered.body_html.strip() == rendered.lead_html.strip() == rendered.auto_excerpt == ""
        assert not rendered.has_more


class TestCharacters:
    def test_control_characters_are_removed(self) -> None:
        assert render("a\x00b\x01c\x0bd\x1fe", "html").body_html == "abcde"

    def test_references_to_control_characters_are_removed(self) -> None:
        assert render("a&#1;b&#x0b;c", "html").body_html == "abc"

    def test_lone_surrogates_become_the_replacement_character(self) -> None:
        assert render("a\ud800b", "html").body_html == "a\ufffdb"

    def test_byte_order_marks_are_removed(self) -> None:
        assert render("\ufeff# a\ufeff", "markdown").body_html == '<h1 id="a">a</h1>\n'

    def test_tabs_and_line_ends_are_kept(self) -> None:
        assert render("<pre>a\tb\r\nc\rd</pre>", "html").body_html == "<pre>a\tb\nc\nd</pre>"

    def test_private_and_rare_characters_are_kept(self) -> None:
        assert render("\ue000 \U0010fffd \u200b 🕊", "html").body_html == "\ue000 \U0010fffd \u200b 🕊"

    def test_a_character_reference_can_have_thousands_of_digits(self) -> None:
        assert render(f"&#{'9' * 5000};", "html").body_html == "\ufffd"


def excerpt_of(source: str, markup: str = "html") -> str:
    return render(source, markup).auto_excerpt


class TestAutoExcerpt:
    def test_is_the_text_without_markup(self) -> None:
        assert excerpt_of("# Report\n\nThe *first* [words](/x).", "markdown") == "Report The first words."

    def test_has_no_entities(self) -> None:
        assert excerpt_of("<p>Cáceres &amp; İHD &lt;2012&gt; &eacute;</p>") == "Cáceres & İHD <2012> é"

    def test_of_55_words_is_complete(self) -> None:
        words = " ".join(["word"] * 55)
        assert excerpt_of(words) == words

    def test_of_a_longer_text_ends_in_an_ellipsis(self) -> None:
        assert excerpt_of(" ".join(["word"] * 56)) == " ".join(["word"] * 55) + "…"

    def test_continues_after_the_more_marker(self) -> None:
        assert excerpt_of("<p>one<!--more--></p><p>two</p>") == "one two"

    def test_does_not_split_words_at_inline_markup(self) -> None:
        assert excerpt_of("<p><b>E</b>uromed <i>Ri</i>ghts</p>") == "Euromed Rights"

    @pytest.mark.parametrize(
        "source",
        [
            "<p>one</p><p>two</p>",
            "one<br>two",
            "<ul><li>one</li><li>two</li></ul>",
            "<table><tr><td>one</td><td>two</td></tr></table>",
            "<h2>one</h2>two",
            "<center>one</center>two",
            "<div>one</div>two",
            "one<hr>two",
        ],
    )
    def test_separates_words_at_the_ends_of_blocks_and_lines(self, source: str) -> None:
        assert excerpt_of(source) == "one two"

    def test_leaves_out_footnotes_and_references_to_them(self) -> None:
        assert excerpt_of("A claim[^1] made.\n\n[^1]: A source.", "markdown") == "A claim made."

    def test_leaves_out_footnote_references_of_other_systems(self) -> None:
        source = '<p>A claim<sup><a href="#note1">1</a></sup> made by H<sub>2</sub>O m<sup>2</sup>.</p>'
        assert excerpt_of(source) == "A claim made by H2O m2."

    def test_leaves_out_embedded_content_unless_there_is_nothing_else(self) -> None:
        video, status = "https://youtu.be/wTzbIc6oiqs", "https://x.com/a/status/1"
        assert excerpt_of(f"one\n\n{video}\n\ntwo\n\n{status}", "markdown") == "one two"
        assert excerpt_of(f"{video}\n\n{status}", "markdown").startswith("YouTube: ")

    def test_is_limited_in_scripts_without_spaces(self) -> None:
        excerpt = excerpt_of("人" * 5_000)
        assert excerpt.endswith("…")
        assert len(excerpt) == 1_001


class TestRendered:
    def test_cannot_be_changed(self) -> None:
        rendered = render("x", "html")
        assert isinstance(rendered, Rendered)
        with pytest.raises(AttributeError):
            rendered.auto_excerpt = "y"  # type: ignore[misc]  # tries what is forbidden

    def test_is_deterministic(self) -> None:
        source = "# A\n\nb[^1]\n\n<!--more-->\n\n[^1]: c"
        assert render(source, "markdown") == render(source, "markdown")
