"""The documents in an index, and the results of finding them."""

from collections.abc import Sequence
from typing import NamedTuple


class Document(NamedTuple):
    """Tokens, separated by spaces, in the order of the text. If there are too many, the last ones are dropped."""

    pk: int
    tokens: str


class Found(NamedTuple):
    """The IDs of hits, in the requested order, and whether there are more."""

    pks: Sequence[int]
    has_more: bool = False
