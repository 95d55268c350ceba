"""Before a reader follows a link, the browser prefetches the page whose link is pressed, and nothing else."""

from typing import Any

import pytest

from tests.factories import PostFactory
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_of_a_pressed_link_is_prefetched(open_page: OpenPage) -> None:
    url = PostFactory(title="News").get_absolute_url()
    page = open_page("/robots.txt")
    session = page.context.new_cdp_session(page)
    prefetched: list[Any] = []
    session.on("Preload.prefetchStatusUpdated", lambda event: prefetched.append(event))
    with page.expect_response("**/speculation-rules.json"):
        session.send("Preload.enable")
        page.goto("/")
    link = page.locator(f"a[href='{url}']").first
    # The browser reads the rules when it is idle.
    page.wait_for_timeout(500)
    assert prefetched == []
    link.hover()
    page.mouse.down()
    for _attempt in range(50):
        if any(event["status"] == "Ready" for event in prefetched):
            break
        page.wait_for_timeout(100)
    assert {event["prefetchUrl"] for event in prefetched} == {page.evaluate("link => link.href", link.element_handle())}
    assert prefetched[-1]["status"] == "Ready"
    page.mouse.up()
    page.wait_for_url(f"**{url}")
