"""Queries of an index, independent of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

# How many documents are counted for each word.
MAX_COUNTED: Final = 1_000


class Phrase(NamedTuple):
    """Consecutive tokens. With `is_prefix`, the last one is only the beginning of a token.

    If there are `labels`, the document must also have one of them.
    """

    tokens: tuple[str, ...]
    is_prefix: bool = False
    labels: tuple[str, ...] = ()


# Any of these phrases. If there are none, nothing matches.
type Group = tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """One of each group of words and of labels, and nothing that is excluded. There must be at least one group."""

    words: tuple[Group, ...]
    labels: tuple[Group, ...] = ()
    excluded: Group = ()

    @property
    def is_impossible(self) -> bool:
        return not all((*self.words, *self.labels))


def with_labels(word: str, labels: Sequence[str]) -> Expression:
    """Return the expression that finds the documents with this token and all of these labels."""
    return Expression(tuple((Phrase((token,)),) for token in (word, *labels)))
