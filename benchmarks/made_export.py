"""Generates a large export in WordPress's format. The bytes are always the same for the same number of posts."""

import datetime as dt
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

TAGS_PER_POST = 10
MAX_TAGS = 30_000
# One in this many posts has a thread, with the comments of all of them.
POSTS_PER_THREAD = 3
COMMENTS_PER_POST = 1.5
FIRST_POST = dt.datetime(2010, 3, 12)  # noqa: DTZ001  # dates in exports are naive
YEARS = 15

PIECES: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
WORDS: list[str] = PIECES["words"].split()


def write_export(path: Path, posts: int, *, short: bool = False, tags: int | None = None) -> None:
    """Write an export of `posts` posts, with TAGS_PER_POST tags and COMMENTS_PER_POST comments each on average.

    `tags` is the number of different tags, by default at most MAX_TAGS.
    """
    with path.open("w", encoding="utf-8") as file:
        file.writelines(make_export(posts, short=short, tags=tags))


def make_export(posts: int, *, short: bool, tags: int | None = None) -> Iterator[str]:
    rng = random.Random(2010)  # noqa: S311  # test data needs no secrecy
    texts = Texts(rng, short=short)
    terms = [make_term(number) for number in range(min(MAX_TAGS, posts * 3 // 2) if tags is None else tags)]
    yield PIECES["head"]
    yield from (PIECES["category"].format(number=number) for number in range(20))
    yield from (PIECES["tag"].format(**term) for term in terms)
    step = dt.timedelta(seconds=YEARS * 365 * 24 * 3600 // posts)
    for post in range(1, posts + 1):
        first, last = (int(n // POSTS_PER_THREAD * POSTS_PER_THREAD * COMMENTS_PER_POST) for n in (post - 1, post))
        last = int(posts * COMMENTS_PER_POST) if post == posts else last
        date = FIRST_POST + post * step
        # A few tags have many posts, and most have few.
        chosen = dict.fromkeys(int(len(terms) * rng.random() ** 3) for _tag in range(TAGS_PER_POST * 2))
        yield PIECES["item"].format(
            number=post,
            date=date,
            topic=post % 20,
            tags="".join(PIECES["item_tag"].format(**terms[index]) for index in list(chosen)[:TAGS_PER_POST]),
            title=" ".join(rng.choices(WORDS, k=8)),
            text=texts.make("classic" if post % 3 else "blocks"),
            comments="".join(make_thread(range(first + 1, last + 1), date, rng)),
        )
    yield "</channel>\n</rss>\n"


def make_term(number: int) -> dict[str, str]:
    """Return the slug and name of a tag. Every fifth is in another script."""
    name = PIECES["names"][number % 7] if number % 5 == 0 else f"{WORDS[number % 16]} rights"
    name = f"{name} {number}"
    return {"slug": quote(name.lower().replace(" ", "-").replace("’", "")).lower(), "name": name}


def make_thread(numbers: range, date: dt.datetime, rng: random.Random) -> Iterator[str]:
    for number in numbers:
        parent = rng.choice(numbers[: number - numbers.start]) if number > numbers.start else 0
        words = " ".join(rng.choices(WORDS, k=40))
        yield PIECES["comment"].format(number=number, person=number % 900, date=date, words=words, parent=parent)


class Texts:
    """Builds texts of 1 to 6 kB, or `short` ones of 200 to 600 characters, from prepared pieces."""

    def __init__(self, rng: random.Random, *, short: bool = False) -> None:
        self._rng = rng
        # The minimum and maximum number of paragraphs, the sentences in each, and the probability of each other piece.
        self._size = (2, 4, 1, 0.1) if short else (2, 9, 4, 0.4)
        self._sentences = [self._sentence() for _number in range(2000)]
        self._quotes = [self._paragraph() for _number in range(100)]

    def make(self, style: str) -> str:
        """Make a text in the `classic` style or from `blocks`."""
        texts = [self._paragraph() for _number in range(self._rng.randint(*self._size[:2]))]
        parts = [PIECES["paragraphs"][style].format(text=text) for text in texts]
        number = self._rng.randrange(10**6)
        values: dict[str, Any] = {"number": number, "video": f"abcdefg{number % 10000:04}"}
        if style == "classic":
            values |= {"quote": self._rng.choice(self._quotes), "lines": self._rng.choices(self._sentences, k=4)}
        else:
            values |= {"quote": self._paragraph()}
        extras = PIECES["extras"][style]
        parts[1:1] = [extra.format(**values) for extra in extras if self._rng.random() < self._size[3]]
        return "\n\n".join(parts)

    def _paragraph(self) -> str:
        return " ".join(self._rng.choices(self._sentences, k=self._size[2]))

    def _sentence(self) -> str:
        words = self._rng.choices(WORDS, k=12)
        number = self._rng.randrange(10**6)
        kind = self._rng.random()
        if kind < 0.12:
            url = f"{PIECES['hosts'][number % 3]}/2014/03/{number}/?utm_source=a&amp;b=c"
            words[3] = f'<a href="{url}" target="_blank">{words[3]}</a>'
        elif kind < 0.2:
            words[5] = f"<strong>{words[5]}</strong>"
        elif kind < 0.25:
            words.append(f"(see {PIECES['hosts'][2]}/articles/{number}/)")
        return " ".join(words).capitalize() + ".\n" * (kind > 0.95) + "."
