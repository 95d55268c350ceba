"""A real browser for what users click. Without Chromium, these tests are skipped with a message."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.factories.pages import go_to
from tests.factories.types import Device, Faults, LogIn, OpenPage, WriteComment

# The first one has no windows, which saves a quarter of the processor time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("BROADSIDE_BROWSER") == "required"

# Playwright runs an event loop in this thread, which Django must not mistake for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# Playwright waits 30 s for an element to act on, but `expect` waits only 5 s, too little on a busy machine.
expect.set_options(timeout=30_000)

DEVICES: dict[str, Device] = {
    "desktop, light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone, dark": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
}
# The rules of axe about colours and about space. The other rules have the same result in each look with the same
# elements, so they are applied only to one narrow and one wide look.
COLOR_RULES = ["color-contrast", "link-in-text-block"]
SPACE_RULES = ["target-size", "scrollable-region-focusable"]


class Look(NamedTuple):
    """A way to display a page that doesn't require opening it again."""

    width: int
    # The preference of the operating system.
    color_scheme: Literal["light", "dark"] = "light"
    forced_colors: Literal["none", "active"] = "none"
    # The rules of axe; None for all of WCAG 2.2.
    rules: list[str] | None = None


LOOKS = {
    "narrow, light": Look(320),
    "phone": Look(390, rules=SPACE_RULES),
    "narrow, dark": Look(320, "dark", rules=COLOR_RULES),
    "wide, dark": Look(1280, "dark", rules=COLOR_RULES),
    # axe would check the colours of our styles, and not the system's colours that replace them.
    "forced colours": Look(1280, forced_colors="active", rules=[]),
    "wide, light": Look(1280),
}
AXE_OPTIONS: dict[str, Any] = {
    # Part of WCAG 2.2, but off by default.
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
    # No script runs in the frame of the preview, so axe would wait half a second for a response.
    "iframes": False,
}
# axe parses the colours of an element and of everything behind it again for each element, a third of its time.
REMEMBER_COLORS = """(({ prototype }) => {
  const { parseString } = prototype, known = new Map();
  prototype.parseString = function (text) {
    if (!known.has(text)) known.set(text, parseString.call(new prototype.constructor(), text));
    const { r, g, b, alpha } = known.get(text);
    return Object.assign(this, { r, g, b, alpha });
  };
})(axe.commons.color.Color)"""

# Pages load the script that makes wide tables focusable without waiting for it.
WIDE_TABLES_ARE_READY = """() => !document.querySelector("script[src*='js/page']")
  || [...document.querySelectorAll("main table")].every((table) => table.hasAttribute("tabindex"))"""

