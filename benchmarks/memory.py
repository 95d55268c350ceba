"""Measures the memory of a worker after a crawler has asked for the pages of a large blog. See README.md."""

import argparse
import http.client
import random

import scratch_site  # isort: split

from make_corpus import make_corpus

from blog.models import Post
from tags.models import Tag

# 2010 is the first year of the corpus.
ARCHIVES = [f"/{2010 + year}/{month:02}/" for year in range(15) for month in range(1, 13)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=20_000)
    options = parser.parse_args()
    scratch_site.migrate()
    # A second run in the same BROADSIDE_DATA measures the same site.
    if not Post.objects.exists():
        make_corpus(options.posts)
    chance = random.Random(7)  # noqa: S311  # the same pages in each run
    posts = [post.get_absolute_url() for post in Post.objects.published().only("kind", "slug", "published_on")]
    tags = [tag.get_absolute_url() for tag in Tag.objects.only("slug")[:50_000]]
    paths = (
        posts + tags + [f"{url}feed/" for url in tags] + ARCHIVES + [f"/page/{n}/" for n in range(2, len(posts) // 10)]
    )
    chosen = chance.choices(paths, k=options.requests)
    with scratch_site.serve_application("config.rsgi:application", interface="rsgi") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        print(f"{'pages':>8}{'MiB':>8}", flush=True)
        for number, path in enumerate(["/", *chosen]):
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
            if number % max(1, options.requests // 5) == 0:
                print(f"{number:>8,}{server.worker_bytes() / 2**20:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
