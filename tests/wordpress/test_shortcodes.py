"""Known shortcodes are replaced. All others are kept as text and counted."""

from collections import Counter
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from blog.rendering import render
from media.models import Picture
from tests.factories.types import GrowsWithLength
from wordpress.markup import renderer
from wordpress.markup.footnotes_and_blocks import Origin
from wordpress.markup.galleries import find_uploads
from wordpress.markup.note_shortcodes import take_notes
from wordpress.markup.shortcodes import count_unknown, expand, find_empty, shows_nothing

# Galleries look up pictures in the database.
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
            "[youtube=www.youtube.com/watch?v=wTzbIc6oiqs&amp;cc_load_policy=1]",
            "[youtube youtu.be/wTzbIc6oiqs]",
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
    def test_youtube_videos_become_players(self, source: str) -> None:
        assert body(source) == (
            '<figure class="player"'
            ' data-player="https://www.youtube-nocookie.com/embed/wTzbIc6oiqs?autoplay=1&amp;rel=0">'
            f'<a href="{WATCH}" rel="noopener">YouTube: youtube.com/watch?v=wTzbIc6oiqs</a></figure>'
        )

    def test_podcasts_of_hosting_services_become_links(self) -> None:
        url = "https://player.example/embed/episode/id/123/"
        assert f'<a href="{url}" rel="noopener">{url}</a>' in body(f'[podcast src="{url}" height="90"]')

    @pytest.mark.parametrize(
        "source",
        [
            "[vimeo 12345678]",
            "[vimeo 12345678 w=500&h=280]",
            "[vimeo https://vimeo.com/12345678]",
            "[vimeo id=12345678]",
            '[vimeo clip_id="12345678"]',
            '[vimeo clip_id="9" id="12345678"]',
        ],
    )
    def test_vimeo_videos_become_players(self, source: str) -> None:
        assert body(source) == (
            '<figure class="player" data-player="https://player.vimeo.com/video/12345678?autoplay=1&amp;dnt=1">'
            '<a href="https://vimeo.com/12345678" rel="noopener">Vimeo: vimeo.com/12345678</a></figure>'
        )

    @pytest.mark.parametrize("source", ["[youtube]", "[youtube foo bar]", "[vimeo x]", "[embed]nothing[/embed]"])
    def test_shortcodes_without_a_video_stay_as_text(self, source: str) -> None:
        assert body(source) == f"<p>{source}</p>"

    @pytest.mark.parametrize(
        ("source", "site", "page"),
        [
            ("[dailymotion id=x8oma9]", "Dailymotion", "https://www.dailymotion.com/video/x8oma9"),
            ("[dailymotion x8oma9]", "Dailymotion", "https://www.dailymotion.com/video/x8oma9"),
            (
                "[dailymotion id=x8oma9 title=2 user=3 video=4]",
                "Dailymotion",
                "https://www.dailymotion.com/video/x8oma9",
            ),
            (
                '[soundcloud url="https://api.soundcloud.com/tracks/156661852" params="a=b&amp;c=d" width="9" /]',
                "SoundCloud",
                "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/156661852",
            ),
            ("[soundcloud]http://soundcloud.com/a/b[/soundcloud]", "SoundCloud", "https://soundcloud.com/a/b"),
            ('[ted id="210" lang="en"]', "TED", "https://www.ted.com/talks/view/id/210"),
            (
                '[ted id="http://www.ted.com/talks/view/id/210" lang="en"]',
                "TED",
                "https://www.ted.com/talks/view/id/210",
            ),
            ("[flickr video=49931239842 w=200]", "Flickr", "https://www.flickr.com/photo.gne?id=49931239842"),
            (
                "[flickr video=www.flickr.com/photos/a/49931239842]",
                "Flickr",
                "https://www.flickr.com/photos/a/49931239842/",
            ),
            (
                '[flickr photo="https://www.flickr.com/photos/a/4993"]',
                "Flickr",
                "https://www.flickr.com/photos/a/4993/",
            ),
            (
                "[slideshare id=5342235&doc=camprock-101002163655-phpapp01&w=300&h=200]",
                "SlideShare",
                "https://www.slideshare.net/slideshow/embed_code/5342235",
            ),
            (
                "[scribd id=39027960 key=key-3kaiwcjqhtipf25m8tw mode=list]",
                "Scribd",
                "https://www.scribd.com/document/39027960?secret_password=key-3kaiwcjqhtipf25m8tw",
            ),
            ('[codepen slug_hash="QjRmEx" user="a-b"]', "CodePen", "https://codepen.io/a-b/pen/QjRmEx"),
            ("[CodePen height=450 show=results href=QjRmEx user=a-b]", "CodePen", "https://codepen.io/a-b/pen/QjRmEx"),
            (
                "[codepen_embed height=265 slug_hash='QjRmEx' user='a-b']See the Pen[/codepen_embed]",
                "CodePen",
                "https://codepen.io/a-b/pen/QjRmEx",
            ),
            ("[scribd id=39027960]", "Scribd", "https://www.scribd.com/document/39027960"),
            ("[tweet 123456789]", "X (Twitter)", "https://x.com/i/web/status/123456789"),
            ("[tweet https://twitter.com/a_b/status/123?s=20]", "X (Twitter)", "https://x.com/a_b/status/123"),
            ("[twitter-timeline username=a_b]", "X (Twitter)", "https://x.com/a_b"),
            (
                "[instagram url=http://instagram.com/p/BnMO9vRleEx/]",
                "Instagram",
                "https://www.instagram.com/p/BnMO9vRleEx/",
            ),
            ('[facebook url="https://www.facebook.com/a/posts/12"]', "Facebook", "https://www.facebook.com/a/posts/12"),
            (
                '[spotify id="spotify:track:4bz7uB4edifWKJXSDxwHcs" width="400"]',
                "Spotify",
                "https://open.spotify.com/track/4bz7uB4edifWKJXSDxwHcs",
            ),
            (
                "[spotify]spotify:track:4bz7uB4edifWKJXSDxwHcs[/spotify]",
                "Spotify",
                "https://open.spotify.com/track/4bz7uB4edifWKJXSDxwHcs",
            ),
            (
                "[googlemaps https://maps.google.com/maps?q=a&amp;output=embed&amp;w=425]",
                "Google Maps",
                "https://maps.google.com/maps?q=a&amp;w=425",
            ),
            ("[wpvideo OO1thna4 w=640]", "VideoPress", "https://videopress.com/v/OO1thna4"),
            ("[videopress OO1thna4]", "VideoPress", "https://videopress.com/v/OO1thna4"),
            (
                "[gist 57cc50246aab776e110060926a2face2]",
                "GitHub Gist",
                "https://gist.github.com/57cc50246aab776e110060926a2face2",
            ),
            ("[gist]https://gist.github.com/1234567[/gist]", "GitHub Gist", "https://gist.github.com/1234567"),
            ("[polldaddy poll=9541291]", "Crowdsignal", "https://poll.fm/9541291"),
            ('[crowdsignal survey="7676FB1FF2B56CE9"]', "Crowdsignal", "https://survey.fm/7676FB1FF2B56CE9"),
            (
                '[polldaddy type="iframe" survey="true" domain="jeherve" id="a-survey"]',
                "Crowdsignal",
                "https://jeherve.survey.fm/a-survey",
            ),
            ("[archiveorg id=Experime1940 width=640]", "Internet Archive", "https://archive.org/details/Experime1940"),
            (
                "[bandcamp album=119385304 size=venti]",
                "Bandcamp",
                "https://bandcamp.com/EmbeddedPlayer/album=119385304/size=large/",
            ),
            ("[mixcloud /a/b-c/ width=640]", "Mixcloud", "https://www.mixcloud.com/a/b-c"),
            (
                '[wufoo username="jeherve" formhash="z1x13ltw1m8jtrw"]',
                "Wufoo",
                "https://jeherve.wufoo.com/forms/z1x13ltw1m8jtrw",
            ),
            (
                '[googleapps domain="docs" dir="document/d/1abcDEF/pub" query="embedded=true" /]',
                "Google Docs",
                "https://docs.google.com/document/d/1abcDEF/pub?embedded=true",
            ),
        ],
    )
    def test_embeds_of_other_sites_become_figures_with_a_link(self, source: str, site: str, page: str) -> None:
        html = body(source)
        assert html.startswith("<figure")
        assert html.endswith("</a></figure>")
        assert f'<a href="{page}" rel="noopener">{site}: ' in html
        assert not count_unknown(source)

    @pytest.mark.parametrize(
        "source",
        [
            "[ted id=javascript:alert(1)]",
            '[dailymotion id="../../evil"]',
            '[wufoo username="evil.example/" formhash="a"]',
            '[googleapps domain="evil.example/" dir="document/d/x"]',
            "[scribd id=1@evil.example]",
            '[spotify id="javascript:alert(1)"]',
            "[tweet]",
            "[youtube id={0.__class__}]",
        ],
    )
    def test_hostile_ids_stay_as_text_and_are_counted(self, source: str) -> None:
        assert body(source).startswith("<p>[")
        assert "href" not in body(source)
        assert count_unknown(source)

    def test_embedded_pages_become_links(self) -> None:
        html = body("[embed]https://example.org/a?b=1&amp;c=2[/embed]")
        url = "https://example.org/a?b=1&amp;c=2"
        assert html == f'<p><a href="{url}" rel="noopener">{url}</a></p>'

    @pytest.mark.parametrize(
        "shortcode",
        [
            '[iframe src="https://example.org/x" width="100%"]',
            '[pdf-embedder url="https://example.org/x" title="X"]',
            "[pdf]https://example.org/x[/pdf]",
            '[gview file="https://example.org/x"]',
            "[houzz=https://example.org/x]",
            "[vr url=https://example.org/x view=360]",
        ],
    )
    def test_frames_and_documents_become_links(self, shortcode: str) -> None:
        assert body(shortcode) == '<p><a href="https://example.org/x" rel="noopener">https://example.org/x</a></p>'
        assert not count_unknown(shortcode)

    @pytest.mark.parametrize(
        ("shortcode", "site", "page"),
        [
            (
                'domain="www" dir="calendar/embed" query="src=a%40b&amp;ctz=c"',
                "Calendar",
                "calendar/embed?src=a%40b&amp;ctz=c",
            ),
            (
                "query='id=1kDat&amp;embedded=true' dir='document/pub' domain='docs'",
                "Docs",
                "document/pub?id=1kDat&amp;embedded=true",
            ),
            ('domain="spreadsheets" dir="embeddedform" query="formkey=dEVO"', "Docs", "embeddedform?formkey=dEVO"),
        ],
    )
    def test_google_frames_that_wordpress_com_has_converted_become_links(
        self, shortcode: str, site: str, page: str
    ) -> None:
        source = f'[googleapps {shortcode} width="800" height="600" /]'
        assert f'google.com/{page}" rel="noopener">Google {site}: ' in body(source)
        assert not count_unknown(source)

    @pytest.mark.parametrize(
        "query",
        [
            "url=https://old.example/a%20b.pdf&embedded=true",
            "embedded=true&amp;url=https%3A%2F%2Fold.example%2Fa%20b.pdf",
        ],
    )
    def test_documents_in_googles_viewer_become_links_to_them(self, query: str) -> None:
        html = body(f'[googleapps domain="docs" dir="viewer" query="{query}" width="800" /]')
        assert 'href="https://old.example/a%20b.pdf"' in html
        assert "Click to access a b.pdf" in html

    @pytest.mark.parametrize(
        "shortcode",
        [
            '[protected-iframe id="a1b2-3-4" info="https://example.org/x" width="560" frameborder="0"]',
            "[protected-iframe info='https://example.org/x' height=200]",
            '[gigya height="300" src="https://example.org/x" quality="high" flashvars="a=b"]',
            "[hulu https://example.org/x]",
            "[viddler=https://example.org/x]",
            "[blip.tv https://example.org/x]",
        ],
    )
    def test_frames_and_closed_sites_become_their_urls(self, shortcode: str) -> None:
        assert body(shortcode) == '<p><a href="https://example.org/x" rel="noopener">https://example.org/x</a></p>'
        assert not count_unknown(shortcode)

    def test_text_around_a_player_is_kept(self) -> None:
        html = body("before [youtube wTzbIc6oiqs] after").replace("\n", "")
        assert html.startswith("<p>before</p><figure")
        assert html.endswith("</figure><p>after</p>")


