"""Generates comments that are labelled as spam or not, for evaluating the filter. The output is always the same.

They are meant to be hard: spam praises the post and picks up its subject, and readers praise, link and mention money
too. The wording of spam changes over time, and a fifth of each kind uses the wording of the other.

    python benchmarks/labelled_comments.py 2000 | python manage.py evaluate_filter --file -
"""

import json
import random
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

LISTS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# Waves of spam, whose wording changes over time.
WAVES = (
    ("{praise} {casino} {site}", "{topic} {loan} {site}", "{praise} {pill} {site}", "{seo} {site} {seo} {site}"),
    ("{topic} {coin} {site}", "{praise} {seo} {site}", "{ruspam} http://{site}", "{zhspam} http://{site}"),
    ("{praise} {essay} {site}", "{coin} {site} {praise}", "{topic} {casino} {site} {ruspam}", "{loan} {pill} {site}"),
)
HAM = (
    "{open} {people} {did} {why}.",
    "{people} {did}. {open}",
    "{open} {subject} {why}, and {people} {did}.",
    "{open} {people} {did} {why}. {source}",
    *("{nl} {nl}", "{de} {de}", "{fr} {fr}", "{ru} {ru}", "{ar} {ar}", "{zh} {zh}", "{open} {nl}", "{de} {source}"),
)
# Nobody can tell these apart by their wording, so the filter must not act on them.
AMBIGUOUS = ("{praise}", "{praise} {praise}", "{praise} {people} {did} {why}.")
# Hard cases: readers who write about typical subjects of spam, and spam that says hardly anything.
HARD_HAM = (
    "{open} My uncle lost everything in an online casino, and {people} {did}.",
    "{people} {did}, so a loan was the only way. The bank asked {0-9}0% interest. {open}",
    "Is bitcoin the answer for activists whose accounts were closed? {open} {source}",
    *AMBIGUOUS,
    "The price of pills in {subject} story shocked me: no prescription, no doctor. {people} {did}.",
)
HARD_SPAM = (*AMBIGUOUS, "{open} {subject}. {site}", "{open} {people} {did}. http://{site}")

_SLOT = re.compile(r"\{(?:([a-z]+)|0-9)\}")


def _fill(pattern: str, rng: random.Random) -> str:
    def slot(match: re.Match[str]) -> str:
        return _fill(rng.choice(LISTS[match[1]]), rng) if match[1] else str(rng.randrange(10))

    return _SLOT.sub(slot, pattern)


def _with_typos(text: str, rng: random.Random) -> str:
    """Return `text` as spammers type it: a few letters are doubled, left out or replaced with a digit."""
    letters = (
        rng.choice((letter * 2, "", "0")) if letter.isalpha() and rng.random() < 0.01 else letter for letter in text
    )
    return "".join(letters)


def generate(count: int, seed: int = 2026) -> Iterator[dict[str, str | bool]]:
    """Yield `count` comments, half of them spam, in the format of `manage.py evaluate_filter --file`."""
    rng = random.Random(seed)  # noqa: S311  # test data needs no secrecy
    for position in range(count):
        is_spam, is_hard = rng.random() < 0.5, rng.random() < 0.2
        website = ""
        if is_spam:
            # Each wave begins before the last one has ended.
            wave = min(len(WAVES) - 1, max(0, int(rng.gauss(len(WAVES) * position / count, 0.6))))
            text = _with_typos(_fill(rng.choice(HARD_SPAM if is_hard else WAVES[wave]), rng), rng)
            if rng.random() < 0.6:
                website = f"https://{_fill('{site}', rng)}"
        else:
            text = _fill(rng.choice(HARD_HAM if is_hard else HAM), rng)
            if rng.random() < 0.2:
                website = _fill("https://reader{0-9}{0-9}.example", rng)
        yield {"text": text, "website": website, "spam": is_spam}


if __name__ == "__main__":
    for record in generate(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000):
        print(json.dumps(record, ensure_ascii=False))
