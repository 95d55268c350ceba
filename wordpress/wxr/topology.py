"""Trees in exports, which may have children before their parents, missing parents and cycles."""

from collections.abc import Hashable, Mapping


def parents_first[Key: Hashable](parents: Mapping[Key, Key | None]) -> tuple[list[Key], set[Key]]:
    """Return the keys of `parents`, each after its parent, and one key of each cycle, whose parent must be ignored.

    Parents that are not keys themselves count as missing.
    """
    order: list[Key] = []
    done: set[Key] = set()
    roots_of_cycles: set[Key] = set()
    for start in parents:
        path: dict[Key, None] = {}
        key: Key | None = start
        while key is not None and key in parents and key not in done and key not in path:
            path[key] = None
            key = parents[key]
        upwards = list(path)
        if key is not None and key in path:
            roots_of_cycles.add(key)
            upwards.remove(key)
            upwards.append(key)
        order += reversed(upwards)
        done.update(path)
    return order, roots_of_cycles
