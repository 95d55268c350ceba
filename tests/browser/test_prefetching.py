"""Before a reader follows a link, the browser prefetches the page whose link is pressed, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.factories import PostFactory
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    for _attempt in range(600):
        if condition():
            break
        page.wait_for_timeout(50)


def test_the_page_of_a_pressed_link_is_prefetched(open_page: OpenPage) -> None:
    url = PostFactory(title="News").get_absolute_url()
    page = open_page("/robots.txt")
    session = page.context.new_cdp_session(page)
    prefetched: list[Any] = []
    candidates: list[Any] = []
    session.on("Preload.prefetchStatusUpdated", lambda event: prefetched.append(event))
    session.on("Preload.preloadingAttemptSourcesUpdated", lambda event: candidates.append(event))
    session.send("Preload.enable")
    page.goto("/")
    link = page.locator(f"a[href='{url}']").first
    # The browser reads the rules when it is idle.
    wait_until(page, lambda: url in str(candidates))
    assert prefetched == []
    link.hover()
    page.mouse.down()
    wait_until(page, lambda: any(event["status"] == "Ready" for event in prefetched))
    assert {event["prefetchUrl"] for event in prefetched} == {page.evaluate("link => link.href", link.element_handle())}
    assert prefetched[-1]["status"] == "Ready"
    page.mouse.up()
    page.wait_for_url(f"**{url}")
