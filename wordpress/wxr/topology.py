"""Trees as exports have them: children before their parents, missing parents, cycles."""

from collections.abc import Hashable, Mapping


def parents_first[Key: Hashable](parents: Mapping[Key, Key | None]) -> tuple[list[Key], set[Key]]:
    """Return the keys of `parents`, each after its parent, and the keys whose parent must be ignored.

    The latter are one key of each cycle. Parents that are not keys themselves count as missing.
    """
    order: list[Key] = []
    done: set[Key] = set()
    roots_of_cycles: set[Key] = set()
    for start in parents:
        path: dict[Key, None] = {}
        at: Key | None = start
        while at is not None and at in parents and at not in done and at not in path:
            path[at] = None
            at = parents[at]
        upwards = list(path)
        if at is not None and at in path:
            roots_of_cycles.add(at)
            top = upwards.index(at)
            upwards = [*upwards[:top], *upwards[top + 1 :], at]
        order += reversed(upwards)
        done.update(path)
    return order, roots_of_cycles
