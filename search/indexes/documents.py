"""What an index holds, and what it finds."""

from collections.abc import Sequence
from typing import NamedTuple


class Document(NamedTuple):
    """Tokens, separated by spaces, of which phrases follow each other. If there are too many, the last ones go."""

    pk: int
    tokens: str


class Found(NamedTuple):
    """The IDs of hits, in the order asked for; and whether there are more."""

    pks: Sequence[int]
    has_more: bool = False
