"""Embeds from other sites: which URLs become cards, and that a card contains a link and loads nothing."""

from html import escape
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from blog.rendering import players, render
from blog.rendering.providers import find_embed, is_player_url
from blog.rendering.tree import split_around
from tests.factories.types import GrowsWithLength

# Files in texts are looked up.
pytestmark = pytest.mark.django_db

WATCH = "https://www.youtube.com/watch?v=wTzbIc6oiqs"
PLAYLIST = "https://www.youtube.com/playlist?list="
TRACK = "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1507"
NOCOOKIE = "https://www.youtube-nocookie.com/embed/wTzbIc6oiqs?autoplay=1&rel=0"

# A URL of each provider with a player, and the URLs of the page and the player.
WITH_PLAYER = [
    ("https://youtu.be/wTzbIc6oiqs", WATCH, NOCOOKIE),
    (
        "https://www.youtube.com/embed/videoseries?list=PL0123456789",
        "https://www.youtube.com/playlist?list=PL0123456789",
        "https://www.youtube-nocookie.com/embed/videoseries?list=PL0123456789&autoplay=1&rel=0",
    ),
    (
        "https://vimeo.com/12345678/0a1b2c3d4e",
        "https://vimeo.com/12345678/0a1b2c3d4e",
        "https://player.vimeo.com/video/12345678?autoplay=1&dnt=1&h=0a1b2c3d4e",
    ),
    (
        "http://www.dailymotion.com/swf/video/xen4ms_ghinzu-cold-love?additionalInfos=0",
        "https://www.dailymotion.com/video/xen4ms",
        "https://geo.dailymotion.com/player.html?video=xen4ms",
    ),
    (
        "https://dai.ly/x8oma9?start=90",
        "https://www.dailymotion.com/video/x8oma9?start=90",
        "https://geo.dailymotion.com/player.html?video=x8oma9&startTime=90",
    ),
    (
        "http://www.ted.com/talks/marc_goodman_a_vision.html",
        "https://www.ted.com/talks/marc_goodman_a_vision",
        "https://embed.ted.com/talks/marc_goodman_a_vision",
    ),
    (
        "https://embed-ssl.ted.com/talks/lang/fr/marc_goodman_a_vision.html",
        "https://www.ted.com/talks/marc_goodman_a_vision?language=fr",
        "https://embed.ted.com/talks/lang/fr/marc_goodman_a_vision",
    ),
    (
        "https://video.wordpress.com/embed/OO1thna4?hd=1",
        "https://videopress.com/v/OO1thna4",
        "https://videopress.com/embed/OO1thna4",
    ),
    (
        "http://archive.org/embed/Experime1940&autoplay=1",
        "https://archive.org/details/Experime1940",
        "https://archive.org/embed/Experime1940",
    ),
    (
        "https://m.soundcloud.com/a/b-c?utm_source=x",
        "https://soundcloud.com/a/b-c",
        "https://w.soundcloud.com/player/?url=https%3A//soundcloud.com/a/b-c&auto_play=true",
    ),
    (
        "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1507&amp;auto_play=false",
        "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1507",
        "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1507&auto_play=true",
    ),
    (
        "https://open.spotify.com/intl-de/track/4bz7uB4edifWKJXSDxwHcs?si=x",
        "https://open.spotify.com/track/4bz7uB4edifWKJXSDxwHcs",
        "https://open.spotify.com/embed/track/4bz7uB4edifWKJXSDxwHcs",
    ),
    (
        "https://bandcamp.com/EmbeddedPlayer/v=2/album=119385304/size=venti/bgcol=FFFFFF/",
        "https://bandcamp.com/EmbeddedPlayer/album=119385304/size=large/",
        "https://bandcamp.com/EmbeddedPlayer/album=119385304/size=large/",
    ),
    (
        "http://www.slideshare.net/slideshow/embed_code/key/AbC123?startSlide=2",
        "https://www.slideshare.net/slideshow/embed_code/key/AbC123",
        "https://www.slideshare.net/slideshow/embed_code/key/AbC123",
    ),
    (
        "https://de.scribd.com/embeds/39027960/content?start_page=1&access_key=key-3kai",
        "https://www.scribd.com/document/39027960?secret_password=key-3kai",
        "https://www.scribd.com/embeds/39027960/content?start_page=1&view_mode=scroll&access_key=key-3kai",
    ),
]

