"""A real browser for what people click. Without Chromium these tests are skipped, and say so."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories.types import Device, Faults, LogIn, OpenPage, WriteComment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("BROADSIDE_BROWSER") == "required"

# Playwright keeps an event loop in this thread; Django must not take it for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

DEVICES: dict[str, Device] = {
    "desktop, light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone, dark": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
}
# The rules of WCAG 2.2 that axe leaves out unless asked.
RULES = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if REQUIRED:
            pytest.fail("Chromium is not installed, and BROADSIDE_BROWSER=required asks for it.")
        pytest.skip("Chromium is not installed: `apt-get install chromium` to run the browser tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, live_server: LiveServer) -> Iterator[OpenPage]:
    """Open the site as somebody new: `open_page("/", color_scheme="dark")`. Nothing may fail in the console.

    A violation of the Content-Security-Policy and an error of a script both appear there.
    """
    complaints: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # An answer of 400 or 404 is told there too; some tests mean to get one.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    def elsewhere(url: str) -> None:
        if not url.startswith((live_server.url, "data:", "blob:")):
            complaints.append(f"request to {url}")

    def open_page(path: str = "/", cookie: dict[str, str] | None = None, **options: Any) -> Page:
        context = chromium.new_context(base_url=live_server.url, **options)
        if cookie:
            context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": live_server.url}])
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("request", lambda request: elsewhere(request.url))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def log_in(open_page: OpenPage) -> LogIn:
    """Open `path` as somebody who has logged in. `test_end_to_end` does it through the form, as people do."""

    def log_in(username: str, path: str = "/admin/", **options: Any) -> Page:
        client = Client()
        client.force_login(User.objects.get(username=username))
        session = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
        return open_page(path, cookie=session, **options)

    return log_in


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Device:
    """Options of a browser context: `open_page("/", **device)`."""
    return DEVICES[request.param]


@pytest.fixture(scope="session")
def faults() -> Faults:
    """Describe what axe finds on a page, or that it scrolls sideways; empty if nothing is wrong."""

    def faults(page: Page) -> str:
        results = Axe().run(page, options=RULES)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return results.generate_report() if results.violations_count else "scrolls sideways" if wide else ""

    return faults


@pytest.fixture(scope="session")
def write_comment() -> WriteComment:
    """Fill in the form for comments and send it."""

    def write_comment(page: Page, words: str) -> None:
        page.fill("#respond [name=name]", "Amina")
        page.fill("#respond [name=email]", "amina@example.org")
        page.fill("#respond [name=text]", words)
        page.click("text=Submit Comment")

    return write_comment
