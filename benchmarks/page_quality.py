"""Validates every kind of page, and grades it as on a phone. With `--site demo`, only checks one of the two sites.

Makes a site with the content of the demo and one with imported texts, serves them, and prints a table: the remarks of
the Nu Html Checker about HTML and CSS, the four grades of Lighthouse, the layout shift, and how many bytes of HTML,
styles and scripts are sent. Then it weighs all other pages of the demo, and names the heaviest. Fails unless there are
no remarks, all grades are 100, nothing shifts, the first image is loaded at once, and the pages of the demo are light
enough.

Needs Chromium, Node.js with npm, and Java (Debian: chromium npm default-jre-headless). Takes about ten minutes.
"""

import argparse
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import brotli
import scratch_site  # isort: split

from django.core.management import call_command
from django.db import connection
from page_weight import CHROMIUM
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from processes import PROJECT, free_port

from accounts.models import User
from blog.models import Category, Page, Post
from core.models import SiteSettings
from tags.models import Tag
from tests.factories import PostFactory, at
from tests.factories.imported_bodies import IMPORTED, make_imported_posts
from tests.factories.whole_site import PUBLIC, make_blog

LIMIT = 14_600
# Other work on the machine makes a page look slow.
ATTEMPTS = 3
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PACKAGES = ("lighthouse@12", "vnu-jar@26")
DEMO = {
    "front page": "/",
    "front page, second": "/page/2/",
    "post with an image": "/2026/10/12/harbour-lamp-award-2026-shortlist/",
    "post with comments": "/2015/03/18/the-widows-filing-cabinet/",
    "post in Arabic": "/2016/09/21/من-هم-المدافعون-عن-حقوق-الإنسان/",
    "post with documents": "/2016/12/09/a-field-guide-for-first-visits/",
    "page": "/about/",
    "privacy": "/privacy/",
    "tag": "/tag/human-rights-awards/",
    "two tags": "/tag/human-rights-awards+united-nations/",
    "category": "/category/human-rights-defenders/",
    "tags": "/tags/",
    "tags with a letter": "/tags/c/",
    "archive": "/archive/",
    "year": "/2016/",
    "month": "/2016/09/",
    "day": "/2016/09/21/",
    "search": "/?s=lamp",
    "search of comments": "/?s=lamp&kind=comments",
    "not found": "/nothing/",
}
OF_THE_TESTS = {
    **PUBLIC,
    **IMPORTED,
    "list of imported": "/2018/05/02/",
    "hostile, HTML": "/2017/01/01/hostile-html/",
    "hostile, WordPress": "/2017/01/01/hostile-wordpress/",
}
# These pages are only validated: their images don't exist, and some of their links are empty.
UNGRADED = ("hostile, HTML", "hostile, WordPress")
# Remarks of the checker that we ignore on purpose.
KNOWN = re.compile(
    # A property that it doesn't know yet.
    r"“field-sizing”"
    # The standard allows `sizes="auto"` without `srcset`, for images in a `picture`.
    r"|“sizes” attribute must only be specified if"
    # If a picture has several sources, it checks the next source instead of the image, which is loaded lazily.
    r"|The “img” element must have a “loading” attribute set to “lazy”. ><picture>"
    # Some of the made-up words exist in another language.
    r"|This document appears to be written in"
    # All browsers have supported it since 2021.
    r"|The “inputmode” attribute is not supported in all browsers"
    # Imported texts aren't restructured: emphasised text stays emphasised, however many paragraphs it has.
    r"|Element “(?:blockquote|details|div|dl|figure|h[1-6]|hr|[ou]l|p|pre|section|table)” not allowed as child"
    r" of element “(?:b|del|em|h[1-6]|i|ins|pre|s|small|span|strong|sub|sup|u)”"
    # Comments are articles that begin with their author, and footnotes are a section marked by a line.
    r"|Article lacks heading.*<article> <head|Section lacks heading.*class=\"footnotes\""
)
NOINDEX = re.compile(rb'<meta name="robots" content="(?:noindex|NONE)\b')
# Audits that pages fail on purpose: search engines must not list the page, so it has no description for them.
ON_PURPOSE = {"login": ("meta-description",)}
# A phone's, in CSS pixels.
VIEWPORT: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True, slots=True)
class Grades:
    """The results of Lighthouse for a page."""

    scores: tuple[int, ...]
    shift: float
    failed: tuple[str, ...]


def make_demo() -> Mapping[str, str]:
    call_command("load_demo", stdout=io.StringIO())
    return DEMO