class TestAudioAndVideo:
    def test_own_files_get_a_player(self) -> None:
        html = body('[audio src="/media/a.mp3" ogg="/media/a.ogg"][/audio]')
        assert (
            '<audio controls="" preload="none"><source src="/media/a.mp3"><source src="/media/a.ogg"></audio>' in html
        )

    def test_a_valid_video_size_is_kept(self) -> None:
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
    def test_files_of_other_sites_become_links(self, source: str) -> None:
        assert 'href="https://example.org/a.mp3"' in body(source)
        assert "[" not in body(source)

    def test_early_shortcodes_have_a_player_with_a_title_for_each_file(self) -> None:
        html = body("[audio http://testserver/a.mp3, http://testserver/b (part 1).mp3|titles=One,Two & more|artists=A]")
        attributes = 'controls="" preload="none"'
        assert html.replace("\n", "") == (
            f'<figure><audio {attributes}><source src="http://testserver/a.mp3"></audio>'
            "<figcaption>A – One</figcaption></figure>"
            f'<figure><audio {attributes}><source src="http://testserver/b%20(part%201).mp3"></audio>'
            "<figcaption>Two &amp; more</figcaption></figure>"
        )

    @pytest.mark.parametrize("piece", ["http://a ", "a.mp3", "http://a.mp3,", "|titles="])
    def test_early_shortcodes_take_linear_time(self, piece: str, grows_with_length: GrowsWithLength) -> None:
        find = partial(find_uploads, Origin())
        assert grows_with_length(lambda text: expand(text, find), f"[audio http://a{piece * 4_000}]")

    def test_the_content_is_kept_and_the_end_tag_is_removed(self) -> None:
        html = body('[video mp4="/a.mp4"]<a href="/a.mp4">The video</a>[/video] and [/video]')
        assert "The video</a>" in html
        assert html.count("[/video]") == 1


