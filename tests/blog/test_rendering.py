"""render(): its limits, its registry of markups, and the extract."""

from importlib import import_module

import pytest
from django.test import override_settings
from django.utils import translation

from blog.rendering import (
    MAX_SOURCE_LENGTH,
    Rendered,
    SourceTooLong,
    Text,
    UnknownMarkup,
    get_markups,
    render,
    render_all,
)


def shout(source: str, entry: object) -> str:
    """A markup of another app."""
    return f"<p>{source.upper()}<script>alert(1)</script></p>"


class TestMany:
    def test_each_of_many_is_rendered_as_it_is_alone(self) -> None:
        sources = [
            f'<h2 id="a">{number}</h2>\n\n<a href="#a">x</a>{"<!--more-->" * (number % 2)}' for number in range(50)
        ]
        texts = [Text(source, markup) for source in sources for markup in ("wordpress", "markdown", "html")]
        assert list(render_all(texts)) == [render(*text) for text in texts]

    def test_so_are_long_ones(self) -> None:
        texts = [Text("word " * length, "html") for length in (100_000, 1, 60_000, 50_000, 2)]
        assert list(render_all(texts)) == [render(*text) for text in texts]

    def test_of_none_there_is_nothing(self) -> None:
        assert list(render_all([])) == []

    def test_one_that_is_too_long_is_refused(self) -> None:
        with pytest.raises(SourceTooLong):
            list(render_all([Text("a", "html"), Text("a" * (MAX_SOURCE_LENGTH + 1), "html")]))


class TestLength:
    def test_a_source_of_the_greatest_length_is_rendered(self) -> None:
        assert len(render("a" * MAX_SOURCE_LENGTH, "html").body_html) == MAX_SOURCE_LENGTH

    def test_a_longer_one_is_refused_with_both_numbers(self) -> None:
        with pytest.raises(SourceTooLong) as raised:
            render("a" * (MAX_SOURCE_LENGTH + 1), "markdown")
        assert str(raised.value) == (
            "This text is too long: it has 500,001 characters, and at most 500,000 are possible."
        )

    @pytest.mark.parametrize("markup", ["markdown", "html", "wordpress"])
    def test_files_in_the_text_itself_do_not_count(self, markup: str) -> None:
        picture = '<img src="data:image/png;base64,' + "aB+/" * 200_000 + '==" alt="A map">'
        html = render(f"One {picture} two", markup).body_html
        assert "One" in html
        assert "A map" in html
        assert "two" in html
        with pytest.raises(SourceTooLong):
            render(picture + "a " * MAX_SOURCE_LENGTH, markup)

    def test_the_numbers_are_written_as_the_editor_writes_them(self) -> None:
        with translation.override("de"), pytest.raises(SourceTooLong, match=r"500\.001"):
            render("a" * (MAX_SOURCE_LENGTH + 1), "markdown")

    def test_length_is_looked_at_before_anything_else(self) -> None:
        with pytest.raises(SourceTooLong):
            render("a" * (MAX_SOURCE_LENGTH + 1), "no such markup")


class TestMarkups:
    def test_are_those_of_the_setting_in_its_order(self) -> None:
        markups = {"one": "a.b", "another_one": "c.d"}
        with override_settings(BROADSIDE_MARKUPS=markups):
            assert [(markup.name, markup.label) for markup in get_markups().values()] == [
                ("one", "One"),
                ("another_one", "Another One"),
            ]

    def test_of_another_app_are_rendered_and_sanitised(self) -> None:
        with override_settings(BROADSIDE_MARKUPS={"loud": f"{__name__}.shout"}):
            assert render("hello", "loud").body_html == "<p>HELLO</p>"

    def test_an_unknown_one_is_an_error_that_names_it(self) -> None:
        with pytest.raises(UnknownMarkup, match="bbcode"):
            render("[b]x[/b]", "bbcode")

    def test_one_that_cannot_be_imported_does_not_break_the_others(self) -> None:
        markups = {"gone": "no.such.module", "html": "blog.rendering.html.to_html"}
        with override_settings(BROADSIDE_MARKUPS=markups):
            assert render("<p>x</p>", "html").body_html == "<p>x</p>"

    def test_those_of_the_settings_in_use_are_there(self) -> None:
        assert {"markdown", "html"} <= get_markups().keys()
        for name in ("markdown", "html"):
            module, _, function = get_markups()[name].path.rpartition(".")
            assert callable(getattr(import_module(module), function))


