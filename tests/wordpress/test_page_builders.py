"""The shortcodes and blocks of page builders become headings, pictures, players and links."""

import json
from base64 import b64encode
from functools import partial
from html import escape
from urllib.parse import quote

import pytest

from blog.rendering import render
from media.models import Picture
from tests.factories.types import GrowsWithLength
from wordpress.markup import renderer
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.markup.galleries import find_uploads
from wordpress.markup.page_builders import is_layout
from wordpress.markup.shortcodes import count_unknown, expand

pytestmark = pytest.mark.django_db

PLAYER = '<figure class="player" data-player="https://player.vimeo.com/video/12345678?autoplay=1&amp;dnt=1">'


def siteorigin(instance: object) -> str:
    """Return a widget of SiteOrigin as it is stored."""
    values = escape(json.dumps({"instance": instance, "args": {"title": "Not shown"}}))
    return f'[siteorigin_widget class="X"]<input type="hidden" value="{values}" />[/siteorigin_widget]'


def body(source: str) -> str:
    return render(source, "wordpress").body_html


def lines(source: str) -> list[str]:
    return [line for line in body(source).split("\n") if line]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            (
                "[vc_row][vc_column width='1/2'][vc_column_text]\n<h2>One</h2>Two\n\nThree[/vc_column_text][/vc_column]"
                '[vc_column css=".vc_custom_1{margin: 0 !important;}"][vc_empty_space]Four[/vc_column][/vc_row]'
            ),
            ["<h2>One</h2>", "<p>Two</p>", "<p>Three</p>", "<p>Four</p>"],
        ),
        (
            (
                '[et_pb_section fb_built="1"][et_pb_row][et_pb_column type="4_4"][et_pb_text admin_label="a"]<p>One</p>'
                "[/et_pb_text][/et_pb_column][/et_pb_row][/et_pb_section]"
            ),
            ["<p>One</p>"],
        ),
        (
            (
                '[fusion_builder_container hundred_percent="no"][fusion_title size="2"]One[/fusion_title][fusion_text]'
                "<p>Two</p>[/fusion_text][/fusion_builder_container]"
            ),
            ["<h2>One</h2>", "<p>Two</p>"],
        ),
        (
            (
                '<p>One</p>[siteorigin_widget class="X"]<input type="hidden" value="{&quot;a&quot;:1}" />'
                "[/siteorigin_widget]"
            ),
            ["<p>One</p>"],
        ),
        (
            siteorigin({"headline": {"text": "One", "tag": "h2"}, "sub_headline": {"text": "Two", "tag": "h3"}}),
            ["<h2>One</h2>", "<h2>Two</h2>"],
        ),
        (
            siteorigin({"text": "Go", "url": "/go/", "attributes": {"onclick": "x()"}}),
            ['<p><a href="/go/">Go</a></p>'],
        ),
        (
            siteorigin({"title": "One", "panels": [{"title": "Two?", "content_text": "<p>Three <b>[x]</b></p>"}]}),
            ["<h2>One</h2>", "<h2>Two?</h2>", "<p>Three <b>[x]</b></p>"],
        ),
        (
            siteorigin({"features": [{"title": "One", "text": "Two", "more_text": "More", "more_url": "/one/"}]}),
            ["<h2>One</h2>", "<p>Two</p>", '<p><a href="/one/">More</a></p>'],
        ),
        (siteorigin([1, None, "a@example.org", {"settings": {"to": "a@example.org"}}]), []),
        ('[siteorigin_widget class="X"]<input value="{&quot;" />[/siteorigin_widget]', []),
        (
            "[et_pb_code]<p>One</p><!-- [et_pb_line_break_holder] --><p>Two</p>[/et_pb_code]",
            ["<p>One</p>", "<p>Two</p>"],
        ),
        (
            "[et_pb_code]&lt;p&gt;One &amp;amp; two&lt;/p&gt;&lt;!-- [et_pb_line_break_holder] --&gt;[/et_pb_code]",
            ["<p>One &amp; two</p>"],
        ),
        ("[et_pb_text]&lt;b&gt; is bold[/et_pb_text]", ["<p>&lt;b&gt; is bold</p>"]),
        (f"[vc_raw_html]{b64encode(quote('<p>é</p>').encode()).decode()}[/vc_raw_html]", ["<p>é</p>"]),
        (f"[fusion_code]{b64encode(b'<p>One</p>').decode()}[/fusion_code]", ["<p>One</p>"]),
        ("[vc_raw_html]/w==[/vc_raw_html]One", ["<p>One</p>"]),
    ],
)
def test_the_content_of_shortcodes_is_kept(source: str, expected: list[str]) -> None:
    assert lines(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('[vc_custom_heading text="A ``b`` `{`c`}`" font_container="tag:h3"]', ['<h2>A "b" [c]</h2>']),
        (
            '[vc_btn title="Go" link="url:https%3A%2F%2Fexample.org%2F%3Fa%3D1|title:x|target:%20_blank"]',
            ['<p><a href="https://example.org/?a=1" rel="noopener">Go</a></p>'],
        ),
        ('[vc_video link="https://vimeo.com/12345678"]', [f'{PLAYER}<a href="https://vimeo.com/12345678"']),
        ('[et_pb_video src="https://vimeo.com/12345678"][/et_pb_video]', [f'{PLAYER}<a href="https://vimeo.com/']),
        (
            '[et_pb_image src="/a.png" alt="A %22b%22" url="/big/"][/et_pb_image]',
            ['<p><a href="/big/"><img src="/a.png" alt="A &quot;b&quot;" loading="lazy" decoding="async"></a></p>'],
        ),
        (
            '[et_pb_blurb title="One %22two%22" url="https://example.org/%D1%91/"]Three[/et_pb_blurb]',
            ['<h2><a href="https://example.org/%D1%91/" rel="noopener">One "two"</a></h2>', "<p>Three</p>"],
        ),
        (
            '[et_pb_blurb title="One &amp; two" image="/a.png"]<p>Three</p>[/et_pb_blurb]',
            ['<p><img src="/a.png" alt=""', "<h2>One &amp; two</h2>", "<p>Three</p>"],
        ),
        (
            '[et_pb_cta title="One" button_text="Go" button_url="https://example.org/"]<p>Two</p>[/et_pb_cta]Three',
            [
                "<h2>One</h2>",
                "<p>Two</p>",
                '<p><a href="https://example.org/" rel="noopener">Go</a></p>',
                "<p>Three</p>",
            ],
        ),
        ('[fusion_button link="/go/" color="red"]Go[/fusion_button]', ['<p><a href="/go/">Go</a></p>']),
        (
            '[fusion_imageframe image_id="9|full" alt="A"]https://example.org/a.png[/fusion_imageframe]',
            ['<p><a class="remote-media" href="https://example.org/a.png" rel="noopener">a.png</a></p>'],
        ),
    ],
)
def test_content_in_attributes_is_shown(source: str, expected: list[str]) -> None:
    found = lines(source)
    assert len(found) == len(expected)
    assert all(line.startswith(start) for line, start in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('[vc_single_image image="5" img_size="full"]', '<img src="/media/5.png" alt="Five"'),
        ('[vc_single_image image="5" link="/big/"]', '<a href="/big/"><img src="/media/5.png" alt="Five"'),
        ('[fusion_imageframe image_id="9|full" image="5|full"][/fusion_imageframe]', '<img src="/media/5.png"'),
        ('[vc_gallery images="5,6"]', '<a href="/media/5.png"><img src="/media/5.png" alt="Five"'),
        (siteorigin({"image": 5, "alt": "", "url": "/big/"}), '<a href="/big/"><img src="/media/5.png" alt="Five"'),
        ('[et_pb_gallery gallery_ids="6,5"][/et_pb_gallery]', '<a href="/media/5.png"><img src="/media/5.png"'),
    ],
)
def test_pictures_are_found_by_their_ids(monkeypatch: pytest.MonkeyPatch, source: str, expected: str) -> None:
    picture = Picture(file="5.png", alt="Five", width=1, height=1)
    monkeypatch.setattr(
        renderer, "find_uploads", lambda origin, ids, parent: {each: picture for each in ids if each == 5}
    )
    assert expected in body(source)


