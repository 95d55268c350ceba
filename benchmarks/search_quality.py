"""Measures whether searches find what is relevant (recall), and nothing else (precision). See README.md."""

import argparse
import random
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import scratch_site  # isort: split

from django.core.management import call_command

from accounts.models import User
from blog.models import Post, Status
from core.changes import entries_changed
from core.models import SiteSettings
from search.finding import find_entries
from search.queries import parse

JUDGED = Path(__file__).with_suffix(".toml")
FIRST = 10
# How many texts in each language are irrelevant to all searches.
OTHERS = 40


class Judged(NamedTuple):
    """A search, the IDs of the texts that it should find, and its part of the report.

    `is_complete` is whether no other texts are relevant; in the sample content, some may be.
    """

    typed: str
    relevant: frozenset[int]
    part: str
    is_complete: bool = True


def make_texts(language: dict[str, Any], author: User, rng: random.Random) -> Iterator[Judged]:
    """Create a text about each topic and place, and irrelevant ones. Yield a search for each text, topic and place."""
    by_topic: defaultdict[str, set[int]] = defaultdict(set)
    by_place: defaultdict[str, set[int]] = defaultdict(set)
    code, part = language["code"], language["code"]
    for number, (topic, place) in enumerate((t, p) for t in language["topics"] for p in language["places"]):
        sentence = rng.choice(language["sentences"]).format(topic=topic[0], place=place[0])
        filler = [rng.choice(language["filler"]) for _sentence in range(6)]
        # The subject is in the title, in the middle of the text, or in a tag and in the text.
        title, text, tags = filler[0], filler[1:], []
        if number % 3 == 0:
            title = sentence
        elif number % 3 == 1:
            text.insert(rng.randrange(len(text)), sentence)
        else:
            tags = [topic[0]]
            text.insert(rng.randrange(len(text)), sentence)
        pk = make_post(title, " ".join(text), tags, code, author)
        by_topic[topic[1]].add(pk)
        by_place[place[1]].add(pk)
        yield Judged(f"{topic[1]} {place[1]}", frozenset([pk]), part)
    for _text in range(OTHERS):
        make_post("", " ".join(rng.choice(language["filler"]) for _sentence in range(8)), [], code, author)
    for typed, pks in (*by_topic.items(), *by_place.items()):
        yield Judged(typed, frozenset(pks), part)


def make_post(title: str, text: str, tags: list[str], language: str, author: User) -> int:
    values = {"title": title, "source": text, "language": language, "author": author, "status": Status.PUBLISHED}
    post = Post.objects.create(**values)
    post.tags.set(tags)
    entries_changed([post.pk])
    return int(post.pk)


def recall(judged: Judged, found: Sequence[int]) -> float:
    """Return the share of relevant texts, or of as many as fit there, that are among the first results."""
    return len(judged.relevant.intersection(found[:FIRST])) / min(FIRST, len(judged.relevant))


def precision(judged: Judged, found: Sequence[int]) -> float:
    """Return the share of the results that are relevant; 1 if nothing was found."""
    return len(judged.relevant.intersection(found)) / len(found) if found else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missed", action="store_true", help="list the searches that did not find everything")
    options = parser.parse_args()
    scratch_site.migrate()
    call_command("load_demo", verbosity=0)
    data = tomllib.loads(JUDGED.read_text())
    author = User.objects.create_user("judge")
    slugs = dict(Post.objects.values_list("slug", "pk"))
    judged = [Judged(typed, frozenset([slugs[slug]]), "demo", False) for typed, slug in data["demo"].items()]
    rng = random.Random(13)  # noqa: S311  # test data needs no secrecy
    for language in data["language"]:
        judged += make_texts(language, author, rng)
    site = SiteSettings.current()
    recalls: defaultdict[str, list[float]] = defaultdict(list)
    precisions: defaultdict[str, list[float]] = defaultdict(list)
    for each in judged:
        found = find_entries(parse(each.typed), site).pks
        value, exact = recall(each, found), precision(each, found)
        # Only the first half was used to tune the search.
        half = "held out" if zlib.crc32(each.typed.encode()) % 2 else "tuned with"
        for name in (each.part, half, "all"):
            recalls[name].append(value)
            if each.is_complete:
                precisions[name].append(exact)
        if options.missed and value < 1 and half == "tuned with":
            print(f"{each.part}: {each.typed}: {value:.2f}")
    print(f"{'':<14}{'searches':>10}{f'recall@{FIRST}':>12}{'precision':>12}")
    for name, values in recalls.items():
        exact_part = f"{fmean(precisions[name]):.3f}" if precisions[name] else ""
        print(f"{name:<14}{len(values):>10}{fmean(values):>12.3f}{exact_part:>12}".rstrip())


if __name__ == "__main__":
    main()