class TestNothing:
    @pytest.mark.parametrize("markup", ["markdown", "html"])
    @pytest.mark.parametrize("source", ["", " \n\t\r\n", "\x00", "<!-- nothing -->", "<p>&nbsp;</p>"])
    def test_makes_nothing(self, source: str, markup: str) -> None:
        rendered = render(source, markup)
        assert rendered.body_html.strip() == rendered.lead_html.strip() == rendered.extract == ""
        assert not rendered.has_more


class TestCharacters:
    def test_control_characters_go(self) -> None:
        assert render("a\x00b\x01c\x0bd\x1fe", "html").body_html == "abcde"

    def test_control_characters_written_as_references_go(self) -> None:
        assert render("a&#1;b&#x0b;c", "html").body_html == "abc"

    def test_lone_surrogates_become_the_replacement_character(self) -> None:
        assert render("a\ud800b", "html").body_html == "a\ufffdb"

    def test_byte_order_marks_go(self) -> None:
        assert render("\ufeff# a\ufeff", "markdown").body_html == '<h1 id="a">a</h1>\n'

    def test_tabs_and_line_ends_stay(self) -> None:
        assert render("<pre>a\tb\r\nc\rd</pre>", "html").body_html == "<pre>a\tb\nc\nd</pre>"

    def test_private_and_rare_characters_stay(self) -> None:
        assert render("\ue000 \U0010fffd \u200b 🕊", "html").body_html == "\ue000 \U0010fffd \u200b 🕊"

    def test_a_reference_with_thousands_of_digits_is_no_trouble(self) -> None:
        assert render(f"&#{'9' * 5000};", "html").body_html == "\ufffd"


def extract_of(source: str, markup: str = "html") -> str:
    return render(source, markup).extract


class TestExtract:
    def test_is_the_text_without_markup(self) -> None:
        assert extract_of("# Report\n\nThe *first* [words](/x).", "markdown") == "Report The first words."

    def test_has_no_entities(self) -> None:
        assert extract_of("<p>Cáceres &amp; İHD &lt;2012&gt; &eacute;</p>") == "Cáceres & İHD <2012> é"

    def test_of_55_words_is_whole(self) -> None:
        words = " ".join(["word"] * 55)
        assert extract_of(words) == words

    def test_of_more_words_ends_in_an_ellipsis(self) -> None:
        assert extract_of(" ".join(["word"] * 56)) == " ".join(["word"] * 55) + "…"

    def test_goes_on_behind_the_more_marker(self) -> None:
        assert extract_of("<p>one<!--more--></p><p>two</p>") == "one two"

    def test_keeps_words_together_at_inline_markup(self) -> None:
        assert extract_of("<p><b>E</b>uromed <i>Ri</i>ghts</p>") == "Euromed Rights"

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
    def test_parts_words_where_blocks_and_lines_end(self, source: str) -> None:
        assert extract_of(source) == "one two"

    def test_leaves_out_footnotes_and_their_marks(self) -> None:
        assert extract_of("A claim[^1] made.\n\n[^1]: A source.", "markdown") == "A claim made."

    def test_leaves_out_footnote_marks_of_other_systems(self) -> None:
        source = '<p>A claim<sup><a href="#note1">1</a></sup> made by H<sub>2</sub>O m<sup>2</sup>.</p>'
        assert extract_of(source) == "A claim made by H2O m2."

    def test_is_bounded_for_writing_without_blanks(self) -> None:
        extract = extract_of("人" * 5_000)
        assert extract.endswith("…")
        assert len(extract) == 1_001


class TestRendered:
    def test_cannot_be_changed(self) -> None:
        rendered = render("x", "html")
        assert isinstance(rendered, Rendered)
        with pytest.raises(AttributeError):
            rendered.extract = "y"  # type: ignore[misc]  # what is forbidden is tried

    def test_is_the_same_whenever_it_is_made(self) -> None:
        source = "# A\n\nb[^1]\n\n<!--more-->\n\n[^1]: c"
        assert render(source, "markdown") == render(source, "markdown")
