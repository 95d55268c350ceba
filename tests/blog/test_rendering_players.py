"""YouTube and Vimeo videos: which URLs become players, and that a player contains a link and loads nothing."""

import pytest

from blog.rendering import render
from blog.rendering.players import video_page_url

WATCH = "https://www.youtube.com/watch?v=wTzbIc6oiqs"


def player(page: str) -> str:
    return f'<figure class="player"><a href="{page}" rel="noopener">{page}</a></figure>'


class TestVideoPageUrls:
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
            ("http://vimeo.com/12345678", "https://vimeo.com/12345678"),
            ("https://player.vimeo.com/video/12345678?h=0a1b2c3d4e", "https://vimeo.com/12345678/0a1b2c3d4e"),
            ("https://vimeo.com/channels/staffpicks/12345678", "https://vimeo.com/12345678"),
            ("https://vimeo.com/12345678/0a1b2c3d4e", "https://vimeo.com/12345678/0a1b2c3d4e"),
        ],
    )
    def test_are_recognised_in_all_forms(self, url: str, page: str) -> None:
        assert video_page_url(url) == page

    @pytest.mark.parametrize(
        "url",
        [
            "https://www.youtube.com/user/someone",
            "https://www.youtube.com/watch?v=short",
            "https://youtube.com.example.org/watch?v=wTzbIc6oiqs",
            "https://example.org/?https://youtu.be/wTzbIc6oiqs",
            "https://vimeo.com/someone",
            "javascript:alert(1)//youtu.be/wTzbIc6oiqs",
            "//[",
            "",
        ],
    )
    def test_are_not_found_in_other_urls(self, url: str) -> None:
        assert video_page_url(url) is None


class TestPlayers:
    @pytest.mark.parametrize("markup", ["html", "markdown", "wordpress"])
    def test_a_url_alone_in_a_paragraph_becomes_a_player(self, markup: str) -> None:
        source = "https://youtu.be/wTzbIc6oiqs"
        source = f"<p>{source}</p>" if markup == "html" else source
        assert render(source, markup).body_html.strip() == player(WATCH)

    def test_a_url_alone_on_a_line_splits_the_paragraph(self) -> None:
        html = render(
            "before\nhttps://youtu.be/wTzbIc6oiqs\nbetween\nhttps://vimeo.com/12345678", "wordpress"
        ).body_html
        assert html.replace("\n", "").strip() == (
            f"<p>before</p>{player(WATCH)}<p>between</p>{player('https://vimeo.com/12345678')}"
        )

    def test_an_embedded_frame_becomes_a_player(self) -> None:
        source = '<iframe src="https://www.youtube.com/embed/wTzbIc6oiqs?rel=0"></iframe>'
        assert render(source, "html").body_html == player(WATCH)

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

    def test_loads_nothing(self) -> None:
        html = render("https://youtu.be/wTzbIc6oiqs", "wordpress").body_html
        assert "src" not in html
        assert "iframe" not in html
