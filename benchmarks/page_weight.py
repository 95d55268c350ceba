"""Measures what pages of a running site, such as that of `make demo`, weigh on a phone: `page_weight.py URL…`.

Prints the bytes that a browser receives for everything on the page, compressed and with headers, by screen density. The
limit is 60 kB for a page of the demo with an image.
"""

import shutil
import sys

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LIMIT = 60_000
# In CSS pixels, like most phones.
WIDTH, HEIGHT = 390, 844


def weigh(browser: Browser, url: str, density: int) -> int:
    """Return the bytes received for the part of the page that a reader sees before scrolling."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=density, is_mobile=True
    )
    page = context.new_page()
    received: list[int] = []
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda event: received.append(int(event["encodedDataLength"])))
    page.goto(url)
    page.wait_for_load_state("networkidle")
    context.close()
    return sum(received)


def main(urls: list[str]) -> int:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        weights = {(url, density): weigh(browser, url, density) for url in urls for density in (1, 2, 3)}
        browser.close()
    for (url, density), weight in weights.items():
        print(f"{weight / 1000:6.1f} kB at {density}x  {url}{'  TOO HEAVY' if weight > LIMIT else ''}")
    return int(max(weights.values()) > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
