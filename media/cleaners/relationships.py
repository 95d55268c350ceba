"""Which parts of a Word, Excel or PowerPoint file refer to which (ISO/IEC 29500-2)."""

from collections.abc import Callable, Collection
from posixpath import dirname, join, normpath, split
from typing import Any

from media.cleaners.markup import parse


def relationships_of(name: str) -> str:
    """Return the name of the part that lists what this part refers to."""
    folder, file = split(name)
    return join(folder, "_rels", f"{file}.rels")


def target_of(relationship: Any, source: str) -> str | None:
    """Return the name of the part that a reference of the part `source` leads to; None if it leads elsewhere."""
    target = relationship.get("Target")
    if target is None or relationship.get("TargetMode") == "External":
        return None
    return str(target).lstrip("/") if target.startswith("/") else normpath(join(dirname(source), target))


def targets_of(name: str, names: Collection[str], read: Callable[[str], bytes]) -> dict[str, str | None]:
    """Return what a part refers to, by the ID of the reference, in a file with parts of these names."""
    listed = relationships_of(name)
    if listed not in names:
        return {}
    return {each.get("Id"): target_of(each, name) for each in parse(read(listed)).iter("*") if each.get("Id")}
