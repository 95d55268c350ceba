"""The order of hits: by the part of the document that contains the words, and then the newest first.

Documents whose titles are exactly what was typed come before all others.

BM25 and the like have to count all documents with a word and to examine each hit. This ranking takes a few look-ups,
each of which ends as soon as there are enough hits, so that a search costs about the same on a blog of any size.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from search.indexes.base import Found, FullTextIndex
from search.indexes.queries import Expression, Group
from search.queries import Word, forms_of
from search.tiers import Tier


@dataclass(frozen=True, slots=True)
class Lookup:
    """A search in an index for documents with all of these words, in their forms in these languages.

    A document must also have one of each group of `labels`, contain nothing that is `excluded`, and not be `hidden`.
    `titled` are the labels of the title that was typed.
    """

    index: FullTextIndex
    words: Sequence[Word]
    languages: Sequence[str]
    labels: Sequence[Group]
    excluded: Group = ()
    hidden: Sequence[int] = ()
    titled: Group = ()

    def find(self, limit: int, *tiers: Tier, is_completed: bool = False) -> Found:
        """Return documents that contain all of the words in one of these tiers, those of the first tier first.

        In each tier, the newest come first. With `is_completed`, the last word may also be the beginning of a word.
        """
        groups = [
            tuple(forms_of(word, self.languages, tier, is_completed=is_completed) for word in self.words)
            for tier in tiers
        ]
        if self.titled and Tier.TITLE in tiers:
            groups.insert(0, (self.titled,))
        expressions = [Expression(words, tuple(self.labels), self.excluded) for words in groups]
        # Phrases are the same in two tiers.
        return self.index.find(list(dict.fromkeys(expressions)), limit=limit, hidden=self.hidden)

    @property
    def has_beginning(self) -> bool:
        """Whether the last word may be the beginning of a word."""
        return any(word.is_prefix for word in self.words)


def by_date(lookup: Lookup, limit: int) -> Found:
    """Return the newest documents. The last word is completed unless enough documents contain it as it is."""
    found = lookup.find(limit, Tier.ANYWHERE)
    return found if found.has_more or not lookup.has_beginning else lookup.find(limit, Tier.ANYWHERE, is_completed=True)


def by_match(lookup: Lookup, limit: int) -> Found:
    """Return entries with all of the words, those with the words in their titles first, then those of the other tiers.

    Unless these are enough, entries follow in which the last word is only the beginning of a word.
    """
    tiers = tuple(Tier) if lookup.words else (Tier.ANYWHERE,)
    found = lookup.find(limit, *tiers)
    if found.has_more or not lookup.has_beginning:
        return found
    pks = list(dict.fromkeys([*found.pks, *lookup.find(limit, *tiers, is_completed=True).pks]))
    return Found(pks[:limit], len(pks) > limit)


def by_any_match(lookup: Lookup, limit: int) -> Found:
    """Return entries with some of the words, those with the most words first. Rare words count more.

    For each word, only the newest entries are examined, `limit` in total.
    """
    each = limit // max(len(lookup.words), 1)
    scores: Counter[int] = Counter()
    for word in lookup.words:
        alone = replace(lookup, words=(word,))
        for found in (by_date(alone, each), alone.find(each, Tier.TAGS)):
            for pk in found.pks:
                # Like the IDF of TF-IDF, as far as frequencies are known: for common words, only up to the limit.
                scores[pk] += round(1000 * math.log(1 + each / len(found.pks)))
    return Found(sorted(scores, key=lambda pk: (-scores[pk], -pk))[:limit])
