"""Measures the cost of searches, in units of a bare Django view in the same run. See README.md."""

import argparse
import http.client
import statistics
from urllib.parse import urlencode

import scratch_site  # isort: split

from make_corpus import ensure_corpus

from blog.models import Post
from core.models import SiteSettings
from search.finding import find_entries
from search.queries import parse

# The page cache ignores these requests, as it does those of `verify_import`.
UNCACHED = {"Cache-Control": "no-store"}
SEARCHES = {
    "two common words": {"s": "human rights"},
    "two common words, newest first": {"s": "human rights", "sort": "newest"},
    "two common words, page 9": {"s": "human rights", "page": "9"},
    "two common words, narrowing down": {"s": "human rights", "narrow": "1"},
    "one common word": {"s": "prison"},
    "a phrase": {"s": '"human rights"'},
    "words and a year": {"s": "human rights after:2015 before:2016"},
    "a common and a rare word": {"s": "human chabarde"},
    "nothing found, no suggestion": {"s": "xyzzyqwert"},
    "comments": {"s": "human", "kind": "comments"},
    # The slowest searches: common words that rarely occur together, many words, and filters that leave hardly anything.
    "hostile: beginnings of many words": {"s": "bar che dar"},
    "hostile: twelve common words": {"s": "the of and to in a is that for it was on"},
    "hostile: common words left out": {"s": "human -the"},
}


def path_of(search: dict[str, str]) -> str:
    """Return the URL of a search, as the pager links it."""
    page = search.get("page")
    parameters = {name: value for name, value in search.items() if name != "page"}
    return f"{f'/page/{page}/' if page else '/'}?{urlencode(parameters)}"


def cpu_of(server: scratch_site.Server, path: str, count: int) -> float:
    """Return the processor time of one request in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    before = server.cpu_seconds()
    for _request in range(count):
        connection.request("GET", path, headers=UNCACHED)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status}")
    connection.close()
    return (server.cpu_seconds() - before) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5_000)
    parser.add_argument("--requests", type=int, default=50, help="in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="report the median of this many rounds (%(default)s)")
    options = parser.parse_args()
    ensure_corpus(options.posts)
    totals = {
        name: len(find_entries(parse(search["s"]), SiteSettings.current()).pks) for name, search in SEARCHES.items()
    }
    with (
        scratch_site.serve_bare_view() as bare,
        scratch_site.serve() as ours,
    ):
        cpu_of(bare, "/", min(200, options.requests * 5))
        for search in SEARCHES.values():
            cpu_of(ours, path_of(search), min(10, options.requests))
        units: list[float] = []
        costs: dict[str, list[float]] = {name: [] for name in ("front page", *SEARCHES)}
        for _round in range(options.rounds):
            units.append(cpu_of(bare, "/", options.requests * 5))
            costs["front page"].append(cpu_of(ours, "/", options.requests) / units[-1])
            for name, search in SEARCHES.items():
                costs[name].append(cpu_of(ours, path_of(search), options.requests) / units[-1])
    print(f"{Post.objects.count():,} posts; b = {statistics.median(units) * 1000:.3f} ms of CPU")
    print(f"{'not in the page cache':<36}{'ranked':>10}{'CPU':>9}")
    for name, each in costs.items():
        print(f"{name:<36}{totals.get(name, ''):>10}{statistics.median(each):>7.1f} b")


if __name__ == "__main__":
    main()
