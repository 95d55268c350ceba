"""Trees as exports have them: children before their parents, parents that are missing, circles."""

from collections.abc import Hashable, Mapping


def parents_first[Key: Hashable](parents: Mapping[Key, Key | None]) -> tuple[list[Key], set[Key]]:
    """All keys of `parents`, each after its parent if that is a key too; and those whose parent must be forgotten.

    The latter are one of each circle: whoever stands under itself is a root.
    """
    order: list[Key] = []
    done: set[Key] = set()
    opened: set[Key] = set()
    for start in parents:
        way: dict[Key, None] = {}
        at: Key | None = start
        while at is not None and at in parents and at not in done and at not in way:
            way[at] = None
            at = parents[at]
        upwards = list(way)
        if at is not None and at in way:
            opened.add(at)
            top = upwards.index(at)
            upwards = [*upwards[:top], *upwards[top + 1 :], at]
        order += reversed(upwards)
        done.update(way)
    return order, opened
