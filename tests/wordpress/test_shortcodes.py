"""Shortcodes: which of them become something, and that all others stay and are counted."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.rendering import render
from wordpress.galleries import GalleryPicture, PicturesOf
from wordpress.origins import Origin
from wordpress.shortcodes import expand, unknown

# Galleries ask the library.
pytestmark = pytest.mark.django_db

WATCH = "https://www.youtube.com/watch?v=wTzbIc6oiqs"


def body(source: str) -> str:
    return render(source, "wordpress").body_html.strip()


class TestPlayers:
    @pytest.mark.parametrize(
        "source",
        [
            "[youtube https://www.youtube.com/watch?v=wTzbIc6oiqs]",
            "[youtube https://www.youtube.com/watch?v=wTzbIc6oiqs?wmode=opaque]",
            "[youtube=http://www.youtube.com/watch?v=wTzbIc6oiqs&amp;w=640&amp;h=385]",
            "[youtube=http://www.youtube.com/watch?v=wTzbIc6oiqs&w=640&h=385]",
            '[youtube "https://youtu.be/wTzbIc6oiqs"]',
            "[youtube wTzbIc6oiqs]",
            '[youtube id="wTzbIc6oiqs" w="400"]',
            "[YouTube https://youtu.be/wTzbIc6oiqs]",
            '[embed width="500"]https://youtu.be/wTzbIc6oiqs[/embed]',
            "[video src='https://youtu.be/wTzbIc6oiqs']",
            "<p>[youtube wTzbIc6oiqs]</p>",
            "<!-- wp:paragraph --><p>[youtube wTzbIc6oiqs]</p><!-- /wp:paragraph -->",
            "<!-- wp:shortcode -->\n[youtube wTzbIc6oiqs]\n<!-- /wp:shortcode -->",
        ],
    )
    def test_youtube(self, source: str) -> None:
        assert body(source) == f'<figure class="player"><a href="{WATCH}" rel="noopener">{WATCH}</a></figure>'

    @pytest.mark.parametrize(
        "source",
        [
            "[vimeo 12345678]",
            "[vimeo 12345678 w=500&h=280]",
            "[vimeo https://vimeo.com/12345678]",
            "[vimeo id=12345678]",
            '[vimeo clip_id="9" id="12345678"]',
        ],
    )
    def test_vimeo(self, source: str) -> None:
        page = "https://vimeo.com/12345678"
        assert body(source) == f'<figure class="player"><a href="{page}" rel="noopener">{page}</a></figure>'

    @pytest.mark.parametrize("source", ["[youtube]", "[youtube foo bar]", "[vimeo x]", "[embed]nothing[/embed]"])
    def test_what_names_no_film_stays_as_text(self, source: str) -> None:
        assert body(source) == f"<p>{source}</p>"

    def test_pages_elsewhere_become_links(self) -> None:
        html = body("[embed]https://example.org/a?b=1&amp;c=2[/embed]")
        address = "https://example.org/a?b=1&amp;c=2"
        assert html == f'<p><a href="{address}" rel="noopener">{address}</a></p>'

    def test_text_around_stays_around(self) -> None:
        html = body("before [youtube wTzbIc6oiqs] behind").replace("\n", "")
        assert html.startswith("<p>before</p><figure")
        assert html.endswith("</figure><p>behind</p>")


class TestRecordings:
    def test_ours_are_played(self) -> None:
        html = body('[audio src="/media/a.mp3" ogg="/media/a.ogg"][/audio]')
        assert (
            '<audio controls="" preload="none"><source src="/media/a.mp3"><source src="/media/a.ogg"></audio>' in html
        )

    def test_measures_of_a_film_are_kept(self) -> None:
        html = body('[video width="640" height="x" mp4="/media/a.mp4"][/video]')
        assert '<video width="640" controls="" preload="none"><source src="/media/a.mp4"></video>' in html

    @pytest.mark.parametrize(
        "source",
        [
            "[audio https://example.org/a.mp3]",
            "[audio https://example.org/a.mp3|titles=A|artists=B]",
            "[audio]https://example.org/a.mp3[/audio]",
            '[audio mp3="https://example.org/a.mp3"][/audio]',
        ],
    )
    def test_those_of_others_become_links(self, source: str) -> None:
        assert 'href="https://example.org/a.mp3"' in body(source)
        assert "[" not in body(source)

    def test_a_link_inside_is_kept_and_the_end_does_not_show(self) -> None:
        html = body('[video mp4="/a.mp4"]<a href="/a.mp4">The film</a>[/video] and [/video]')
        assert "The film</a>" in html
        assert html.count("[/video]") == 1


class TestGalleries:
    @pytest.fixture
    def library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {
            5: GalleryPicture("/media/5-small.png", "/media/5.png", 'a "b"', "One & two"),
            7: GalleryPicture("/media/7-small.png", "/media/7.png"),
        }
        monkeypatch.setattr(
            PicturesOf, "numbered", lambda self, ids: {number: known[number] for number in ids if number in known}
        )

    @pytest.mark.usefixtures("library")
    def test_shows_what_the_library_knows_in_its_order(self) -> None:
        html = body('[gallery ids="7,5" columns="2" size="medium"]')
        assert html.startswith('<figure class="wp-block-gallery columns-2"><ul><li><a href="/media/7.png">')
        assert html.index("/media/7-small.png") < html.index("/media/5-small.png")
        assert "<figcaption>One &amp; two</figcaption>" in html
        assert 'alt="a &quot;b&quot;"' in html

    @pytest.mark.usefixtures("library")
    def test_says_what_is_missing(self) -> None:
        assert "<li>Picture 6 is not here.</li>" in body("[gallery ids='5, 6']")

    @pytest.mark.usefixtures("library")
    def test_links_to_nothing_if_it_says_so(self) -> None:
        assert "<a " not in body('[gallery include="5" link="none"]')

    @pytest.mark.parametrize("source", ["[gallery]", '[gallery ids="1,2"]', '[gallery ids="x"]'])
    def test_stays_as_text_where_nothing_is_known(self, source: str) -> None:
        assert body(source) == f"<p>{source}</p>"


class TestExamples:
    @pytest.mark.parametrize("name", ["pre", "code"])
    def test_in_code_stay(self, name: str) -> None:
        source = f"<{name}>[youtube wTzbIc6oiqs]</{name}>"
        assert source in body(source)

    def test_in_two_brackets_show_one(self) -> None:
        assert body("[[youtube wTzbIc6oiqs]]") == "<p>[youtube wTzbIc6oiqs]</p>"
        assert body("[[caption]]") == "<p>[caption]</p>"

    def test_in_attributes_stay(self) -> None:
        assert 'title="[youtube wTzbIc6oiqs]"' in body('<b title="[youtube wTzbIc6oiqs]">x</b>')


class TestUnknown:
    def test_are_counted_by_name(self) -> None:
        source = (
            '[contact-form to="x"] [contact-form subject="y"][contact-field label="z"] [foo]x[/foo]'
            " [wpvideo AbCd] [su_box] [youtube foo]"
        )
        assert unknown(source) == Counter(
            {"contact-form": 2, "contact-field": 1, "foo": 1, "wpvideo": 1, "su_box": 1, "youtube": 1}
        )

    @pytest.mark.parametrize(
        "source",
        [
            "He [sic] said [...] so [1] [emphasis added], [the author].",
            "[youtube wTzbIc6oiqs] [embed]https://example.org/[/embed] [audio /a.mp3] [gallery ids='1']",
            '[caption width="9"]<img src="/a.png"> One[/caption]',
            '<pre>[foo bar="1"]</pre> <b title="[foo bar=1]">x</b>',
            "[audio src='/a.mp3']",
            "",
        ],
    )
    def test_prose_code_and_known_ones_are_not(self, source: str) -> None:
        assert unknown(source.replace("[audio /a.mp3] ", "")) == Counter()


class TestHostileSources:
    @given(
        st.lists(
            st.sampled_from(["[", "]", "[/", "youtube ", "gallery ids=", "audio", "video]", "embed]", "caption]", "="])
            | st.sampled_from(["'", '"', "<b>", "</b>", "<pre>", "https://youtu.be/", "wTzbIc6oiqs", "1", ",", "\n"]),
            max_size=40,
        )
    )
    def test_never_raise(self, pieces: list[str]) -> None:
        source = "".join(pieces)
        expand(source, PicturesOf(Origin()))
        unknown(source)
        render(source, "wordpress")


class TestPrograms:
    @pytest.mark.parametrize("name", ["sourcecode", "code", "python"])
    def test_a_program_is_shown_as_it_was_typed(self, name: str) -> None:
        program = f'[{name} language="x"]\nif a &lt; b:\n    print "--"  # <i>[caption] [sic]\n\n    end\n[/{name}]'
        html = body(f"Before\n\n{program}\n\nAfter")
        assert '<pre><code>if a &lt; b:\n    print "--"  # &lt;i&gt;[caption] [sic]\n\n    end</code></pre>' in html
        assert "<p>After</p>" in html
        assert not unknown(program)

    @pytest.mark.parametrize("source", ["[code] without an end", "[[code]x[/code]]", "<code>[code]x[/code]</code>"])
    def test_what_is_none_stays(self, source: str) -> None:
        assert "[code]" in body(source)
        assert "<pre>" not in body(source)

    def test_many_beginnings_without_an_end_take_linear_time(self) -> None:
        source = "[code]" * 50_000
        assert expand(source, PicturesOf(Origin())).count("[code]") == 50_000