def make_imported() -> Mapping[str, str]:
    """Make a site with texts from WordPress, and with hostile texts that contain everything that a text may contain."""
    make_blog()
    SiteSettings.objects.update(title="Imported", tagline="With texts from elsewhere.")
    writer = User.objects.get(username="writer")
    make_imported_posts(writer)
    pieces = tomllib.loads((PROJECT / "benchmarks" / "rendering.toml").read_text("utf-8"))
    rng = random.Random(1)  # noqa: S311  # test data needs no secrecy
    for markup in ("html", "wordpress"):
        every = pieces["html"]["pieces"] + (pieces["wordpress"]["pieces"] if markup == "wordpress" else [])
        source = "\n\n".join("".join(rng.sample(every, len(every))) for _time in range(3)).replace("№", "7")
        fields = {"slug": f"hostile-{markup}", "markup": markup, "author": writer, "published_at": at(2017, 1, 1)}
        PostFactory(title=f"Hostile <{markup}>", source=source, **fields)
    return OF_THE_TESTS


SITES = {"demo": make_demo, "imported": make_imported}


def fetch(url: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the page at a URL, and the Lighthouse audits that it fails on purpose."""
    try:
        response = urllib.request.urlopen(url)  # noqa: S310  # our own server
    except urllib.error.HTTPError as error:
        return error.read(), ("http-status-code", "is-crawlable", "errors-in-console")
    with response:
        content: bytes = response.read()
    is_hidden = "noindex" in response.headers.get("X-Robots-Tag", "") or NOINDEX.search(content)
    return content, ("is-crawlable",) if is_hidden else ()


def validate(tools: Path, pages: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return the remarks of the Nu Html Checker about each page and, under "styles", about the style sheets."""
    remarks: dict[str, list[str]] = {name: [] for name in [*pages, "styles"]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {folder / f"{number}.html": page for number, page in enumerate(pages)}
        for file, page in files.items():
            file.write_bytes(pages[page])
        files |= dict.fromkeys((PROJECT / "static/css").glob("*.css"), "styles")
        jar = tools / "node_modules/vnu-jar/build/dist/vnu.jar"
        options = ["--format", "json", "--also-check-css", "--exit-zero-always"]
        command: list[str | Path] = ["java", "-Xss8m", "-jar", jar, *options, *files]
        run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own command
    for message in json.loads(run.stderr)["messages"]:
        kind = message.get("subType", message["type"])
        text = f"{kind}: {message['message']} {' '.join(message.get('extract', '').split())}"
        if kind != "info" and not KNOWN.search(text):
            remarks[files[Path(message["url"].removeprefix("file:"))]].append(text)
    return remarks


def grade(tools: Path, url: str, skipped: tuple[str, ...]) -> Grades:
    """Grade a page as on a phone with a slow connection, skipping these audits."""
    command: list[str | Path] = [
        tools / "node_modules/.bin/lighthouse",
        url,
        "--quiet",
        "--output=json",
        "--ignore-status-code",
    ]
    command += [f"--only-categories={','.join(CATEGORIES)}", "--no-enable-error-reporting"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    command += [f"--skip-audits={','.join(skipped)}"] if skipped else []
    environment = os.environ | {"CHROME_PATH": CHROMIUM or ""}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    if run.returncode:
        raise SystemExit(f"Lighthouse could not grade {url}:\n{run.stderr}")
    report = json.loads(run.stdout)
    audits: dict[str, Any] = report["audits"]
    categories = [report["categories"][name] for name in CATEGORIES]
    counted = {audit["id"] for each in categories for audit in each["auditRefs"] if audit["weight"]}
    failed = [f"{name}: {audits[name]['title']}" for name in sorted(counted) if (audits[name]["score"] or 0) < 0.9]
    relevant = [name for name in failed if audits[name.partition(":")[0]]["score"] is not None]
    return Grades(
        scores=tuple(round(100 * (each["score"] or 0)) for each in categories),
        shift=audits["cumulative-layout-shift"]["numericValue"],
        failed=tuple(relevant),
    )


def weigh(browser: Browser, url: str) -> int:
    """Return the size in bytes of a page with the styles and scripts that it loads, compressed as they are sent."""
    files: set[str] = set()
    page = browser.new_page(viewport=VIEWPORT, is_mobile=True)
    page.on("request", lambda sent: files.add(sent.url) if sent.resource_type in ("stylesheet", "script") else None)
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.close()
    return len(brotli.compress(fetch(url)[0], quality=5)) + sum(map(weigh_file, files))


@cache
def weigh_file(url: str) -> int:
    return len(brotli.compress(fetch(url)[0], quality=11))


def demo_paths() -> dict[str, list[str]]:
    """Return the paths of the posts of the demo, and of the other pages with texts, by kind."""
    objects = {
        "posts": Post.objects.published(),
        "pages": Page.objects.published(),
        "authors": User.objects.filter(entries__in=Post.objects.published()).distinct(),
        "categories": Category.objects.all(),
        "tags": Tag.objects.all(),
    }
    return {name: [each.get_absolute_url() for each in rows] for name, rows in objects.items()}


def weigh_all(browser: Browser, origin: str, paths: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield, for each kind, its heaviest page and the pages that are too heavy."""
    for kind, some in paths.items():
        weights = {path: weigh(browser, f"{origin}{path}") for path in some}
        heaviest = max(weights, key=weights.__getitem__)
        too_heavy = [f"{path} is too heavy: {weight:,}" for path, weight in weights.items() if weight > LIMIT]
        yield f"The heaviest of {len(some)} {kind}: {heaviest} with {weights[heaviest]:,} bytes.", too_heavy


def first_image_waits(page: bytes) -> bool:
    """Whether the first image of the content is loaded only when it scrolls into view."""
    image = re.search(rb"<img[^>]*>", page.partition(b"<main")[2].partition(b"</main>")[0])
    return bool(image) and b'loading="lazy"' in (image[0] if image else b"")


def rows(
    tools: Path, browser: Browser, site: str, origin: str, paths: Mapping[str, str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield, for each kind of page, its line of the table, and what is wrong."""
    urls = {name: f"{origin}{quote(path, safe='/?=&+#')}" for name, path in paths.items()}
    fetched = {name: fetch(url) for name, url in urls.items()}
    pages = {name: page for name, (page, _skipped) in fetched.items()}
    remarks = validate(tools, pages)
    for name, page in pages.items():
        if name in UNGRADED:
            yield f"| {name} | {len(remarks[name])} | | | | | | |", remarks[name]
            continue
        for _attempt in range(ATTEMPTS):
            grades = grade(tools, urls[name], fetched[name][1] + ON_PURPOSE.get(name, ()))
            if min(grades.scores) == 100:
                break
        weight = weigh(browser, urls[name])
        faults = [*remarks[name]]
        if min(grades.scores) < 100:
            faults += grades.failed or ("Slow",)
        if grades.shift:
            faults.append(f"The layout shifts by {grades.shift:.3f}.")
        if first_image_waits(page):
            faults.append("The first image is not loaded at once.")
        if site == "demo" and weight > LIMIT:
            faults.append("It is too heavy.")
        scores = " | ".join(map(str, grades.scores))
        yield f"| {name} | {len(remarks[name])} | {scores} | {grades.shift:.2f} | {weight:,} |", faults
    yield f"| the style sheets | {len(remarks['styles'])} | | | | | | |", remarks["styles"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", choices=SITES, help="only check this site (default: both, in separate processes)")
    parser.add_argument("--tools", type=Path, help="folder for the npm packages, to reuse them")
    parser.add_argument("--only", nargs="+", metavar="KIND", help="only these kinds of pages, as named in the table")
    parser.add_argument("--weights", action="store_true", help="only weigh the pages of the demo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        tools = options.tools or Path(temporary)
        tools.mkdir(parents=True, exist_ok=True)
        if not options.weights and not (tools / "node_modules/vnu-jar").exists():
            install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", tools, *PACKAGES]
            subprocess.run(install, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  # our own command
        if not options.site and not options.weights:
            again = [sys.executable, __file__, "--tools", tools]
            return max(subprocess.run([*again, "--site", site], check=False).returncode for site in SITES)  # noqa: S603  # our own command
        site = options.site or "demo"
        scratch_site.migrate()
        paths = SITES[site]()
        weighed = demo_paths() if site == "demo" and not options.only else {}
        if options.only:
            paths = {name: path for name, path in paths.items() if name in options.only}
        call_command("make_renditions", stdout=io.StringIO())
        call_command("collectstatic", "--no-input", verbosity=0)
        connection.close()
        port = free_port()
        origin = f"http://localhost:{port}"
        faulty = 0
        with scratch_site.serve(settings={"SITE_URL": origin}, port=port), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            lines = weigh_all(browser, origin, weighed)
            if not options.weights:
                print(f"{site}\n| page | remarks | {' | '.join(CATEGORIES)} | shift | bytes |\n| --- |{' ---: |' * 7}")
                lines = chain(rows(tools, browser, site, origin, paths), lines)
            for line, faults in lines:
                faulty += bool(faults)
                print("\n".join([line, *(f"    {fault}" for fault in faults)]), flush=True)
        return int(faulty > 0)


if __name__ == "__main__":
    sys.exit(main())
