"""What a document of the appearance may contain: colours with enough contrast, and styles that load nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.appearance.colours import DARK, LIGHT, MIN_CONTRAST, Colour, Scheme, contrast, format_ratio
from blog.appearance.custom_css import MAX_LENGTH, find_problems
from blog.appearance.documents import Appearance, AppearanceForm, default_document, read

COLOURS = st.builds(Colour, *(st.integers(0, 255) for _ in range(3)))


def errors_of(**values: str) -> dict[str, list[str]]:
    form = AppearanceForm({**default_document(), **values})
    return {name: [str(each) for each in errors] for name, errors in form.errors.items()}


class TestContrast:
    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        # According to the calculators in the W3C's techniques and in browsers.
        [("#000000", "#ffffff", "21.00"), ("#777777", "#ffffff", "4.47"), ("#767676", "#ffffff", "4.54")],
    )
    def test_is_computed_as_in_wcag(self, one: str, other: str, expected: str) -> None:
        assert format_ratio(contrast(Colour.of(one), Colour.of(other))) == expected
        assert contrast(Colour.of(one), Colour.of(other)) == contrast(Colour.of(other), Colour.of(one))

    def test_is_never_rounded_up_to_enough(self) -> None:
        assert format_ratio(4.4999) == "4.49"

    def test_of_the_colours_of_the_design_is_enough(self) -> None:
        assert LIGHT.passes(Colour.of("#17527f"))
        assert DARK.passes(Colour.of("#93c2ea"))

    @pytest.mark.parametrize("scheme", [LIGHT, DARK])
    @given(colour=COLOURS)
    def test_the_nearest_colour_has_enough_on_every_background(self, scheme: Scheme, colour: Colour) -> None:
        nearest = scheme.nearest(colour)
        assert all(contrast(nearest, background) >= MIN_CONTRAST for background in scheme.backgrounds)
        assert (nearest == colour) == scheme.passes(colour)

    def test_the_nearest_colour_keeps_its_hue(self) -> None:
        assert str(LIGHT.nearest(Colour.of("#ff0000"))) == "#e20000"
        red, green, blue = DARK.nearest(Colour.of("#00008b"))
        assert blue > red == green


class TestAccent:
    @pytest.mark.parametrize(
        ("typed", "stored"), [("#17527F", "#17527f"), ("17527f", "#17527f"), ("#060", "#006600"), ("", "")]
    )
    def test_is_read_as_people_write_it(self, typed: str, stored: str) -> None:
        assert read({"accent": typed}).accent == stored

    @pytest.mark.parametrize("text", ["blue", "#12345", "#gggggg", "#-12345", "#12 34 ", "url(x)"])
    def test_is_the_code_of_a_colour(self, text: str) -> None:
        assert errors_of(accent=text) == {
            "accent": ["Enter a colour code: # and six digits or letters from a to f, such as #17527f."]
        }

    def test_without_contrast_is_refused_with_the_ratio_and_a_colour_that_has_it(self) -> None:
        text = (
            "On a light background, this colour has a contrast of 1.94 to 1, but text needs 4.5 to 1. "
            "The nearest colour with enough contrast is #a26100."
        )
        assert errors_of(accent="#ff9900") == {"accent": [text]}
        assert errors_of(accent="#a26100") == {}

    def test_for_dark_mode_needs_contrast_in_dark_mode(self) -> None:
        (error,) = errors_of(accent_dark="#17527f")["accent_dark"]
        assert error.startswith("On a dark background, this colour has a contrast of 1.")
        assert errors_of(accent_dark="#93c2ea") == {}


class TestCustomCSS:
    @pytest.mark.parametrize(
        "css",
        [
            "",
            "a { color: red }",
            ":root { --measure: 40rem; }",
            "@media print { .sidebar { display: none } }",
            "@supports (display: grid) { main { display: grid } }",
            "@keyframes fade { from { opacity: 0 } }",
            'body { background: url("/media/pictures/2020/01/a.png") }',
            "body { background: url(/media/pictures/2020/01/a.png) no-repeat }",
            '@font-face { font-family: Own; src: url("/media/documents/2020/01/own.woff2"), local(Own) }',
            'a::after { content: " → "; /* url(https://evil.example/) */ }',
            '.quote::before { content: "@import url(x)" }',
            "a:hover, li:nth-child(2n + 1) { width: calc(100% - (2rem + 1px)) }",
        ],
    )
    def test_that_loads_nothing_from_elsewhere_is_accepted(self, css: str) -> None:
        assert find_problems(css) == []

    @pytest.mark.parametrize(
        "css",
        [
            "@import 'x.css';",
            "@import url(/media/x.css);",
            "@IMPORT 'x';",
            "@\\69mport 'x';",
            "@media screen { @import 'x'; }",
            "@namespace url(http://www.w3.org/1999/xhtml);",
            '@charset "utf-8";',
            "@document url(http://x/) { a { color: red } }",
            "a { background: url(https://evil.example/x.png) }",
            "a { background: url('//evil.example/x.png') }",
            "a { background: URL( 'x.png' ) }",
            "a { background: u\\72l(https://evil.example/) }",
            "a { background: \\75rl('https://evil.example/') }",
            "a { background: url(/media/../admin/) }",
            "a { background: url('/media/\\2e\\2e/admin/') }",
            "a { background: url('/media/\\\\evil') }",
            "a { background: url(data:image/png;base64,AAAA) }",
            "a { background: url(javascript:alert(1)) }",
            "a { background: image-set('https://evil.example/x.png' 1x) }",
            "a { background: -webkit-image-set(url(/media/a.png) 1x) }",
            "a { background: var(--x, url(https://evil.example/)) }",
            ":root { --x: url(https://evil.example/) }",
            "a { background: src('https://evil.example/') }",
            "a { width: expression(alert(1)) }",
            "a { width: exp/**/ression(1); behavior: url(/media/x.htc) }",
            "a { behavior : none }",
            "a { -moz-binding: url(/media/x.xml#y) }",
            "a { color: red } }",
            "a { content: 'one\ntwo' }",
            "a { background: url(a b) }",
            "@media (x: url(//evil.example)) { a { color: red } }",
            "a[href='x'] { cursor: url(//evil.example/c.cur), auto }",
        ],
    )
    def test_that_loads_something_is_refused(self, css: str) -> None:
        assert find_problems(css)

    def test_is_refused_with_the_line(self) -> None:
        css = "a { color: red }\n\n@import 'x';\nb { background: url(https://evil.example/x.png) }"
        texts = (
            "Line 3: @import can't be used here.",
            "Line 4: “https://evil.example/x.png” is not a file in your media library, whose URLs begin with /media/.",
        )
        assert errors_of(css=css) == {"css": list(texts)}

    def test_of_many_brackets_is_refused(self) -> None:
        assert find_problems("(" * MAX_LENGTH) == [(1, "The brackets are nested too deeply.")]

    def test_cannot_be_longer_than_the_limit(self) -> None:
        assert errors_of(css="a" * MAX_LENGTH) == {}
        assert list(errors_of(css="a" * (MAX_LENGTH + 1))) == ["css"]

    @given(st.text(alphabet="a:;{}()[]@\"'\\/*url -\n", max_size=60))
    def test_never_raises_whatever_it_is(self, css: str) -> None:
        find_problems(css)


class TestStoredDocuments:
    @pytest.mark.parametrize("document", [{}, None, [], "x", {"unknown": 1}, default_document()])
    def test_without_values_describe_the_design(self, document: object) -> None:
        assert read(document) == Appearance()

    def test_keep_valid_values_if_others_are_invalid(self) -> None:
        document = {"type_style": "comic", "width": "wide", "accent": "#ffffff", "css": "@import 'x';", "footer": 5}
        assert read(document) == Appearance(width="wide", footer="5")

    @pytest.mark.django_db
    @given(
        st.dictionaries(
            st.sampled_from(sorted(default_document())),
            st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()),
        )
    )
    def test_never_raise_whatever_is_stored(self, document: dict[str, object]) -> None:
        assert isinstance(read(document), Appearance)
