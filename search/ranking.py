"""The order of hits: by where their words are, and then the newest first.

BM25 and the like have to count all documents with a word, and to look at each hit. These take a few look-ups, each
of which ends as soon as there are enough hits, so that a search costs about the same on a blog of any size.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from search.indexes import entry_index
from search.indexes.documents import Found
from search.indexes.queries import Expression, Group
from search.queries import Word, forms_of
from search.tiers import Tier


@dataclass(frozen=True, slots=True)
class Lookup:
    """What is searched for among entries: all of these words, in the forms that they have in these languages.

    An entry must also have one of each group of `labels`, and nothing that is `excluded`, and not be `hidden`.
    """

    words: Sequence[Word]
    languages: Sequence[str]
    labels: Sequence[Group]
    excluded: Group = ()
    hidden: Sequence[int] = ()

    def find(self, limit: int, *tiers: Tier, is_completed: bool = False) -> Found:
        """Return entries that have all of the words in one of these tiers, those of the first tier first.

        The newest come first in each. With `is_completed`, the last word may also be the beginning of one.
        """
        expressions = [
            Expression(
                tuple(forms_of(word, self.languages, tier, is_completed=is_completed) for word in self.words),
                tuple(self.labels),
                self.excluded,
            )
            for tier in tiers
        ]
        return entry_index().find(expressions, limit=limit, hidden=self.hidden)

    @property
    def has_beginning(self) -> bool:
        """Whether the last word may be the beginning of one."""
        return any(word.is_prefix for word in self.words)


def by_date(lookup: Lookup, limit: int) -> Found:
    """Return the newest entries. The last word is completed unless enough entries have it as it is."""
    found = lookup.find(limit, Tier.ANYWHERE)
    return found if found.has_more or not lookup.has_beginning else lookup.find(limit, Tier.ANYWHERE, is_completed=True)


def by_match(lookup: Lookup, limit: int) -> Found:
    """Return entries with all of the words in their titles first, and then those of the other tiers.

    Then come those in which the last word is only the beginning of one, unless there are enough without them.
    """
    tiers = tuple(Tier) if lookup.words else (Tier.ANYWHERE,)
    found = lookup.find(limit, *tiers)
    if found.has_more or not lookup.has_beginning:
        return found
    pks = list(dict.fromkeys([*found.pks, *lookup.find(limit, *tiers, is_completed=True).pks]))
    return Found(pks[:limit], len(pks) > limit)


def by_any_match(lookup: Lookup, limit: int) -> Found:
    """Return entries with some of the words: first those with most of them, of which rare ones count more.

    For each word, only the newest are looked at, as many as make `limit` together.
    """
    each = limit // max(len(lookup.words), 1)
    scores: Counter[int] = Counter()
    for word in lookup.words:
        alone = replace(lookup, words=(word,))
        for found in (by_date(alone, each), alone.find(each, Tier.TAGS)):
            for pk in found.pks:
                # As in TF-IDF, as far as is known: of common words, only as many as were asked for.
                scores[pk] += round(1000 * math.log(1 + each / len(found.pks)))
    return Found(sorted(scores, key=lambda pk: (-scores[pk], -pk))[:limit])
