"""Creates a blog of any size, always the same for the same number of posts. See README.md.

Other benchmarks call `ensure_corpus`; run alone, it fills the site in BROADSIDE_DATA or DATABASE_URL.
"""

import argparse
import datetime as dt
import random
import time
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import batched
from typing import Any

import scratch_site  # isort: split

from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import User
from blog.models import Category, Entry, Page, Post, PostInCategory, Status
from blog.rendering import MORE_PLACEHOLDER, RENDER_VERSION
from comments.models import Comment, CommentStatus
from core.changes import content_changed
from core.languages import interface_language
from search.models import IndexedEntry
from tags.models import Tag, TaggedPost
from tags.names import keys_of

TAGS_PER_POST = 10
# There are this many tags for each post, most of which are used once or never.
TAGS_FOR_EACH_POST = 2.5
# The higher this is, the fewer posts have the most common tag. With 3.5, it has more than 20,000 of 100,000 posts.
TAG_OFFSET = 3.5
CATEGORIES = 25
# The numbers of comments on successive posts, in a cycle: 1.5 on average.
COMMENTS = (9, 0, 1, 0, 3, 0, 0, 4, 0, 1, 0, 0)
WORDS_PER_POST = (200, 1500)
WORDS_PER_PARAGRAPH = 80
VOCABULARY = 30_000
FIRST_POST = dt.datetime(2010, 3, 12, 9, tzinfo=dt.UTC)
DAYS = 15 * 365
BATCH = 500

COMMON = (
    "the of and to in a is that for it was on are with they be at this have from by not but what all were when we "
    "there can an their which said if will human rights defenders freedom prison court lawyer letter witness "
    "protection women village harbour award report journalist expression assembly trial state law people years"
)