# The name of each provider without a player, a URL of it, and the URL of the page.
WITHOUT_PLAYER = [
    ("TED", "https://www.ted.com/talks/view/id/210", "https://www.ted.com/talks/view/id/210"),
    ("X (Twitter)", "http://twitter.com/#!/a_b/status/123", "https://x.com/a_b/status/123"),
    ("X (Twitter)", "https://mobile.twitter.com/a_b/status/123?s=20", "https://x.com/a_b/status/123"),
    ("X (Twitter)", "https://x.com/a_b", "https://x.com/a_b"),
    ("Instagram", "https://instagr.am/p/BnMO9vRleEx/?igsh=1", "https://www.instagram.com/p/BnMO9vRleEx/"),
    ("Facebook", "https://www.facebook.com/a.b/posts/12?fbclid=x", "https://www.facebook.com/a.b/posts/12"),
    ("Facebook", "https://facebook.com/photo.php?fbid=1&set=2", "https://facebook.com/photo.php?fbid=1&set=2"),
    (
        "Facebook",
        "https://www.facebook.com/plugins/video.php?height=1&href=https%3A%2F%2Fwww.facebook.com%2Fa%2Fvideos%2F12%2F",
        "https://www.facebook.com/a/videos/12/",
    ),
    ("TikTok", "https://www.tiktok.com/@a.b/video/1234567?lang=en", "https://www.tiktok.com/@a.b/video/1234567"),
    ("TikTok", "https://www.tiktok.com/embed/v2/1234567", "https://www.tiktok.com/embed/v2/1234567"),
    ("Flickr", "https://www.flickr.com/photos/a@N01/4993123/player/", "https://www.flickr.com/photos/a@N01/4993123/"),
    (
        "Google Maps",
        "https://www.google.com/maps/embed?pb=!1m18!1m12!1m3!1d2482.4!2d-0.12!3d51.5!2m3",
        "https://www.google.com/maps/search/?api=1&query=51.5,-0.12",
    ),
    ("Google Maps", "http://maps.google.com/maps?q=a&output=embed", "https://maps.google.com/maps?q=a"),
    ("Google Docs", "https://docs.google.com/forms/d/e/1a/viewform", "https://docs.google.com/forms/d/e/1a/viewform"),
    (
        "Google Docs",
        "https://docs.google.com/present/embed?id=dhf_123&size=l",
        "https://docs.google.com/present/embed?id=dhf_123&size=l",
    ),
    (
        "Google Docs",
        "https://docs.google.com/a/example.org/spreadsheet/embeddedform?formkey=dEVO",
        "https://docs.google.com/a/example.org/spreadsheet/embeddedform?formkey=dEVO",
    ),
    (
        "Google Docs",
        "http://spreadsheets1.google.com/a/example.org/pub?key=0AjSij&output=html",
        "https://spreadsheets1.google.com/a/example.org/pub?key=0AjSij",
    ),
    (
        "Google Calendar",
        "http://www.google.com/calendar/hosted/example.org/embed?src=a%40group.calendar.google.com",
        "https://www.google.com/calendar/hosted/example.org/embed?src=a%40group.calendar.google.com",
    ),
    ("Crowdsignal", "http://polldaddy.com/poll/7910844/", "https://polldaddy.com/poll/7910844"),
    ("Crowdsignal", "http://answers.polldaddy.com/poll/7910844/", "https://answers.polldaddy.com/poll/7910844"),
    ("CodePen", "https://codepen.io/a-b/embed/preview/QjRmEx?height=300", "https://codepen.io/a-b/pen/QjRmEx"),
    ("GitHub Gist", "https://gist.github.com/a/57cc50246a", "https://gist.github.com/a/57cc50246a"),
    ("Bandcamp", "https://a.bandcamp.com/album/b?from=x", "https://a.bandcamp.com/album/b"),
    ("Reddit", "https://www.reddit.com/r/a/comments/1ab/b/", "https://www.reddit.com/r/a/comments/1ab/b"),
    ("Telegram", "https://t.me/s/channel/12", "https://t.me/s/channel/12"),
    ("Bluesky", "https://bsky.app/profile/a.example/post/3kxyz", "https://bsky.app/profile/a.example/post/3kxyz"),
]


def card(site: str, page: str, player: str = "", kind: str = "player") -> str:
    shown = page.removeprefix("https://").removeprefix("www.")
    attributes = f'class="{kind}" data-player="{escape(player)}"' if player else 'class="link-card"'
    return f'<figure {attributes}><a href="{escape(page)}" rel="noopener">{site}: {escape(shown)}</a></figure>'


