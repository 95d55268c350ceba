"""Make the pictures of public pages in docs/pictures, from the demo site: `make pictures`.

There is one of each kind of page at three widths, light and dark. They are made again whenever the design changes, so
that it can be compared with what was there before.
"""

from typing import Final, Literal
from urllib.parse import quote

from demo_site import PROJECT, demo_browser, save_screenshot

PICTURES: Final = PROJECT / "docs" / "pictures"
QUALITY: Final = 60
# CSS pixels: the smallest phone, a tablet, and a computer.
SIZES: Final = {"phone": (320, 640), "tablet": (768, 960), "computer": (1440, 900)}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
# The label of each page, its URL, and the selector of what to scroll to.
PAGES: Final = {
    "front": ("Front page", "/", ""),
    "post": ("Post", "/2026/10/12/harbour-lamp-award-2026-shortlist/", ""),
    "text": ("Text", "/2016/03/10/eight-questions-before-you-nominate/", ".entry-body table"),
    "arabic": ("Post in Arabic", f"/2016/09/21/{quote('من-هم-المدافعون-عن-حقوق-الإنسان')}/", ""),
    "comments": ("Comments", "/2015/03/18/the-widows-filing-cabinet/", ".responses"),
    "tag": ("Tag", "/tag/human-rights-awards/", ""),
    "tags": ("Index of tags", "/tags/", ""),
    "archive": ("Archive", "/archive/", ""),
    "search": ("Search", "/?s=lamp", ""),
    "page": ("Page", "/about/", ""),
}


def write_readme() -> None:
    """Write the page that shows the pictures."""
    lines = ["# Pictures of the public pages", ""]
    lines += ["Made from the demo site by `make pictures` (`docs/pictures.py`), so they are not edited by hand.", ""]
    for name, (label, _path, _selector) in PAGES.items():
        lines += [f"## {label}", "", f"| | {' | '.join(SIZES)} |", f"| --- |{' --- |' * len(SIZES)}"]
        for scheme in SCHEMES:
            shown = (f"![{label}, {size}, {scheme}]({name}-{size}-{scheme}.webp)" for size in SIZES)
            lines.append(f"| {scheme} | {' | '.join(shown)} |")
        lines.append("")
    (PICTURES / "README.md").write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with demo_browser() as (browser, url, _accounts):
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                page = context.new_page()
                for name, (_label, path, selector) in PAGES.items():
                    page.goto(f"{url}{path}")
                    page.wait_for_load_state("networkidle")
                    if selector:
                        page.locator(selector).first.evaluate("element => element.scrollIntoView()")
                        page.wait_for_load_state("networkidle")
                    save_screenshot(page, PICTURES / f"{name}-{size}-{scheme}.webp", QUALITY)
                context.close()
    write_readme()


if __name__ == "__main__":
    main()
