"""Replays a labelled log of requests, and compares the counts with its labels. See README.md.

The log is generated: readers, bots, prefetches, revalidations, errors and junk, some answered by the application and
its page cache, some by nginx from files. Some bots pretend to be browsers, which no server can detect.
"""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import scratch_site  # isort: split

from django.conf import settings

from accounts.models import User
from blog.caching import PRESSED_LINK
from blog.caching.application import PageCache
from blog.models import Post, Status
from core.serving.handler import Handler
from readers.models import EntryCount, KindCount, PageKind, ReaderSettings, ReferrerCount
from readers.recording import Recorder

# How many of a thousand requests are of each kind. The rest are from readers.
SHARES: Final = {
    "bot": 250,
    "error": 50,
    "feed": 60,
    "static": 60,
    "head": 20,
    "prefetch": 20,
    "junk": 20,
    # Django answers these each time.
    "session": 2,
    "search": 2,
}
# How many of a thousand requests are from bots that pretend to be browsers.
HIDDEN_BOTS: Final = 5
# How many of a hundred readers get a file from nginx, have the page already, or follow a link on our site.
FROM_NGINX, REVALIDATING, PRESSING = 40, 15, 10
BROWSERS: Final = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.{} Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1",
]
# A Referer header, and the host for which it counts.
REFERRERS: Final = [
    *[(f"https://www.site-{number}.example/a?b=c", f"site-{number}.example") for number in range(30)],
    ("https://m.site-1.example/", "site-1.example"),
    ("https://xn--e1afmkfd.xn--p1ai/x", "xn--e1afmkfd.xn--p1ai"),
]
OTHER_REFERRERS: Final = [
    *("", "", "", ""),
    *("http://localhost/", "https://192.0.2.1/", "https://wiki.local/", "javascript:alert(1)", "\xff\xfe"),
]
FEW: Final = 10
# The number of requests between two counts. In a web process, these are some seconds apart.
ROUND: Final = 2_000


@dataclass(slots=True)
class Labels:
    """What should be counted."""

    kinds: Counter[str] = field(default_factory=Counter)
    entries: Counter[int] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    agent: str
    method: str = "GET"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_nginx: bool = False
    is_revalidation: bool = False