YOUTUBE_CARD = card("YouTube", WATCH, NOCOOKIE)


class TestVideoPages:
    @pytest.mark.parametrize(
        ("url", "page"),
        [
            ("http://www.youtube.com/watch?v=wTzbIc6oiqs", WATCH),
            ("https://youtube.com/watch?feature=share&v=wTzbIc6oiqs", WATCH),
            ("https://www.youtube.com/watch?v=wTzbIc6oiqs?wmode=opaque", WATCH),
            ("https://m.youtube.com/watch?v=wTzbIc6oiqs&amp;hl=en", WATCH),
            ("https://youtu.be/wTzbIc6oiqs?si=abc", WATCH),
            ("https://www.youtube.com/embed/wTzbIc6oiqs?rel=0", WATCH),
            ("https://www.youtube-nocookie.com/embed/wTzbIc6oiqs", WATCH),
            ("http://www.youtube.com/v/wTzbIc6oiqs&hl=en_US&fs=1", WATCH),
            ("https://www.youtube.com/shorts/wTzbIc6oiqs", WATCH),
            ("https://youtu.be/wTzbIc6oiqs?t=1m5s", f"{WATCH}&t=65s"),
            ("https://www.youtube.com/watch?v=wTzbIc6oiqs#t=90", f"{WATCH}&t=90s"),
            ("https://www.youtube.com/embed/wTzbIc6oiqs?start=7", f"{WATCH}&t=7s"),
            ("http://www.youtube.com/p/0B1C9AF5D2D8CE4C?hl=en_US", f"{PLAYLIST}PL0B1C9AF5D2D8CE4C"),
            ("http://www.youtube.com/view_play_list?p=0B1C9AF5D2D8CE4C", f"{PLAYLIST}PL0B1C9AF5D2D8CE4C"),
            ("http://vimeo.com/12345678", "https://vimeo.com/12345678"),
            ("http://vimeo.com/moogaloop.swf?clip_id=12345678&amp;server=vimeo.com", "https://vimeo.com/12345678"),
            ("https://vimeo.com/album/2838732/video/12345678", "https://vimeo.com/12345678"),
            ("http://v.wordpress.com/OO1thna4", "https://videopress.com/v/OO1thna4"),
            ("http://player.soundcloud.com/player.swf?url=http%3A%2F%2Fapi.soundcloud.com%2Ftracks%2F1507&g=1", TRACK),
            (
                "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/soundcloud%253Atracks%253A1507",
                TRACK,
            ),
            ("https://player.vimeo.com/video/12345678?h=0a1b2c3d4e", "https://vimeo.com/12345678/0a1b2c3d4e"),
            ("https://vimeo.com/channels/staffpicks/12345678", "https://vimeo.com/12345678"),
            ("https://vimeo.com/12345678/0a1b2c3d4e", "https://vimeo.com/12345678/0a1b2c3d4e"),
        ],
    )
    def test_are_recognised_in_all_forms(self, url: str, page: str) -> None:
        embed = find_embed(url)
        assert embed is not None
        assert embed.page == page

    @pytest.mark.parametrize(
        "url",
        [
            "https://www.youtube.com/user/someone",
            "https://www.youtube.com/watch?v=short",
            "https://youtube.com.example.org/watch?v=wTzbIc6oiqs",
            "https://example.org/?https://youtu.be/wTzbIc6oiqs",
            "https://vimeo.com/someone",
            # These numbers are not those of videos.
            "https://vimeo.com/album/2838732",
            "https://vimeo.com/showcase/2838732?page=2",
            "https://vimeo.com/channels/2838732/",
            "https://vimeo.com/event/2838732/0a1b2c3d4e",
            "javascript:alert(1)//youtu.be/wTzbIc6oiqs",
            "//[",
            "",
        ],
    )
    def test_are_not_found_in_other_urls(self, url: str) -> None:
        assert find_embed(url) is None


