"""The one way names of tags are read from a line and written to one: commas part them, nothing else does."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tags.models import Tag


def split_tags(line: str) -> list[str]:
    """`human rights, NGOs` as two names. Blanks are squeezed, empty and repeated names left out."""
    names = (" ".join(name.split()) for name in line.replace("،", ",").split(","))
    return list(dict.fromkeys(name for name in names if name))


def join_tags(tags: Iterable["Tag"]) -> str:
    """The names of `tags` on one line, sorted, so that `split_tags` reads the same names back."""
    return ", ".join(sorted((tag.name for tag in tags), key=str.casefold))