def test_forms_and_their_e_mail_addresses_are_not_shown() -> None:
    form = '[et_pb_contact_form email="me@example.org" title="Write"][et_pb_contact_field field_title="Name" /]'
    assert body(f"One{form}[/et_pb_contact_form]") == "<p>One</p>"


def test_blocks_of_divi_5_are_rendered() -> None:
    source = (
        '<!-- wp:divi/placeholder -->\n<!-- wp:divi/section {"builderVersion":"5.0"} --><!-- wp:divi/heading '
        '{"title":{"innerContent":{"desktop":{"value":"One"}}}} /--><!-- wp:divi/text {"content":{"innerContent":'
        '{"desktop":{"value":"\\u003cp\\u003eTwo\\u003c/p\\u003e"}},"decoration":{}},"module":[1]} /-->'
        '<!-- wp:divi/image {"image":{"innerContent":{"desktop":{"value":{"src":"/a.png","alt":"A","x":[]}}}}} /-->'
        '<!-- wp:divi/button {"button":{"innerContent":{"desktop":{"value":{"text":"Go","linkUrl":"/go/"}}}}} /-->'
        "<!-- /wp:divi/section -->\n<!-- /wp:divi/placeholder -->"
    )
    html = "".join(lines(source))
    image = '<img src="/a.png" alt="A" loading="lazy" decoding="async">'
    assert html == f'<h2>One</h2><p>Two</p>{image}<a href="/go/">Go</a>'