# Reports what axe finds, and problems that it does not look for. At 200 %, text must still fit into its button.
# All in one function, because each call from here takes the browser some milliseconds.
CHECK = """async (options) => {
  // Scripts of the page respond to another width in the next frame, and some only once it has been laid out.
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  // During a transition, colours do not have their final contrast yet.
  for (const animation of document.getAnimations()) {
    if (animation instanceof CSSTransition) animation.finish();
  }
  // What a sticky bar covers depends on how far the page is scrolled.
  const sticky = [...document.querySelectorAll("body *")]
    .filter((element) => getComputedStyle(element).position === "sticky");
  for (const element of sticky) element.style.position = "static";
  const violations = options ? (await axe.run(options)).violations : [];
  const faults = [];
  const name = (element) => element.outerHTML.slice(0, 120);
  const root = document.documentElement;
  // The admin scrolls its main column, and not the document.
  for (const element of [root, ...document.querySelectorAll("body, .main, .content, #content, #main, .results")]) {
    if (element.scrollWidth > element.clientWidth && getComputedStyle(element).overflowX !== "visible") {
      faults.push(`scrolls sideways: ${name(element)}`);
    }
  }
  if (root.scrollWidth > root.clientWidth) faults.push("the page scrolls sideways");
  for (const label of document.querySelectorAll("label[for]")) {
    if (!label.control) faults.push(`labels nothing: ${name(label)}`);
  }
  for (const element of document.querySelectorAll("[disabled]:not(:disabled)")) {
    faults.push(`can't be disabled: ${name(element)}`);
  }
  // Safari tells screen readers of lists without markers only if they have a role or are in a navigation.
  const marked = (item) => {
    const { display, listStyleType } = getComputedStyle(item);
    return display === "list-item" && listStyleType !== "none";
  };
  for (const list of document.querySelectorAll(":is(ul, ol):not([role], .errorlist, nav *, .entry-body *)")) {
    const items = [...list.querySelectorAll(":scope > li")];
    if (items.length && !items.some(marked)) faults.push(`no list in Safari: ${name(list)}`);
  }
  // Safari on a Mac would ignore other styles of these.
  for (const field of document.querySelectorAll("[type=search]")) {
    if (getComputedStyle(field).appearance !== "textfield") faults.push(`without its styles in Safari: ${name(field)}`);
  }
  // iPhones zoom in on a field with smaller letters when it gets the focus.
  if (innerWidth < 500) {
    const other = ["checkbox", "radio", "hidden", "file", "submit", "button", "color"].map((type) => `[type=${type}]`);
    for (const field of document.querySelectorAll(`input:not(${other}), textarea, select`)) {
      if (parseFloat(getComputedStyle(field).fontSize) < 16) faults.push(`an iPhone zooms in: ${name(field)}`);
    }
  }
  const inputs = ["submit", "button", "reset"].map((type) => `input[type=${type}]`).join();
  const buttons = [...document.querySelectorAll(`button, .button, ${inputs}, .object-tools a, .submit-row a`)]
    .filter((button) => button.checkVisibility({ visibilityProperty: true }) && button.offsetWidth > 2);
  const worded = buttons.filter((button) => !button.querySelector("svg"));
  if (matchMedia("(forced-colors: active)").matches) {
    for (const button of buttons) {
      const style = getComputedStyle(button);
      const bordered = style.borderTopStyle !== "none" && parseFloat(style.borderTopWidth) > 0;
      if (!bordered && !style.textDecorationLine.includes("underline")) faults.push(`no border: ${name(button)}`);
    }
  }
  for (const button of worded) {
    button.style.fontSize = `${2 * parseFloat(getComputedStyle(button).fontSize)}px`;
    const { lineHeight, fontSize, paddingTop, paddingBottom } = getComputedStyle(button);
    const room = button.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom);
    const low = button.clientHeight > 0 && Math.min(room, parseFloat(lineHeight) || room) < parseFloat(fontSize);
    const cut = button.scrollHeight > button.clientHeight + 1 || button.scrollWidth > button.clientWidth + 1;
    if (parseFloat(fontSize) > 0 && (low || cut)) faults.push(`cut off at 200 %: ${name(button)}`);
    button.style.fontSize = "";
  }
  for (const element of sticky) element.style.removeProperty("position");
  return { violations, faults };
}"""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        if REQUIRED:
            pytest.fail("Chromium is not installed, and BROADSIDE_BROWSER=required asks for it.")
        pytest.skip("Chromium is not installed: `apt-get install chromium-headless-shell` to run the browser tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _requests_end(db: None, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Before the database is restored, wait until the server has answered what closed browsers were still sending.

    Otherwise, such a request might store something during the next test.
    """
    server: Any = live_server.thread.httpd
    open_connections: set[int] = set()
    process, close = server.process_request, server.close_request

    def process_request(connection: socket.socket, address: object) -> None:
        open_connections.add(id(connection))
        process(connection, address)

    def close_request(connection: socket.socket) -> None:
        close(connection)
        open_connections.discard(id(connection))

    monkeypatch.setattr(server, "process_request", process_request)
    monkeypatch.setattr(server, "close_request", close_request)
    yield
    ends = time.monotonic() + 30
    while open_connections and time.monotonic() < ends:
        time.sleep(0.005)
    assert not open_connections


@pytest.fixture
def open_page(chromium: Browser, live_server: LiveServer) -> Iterator[OpenPage]:
    """Return a function that opens the site as a new visitor: `open_page("/", color_scheme="dark")`.

    The test fails if another host is requested or the console shows an error or a warning, such as a violation of the
    Content-Security-Policy or an error of a script.
    """
    complaints: list[str] = []
    contexts = []

    def record_message(message: ConsoleMessage) -> None:
        # Responses such as 400 and 404 are reported there too, but some tests provoke them.
        if message.type in {"error", "warning"} and "the server responded with a status of 4" not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    def check_host(url: str) -> None:
        if not url.startswith((live_server.url, "data:", "blob:")):
            complaints.append(f"request to {url}")

    def open_page(path: str = "/", cookie: dict[str, str] | None = None, **options: Any) -> Page:
        context = chromium.new_context(base_url=live_server.url, **options)
        if cookie:
            context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("console", record_message)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("request", lambda request: check_host(request.url))
        go_to(page, path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def log_in(open_page: OpenPage) -> LogIn:
    """Return a function that opens `path` as a logged-in user. `test_end_to_end` logs in through the form."""

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


def is_narrow(width: int) -> bool:
    return width < 600


def problems(page: Page, rules: list[str] | None) -> list[str]:
    """Return what axe finds wrong by these rules, or by all of WCAG 2.2 (None), and what our own rules find."""
    only = {} if rules is None else {"runOnly": {"type": "rule", "values": rules}}
    # Without any rule, axe would run all of them.
    results = page.evaluate(CHECK, None if rules == [] else AXE_OPTIONS | only)
    by_axe = AxeResults({"violations": results["violations"]})
    return [by_axe.generate_report()] * bool(by_axe.violations_count) + results["faults"]


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Faults:
    """Return a function that reports what axe and our own rules find wrong on a page in any of the `LOOKS`.

    If the test runs once for each device, these are the narrow looks for the phone, and the wide ones for the desktop.
    """
    looks = LOOKS
    if "device" in request.fixturenames:
        is_phone = is_narrow(request.getfixturevalue("device")["viewport"]["width"])
        looks = {name: look for name, look in LOOKS.items() if is_narrow(look.width) == is_phone}

    def faults(page: Page) -> str:
        size, is_dark = page.viewport_size, page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert size is not None
        found = []
        page.wait_for_load_state()
        page.wait_for_function(WIDE_TABLES_ARE_READY)
        # Once for all looks, because parsing the script takes as long as running it.
        page.evaluate(f"{AXE_SCRIPT};{REMEMBER_COLORS}")
        for name, look in looks.items():
            page.set_viewport_size({"width": look.width, "height": size["height"]})
            page.emulate_media(color_scheme=look.color_scheme, forced_colors=look.forced_colors)
            found += [f"{name}: {problem}" for problem in problems(page, look.rules)]
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="dark" if is_dark else "light", forced_colors="none")
        return "\n".join(found)

    return faults


@pytest.fixture(scope="session")
def write_comment() -> WriteComment:
    """Return a function that fills in and submits the comment form."""

    def write_comment(page: Page, words: str) -> None:
        page.fill("#respond [name=name]", "Amina")
        page.fill("#respond [name=email]", "amina@example.org")
        page.fill("#respond [name=text]", words)
        page.click("text=Submit Comment")

    return write_comment
