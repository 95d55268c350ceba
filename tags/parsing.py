"""Reading the names of tags from a line and writing them to one. Only commas separate them."""

from collections.abc import Iterable

from tags.models import Tag


def split_tags(line: str) -> list[str]:
    """Return the names in a line such as `human rights, NGOs`, without extra spaces, empty names and repetitions."""
    names = (" ".join(name.split()) for name in line.replace("،", ",").split(","))
    return list(dict.fromkeys(name for name in names if name))


def join_tags(tags: Iterable[Tag]) -> str:
    """Return the sorted names of `tags` on one line, from which `split_tags` reads the same names."""
    return ", ".join(sorted((tag.name for tag in tags), key=str.casefold))
