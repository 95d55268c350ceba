"""Steps that several browser tests share."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect


def go_to(page: Page, path: str) -> None:
    """Open `path`, and wait until the page has been laid out, which may be some time after it has been loaded.

    Before that, no element gets the focus, and all of them count as hidden. Some pages run no script, so this polls.
    """
    page.goto(path)
    for _attempt in range(3000):
        if page.evaluate("document.documentElement.checkVisibility()"):
            break
        page.wait_for_timeout(10)


def add_words(page: Page, text: str) -> None:
    """Type `text` at the end of the source in the editor."""
    # A click waits until the field has been laid out. Before that, it can't get the focus.
    page.click("#id_source")
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def intercept(page: Page, url: str, handler: Callable[[Route], Any]) -> None:
    """Handle the requests to `url` that an open page makes from now on."""
    page.route(url, handler)
    # The page learns of it with low priority: a key could be pressed and its request be sent before that.
    page.evaluate("new Promise((resolve) => requestIdleCallback(() => resolve(), { timeout: 5_000 }))")


def log_in_beside(page: Page, password: str) -> None:
    """Follow the link on a page whose session has ended, log in as ruth in the new window, and return."""
    warning = page.get_by_role("alert").filter(has_text="You have been logged out")
    expect(warning).to_be_visible()
    with page.expect_popup() as popup:
        warning.get_by_role("link").click()
    popup.value.fill("#id_username", "ruth")
    popup.value.fill("#id_password", password)
    popup.value.click("[type=submit]")
    popup.value.wait_for_url("**/admin/")
    popup.value.close()
    page.bring_to_front()
    expect(warning).to_be_hidden()