class TestGalleries:
    @pytest.fixture
    def known_pictures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        size = {"width": 1, "height": 1}
        known = {
            5: Picture(file="5.png", alt='a "b"', caption="One & two", **size),
            7: Picture(file="7.png", **size),
        }
        monkeypatch.setattr(
            renderer, "find_uploads", lambda origin, ids, parent: {each: known[each] for each in ids if each in known}
        )

    @pytest.mark.usefixtures("known_pictures")
    def test_pictures_are_cropped_unless_the_gallery_specifies_a_size(self) -> None:
        assert '<figure class="wp-block-gallery columns-9 is-cropped">' in body('[gallery ids="7,5" columns="9"]')
        assert '<figure class="wp-block-gallery columns-9">' in body('[gallery ids="7,5" columns="9" size="large"]')

    @pytest.mark.usefixtures("known_pictures")
    def test_every_link_has_an_accessible_name(self) -> None:
        assert '<a href="/media/7.png"><img src="/media/7.png" alt="7.png"' in body('[gallery ids="7"]')
        assert '<img src="/media/7.png" alt=""' in body('[gallery ids="7" link="none"]')

    @pytest.mark.usefixtures("known_pictures")
    def test_pictures_are_shown_in_the_order_of_the_gallery(self) -> None:
        html = body('[gallery ids="7,5" columns="2" size="medium"]')
        assert html.startswith('<figure class="wp-block-gallery columns-2"><ul><li><a href="/media/7.png">')
        assert html.index('<img src="/media/7.png"') < html.index('<img src="/media/5.png"')
        assert "<figcaption>One &amp; two</figcaption>" in html
        assert 'alt="a &quot;b&quot;"' in html

    @pytest.mark.usefixtures("known_pictures")
    def test_missing_pictures_are_shown_by_id(self) -> None:
        assert "<li>Picture 6 is missing.</li>" in body("[gallery ids='5, 6']")

    @pytest.mark.usefixtures("known_pictures")
    def test_pictures_are_not_linked_with_link_none(self) -> None:
        assert "<a " not in body('[gallery include="5" link="none"]')

    @pytest.mark.parametrize(
        "source", ["[gallery]", '[gallery ids="1,2"]', '[gallery ids="x"]', '[slideshow id="9"]', "<p>[gallery]</p>"]
    )
    def test_without_known_pictures_show_nothing(self, source: str) -> None:
        assert body(source) == ""
        assert body(f"One {source} two").replace("\n", "") == "<p>One</p><p>two</p>"
        assert not count_unknown(source)

    @pytest.mark.usefixtures("known_pictures")
    def test_slideshows_become_galleries(self) -> None:
        assert '<img src="/media/7.png"' in body('[slideshow ids="7"]')


