"""Made-up comments of which it is known whether they are spam, to try the filter on. Own words, always the same.

They are meant to be hard: spam praises the post and takes up its subject, readers praise too, link and speak of
money; the wording of spam drifts with time; a fifth of either sort uses the words of the other.

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
# Families of spam: the first wave, and what they say later.
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
# Nobody can tell these apart by their words: the filter has to let them be.
ALIKE = ("{praise}", "{praise} {praise}", "{praise} {people} {did} {why}.")
# Hard cases: readers who talk about spam's own subjects, and spam that hardly says anything.
HARD_HAM = (
    "{open} My uncle lost everything in an online casino, and {people} {did}.",
    "{people} {did}, so a loan was the only way. The bank asked {0-9}0% interest. {open}",
    "Is bitcoin the answer for activists whose accounts were closed? {open} {source}",
    *ALIKE,
    "The price of pills in {subject} story shocked me: no prescription, no doctor. {people} {did}.",
)
HARD_SPAM = (*ALIKE, "{open} {subject}. {site}", "{open} {people} {did}. http://{site}")

_SLOT = re.compile(r"\{(?:([a-z]+)|0-9)\}")


def _fill(pattern: str, chance: random.Random) -> str:
    def slot(match: re.Match[str]) -> str:
        return _fill(chance.choice(LISTS[match[1]]), chance) if match[1] else str(chance.randrange(10))

    return _SLOT.sub(slot, pattern)


def _worn(text: str, chance: random.Random) -> str:
    """As spam is typed: a letter is doubled, left out or a number now and then."""
    letters = (
        chance.choice((sign * 2, "", "0")) if sign.isalpha() and chance.random() < 0.01 else sign for sign in text
    )
    return "".join(letters)


def generate(number: int, seed: int = 2026) -> Iterator[dict[str, str | bool]]:
    """`number` comments, half of them spam, as `manage.py evaluate_filter --file` reads them."""
    chance = random.Random(seed)  # noqa: S311  (the same each time, no secret)
    for position in range(number):
        is_spam, is_hard = chance.random() < 0.5, chance.random() < 0.2
        website = ""
        if is_spam:
            # Each wave begins before the last one has ended.
            wave = min(len(WAVES) - 1, max(0, int(chance.gauss(len(WAVES) * position / number, 0.6))))
            text = _worn(_fill(chance.choice(HARD_SPAM if is_hard else WAVES[wave]), chance), chance)
            if chance.random() < 0.6:
                website = f"https://{_fill('{site}', chance)}"
        else:
            text = _fill(chance.choice(HARD_HAM if is_hard else HAM), chance)
            if chance.random() < 0.2:
                website = _fill("https://reader{0-9}{0-9}.example", chance)
        yield {"text": text, "website": website, "spam": is_spam}


if __name__ == "__main__":
    for record in generate(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000):
        print(json.dumps(record, ensure_ascii=False))