class Log:
    """A labelled log. All random numbers come from one seed, so the log is always the same."""

    def __init__(self, posts: list[Post], bots: list[str], seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # nothing is secret
        self._bots = bots
        self._pages = [(PageKind.ENTRY, post.get_absolute_url(), post.pk) for post in posts]
        self._pages += [(PageKind.FRONT, "/", 0)] * 12 + [(PageKind.OTHER, "/archive/", 0)]
        # A few pages are read often, and many rarely.
        self._weights = [1 / (1 + number) ** 0.8 for number in range(len(self._pages))]
        self.labels = Labels()
        self.made: Counter[str] = Counter()

    def requests(self, count: int) -> Iterator[Request]:
        names, shares = [*SHARES, "reader"], [*SHARES.values(), 1000 - sum(SHARES.values())]
        for name in self._random.choices(names, shares, k=count):
            if name == "reader" and self._random.randrange(1000) < HIDDEN_BOTS:
                name = "hidden bot"
            self.made[name] += 1
            yield self._request(name)

    def _request(self, name: str) -> Request:
        pick = self._random.choice
        ((kind, path, entry),) = self._random.choices(self._pages, self._weights)
        agent = pick(BROWSERS).format(self._random.randrange(1, 140))
        match name:
            case "reader" | "hidden bot":
                referrer, host = pick(REFERRERS) if self._random.random() < 0.3 else (pick(OTHER_REFERRERS), "")
                if name == "reader":
                    self._label(kind, entry, host)
                return self._reading(path, agent, referrer)
            case "bot":
                return Request(path, pick(self._bots), is_nginx=self._random.randrange(100) < FROM_NGINX)
            case "error":
                return Request(f"/wp-{self._random.randrange(300)}/x.php/", agent)
            case "feed":
                return Request(pick(["/feed/", "/feed/atom/", "/comments/feed/"]), agent)
            case "static":
                return Request(pick(["/robots.txt", "/favicon.ico", "/sitemap.xml", "/manifest.webmanifest"]), agent)
            case "head":
                return Request(path, agent, method="HEAD")
            case "prefetch":
                return Request(path, agent, headers=(("SEC_PURPOSE", "prefetch"), ("SEC_SPECULATION_TAGS", "null")))
            case "session":
                return Request("/", agent, headers=(("COOKIE", "sessionid=x"),))
            case "search":
                return Request("/", agent, query=f"s=word{self._random.randrange(20)}")
        return Request("/" + pick(["%ff", "\xff\xfe", "\x00", "../" * 9, "a" * 3_000, "'--", "{{7*7}}"]) + "/", agent)

    def _label(self, kind: str, entry: int, host: str) -> None:
        self.labels.kinds[kind] += 1
        if entry:
            self.labels.entries[entry] += 1
        if host:
            self.labels.hosts[host] += 1

    def _reading(self, path: str, agent: str, referrer: str) -> Request:
        headers = [("REFERER", referrer)] if referrer else []
        if self._random.randrange(100) < PRESSING:
            headers += [("SEC_PURPOSE", "prefetch"), ("SEC_SPECULATION_TAGS", f'"{PRESSED_LINK}"')]
        return Request(
            path,
            agent,
            headers=tuple(headers),
            query="utm_source=x" if self._random.random() < 0.1 else "",
            is_nginx=self._random.randrange(100) < FROM_NGINX,
            is_revalidation=self._random.randrange(100) < REVALIDATING,
        )


class Site:
    """The page cache in this process, and the log that nginx would write."""

    def __init__(self, pages: Path) -> None:
        settings.BROADSIDE_PAGES_FOLDER = pages
        self.recorder = Recorder()
        # Without this, the page cache would write files, and little else would be measured.
        settings.BROADSIDE_PAGES_FOLDER = None
        self._folder = pages / "requests"
        self.cache = PageCache(Handler())
        self._answer: Any = self.recorder.watched(self.cache)
        self._etags: dict[str, str] = {}
        self._lines: list[str] = []
        self._files = 0

    def send(self, request: Request) -> None:
        if request.is_nginx:
            self._write_line(request)
            return
        environ = environment(request)
        if request.is_revalidation and (etag := self._etags.get(request.path)):
            environ["HTTP_IF_NONE_MATCH"] = etag
        body = self._answer(environ, lambda status, headers, *_more: self._remember(request.path, dict(headers)))
        if close := getattr(body, "close", None):
            close()

    def _remember(self, path: str, headers: dict[str, str]) -> None:
        if etag := headers.get("ETag"):
            self._etags[path] = etag

    def _write_line(self, request: Request) -> None:
        headers = dict(request.headers)
        status = "304" if request.is_revalidation else "200"
        purpose = [headers.get(name, "") for name in ("SEC_PURPOSE", "SEC_SPECULATION_TAGS", "SEC_FETCH_DEST")]
        line = [status, f"/current{request.path}index.html", headers.get("REFERER", ""), request.agent, *purpose]
        self._lines.append(json.dumps(line))

    def count(self) -> None:
        if self._lines:
            self._files += 1
            path = self._folder / f"{self._files}.log"
            path.write_text("\n".join(self._lines) + "\n" + self._lines[0][:30])
            os.utime(path, (time.time() - 10,) * 2)
            self._lines.clear()
        self.recorder.record()


def environment(request: Request) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT_ENCODING": "br",
        "HTTP_USER_AGENT": request.agent,
        "wsgi.url_scheme": "http",
        "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
    }
    return environ | {f"HTTP_{name}": value for name, value in request.headers}