class TestFootnotes:
    def test_are_listed_at_the_end(self) -> None:
        html = body("One[ref]A <em>source</em>[/ref], two [efn_note]The & other[/efn_note].\n\nThree.")
        assert html.replace("\n", "") == (
            '<p>One<sup class="footnote-ref"><a href="#note-1" id="note-1-link">1</a></sup>, two '
            '<sup class="footnote-ref"><a href="#note-2" id="note-2-link">2</a></sup>.</p><p>Three.</p>'
            '<section class="footnotes"><ol class="footnotes-list">'
            '<li id="note-1" class="footnote-item">A <em>source</em>'
            ' <a href="#note-1-link" class="footnote-backref" aria-label="Back to the text">↩︎</a></li>'
            '<li id="note-2" class="footnote-item">The &amp; other'
            ' <a href="#note-2-link" class="footnote-backref" aria-label="Back to the text">↩︎</a></li></ol></section>'
        )

    @pytest.mark.parametrize("name", ["efn_note", "fn", "footnote", "mfn", "modern_footnote", "ref"])
    def test_in_blocks_are_recognised(self, name: str) -> None:
        source = f'<!-- wp:paragraph -->\n<p>A[{name} x="1"]B [i][/{name}]</p>\n<!-- /wp:paragraph -->'
        html = body(source)
        assert "<p>A<sup" in html
        assert "B [i] <a" in html
        assert not count_unknown(source)

    @pytest.mark.parametrize(
        "source",
        [
            "One [ref] two",
            "One [/ref] two",
            "<code>[ref]x[/ref]</code>",
            "[[ref]x[/ref]]",
            "<p>One [ref]</p>\n<p>two[/ref]</p>",
            "Twice ((as it is))",
        ],
    )
    def test_that_are_unclosed_or_escaped_stay_as_text(self, source: str) -> None:
        html = body(source)
        assert "footnote" not in html
        assert html.count("[") == source.count("[")

    def test_that_are_empty_show_nothing(self) -> None:
        assert body("One[ref] [/ref] two") == "<p>One two</p>"

    @pytest.mark.parametrize("source", ["[ref]", "[ref]a[/ref]", "[ref][fn]a[/ref]", "[/fn]"])
    def test_take_linear_time(self, grows_with_length: GrowsWithLength, source: str) -> None:
        assert grows_with_length(lambda text: take_notes(text, {}), source * 7_500)

    def test_of_hidden_blocks_are_not_shown(self) -> None:
        hidden = '{"metadata":{"blockVisibility":false}}'
        source = "<!-- wp:paragraph {} --><p>A[ref]{}[/ref]</p><!-- /wp:paragraph -->"
        html = body(source.format(hidden, "Zeta") + source.format("", "D"))
        assert "Zeta" not in html
        assert '<li id="note-1" class="footnote-item">D ' in html


