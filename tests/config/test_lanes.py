"""Which requests share a lane, and therefore wait for each other."""

import asyncio
from typing import Any

import pytest
from django.conf import settings

from blog.caching.requests import KNOWN_PAGE
from config.lanes import ACCOUNTS, FILES, KNOWN_PAGES, LANES, NEW_PAGES, SEARCHES, SUBMISSIONS, UPLOADS, lane_of
from core.serving.admission import Lane
from tests.factories.loops import in_a_loop

SESSION = {"HTTP_COOKIE": f"a=b; {settings.SESSION_COOKIE_NAME}=x"}
POST = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "100"}
LARGE = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "5000000"}


@pytest.mark.parametrize(
    ("path", "environ", "lane"),
    [
        ("/tag/peace/", {}, NEW_PAGES),
        ("/tag/peace/", {KNOWN_PAGE: True}, KNOWN_PAGES),
        ("/tag/peace/", {"REQUEST_METHOD": "HEAD"}, NEW_PAGES),
        ("/", {"QUERY_STRING": "p=5"}, NEW_PAGES),
        ("/", {"QUERY_STRING": "x=1&s=words"}, SEARCHES),
        ("/search/words/", {}, SEARCHES),
        ("/search/suggestions.json", {"QUERY_STRING": "q=w"}, SEARCHES),
        ("/tags/", {"QUERY_STRING": "q=w"}, SEARCHES),
        ("/tags/a/", {}, NEW_PAGES),
        ("/tag/a+b/", {}, NEW_PAGES),
        ("/comments/on/post/1/", POST, SUBMISSIONS),
        ("/static/css/site.css", {}, FILES),
        ("/media/a.jpg", {}, FILES),
        ("/admin/login/", {}, ACCOUNTS),
        ("/admin/login/", POST, ACCOUNTS),
        ("/tag/peace/", SESSION, ACCOUNTS),
        ("/admin/blog/post/1/change/", SESSION | POST, ACCOUNTS),
        ("/admin/media/upload/", SESSION | LARGE, UPLOADS),
        ("/admin/media/upload/", SESSION | POST | {"HTTP_TRANSFER_ENCODING": "chunked"}, UPLOADS),
    ],
)
def test_each_kind_of_request_has_a_lane(path: str, environ: dict[str, Any], lane: Lane) -> None:
    found = lane_of({"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", **environ})
    assert found is lane
    assert found in LANES


def test_new_pages_and_searches_take_turns_and_no_other_lane_waits_for_them() -> None:
    async def run() -> tuple[set[Lane], set[Lane]]:
        leave, inside = asyncio.Event(), set[Lane]()

        async def stay(lane: Lane) -> None:
            async with lane.enter():
                inside.add(lane)
                await leave.wait()

        tasks = [asyncio.create_task(stay(lane)) for lane in LANES]
        await asyncio.sleep(0.01)
        at_first = set(inside)
        leave.set()
        await asyncio.gather(*tasks)
        return at_first, inside

    at_first, afterwards = in_a_loop(run())
    assert at_first == {*LANES} - {SEARCHES}
    assert afterwards == {*LANES}


@pytest.mark.parametrize("lane", LANES)
def test_no_one_is_refused_because_a_lane_is_busy_for_some_seconds(lane: Lane) -> None:
    async def run() -> str:
        loop, leave = asyncio.get_running_loop(), asyncio.Event()

        async def stay() -> str:
            async with lane.enter():
                await leave.wait()
                return "answered"

        tasks = [asyncio.create_task(stay()) for _ in range(lane.at_once + 1)]
        await asyncio.sleep(0.01)
        clock = loop.time
        loop.time = lambda: clock() + 5  # type: ignore[method-assign]  # five seconds pass
        await asyncio.sleep(0.01)
        leave.set()
        return (await asyncio.gather(*tasks))[-1]

    assert in_a_loop(run()) == "answered"