@pytest.mark.parametrize(
    "source", ["<code>[vc_row]</code>", "<pre>[et_pb_text]x[/et_pb_text]</pre>", "[[vc_row]]", "[vc] and [vcard]"]
)
def test_examples_and_other_brackets_are_kept_as_text(source: str) -> None:
    assert source in body(source)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "url:javascript%3Aalert(1)|", "&quot; onload=&quot;x"])
def test_hostile_urls_are_left_out(url: str) -> None:
    html = body(f'[vc_btn title="Go" link="{url}"][et_pb_image src="{url}" url="{url}"][vc_video link="{url}"]')
    assert html == ""


def test_shortcodes_of_page_builders_are_counted_for_the_report() -> None:
    assert count_unknown('[vc_row][vc_column]x [chart x="1"][/vc_column][/vc_row]') == {"vc_…": 2, "chart…": 1}
    assert is_layout("chart…")
    assert not count_unknown("<pre>[et_pb_text][/et_pb_text]</pre>")


@pytest.mark.parametrize(
    "unit",
    ["[vc_", "[vc_row ", "[vc_row]", "[/vc_row]", "[vc_raw_html]A", '[et_pb_x title="', "[fusion_imageframe]http://"],
)
def test_shortcodes_of_page_builders_take_linear_time(unit: str, grows_with_length: GrowsWithLength) -> None:
    source = (unit * 12_500)[:50_000] + "[/vc_row]"
    assert grows_with_length(lambda text: expand(text, partial(find_uploads, Origin())), source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '[su_row][su_column]One[/su_column][su_spoiler title="Two"]Three[/su_spoiler][/su_row][su_spacer size="9"]',
            ["<p>One</p>", "<h2>Two</h2>", "<p>Three</p>"],
        ),
        ('Go [su_button url="https://example.org/" target="blank"]there[/su_button] now', None),
        (
            "[su_heading size='18']One[/su_heading]\n\nA [su_highlight]marked[/su_highlight] word",
            ["<h2>One</h2>", "<p>A marked word</p>"],
        ),
        (
            "[recipe title='Soup' time=\"4\"]\nWarm.\n[recipe-ingredients]\nWater\n[/recipe-ingredients]\n[/recipe]",
            ["<h2>Soup</h2>", "<p>Time: 4</p>", "<p>Warm.</p>", "<p>Water</p>"],
        ),
        (
            '[recipe servings="2-3" time="1 hour" difficulty="easy" source="A" sourceurl="https://a.example/"]Salt[/recipe]',
            [
                *("<p>Servings: 2-3<br>Time: 1 hour<br>Difficulty: easy</p>", "<p>Salt</p>"),
                '<p><a href="https://a.example/" rel="noopener">A</a></p>',
            ],
        ),
        ("[quiz][question]One?[/question]\n[answer]Two[/answer]\n[/quiz]", ["<p>One?</p>", "<p>Two</p>"]),
        (
            '[one_half]One[/one_half][one_half_last]Two[/one_half_last][toggle title = "Three"]Four[/toggle]',
            ["<p>One</p>", "<p>Two</p>", "<h2>Three</h2>", "<p>Four</p>"],
        ),
        ("[dropcap]O[/dropcap]nce", ["<p>Once</p>"]),
    ],
)
def test_other_shortcodes_around_texts_leave_their_texts(source: str, expected: list[str] | None) -> None:
    link = '<p>Go <a href="https://example.org/" rel="noopener">there</a> now</p>'
    assert lines(source) == (expected or [link])


def test_other_shortcodes_are_counted_by_name_for_the_report() -> None:
    assert count_unknown('[su_box title="x"]y[/su_box] [toggle]z[/toggle]') == {"su_…": 1, "toggle": 1}
    assert all(map(is_layout, ("su_…", "toggle")))
    assert not is_layout("chart")


@pytest.mark.parametrize("text", ["[box]", "the [question] is", "[slide] and [/slides]", "[tab=1] [tables][/tables]"])
def test_ordinary_words_in_brackets_are_kept(text: str) -> None:
    assert body(text).strip() == f"<p>{text}</p>"


