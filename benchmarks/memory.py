"""Measures the memory of a worker while a crawler requests each page of a large blog once. See README.md."""

import argparse
import http.client
import os
import random
from collections import Counter
from collections.abc import Iterator

import scratch_site  # isort: split

from django.db.models import Count
from make_corpus import ensure_corpus

from blog.models import Category, Post
from tags.models import Tag, TaggedPost

POSTS_PER_PAGE = 10
TITLES_PER_PAGE = 200


def pages(url: str, posts: int, per_page: int = POSTS_PER_PAGE) -> Iterator[str]:
    """Yield the pages of a listing with this many posts."""
    yield url
    yield from (f"{url}page/{number}/" for number in range(2, -(-posts // per_page) + 1))


def every_url() -> Iterator[str]:
    """Yield everything that is linked: posts, the pages of all listings, and the feeds of tags and categories."""
    posts = Post.objects.published()
    yield from (post.get_absolute_url() for post in posts.only("kind", "slug", "published_on"))
    yield from pages("/", posts.count())
    months = Counter(posts.values_list("published_on__year", "published_on__month"))
    for (year, month), count in months.items():
        yield from pages(f"/{year}/{month:02}/", count, TITLES_PER_PAGE)
    for category in Category.objects.all():
        yield from pages(category.get_absolute_url(), posts.filter(categories=category).count())
        yield f"{category.get_absolute_url()}feed/"
    counts = dict(TaggedPost.objects.public().values_list("tag").annotate(Count("pk")).order_by())
    for tag in Tag.objects.only("slug").iterator():
        if tag.pk in counts:
            yield from pages(tag.get_absolute_url(), counts[tag.pk])
            yield f"{tag.get_absolute_url()}feed/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--requests", type=int, help="number of pages, chosen at random (all of them)")
    options = parser.parse_args()
    ensure_corpus(options.posts)
    urls = list(every_url())
    random.Random(7).shuffle(urls)  # noqa: S311  # the same order in each run
    chosen = urls[: options.requests]
    print(f"{len(chosen):,} of {len(urls):,} pages of {options.posts:,} posts", flush=True)
    with scratch_site.serve() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        statuses: Counter[int] = Counter()
        print(f"{'pages':>9}{'MiB':>6}", flush=True)
        for number, path in enumerate(chosen, start=1):
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            response.read()
            statuses[response.status] += 1
            if number in {1, len(chosen)} or number % max(1, len(chosen) // 20) == 0:
                print(f"{number:>9,}{server.worker_bytes() / 2**20:>6.0f}", flush=True)
    print(f"statuses: {dict(statuses)}; load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