_ONSETS = ("b", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w", "z")
_RHYMES = ("a", "ar", "e", "el", "i", "in", "o", "on", "u", "us")


def ensure_corpus(posts: int) -> None:
    """Fill the site unless it has posts already, so that a second run in the same BROADSIDE_DATA measures the same."""
    scratch_site.migrate()
    if not Post.objects.exists():
        make_corpus(posts)
    if IndexedEntry.objects.count() < Post.objects.count():
        call_command("rebuild_search", stdout=StringIO())
        # Afterwards: if SQLite believes that the tables of FTS5 are empty, FTS5 reads them as a whole at every merge.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    connection.close()


def make_corpus(posts: int) -> None:
    """Fill an empty, migrated database with `posts` posts, and with tags, categories and comments as on a real blog."""
    rng = random.Random(2010)  # noqa: S311  # test data needs no secrecy
    texts = Texts(rng)
    author = User.objects.create_user("writer", display_name="Ana Writer")
    categories = _make_categories()
    Page.objects.create(title="About", author=author, status=Status.PUBLISHED, source="About this blog.")
    tag_ids = _make_tags(int(posts * TAGS_FOR_EACH_POST), texts)
    for numbers in batched(range(posts), BATCH):
        with transaction.atomic():
            made = Post.objects.bulk_create(_make_post(number, posts, author, texts) for number in numbers)
            filed = [
                Entry.categories.through(entry_id=post.pk, category_id=category)
                for post in made
                for category in rng.sample(categories, k=rng.choice((1, 1, 2)))
            ]
            Entry.categories.through._default_manager.bulk_create(filed)
            PostInCategory.objects.update_posts([post.pk for post in made])
            tagged = [
                TaggedPost(tag_id=tag, content_object_id=post.pk, published_at=post.published_at)
                for post in made
                for tag in _choose(tag_ids, rng)
            ]
            TaggedPost.objects.bulk_create(tagged)
            for post in made:
                _make_comments(post, texts)
    content_changed()


def most_used_tag() -> Tag:
    """Return the tag with the most posts."""
    tag: Tag = Tag.objects.order_by("pk")[0]
    return tag


class Texts:
    """Makes texts in which a few words are common and most are rare, as in real language (Zipf's law)."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        words = dict.fromkeys(COMMON.split())
        while len(words) < VOCABULARY:
            words["".join(rng.choice(_ONSETS) + rng.choice(_RHYMES) for _syllable in range(rng.randint(2, 4)))] = None
        self._words = list(words)
        total, self._weights = 0.0, []
        for rank in range(VOCABULARY):
            total += 1 / (rank + 3)
            self._weights.append(total)

    def words(self, count: int) -> list[str]:
        return self.rng.choices(self._words, cum_weights=self._weights, k=count)

    def line(self, count: int) -> str:
        return " ".join(self.words(count)).capitalize()

    def paragraphs(self) -> list[str]:
        words = self.words(self.rng.randint(*WORDS_PER_POST))
        return [f"{' '.join(some).capitalize()}." for some in batched(words, WORDS_PER_PARAGRAPH)]


def _make_categories() -> list[int]:
    categories: list[Category] = []
    for number in range(CATEGORIES):
        # Every fifth category contains the next four.
        parent = categories[number - number % 5] if number % 5 else None
        categories.append(Category.objects.create(name=f"Category {number + 1}", parent=parent))
    return [category.pk for category in categories]


def _make_tags(count: int, texts: Texts) -> list[int]:
    ids = []
    for numbers in batched(range(count), 5_000):
        # The number makes names unique.
        names = [f"{' '.join(texts.words(2))} {number}" for number in numbers]
        tags = [Tag(name=name, slug=name.replace(" ", "-"), **keys_of(name)) for name in names]
        ids += [tag.pk for tag in Tag.objects.bulk_create(tags)]
    return ids


def _choose(ids: Sequence[int], rng: random.Random) -> Iterator[int]:
    """Yield different tags. The frequency of the tag with rank n is proportional to 1 / (n + TAG_OFFSET)."""
    chosen: dict[int, None] = {}
    ratio = (len(ids) + TAG_OFFSET) / TAG_OFFSET
    # A tiny corpus has fewer tags.
    while len(chosen) < min(TAGS_PER_POST, len(ids)):
        chosen[ids[int(TAG_OFFSET * (ratio ** rng.random() - 1))]] = None
    yield from chosen


def _make_post(number: int, count: int, author: User, texts: Texts) -> Post:
    """Return a post with the HTML that rendering would produce. Half have a more marker, and half a language."""
    paragraphs = texts.paragraphs()
    has_more = number % 2 == 0
    htmls = [f"<p>{text}</p>\n" for text in paragraphs]
    lead = "".join(htmls)
    body = lead
    if has_more:
        paragraphs.insert(1, "<!--more-->")
        lead = f"<p>{paragraphs[0]} {MORE_PLACEHOLDER}</p>"
        body = f"{htmls[0]}{MORE_PLACEHOLDER}\n{''.join(htmls[1:])}"
    published_at = FIRST_POST + dt.timedelta(days=DAYS) * (number / count)
    words = paragraphs[0].split()
    post = Post(
        title=texts.line(6),
        slug=f"post-{number + 1}",
        author=author,
        status=Status.PUBLISHED,
        published_at=published_at,
        published_on=published_at.date(),
        created_at=published_at,
        source="\n\n".join(paragraphs),
        language="en" if number % 4 < 2 else "",
        lead_html=lead,
        body_html=body,
        auto_excerpt=" ".join(words[:55]) + "…",
        has_more=has_more,
        word_count=len(" ".join(paragraphs).split()),
        render_version=RENDER_VERSION,
        comment_count=COMMENTS[number % len(COMMENTS)],
    )
    post.source_digest = post._digest(interface_language(post.language))
    return post


def _make_comments(post: Any, texts: Texts) -> None:
    """Write the comments on a post, half of which are replies to an earlier one."""
    ids: list[int] = []
    for number in range(post.comment_count):
        comment = Comment(
            entry=post,
            parent_id=texts.rng.choice(ids) if ids and texts.rng.random() < 0.5 else None,
            status=CommentStatus.APPROVED,
            name=texts.line(2),
            email=f"reader{texts.rng.randrange(1000)}@example.org",
            text=f"{texts.line(40)}.",
            is_imported=True,
            created_at=post.published_at + dt.timedelta(hours=number + 1),
        )
        comment.render()
        ids += [each.pk for each in Comment.objects.bulk_create([comment])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, required=True)
    posts = parser.parse_args().posts
    start = time.monotonic()
    ensure_corpus(posts)
    print(f"{posts:,} posts, {Tag.objects.count():,} tags, {Comment.objects.count():,} comments", end="")
    print(f" in {scratch_site.FOLDER}: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