class TestShortcodesOfThemes:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            (
                '[my_tabs mode="x"][my_tab title="One"]Two[/my_tab][my_divider/][/my_tabs]',
                ["<h2>One</h2>", "<p>Two</p>"],
            ),
            ("[my_dropcap]O[/my_dropcap]nce [my_divider]", ["<p>Once</p>"]),
            (
                '[my_row][my_btn url="https://example.org/" color="red"]Go[/my_btn][/my_row]',
                ['<p><a href="https://example.org/" rel="noopener">Go</a></p>'],
            ),
            (
                '[my_row][my_button link="https://example.org/" text="Go"][/my_button][/my_row]',
                ['<p><a href="https://example.org/" rel="noopener">Go</a></p>'],
            ),
            ('[my_row]One[/my_row][my_video src="https://vimeo.com/12345678"]', ["<p>One</p>", PLAYER]),
            ('[vc_row][vc_column][my_space height="9"]One[/vc_column][/vc_row]', ["<p>One</p>"]),
            ('[vc_row][my_title title="One"]Two[/my_title][/vc_row]', ["<h2>One</h2>", "<p>Two</p>"]),
            # On pages of a builder, their names need not begin with the same word.
            (
                '[vc_row][spacing height="9"][frame]One[/frame][icon-box title="Two" position="top-left"][/vc_row]',
                ["<p>One</p>", "<h2>Two</h2>"],
            ),
            ('[vc_row][icons link="video" video_url="https://vimeo.com/12345678"][/vc_row]', [PLAYER]),
            (
                '[vc_row][my_button link="url:https%3A%2F%2Fexample.org%2F|title:Read%20more||"][/vc_row]',
                ['<p><a href="https://example.org/" rel="noopener">Read more</a></p>'],
            ),
            (
                '[vc_row][my_box title="One<br />Two" css=".a>b{c:d}"]Three[/my_box]',
                ["<h2>One Two</h2>", "<p>Three</p>"],
            ),
            ("[vc_row][my_box title='<b>One</b>'][/vc_row]", ["<h2>One</h2>"]),
        ],
    )
    def test_leave_their_texts(self, source: str, expected: list[str]) -> None:
        shown = lines(source)
        assert [line[: len(start)] for line, start in zip(shown, expected, strict=True)] == expected

    @pytest.mark.parametrize(
        "source",
        [
            *("[my_box]One[/my_box]", "[my_box] and [my_tab]", "<code>[my_tabs][my_tab]One[/my_tab][/my_tabs]</code>"),
            *("[my_tab]One[/my_tab] [your_tab]", '[my_box id="1"]', "[vc_row][my_box]One[/vc_row]"),
        ],
    )
    def test_of_which_there_is_only_one_stay_as_text(self, source: str) -> None:
        assert "[my_" in body(source)

    @pytest.mark.parametrize(
        ("source", "kept"),
        [
            ("[vc_row]He [sic] wrote [see x=2][/vc_row]", "He [sic] wrote [see x=2]"),
            ('[frame width="9"]One[/frame]', "One[/frame]"),
            ('[su_box]One[/su_box] [frame width="9"]', "[frame width="),
        ],
    )
    def test_without_a_common_word_are_text_elsewhere_or_without_attributes(self, source: str, kept: str) -> None:
        assert kept in body(source)

    def test_other_known_shortcodes_with_such_names_are_no_layout(self) -> None:
        source = "[vc_row]One[efn_note]Two[/efn_note][codepen_embed slug_hash=abcdef user=a][rev_slider id=1][/vc_row]"
        html = body(source)
        assert "Two" in html
        assert "https://codepen.io/a/pen/abcdef" in html
        assert count_unknown(source) == {"vc_…": 1, "rev_slider": 1}

    def test_are_counted_by_prefix_for_the_report(self) -> None:
        assert count_unknown('[my_tabs][my_tab title="x"]y[/my_tab][/my_tabs] [your_tab z="1"]') == {
            "my_…": 2,
            "your_tab": 1,
        }
        assert is_layout("my_…")
        assert not is_layout("…")
        assert not is_layout("your_tab")

    @pytest.mark.parametrize("unit", ["[my_a]", "[my_a x='", "[/my_a", "[a_", "[my_a][/my_a]"])
    def test_take_linear_time(self, unit: str, grows_with_length: GrowsWithLength) -> None:
        source = (unit * 12_500)[:50_000] + "[my_b][/my_b]"
        assert grows_with_length(lambda text: expand(text, partial(find_uploads, Origin())), source)