class TestProviders:
    @pytest.mark.parametrize(("url", "page", "player"), WITH_PLAYER)
    def test_with_a_player(self, url: str, page: str, player: str) -> None:
        embed = find_embed(url)
        assert embed is not None
        assert (embed.page, embed.player) == (page, player)

    @pytest.mark.parametrize(("site", "url", "page"), WITHOUT_PLAYER)
    def test_without_a_player(self, site: str, url: str, page: str) -> None:
        embed = find_embed(url)
        assert embed is not None
        assert (embed.site, embed.page, embed.player) == (site, page, "")

    @pytest.mark.parametrize("url", [*(row[0] for row in WITH_PLAYER), *(row[1] for row in WITHOUT_PLAYER)])
    def test_the_page_has_the_same_card(self, url: str) -> None:
        embed = find_embed(url)
        assert embed is not None
        again = find_embed(embed.page)
        # A map is recognised by its coordinates.
        assert again == embed or (again is not None and again.page == embed.page)

    def test_the_security_policy_allows_their_players_and_nothing_else(self) -> None:
        allowed: list[str] = list(settings.SECURE_CSP["frame-src"])  # type: ignore[call-overload]  # Django types it as object
        players = [player for _url, _page, player in WITH_PLAYER]
        assert {source for source in allowed for player in players if player.startswith(source)} == set(allowed)
        assert all(any(player.startswith(source) for source in allowed) for player in players)
        assert all(source.startswith("https://") and urlsplit(source).path != "/" for source in allowed)

    @pytest.mark.parametrize(
        "url",
        [
            "https://user:password@www.youtube.com/watch?v=wTzbIc6oiqs",
            "https://www.youtube.com@evil.example/watch?v=wTzbIc6oiqs",
            "https://evil.example/www.youtube.com/watch?v=wTzbIc6oiqs",
            "https://evil.example#www.youtube.com/watch?v=wTzbIc6oiqs",
            "https://evilyoutube.com/watch?v=wTzbIc6oiqs",
            "https://x.com.evil.example/a/status/1",
            "https://w.soundcloud.com/player/?url=javascript%3Aalert(1)",
            "https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fevil.example%2Fposts%2F1",
            "https://open.spotify.com/embed?uri=javascript:alert(1)",
            "data:text/html,https://youtu.be/wTzbIc6oiqs",
        ],
    )
    def test_hostile_urls_have_no_card(self, url: str) -> None:
        assert find_embed(url) is None

    @given(
        st.lists(
            st.sampled_from(
                ["https://", "www.", "youtu.be/", "youtube.com/", "watch", "?v=", "wTzbIc6oiqs", "&", "#", "@"]
            )
            | st.sampled_from(
                ["w.soundcloud.com/player/?url=", "https%3A//", "%40", "facebook.com/", "x/posts/1", "javascript:"]
            )
            | st.sampled_from(
                ["x.com/", "a/status/", "12345", "\\", "\n", " ", '"', "<", "[", "]", "{id}", "é", "../"]
            ),
            max_size=12,
        )
    )
    def test_pages_and_players_never_lead_elsewhere(self, pieces: list[str]) -> None:
        embed = find_embed("".join(pieces))
        if embed:
            page = urlsplit(embed.page)
            assert page.scheme == "https"
            assert "@" not in page.netloc
            assert page.netloc.removeprefix("www.") in {
                *("youtube.com", "soundcloud.com", "w.soundcloud.com", "facebook.com", "m.facebook.com", "x.com")
            }
            assert not set(embed.page + embed.player) & set(' "<>\\\n')
            assert not embed.player or is_player_url(embed.player)

    @pytest.mark.parametrize(
        "start",
        [
            "https://www.youtube.com/watch",
            "https://www.youtube.com/playlist?",
            "https://vimeo.com/",
            "https://www.google.com/maps/embed?pb=",
            "https://www.google.com/maps/embed?",
            "https://www.scribd.com/doc/12345",
            "https://open.spotify.com/embed?",
            "https://www.facebook.com/plugins/post.php?",
        ],
    )
    @pytest.mark.parametrize(
        "piece", ["&v=", "/12345", "&pb=", "!2d1.1", "&h=", "?access_key=", "&uri=spotify:user:", "&t=1m"]
    )
    def test_long_urls_take_linear_time(self, start: str, piece: str, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(find_embed, start + piece * 5_000)


class TestCards:
    @pytest.mark.parametrize("markup", ["html", "markdown", "wordpress"])
    def test_a_url_alone_in_a_paragraph_becomes_a_card(self, markup: str) -> None:
        source = "https://youtu.be/wTzbIc6oiqs"
        source = f"<p>{source}</p>" if markup == "html" else source
        assert render(source, markup).body_html.strip() == YOUTUBE_CARD

    def test_a_url_alone_in_a_figure_becomes_a_card(self) -> None:
        source = "<figure>\n\thttps://youtu.be/wTzbIc6oiqs\n</figure>"
        assert (
            render(source, "html").body_html.replace("\n\t", "").replace("\n", "") == f"<figure>{YOUTUBE_CARD}</figure>"
        )

    def test_a_url_alone_on_a_line_splits_the_paragraph(self) -> None:
        html = render("before\nhttps://youtu.be/wTzbIc6oiqs\nbetween\nhttps://x.com/a/status/1", "wordpress").body_html
        assert html.replace("\n", "").strip() == (
            f"<p>before</p>{YOUTUBE_CARD}<p>between</p>{card('X (Twitter)', 'https://x.com/a/status/1')}"
        )

    @pytest.mark.parametrize(("url", "page", "player"), WITH_PLAYER)
    def test_a_frame_becomes_a_card(self, url: str, page: str, player: str) -> None:
        html = render(f'<iframe src="{url.replace("&amp;", "&")}" width="4"></iframe>', "html").body_html
        assert f'data-player="{escape(player)}"><a href="{escape(page)}" rel="noopener">' in html

    @pytest.mark.parametrize(("site", "url", "page"), WITHOUT_PLAYER)
    def test_a_frame_of_a_site_without_players_becomes_a_link(self, site: str, url: str, page: str) -> None:
        assert render(f'<iframe src="{url}"></iframe>', "html").body_html == card(site, page)

    def test_old_objects_become_cards(self) -> None:
        source = (
            '<object width="4"><param name="movie" value="http://www.dailymotion.com/swf/x8oma9"></param>'
            '<embed src="http://www.dailymotion.com/swf/x8oma9" type="application/x-shockwave-flash"></embed></object>'
        )
        assert render(source, "html").body_html == card(
            "Dailymotion",
            "https://www.dailymotion.com/video/x8oma9",
            "https://geo.dailymotion.com/player.html?video=x8oma9",
        )

    def test_audio_and_documents_have_their_own_classes(self) -> None:
        assert '<figure class="player player-audio"' in render("https://soundcloud.com/a/b", "wordpress").body_html
        assert '<figure class="player player-document"' in render("https://scribd.com/doc/1234", "wordpress").body_html

    def test_the_title_of_a_frame_is_shown_if_it_says_more_than_the_name_of_the_site(self) -> None:
        source = '<iframe src="https://www.youtube.com/embed/wTzbIc6oiqs" title="%s"></iframe>'
        assert ">YouTube: A talk &amp; more</a>" in render(source % "A talk &amp; more", "html").body_html
        assert render(source % "YouTube video player", "html").body_html == YOUTUBE_CARD

    @pytest.mark.parametrize(
        "source",
        [
            "See https://youtu.be/wTzbIc6oiqs for it.",
            '<a href="https://youtu.be/wTzbIc6oiqs">The video</a>',
            "<ul><li>https://youtu.be/wTzbIc6oiqs</li></ul>",
            "<pre>https://youtu.be/wTzbIc6oiqs</pre>",
            "https://example.org/video",
        ],
    )
    def test_everything_else_stays_a_link(self, source: str) -> None:
        html = render(source, "wordpress").body_html
        assert "player" not in html
        assert "example.org/video" in html or "youtu.be/wTzbIc6oiqs" in html

    @pytest.mark.parametrize("url", [row[0] for row in WITH_PLAYER])
    def test_loads_nothing(self, url: str) -> None:
        html = render(f'<iframe src="{url}"></iframe>', "wordpress").body_html
        assert " src=" not in html
        assert "iframe" not in html

    @pytest.mark.parametrize(
        "player", ["https://evil.example/", "javascript:alert(1)", f"{NOCOOKIE}&x", "https://www.youtube-nocookie.com/"]
    )
    def test_authors_cannot_name_other_players(self, player: str) -> None:
        html = render(f'<figure class="player" data-player="{player}"><a href="/">x</a></figure>', "html").body_html
        assert html == '<figure class="player"><a href="/">x</a></figure>'


class TestManyVideos:
    def test_in_one_paragraph_are_moved_out_of_it_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        moved: list[int] = []

        def count(figure: etree._Element) -> etree._Element:
            moved.append(len(list(figure.itersiblings())))
            return split_around(figure)

        monkeypatch.setattr(players, "split_around", count)
        html = render("<br>".join(["https://youtu.be/abcdefghijk"] * 500), "wordpress").body_html
        assert html.count("<figure ") == 500
        assert sum(moved) <= 500
