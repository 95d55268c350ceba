"""What an index holds, and what it finds."""

from typing import NamedTuple


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
    """The best of the newest hits, best first; and how many there are in all."""

    pks: list[int]
    total: int
