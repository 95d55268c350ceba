"""Measures what editors do with tags on a site with 50,000 of them and 500,000 assignments. See README.md."""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import scratch_site  # isort: split

from django.db import connection
from django.test import Client

from accounts.models import User
from blog.models import Post, Status
from core.twins import find_twins
from tags import curation, twins
from tags.models import Tag, TaggedPost
from tags.names import keys_of

REPEATS = 20
SYLLABLES = "ba co di fe gu ha ji ko lu ma ne or pa qi ra su ti ur ve wa xi yo za".split()  # noqa: SIM905  # more readable
COMMON = "human rights defenders women freedom of expression the protection award Martin Ennals United Nations".split()  # noqa: SIM905  # as above


def make_names(count: int, chance: random.Random) -> list[str]:
    """Return different names of one to four words. Many contain the same common words, and some are twins."""
    names: dict[str, None] = {}
    while len(names) < count:
        words = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(chance.randint(1, 2))]
        words += chance.sample(COMMON, chance.randint(0, 2))
        chance.shuffle(words)
        names[" ".join(words)] = None
        if chance.random() < 0.05:
            names[" ".join(words) + "s"] = None
    return list(names)[:count]


def build(tag_count: int, row_count: int) -> None:
    """Create the tags and posts. As on real sites, a few tags have most of the rows."""
    chance = random.Random(12)  # noqa: S311  # the same site in each run
    author = User.objects.create_superuser("owner", display_name="Owner")
    posts = [
        Post(title=f"Post {n}", slug=f"post-{n}", author=author, status=Status.DRAFT) for n in range(row_count // 10)
    ]
    posts = Post.objects.bulk_create(posts, batch_size=1000)
    names = make_names(tag_count, chance)
    slugs = (f"tag-{n}" for n in range(tag_count))
    tags = [Tag(name=n, slug=s, **keys_of(n)) for n, s in zip(names, slugs, strict=True)]
    tags = Tag.objects.bulk_create(tags, batch_size=1000)
    weights = [1 / (rank + 10) for rank in range(tag_count)]
    rows: set[tuple[int, int]] = set()
    while len(rows) < row_count:
        chosen = chance.choices(range(tag_count), weights, k=row_count // 5)
        rows.update((chance.randrange(len(posts)), tag) for tag in chosen)
    tagged = [TaggedPost(content_object=posts[post], tag=tags[tag]) for post, tag in list(rows)[:row_count]]
    TaggedPost.objects.bulk_create(tagged, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def measure(label: str, action: Callable[[], object], repeats: int = REPEATS) -> None:
    """Print the median and longest CPU time of an action, and how many queries it makes."""
    action()
    with scratch_site.recorded_queries() as queries:
        action()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        seconds.append(time.process_time() - start)
    median, longest = statistics.median(seconds) * 1000, max(seconds) * 1000
    print(f"{label:<48} {len(queries):3} queries {median:9.1f} ms, longest {longest:9.1f} ms")


def merge_and_undo(ids: list[int], target: int, owner: User) -> None:
    curation.undo(curation.merge(ids, target, owner).pk, owner)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tags", type=int, default=50_000)
    parser.add_argument("--rows", type=int, default=500_000)
    options = parser.parse_args()
    scratch_site.migrate()
    # A second run in the same BROADSIDE_DATA measures the same site.
    if not Tag.objects.exists():
        build(options.tags, options.rows)
    owner = User.objects.get()
    client = Client(headers={"host": "localhost"})
    client.force_login(owner)
    for typed in ("h", "hu", "human", "human rights", "bacodi", "Ënnals", "nothing like it"):
        measure(f"suggest “{typed}”", lambda t=typed: client.get("/admin/tags/tag/suggest/", {"q": t}))  # type: ignore[misc]  # binds the loop variable
    words = " ".join(random.Random(5).choices(Tag.objects.values_list("name", flat=True)[:3000], k=500))  # noqa: S311  # as above
    measure(
        f"suggest for a text of {len(words) // 1000} kB",
        lambda: client.post("/admin/tags/tag/suggest/", {"text": words}),
    )
    for label, query in {
        "list": "",
        "list, by count": "?o=-3",
        "list, search": "?q=ennals+award",
        "list, unused": "?use=unused",
        "list, used once": "?use=once",
    }.items():
        measure(label, lambda q=query: client.get(f"/admin/tags/tag/{q}"), repeats=5)  # type: ignore[misc]  # as above
    names = list(Tag.objects.values_list("name", flat=True)[:20_000])
    measure("twins among 20,000 names: comparing", lambda: find_twins(names), repeats=3)
    measure("twins among all tags: with reading and storing", twins.search, repeats=1)
    measure("list, with twins", lambda: client.get("/admin/tags/tag/?use=twins"), repeats=5)
    most_used: list[Any] = list(Tag.objects.with_counts().order_by("-post_count")[:4])  # type: ignore[misc]  # with_counts adds it
    ids, target = [tag.pk for tag in most_used[1:]], most_used[0].pk
    row_count = sum(tag.post_count for tag in most_used)
    measure(f"merge the four most used tags ({row_count:,} rows), undo", lambda: merge_and_undo(ids, target, owner), 1)


main()
