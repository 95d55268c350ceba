"""Films: nothing is asked of another host until a reader presses the button."""

import pytest
from playwright.sync_api import Browser, Route
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import OpenPage
from tests.factories import PostFactory

pytestmark = pytest.mark.django_db(transaction=True)
SOURCE = "https://youtu.be/wTzbIc6oiqs?t=5\n\nhttps://vimeo.com/12345678/0a1b2c3d4e"


class TestPlayers:
    def test_nothing_leaves_before_the_press(self, open_page: OpenPage) -> None:
        # `open_page` fails for any request to another host.
        post = PostFactory(source=SOURCE)
        page = open_page(post.get_absolute_url())
        page.wait_for_load_state("networkidle")
        assert page.locator("figure.player button").all_inner_texts() == [
            "Play here (loads from www.youtube-nocookie.com)",
            "Play here (loads from player.vimeo.com)",
        ]
        assert page.locator("iframe").count() == 0

    def test_the_press_loads_the_player_and_nothing_else(self, chromium: Browser, live_server: LiveServer) -> None:
        post = PostFactory(source=SOURCE)
        asked: list[str] = []

        def answer(route: Route) -> None:
            asked.append(route.request.url)
            route.fulfill(body="<title>A player</title>", content_type="text/html")

        context = chromium.new_context(base_url=live_server.url)
        try:
            page = context.new_page()
            page.route(lambda url: not url.startswith(live_server.url), answer)
            page.goto(post.get_absolute_url())
            for button in page.locator("figure.player button").all()[::-1]:
                button.click()
            page.wait_for_load_state("networkidle")
            assert sorted(asked) == [
                "https://player.vimeo.com/video/12345678?autoplay=1&dnt=1&h=0a1b2c3d4e",
                "https://www.youtube-nocookie.com/embed/wTzbIc6oiqs?autoplay=1&rel=0&start=5",
            ]
            # Both are allowed by the Content-Security-Policy: what was answered is there.
            assert [frame.title() for frame in page.frames[1:]] == ["A player", "A player"]
            assert page.locator("figure.player a").count() == 2
        finally:
            context.close()

    def test_without_scripts_there_is_a_link(self, open_page: OpenPage) -> None:
        post = PostFactory(source=SOURCE)
        page = open_page(post.get_absolute_url(), java_script_enabled=False)
        assert page.locator("figure.player a").first.get_attribute("href") == (
            "https://www.youtube.com/watch?v=wTzbIc6oiqs&t=5s"
        )
