"""Make the screenshots in the documentation, from the demo site: `make screenshots`.

They are made again whenever the interface changes, so that they show what people see.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from demo_site import PROJECT, demo_browser, save_screenshot
from playwright.sync_api import Page

IMAGES: Final = PROJECT / "docs" / "images"
QUALITY: Final = 82
WIDE: Final = (1280, 860)
PHONE: Final = (390, 800)
WRITTEN: Final = """The jury has read every letter, and it took the **shortlist** seriously.

## Who they are

- a midwife who keeps two sets of records,
- a bus driver, and
- three sisters with a banner.

> The lamp is small on purpose: it has to fit into a coat.
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """A screenshot of `path`, as seen by `account` (empty for a reader), after calling `prepare` on the page."""

    name: str
    path: str
    account: str = "editor"
    size: tuple[int, int] = WIDE
    prepare: Callable[[Page], None] = lambda page: None


def write(page: Page) -> None:
    page.fill("#id_title", "Harbour Lamp Award 2027: the jury has chosen")
    page.fill("#id_source", WRITTEN)
    page.frame_locator(".editor-preview").get_by_text("three sisters").wait_for()


def write_visually(page: Page) -> None:
    write(page)
    page.get_by_role("button", name="Visual").click()
    page.locator(".editor-visual").get_by_text("a bus driver").click()


def find_link(page: Page) -> None:
    write(page)
    page.focus("#id_source")
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+k")
    page.keyboard.type("lamp")
    page.locator(".editor-dialog[open] .editor-results button").first.wait_for()


def choose_image(page: Page) -> None:
    write(page)
    page.click("[data-tool=image]")
    images = page.locator(".editor-dialog[open] .editor-results img")
    images.last.wait_for()
    page.wait_for_function("images => images.every(image => image.complete)", arg=images.element_handles())


def edit_quickly(page: Page) -> None:
    page.get_by_role("link", name=re.compile("Quick edit")).nth(3).click()
    page.get_by_role("dialog").wait_for()


SHOTS: Final = (
    Shot("post", "/2026/10/12/harbour-lamp-award-2026-shortlist/", account=""),
    Shot("dashboard", "/admin/"),
    Shot("writing", "/admin/blog/post/add/", prepare=write),
    Shot("visual", "/admin/blog/post/add/", prepare=write_visually),
    Shot("writing-on-a-phone", "/admin/blog/post/add/", size=PHONE, prepare=write),
    Shot("link", "/admin/blog/post/add/", prepare=find_link),
    Shot("image", "/admin/blog/post/add/", prepare=choose_image),
    Shot("posts", "/admin/blog/post/"),
    Shot("quick-edit", "/admin/blog/post/", prepare=edit_quickly),
    Shot("media", "/admin/media/picture/"),
    Shot("tags", "/admin/tags/tag/"),
    Shot("queue", "/admin/comments/queue/", account="moderator"),
)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with demo_browser() as (browser, url, accounts):
        for shot in SHOTS:
            width, height = shot.size
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
            page = context.new_page()
            if shot.account:
                page.goto(f"{url}/admin/login/")
                page.fill("#id_username", shot.account)
                page.fill("#id_password", accounts[shot.account])
                page.click("[type=submit]")
            page.goto(f"{url}{shot.path}")
            shot.prepare(page)
            page.wait_for_load_state("networkidle")
            save_screenshot(page, IMAGES / f"{shot.name}.webp", QUALITY)
            print(shot.name)
            context.close()


if __name__ == "__main__":
    main()
