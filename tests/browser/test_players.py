"""Players of other sites load nothing until a reader presses the button; the site's own audio and video play."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect
from pytest_django.live_server_helper import LiveServer

from blog.models import Post
from tests.factories import PostFactory
from tests.factories.files import MP3, wav, write_files
from tests.factories.types import ImportParts, OpenPage
from tests.factories.wxr import attachment, item
from wordpress.importing.media_source import MediaFolder

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE = (
    "https://youtu.be/wTzbIc6oiqs?t=5\n\nhttps://vimeo.com/12345678/0a1b2c3d4e\n\n"
    "https://www.scribd.com/document/39027960\n\nhttps://www.instagram.com/p/BnMO9vRleEx/"
)


class TestPlayers:
    def test_nothing_is_requested_before_the_button_is_pressed(self, open_page: OpenPage) -> None:
        # `open_page` fails for any request to another host.
        post = PostFactory(source=SOURCE)
        page = open_page(post.get_absolute_url())
        page.wait_for_load_state("networkidle")
        expect(page.locator("figure.player button")).to_have_text(
            [
                "Play here (loads from www.youtube-nocookie.com)",
                "Play here (loads from player.vimeo.com)",
                "Show here (loads from www.scribd.com)",
            ]
        )
        assert page.locator("figure.link-card a").count() == 1
        assert page.locator("figure.link-card button").count() == 0
        assert page.locator("iframe").count() == 0

    def test_the_button_loads_the_player_and_nothing_else(self, chromium: Browser, live_server: LiveServer) -> None:
        post = PostFactory(source=SOURCE)
        requested: list[str] = []

        def answer(route: Route) -> None:
            requested.append(route.request.url)
            route.fulfill(body="<p>A player</p>", content_type="text/html")

        context = chromium.new_context(base_url=live_server.url)
        try:
            page = context.new_page()
            page.route(lambda url: not url.startswith(live_server.url), answer)
            page.goto(post.get_absolute_url())
            buttons = page.locator("figure.player button")
            # A script adds the buttons.
            expect(buttons).to_have_count(3)
            for button in buttons.all()[::-1]:
                # With the keyboard, too.
                button.press("Enter")
            # The Content-Security-Policy allows all of them: the responses are shown.
            for number in range(3):
                player = page.frame_locator("figure.player iframe").nth(number)
                expect(player.get_by_text("A player")).to_be_visible()
            assert sorted(requested) == [
                "https://player.vimeo.com/video/12345678?autoplay=1&dnt=1&h=0a1b2c3d4e",
                "https://www.scribd.com/embeds/39027960/content?start_page=1&view_mode=scroll",
                "https://www.youtube-nocookie.com/embed/wTzbIc6oiqs?autoplay=1&rel=0&start=5",
            ]
            assert len(page.frames) == 4
            assert page.locator("figure.player a").count() == 3
        finally:
            context.close()

    def test_without_javascript_there_is_a_link(self, open_page: OpenPage) -> None:
        post = PostFactory(source=SOURCE)
        page = open_page(post.get_absolute_url(), java_script_enabled=False)
        assert page.locator("figure.player a").first.get_attribute("href") == (
            "https://www.youtube.com/watch?v=wTzbIc6oiqs&t=5s"
        )


class TestImportedAudio:
    OLD = "https://old.example/wp-content/uploads/2014/03"
    # Whether the player has played to the end.
    ENDED = "player => player.ended && player.duration > 0.05"

    @pytest.fixture(autouse=True)
    def _files_by_our_own_view(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Django's test server would serve them itself, without our headers and without byte ranges.
        monkeypatch.setattr("django.test.testcases._MediaFilesHandler._should_handle", lambda handler, path: False)

    @pytest.fixture
    def post(self, import_parts: ImportParts, tmp_path: Path) -> Post:
        folder = write_files(tmp_path / "old", "2014/03/talk.mp3", content=MP3 * 4)
        write_files(folder, "2014/03/song.wav", content=wav())
        import_parts(
            item(7, content=f"[audio {self.OLD}/talk.mp3]\n\n[audio wav='{self.OLD}/song.wav'][/audio]"),
            attachment(30, "2014/03/talk.mp3"),
            attachment(31, "2014/03/song.wav"),
            media=MediaFolder(folder),
        )
        return Post.objects.get()

    def test_plays_when_a_reader_presses_the_button(self, open_page: OpenPage, post: Post) -> None:
        page = open_page(post.get_absolute_url())
        players = page.locator("audio")
        assert players.count() == 2
        assert players.evaluate_all("all => all.map(player => player.readyState)") == [0, 0]
        for number in range(2):
            player = players.nth(number)
            # The play button is at the left end.
            player.click(position={"x": 20, "y": 25})
            page.wait_for_function(self.ENDED, arg=player.element_handle())

    def test_opens_at_its_old_url(self, open_page: OpenPage, post: Post) -> None:
        page = open_page("/wp-content/uploads/2014/03/talk.mp3")
        assert page.url.endswith("/talk.mp3")
        player = page.locator("video")
        # No script runs there, so this has to poll.
        for _attempt in range(600):
            if player.evaluate("player => player.readyState") > 1:
                break
            page.wait_for_timeout(50)
        else:
            pytest.fail("The audio was not loaded.")