def microseconds_of_a_hit(site: Site, path: str, rounds: int) -> tuple[float, float]:
    """Return the time for a page from memory, without and with counting: the medians of several rounds."""
    without: Any = site.cache.answer_from_memory
    with_counting: Any = site.recorder.watched(without)
    times: dict[Any, list[float]] = {without: [], with_counting: []}
    environ = environment(Request(path, BROWSERS[0].format(1), headers=(("REFERER", "https://www.site-1.example/"),)))
    for _round in range(rounds):
        for answer in times:
            start = time.perf_counter()
            for _request in range(1_000):
                answer(dict(environ), lambda *_start: None)
            times[answer].append((time.perf_counter() - start) * 1_000)
        site.recorder.record()
    return statistics.median(times[without]), statistics.median(times[with_counting])


def build(count: int) -> list[Post]:
    scratch_site.migrate()
    author = User.objects.create_user("writer")
    ReaderSettings.objects.update(count_readers=True)
    text = {"source": "Some text.", "status": Status.PUBLISHED, "author": author}
    return [Post.objects.create(title=f"Post {n}", **text) for n in range(count)]


def listed_bots() -> list[str]:
    """Return user agents of bots: the examples in the published list."""
    spec = find_spec("crawleruseragents")
    origin = Path(spec.origin if spec and spec.origin else "")
    listed = json.loads(origin.with_name("crawler-user-agents.json").read_text(encoding="utf-8"))
    return [example for bot in listed for example in bot.get("instances", [])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    posts = build(options.posts)
    log, site = Log(posts, listed_bots(), options.seed), Site(scratch_site.FOLDER / "pages")
    site.count()
    # Failures here must not hide among the responses.
    started = time.monotonic()
    for number, request in enumerate(log.requests(options.requests), 1):
        site.send(request)
        if number % ROUND == 0:
            site.count()
    site.count()
    seconds = time.monotonic() - started
    print(f"{options.requests:,} requests in {seconds:,.0f} seconds: {dict(log.made.most_common())}\n")
    worst = report(log.labels)
    rounds = 30 if options.requests > 10_000 else 1
    without, with_counting = microseconds_of_a_hit(site, posts[0].get_absolute_url(), rounds)
    print(f"\nA page from memory takes {without:.1f} µs without counting, {with_counting:.1f} µs with it.")
    if worst > 0.02:
        sys.exit(f"A total differs by {worst:.2%}.")


def report(labels: Labels) -> float:
    """Print labels and counts, and return the largest difference between totals."""
    kinds = dict(KindCount.objects.values_list("kind", "count"))
    entries = dict(EntryCount.objects.values_list("entry_id", "count"))
    hosts = dict(ReferrerCount.objects.values_list("host", "count"))
    rows = [(str(kind.label), labels.kinds[kind], kinds.get(kind, 0)) for kind in PageKind]
    rows += [
        ("All pages", labels.kinds.total(), sum(kinds.values())),
        ("All entries", labels.entries.total(), sum(entries.values())),
        ("The most read entry", *_greatest(labels.entries, entries)),
        ("All referring hosts", labels.hosts.total(), sum(hosts.values())),
        ("The most frequent host", *_greatest(labels.hosts, hosts)),
    ]
    print("| | labelled | counted | difference |\n| --- | ---: | ---: | ---: |")
    for name, labelled, counted in rows:
        print(f"| {name} | {labelled:,} | {counted:,} | {_difference(labelled, counted):.2%} |")
    # A few more or less don't count as a difference.
    totals = [(labelled, counted) for _name, labelled, counted in rows if abs(labelled - counted) > FEW]
    return max((_difference(labelled, counted) for labelled, counted in totals), default=0)


def _greatest(labels: Counter[Any], counts: dict[Any, int]) -> tuple[int, int]:
    ((key, labelled),) = labels.most_common(1)
    return labelled, counts.get(key, 0)


def _difference(labelled: int, counted: int) -> float:
    return abs(counted - labelled) / max(labelled, 1)


if __name__ == "__main__":
    main()