class TestEmptyShortcodes:
    @pytest.mark.parametrize(
        ("source", "names"),
        [
            ('[gallery ids="1"] and [gallery]', {"gallery"}),
            ('[audio][/audio] [video width="640"][/video] [playlist ids="1,2"]', {"audio", "video", "playlist"}),
            ("[[gallery]] <code>[gallery]</code> <pre>[audio]</pre>", set()),
            ('[audio src="/a.mp3"] [youtube wTzbIc6oiqs] [chart x="1"]', set()),
        ],
    )
    def test_are_found_by_name(self, source: str, names: set[str]) -> None:
        assert find_empty(source, partial(find_uploads, Origin())) == names

    @pytest.mark.parametrize("source", ["[audio]", "[audio][/audio]", "[video]", '[playlist ids="1,2"]'])
    def test_are_not_shown(self, source: str) -> None:
        assert body(source) == ""
        assert not count_unknown(source)

    @pytest.mark.parametrize("remark", ["[Video]", "[AUDIO]", "[Gallery]"])
    def test_remarks_in_brackets_are_not_shortcodes(self, remark: str) -> None:
        assert body(f"Watch it here {remark}.") == f"<p>Watch it here {remark}.</p>"


class TestNamesInCapitals:
    """They aren't names of shortcodes, as in WordPress."""

    @pytest.mark.parametrize(
        "source",
        [
            "[Gallery ids=1]",
            "[SLIDESHOW ids=1]",
            "[Playlist ids=1]",
            "[Audio src=/a.mp3]",
            "[VIDEO src=/a.mp4]",
            "[[Gallery]]",
        ],
    )
    def test_stay_as_text(self, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
        picture = Picture(file="5.png", width=1, height=1)
        monkeypatch.setattr(renderer, "find_uploads", lambda origin, ids, parent: dict.fromkeys(ids, picture))
        assert body(source) == f"<p>{source}</p>"
        assert not find_empty(source, partial(find_uploads, Origin()))

    def test_of_forms_hide_the_address_nevertheless(self) -> None:
        assert body("Write! [Contact-Form to='me@example.org'][/Contact-Form]") == "<p>Write!</p>"

    def test_are_counted_if_they_have_attributes(self) -> None:
        source = '[PLAYLIST ids="1"] [Gallery ids="1"] [Contact-Form to="x"] [Gallery] [Video]'
        assert count_unknown(source) == Counter({"PLAYLIST": 1, "Gallery": 1, "Contact-Form": 1})


class TestManyGalleries:
    def test_take_a_limited_number_of_queries(self, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_max_num_queries(100):
            assert body("".join(f"[gallery ids={number}]" for number in range(1_000))) == ""

    def test_look_up_the_same_pictures_once(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(1):
            body("[gallery ids='1,2']" * 1_000)

    def test_show_nothing_once_the_text_has_become_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        picture = Picture(file="5.png", width=1, height=1, caption="x" * 1_000)
        monkeypatch.setattr(renderer, "find_uploads", lambda origin, ids, parent: dict.fromkeys(ids, picture))
        html = body("[gallery ids='5,5,5']\n\n" * 1_000)
        assert 100 < html.count("<figure class") < 400
        assert "[gallery" not in html


class TestExamples:
    @pytest.mark.parametrize("name", ["pre", "code"])
    def test_shortcodes_in_code_are_kept(self, name: str) -> None:
        source = f"<{name}>[youtube wTzbIc6oiqs]</{name}>"
        assert source in body(source)

    def test_double_brackets_show_a_shortcode(self) -> None:
        assert body("[[youtube wTzbIc6oiqs]]") == "<p>[youtube wTzbIc6oiqs]</p>"
        assert body("[[caption]]") == "<p>[caption]</p>"

    def test_shortcodes_in_attributes_are_kept(self) -> None:
        assert 'title="[youtube wTzbIc6oiqs]"' in body('<b title="[youtube wTzbIc6oiqs]">x</b>')


class TestUnknown:
    def test_unknown_shortcodes_are_counted_by_name(self) -> None:
        source = (
            '[contact-form to="x"] [contact-form subject="y"][contact-field label="z"] [foo]x[/foo]'
            " [wpvideo AbCd] [mu_box] [youtube foo] [toc] [portfolio] [bbp-login]"  # IDs have eight characters
        )
        others = dict.fromkeys(
            ("contact-field", "foo", "wpvideo", "mu_box", "youtube", "toc", "portfolio", "bbp-login"), 1
        )
        assert count_unknown(source) == Counter({"contact-form": 2, **others})

    @pytest.mark.parametrize(
        "form",
        [
            "[booking-form]",
            "[sform id='740']",
            '[quote_form to="me@example.org"]',
            '[contact-form-7 id="12" title="Contact form 1"]',
            '[contact-form-7 404 "Not Found"]',
            (
                '<!-- wp:contact-form-7/contact-form-selector {"id":12} -->\n<div>[contact-form-7 id="12"]</div>\n'
                "<!-- /wp:contact-form-7/contact-form-selector -->"
            ),
            '[wpforms id="12" title="false"]',
            "[gravityform id=1 ajax=true]",
            (
                '<!-- wp:jetpack/subscriptions -->\n<div>[jetpack_subscription_form subscribe_placeholder="[e-mail]"]'
                "</div>\n<!-- /wp:jetpack/subscriptions -->"
            ),
        ],
    )
    def test_plugin_forms_show_nothing_and_are_counted(self, form: str) -> None:
        assert "[" not in body(form)
        assert count_unknown(form).total() == 1

    def test_a_caption_that_stays_as_text_is_counted(self) -> None:
        assert body("[[caption]x[/caption]") == "<p>[[caption]x[/caption]</p>"
        assert count_unknown("[[caption]x[/caption]") == Counter({"caption": 1})

    @pytest.mark.parametrize(
        "source",
        [
            "He [sic] said [...] so [1] [emphasis added], [long-form] [platform], [the author].",
            "[youtube wTzbIc6oiqs] [embed]https://example.org/[/embed] [audio /a.mp3] [gallery ids='1']",
            '[caption width="9"]<img src="/a.png"> One[/caption]',
            '<pre>[foo bar="1"]</pre> <b title="[foo bar=1]">x</b>',
            "[audio src='/a.mp3']",
            "",
        ],
    )
    def test_prose_code_and_known_shortcodes_are_not_counted(self, source: str) -> None:
        assert count_unknown(source.replace("[audio /a.mp3] ", "")) == Counter()


class TestListsOfOtherContent:
    @pytest.mark.parametrize(
        "shortcode",
        [
            "[toc]",
            "[portfolio columns=2]",
            "[jetpack-related-posts]",
            "[bbp-forum-index]",
            "[dokan-dashboard]",
            "[rcp_update_card]",
            "[woocommerce_cart]",
            "[yith_wcwl_wishlist]",
            '[products ids="1,2"]',
            '[ngg src="galleries" ids="3" display="basic_thumbnail"]',
            "[nggallery id=4]",
            "[singlepic id=5 w=320 float=left]",
            '[rev_slider alias="home"]',
            "[masterslider id=1]",
            "[podlove-template id=x]",
            '[poll id="2"]',
            '[icon icon="fa-road"]',
            '[h5p id="4"]',
            "[powerpress]",
            '[buzzsprout episode="123" player="true"]',
            "[display_podcast]",
            '[protected-iframe id="a1b2-3-4" width="560"]',
            "[vodpod id=Groupvideo.123&w=400&h=300&fv=a%3Db]",
            "[blip.tv ?posts_id=123&dest=456]",
            "[hulu id=gQ6Z0I990]",
            "[digg=http://digg.com/a]",
            "[wordads]",
        ],
    )
    def test_show_nothing_and_are_counted(self, shortcode: str) -> None:
        assert body(f"Before {shortcode} after").replace("\n", "") == "<p>Before</p><p>after</p>"
        assert count_unknown(shortcode).total() == 1
        assert all(shows_nothing(name) for name in count_unknown(shortcode))

    @pytest.mark.parametrize("text", ["[products]", "[poll]", "[album]", "[ad]", "[Archives]"])
    def test_are_not_ordinary_words_in_brackets(self, text: str) -> None:
        assert body(text) == f"<p>{text}</p>"
        assert not count_unknown(text)

    @pytest.mark.parametrize(
        "attributes", ["", " limit=10", " type=postbypost order=asc", ' type="alpha" format=custom']
    )
    def test_of_archives_become_a_link_to_the_archive(self, attributes: str) -> None:
        shortcode = f"[archives{attributes}]"
        link = '<p><a href="/archive/">Archive</a></p>'
        assert body(f"Before {shortcode} after").replace("\n", "") == f"<p>Before</p>{link}<p>after</p>"
        assert not count_unknown(shortcode)

    def test_keep_the_text_in_them(self) -> None:
        assert body("[bbp-x]A text.[/bbp-x]") == "<p>A text.</p>"


class TestHostileSources:
    @given(
        st.lists(
            st.sampled_from(["[", "]", "[/", "youtube ", "gallery ids=", "audio", "video]", "embed]", "caption]", "="])
            | st.sampled_from(["'", '"', "<b>", "</b>", "<pre>", "https://youtu.be/", "wTzbIc6oiqs", "1", ",", "\n"]),
            max_size=40,
        )
    )
    def test_expanding_never_raises(self, pieces: list[str]) -> None:
        source = "".join(pieces)
        expand(source, partial(find_uploads, Origin()))
        count_unknown(source)
        render(source, "wordpress")


class TestSourceCode:
    @pytest.mark.parametrize("name", ["sourcecode", "code", "python", "source", "c", "c-sharp", "obj-c", "text", "yml"])
    def test_source_code_is_shown_as_typed(self, name: str) -> None:
        source = f'[{name} language="x"]\nif a &lt; b:\n    print "--"  # <i>[caption] [sic]\n\n    end\n[/{name}]'
        html = body(f"Before\n\n{source}\n\nAfter")
        assert '<pre><code>if a &lt; b:\n    print "--"  # &lt;i&gt;[caption] [sic]\n\n    end</code></pre>' in html
        assert "<p>After</p>" in html
        assert not count_unknown(source)

    @pytest.mark.parametrize(
        ("source", "tex"),
        [
            ('$latex x\' -- "y"$', 'x\' -- "y"'),
            ("$latex=a [1] \\$5 &lt; b&s=2$", "a [1] \\$5 &lt; b"),
            ("$latex a\n\\\\ b&amp;bg=ffffff&#038;fg=000000 $", "a \\\\ b"),
            ("$latex a&s=1 & b$", "a&amp;s=1 &amp; b"),
            ("[latex]x^2[/latex]", "x^2"),
        ],
    )
    def test_formulas_are_shown_as_typed(self, source: str, tex: str) -> None:
        assert body(f"Let {source} be") == f"<p>Let <code>{tex}</code> be</p>"
        assert not count_unknown(source)

    @pytest.mark.parametrize("source", ["<code>$latex x$</code>", "$latex x", "It costs $5 or $latex"])
    def test_text_that_is_not_a_formula_is_kept(self, source: str) -> None:
        assert source in body(source)

    @pytest.mark.parametrize("part", ["$latex ", "$latex x$", "&s=1", "[latex]"])
    def test_many_formulas_take_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        find = partial(find_uploads, Origin())
        assert grows_with_length(lambda text: expand(text, find), f"$latex {part * 5_000}$")

    def test_code_of_wp_syntax_is_escaped(self) -> None:
        code = '#include <stdio.h>\nfor (i=0;i<n;i++) {}\n\nif (a > b) puts("&lt;");'
        html = body(f"<pre lang='c' line=\"1\">{code}</pre>\n\nAfter")
        assert code.replace("<", "&lt;").replace(">", "&gt;") in html
        assert "<p>After</p>" in html

    @pytest.mark.parametrize(
        "element",
        [
            '<pre lang="fr">Un <em>deux</em><br></pre>',
            '<pre lang="ar">Un <sup>1</sup> <img src="/a.png"></pre>',
            '<pre lang="c">a &lt; b</pre>',
            '<pre lang="c" escaped="true"><h2>a</h2></pre>',
            "<pre><h2>a</h2></pre>",
            '<pre lang="c"><h2>a</h2>',
        ],
    )
    def test_other_preformatted_text_is_markup(self, element: str) -> None:
        assert expand(element, partial(find_uploads, Origin())) == element

    @pytest.mark.parametrize("end", ["", "</pre>", "<b></pre>"])
    def test_many_preformatted_texts_take_linear_time(self, end: str, grows_with_length: GrowsWithLength) -> None:
        find = partial(find_uploads, Origin())
        assert grows_with_length(lambda text: expand(text + end, find), '<pre lang="c">' * 5_000)

    @pytest.mark.parametrize("part", ["[contact-form ", "[contact-form [x", "[/contact-field ["])
    def test_many_forms_without_an_end_take_linear_time(self, part: str, grows_with_length: GrowsWithLength) -> None:
        find = partial(find_uploads, Origin())
        assert grows_with_length(lambda text: expand(text, find), part * 5_000)
        assert grows_with_length(count_unknown, part * 5_000)

    @pytest.mark.parametrize("source", ["[code] without an end", "[[code]x[/code]]", "<code>[code]x[/code]</code>"])
    def test_incomplete_and_escaped_shortcodes_are_kept(self, source: str) -> None:
        assert "[code]" in body(source)
        assert "<pre>" not in body(source)

    @pytest.mark.parametrize(
        "source", ["Vitamin [c] and [text], [plain] or [go]", "[c]x[/text]", "[/c] [c]", "[cd]x[/cd]"]
    )
    def test_words_in_brackets_are_kept(self, source: str) -> None:
        assert body(source) == f"<p>{source}</p>"

    @pytest.mark.parametrize("end", ["", "[/x]"])
    def test_many_start_tags_without_an_end_take_linear_time(self, end: str) -> None:
        source = "[code]" * 50_000 + end
        assert expand(source, partial(find_uploads, Origin())).count("[code]") == 50_000


class TestPlayersOfPlugins:
    @pytest.mark.parametrize(
        "source",
        [
            "[embedyt]https://www.youtube.com/watch?v=wTzbIc6oiqs[/embedyt]",
            "[embedyt] https://www.youtube.com/watch?v=wTzbIc6oiqs&amp;width=400 [/embedyt]",
            '[arve url="https://youtu.be/wTzbIc6oiqs" mode="lazyload" /]',
            "httpv://www.youtube.com/watch?v=wTzbIc6oiqs",
            "httpvh://youtu.be/wTzbIc6oiqs",
        ],
    )
    def test_with_the_url_of_a_video_show_it(self, source: str) -> None:
        html = render(source, "wordpress").body_html
        assert html.startswith('<figure class="player" data-player="https://www.youtube-nocookie.com/embed/wTzbIc6oiqs')
        assert not count_unknown(source)

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ('[jwplayer file="https://a.example/b.mp4" width="400"]', "b.mp4"),
            ('[mp3j track="https://a.example/b.mp3?x=1"]', "b.mp3"),
            ('[powerpress url="https://a.example/b.mp3"]', "b.mp3"),
        ],
    )
    def test_with_the_url_of_a_file_show_it(self, source: str, name: str) -> None:
        html = render(source, "wordpress").body_html
        assert html.strip().startswith('<p><a class="remote-media" href="https://a.example/b')
        assert html.strip().endswith(f">{name}</a></p>")

    def test_keep_their_content(self) -> None:
        html = render('[player url="https://youtu.be/wTzbIc6oiqs"]My <b>film</b>[/player]', "wordpress").body_html
        assert 'class="player"' in html
        assert html.rstrip().endswith("<p>My <b>film</b></p>")
        html = render('[player url="https://youtu.be/wTzbIc6oiqs"]My film[/player]', "wordpress").body_html
        assert html.rstrip().endswith("<p>My film</p>")

    @pytest.mark.parametrize(
        "source",
        [
            "[see https://youtu.be/wTzbIc6oiqs]",
            '[box link="https://youtu.be/" x="https://example.org/a"]',
            "[x]See https://youtu.be/wTzbIc6oiqs[/x]",
            "<code>[embedyt]https://youtu.be/wTzbIc6oiqs[/embedyt]</code>",
        ],
    )
    def test_other_brackets_stay_as_text(self, source: str) -> None:
        assert "player" not in render(source, "wordpress").body_html


@pytest.mark.parametrize("source", ["[quote]One[/quote]", '[blockquote author="X"]One[/blockquote]'])
def test_quotations_in_shortcodes_are_quotations(source: str) -> None:
    assert render(source, "wordpress").body_html.replace("\n", "") == "<blockquote><p>One</p></blockquote>"
