"""What an index holds, and what it finds."""

from typing import Final, NamedTuple

# How many documents with all words in their titles are ranked besides the newest.
TITLES: Final = 100


class Document(NamedTuple):
    """Tokens, separated by spaces. A word in the title counts more than in the tags, and there more than in the text.

    `labels` are what queries filter by.
    """

    pk: int
    title: str
    tags: str
    text: str
    labels: str


class Found(NamedTuple):
    """The newest hits, in the order asked for; and whether there are more."""

    pks: list[int]
    has_more: bool = False
